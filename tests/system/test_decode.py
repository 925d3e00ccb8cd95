"""`heatwatt decode mbus` against recorded telegrams of real meters and their expected content.

Reads ../shared/data/mbus (HEATWATT_SHARED overrides) in place; skips, saying so, where it is missing. The program is
that of the build folder HEATWATT_BUILD (default: build).
"""

import json
import math
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

TOP = Path(os.environ.get("HEATWATT_TOP", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("HEATWATT_BUILD", TOP / "build"))
SHARED = Path(os.environ.get("HEATWATT_SHARED", TOP.parent / "shared")) / "data" / "mbus"

UNITS = {"m^3": "m3", "m^3/h": "m3/h", "°C": "degC", "Reserved": ""}
QUANTITIES = {
    "Time point (date)": "time_point",
    "Time point (date & time)": "time_point",
    "Fabrication No": "fabrication_number",
    "Model / Version": "model_version",
    "H.C.A.": "hca",
}
FUNCTIONS = {
    "Instantaneous value": "instantaneous",
    "Maximum value": "maximum",
    "Minimum value": "minimum",
    "Value during error state": "error",
    "Manufacturer specific": "manufacturer_specific",
    "More records follow": "more_records_follow",
    "Actual value": "instantaneous",
}
# Where the .norm.xml is wrong: (file, record, why). There our value follows the standard.
ODD = {
    ("landis+gyr_ultraheat_t230", 19): "VIFE 6F makes it a date; 0 is none",
    ("landis+gyr_ultraheat_t230", 20): "VIFE 6F makes it a date; 0 is none",
    ("landis+gyr_ultraheat_t230", 21): "VIFE 6F makes it a date",
    ("landis+gyr_ultraheat_t230", 22): "VIFE 6F makes it a date",
    ("landis+gyr_ultraheat_t230", 32): "year 127 is none",
    ("SEN_Pollustat", 12): "VIFE 50 makes it a duration",
    ("SEN_Pollustat", 13): "VIFE 58 makes it a duration",
    ("ACW_Itron-BM-plus-m", 2): "month 0 is none",
    ("itron_bm_+m", 2): "month 0 is none",
    ("siemens_wfh21", 3): "month 0 is none",
    ("REL-Relay-Padpuls2", 1): "bit 7 of the minutes: invalid",
}


def decode(*args, stdin=None):
    done = subprocess.run([str(BUILD / "heatwatt"), "decode", "mbus", *map(str, args)], input=stdin, capture_output=True, text=True, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def text_of(node, name):
    found = node.find(name)
    return (found.text or "") if found is not None else ""


def read_expected(path):
    """The records of a .norm.xml; its unit signs were encoded twice."""
    raw = path.read_text(encoding="utf-8").replace("Â°", "°")
    root = ET.fromstring(re.sub(r"<\?xml[^>]*\?>", "", raw))
    return text_of(root.find("SlaveInformation"), "Medium"), root.findall("DataRecord")


def wanted_quantity(node):
    quantity = text_of(node, "Quantity")
    if text_of(node, "Function") in ("Manufacturer specific", "More records follow"):
        return "manufacturer_specific"
    if text_of(node, "Unit") == "-" and not quantity.startswith("Time point"):
        return quantity  # the meter's own text
    return QUANTITIES.get(quantity, quantity.lower().replace(" ", "_"))


def value_agrees(got, wanted):
    if got is None or wanted == "":
        return got is None and wanted == ""
    if isinstance(got, (int, float)):
        return math.isclose(got, float(wanted), rel_tol=1e-12, abs_tol=5.1e-7)  # the files have 6 decimals
    return got == wanted


def disagreements(name):
    """What of the file's records differs from what we print."""
    status, lines, stderr = decode(SHARED / "good" / (name + ".hex"))
    if status != 0 or len(lines) != 1 or not lines[0]["ok"]:
        return [f"{name}: refused: {lines} {stderr}"]
    _, expected = read_expected(SHARED / "good" / (name + ".norm.xml"))
    got = lines[0]["records"]
    wrong = [] if len(got) == len(expected) else [f"{name}: {len(got)} records, not {len(expected)}"]
    for i, (g, e) in enumerate(zip(got, expected)):
        if (name, i) in ODD:
            continue
        unit = text_of(e, "Unit")
        pairs = [
            ("quantity", g["quantity"], wanted_quantity(e)),
            ("unit", g["unit"], UNITS.get(unit, unit)),
            ("function", g["function"], FUNCTIONS[text_of(e, "Function")]),
            ("storage", g["storage"], int(text_of(e, "StorageNumber") or 0)),
            ("tariff", g["tariff"], int(text_of(e, "Tariff") or 0)),
            ("subunit", g["subunit"], int(text_of(e, "Device") or 0)),
        ]
        wrong += [f"{name} record {i} {what}: {a!r}, not {b!r}" for what, a, b in pairs if a != b]
        if not value_agrees(g["value"], text_of(e, "Value")):
            wrong.append(f"{name} record {i} value: {g['value']!r}, not {text_of(e, 'Value')!r}")
    return wrong


@unittest.skipUnless(SHARED.is_dir(), f"no recorded telegrams at {SHARED}")
class RecordedTelegrams(unittest.TestCase):
    def test_the_heat_meters_agree_with_their_expected_content(self):
        names = sorted(p.name.removesuffix(".norm.xml") for p in (SHARED / "good").glob("*.norm.xml"))
        heat = [
            n
            for n in names
            if (m := read_expected(SHARED / "good" / (n + ".norm.xml"))[0]).startswith("Heat")
            and m != "Heat Cost Allocator"
            and n != "sen_pollusonic_2"
        ]
        self.assertEqual(len(heat), 12, heat)
        for name in heat:
            with self.subTest(name):
                self.assertEqual(disagreements(name), [])

    def test_all_other_meters_agree_but_for_what_is_listed(self):
        names = sorted(p.name.removesuffix(".norm.xml") for p in (SHARED / "good").glob("*.norm.xml"))
        self.assertGreaterEqual(len(names), 38)
        for name in names:
            if name != "sen_pollusonic_2":  # the fixed structure is given in kWh and litres there: tested below
                with self.subTest(name):
                    self.assertEqual(disagreements(name), [])

    def test_dates_that_the_expected_content_has_wrong_follow_the_standard(self):
        _, (t,), _ = decode(SHARED / "good" / "landis+gyr_ultraheat_t230.hex")
        self.assertEqual(t["records"][21]["quantity"], "time_point")
        self.assertEqual(t["records"][21]["value"], "2011-08-26T20:50:00Z")
        self.assertIsNone(t["records"][32]["value"])
        self.assertEqual(t["records"][32]["raw"], "00 00 E1 F1")
        _, (t,), _ = decode(SHARED / "good" / "SEN_Pollustat.hex")
        self.assertEqual(
            [(t["records"][i]["quantity"], t["records"][i]["unit"], t["records"][i]["value"]) for i in (12, 13)],
            [("duration", "s", 11582321), ("duration", "s", 756)],
        )
        _, (t,), _ = decode(SHARED / "good" / "REL-Relay-Padpuls2.hex")
        self.assertIsNone(t["records"][1]["value"])

    def test_the_fixed_structure_is_two_counters(self):
        status, (t,), _ = decode(SHARED / "good" / "sen_pollusonic_2.hex")
        self.assertEqual(status, 0)
        self.assertEqual((t["id"], t["medium"], t["access"]), ("90919293", "heat", 16))
        self.assertEqual(
            [(r["quantity"], r["unit"], r["value"]) for r in t["records"]],
            [("energy", "Wh", 6531000), ("volume", "m3", 0.069)],
        )

    def test_every_broken_telegram_is_refused_with_its_reason(self):
        wanted = {
            "application_busy": "APPLICATION",
            "error": "APPLICATION",
            "premature_end_of_data2": "LENGTH",
            "premature_end_of_dif2": "LENGTH",
            "premature_end_of_var_vif1": "LENGTH",
            "too_long_var_vif": "LENGTH",
            "too_many_difes": "APPLICATION",
            "too_many_records": "APPLICATION",
            "too_many_vifes": "APPLICATION",
            "unimplemented_ci": "APPLICATION",
        }
        names = {p.stem for p in (SHARED / "error").glob("*.hex")}
        self.assertLessEqual(set(wanted), names)
        for name in sorted(names):
            with self.subTest(name):
                status, lines, _ = decode(SHARED / "error" / (name + ".hex"))
                self.assertEqual(status, 1)
                self.assertEqual(len(lines), 1)
                self.assertFalse(lines[0]["ok"])
                self.assertEqual(set(lines[0]), {"ok", "reason", "at", "detail"})
                self.assertEqual(lines[0]["reason"], wanted.get(name, lines[0]["reason"]))


class CommandLine(unittest.TestCase):
    FRAME = "68 03 03 68 08 01 78 81 16"  # a reply without header and records

    def test_telegrams_one_after_another_are_each_decoded(self):
        golden = (TOP / "tests" / "frames" / "itron_cf55.hex").read_text()
        status, lines, _ = decode("-", stdin=golden + golden.replace("54 16", "55 16") + golden + "68 4D 4D 68 08")
        self.assertEqual(status, 1)
        self.assertEqual([line["ok"] for line in lines], [True, False, True, False])
        self.assertEqual([line.get("reason") for line in lines], [None, "CHECKSUM", None, "LENGTH"])
        self.assertEqual(lines[1]["at"], 81)

    def test_a_good_telegram_after_noise_and_a_cut_one_is_found(self):
        golden = (TOP / "tests" / "frames" / "itron_cf55.hex").read_text()
        status, lines, _ = decode(stdin="FF 00 " + golden[:60] + " " + golden)
        self.assertEqual(status, 1)
        self.assertEqual([line["ok"] for line in lines], [False, True])
        self.assertEqual(lines[1]["id"], "11127667")

    def test_white_space_and_comments_are_free(self):
        status, lines, _ = decode(stdin="# captured\n" + self.FRAME.replace(" ", "\n") + " # end")
        self.assertEqual((status, len(lines)), (0, 1))
        self.assertEqual(lines[0]["records"], [])
        self.assertIsNone(lines[0]["id"])

    def test_what_is_not_hex_is_named_with_its_line(self):
        for text, wanted in (
            ("68\n0y03", "standard input:2: 'y' is no hex digit"),
            ("68 03 # x\n03 6,8", "standard input:2: ',' after half an octet"),
            ("68 0", "standard input: half an octet at the end"),
            ("the meter said nothing", "standard input:1: 't' is no hex digit"),
        ):
            with self.subTest(text):
                status, lines, stderr = decode(stdin=text)
                self.assertEqual((status, lines), (1, []))
                self.assertIn(wanted, stderr)

    def test_octets_are_taken_as_people_write_them(self):
        octets = self.FRAME.split()
        for why, text in (
            ("lower case", self.FRAME.lower()),
            ("nothing between", "".join(octets)),
            ("C", ", ".join("0x" + o for o in octets) + ","),
            ("0X", " ".join("0X" + o for o in octets)),
            ("colons", ":".join(octets)),
            ("hyphens", "-".join(octets)),
            ("semicolons", ";".join(octets)),
            ("Windows", "\r\n".join(octets) + "\r\n"),
            ("a byte order mark", "\ufeff" + self.FRAME),
            ("a comment that is no ASCII", "# 45 \u00b0C\n" + self.FRAME),
            ("broken within an octet", self.FRAME.replace("7", "7\n")),
        ):
            with self.subTest(why):
                status, lines, stderr = decode(stdin=text)
                self.assertEqual((status, len(lines)), (0, 1), stderr)
                self.assertEqual(lines[0]["address"], 1)

    def test_a_capture_of_the_octets_themselves_is_read_too(self):
        golden = (TOP / "tests" / "frames" / "itron_cf55.hex").read_text()
        octets = bytes.fromhex("".join(line.partition("#")[0] for line in golden.splitlines()))
        done = subprocess.run([str(BUILD / "heatwatt"), "decode", "mbus"], input=octets, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), decode(stdin=golden)[1][0])
        done = subprocess.run([str(BUILD / "heatwatt"), "decode", "mbus"], input=bytes(range(256)), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertEqual({json.loads(line)["ok"] for line in done.stdout.splitlines()}, {False})

    def test_json_and_help_are_known_wherever_they_stand(self):
        golden = str(TOP / "tests" / "frames" / "itron_cf55.hex")
        for args in (["--json", golden], [golden, "--json"]):
            self.assertEqual(decode(*args)[1], decode(golden)[1])
        for args in (
            ["decode", "--help"],
            ["decode", "mbus", "--help"],
            ["decode", "modbus", "--help"],
            ["decode", "emon", "--help"],
            ["mbus", "--help"],
            ["mbus", "search", "--help"],
            ["mbus", "set-address", "--help"],
            ["mbus", "search", "/dev/null", "--help"],
        ):
            with self.subTest(args):
                done = subprocess.run([str(BUILD / "heatwatt")] + args, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("usage: heatwatt " + args[0], done.stdout)

    def test_empty_input_and_missing_files_fail(self):
        status, lines, _ = decode(stdin="")
        self.assertEqual((status, lines[0]["reason"]), (1, "LENGTH"))
        status, lines, stderr = decode("/nonexistent/telegram.hex")
        self.assertEqual((status, lines), (1, []))
        self.assertIn("/nonexistent/telegram.hex: No such file", stderr)

    def test_wrong_usage_is_2(self):
        for args in ([], ["knx"], ["mbus", "--loud"]):
            with self.subTest(args):
                done = subprocess.run([str(BUILD / "heatwatt"), "decode"] + args, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 2)
                self.assertIn("usage:", done.stderr)


if __name__ == "__main__":
    unittest.main()

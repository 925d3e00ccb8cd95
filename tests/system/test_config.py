"""heatwatt config check: exit status, what is printed where, secrets."""
import json
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
HEATWATT = pathlib.Path(os.environ.get("HEATWATT_BUILD", TOP / "build")) / "heatwatt"

WRONG = """version: 1
http: {prot: 80}
sources:
  - {id: hm, type: mbus, port: /dev/u, address: 1, poll_s: 5}
roles: {heat: hn}
"""

PUBLISHING = """version: 1
secrets: secrets.yaml
sources:
  - {id: hm, type: mbus, port: /dev/u, address: 1}
publish:
  - {id: e, type: emoncms, url: https://emoncms.example/, key_secret: emoncms_key}
"""

KEY = "0123456789abcdef0123456789abcdef"


def heatwatt(*args, given=None):
    return subprocess.run([HEATWATT, *args], capture_output=True, text=True, timeout=60, input=given)


class ConfigFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text, mode=0o600):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text)
        path.chmod(mode)
        return path


@unittest.skipUnless(HEATWATT.exists(), f"{HEATWATT} is not built")
class ConfigCheck(ConfigFolder):
    def test_every_error_is_listed_with_file_line_and_field(self):
        path = self.write("wrong.yaml", WRONG)
        done = heatwatt("config", "check", path)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 3, done.stderr)
        self.assertEqual(lines[0], f"{path}:2: http.prot: is not a known key, did you mean port?")
        self.assertTrue(lines[1].startswith(f"{path}:4: sources[0].poll_s: 5 is below the minimum 60 s"))
        self.assertEqual(lines[2], f'{path}:5: roles.heat: "hn" is not a source, did you mean hm?')

    def test_json_holds_the_same_errors(self):
        path = self.write("wrong.yaml", WRONG)
        done = heatwatt("config", "check", "--json", path)
        self.assertEqual(done.returncode, 1)
        answer = json.loads(done.stdout)
        self.assertFalse(answer["ok"])
        self.assertEqual(
            [(e["file"], e["line"], e["field"]) for e in answer["errors"]],
            [(str(path), 2, "http.prot"), (str(path), 4, "sources[0].poll_s"), (str(path), 5, "roles.heat")],
        )

    def test_a_right_file_is_summed_up(self):
        self.write("secrets.yaml", f"emoncms_key: {KEY}\n")
        path = self.write("right.yaml", PUBLISHING, 0o644)
        done = heatwatt("config", "check", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("sources: 1, channels: 8\n", done.stdout)
        answer = json.loads(heatwatt("config", "check", path, "--json").stdout)
        self.assertTrue(answer["ok"])
        self.assertEqual(answer["sources"], [{"id": "hm", "type": "mbus", "channels": 8}])
        self.assertEqual(answer["publishers"], [{"id": "e", "url": "https://emoncms.example/"}])
        self.assertNotIn(KEY, done.stdout + json.dumps(answer))

    def test_secrets_others_can_read_are_refused_by_check_and_run(self):
        secrets = self.write("secrets.yaml", f"emoncms_key: {KEY}\n", 0o640)
        path = self.write("f.yaml", PUBLISHING, 0o644)
        for command in (("config", "check", path), ("run", "--config", path)):
            with self.subTest(command=command[0]):
                done = heatwatt(*command)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"chmod 600 {secrets}", done.stderr)
                self.assertNotIn(KEY, done.stdout + done.stderr)
        self.assertEqual(stat.S_IMODE(secrets.stat().st_mode), 0o640)

    def test_run_lists_the_same_errors_and_starts_nothing(self):
        path = self.write("wrong.yaml", WRONG)
        done = heatwatt("run", "--config", path)
        self.assertEqual(done.returncode, 1)
        for part in (":2: http.prot: ", ":4: sources[0].poll_s: ", ":5: roles.heat: "):
            self.assertIn(f"{path}{part}", done.stderr)
        self.assertEqual([p.name for p in pathlib.Path(self.folder.name).iterdir()], ["wrong.yaml"])

    def test_presets_are_listed_with_their_sources(self):
        done = heatwatt("config", "presets")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^YHDC SCT-013-000 +2000 A : 1 A +2.50 to 3.10 +\+-3 % from 10 to 120 A")
        models = json.loads(heatwatt("config", "presets", "--json").stdout)
        self.assertGreater(len(models["ct_models"]), 50)
        self.assertTrue(all(m["source"] for m in models["ct_models"] + models["vt_models"]))
        one = heatwatt("config", "presets", "Mascot 9580")
        self.assertIn("5.70 degrees, ratio x 1 at 253 V", one.stdout)
        none = heatwatt("config", "presets", "SCT")
        self.assertEqual((none.returncode, none.stdout), (1, ""))

    def test_wrong_usage_is_status_2(self):
        for args in ([], ["check"], ["check", "a", "b"], ["check", "--wrong", "a"], ["frobnicate"]):
            with self.subTest(args=args):
                done = heatwatt("config", *args)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("usage: heatwatt config check", done.stderr)

    def test_the_reference_page_is_what_the_program_prints(self):
        done = heatwatt("config", "reference")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, (TOP / "docs" / "CONFIG.md").read_text())


@unittest.skipUnless(HEATWATT.exists(), f"{HEATWATT} is not built")
class ConfigAdd(ConfigFolder):
    BEFORE = "version: 1  # the only one\nsources:\n  - {id: hm, type: mbus, port: /dev/u, address: 1}\n\n# end\n"
    ITEM = "- id: b\n  type: mbus\n  port: /dev/u\n  address: 2\n"
    AFTER = BEFORE.replace("\n\n", "\n  - id: b\n    type: mbus\n    port: /dev/u\n    address: 2\n\n")

    def test_a_source_of_a_file_or_of_standard_input_is_added(self):
        for given in (None, self.ITEM):
            path = self.write("f.yaml", self.BEFORE)
            item = "-" if given else self.write("item.yaml", self.ITEM)
            done = heatwatt("config", "add", "--check", path, item, given=given)
            self.assertEqual((done.returncode, done.stdout, path.read_text()), (0, f"{path}: would be right\n", self.BEFORE))
            done = heatwatt("config", "add", path, item, given=given)
            self.assertEqual((done.returncode, done.stderr, path.read_text()), (0, "", self.AFTER))
            self.assertIn(f"{path}.bak", done.stdout)
            self.assertEqual(pathlib.Path(f"{path}.bak").read_text(), self.BEFORE)
            self.assertEqual(heatwatt("config", "check", path).returncode, 0)

    def test_what_is_wrong_is_told_and_nothing_written(self):
        for item, part in ((self.ITEM.replace("2", "one"), "sources[1].address: "), (self.ITEM.replace("b", "hm", 1), '"hm" is taken'),
                           ("id: b\n", "new source:1: is not a source"), ("", "new source: is empty")):
            path = self.write("f.yaml", self.BEFORE)
            done = heatwatt("config", "add", path, "-", given=item)
            self.assertEqual((done.returncode, done.stdout, path.read_text()), (1, "", self.BEFORE), item)
            self.assertIn(part, done.stderr)
            self.assertTrue(done.stderr.endswith(f"{path}: nothing was changed\n"))
        done = heatwatt("config", "add", self.folder.name + "/none.yaml", "-", given=self.ITEM)
        self.assertEqual(done.returncode, 1)
        self.assertIn("none.yaml: cannot be read: No such file", done.stderr)

    def test_usage(self):
        for args, code in ((["--help"], 0), ([], 2), (["f"], 2), (["f", "g", "h"], 2), (["--chekc", "f", "-"], 2), (["-", "f"], 2)):
            self.assertEqual(heatwatt("config", "add", *args).returncode, code, args)


if __name__ == "__main__":
    unittest.main()

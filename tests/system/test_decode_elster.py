"""`heatwatt decode elster` on recordings of an A100C's light, made here from the meter's description, in each form that people
have: lines of gpiomon, the kernel's events, octets of a serial port."""

import json
import os
import struct
import subprocess
import unittest
from pathlib import Path

TOP = Path(os.environ.get("HEATWATT_TOP", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("HEATWATT_BUILD", TOP / "build"))
HEAD = b"Elster A100C1-00100-B\x12\x34\x56\x00\x17UTIL000000001234"
PACKETS = 8
START_NS = 1_700_000_000_123_456_789


def bcd(wh):
    return bytes.fromhex(f"{wh:010d}")


def packet(import_wh, export_wh):
    """01 00 68 02, 104 octets, 03, the sum of all before it."""
    body = bytearray(104)
    body[: len(HEAD)] = HEAD
    body[45:50] = bcd(import_wh)
    body[55:60] = bcd(export_wh)
    body[90] = 3
    whole = b"\x01\x00\x68\x02" + bytes(body) + b"\x03"
    return whole + bytes([sum(whole) & 255])


def packets():
    """One each second, 1 Wh more each time."""
    return [packet(12345678 + i, 2345) for i in range(PACKETS)]


def flashes(baud=2400):
    """Times in ns: one for each start bit and each 0 bit."""
    bit_ns = 1e9 / baud
    for second, octets in enumerate(packets()):
        for i, c in enumerate(octets):
            for bit in range(9):
                if bit == 0 or not c >> (bit - 1) & 1:
                    yield START_NS + int(second * 1e9 + (10 * i + bit) * bit_ns)


def decode(text, *args):
    text = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([str(BUILD / "heatwatt"), "decode", "elster", *args], input=text, capture_output=True, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def gpiomon(edges):
    """Version 2 of libgpiod: both edges, a flash of 100 us."""
    out = []
    for t in edges:
        for at, what in ((t, "falling"), (t + 100_000, "rising")):
            out.append(f"{at // 10**9}.{at % 10**9:09d}\t{what}\t\"gpiochip0\" 17")
    return "\n".join(out) + "\n"


class Recordings(unittest.TestCase):
    def check(self, text, *args):
        status, lines, stderr = decode(text, *args)
        self.assertEqual((status, stderr), (0, ""))
        *got, summary = lines
        self.assertEqual(len(got), PACKETS)
        self.assertEqual([p["import_wh"] for p in got], [[12345678 + i, 0] for i in range(PACKETS)])
        self.assertEqual({(p["model"], p["product"], p["serial"], p["power_fails"]) for p in got}, {("A100C", "Elster A100C", "UTIL000000001234", 3)})
        self.assertEqual(got[0]["export_wh"], [2345, 0])
        # Two packets before a value and two after must agree with it; the first begins the count.
        self.assertEqual([p["published"] is not None for p in got].count(True), PACKETS - 4)
        first = next(p["published"] for p in got if p["published"])
        self.assertEqual((first["begins"], first["import_wh"]), (True, 12345680))
        self.assertEqual((summary["baud"], summary["packets"], summary["CHECKSUM"]), (2400, PACKETS, 0))
        return got, summary

    def test_lines_of_gpiomon(self):
        got, summary = self.check(gpiomon(flashes()))
        self.assertAlmostEqual(got[0]["t_s"], START_NS / 1e9, places=3)
        self.assertEqual(summary["flashes"], sum(1 for _ in flashes()))
        old = "".join(
            f"event: {what} EDGE offset: 17 timestamp: [{at // 10**9:8d}.{at % 10**9:09d}]\n"
            for t in flashes()
            for at, what in ((t, "RISING"), (t + 100_000, "FALLING"))
        )
        self.check(old)

    def test_plain_numbers_and_units(self):
        self.check("# flashes of a meter\n\n" + "".join(f"{t}\n" for t in flashes()))
        self.check("".join(f"{t // 1000} # us\r\n" for t in flashes()), "--unit", "us")
        self.check("".join(f"{(t - START_NS) / 1e6 + 5:.4f}\n" for t in flashes()), "--unit", "ms")

    def test_the_edge_that_begins_a_flash_can_be_told(self):
        text = "0.5 rising\n" + gpiomon(flashes())
        self.assertEqual(decode(text)[1][-1]["flashes"], 1 + sum(1 for _ in flashes()))
        self.check(text, "--edge", "falling", "--baud", "2400")

    def test_events_of_the_kernel(self):
        events = b"".join(struct.pack("=QIIII24x", t, 1, 17, i, i) + struct.pack("=QIIII24x", t + 100_000, 2, 17, i, i) for i, t in enumerate(flashes()))
        self.check(events)
        status, lines, stderr = decode(events[:-1])
        self.assertEqual((status, lines[-1]["packets"]), (1, 0))
        self.assertIn("standard input: neither text nor whole line events of 48 octets", stderr)

    def test_octets_of_a_serial_port(self):
        octets = b"".join(packets())
        _, summary = self.check(octets, "--characters")
        self.assertEqual(summary["characters"], 110 * PACKETS)
        self.check(octets.hex(" "), "--characters", "--baud", "2400")

    def test_a_damaged_packet_is_counted_and_not_believed(self):
        octets = bytearray(b"".join(packets()))
        octets[110 + 50] ^= 1
        status, lines, _ = decode(bytes(octets), "--characters")
        self.assertEqual((status, lines[-1]["packets"], lines[-1]["CHECKSUM"]), (0, PACKETS - 1, 1))

    def test_what_holds_no_packet_fails(self):
        for text, why in (("", None), ("1.0\n2.0\n", None), ("1.0\nnever\n", "standard input:2: no time stamp"), ("9" * 30, "time stamp too large")):
            with self.subTest(text):
                status, lines, stderr = decode(text)
                self.assertEqual((status, lines[-1]["packets"]), (1, 0))
                self.assertIn(why or "", stderr)
        self.assertEqual(decode("", "/nonexistent")[0], 1)
        for args in (["--loud"], ["--baud", "1200"], ["--edge", "both"], ["--unit", "h"], ["--max-w", "0"], ["--baud"]):
            with self.subTest(args):
                status, _, stderr = decode("", *args)
                self.assertEqual(status, 2)
                self.assertIn("usage: heatwatt decode elster", stderr)


if __name__ == "__main__":
    unittest.main()

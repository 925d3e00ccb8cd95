#!/usr/bin/env python3
"""Turns data/vfs/sensors.txt into a C table: vfs_sensors.py sensors.txt out.c

Every cell is checked; a wrong one ends the build with FILE:LINE and what is wrong.
"""

import re
import sys
from pathlib import Path


class Wrong(Exception):
    pass


def thousandths(cell):
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", cell):
        raise Wrong(f"'{cell}' is not a number with at most three decimals")
    return round(float(cell) * 1000)


def row(line):
    cells = [c.strip() for c in line.split("|")]
    if len(cells) != 6:
        raise Wrong(f"{len(cells)} columns, not 6")
    name, least, most, low, high, source = cells
    if not re.fullmatch(r"[a-z0-9_]{1,23}", name) or not source:
        raise Wrong("no name, or no source")
    least, most, low, high = thousandths(least), thousandths(most), thousandths(low), thousandths(high)
    if not (least < most and low < high):
        raise Wrong("does not rise")
    return name, '    {"%s", {%d, %d, %d, %d}},' % (name, least, most, low, high)


def main():
    path, rows, names = Path(sys.argv[1]), [], set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            if line.strip() and not line.startswith("#"):
                name, text = row(line)
                if name in names:
                    raise Wrong(f"{name} stands twice")
                names.add(name)
                rows.append(text)
        except Wrong as wrong:
            sys.exit(f"{path}:{number}: {wrong}")
    Path(sys.argv[2]).write_text(
        f'/* Generated from {path.name} by tools/vfs_sensors.py. */\n#include "daemon/drivers/analog.h"\n\n'
        "const struct analog_sensor analog_sensors[] = {\n" + "\n".join(rows) + "\n};\n"
        "const size_t analog_sensor_count = sizeof(analog_sensors) / sizeof(analog_sensors[0]);\n")


if __name__ == "__main__":
    main()

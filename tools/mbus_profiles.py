#!/usr/bin/env python3
"""Turns data/mbus/profiles.txt into a C table: mbus_profiles.py profiles.txt out.c

Every cell is checked; a wrong one ends the build with FILE:LINE and what is wrong.
"""

import re
import sys
from pathlib import Path

COLUMNS = "name maker version medium battery_s mains_s telegrams pages rules oddities source".split()
QUANTITIES = {"power_factor", "frequency", "voltage", "current", "power", "energy", "skip"}
ORDER_MAX, PAGES_MAX, RULES_MAX, VIF_MAX = 15, 4, 4, 4


class Wrong(Exception):
    pass


def number(cell, low, high):
    if not cell.isdigit() or not low <= int(cell) <= high:
        raise Wrong(f"'{cell}' is not a number from {low} to {high}")
    return int(cell)


def octet_or_any(cell):
    if cell == "*":
        return -1
    if not re.fullmatch(r"[0-9A-F]{2}", cell):
        raise Wrong(f"'{cell}' is neither two hex digits nor *")
    return int(cell, 16)


def maker(cell):
    if cell == "-":
        return -1
    if not re.fullmatch(r"[A-Z]{3}", cell):
        raise Wrong(f"'{cell}' is neither three letters nor -")
    a, b, c = (ord(x) - 64 for x in cell)
    return a << 10 | b << 5 | c


def octets(cell, most):
    parts = re.findall(r"[0-9A-F]{2}", cell)
    if not parts or len(parts) > most or "".join(parts) != cell.replace(" ", ""):
        raise Wrong(f"'{cell}' is not 1 to {most} octets in hex")
    return ["0x" + p for p in parts]


def pages(cell):
    rows = []
    for page in [p.strip() for p in cell.split(";")]:
        o = [] if page == "-" else octets(page, ORDER_MAX)
        rows.append("{%d, {%s}}" % (len(o), ", ".join(o) or "0"))
    if len(rows) > PAGES_MAX:
        raise Wrong(f"more than {PAGES_MAX} pages")
    return rows


def rules(cell):
    rows = []
    for rule in [r.strip() for r in cell.split(";")] if cell != "-" else []:
        m = re.fullmatch(r"([0-9A-F ]+)(?:\.(\d+))?=([a-z_]+)(?:\*10\^(-?\d+))?", rule)
        if not m or m[3] not in QUANTITIES:
            raise Wrong(f"'{rule}' is no rule: VIF[.k]=quantity[*10^n]")
        vif = octets(m[1], VIF_MAX)
        quantity = "HWT_Q_NONE" if m[3] == "skip" else "HWT_Q_" + m[3].upper()
        rows.append("{%d, {%s}, %s, %s, %s}" % (len(vif), ", ".join(vif), m[2] or 0, quantity, m[4] or 0))
    if len(rows) > RULES_MAX:
        raise Wrong(f"more than {RULES_MAX} rules")
    return rows


def row(cells):
    c = dict(zip(COLUMNS, cells))
    if len(cells) != len(COLUMNS):
        raise Wrong(f"{len(cells)} columns, not {len(COLUMNS)}")
    if not re.fullmatch(r"[a-z0-9_]{1,31}", c["name"]):
        raise Wrong(f"'{c['name']}' is no name")
    if not c["source"]:
        raise Wrong("no source")
    p, r = pages(c["pages"]), rules(c["rules"])
    return c["name"], (maker(c["maker"]), c["version"], c["medium"]), (
        '    {.name = "%s", .maker = %d, .version = %d, .medium = %d, .battery_s = %d, .mains_s = %d, .telegrams = %d,\n'
        "     .pages = %d, .page = {%s}, .rules = %d, .rule = {%s}},\n"
    ) % (
        c["name"], maker(c["maker"]), octet_or_any(c["version"]), octet_or_any(c["medium"]),
        number(c["battery_s"], 1, 86400), number(c["mains_s"], 1, 86400), number(c["telegrams"], 1, 8),
        len(p), ", ".join(p), len(r), ", ".join(r) or "{0}",
    )  # fmt: skip


def main():
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    rows, names, keys = [], set(), set()
    for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            try:
                name, key, text = row([cell.strip() for cell in line.split("|")])
                if name in names or (key in keys and key[0] != -1):
                    raise Wrong("a second row of that name, or of that maker, version and medium")
            except Wrong as wrong:
                sys.exit(f"{path}:{at}: {wrong}")
            names.add(name)
            keys.add(key)
            rows.append(text)
    out.write_text(
        "/* Made from data/mbus/profiles.txt by tools/mbus_profiles.py. */\n"
        '#include "daemon/drivers/mbus_profile.h"\n\n'
        "const struct mbus_profile mbus_profiles[] = {\n" + "".join(rows) + "};\n\n"
        "const size_t mbus_profile_count = sizeof(mbus_profiles) / sizeof(mbus_profiles[0]);\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Include arrows: every #include of ours must follow the table in ARCHITECTURE.md.

usage: check_layers.py TOP

The table is the lines between `<!-- arrows -->` and `<!-- /arrows -->`: `| from | may include |`. A file belongs to the
longest `from` that its path starts with. Exit 1 on any other arrow, naming file and line.
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*(?:include|include_next|import)\b\s*(.*)')
NAME = re.compile(r'([<"])([^">]+)[">]')
FOLDERS = ('core', 'daemon', 'sim', 'firmware')
FREESTANDING = {'stdint.h', 'stdbool.h', 'stddef.h', 'limits.h', 'string.h'}
FLOAT_FOLDERS = ('core/meter/', 'core/heat/')


def read_table(top):
    text = (top / 'ARCHITECTURE.md').read_text()
    body = text.split('<!-- arrows -->')[1].split('<!-- /arrows -->')[0]
    table = {}
    for line in body.splitlines():
        cells = [c.strip().replace('`', '') for c in line.strip().strip('|').split('|')]
        if len(cells) == 2 and cells[0] and cells[0] != 'from' and not cells[0].startswith('-'):
            table[cells[0]] = cells[1].split()
    return table


def owner(path, table):
    return max((f for f in table if path.startswith(f)), key=len, default=None)


def check_line(path, number, line, table, top):
    directive = INCLUDE.match(line)
    if not directive:
        return None
    m = NAME.match(directive.group(1))
    if not m:
        return f'{path}:{number}: what is included must be written out, not {directive.group(1)}'
    system, name = m.group(1) == '<', m.group(2)
    if '..' in name.split('/'):
        return f'{path}:{number}: "{name}" leads out of its folder'
    if system and (top / name).exists():
        return f'{path}:{number}: ours are included as "{name}", not <{name}>'
    if system:
        allowed = FREESTANDING | ({'math.h'} if path.startswith(FLOAT_FOLDERS) else set())
        if path.startswith('core/') and name not in allowed:
            return f'{path}:{number}: core is freestanding, not <{name}>'
        return None
    if not (top / name).exists():
        return f'{path}:{number}: "{name}" is not a path from the top'
    source = owner(path, table)
    if source is None:
        return f'{path}:{number}: no row of the arrow table is for this file'
    same = Path(name).parent == Path(path).parent
    if same or any(name.startswith(f) for f in table[source]):
        return None
    return f'{path}:{number}: {source} must not include "{name}"'


def main():
    top = Path(sys.argv[1])
    table = read_table(top)
    bad = []
    files = 0
    for folder in FOLDERS:
        for p in sorted((top / folder).rglob('*.[ch]')):
            files += 1
            path = p.relative_to(top).as_posix()
            for number, line in enumerate(p.read_text().splitlines(), 1):
                found = check_line(path, number, line, table, top)
                if found:
                    bad.append(found)
    for b in bad:
        print(b, file=sys.stderr)
    if files == 0:
        print('check_layers: no files found', file=sys.stderr)
        return 1
    print(f'check_layers: {files} files, {len(table)} rows, {len(bad)} wrong arrows')
    return 1 if bad else 0


sys.exit(main())

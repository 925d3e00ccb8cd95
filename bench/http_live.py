#!/usr/bin/env python3
"""Our HTTP server alone beside bare libmicrohttpd, the same bytes: wrk, keep-alive, both in turn.

usage: http_live.py BUILD [SIZE [ROUNDS]]
"""
import re
import statistics
import subprocess
import sys
from pathlib import Path

BUILD = Path(sys.argv[1])
SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 6000
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
SECONDS, CONNECTIONS, GOAL = 2, 16, 70.0


def start(name):
    p = subprocess.Popen([BUILD / 'bench' / name, str(SIZE)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    return p, p.stdout.readline().decode().split()[1]


def cpu_us(pid):
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 10_000


def measure(process, url):
    """(requests a second, CPU us a request)"""
    before = cpu_us(process.pid)
    text = subprocess.run(['wrk', '-t1', f'-c{CONNECTIONS}', f'-d{SECONDS}s', url], capture_output=True,
                          check=True).stdout.decode()
    assert 'Non-2xx' not in text, text
    count = int(re.search(r'(\d+) requests in', text).group(1))
    return float(re.search(r'Requests/sec:\s+([\d.]+)', text).group(1)), (cpu_us(process.pid) - before) / count


def main():
    bare, bare_url = start('bare_mhd')
    ours, our_url = start('http_live')
    try:
        rows = [(measure(ours, our_url + 'api/v1/live'), measure(bare, bare_url)) for _ in range(ROUNDS)]
    finally:
        for p in (bare, ours):
            p.terminate()
            p.wait()
    ratio = statistics.median(100 * a[0] / b[0] for a, b in rows)
    print(f'/api/v1/live, {SIZE} bytes, {CONNECTIONS} connections, median of {ROUNDS} rounds in turn')
    print(f'{"figure":<44}{"value":>10}{"goal":>10}')
    for i, name in enumerate(('our server', 'bare libmicrohttpd')):
        print(f'{name + ", requests/s":<44}{statistics.median(r[i][0] for r in rows):>10.0f}')
        print(f'{name + ", CPU us a request":<44}{statistics.median(r[i][1] for r in rows):>10.2f}')
    print(f'{"ratio, %":<44}{ratio:>10.1f}{">= %.0f" % GOAL:>10}')


main()

#!/usr/bin/env python3
"""/api/v1/live beside a bare libmicrohttpd that answers as many bytes: wrk, keep-alive, both in turn in one run.

usage: http.py BUILD [ROUNDS]
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ['HEATWATT_BUILD'] = sys.argv[1]
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tests/system'))
from harness import BUILD, Daemon, Plant, Program, first_line, wait_for, write_config  # noqa: E402

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SECONDS, CONNECTIONS, GOAL = 3, 16, 70.0


def wrk(url):
    out = subprocess.run(['wrk', '-t1', f'-c{CONNECTIONS}', f'-d{SECONDS}s', url], capture_output=True, check=True)
    text = out.stdout.decode()
    assert 'Non-2xx' not in text, text
    return float(re.search(r'Requests/sec:\s+([\d.]+)', text).group(1))


def main():
    with tempfile.TemporaryDirectory(prefix='heatwatt-bench-') as folder:
        plant = Plant(folder, speed=1)
        daemon = Daemon(write_config(plant))
        wait_for('values', lambda: daemon.value('hp_power') is not None)
        _, body = daemon.status('/api/v1/live')
        bare = Program([BUILD / 'bench/bare_mhd', str(len(body))], folder, 'bare')
        bare_url = first_line(bare.process, 10, 'bare_mhd').split()[-1]
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(wrk(daemon.url + '/api/v1/live'))
            theirs.append(wrk(bare_url))
        ratio = statistics.median(100 * a / b for a, b in zip(ours, theirs))
        bare.stop()
        daemon.stop()
        plant.stop()
    print(f'/api/v1/live, {len(body)} bytes, {CONNECTIONS} connections, median of {ROUNDS} rounds in turn')
    print(f'{"figure":<44}{"value":>10}{"goal":>10}')
    print(f'{"heatwatt, requests/s":<44}{statistics.median(ours):>10.0f}')
    print(f'{"bare libmicrohttpd, requests/s":<44}{statistics.median(theirs):>10.0f}')
    print(f'{"ratio, %":<44}{ratio:>10.1f}{">= %.0f" % GOAL:>10}')


main()

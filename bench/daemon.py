#!/usr/bin/env python3
"""What the daemon costs: CPU of all its threads and its private memory over a minute at speed 1, with one client on the
event stream, the full sample stream and a heat meter.

usage: daemon.py BUILD [SECONDS]
"""
import os
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

os.environ['HEATWATT_BUILD'] = sys.argv[1]
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tests/system'))
from harness import Daemon, Plant, wait_for, write_config  # noqa: E402

SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 60
CPU_GOAL, MEMORY_GOAL_MB = 2.0, 10.0


def cpu_seconds(pid):
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def private_kb(pid):
    lines = Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()
    return sum(int(l.split()[1]) for l in lines if l.startswith('Private_'))


def listen(url):
    try:
        with urllib.request.urlopen(url + '/api/v1/events', timeout=30) as reply:
            for _ in reply:
                pass
    except OSError:
        pass


def main():
    with tempfile.TemporaryDirectory(prefix='heatwatt-bench-') as folder:
        plant = Plant(folder, speed=1)
        daemon = Daemon(write_config(plant))
        wait_for('values', lambda: daemon.value('hp_power') is not None)
        threading.Thread(target=listen, args=(daemon.url,), daemon=True).start()
        pid = daemon.process.pid
        began, used, peak = time.monotonic(), cpu_seconds(pid), private_kb(pid)
        while time.monotonic() - began < SECONDS:
            time.sleep(1)
            peak = max(peak, private_kb(pid))
        took = time.monotonic() - began
        cpu = 100 * (cpu_seconds(pid) - used) / took
        daemon.stop()
        plant.stop()
    print(f'the daemon over {took:.0f} s at speed 1, one event client')
    print(f'{"figure":<44}{"value":>10}{"goal":>10}')
    print(f'{"CPU of all threads, % of one core":<44}{cpu:>10.2f}{"<= %.1f" % CPU_GOAL:>10}')
    print(f'{"peak private memory (smaps_rollup), MB":<44}{peak / 1024:>10.2f}{"<= %.1f" % MEMORY_GOAL_MB:>10}')


main()

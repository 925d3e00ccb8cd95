"""Long queries by slow clients delay no record: twenty of them on months of raw rows, beside a plant that goes on."""
import concurrent.futures
import http.client
import json
import os
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from harness import HEATWATT, START, SystemTest, wait_for, write_config

INSTRUMENTED = b'__asan_init' in HEATWATT.read_bytes()  # slow, and large
DAYS = 10 if INSTRUMENTED else 365
DAY_MS = 86_400_000
SERIES = ('hp_power,grid_power,solar_power,hob_power,oven_power,fridge_power,lights_power,sockets_power,grid_import,grid_export,'
          'hp_import,solar_import,heatmeter_power,heatmeter_energy,heatmeter_flow_t,heatmeter_return_t')
PATH = f'/api/v1/query?series={SERIES}&from={(START - DAYS * 86400) * 1000}&to={START * 1000}&step=raw&tz=UTC&format='
CLIENTS = 20
SLOW_S = 5
LATE_S = 1.5  # later than the earliest of all; a record waits up to a second for its commit
ANONYMOUS_KB = 8 * 1024  # of the daemon in all; its libraries' pages come on top, where no other program has them
CLIENT_KB = 100


class Events(threading.Thread):
    """All that an event stream brings, with the time it came."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.connection.request('GET', '/api/v1/events')
        self.reply = self.connection.getresponse()
        self.records, self.live = [], []
        self.start()

    def run(self):
        event = None
        try:
            while line := self.reply.readline().decode():
                if line.startswith('event: '):
                    event = line.split()[1]
                elif line.startswith('data: '):
                    data = json.loads(line[6:])
                    if event == 'record':
                        self.records.append((time.monotonic(), data))
                    elif event == 'live':
                        self.live.append(time.monotonic())
        except (OSError, ValueError, AttributeError):
            pass  # closed by the test

    def close(self):
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self.reply.close()
        self.connection.close()


class SlowClient:
    """Takes a few KiB now and then, through the smallest of buffers."""

    def __init__(self, address, form):
        self.got = b''
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(address)
        self.socket.sendall(f'GET {PATH}{form} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())

    def read_some(self):
        piece = self.socket.recv(4096)
        assert piece, 'the server ended the answer of a slow client'
        self.got += piece


def anonymous_kb(pid):
    """Memory that no file backs."""
    lines = Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()[1:]
    return next(int(line.split()[1]) for line in lines if line.startswith('Anonymous:'))


class SlowClients(SystemTest):
    def setUp(self):
        super().setUp()
        os.environ.pop('GLIBC_TUNABLES', None)  # which fills what is only reserved: this file's memory would be another's
        csv = self.folder / 'history.csv'
        self.site = self.plant(seed=1, extra=('--history', DAYS, '--csv', csv), ready_s=60)
        subprocess.run([HEATWATT, 'log', 'import', self.folder / 'data', csv, '--provenance', 'simulated', '--quiet'], check=True)
        csv.unlink()
        self.running = self.daemon(write_config(self.site, record_s=1, commit_s=1))
        host, port = self.running.url.removeprefix('http://').split(':')
        self.address = (host, int(port))
        self.events = Events(f'{host}:{port}')
        self.addCleanup(self.events.close)
        wait_for('records', lambda: len(self.events.records) >= 3)

    def read_slowly(self, clients):
        """The longest that another request took meanwhile, and the most memory of the daemon."""
        slowest, most = 0, 0
        end = time.monotonic() + SLOW_S
        while time.monotonic() < end:
            for client in clients:
                client.read_some()
            before = time.monotonic()
            self.running.get('/api/v1/last?series=hp_power')
            slowest = max(slowest, time.monotonic() - before)
            most = max(most, anonymous_kb(self.running.process.pid))
            time.sleep(0.05)
        return slowest, most

    def check_records(self):
        came = self.events.records[1:]  # the first is of the part of a second that was left
        sequences = [r['sequence'] for _, r in came]
        times = [r['time'] for _, r in came]
        self.assertGreater(len(came), SLOW_S)
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(came))), 'records are missing')
        self.assertEqual([b - a for a, b in zip(times, times[1:])], [1000] * (len(came) - 1), 'intervals are missing')
        self.assertEqual({r['span_ms'] for _, r in came}, {1000})
        delays = [at - r['time'] / 1000 for at, r in came]
        self.assertLess(max(delays) - min(delays), LATE_S, 'a record came late')
        waits = [b - a for a, b in zip(self.events.live, self.events.live[1:])]
        self.assertLess(max(waits), 1 + LATE_S, 'live values came late')

    def check_prefix(self, text):
        """What a slow client has of its CSV so far: rows of one minute each, none left out."""
        rows = [row.split(',') for row in text.split('\r\n') if row.startswith('20') and row.endswith('simulated')]
        self.assertGreater(len(rows), 20)
        ends = [int(row[1]) for row in rows]
        self.assertEqual({b - a for a, b in zip(ends, ends[1:])} - {60000}, set())

    def test_they_delay_no_record_and_need_little_memory(self):
        before = anonymous_kb(self.running.process.pid)
        clients = [SlowClient(self.address, ('csv', 'json', 'binary')[i % 3]) for i in range(CLIENTS)]
        for client in clients:
            self.addCleanup(client.socket.close)
        slowest, most = self.read_slowly(clients)
        self.check_records()
        self.assertLess(slowest, 0.5, 'another request waited')
        if not INSTRUMENTED:
            self.assertLess(most, ANONYMOUS_KB)
            self.assertLess(most - before, CLIENTS * CLIENT_KB + 1024)  # and the one desk they share
        self.check_prefix(unchunked(clients[0].got))
        self.check_whole_answer()
        self.check_several_at_once()

    def check_several_at_once(self):
        """Queries that take turns at the log all come to their end."""
        span = f'from={(START - DAYS * 86400) * 1000}&to={START * 1000}'
        asked = [f'/api/v1/query?series=hp_power,grid_power&{span}&step=3600000&fn={fn}' for fn in ('mean', 'min', 'max', 'first')]
        with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
            answers = list(pool.map(lambda path: self.running.get(path), asked))
        for answer in answers:
            self.assertEqual([len(c['values']) for c in answer['columns']], [DAYS * 24] * 2)

    def check_whole_answer(self):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        connection.request('GET', PATH + 'csv')
        body = connection.getresponse().read()
        connection.close()
        self.assertEqual(body.count(b'\r\n'), 1 + DAYS * 1440)
        self.assertTrue(body.endswith(b'simulated\r\n'))


def unchunked(got):
    """The text of chunks as far as they came."""
    body, text = got.split(b'\r\n\r\n', 1)[1], b''
    while b'\r\n' in body:
        size, body = body.split(b'\r\n', 1)
        n = int(size, 16)
        text += body[:n]
        body = body[n + 2:]
    return text.decode()


if __name__ == '__main__':
    unittest.main()

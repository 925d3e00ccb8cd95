"""The Emoncms publisher against a server that fails in every way a real one does: nothing lost, nothing twice but resends."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from fake_emoncms import KEY, FakeEmoncms

BUILD = Path(os.environ.get('HEATWATT_BUILD', 'build'))
DRIVER = BUILD / 'tests' / 'system' / 'publish_driver'
START = 1_800_000_000


class Driver:
    """publish_driver with its newest state."""

    def __init__(self, folder, url, key=KEY, **options):
        args = [str(DRIVER), '--url', url, '--key', key, '--data', str(folder), '--retry-ms', '50', '--refused-ms', '300']
        for name, value in options.items():
            args += [f'--{name.replace("_", "-")}'] + ([] if value is True else [str(value)])
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith('_proxy')}
        self.err_path = Path(folder) / 'driver.log'
        self.err = open(self.err_path, 'ab')
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=self.err, env=env)
        self.states = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.states.append(json.loads(line))

    def now(self, name):
        """Of the newest state: a counter not yet counted is 0, a backlog not yet known is None."""
        return self.states[-1].get(name, None if name == 'backlog' else 0) if self.states else None

    def said(self):
        return self.err_path.read_text(errors='replace')

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(60)
        self.reader.join(5)
        self.process.stdout.close()
        self.err.close()
        return code


class Publisher(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix='heatwatt-emoncms-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = FakeEmoncms().start()
        self.addCleanup(self.server.stop)
        self.drivers = []
        self.addCleanup(self.kill)

    def kill(self):
        for d in self.drivers:
            if not d.err.closed:
                d.end(signal.SIGKILL)

    def driver(self, url=None, cleartext=True, **options):
        d = Driver(self.folder, url or self.server.url, **options, **({'cleartext': True} if cleartext else {}))
        self.drivers.append(d)
        return d

    def wait(self, what, condition, timeout_s=60):
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                states = '\n'.join(map(str, self.drivers[-1].states[-3:])) if self.drivers else ''
                self.fail(f'not within {timeout_s} s: {what}\n{states}\n{self.server.requests[-3:]}')
            time.sleep(0.01)

    def times(self):
        return [row[0] for row in self.server.rows]

    def assert_rows(self, records, every_s=10):
        """Every record has arrived with its values, in order but for resends, and never with others."""
        self.assertEqual(self.server.conflicts, [])
        self.assertEqual(sorted(set(self.times())), [START + n * every_s for n in records])
        power = self.server.inputs['heatwatt', 'hp_power']
        energy = self.server.inputs['heatwatt', 'hp_import']
        for n in records:
            at = START + n * every_s
            self.assertEqual(energy[at], n)
            self.assertEqual(power.get(at), None if n % 7 == 0 else n, 'a missing value has no key')

    def test_a_backlog_goes_out_in_batches_in_order_and_once(self):
        d = self.driver(records=1000, batch=90)
        self.wait('all rows', lambda: d.now('rows') == 1000 and d.now('backlog') == 0)
        self.assert_rows(range(1, 1001))
        self.assertEqual(self.times(), sorted(set(self.times())))
        self.assertEqual([r['rows'] for r in self.server.requests], [90] * 11 + [10])
        for r in self.server.requests:
            self.assertEqual((r['path'], r['query']), ('/input/bulk.json', 'time=0'))
            self.assertTrue(r['bearer'])
            self.assertFalse(r['key_in_url'])
        self.assertEqual(d.now('state'), 'ok')
        self.assertEqual(d.end(), 0)

    def test_anything_but_ok_is_a_failure_and_the_same_rows_come_again(self):
        for mode, cause in [
            ('error', 'not taken: Error: Reached the maximal allowed number'),
            ('html', 'not taken: <br /> <b>Fatal error</b>'),
            ('readonly', 'empty answer: is it the write key?'),
            ('newline', 'not taken: ok'),
            ('401', 'key refused: HTTP 401: Invalid API key'),
            ('403', 'key refused: HTTP 403'),
            ('500', 'HTTP 500: <html>nginx</html>'),
            ('redirect', 'HTTP 301: the server has moved'),
            ('close', 'no answer: '),
            ('deaf', 'no answer: '),
        ]:
            with self.subTest(mode):
                self.server.requests.clear()
                self.server.modes = [mode, mode, 'ok']
                folder = self.folder / mode
                folder.mkdir()
                d = Driver(folder, self.server.url, records=30, cleartext=True)
                self.drivers.append(d)
                self.wait('rows after the failures', lambda: d.now('rows') == 30 and d.now('state') == 'ok')
                failed = [s for s in d.states if s['state'] == 'failed']
                self.assertTrue(failed and failed[0]['cause'].startswith(cause), failed[:1])
                self.assertGreaterEqual(d.now('failures'), 2)
                self.assertEqual(d.end(), 0)
                self.assert_rows(range(1, 31))
                self.assertNotIn('/elsewhere', ''.join(r['path'] for r in self.server.requests))
                self.assertNotIn(KEY, d.said() + json.dumps(d.states))
                self.assertEqual(d.said().count('state=failed'), 1, 'one line a transition')
                self.assertIn('up down_s=', d.said())

    def test_an_outage_and_a_kill_lose_nothing(self):
        self.server.stop()
        d = self.driver(records=100, batch=20)
        self.wait('a failure', lambda: d.now('state') == 'failed')
        self.assertIn('no answer', d.now('cause'))
        self.assertEqual(d.now('backlog'), 100)
        self.server.modes = ['ok', 'ok', '500']
        self.server.start()
        self.wait('two batches', lambda: d.now('rows') == 40)
        self.wait('trouble again', lambda: d.now('state') == 'failed')
        d.end(signal.SIGKILL)
        self.server.modes = ['ok']
        before = len(self.server.rows)
        d = self.driver(records=130, batch=20)
        self.wait('the rest', lambda: d.now('backlog') == 0 and d.now('state') == 'ok')
        self.assert_rows(range(1, 131))
        self.assertEqual(self.times()[before], START + 41 * 10, 'goes on where it stopped')

    def test_kills_at_any_moment_lose_nothing(self):
        for n in range(8):
            d = self.driver(records=3000, batch=25)
            self.wait('some rows', lambda: (d.now('rows') or 0) > 0 or d.now('backlog') == 0)
            time.sleep(0.013 * n)
            d.end(signal.SIGKILL)
        d = self.driver(records=3000)
        self.wait('the rest', lambda: d.now('backlog') == 0 and d.now('state') == 'ok')
        self.assert_rows(range(1, 3001))
        self.assertLessEqual(len(self.server.rows) - 3000, 8 * 25, 'a kill resends one batch at most')

    def test_a_lost_answer_is_resent_with_the_same_rows(self):
        self.server.modes = ['deaf', 'ok']
        d = self.driver(records=50)
        self.wait('rows', lambda: d.now('rows') == 50)
        self.assertEqual(len(self.server.rows), 100)
        self.assert_rows(range(1, 51))

    def test_a_refused_key_is_tried_again_slowly(self):
        self.server.key = 'f' * 32
        d = self.driver(records=5)
        self.wait('three tries', lambda: len(self.server.requests) >= 3)
        at = [r['at'] for r in self.server.requests]
        self.assertGreater(at[1] - at[0], 0.25)
        self.assertGreater(at[2] - at[1], 0.25)
        self.assertEqual(d.now('state'), 'failed')
        self.assertIn('key refused', d.now('cause'))
        self.assertEqual(self.server.rows, [])
        self.server.key = KEY
        self.wait('rows', lambda: d.now('rows') == 5)

    def test_failures_are_retried_at_growing_distances(self):
        self.server.modes = ['500']
        self.driver(records=5)
        self.wait('six tries', lambda: len(self.server.requests) >= 6)
        at = [r['at'] for r in self.server.requests]
        gaps = [b - a for a, b in zip(at, at[1:])]
        for gap, least in zip(gaps, [0.04, 0.08, 0.16, 0.32, 0.32]):
            self.assertGreater(gap, least * 0.95)
        self.assertLess(gaps[0], 0.2)

    def test_retry_after_is_honoured(self):
        self.server.modes = ['retry-after:1', 'ok']
        d = self.driver(records=5)
        self.wait('rows', lambda: d.now('rows') == 5)
        self.assertGreater(self.server.requests[1]['at'] - self.server.requests[0]['at'], 0.95)

    def test_a_server_that_hangs_is_left_after_the_timeout(self):
        self.server.modes = ['hang', 'ok']
        d = self.driver(records=5, timeout_s=1)
        self.wait('rows', lambda: d.now('rows') == 5)
        self.assertTrue(any('no answer' in s['cause'] for s in d.states))

    def test_a_batch_too_large_is_halved(self):
        self.server.modes = ['413', '413', 'ok']
        d = self.driver(records=64, batch=64)
        self.wait('rows', lambda: d.now('rows') == 64 and d.now('backlog') == 0)
        self.assertEqual([r['rows'] for r in self.server.requests], [0, 0, 16, 16, 16, 16])
        self.assert_rows(range(1, 65))

    def test_records_dropped_by_the_log_are_counted_as_lost(self):
        d = self.driver(records=80, first=51)
        self.wait('rows', lambda: d.now('rows') == 30 and d.now('backlog') == 0)
        self.assertEqual(d.now('lost'), 50)
        self.assert_rows(range(51, 81))
        d.end()
        d = self.driver(records=100, first=91)
        self.wait('rows', lambda: d.now('rows') == 10)
        self.assertEqual(d.now('lost'), 10)
        d.end()
        d = self.driver(records=140, first=141)
        self.wait('the end of an empty log', lambda: d.now('lost') == 40 and d.now('backlog') == 0)
        time.sleep(0.1)
        self.assertEqual(d.now('lost'), 40)

    def test_new_records_follow_at_the_interval(self):
        d = self.driver(records=3, grow_ms=100, interval_s=1)
        self.wait('twenty more', lambda: (d.now('rows') or 0) >= 23)
        d.end()
        posts = len(self.server.requests)
        self.assertLessEqual(posts, 5, 'rows of a second go together')
        self.assert_rows(range(1, max(1, (self.times()[-1] - START) // 10) + 1))

    def test_short_records_give_one_row_each_ten_seconds(self):
        d = self.driver(records=95, every_s=1)
        self.wait('all', lambda: d.now('backlog') == 0)
        self.assertEqual(self.times(), [START + 1] + [START + 10 * n for n in range(1, 10)])
        self.assertEqual(d.now('thinned'), 85)
        d.end()
        d = self.driver(records=99, every_s=1)
        self.wait('all', lambda: d.now('backlog') == 0)
        time.sleep(0.1)
        self.assertEqual(len(self.server.rows), 10, 'the slot is known after a restart')

    def test_a_key_never_goes_over_plain_http_unasked(self):
        d = self.driver(records=5, cleartext=False)
        self.wait('a state', lambda: d.now('state') == 'failed')
        self.assertIn('allow_cleartext', d.now('cause'))
        time.sleep(0.3)
        self.assertEqual(self.server.requests, [])
        self.assertEqual(d.end(), 0)

    def test_impossible_options_are_a_failed_state(self):
        for url, key, cause in [('ftp://127.0.0.1/', KEY, 'url must begin with https://'),
                                ('http://127.0.0.1:1/' + 'x' * 300, KEY, 'too long'),
                                (self.server.url, 'abc\r\nX-Evil: 1', 'the url or the key cannot be used')]:
            with self.subTest(cause):
                folder = Path(tempfile.mkdtemp(dir=self.folder))
                d = Driver(folder, url, key=key, records=5, cleartext=True)
                self.drivers.append(d)
                self.wait('a state', lambda: d.now('state') == 'failed')
                self.assertIn(cause, d.now('cause'))
                self.assertEqual(d.end(), 0)
        self.assertEqual(self.server.requests, [])

    def test_a_certificate_nobody_vouches_for_is_refused(self):
        if not shutil.which('openssl'):
            self.skipTest('no openssl program to make a certificate')
        crt, key = self.folder / 'c.pem', self.folder / 'k.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1',
                        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', crt], check=True,
                       capture_output=True)
        server = FakeEmoncms(certificate=(crt, key)).start()
        self.addCleanup(server.stop)
        d = self.driver(url=server.url, records=5, cleartext=False)
        self.wait('a state', lambda: d.now('state') == 'failed')
        self.assertIn('certificate', d.now('cause').lower())
        self.assertEqual(server.requests, [])

    def test_a_cursor_of_another_log_or_a_broken_one_starts_over(self):
        def run(records, **options):
            d = self.driver(records=records, **options)
            self.wait('all', lambda: d.now('backlog') == 0)
            d.end()
            return d

        run(20)
        path = self.folder / 'cursors' / 'emoncms.cur'
        self.assertIn('sequence 20\n', path.read_text())
        self.assertEqual(sorted(p.name for p in path.parent.iterdir()), ['emoncms.cur'])
        d = run(20)
        self.assertEqual(len(self.server.rows), 20, 'nothing is left to send')
        d = run(25, uuid=0x22)
        self.assertIn('another log', d.said())
        self.assertEqual(len(self.server.rows), 45)
        path.write_text(path.read_text().replace('sequence 25', 'sequence 24'))
        d = run(25, uuid=0x22)
        self.assertIn('cursor unreadable error=CORRUPT', d.said())
        self.assertEqual(len(self.server.rows), 70)
        d = run(10, uuid=0x22)
        self.assertIn('log ends before the cursor', d.said())
        self.assertEqual(len(self.server.rows), 70)
        self.assert_rows(range(1, 26))

    def test_a_cursor_that_cannot_be_written_is_shown(self):
        (self.folder / 'cursors').write_text('a file where the folder should be')
        d = self.driver(records=5)
        self.wait('a state', lambda: d.now('state') == 'failed')
        self.assertIn('cursor file', d.now('cause'))
        self.assertEqual(d.now('rows'), 5)
        self.assertEqual(d.end(), 0)

    def test_it_stops_at_once_amid_a_post(self):
        self.server.modes = ['hang']
        d = self.driver(records=5, timeout_s=600)  # nothing but the stop ends it
        self.wait('a post', lambda: len(self.server.requests) == 1)
        self.assertEqual(d.end(), 0)


if __name__ == '__main__':
    unittest.main()

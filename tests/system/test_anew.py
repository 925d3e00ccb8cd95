"""Sources added by the API, the signal HUP: the daemon starts anew in its process, or goes on as it was."""
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness import HEATWATT, Program, SystemTest, wait_for, write_config

ADDED = """  - id: house
    type: mbus
    label: "Electricity, all of the house"
    port: {port}
    baud: 2400
    address: 2
    measures: electricity
    timeout_ms: 300
"""


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def post(url, body):
    """(status, reply)"""
    request = urllib.request.Request(url + '/api/v1/sources', json.dumps(body).encode(), {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as e:
        with e:
            return e.code, json.loads(e.read())


def starts(daemon):
    return daemon.said().count('listening url=')


def channels(daemon):
    """Of the running daemon; {} while it is not there."""
    try:
        return {c['id']: c for c in daemon.live()['channels']}
    except OSError:
        return {}


class Anew(SystemTest):
    def setUp(self):
        super().setUp()
        self.house = self.plant(speed=1, extra=('--mbus-meters', '2'))
        self.config = write_config(self.house, record_s=1, commit_s=1, poll_s=2)
        text = self.config.read_text().replace('port: 0}', f'port: {free_port()}}}  # the page')
        self.config.write_text(text.replace('roles:', '\n# Who is who\nroles:'))
        self.config.chmod(0o640)
        self.run_it = self.daemon(self.config)
        wait_for('the clamps', lambda: channels(self.run_it).get('hp_power', {}).get('value') is not None)

    def source(self, **changes):
        return {'id': 'house', 'type': 'mbus', 'label': 'Electricity, all of the house', 'port': str(self.house.meter), 'baud': 2400,
                'address': 2, 'secondary': None, 'measures': 'electricity', 'timeout_ms': 300, **changes}

    def rows(self, channel):
        """[end of the record, its span, value] of the whole log."""
        return self.run_it.get(f'/api/v1/query?series={channel}&from=1799999000000&to=1800009000000&step=raw')['rows']

    def test_a_source_is_added_and_its_values_come(self):
        daemon, before = self.run_it, self.config.read_text()
        time.sleep(2)
        self.assertEqual(post(daemon.url, {'source': self.source(), 'check': True}), (200, {'id': 'house'}))
        self.assertEqual(self.config.read_text(), before)
        self.assertEqual(os.listdir(self.folder).count('heatwatt.yaml.bak'), 0)
        fds = len(os.listdir(f'/proc/{daemon.process.pid}/fd'))

        self.assertEqual(post(daemon.url, {'source': self.source()}), (201, {'id': 'house', 'restart': True}))
        self.assertEqual(self.config.read_text(), before.replace('\n\n# Who', '\n' + ADDED.format(port=self.house.meter) + '\n# Who'))
        self.assertEqual((self.folder / 'heatwatt.yaml.bak').read_text(), before)
        self.assertEqual([p.name for p in self.folder.glob('.heatwatt*')], [])
        self.assertEqual(self.config.stat().st_mode & 0o777, 0o640)
        wait_for('its values', lambda: channels(daemon).get('house_import', {}).get('value'))
        self.assertEqual(starts(daemon), 2)
        self.assertIsNone(daemon.process.poll())
        wait_for('records of it', lambda: any(r[2] is not None for r in self.rows('house_import')))
        times = [r[0] for r in self.rows('hp_power')]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 4000)
        self.assertLessEqual(len(os.listdir(f'/proc/{daemon.process.pid}/fd')), fds + 4)
        self.assertEqual(daemon.stop(), 0)
        verify = subprocess.run([HEATWATT, 'log', 'verify', self.folder / 'data'], capture_output=True)
        self.assertEqual(verify.returncode, 0, verify.stdout + verify.stderr)

    def test_what_is_wrong_is_refused_and_nothing_changes(self):
        daemon, before = self.run_it, self.config.read_bytes()
        for body, status, part in (
                ({'source': self.source(id='heatmeter')}, 409, 'the id is taken'),
                ({'source': self.source(id='hp')}, 409, 'the id is taken'),
                ({'source': self.source(address=999)}, 422, 'would not be right'),
                ({'source': self.source(adress=2)}, 422, 'would not be right'),
                ({'source': self.source(address=1)}, 422, 'would not be right'),
                ({'source': self.source(id=5)}, 400, 'source.id'),
                ({'source': []}, 400, 'an object is needed'),
                ({'sauce': {}}, 400, "'sauce' is not known"),
                ({'source': self.source(), 'check': 1}, 400, 'true or false')):
            got = post(daemon.url, body)
            self.assertEqual(got[0], status, got)
            self.assertIn(part, got[1]['detail'])
        errors = post(daemon.url, {'source': self.source(address=999, poll_s='x')})[1]['errors']
        self.assertEqual({e['path'] for e in errors}, {'sources[2].address', 'sources[2].poll_s'}, errors)
        self.assertIn('999 is above the maximum', errors[0]['detail'])
        self.assertEqual(self.config.read_bytes(), before)
        self.assertFalse((self.folder / 'heatwatt.yaml.bak').exists())
        broken = before + b'rolls: {}\n'
        self.config.write_bytes(broken)
        got = post(daemon.url, {'source': self.source()})
        self.assertEqual((got[0], got[1]['errors'][0]['path']), (409, 'rolls'))
        self.assertEqual(self.config.read_bytes(), broken)
        self.assertEqual(starts(daemon), 1)

    def test_hup_takes_a_right_file_and_refuses_a_broken_one(self):
        daemon, before = self.run_it, self.config.read_text()
        self.config.write_text(before.replace('address: 1', 'address: 1000'))
        daemon.process.send_signal(signal.SIGHUP)
        wait_for('a refusal', lambda: 'configuration refused' in daemon.said())
        self.assertRegex(daemon.said(), r'heatwatt\.yaml:\d+: sources\[1\]\.address: ')
        self.assertIsNotNone(channels(daemon)['hp_power']['value'])
        self.config.write_text(before.replace('Heat meter', 'Cellar'))
        for _ in range(20):  # not one of them falls between two programs
            daemon.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        wait_for('the new label', lambda: channels(daemon).get('heatmeter_power', {}).get('label') == 'Cellar')
        self.assertGreaterEqual(starts(daemon), 2)
        self.assertEqual(daemon.stop(), 0)

    def test_a_stop_wins_over_a_new_start(self):
        daemon = self.run_it
        self.assertEqual(post(daemon.url, {'source': self.source()})[0], 201)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(starts(daemon), 1)


class Demo(SystemTest):
    def test_the_plant_lives_on(self):
        data = self.folder / 'demo'
        demo = Program([HEATWATT, 'demo', '--history', 0, '--port', 0, '--data', data], self.folder, 'demo')
        self.children.append(demo)
        lines = iter(lambda: demo.process.stdout.readline().decode(), '')
        url = next(found for line in lines if (found := re.search(r'plant: (\S+)/', line))).group(1)
        plant = Path(f'/proc/{demo.process.pid}/task/{demo.process.pid}/children').read_text().split()
        self.assertEqual(len(plant), 1)
        source = {'id': 'second', 'type': 'mbus', 'port': str(data / 'meter'), 'baud': 2400, 'address': 9, 'timeout_ms': 200}
        self.assertEqual(post(url, {'source': source})[0], 201)

        def again():
            try:
                with urllib.request.urlopen(url + '/api/v1/live', timeout=5) as reply:
                    live = json.loads(reply.read())
            except OSError:
                return False
            power = next((c['value'] for c in live['channels'] if c['id'] == 'hp_power'), None)
            return power is not None and any(s['id'] == 'second' for s in live['sources'])

        wait_for('the page at its old address, with values', again)
        self.assertEqual(Path(f'/proc/{demo.process.pid}/task/{demo.process.pid}/children').read_text().split(), plant)
        self.assertEqual(demo.stop(signal.SIGINT), 0)
        self.assertFalse(Path(f'/proc/{plant[0]}').exists())


if __name__ == '__main__':
    import unittest
    unittest.main()

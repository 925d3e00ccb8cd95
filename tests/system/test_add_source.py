"""Sources added by the API: their values come; what is wrong is refused and nothing changes."""
import os
import subprocess
import time
import unittest

from anew_rig import AnewTest, channels, post, starts
from harness import HEATWATT, wait_for

ADDED = """  - id: house
    type: mbus
    label: "Electricity, all of the house"
    port: {port}
    baud: 2400
    address: 2
    measures: electricity
    timeout_ms: 300
"""


class AddSource(AnewTest):
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

    def test_a_stop_wins_over_a_new_start(self):
        daemon = self.run_it
        self.assertEqual(post(daemon.url, {'source': self.source()})[0], 201)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(starts(daemon), 1)


if __name__ == '__main__':
    unittest.main()

"""The daemon and a server that answers as Emoncms does: an outage and a restart in the middle, no record missing."""
import json
import subprocess
import sys

from harness import HEATWATT, TOP, Program, SystemTest, first_line, wait_for, write_config

KEY = '0123456789abcdef0123456789abcdef'
PUBLISH = """publish:
  - id: emoncms
    type: emoncms
    url: http://127.0.0.1:{port}
    allow_cleartext: true
    node: heatwatt
    key_secret: emoncms_key
    interval_s: 1
    batch: 50
"""


class Emoncms(SystemTest):
    def server(self, port=0):
        p = Program([sys.executable, TOP / 'tests/system/fake_emoncms.py', '--port', port, '--key', KEY,
                     '--rows', self.folder / 'rows.json'], self.folder, f'emoncms{len(self.children)}')
        self.children.append(p)
        return p, int(first_line(p.process, 10, 'fake_emoncms').rsplit(':', 1)[1].strip('/'))

    def rows(self):
        path = self.folder / 'rows.json'
        return [json.loads(l) for l in path.read_text().splitlines()] if path.exists() else []

    def test_the_backlog_of_an_outage_and_a_restart_arrives_whole(self):
        server, port = self.server()
        plant = self.plant(seed=1, speed=60)
        config = write_config(plant, publish=PUBLISH.format(port=port), secrets=f'emoncms_key: {KEY}\n')
        daemon = self.daemon(config)
        wait_for('rows', lambda: len(self.rows()) >= 5)
        server.stop()
        state = wait_for('failed', lambda: (p := daemon.live()['publishers'][0])['state'] == 'failed' and p)
        self.assertTrue(state['cause'])
        self.assertNotIn(KEY, daemon.said())
        wait_for('a backlog', lambda: daemon.live()['publishers'][0]['backlog'] >= 10)
        daemon.kill9()
        daemon = self.daemon(config, name='daemon2')
        self.server(port)
        wait_for('the backlog gone', lambda: (p := daemon.live()['publishers'][0])['state'] == 'ok' and p['backlog'] <= 12, 60)
        daemon.stop()
        dump = subprocess.run([HEATWATT, 'log', 'export', self.folder / 'data/log'], capture_output=True, check=True)
        lines = [l.split(',') for l in dump.stdout.decode().splitlines()]
        logged = {}
        for line in lines[1:]:
            row = dict(zip(lines[0], line))
            if row['hp_power']:
                logged[int(row['time']) // 1000] = float(row['hp_power'])
        arrived = {}
        for row in self.rows():
            self.assertEqual(row[1], 'heatwatt')
            arrived[row[0]] = row[2].get('hp_power')
        newest = max(arrived)
        for t, power in logged.items():
            if t <= newest:
                self.assertIn(t, arrived, 'a record did not arrive')
                self.assertAlmostEqual(arrived[t], power, places=1)

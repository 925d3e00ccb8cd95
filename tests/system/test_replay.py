"""The same daemon on real telegrams: the plant only replays them on a pseudo-terminal."""
import json
import re
import subprocess
import xml.etree.ElementTree as xml

from harness import HEATWATT, SHARED, SIM, TOP, Program, SystemTest, first_line, wait_for


class Replay(SystemTest):
    def run_on(self, hex_file, address):
        link = self.folder / 'replay-port'
        player = Program([SIM, '--replay', hex_file, '--link', link], self.folder, 'replay')
        self.children.append(player)
        self.assertEqual(first_line(player.process, 10, 'heatwatt-sim --replay'), 'ready')
        text = (TOP / 'examples/replay.yaml').read_text()
        keep = [l for l in text.splitlines() if l.split(':')[0] not in ('data_dir', 'http', 'record', 'log')]
        text = '\n'.join(keep + [f'data_dir: {self.folder}/data', 'http: {listen: 127.0.0.1, port: 0}',
                                 'record: {interval_s: 1}', 'log: {commit_s: 1, max_mb: 64}', ''])
        text = re.sub(r'port: \S*replay-port\S*', f'port: {link}', text)
        text = re.sub(r'address: \d+', f'address: {address}', text)
        config = self.folder / 'replay.yaml'
        config.write_text(text)
        return self.daemon(config)

    def check(self, daemon, want):
        wait_for('the meter', lambda: daemon.source('heatmeter')['state'] == 'ok')
        live = {c['id']: c['value'] for c in daemon.live()['channels']}
        for channel, value in want.items():
            self.assertAlmostEqual(live[channel], value, places=2, msg=channel)
        self.assertEqual(daemon.live()['provenance'], 'measured')
        wait_for('a durable record', lambda: daemon.live()['log']['durable'] >= 3)
        daemon.stop()
        dump = subprocess.run([HEATWATT, 'log', 'export', self.folder / 'data/log'], capture_output=True, check=True)
        lines = [l.split(',') for l in dump.stdout.decode().splitlines()]
        rows = [dict(zip(lines[0], l)) for l in lines[1:]]
        for channel, value in want.items():
            logged = [float(r[channel]) for r in rows if r.get(channel)]
            self.assertTrue(logged, f'{channel} is not in the log')
            for v in logged:
                self.assertAlmostEqual(v, value, places=2, msg=channel)

    def test_a_printed_telegram_of_a_kamstrup_601_is_read_shown_and_logged(self):
        frame = next((TOP / 'tests/frames').glob('kamstrup*601*.hex'))
        self.check(self.run_on(frame, 17), {
            'heatmeter_energy': 37351000.0, 'heatmeter_volume': 561080.0, 'heatmeter_flow_t': 101.69,
            'heatmeter_return_t': 46.16, 'heatmeter_delta_t': 55.53, 'heatmeter_power': 34700.0,
            'heatmeter_flow_rate': 543.0})

    def test_a_recorded_telegram_agrees_with_its_published_content(self):
        good = SHARED / 'data/mbus/good'
        if not good.exists():
            self.skipTest('no ../shared/data beside the checkout')
        frame = good / 'metrona_pollutherm.hex'
        decoded = json.loads(subprocess.run([HEATWATT, 'decode', 'mbus', frame], capture_output=True, check=True).stdout)
        tree = xml.parse(str(frame).replace('.hex', '.norm.xml'))
        want = {}
        scale = {'Energy': ('heatmeter_energy', 1), 'Volume': ('heatmeter_volume', 1000), 'Power': ('heatmeter_power', 1),
                 'Flow temperature': ('heatmeter_flow_t', 1), 'Return temperature': ('heatmeter_return_t', 1),
                 'Temperature difference': ('heatmeter_delta_t', 1), 'Volume flow': ('heatmeter_flow_rate', 1000)}
        for record in tree.getroot().iter('DataRecord'):
            text = {e.tag: e.text or '' for e in record}
            plain = text['Function'] == 'Instantaneous value' and text['StorageNumber'] == '0' and not int(
                text.get('Tariff', 0)) and not int(text.get('Device', 0))
            if plain and text['Quantity'] in scale and scale[text['Quantity']][0] not in want:
                channel, factor = scale[text['Quantity']]
                unit = 1 / 3600 if text['Unit'] == 'J' else 1
                want[channel] = float(text['Value']) * factor * unit
        self.assertGreaterEqual(len(want), 4)
        self.check(self.run_on(frame, decoded['address']), want)

"""An hour of the plant in under a minute: nothing is lost or invented, also over kill -9."""
import subprocess
import threading
import time
import urllib.request

from harness import HEATWATT, START, SystemTest, wait_for, write_config

WH_J = 3600


class Records(threading.Thread):
    """Collects the durable records that the event stream acknowledges."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.records = url, {}
        self.start()

    def run(self):
        try:
            import json
            with urllib.request.urlopen(self.url + '/api/v1/events', timeout=30) as reply:
                event = None
                for raw in reply:
                    line = raw.decode().rstrip('\n')
                    if line.startswith('event:'):
                        event = line[6:].strip()
                    elif line.startswith('data:') and event == 'record':
                        r = json.loads(line[5:])
                        self.records[r['sequence']] = r
        except OSError:
            pass


class Hour(SystemTest):
    def test_an_hour_passes_in_under_a_minute_and_every_joule_is_there(self):
        plant = self.plant(seed=3, speed=90)
        daemon = self.daemon(write_config(plant))
        began = time.monotonic()
        wait_for('an hour of the plant', lambda: daemon.live()['time'] >= (START + 3660) * 1000, 75, 0.5)
        took = time.monotonic() - began
        self.assertLess(took, 60)
        plant.control('pause')
        live, truth = daemon.live(), plant.truth()
        log = live['log']
        self.assertLess(log['gap_s'], 3, 'from the first block on nothing is lost')
        values = {c['id']: c['value'] for c in live['channels']}
        for c in truth['circuits']:
            got = values[f'{c["id"]}_import'] - values[f'{c["id"]}_export']
            want = c['import_wh'] - c['export_wh']
            # Nominal constants: 2 % of the apparent energy, and the first second before the daemon listened.
            self.assertLess(abs(got - want), 0.02 * c['apparent_wh'] + 2.0, c['id'])
        self.assertEqual(daemon.source('clamps')['counters'].get('lost_blocks', 0), 0)
        daemon.stop()

    def test_heat_follows_the_register_and_cop_is_a_ratio_of_energies(self):
        plant = self.plant(seed=2, speed=90)
        daemon = self.daemon(write_config(plant))
        first = wait_for('the meter', lambda: daemon.value('heatmeter_energy'))
        heat0 = daemon.value('heatpump_heat_energy')
        wait_for('half an hour', lambda: daemon.live()['time'] >= (START + 1800) * 1000, 40, 0.5)
        live = daemon.live()
        values = {c['id']: c['value'] for c in live['channels']}
        count_wh = plant.truth()['heat_meter']['count_wh']
        rise = values['heatmeter_energy'] - first
        self.assertLessEqual(abs((values['heatpump_heat_energy'] - heat0) - rise), count_wh + 0.001)
        total = live['heatpump']['total']
        if values['heatpump_paired_elec'] > 0:
            want = (values['heatpump_paired_heat'] - values['heatpump_paired_negative']) / values['heatpump_paired_elec']
            self.assertAlmostEqual(total['cop'], want, delta=0.02)
        daemon.stop()

    def test_kill_9_loses_no_acknowledged_record_and_makes_no_step(self):
        plant = self.plant(seed=1, speed=30)
        config = write_config(plant, commit_s=10)
        daemon = self.daemon(config)
        records = Records(daemon.url)
        wait_for('ten durable records', lambda: len(records.records) >= 10, 30)
        daemon.kill9()
        records.join(5)
        self.assertGreaterEqual(len(records.records), 10)
        time.sleep(1)  # half a minute of the plant without a daemon
        daemon = self.daemon(config, name='daemon2')
        wait_for('live again', lambda: daemon.value('heatmeter_energy') is not None and daemon.value('hp_import') is not None)
        time.sleep(1)
        live = daemon.live()
        values = {c['id']: c['value'] for c in live['channels']}
        last = records.records[max(records.records)]['values']
        for name, value in last.items():
            if name.endswith(('_import', '_export', '_energy', '_volume')) or name.startswith('heatpump_paired'):
                self.assertIsNotNone(values[name], name)
                self.assertGreaterEqual(values[name], value - 0.001, f'{name} stepped back')
        truth = plant.truth()
        # The register, to one count of what the meter says now.
        count = truth['heat_meter']['count_wh']
        self.assertLessEqual(abs(daemon.value('heatmeter_energy') - plant.truth()['heat_meter']['register_wh']), count)
        # measured + gap = elapsed
        log = live['log']
        elapsed = log['measured_s'] + log['gap_s']
        began = log['began'] / 1000
        self.assertAlmostEqual(elapsed, live['log']['at'] / 1000 - began, delta=0.1)
        self.assertGreater(log['gap_s'], 20)
        daemon.stop()
        dump = subprocess.run([HEATWATT, 'log', 'dump', self.folder / 'data/log'], capture_output=True, check=True).stdout
        lines = dump.decode().splitlines()
        header = lines[0].split(',')
        at = {n: i for i, n in enumerate(header)}
        rows = {int(r.split(',')[at['sequence']]): r.split(',') for r in lines[1:]}
        for sequence, record in records.records.items():
            self.assertIn(sequence, rows, 'an acknowledged record is lost')
            for name, value in record['values'].items():
                self.assertAlmostEqual(float(rows[sequence][at[name]]), value, places=2, msg=f'{sequence} {name}')
        sequences = sorted(rows)
        self.assertEqual(sequences, list(range(sequences[0], sequences[-1] + 1)))

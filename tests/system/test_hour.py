"""An hour of the plant in less than a minute, if the machine is not busy: nothing is lost or invented, also over kill -9."""
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
            with urllib.request.urlopen(self.url + '/api/v1/events', timeout=60) as reply:
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
    def test_an_hour_passes_quickly_and_every_joule_is_there(self):
        plant = self.plant(seed=3, speed=120)
        daemon = self.daemon(write_config(plant, constants='constants'))
        began = time.monotonic()
        wait_for('an hour of the plant', lambda: (daemon.live()['time'] or 0) >= (START + 3600) * 1000, 200, 0.3)
        took = time.monotonic() - began
        print(f'    an hour of the plant in {took:.0f} s', flush=True)
        plant.control('speed 0')
        time.sleep(1)
        live, truth = daemon.live(), plant.truth()
        hours = (truth['unix_ms'] / 1000 - START) / 3600
        self.assertLess(live['log']['gap_s'], 0.1, 'nothing is lost from the first block on')
        values = {c['id']: c['value'] for c in live['channels']}
        frm, to = START * 1000, START * 1000 + 3_600_000
        apparent = daemon.query([f'{c["id"]}_apparent_power' for c in truth['circuits']], frm, to, to - frm, 'mean')
        for c in truth['circuits']:
            got = values[f'{c["id"]}_import'] - values[f'{c["id"]}_export']
            want = c['import_wh'] - c['export_wh'] - c['start_import_wh'] + c['start_export_wh']
            va = apparent[(f'{c["id"]}_apparent_power', 'mean')][0]
            # Half a per cent of the apparent energy; a second at the start and the end; a watt of noise.
            self.assertLess(abs(got - want), 0.005 * va * hours + 2 * va / 3600 + 0.5, c['id'])
        self.assertEqual(daemon.source('clamps')['counters'].get('lost_blocks', 0), 0)
        self.assertEqual(live['refused']['readings'], 0)
        daemon.stop()

    def test_heat_follows_the_register_and_cop_is_a_ratio_of_energies(self):
        plant = self.plant(seed=2, speed=120)
        daemon = self.daemon(write_config(plant))
        first = wait_for('the meter', lambda: daemon.value('heatmeter_energy'))
        heat0 = daemon.value('heatpump_heat_energy')
        wait_for('half an hour', lambda: daemon.live()['time'] >= (START + 1800) * 1000, 120, 0.5)
        live = daemon.live()
        values = {c['id']: c['value'] for c in live['channels']}
        count_wh = plant.truth()['heatmeter']['wh_per_count']
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
        wait_for('ten durable records', lambda: len(records.records) >= 10)
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
        # The register, to one count of what the meter says now.
        plant.control('speed 0')
        time.sleep(0.5)
        meter = plant.truth()['mbus']
        count = plant.truth()['heatmeter']['wh_per_count']
        self.assertLessEqual(abs(daemon.value('heatmeter_energy') - meter['sent_energy'] * count), count)
        daemon.stop()
        dump = subprocess.run([HEATWATT, 'log', 'export', self.folder / 'data/log'], capture_output=True, check=True).stdout
        lines = [l.split(',') for l in dump.decode().splitlines()]
        rows = {int(l[0]): dict(zip(lines[0], l)) for l in lines[1:]}
        self.assertEqual(len(rows), len(lines) - 1, 'two records of one time')
        for record in records.records.values():
            self.assertIn(record['time'], rows, 'an acknowledged record is lost')
            for name, value in record['values'].items():
                if value is not None:
                    logged = float(rows[record['time']][name])
                    self.assertAlmostEqual(logged, value, places=2, msg=f'{record["sequence"]} {name}')
        # measured + gap = elapsed, over the time without a daemon too
        metered = sorted(t for t, r in rows.items() if r['device_measured'])
        first, final = rows[metered[0]], rows[metered[-1]]
        elapsed = [float(r['device_measured']) + float(r['device_gap']) for r in (first, final)]
        times = [int(r['time']) / 1000 for r in (first, final)]
        self.assertAlmostEqual(elapsed[1] - elapsed[0], times[1] - times[0], delta=0.1)
        self.assertGreater(float(final['device_gap']), 20)

"""Bad input: each has one clear log line and a visible state, and nothing else is lost."""
import os
import subprocess
import time

from harness import HEATWATT, START, SystemTest, wait_for, write_config


class Faults(SystemTest):
    live_ms = 100

    def both(self, speed=20, **options):
        plant = self.plant(seed=1, speed=speed)
        daemon = self.daemon(write_config(plant, **options))
        wait_for('the meter', lambda: daemon.value('heatmeter_flow_t') is not None)
        wait_for('the clamps', lambda: daemon.value('hp_power') is not None)
        return plant, daemon

    def test_an_unplugged_meter_turns_stale_within_three_polls_and_its_values_go_missing(self):
        plant, daemon = self.both(speed=10)
        plant.control('mbus unplug')
        t0 = daemon.live()['time']
        state = wait_for('stale or failed', lambda: (s := daemon.source('heatmeter'))['state'] in ('stale', 'failed') and s)
        self.assertTrue(state['cause'])
        self.assertLessEqual(state['since'] - t0, 3 * 10_000 + 12_000)
        wait_for('missing values', lambda: daemon.value('heatmeter_flow_t') is None)
        self.assertIsNone(daemon.value('heatmeter_power'))
        self.assertIsNone(daemon.live()['heatpump']['heat_power'])
        self.assertIsNotNone(daemon.value('hp_power'))
        # Records of the silence hold no heat: it is not repeated.
        now = wait_for('records', lambda: (t := daemon.live()['time']) > state['since'] + 40_000 and t)
        frm = (state['since'] + 12_000) // 10_000 * 10_000
        values = daemon.query(['heatmeter_flow_t'], frm, now // 10_000 * 10_000 - 10_000, 10_000)
        self.assertEqual(set(values[('heatmeter_flow_t', 'mean')]), {None})
        plant.control('mbus plug')
        wait_for('ok again', lambda: daemon.source('heatmeter')['state'] == 'ok')
        wait_for('values again', lambda: daemon.value('heatmeter_flow_t') is not None)
        lines = [l for l in daemon.said().splitlines() if ' heatmeter: state=' in l]
        self.assertLessEqual(len(lines), 8, 'transitions are logged, not repetitions')

    def test_a_malformed_telegram_is_counted_and_the_next_one_read(self):
        plant, daemon = self.both()
        # Time-outs are short beside a fast plant: a spoilt telegram that comes late is a time-out, so there may be several.
        wait_for('a refused telegram', lambda: plant.control('mbus checksum') and
                 daemon.source('heatmeter')['counters'].get('CHECKSUM', 0) >= 1, every_s=0.5)
        good = daemon.source('heatmeter')['counters']['good']
        wait_for('a good one after it', lambda: daemon.source('heatmeter')['counters']['good'] > good)
        self.assertIn('CHECKSUM', daemon.said())

    def test_a_sample_block_with_a_wrong_crc_is_counted_and_is_a_gap(self):
        plant, daemon = self.both()
        before = daemon.live()['log']['gap_s']
        plant.control('samples crc')
        wait_for('the refusal', lambda: daemon.source('clamps')['counters'].get('CHECKSUM', 0) >= 1)
        wait_for('a gap', lambda: daemon.live()['log']['gap_s'] > before)
        self.assertLess(daemon.live()['log']['gap_s'] - before, 1.0)
        self.assertIn('CHECKSUM', daemon.said())

    def test_lost_blocks_are_a_gap_of_their_length(self):
        plant, daemon = self.both()
        before = daemon.live()['log']['gap_s']
        plant.control('samples lose 50')
        wait_for('lost blocks', lambda: daemon.source('clamps')['counters'].get('lost_blocks', 0) >= 50)
        gap = wait_for('the gap', lambda: (g := daemon.live()['log']['gap_s'] - before) > 0 and g)
        self.assertLess(gap, 3.0)
        wait_for('power goes on', lambda: daemon.value('hp_power') is not None)
        self.assertIn('lost_blocks', daemon.said())

    def test_a_foreign_host_header_is_refused_and_counted(self):
        _, daemon = self.both()
        code, body = daemon.status('/api/v1/live', {'Host': 'evil.example'})
        self.assertEqual(code, 421)
        self.assertIn(b'evil.example', body)
        self.assertIn('evil.example', daemon.said())
        self.assertEqual(wait_for('the count', lambda: daemon.live()['refused']['host']), 1)

    def test_an_unreadable_port_fails_with_its_name_and_recovers(self):
        plant = self.plant(seed=1, speed=20)
        config = write_config(plant)
        text = config.read_text().replace(str(plant.meter), str(self.folder / 'not-there'))
        config.write_text(text)
        daemon = self.daemon(config)
        state = wait_for('failed', lambda: (s := daemon.source('heatmeter'))['state'] == 'failed' and s)
        self.assertIn('not-there', state['cause'])
        self.assertIn('not-there', daemon.said())
        wait_for('the clamps go on', lambda: daemon.value('hp_power') is not None)
        os.symlink(os.readlink(plant.meter), self.folder / 'not-there')
        wait_for('recovered', lambda: daemon.source('heatmeter')['state'] == 'ok')

    def test_a_wrong_configuration_does_not_start_and_names_every_error(self):
        path = self.folder / 'wrong.yaml'
        path.write_text('version: 1\nsite: {name: X, timezone: Mars/Olympus}\nrecord: {interval_s: 99}\nnonsense: 1\n')
        done = subprocess.run([HEATWATT, 'run', '--config', path], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        said = done.stderr.decode()
        for part in ('wrong.yaml:2', 'Mars/Olympus', 'wrong.yaml:3', 'interval_s', 'wrong.yaml:4', 'nonsense'):
            self.assertIn(part, said)

    def test_a_corrupt_log_tail_is_reported_and_the_rest_served(self):
        plant = self.plant(seed=1, speed=60)
        config = write_config(plant, record_s=2)
        daemon = self.daemon(config)
        wait_for('records', lambda: daemon.live()['log']['durable'] >= 60)
        daemon.kill9()
        newest = max((self.folder / 'data/log').rglob('*'), key=lambda p: p.stat().st_mtime if p.is_file() else 0)
        self.spoil(self.folder / 'data/log')
        verify = subprocess.run([HEATWATT, 'log', 'verify', self.folder / 'data/log'], capture_output=True)
        self.assertEqual(verify.returncode, 1, newest)
        daemon = self.daemon(config, name='daemon2')
        log = daemon.live()['log']
        self.assertGreaterEqual(log['bad_pages'], 1)
        self.assertTrue(log['cause'])
        self.assertIn('bad_pages', daemon.said())
        wait_for('new records', lambda: daemon.live()['log']['durable'] > log['durable'])
        values = daemon.query(['hp_power'], START * 1000, START * 1000 + 3_600_000, 60_000)
        self.assertTrue(any(v is not None for v in values[('hp_power', 'mean')]))

    def spoil(self, folder):
        """Flips a byte in the newest slot of the own stream, and in the last written page of each block."""
        page = 4096
        control = folder / 'control.hwl'
        data = bytearray(control.read_bytes())
        newest = max((2, 3), key=lambda p: int.from_bytes(data[p * page + 24:p * page + 32], 'little'))  # the generation
        data[newest * page + 200] ^= 0x55
        control.write_bytes(data)
        for path in sorted(folder.glob('seg-*.hwl')):
            data = bytearray(path.read_bytes())
            used = [at for at in range(0, len(data), page) if any(data[at:at + page])]
            data[used[-1] + 200] ^= 0x55
            path.write_bytes(data)

    def test_a_full_disk_is_said_and_survived(self):
        shim = os.environ['HEATWATT_BUILD'] + '/tests/libfulldisk.so'
        plant = self.plant(seed=1, speed=60)
        config = write_config(plant, commit_s=10)
        full = self.folder / 'full'
        daemon = self.daemon(config, env={'LD_PRELOAD': shim, 'FULLDISK_WHEN': str(full)})
        wait_for('records', lambda: daemon.live()['log']['durable'] >= 5)
        full.touch()
        log = wait_for('failed', lambda: (l := daemon.live()['log'])['state'] == 'failed' and l)
        self.assertIn('space', log['cause'].lower())
        time.sleep(1)
        wait_for('measuring goes on', lambda: daemon.value('hp_power') is not None)
        full.unlink()
        wait_for('ok again', lambda: daemon.live()['log']['state'] == 'ok')
        durable = daemon.live()['log']['durable']
        wait_for('new records', lambda: daemon.live()['log']['durable'] > durable + 3)
        self.assertEqual(daemon.live()['log']['lost'], 0)
        lines = [l for l in daemon.said().splitlines() if 'log: state=failed' in l]
        self.assertEqual(len(lines), 1)

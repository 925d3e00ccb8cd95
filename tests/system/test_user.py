"""What a user and an installer do: days pass, programs are stopped and started, files are wrong."""
import csv
import datetime
import os
import random
import signal
import socket
import subprocess
import time
import zoneinfo

from harness import HEATWATT, START, SystemTest, wait_for, write_config

LONDON = zoneinfo.ZoneInfo('Europe/London')


def local(*when):
    """Unix seconds of a local time in the tests' time zone."""
    return int(datetime.datetime(*when, tzinfo=LONDON).timestamp())


class Days(SystemTest):
    """Today's energies begin at local midnight, whatever happens around it."""

    live_ms = 100

    def today(self, daemon):
        """Wh since midnight: by the clamp's counter, by the heat pump's books, and the time of it."""
        live = daemon.live()
        clamp = next(c for c in live['channels'] if c['id'] == 'hp_import')
        return clamp['today'], live['heatpump']['today']['elec'], live['time']

    def recorded(self, daemon, midnight_s, to_ms):
        """Wh of the records from midnight on."""
        rises = daemon.query(['hp_import'], midnight_s * 1000, to_ms, 10_000, 'delta')[('hp_import', 'delta')]
        return sum(v or 0 for v in rises)

    def both(self, start, speed=60):
        plant = self.plant(seed=1, speed=speed, start=start)
        config = write_config(plant)
        return plant, config, self.daemon(config)

    def past(self, daemon, unix_s):
        wait_for('plant time', lambda: (daemon.live()['time'] or 0) > unix_s * 1000)

    def just_before(self, plant, daemon, midnight_s, speed=None):
        """Today's energy in the last minute before midnight, in which time goes slowly; then it goes on."""
        for left_s, slow in ((180, 20), (60, 1)):
            self.past(daemon, midnight_s - left_s)
            plant.control(f'speed {slow}')
        energy, _, time_ms = self.today(daemon)
        self.assertLess(time_ms, midnight_s * 1000, 'this machine was too late to look')
        plant.control(f'speed {speed or plant.speed}')
        return energy

    def check(self, daemon, midnight_s, why):
        """The page, the books and the log agree: at 12 W a record of 10 s holds 0.034 Wh."""
        clamp, books, time_ms = self.today(daemon)
        recorded = self.recorded(daemon, midnight_s, time_ms)
        self.assertAlmostEqual(clamp, books, delta=0.02, msg=why)
        self.assertLess(-0.01, clamp - recorded, why)
        self.assertLess(clamp - recorded, 0.5, why)  # what is not durable yet
        return clamp

    def over(self, midnight):
        plant, config, daemon = self.both(midnight - 300)
        before = self.just_before(plant, daemon, midnight)
        self.assertGreater(before, 0.5)
        self.past(daemon, midnight + 60)
        self.assertLess(self.check(daemon, midnight, 'after midnight'), before)
        daemon.stop()
        daemon = self.daemon(config, name='again')
        wait_for('the clamps', lambda: daemon.value('hp_power') is not None)
        self.check(daemon, midnight, 'after a restart')

    def test_todays_energies_restart_at_the_midnight_before_an_hour_is_skipped(self):
        self.over(local(2027, 3, 28))

    def test_todays_energies_restart_at_the_midnight_before_an_hour_comes_twice(self):
        self.over(local(2027, 10, 31))

    def test_a_midnight_that_was_slept_through_still_parts_the_days(self):
        midnight = local(2027, 1, 21)
        plant, config, daemon = self.both(midnight - 160, speed=20)
        yesterday = self.just_before(plant, daemon, midnight, speed=1)
        daemon.stop()
        plant.stop()
        self.plant(seed=1, speed=1, start=midnight + 3600)
        daemon = self.daemon(config, name='again')
        wait_for('the clamps', lambda: daemon.value('hp_power') is not None)
        self.assertGreater(yesterday, 0.2)
        self.assertLess(self.check(daemon, midnight, 'next morning'), 0.2)


    def test_the_first_day_keeps_the_energy_of_its_first_record_over_a_restart(self):
        plant = self.plant(seed=1, speed=20)
        config = write_config(plant, record_s=60)
        daemon = self.daemon(config)
        wait_for('records', lambda: daemon.live()['log']['durable'] >= 2)
        daemon.stop()
        daemon = self.daemon(config, name='again')
        wait_for('the clamps', lambda: daemon.value('hp_power') is not None)
        live = daemon.live()
        self.assertEqual(live['heatpump']['today']['elec'], live['heatpump']['total']['elec'])
        clamp = next(c for c in live['channels'] if c['id'] == 'hp_import')
        self.assertEqual(clamp['today'], clamp['value'])
        meter = next(c for c in live['channels'] if c['id'] == 'heatmeter_energy')
        self.assertLess(meter['today'], meter['value'], 'a register began long before')


class Installations(SystemTest):
    """Less than everything, and something else than yesterday."""

    def test_energies_of_a_role_that_nobody_plays_are_missing_not_0(self):
        plant = self.plant(seed=1, speed=20)
        text = write_config(plant).read_text()
        start = text.index('roles:')
        for name, roles, elec, heat in (('none', '', False, False), ('elec', 'roles: {elec: hp}', True, False),
                                        ('heat', 'roles: {heat: heatmeter}', True, True)):
            config = self.folder / f'{name}.yaml'
            config.write_text(text[:start] + roles + '\n')
            daemon = self.daemon(config, name=name)
            wait_for('both', lambda: daemon.value('hp_power') is not None and daemon.value('heatmeter_energy') is not None)
            wait_for('energy', lambda: name == 'none' or daemon.live()['heatpump']['total']['elec'] > 0)
            for books in (daemon.live()['heatpump'][k] for k in ('today', 'total')):
                self.assertEqual((books['elec'] is not None, books['heat'] is not None, books['negative_heat'] is not None),
                                 (elec, heat, heat), name)
            wait_for('a durable record', lambda: daemon.live()['log']['durable'] > 0)
            daemon.stop()  # 'heat' still knows what 'elec' counted


    def test_a_plant_that_is_replaced_while_the_daemon_runs_makes_no_step_and_its_absence_is_gap(self):
        plant = self.plant(seed=1, speed=20)
        daemon = self.daemon(write_config(plant))
        wait_for('both', lambda: daemon.value('hp_power') is not None and daemon.value('heatmeter_energy') is not None)
        wait_for('records', lambda: daemon.live()['time'] > (START + 60) * 1000)
        plant.stop(signal.SIGKILL)
        wait_for('it is gone', lambda: daemon.source('clamps')['state'] == 'failed')
        wait_for('the meter too', lambda: 'warn heatmeter: ' in daemon.said())
        cause = next(line for line in daemon.said().splitlines() if 'warn heatmeter: ' in line)
        self.assertRegex(cause, r'hung up|No such file', 'what a person can act on')
        before = daemon.live()
        self.plant(seed=7, speed=20, start=START + 900)  # other sensors, another heat meter, later
        wait_for('both again', lambda: daemon.source('clamps')['state'] == daemon.source('heatmeter')['state'] == 'ok')
        wait_for('power', lambda: daemon.value('hp_power') is not None)
        wait_for('the new register', lambda: daemon.live()['time'] > (START + 960) * 1000 and daemon.value('heatmeter_energy'))
        after = daemon.live()
        elapsed = (after['time'] - before['time']) / 1000
        times = [l['log']['measured_s'] + l['log']['gap_s'] for l in (before, after)]
        self.assertGreater(elapsed, 700)
        self.assertAlmostEqual(times[1] - times[0], elapsed, delta=1.5)  # the newest window of each
        gap = after['log']['gap_s'] - before['log']['gap_s']
        self.assertGreater(gap, 700)
        for books in ('today', 'total'):
            self.assertEqual(after['heatpump'][books]['heat'], before['heatpump'][books]['heat'], 'another register')
            rise = after['heatpump'][books]['elec'] - before['heatpump'][books]['elec']
            self.assertLess(rise, 5, 'only what was measured')
            self.assertGreaterEqual(rise, 0)


    def test_a_data_dir_that_cannot_be_used_is_named_with_the_reason(self):
        plant = self.plant(seed=1, speed=20)
        config = write_config(plant)
        text = config.read_text()
        (self.folder / 'file').write_text('mine')
        (self.folder / 'locked').mkdir()
        (self.folder / 'locked').chmod(0o500)
        rows = [('file', 'is not a folder'), ('not/there', 'does not exist')]
        rows += [('locked', 'may not write there')] if os.geteuid() != 0 else []
        for data, why in rows:
            config.write_text(text.replace(str(self.folder / 'data'), str(self.folder / data)))
            done = subprocess.run([HEATWATT, 'run', '--config', config], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(f'data_dir {self.folder / data}: ', done.stderr)
            self.assertIn(why, done.stderr)
        self.assertEqual((self.folder / 'file').read_text(), 'mine')


    def test_five_kills_in_a_row_leave_a_whole_log_and_no_gap_but_the_dead_time(self):
        seed = random.randrange(1 << 32)
        print(f'    kills of seed {seed}')
        rng = random.Random(seed)
        plant = self.plant(seed=1, speed=30)
        config = write_config(plant)
        kept = 0
        for i in range(5):
            daemon = self.daemon(config, name=f'killed{i}')
            wait_for('life', lambda: daemon.value('hp_power') is not None)
            time.sleep(rng.uniform(0, 1.5))
            durable = daemon.live()['log']['durable']
            self.assertGreaterEqual(durable, kept, 'acknowledged records stay')
            kept = durable
            daemon.kill9()
        daemon = self.daemon(config, name='last')
        wait_for('a record', lambda: daemon.live()['log']['durable'] > kept)
        daemon.stop()
        verify = subprocess.run([HEATWATT, 'log', 'verify', self.folder / 'data'], capture_output=True, text=True)
        self.assertEqual(verify.returncode, 0, verify.stdout)
        dump = subprocess.run([HEATWATT, 'log', 'export', self.folder / 'data'], capture_output=True, text=True)
        rows = list(csv.DictReader(dump.stdout.splitlines()))
        times = [int(row['time']) for row in rows]
        self.assertEqual(times, sorted(set(times)), 'no record twice')
        known = [row for row in rows if row['device_measured'] and row['hp_import']]
        sums = [float(row['device_measured']) + float(row['device_gap']) for row in known]
        for row, total in zip(known, sums):
            self.assertAlmostEqual(total - sums[0], (int(row['time']) - int(known[0]['time'])) / 1000, delta=0.1)
        counts = [float(row['hp_import']) for row in known]
        self.assertEqual(counts, sorted(counts), 'a counter never falls')


class Demo(SystemTest):
    """`heatwatt demo` beside other programs, twice, and cut short."""

    def demo(self, *args, data='demo', timeout_s=90):
        return subprocess.run([HEATWATT.resolve(), 'demo', '--data', data, *args], cwd=self.folder, capture_output=True, text=True,
                              timeout=timeout_s)

    def streams(self):
        done = subprocess.run([HEATWATT, 'log', 'info', self.folder / 'demo'], capture_output=True, text=True)
        rows = [line.split() for line in done.stdout.splitlines()[2:]]
        return {row[0]: int(row[3]) for row in rows}

    def test_a_port_in_use_is_said_at_once_with_what_to_do(self):
        with socket.create_server(('127.0.0.1', 0)) as busy:
            port = busy.getsockname()[1]
            done = self.demo('--port', str(port))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'port {port} is in use', done.stderr)
        self.assertIn('--port', done.stderr)
        self.assertFalse((self.folder / 'demo').exists(), 'nothing was made in vain')

    def test_a_folder_of_something_else_is_refused_and_left_alone(self):
        (self.folder / 'mine').mkdir()
        mine = self.folder / 'mine/heatwatt.yaml'
        mine.write_text('version: 1\n# mine\n')
        (self.folder / 'file').write_text('x')
        for data, why in (('mine', 'not written by a demo'), ('file', 'not a folder'), ('no/such', 'No such file')):
            done = self.demo('--port', '0', '--history', '0', '--for', '0.1', data=data)
            self.assertEqual((done.returncode, why in done.stderr), (1, True), done.stderr)
        self.assertEqual(mine.read_text(), 'version: 1\n# mine\n')
        self.assertEqual([p.name for p in mine.parent.iterdir()], ['heatwatt.yaml'])

    def test_a_history_cut_short_names_the_folder_and_is_made_next_time(self):
        process = subprocess.Popen([HEATWATT.resolve(), 'demo', '--port', '0', '--history', '60', '--data', 'demo'], cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for('an import', lambda: list((self.folder / 'demo/log').glob('seg-*')), every_s=0.002)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn(f'interrupted; the data lies in {self.folder}/demo', said)
        self.assertFalse((self.folder / 'demo/history.csv').exists())
        self.assertNotIn('history', self.streams())
        self.assertEqual(self.demo('--port', '0', '--history', '2', '--for', '0.5').returncode, 0)
        made = self.streams()['history']
        self.assertGreaterEqual(made, 2 * 1440 - 1)
        again = self.demo('--port', '0', '--history', '2', '--for', '0.5')
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.streams()['history'], made, 'an earlier demo goes on')

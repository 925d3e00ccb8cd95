"""Pulses, an Elster meter's light and 1-Wire sensors: the daemon on the input lines of the plant, against what the plant knows."""
import unittest

from harness import SystemTest, wait_for, write_config


class Light(SystemTest):
    """A plant and a daemon with one further source."""

    live_ms = 100


    def both(self, source, plant_options, speed=20, elec='hp', **config):
        plant = self.plant(seed=1, speed=speed, extra=(*plant_options, '--loads', 'hp=8.7:pfc'))
        path = write_config(plant, **config)
        text = path.read_text().replace('roles:', source + 'roles:', 1).replace('elec: hp,', f'elec: {elec},', 1)
        path.write_text(text)
        return plant, self.daemon(path)

    def counter(self, daemon, source, name):
        return daemon.source(source)['counters'].get(name, 0)


class Pulses(Light):
    def start(self, **options):
        path = self.folder / 'pulses'
        source = f'  - {{id: led, type: pulses, events: {path}, per_unit: 1000, max_w: 9000}}\n'
        plant, daemon = self.both(source, ('--pulses', path), **options)
        wait_for('pulses', lambda: (daemon.value('led_import') or 0) > 5)
        return plant, daemon

    def heard(self, plant):
        plant.control('truth')
        truth = plant.truth()['pulses']
        return truth['count'] - truth['unheard']

    def settled(self, plant, daemon, before=0):
        """Pulses at a standstill, as many as the plant knows; the newest import is at most a second old."""
        plant.control('speed 0')
        heard = self.heard(plant)
        wait_for('every pulse', lambda: self.counter(daemon, 'led', 'pulses') + before == heard)
        self.assertTrue(heard - 3 <= daemon.value('led_import') <= heard, daemon.value('led_import'))
        return heard

    def test_every_pulse_is_counted_over_bounces_and_a_restart(self):
        plant, daemon = self.start(elec='led', commit_s=1, record_s=1)
        wait_for('power', lambda: daemon.value('led_power'))
        plant.control('pulses bounce 10')
        wait_for('bounces', lambda: self.counter(daemon, 'led', 'bounces') >= 60)
        # a pulse that is read late makes the power fall for a moment
        wait_for('its power', lambda: abs((daemon.value('led_power') or 0) - plant.truth()['elecmeter']['power_w']) < 150)
        before = self.settled(plant, daemon)
        self.assertEqual(self.counter(daemon, 'led', 'lost_edges'), 0)
        self.assertEqual(self.counter(daemon, 'led', 'close'), 0)
        self.assertGreater(daemon.live()['heatpump']['total']['elec'], 0)
        daemon.stop()
        again = self.daemon(daemon.config, name='again')
        plant.control('speed 20')
        wait_for('it goes on', lambda: (again.value('led_import') or 0) > before + 5)
        self.settled(plant, again, before)

    def test_lost_edges_are_told_and_an_unplugged_line_recovers(self):
        plant, daemon = self.start()
        plant.control('pulses lose 6')
        wait_for('they are counted', lambda: self.counter(daemon, 'led', 'lost_edges') == 6)
        self.assertIn('edges lost count=6', daemon.said())
        plant.control('pulses unplug')
        state = wait_for('failed', lambda: (s := daemon.source('led'))['state'] == 'failed' and s)
        self.assertIn(str(self.folder / 'pulses'), state['cause'])
        wait_for('missing', lambda: daemon.value('led_power') is None)
        before = self.counter(daemon, 'led', 'pulses')
        plant.control('pulses plug')
        wait_for('ok again', lambda: daemon.source('led')['state'] == 'ok')
        wait_for('counting', lambda: self.counter(daemon, 'led', 'pulses') > before + 3)


class Elster(Light):
    def start(self, **options):
        path = self.folder / 'elster'
        source = f'  - {{id: meter, type: elster, label: Grid, events: {path}}}\n'
        plant, daemon = self.both(source, ('--elster', path), elec='meter', **options)
        wait_for('registers', lambda: daemon.value('meter_import') is not None)
        return plant, daemon

    def check_registers(self, plant, daemon):
        """What the daemon shows stood, as a pair, in one of the last packets."""
        plant.control('speed 0')
        plant.control('truth')
        live = daemon.live()
        pair = [next(c['register'] for c in live['channels'] if c['id'] == f'meter_{q}') for q in ('import', 'export')]
        self.assertIn(pair, plant.truth()['elster']['recent'])
        plant.control('speed 20')

    def test_registers_are_exact_through_every_fault(self):
        plant, daemon = self.start()
        wait_for('power', lambda: daemon.value('meter_power') is not None)
        for command, reasons in (('lose 10', ('CHECKSUM', 'SANITY', 'LENGTH', 'FRAMING')), ('extra 40', ('CHECKSUM', 'SANITY', 'LENGTH', 'FRAMING')),
                                 ('checksum 2', ('CHECKSUM',))):
            count = lambda: sum(self.counter(daemon, 'meter', r) for r in reasons)
            before = count()
            plant.control('elster ' + command)
            wait_for(command, lambda: count() > before)
        good = self.counter(daemon, 'meter', 'packets')
        wait_for('good packets', lambda: self.counter(daemon, 'meter', 'packets') > good + 6)
        self.check_registers(plant, daemon)
        self.assertEqual(self.counter(daemon, 'meter', 'anchored'), 0)
        self.assertEqual(self.counter(daemon, 'meter', 'baud'), 2400)
        plant.control('elster powerfail')
        wait_for('power failure', lambda: self.counter(daemon, 'meter', 'power_fails') == 1)
        self.assertEqual(daemon.source('meter')['state'], 'ok')
        power = plant.truth()['elster']['power_w']
        wait_for('power', lambda: abs((daemon.value('meter_power') or 0) - power) < 0.2 * abs(power) + 100)

    def test_another_meter_makes_no_step_and_is_told(self):
        plant, daemon = self.start()
        elec = lambda: daemon.live()['heatpump']['total']['elec'] or 0
        wait_for('energy', lambda: elec() > 3)
        before, t0 = elec(), daemon.live()['time']
        plant.control('elster swap')
        wait_for('it is told', lambda: self.counter(daemon, 'meter', 'anchored') == 1)
        powers = []
        wait_for('it counts on', lambda: powers.append(abs(daemon.value('meter_power') or 0)) or elec() > before + 3)
        self.assertLess(max(powers), 25000, 'nor a step in the power')
        hours = (daemon.live()['time'] - t0) / 3.6e6
        self.assertLess(elec() - before, 25000 * hours + 5, 'no step, only what the supply delivers')
        self.assertEqual(len([l for l in daemon.said().splitlines() if 'register jumped' in l]), 1)
        self.check_registers(plant, daemon)

    def test_darkness_is_stale_and_an_unplugged_line_is_failed_and_both_pass(self):
        plant, daemon = self.start()
        plant.control('elster dark 60')
        state = wait_for('stale', lambda: (s := daemon.source('meter'))['state'] == 'stale' and s)
        self.assertIn('no light', state['cause'])
        plant.control('elster dark 0')
        wait_for('ok', lambda: daemon.source('meter')['state'] == 'ok')
        plant.control('elster unplug')
        state = wait_for('failed', lambda: (s := daemon.source('meter'))['state'] == 'failed' and s)
        self.assertIn(str(self.folder / 'elster'), state['cause'])
        plant.control('elster plug')
        wait_for('ok again', lambda: daemon.source('meter')['state'] == 'ok')
        self.assertEqual(self.counter(daemon, 'meter', 'anchored'), 0)


class Sensors(Light):
    ROMS = ('28-0316a2795bff', '28-0316a2796001', '28-0316a2796102')
    CHANNELS = ('wf_flow_t', 'wr_return_t', 'wo_outside_t')

    def start(self):
        sensors = ', '.join(f'{{id: {c[:2]}, rom: {rom}, quantity: {c[3:]}}}' for c, rom in zip(self.CHANNELS, self.ROMS))
        source = f'  - {{id: w, type: ds18b20, w1: {self.folder / "w1"}, poll_s: 2, sensors: [{sensors}]}}\n'
        plant, daemon = self.both(source, ('--w1', self.folder / 'w1'))
        wait_for('all sensors', lambda: all(daemon.value(c) is not None for c in self.CHANNELS))
        return plant, daemon

    def test_temperatures_are_those_shown_and_faults_are_missing_by_reason(self):
        plant, daemon = self.start()
        plant.control('truth')
        for channel, truth in zip(self.CHANNELS, plant.truth()['w1']):
            self.assertAlmostEqual(daemon.value(channel), truth['shown'], delta=0.5, msg='the house goes on')
            self.assertLessEqual(abs(truth['shown'] - truth['degc']), 0.45)
        for command, reason, cause in (('unplug', 'ABSENT', 'not there'), ('crc', 'CRC', 'wrong sum'), ('reset', 'POWER_UP', '85')):
            plant.control(f'w1 {command} 2')
            state = wait_for('stale', lambda: (s := daemon.source('w'))['state'] == 'stale' and s)
            self.assertIn(f'wr (28-0316a2796001): {cause}' if command != 'crc' else cause, state['cause'])
            wait_for('missing', lambda: daemon.value('wr_return_t') is None)
            self.assertIsNotNone(daemon.value('wf_flow_t'))
            self.assertGreaterEqual(self.counter(daemon, 'w', reason), 3)
            plant.control('w1 plug 2' if command == 'unplug' else 'w1 good 2')
            wait_for('well again', lambda: daemon.source('w')['state'] == 'ok' and daemon.value('wr_return_t') is not None)
        self.assertNotEqual(daemon.value('wr_return_t'), 85)


if __name__ == '__main__':
    unittest.main()

"""emonTx lines: the daemon against the plant's emonTx in all its forms, with its faults."""
import json
import subprocess
import unittest

from harness import HEATWATT, SystemTest, wait_for, write_config

SOURCE = """  - id: tx
    type: emon
    port: {port}
    {more}
    inputs:
      - {{id: txhp, label: Heat pump, key: P1, quantity: power, energy_key: E1}}
      - {{id: txgrid, key: P2, quantity: power, energy_key: E2}}
      - {{id: txmains, key: Vrms, quantity: voltage}}
      - {{id: txflow, key: T1, quantity: flow_t}}
      - {{id: txpulse, key: pulse, quantity: import}}
{inputs}
roles:"""


class PlantsEmonTx(SystemTest):
    live_ms = 100

    def both(self, form='pairs', speed=50, more='interval_s: 10', inputs=''):
        plant = self.plant(seed=1, speed=speed, extra=('--emon', self.folder / 'tx', '--emon-form', form,
                                                       '--loads', 'hp=8.7:pfc'))
        path = write_config(plant)
        source = SOURCE.format(port=self.folder / 'tx', more=more, inputs=inputs)
        path.write_text(path.read_text().replace('roles:', source, 1).replace('elec: hp,', 'elec: txhp,', 1))
        return plant, self.daemon(path)

    def counters(self, daemon):
        return daemon.source('tx')['counters']

    def check_values(self, plant, daemon):
        wait_for('five messages', lambda: self.counters(daemon).get('messages', 0) >= 5)
        plant.control('speed 0')
        plant.control('truth')
        truth = plant.truth()['emon']
        shown = lambda: [daemon.value(c) or 0 for c in ('txhp_power', 'txgrid_power', 'txpulse_import')]
        wait_for('the last message', lambda: all(abs(a - b) <= t for a, b, t in zip(
            shown(), truth['watts'], (1, 1))) and abs(shown()[2] - truth['pulses']) <= 7)
        live = daemon.live()
        value = {c['id']: c['value'] for c in live['channels']}
        self.assertAlmostEqual(value['txhp_power'], truth['watts'][0], delta=1)
        self.assertAlmostEqual(value['txgrid_power'], truth['watts'][1], delta=1)
        self.assertAlmostEqual(value['txhp_import'], truth['register_wh'][0], delta=10)
        self.assertAlmostEqual(value['txmains_voltage'], 240, delta=20)
        self.assertAlmostEqual(value['txflow_flow_t'], plant.truth()['heat']['flow_degc'], delta=1)
        self.assertAlmostEqual(value['txhp_power'], value['hp_power'], delta=0.05 * value['hp_power'])
        self.assertEqual(daemon.source('tx')['state'], 'ok')
        self.assertEqual(live['roles']['elec'], 'txhp')

    def test_pairs_become_sources_of_their_own(self):
        self.check_values(*self.both())

    def test_json_says_the_same(self):
        self.check_values(*self.both(form='json'))

    def test_radio_messages_of_the_node_named_say_the_same(self):
        self.check_values(*self.both(form='radio', more='node: 15\n    layout: emontx3_cm_rf69n'))

    def test_another_node_and_a_key_that_never_comes_are_told(self):
        _, daemon = self.both(form='radio', more='interval_s: 2')
        wait_for('stale, by another node', lambda: (s := daemon.source('tx'))['state'] == 'stale' and 'node: 15' in s['cause'])
        self.assertIsNone(daemon.value('txhp_power'))

    def test_a_key_that_never_comes_is_told_and_the_others_are_read(self):
        _, daemon = self.both(inputs='      - {id: car, key: P7, quantity: power}')
        cause = wait_for('stale', lambda: (s := daemon.source('tx'))['state'] == 'stale' and s['cause'])
        self.assertIn('P7 is not sent; the line has MSG, Vrms, P1', cause)
        self.assertIsNone(daemon.value('car_power'))
        self.assertIsNotNone(daemon.value('txhp_power'))

    def test_noise_cut_lines_and_lost_messages_are_counted_and_pass(self):
        plant, daemon = self.both()
        wait_for('messages', lambda: self.counters(daemon).get('messages', 0) >= 2)
        plant.control('emon garbage 2')
        plant.control('emon cut 2')
        plant.control('emon silent 1')
        wait_for('missed', lambda: self.counters(daemon).get('missed', 0) >= 1)
        before = self.counters(daemon)['messages']
        wait_for('messages again', lambda: self.counters(daemon)['messages'] > before + 2)
        counters = self.counters(daemon)
        self.assertGreaterEqual(counters.get('cut', 0) + counters.get('SANITY', 0), 1)
        self.assertEqual(counters.get('anchored', 0), 0)
        self.assertEqual(daemon.source('tx')['state'], 'ok')

    def test_a_reset_and_a_register_that_turns_over_make_no_step(self):
        plant, daemon = self.both()
        wait_for('messages', lambda: self.counters(daemon).get('messages', 0) >= 3)
        for command, counter in (('emon reset', 'restarts'), ('emon turn', 'anchored')):
            told = self.counters(daemon).get(counter, 0)
            before, t0 = daemon.value('txhp_import'), daemon.live()['time']
            plant.control(command)
            wait_for(counter, lambda: self.counters(daemon).get(counter, 0) > told)
            good = self.counters(daemon)['messages']
            wait_for('two more', lambda: self.counters(daemon)['messages'] > good + 2)
            rise = daemon.value('txhp_import') - before
            self.assertGreaterEqual(rise, 0)
            self.assertLess(rise, 9000 * (daemon.live()['time'] - t0) / 3.6e6 + 1)
        wait_for('over 2^31', lambda: self.counters(daemon).get('wrapped', 0) >= 1)
        self.assertLess(daemon.value('txhp_import'), 10000)
        self.assertIn('register jumped channel=txhp_import', daemon.said())

    def test_an_unplugged_port_fails_and_a_replugged_one_recovers_and_a_restart_goes_on(self):
        plant, daemon = self.both()
        wait_for('messages', lambda: self.counters(daemon).get('messages', 0) >= 4)
        plant.control('emon unplug')
        state = wait_for('failed', lambda: (s := daemon.source('tx'))['state'] == 'failed' and s)
        self.assertIn(str(self.folder / 'tx'), state['cause'])
        wait_for('missing', lambda: daemon.value('txhp_power') is None)
        plant.control('emon plug')
        wait_for('values', lambda: daemon.value('txhp_power') is not None)
        before = daemon.value('txhp_import')
        daemon.stop()
        plant.control('emon reset')
        again = self.daemon(daemon.config, name='again')
        after = wait_for('the counter', lambda: again.value('txhp_import'))
        self.assertGreaterEqual(after, before)
        self.assertLess(after, before + 100)


class Decode(unittest.TestCase):
    def decode(self, text, *args):
        done = subprocess.run([HEATWATT, 'decode', 'emon', *args], input=text, capture_output=True, text=True, timeout=60)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def test_lines_are_printed_and_what_is_wrong_is_told(self):
        code, lines, _ = self.decode('|banner\nMSG:1,P1:-500.5\nOK 19 200 0 0 0 52 2 30 0 (-60)\nP1:5,P2:x\n')
        self.assertEqual(code, 1)
        self.assertEqual(lines[0], {'protocol': 'emon', 'ok': True, 'node': None, 'values': {'MSG': 1, 'P1': -500.5}})
        self.assertEqual((lines[1]['node'], lines[1]['rssi'], lines[1]['values']['humidity']), (19, -60, 56.4))
        self.assertEqual((lines[2]['ok'], lines[2]['reason'], lines[2]['line'], lines[2]['at']), (False, 'SANITY', 4, 9))

    def test_a_layout_can_be_named(self):
        code, lines, _ = self.decode('OK 3 1 0 2 0 3 0 4 0 100 0', '--layout', 'emontxshield')
        self.assertEqual((code, lines[0]['values']['power1']), (0, 1))
        self.assertEqual(self.decode('', '--layout', 'nothing')[0], 2)


if __name__ == '__main__':
    unittest.main()

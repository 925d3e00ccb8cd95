"""Heat from flow and temperatures: against the plant's own, with inputs of a meter."""
import unittest

from harness import SystemTest, wait_for, write_config

DERIVED = """  - {id: derived, type: heat_from_flow, flow_rate: heatmeter_flow_rate, flow_t: heatmeter_flow_t,
     return_t: heatmeter_return_t, interval_s: 10MORE}
roles:"""


class HeatFromFlow(SystemTest):
    def both(self, more=''):
        plant = self.plant(seed=1, speed=20)
        path = write_config(plant)
        text = path.read_text().replace('roles:', DERIVED.replace('MORE', more), 1)
        path.write_text(text.replace('heat: heatmeter,', 'heat: derived,', 1))
        daemon = self.daemon(path)
        wait_for('the meter', lambda: daemon.value('derived_power') is not None)
        plant.control('speed 300')
        wait_for('the heat pump', lambda: plant.truth()['heat']['heat_w'] > 3000)
        plant.control('speed 20')
        return plant, daemon

    def pair(self, daemon):
        v = {c['id']: c['value'] for c in daemon.live()['channels']}
        return v['derived_power'], v['heatmeter_power']

    def test_it_is_the_heat_of_the_meter_plays_the_role_heat_and_is_missing_without_its_inputs(self):
        plant, daemon = self.both()
        wait_for('heat', lambda: None not in (p := self.pair(daemon)) and min(p) > 1500)
        wait_for('agreement', lambda: None not in (p := self.pair(daemon)) and abs(p[0] - p[1]) < 0.05 * p[1] + 100)
        live = daemon.live()
        self.assertEqual(live['roles']['heat'], 'derived')
        wait_for('the books', lambda: (daemon.live()['heatpump']['total']['heat'] or 0) > 10)
        plant.control('mbus unplug')
        wait_for('missing', lambda: daemon.value('derived_power') is None)
        source = wait_for('stale', lambda: (s := daemon.source('derived'))['state'] == 'stale' and s)
        self.assertRegex(source['cause'], r'^heatmeter_\w+ is missing$')

    def test_glycol_carries_less(self):
        _, daemon = self.both(more=', glycol: propylene, percent: 40')
        wait_for('heat', lambda: None not in (p := self.pair(daemon)) and min(p) > 1500)
        wait_for('a share', lambda: None not in (p := self.pair(daemon)) and 0.85 < p[0] / p[1] < 0.95)


if __name__ == '__main__':
    unittest.main()

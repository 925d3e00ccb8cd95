"""A flow and temperature sensor on a converter, as files: values, faults, and the heat worked out from them."""
import unittest

from harness import SystemTest, wait_for

CONFIG = """version: 1
data_dir: {folder}/data
http: {{listen: 127.0.0.1, port: 0}}
record: {{interval_s: 1}}
sources:
  - id: vfs
    type: analog
    sensor: vfs_2_40
    flow: {folder}/in_voltage0_raw
    temperature: {folder}/in_voltage1_raw
    temperature_is: return_t
    divider: 2
    flow_calibration: [{{reads: 600, is: 610}}, {{reads: 1260, is: 1260}}]
    temperature_calibration: [{{reads: 10, is: 11}}, {{reads: 50, is: 50}}]
    poll_s: 1
  - {{id: hot, type: analog, sensor: vfs_2_40, temperature: {folder}/in2_input, poll_s: 1}}
  - {{id: heat, type: heat_from_flow, flow_rate: vfs_flow_rate, flow_t: hot_flow_t, return_t: vfs_return_t, interval_s: 1}}
roles: {{heat: heat, flow_t: hot_flow_t}}
"""


class VfsAsFiles(SystemTest):
    def put(self, name, value):
        new = self.folder / 'new'
        new.write_text(f'{value}\n')
        new.rename(self.folder / name)

    def setUp(self):
        super().setUp()
        self.put('in_voltage_scale', 0.5)       # mV a step, doubled by the divider: 1 mV a step
        self.put('in_voltage0_raw', 2000)       # 21 l/min
        self.put('in_voltage1_raw', 1400)       # 30 degC, 30.5 calibrated
        self.put('in2_input', 1550)             # mV: 35 degC
        path = self.folder / 'heatwatt.yaml'
        path.write_text(CONFIG.format(folder=self.folder))
        self.d = self.daemon(path)
        wait_for('heat', lambda: self.d.value('heat_power'))

    def state(self, source):
        s = self.d.source(source)
        return s['state'], s['cause'] or ''

    def test_files_become_flow_temperature_and_heat(self):
        self.assertEqual(self.d.value('vfs_flow_rate'), 1260)
        self.assertEqual(self.d.value('vfs_return_t'), 30.5)
        self.assertEqual(self.d.value('hot_flow_t'), 35)
        self.assertAlmostEqual(self.d.value('heat_power'), 1260 / 3600 * 0.99554 * 4179 * 4.5, delta=10)
        self.assertEqual(self.d.live()['roles']['heat'], 'heat')

    def test_standstill_is_zero_and_a_broken_wire_and_too_much_are_missing_with_their_cause(self):
        self.put('in_voltage0_raw', 340)
        wait_for('standstill', lambda: self.d.value('vfs_flow_rate') == 0 and self.d.value('heat_power') == 0)
        self.assertEqual(self.state('vfs')[0], 'ok')
        self.assertGreater(self.d.source('vfs')['counters']['below_range'], 0)
        for raw, counter, cause in ((20, 'broken_wire', 'flow: 0.020 V: no supply, or a broken wire'),
                                    (3700, 'over_range', 'flow: 3.700 V: over range')):
            self.put('in_voltage0_raw', raw)
            wait_for(counter, lambda: cause in self.state('vfs')[1])
            wait_for('missing', lambda: self.d.value('vfs_flow_rate') is None and self.d.value('heat_power') is None)
            self.assertEqual(self.d.value('vfs_return_t'), 30.5)
            self.assertGreater(self.d.source('vfs')['counters'][counter], 0)
        self.assertEqual(self.state('heat'), ('stale', 'vfs_flow_rate is missing'))
        self.put('in_voltage0_raw', 2000)
        wait_for('again', lambda: self.d.value('heat_power') and self.state('vfs')[0] == self.state('heat')[0] == 'ok')

    def test_a_converter_that_goes_is_failed_and_comes_back(self):
        (self.folder / 'in2_input').unlink()
        wait_for('failed', lambda: self.state('hot')[0] == 'failed' and 'in2_input' in self.state('hot')[1])
        wait_for('missing', lambda: self.d.value('hot_flow_t') is None)
        self.put('in2_input', 1550)
        wait_for('again', lambda: self.d.value('hot_flow_t') == 35 and self.state('hot')[0] == 'ok')


if __name__ == '__main__':
    unittest.main()

"""GET /api/v1/waveform: what the plant's waves are, sample by sample, and what the server says of wrong questions."""
import cmath
import json
import math
import struct
import unittest

import harness
from http_rig import Rig

# sim/physics/wave.c: order, per cent, degrees ahead of the voltage's fundamental
PFC = ((1, 98.5, 4), (3, 12, 150), (5, 7, -30), (7, 4, 60), (9, 3, 0), (11, 2.5, 100), (13, 2, 30))
MAINS = ((1, 100, 0), (3, 1.0, 20), (5, 2.5, 160), (7, 1.2, 10), (11, 0.6, 60))
HP_A, HOB_A = 8.7, 10.0


def distortion(lines):
    return math.sqrt(sum(p * p for _, p, _ in lines[1:])) / lines[0][1]


def unpack(body):
    """(JSON, columns) of the binary form, by docs/HTTP_API.md."""
    magic, version, n = struct.unpack_from('<8sII', body)
    assert (magic, version, n % 8) == (b'heatwatt', 1, 0), body[:16]
    head = json.loads(body[16:16 + n])
    rows, zero = struct.unpack_from('<II', body, 16 + n)
    size = 8 * rows
    columns = [struct.unpack_from(f'<{rows}d', body, 24 + n + i * size) for i in range(len(head['columns']))]
    assert zero == 0 and body[24 + n + len(columns) * size:] == bytes(8), 'a whole last block'
    return head, columns


def wave(lines, rms, turns):
    """The signal of a list of lines at this angle of the mains, in turns."""
    scale = rms / math.sqrt(sum(p * p for _, p, _ in lines))
    return math.sqrt(2) * scale * sum(p * math.sin(2 * math.pi * h * turns + math.radians(d)) for h, p, d in lines)


class OnThePlant(harness.SystemTest):
    def start(self):
        plant = self.plant(extra=('--loads', f'hp={HP_A}:pfc,hob={HOB_A}:0.5,ev=100:smps'))
        self.d = self.daemon(harness.write_config(plant, constants='constants'))
        harness.wait_for('ten cycles', lambda: self.d.status('/api/v1/waveform?channel=hp&cycles=10')[0] == 200)
        return plant

    def scope(self, channel, cycles):
        return self.d.get(f'/api/v1/waveform?channel={channel}&cycles={cycles}')

    def check_lines(self, trace, lines, rms, near):
        scale = rms / math.sqrt(sum(p * p for _, p, _ in lines))
        seen = [cmath.rect(a, math.radians(d)) for a, d in zip(*(trace['harmonics'][k] for k in ('rms', 'angle_deg')))]
        self.assertEqual(len(seen), 40)
        want = {h: cmath.rect(scale * p, math.radians(d)) for h, p, d in lines}
        for h, got in enumerate(seen, 1):
            self.assertLess(abs(got - want.get(h, 0)), near, f'harmonic {h}: {got}, not {want.get(h, 0)}')

    def test_waves_are_the_plants(self):
        self.start()
        volts = harness.wait_for('a voltage', lambda: next(c['value'] for c in self.d.live()['channels'] if c['quantity'] == 'voltage'))
        for cycles in (1, 3, 10):
            w = self.scope('hp_power', cycles)
            self.assertEqual((w['source'], w['cycles'], w['provenance'], w['bits']), ('hp', cycles, 'simulated', 12))
            self.assertAlmostEqual(w['frequency'], 50, delta=0.15)
            self.assertAlmostEqual(w['samples'] * w['step_us'], cycles * 1e6 / w['frequency'], delta=2 * w['step_us'])
            v, i = w['voltage'], w['current']
            self.assertAlmostEqual(v['rms'], volts, delta=0.02 * volts)  # it wanders
            self.assertAlmostEqual(i['rms'], HP_A, delta=0.015 * HP_A)
            self.assertAlmostEqual(v['thd'], distortion(MAINS), delta=0.004)
            self.assertAlmostEqual(i['thd'], distortion(PFC), delta=0.01)
            self.check_lines(v, MAINS, v['rms'], 0.5)
            self.check_lines(i, PFC, HP_A, 0.05)
            self.assertEqual((v['clipped'], i['clipped']), ([], []))
            for trace, lines, rms, near in ((v, MAINS, v['rms'], 2), (i, PFC, HP_A, 0.9)):  # noise; harmonics lead less than the axis says
                self.assertEqual(len(trace['values']), w['samples'])
                for n, value in enumerate(trace['values']):
                    at = (trace['first_us'] + n * w['step_us']) * 1e-6 * w['frequency']
                    self.assertLess(abs(value - wave(lines, rms, at)), near, f'sample {n}')
        hob = self.scope('hob', 10)['current']
        self.assertAlmostEqual(hob['rms'], HOB_A, delta=0.005 * HOB_A)
        self.assertAlmostEqual(hob['harmonics']['angle_deg'][0], -60, delta=0.2)
        self.assertLess(hob['thd'], 0.012)
        self.assertGreater(hob['residue'], 0.04)  # the noise of the converter: 0.7 codes
        self.assertLess(hob['residue'], 0.09)
        self.assertAlmostEqual(hob['lsb'], 1 / 11.8, delta=0.01 / 11.8)

    def test_a_current_beyond_the_converter_shows_which_samples_clip(self):
        self.start()
        w = self.scope('ev_current', 4)
        i = w['current']
        self.assertGreater(len(i['clipped']), 4 * 2 * 3)  # at each crest, of either sign
        crest = max(abs(x) for x in i['values'])
        for n, x in enumerate(i['values']):
            if n in set(i['clipped']):
                self.assertGreater(abs(x), 0.97 * crest)
        self.assertEqual(w['voltage']['clipped'], [])
        self.assertEqual(self.scope('hp', 4)['current']['clipped'], [])

    def test_binary_holds_the_same_kind_of_answer(self):
        self.start()
        status, body = self.d.status('/api/v1/waveform?channel=hp&cycles=2&format=binary')
        self.assertEqual(status, 200)
        head, columns = unpack(body)
        self.assertEqual([(c['series'], c['fn'], c['unit']) for c in head['columns']],
                         [(f'{head["voltage"]["source"]}_voltage', 'time', 'us'), (f'{head["voltage"]["source"]}_voltage', 'value', 'V'),
                          (f'{head["voltage"]["source"]}_voltage', 'clipped', '1'), ('hp_current', 'time', 'us'),
                          ('hp_current', 'value', 'A'), ('hp_current', 'clipped', '1')])
        self.assertEqual({len(c) for c in columns}, {head['samples']})
        for k, trace in ((0, head['voltage']), (3, head['current'])):
            self.assertNotIn('values', trace)
            self.assertAlmostEqual(columns[k][0], trace['first_us'], delta=1e-3)
            self.assertAlmostEqual(columns[k][-1], trace['first_us'] + (head['samples'] - 1) * head['step_us'], delta=1e-2)
            rms = math.sqrt(sum(x * x for x in columns[k + 1]) / head['samples'])
            self.assertAlmostEqual(rms, trace['rms'], delta=0.02 * rms)
            self.assertEqual(set(columns[k + 2]), {0.0})

    def test_a_stream_that_stops_is_said_and_one_that_goes_on_is_shown_again(self):
        plant = self.start()
        plant.control('samples stop')
        status, body = harness.wait_for('503', lambda: (lambda r: r if r[0] == 503 else None)(
            self.d.status('/api/v1/waveform?channel=hp')))
        self.assertIn("no samples of 'hp' now", json.loads(body)['detail'])
        plant.control('samples start')
        harness.wait_for('samples', lambda: self.d.status('/api/v1/waveform?channel=hp&cycles=10')[0] == 200)
        plant.control('samples lose 2')  # what is shown has no gap inside: sines stay sines
        for _ in range(10):
            status, body = self.d.status('/api/v1/waveform?channel=hob&cycles=3')
            if status == 200:
                self.assertLess(json.loads(body)['current']['thd'], 0.02)


class TheServerAlone(unittest.TestCase):
    def setUp(self):
        self.rig = Rig()
        self.addCleanup(self.rig.stop)

    def test_wrong_questions_are_answered_by_what_would_be_right(self):
        for query, status, words, why in (
                ('', 400, 'channel: is missing; the id of a clamp', 'no channel'),
                ('channel=nosuch', 400, "channel: 'nosuch' is not configured; the clamps are hp", 'no such'),
                ('channel=hp&cycles=0', 400, 'a whole number from 1 to 10', 'no cycle'),
                ('channel=hp&cycles=11', 400, 'a whole number from 1 to 10', 'too many'),
                ('channel=hp&cycles=2.5', 400, 'a whole number from 1 to 10', 'a part of one'),
                ('channel=hp&format=csv', 400, 'json or binary', 'a format of another call'),
                ('channel=hp&step=1', 400, "parameter 'step' is not known; /api/v1/waveform takes channel, cycles, format", 'typing error'),
                ('channel=asleep', 503, "no samples of 'asleep' now", 'nothing yet')):
            reply = self.rig.get(f'/api/v1/waveform?{query}')
            self.assertEqual(reply.status, status, why)
            self.assertIn(words, json.loads(reply.body)['detail'], why)
        self.assertIsNotNone(self.rig.get('/api/v1/waveform?channel=asleep').getheader('Retry-After'))

    def test_json_and_binary_say_the_same(self):
        text = self.rig.json('/api/v1/waveform?channel=hp&cycles=10')
        reply = self.rig.get('/api/v1/waveform?channel=hp&cycles=10', {'Accept': 'application/vnd.heatwatt.columns'})
        self.assertEqual(reply.getheader('Content-Type'), 'application/vnd.heatwatt.columns')
        head, columns = unpack(reply.body)
        for k, key, digits in ((0, 'voltage', 3), (3, 'current', 5)):
            trace = text[key]
            self.assertEqual([round(x, digits) for x in columns[k + 1]], [round(x, digits) for x in trace['values']])
            self.assertEqual([n for n, x in enumerate(columns[k + 2]) if x], trace['clipped'])
            self.assertEqual(head[key], {k: v for k, v in trace.items() if k != 'values'})
        self.assertGreater(len(text['current']['clipped']), 100)
        self.assertAlmostEqual(text['frequency'], 50, delta=1e-3)
        self.assertEqual(text['label'], 'Heat pump ⚡')


if __name__ == '__main__':
    unittest.main()

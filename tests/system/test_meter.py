"""`heatwatt meter` on recorded and made waveforms, against sums of the samples; and a short run of the accuracy bench.

Reads ../shared/data/waveforms in place (HEATWATT_SHARED overrides); skips, saying so, where it is missing.
"""
import array
import ast
import json
import math
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import BUILD, HEATWATT, SHARED

PLAID = SHARED / 'data/waveforms/plaid-1cycle'
BENCH = BUILD / 'bench/accuracy'
POINTS = [f'E{n}' for n in range(1, 26) if n != 20] + ['E20a', 'E20b'] + [f'S{n}' for n in range(1, 10)] + \
    ['D1', 'D2', 'D3', 'D5', 'V1', 'F1', 'I1', 'Q1', 'H1', 'R1']


def meter(*args):
    done = subprocess.run([str(HEATWATT), 'meter', *map(str, args)], capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else None, done.stderr


def read_npy(path):
    """Rows of a little-endian f8 file of two dimensions."""
    raw = path.read_bytes()
    size, = struct.unpack_from('<H', raw, 8)
    rows, columns = ast.literal_eval(raw[10:10 + size].decode())['shape']
    numbers = array.array('d', raw[10 + size:])
    if sys.byteorder == 'big':
        numbers.byteswap()
    return [numbers[r * columns:(r + 1) * columns] for r in range(rows)]


def write_npy(path, kind, shape, payload):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
    path.write_bytes(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + payload)


def direct(v, i):
    n = len(v)
    mean = [sum(x * y for x, y in zip(a, b)) / n for a, b in ((v, v), (i, i), (v, i))]
    return {'vrms': math.sqrt(mean[0]), 'irms': math.sqrt(mean[1]), 'p_w': mean[2]}


class Made(unittest.TestCase):
    """Waveforms whose values are known in closed form."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='heatwatt-meter-')
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def wave(self, hz=50.0, rate=10000, seconds=2.0, lag=60.0, dc=0.0):
        v, i = [], []
        for n in range(int(rate * seconds)):
            angle = 2 * math.pi * hz * n / rate
            v.append(230 * math.sqrt(2) * math.sin(angle) + 7 * math.sqrt(2) * math.sin(5 * angle))
            i.append(3 * math.sqrt(2) * math.sin(angle - math.radians(lag)) + 0.6 * math.sqrt(2) * math.sin(3 * angle) + dc)
        return v, i

    def csv(self, v, i, rate=10000, name='w.csv'):
        path = self.folder / name
        path.write_text(f'# rate_hz={rate}\n' + ''.join(f'{a:.6f},{b:.6f}\n' for a, b in zip(v, i)))
        return path

    def test_all_values_of_a_csv_are_those_of_its_formula(self):
        code, got, error = meter('--csv', self.csv(*self.wave(hz=49.7)), '--harmonics')
        self.assertEqual(code, 0, error)
        want = {'vrms': math.hypot(230, 7), 'irms': math.hypot(3, 0.6), 'p_w': 345, 'q1_var': 690 * math.sin(math.pi / 3),
                'f_hz': 49.7, 'thd': 0.2, 'thd_v': 7 / 230, 'pf1': 0.5}
        want['s_va'] = want['vrms'] * want['irms']
        want['pf'] = want['p_w'] / want['s_va']
        for key, value in want.items():
            self.assertAlmostEqual(got[key], value, delta=abs(value) * 2e-4, msg=key)
        self.assertAlmostEqual(got['harmonics_v'][4], 7, delta=0.01)
        self.assertAlmostEqual(got['harmonics_a'][2], 0.6, delta=0.001)

    def test_direct_current_counts_unless_ac_is_asked_for(self):
        path = self.csv(*self.wave(dc=2.0))
        self.assertAlmostEqual(meter('--csv', path)[1]['irms'], math.sqrt(9 + 0.36 + 4), delta=2e-3)
        self.assertAlmostEqual(meter('--csv', path, '--ac')[1]['irms'], math.hypot(3, 0.6), delta=2e-3)

    def test_one_cycle_is_repeated_and_files_of_numbers_and_npy_agree(self):
        v, i = self.wave(seconds=0.02)
        answers = []
        for kind, code in (('<f8', 'd'), ('<f4', 'f')):
            for name, x in (('v', v), ('i', i)):
                data = array.array(code, [0.0] * len(x) + x)
                if sys.byteorder == 'big':
                    data.byteswap()
                write_npy(self.folder / f'{name}.npy', kind, (2, len(x)), data.tobytes())
            answers.append(meter('--voltage', self.folder / 'v.npy', '--current', self.folder / 'i.npy', '--rate', 10000,
                                 '--row', 1, '--repeat-s', 1))
        for name, x in (('v', v), ('i', i)):
            (self.folder / name).write_text('\n'.join(map(repr, x)))
        answers.append(meter('--voltage', self.folder / 'v', '--current', self.folder / 'i', '--rate', 10000))
        for code, got, error in answers:
            self.assertEqual(code, 0, error)
            self.assertAlmostEqual(got['p_w'], 345, delta=0.05)
            self.assertAlmostEqual(got['f_hz'], 50, delta=1e-3)

    def test_what_is_wrong_is_named(self):
        good = self.csv(*self.wave(seconds=0.5))
        bad = self.folder / 'bad.csv'
        bad.write_text('# rate_hz=10000\n1,2\n3;4\n')
        empty = self.folder / 'empty.csv'
        empty.write_text('# rate_hz=10000\n')
        headless = self.folder / 'headless.csv'
        headless.write_text('1,2\n')
        flat = self.csv([0.0] * 20000, [1.0] * 20000, name='flat.csv')
        torn = self.folder / 'torn.npy'
        write_npy(torn, '<f8', (2, 500), b'\0' * 100)
        huge = self.folder / 'huge.npy'
        write_npy(huge, '<f8', (2 ** 33, 2 ** 31), b'\0' * 100)
        order = self.folder / 'order.npy'
        write_npy(order, '>f8', (500,), b'\0' * 4000)
        pair = ['--voltage', torn, '--current', torn, '--rate', 30000]
        for args, code, words in (
                (['--csv', bad], 1, 'bad.csv:3: not two numbers'), (['--csv', empty], 1, 'no samples'),
                (['--csv', headless], 1, 'headless.csv:1: does not begin'), (['--csv', flat], 1, 'no ten whole cycles'),
                (['--csv', self.folder / 'none.csv'], 1, 'No such file'), (pair, 1, 'shorter than its shape'),
                (['--voltage', huge, '--current', huge, '--rate', 30000], 1, 'its shape is not'),
                (['--voltage', order, '--current', order, '--rate', 30000], 1, 'not little-endian'),
                (['--csv', good, '--rate', 100], 1, '500 to 200000'), (['--voltage', torn], 2, 'usage'),
                (['--csv', good, '--repeat-s', 'x'], 2, 'usage'), ([], 2, 'usage')):
            with self.subTest(args=[str(a) for a in args]):
                got = meter(*args)
                self.assertEqual(got[0], code, got[2])
                self.assertIn(words, got[2])


@unittest.skipUnless(PLAID.is_dir(), f'{PLAID} is not there')
class Recorded(unittest.TestCase):
    def test_all_recorded_cycles_are_within_a_thousandth_of_s_of_their_sums(self):
        rows = list(zip(read_npy(PLAID / 'voltage.npy'), read_npy(PLAID / 'current.npy')))
        worst = 0.0
        for n, (v, i) in enumerate(rows):
            want = direct(v, i)
            code, got, error = meter('--voltage', PLAID / 'voltage.npy', '--current', PLAID / 'current.npy', '--rate', 30000,
                                     '--row', n, '--repeat-s', 0.6)
            self.assertEqual(code, 0, f'row {n}: {error}')
            s = want['vrms'] * want['irms']
            worst = max(worst, abs(got['p_w'] - want['p_w']) / s)
            self.assertLess(abs(got['p_w'] - want['p_w']), 1e-3 * s, f'row {n}')
            self.assertAlmostEqual(got['irms'], want['irms'], delta=1e-3 * want['irms'] + 1e-6, msg=f'row {n}')
            self.assertAlmostEqual(got['f_hz'], 60, delta=0.01, msg=f'row {n}')
        self.assertEqual(len(rows), 250)
        print(f'    250 recorded cycles: worst error of P {100 * worst:.4f} % of S', flush=True)


class Bench(unittest.TestCase):
    """One seed of each point; build/bench/accuracy runs eight."""

    def run_bench(self, *args):
        return subprocess.run([str(BENCH), '--seeds', '1', *args], capture_output=True, text=True, timeout=120)

    def test_every_point_is_there_and_meets_its_limit(self):
        done = self.run_bench('--no-peers')
        self.assertEqual(done.returncode, 0, '\n'.join(l for l in done.stdout.splitlines() if 'MISS' in l) + done.stderr)
        rows = {line.split()[0] for line in done.stdout.splitlines() if line and not line[0].isspace()}
        self.assertEqual(set(POINTS) - rows, set())

    def test_a_ratio_told_wrong_by_200_ppm_turns_it_red(self):
        done = self.run_bench('--no-peers', '--only', 'E1', '--mistell', '200')
        self.assertEqual(done.returncode, 1)
        self.assertIn('MISS', done.stdout)

    def test_recordings_become_points(self):
        with tempfile.TemporaryDirectory(prefix='heatwatt-meter-') as folder:
            wave = [(math.sin(n / 100 * 2 * math.pi) * 170, abs(math.sin(n / 100 * 2 * math.pi)) * (1 if n % 100 < 50 else -1) * 4)
                    for n in range(1000)]
            (Path(folder) / 'one.csv').write_text('# rate_hz=6000\n' + ''.join(f'{v:.5f},{i:.5f}\n' for v, i in wave))
            done = self.run_bench('--no-peers', '--only', 'R1', '--recordings', folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('one.csv', done.stdout)


if __name__ == '__main__':
    unittest.main()

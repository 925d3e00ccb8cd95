"""heatwatt log import and export as people run them: killed, interrupted, resumed; other systems' files."""
import json
import os
import random
import re
import signal
import subprocess
import time

from harness import HEATWATT, TOP, SystemTest, wait_for

ROWS = 200_000
CHANNELS = [f'c{i}_power' for i in range(12)] + [f'c{i}_import' for i in range(4)]


def heatwatt(*args, **options):
    return subprocess.run([HEATWATT, 'log', *map(str, args)], capture_output=True, text=True, timeout=60, **options)


def write_rows(path, rows, seed=1):
    """A CSV file in the form that export writes: no trailing zeros."""
    rng = random.Random(seed)
    tails = []
    for _ in range(997):
        powers = [f'{rng.randrange(1, 30000)}.{rng.randrange(1, 10)}' if rng.random() < 0.95 else '' for _ in range(12)]
        tails.append(','.join(powers + [f'{rng.randrange(100000)}.5' for _ in range(4)]))
    with open(path, 'w') as f:
        f.write('time,' + ','.join(CHANNELS) + '\n')
        f.writelines(f'{1_795_000_000_000 + i * 10_000},{tails[i % 997]}\n' for i in range(rows))


class LogCommands(SystemTest):
    def export(self, stream):
        done = heatwatt('export', self.folder, '--stream', stream)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def start(self, *args):
        child = subprocess.Popen([HEATWATT, 'log', *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        return child

    def stream_rows(self):
        """Records of stream 'history' that are durable; 0: there is none yet."""
        for line in heatwatt('info', self.folder).stdout.splitlines():
            if line.startswith('history '):
                return int(line.split()[3])
        return 0

    def test_a_dump_tells_all_that_is_stored(self):
        csv = self.folder / 'all.csv'
        csv.write_text('time,hp_power,hp_import\n1795000000000,12.5,100\n1795000010000,,101.25\n')
        self.assertEqual(heatwatt('import', self.folder, csv, '--stream', 'history').returncode, 0)
        lines = [json.loads(line) for line in heatwatt('dump', self.folder, '--stream', 'history').stdout.splitlines()]
        self.assertEqual([(r['sequence'], r['time'], r['span_ms']) for r in lines],
                         [(1, 1795000000000, 10000), (2, 1795000010000, 10000)])
        self.assertEqual(lines[0]['values']['hp_power'], {'value': 12.5, 'counts': 125, 'quality': 'good'})
        self.assertEqual(lines[1]['values'], {'hp_import': {'value': 101.25, 'counts': 364500000, 'quality': 'good'}})
        second = heatwatt('dump', self.folder, '--stream', 'history', '--from', '2', '--count', '1').stdout
        self.assertEqual([json.loads(line) for line in second.splitlines()], lines[1:])
        for wrong in (['--from', '0'], ['--from', 'x'], ['--count', '-1'], ['--nonsense']):
            self.assertEqual(heatwatt('dump', self.folder, *wrong).returncode, 2, wrong)
        self.assertIn('ends before', heatwatt('dump', self.folder, '--stream', 'history', '--from', '9').stderr)

    def test_an_import_killed_twice_goes_on_without_a_row_lost_or_doubled(self):
        csv = self.folder / 'all.csv'
        write_rows(csv, ROWS)
        text, before = csv.read_text(), 0
        for kill in range(2):
            child = self.start('import', self.folder, csv, '--stream', 'history', '--resume')
            wait_for('rows', lambda: self.stream_rows() > before or child.poll() is not None, every_s=0.005)
            time.sleep(0.01 * kill)
            child.kill()
            child.wait()
            rows = self.stream_rows()
            self.assertEqual(heatwatt('verify', self.folder).returncode, 0)
            self.assertGreater(rows, before)
            self.assertLess(rows, ROWS, 'the import ended before it was killed')
            part = self.export('history')
            self.assertEqual(part.count('\n'), rows + 1)
            self.assertTrue(text.startswith(part), 'what is durable is not the first rows of the file')
            before = rows
        refused = heatwatt('import', self.folder, csv, '--stream', 'history')
        self.assertEqual(refused.returncode, 1)
        self.assertIn("has a stream 'history' already: --resume goes on with it", refused.stderr)
        done = heatwatt('import', self.folder, csv, '--stream', 'history', '--resume')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f'{ROWS} rows of 16 channels', done.stdout)
        self.assertIn(f'{before} of them before', done.stdout)
        self.assertTrue(self.export('history') == text)

    def test_ctrl_c_puts_an_import_down_and_says_how_to_go_on(self):
        csv = self.folder / 'all.csv'
        write_rows(csv, ROWS)
        child = self.start('import', self.folder, csv, '--stream', 'history')
        wait_for('rows', lambda: self.stream_rows() > 0 or child.poll() is not None, every_s=0.005)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=60)[1]
        self.assertEqual(child.returncode, 1, said)
        self.assertIn('interrupted', said)
        self.assertIn(f"{self.stream_rows()} rows, to 20", said)
        self.assertIn("are in stream 'history'; the same command with --resume goes on", said)
        self.assertEqual(heatwatt('import', self.folder, csv, '--stream', 'history', '--resume').returncode, 0)
        self.assertTrue(self.export('history') == csv.read_text())

    def test_a_file_with_a_mistake_leaves_nothing_and_says_where_it_is(self):
        csv = self.folder / 'bad.csv'
        csv.write_text('time,hp_power\n1795000000000,1\n1795000010000,1;5\n')
        done = heatwatt('import', self.folder, csv)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"{csv}:3:15: '1;5' is no number (hp_power)\nnothing was imported\n")
        self.assertFalse((self.folder / 'log').exists())

    def test_an_export_killed_goes_on_and_is_the_file_that_was_imported(self):
        csv, out = self.folder / 'all.csv', self.folder / 'out.csv'
        write_rows(csv, ROWS)
        self.assertEqual(heatwatt('import', self.folder, csv, '--stream', 'history').returncode, 0)
        for how in (signal.SIGKILL, signal.SIGINT):
            child = self.start('export', self.folder, '--stream', 'history', '--out', out, '--resume', '--quiet')
            size = out.stat().st_size if out.exists() else 0
            wait_for('bytes', lambda: out.exists() and out.stat().st_size > size or child.poll() is not None, every_s=0.001)
            child.send_signal(how)
            child.communicate(timeout=60)
            self.assertNotEqual(child.returncode, 0)
            self.assertLess(out.stat().st_size, csv.stat().st_size)
        with open(out, 'ab') as f:
            f.write(b'17950')  # half a line, as a power cut may leave
        done = heatwatt('export', self.folder, '--stream', 'history', '--out', out, '--resume')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('rows of 16 channels added to', done.stderr)
        self.assertTrue(out.read_bytes() == csv.read_bytes())
        again = heatwatt('export', self.folder, '--stream', 'history', '--out', out)
        self.assertEqual(again.returncode, 1)
        self.assertIn('is there already: --resume goes on with it', again.stderr)

    def test_files_of_emoncms_and_iotawatt_come_in(self):
        emoncms, iotawatt = self.folder / 'feed.csv', self.folder / 'query.csv'
        emoncms.write_text('1795162430,1336.48\n1795162440,null\n1795162450,1336.50\n')
        iotawatt.write_bytes(b'Time, hp_L1, V_main\r\n2026-01-01T00:00:00, 1490, 231.2\r\n2026-01-01T00:20:00, 1502, 231.5\r\n'
                             b'2026-01-01T00:40:00, null, null')
        done = heatwatt('import', self.folder, emoncms, '--columns', 'time,heatmeter_energy', '--unit', 'heatmeter_energy=kWh')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.export('import_1'),
                         'time,heatmeter_energy\n1795162430000,1336480\n1795162440000,\n1795162450000,1336500\n')
        args = ('import', self.folder, iotawatt, '--map', 'Time=time', '--map', 'hp_L1=hp_power', '--map', 'V_main=main_voltage',
                '--label', 'start')
        done = heatwatt(*args)
        self.assertEqual(done.returncode, 1)
        self.assertIn(":2:1: '2026-01-01T00:00:00' has no zone", done.stderr)
        done = heatwatt(*args, '--tz', 'Europe/Berlin')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.export('import_2'),
                         'time,hp_power,main_voltage\n1767223200000,1490,231.2\n1767224400000,1502,231.5\n1767225600000,,\n')

    def test_every_command_explains_itself_as_documented(self):
        page = (TOP / 'docs/LOG_COMMANDS.md').read_text()
        for command in ('query', 'export', 'import', 'dump', 'info'):
            done = heatwatt(command, '--help')
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.startswith(f'usage: heatwatt log {command} DIR'), done.stdout)
            self.assertTrue(f'## {command}\n' in page, command)
            for option in set(re.findall(r'(--[a-z]+)', done.stdout)) - {'--quiet', '--provenance', '--stream', '--help'}:
                with self.subTest(command, option=option):
                    self.assertTrue(option in page, f'{option} is not in docs/LOG_COMMANDS.md')
                    self.assertNotIn(f"unrecognized option '{option}'", heatwatt(command, option).stderr)
        for quantity in re.findall(r'^    X\([A-Z_]+,\s+\d+, "([a-z_]+)"', (TOP / 'core/flow.h').read_text(), re.M):
            self.assertTrue(f'`{quantity}`' in page, quantity)

    def test_a_log_on_a_partition_is_like_any_other(self):
        part, csv, out = self.folder / 'partition', self.folder / 'a.csv', self.folder / 'out.csv'
        with open(part, 'wb') as f:
            f.truncate(32 << 20)
        write_rows(csv, 3000)
        for args in (('format', part, '--yes'), ('import', part, csv), ('import', part, csv, '--resume'),
                     ('export', part, '--stream', 'import_1', '--out', out),
                     ('query', part, '--series', 'c0_power', '--from', '2026-11-18', '--to', '2026-11-19'), ('info', part, '--json')):
            done = heatwatt(*args)
            self.assertEqual(done.returncode, 0, (args, done.stderr))
        self.assertTrue(out.read_bytes() == csv.read_bytes())

    def test_the_bar_is_drawn_on_a_terminal_only(self):
        csv = self.folder / 'small.csv'
        write_rows(csv, 20)
        self.assertEqual(heatwatt('import', self.folder, csv).stderr, '')
        for args in (('import', self.folder, csv), ('export', self.folder, '--stream', 'import_1', '--out', self.folder / 'o.csv')):
            ours, theirs = os.openpty()
            done = subprocess.run([HEATWATT, 'log', *map(str, args)], stdout=subprocess.DEVNULL, stderr=theirs, timeout=60)
            os.close(theirs)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b'########] 100 %', os.read(ours, 65536))
            os.close(ours)

"""heatwatt log query: byte for byte what the API answers, beside a running daemon; and what people see."""
import subprocess
import urllib.request

from harness import HEATWATT, START, SystemTest, wait_for, write_config


def query(folder, *args, text=True):
    return subprocess.run([HEATWATT, 'log', 'query', folder, *map(str, args)], capture_output=True, text=text, timeout=60)


class LogQuery(SystemTest):
    def test_the_answers_are_those_of_the_api_while_the_daemon_runs(self):
        history = self.folder / 'history.csv'
        rows = [f'{(START - 3600 + 10 * i) * 1000},{500 + i % 7},{i * 2.5},{"" if i % 5 else 40.25}' for i in range(1, 361)]
        history.write_text('time,hp_power,hp_import,heatmeter_flow_t\n' + '\n'.join(rows) + '\n')
        done = subprocess.run([HEATWATT, 'log', 'import', self.folder / 'data', history], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        plant = self.plant(seed=1, speed=400)
        daemon = self.daemon(write_config(plant))
        to = START + 900
        wait_for('durable records', lambda: (daemon.live()['time'] or 0) > (to + 60) * 1000)
        frm = START - 7200
        series = 'hp_power,hp_import,heatmeter_flow_t'
        for why, asked in (
                ('defaults', {'step': '60000'}),
                ('as the records are', {'step': '10s'}),
                ('every function', {'step': '5m', 'fn': 'mean,min,max,first,last,measured'}),
                ('local days', {'step': 'day'}),
                ('points', {'points': '37'}),
                ('records', {'step': 'raw'}),
                ('records of one stream', {'step': 'raw', 'stream': 'import_1'})):
            for form in ('json', 'csv'):
                with self.subTest(why, form=form):
                    url = f'{daemon.url}/api/v1/query?series={series}&from={frm * 1000}&to={to * 1000}&tz=Asia/Kolkata&format={form}'
                    url += ''.join(f'&{k}={v}' for k, v in asked.items())
                    with urllib.request.urlopen(url, timeout=60) as reply:
                        api = reply.read()
                    done = query(self.folder / 'data', '--series', series, '--from', frm * 1000, '--to', to * 1000, '--tz', 'Asia/Kolkata',
                                 f'--{form}', *(a for k, v in asked.items() for a in (f'--{k}', v)), text=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(done.stdout, api + (b'\n' if form == 'json' else b''))
                    self.assertIn(b'import_1' if form == 'json' else b'imported', api)

        # The records of the own stream, with their times and values, are those of an export.
        with urllib.request.urlopen(f'{daemon.url}/api/v1/query?series=hp_power&from={frm * 1000}&to={to * 1000}&step=raw&stream=own&format=csv',
                                    timeout=60) as reply:
            asked = [line.split(',') for line in reply.read().decode().split('\r\n')[1:-1]]
        done = subprocess.run([HEATWATT, 'log', 'export', self.folder / 'data', '--series', 'hp_power', '--from', str(frm * 1000), '--to',
                               str(to * 1000)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split(',') for line in done.stdout.splitlines()[1:]], [[row[1], row[3]] for row in asked])
        self.assertGreater(len(asked), 50)
        done = subprocess.run([HEATWATT, 'log', 'import', self.folder / 'data', history, '--stream', 'again'], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'another heatwatt (process {daemon.process.pid}) uses the log', done.stderr)
        self.assertIn('nothing was imported', done.stderr)

    def log(self):
        csv = self.folder / 'a.csv'
        csv.write_text('time,a_power,a_import\n1795000010000,10,1\n1795000020000,,1.5\n1795000030000,30.5,2\n')
        subprocess.run([HEATWATT, 'log', 'import', self.folder, csv], capture_output=True, check=True, timeout=60)
        return self.folder

    def test_people_get_a_table(self):
        done = query(self.log(), '--series', 'a_power,a_import', '--from', '2026-11-18T12:06:40+01:00', '--to', '1795000040000', '--step', '10s',
                     '--tz', 'Europe/Berlin')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, '''\
time                              a_power    a_import
Europe/Berlin                      mean W    delta Wh
2026-11-18T12:06:40+01:00              10           0
2026-11-18T12:06:50+01:00               -         0.5
2026-11-18T12:07:00+01:00            30.5         0.5
2026-11-18T12:07:10+01:00               -           -
from import_1 (imported)
''')

    def test_times_without_a_zone_are_of_the_zone_asked_for(self):
        args = ('--series', 'a_power', '--step', 'raw', '--csv', '--tz', 'Europe/Berlin')
        by_zone = query(self.log(), *args, '--from', '2026-11-18T12:06:50', '--to', '2026-11-18T12:07:00')
        by_ms = query(self.folder, *args, '--from', '1795000010000', '--to', '1795000020000')
        self.assertEqual(by_zone.returncode, 0, by_zone.stderr)
        self.assertEqual(by_zone.stdout, by_ms.stdout)
        self.assertIn('1795000020000', by_zone.stdout)

    def test_mistakes_are_named(self):
        log = self.log()
        for why, args, text, status in (
                ('no range', ('--series', 'a_power'), '--from: missing', 2),
                ('no series', ('--from', '-7d'), '--series: missing', 2),
                ('no such series', ('--series', 'b_power', '--from', '-7d'), "--series: 'b_power' is not in the log", 1),
                ('no time', ('--series', 'a_power', '--from', 'noon'), '--from noon: a time is needed', 2),
                ('no step', ('--series', 'a_power', '--from', '-7d', '--step', '5x'), '--step: 5x is not right', 2),
                ('no function', ('--series', 'a_power', '--from', '-7d', '--fn', 'median'), "--fn: 'median' is not a function", 2),
                ('no zone', ('--series', 'a_power', '--from', '-7d', '--tz', 'Mars/Base'), '--tz Mars/Base: a zone is needed', 2),
                ('twice', ('--series', 'a_power', '--series', 'b_power', '--from', '-7d'), '--series is given twice', 2),
                ('backwards', ('--series', 'a_power', '--from', 'now', '--to', '-7d'), '--to: must be after from', 2)):
            with self.subTest(why):
                done = query(log, *args)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(text, done.stderr)
        none = query(self.folder / 'nowhere', '--series', 'a_power', '--from', '-7d')
        self.assertEqual(none.returncode, 1)
        self.assertIn('nowhere', none.stderr)

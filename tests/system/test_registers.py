"""Meters of the plant are exchanged, reset and turned over: what is counted goes on without a step, the journal tells
it once, and a restart changes nothing."""
import http.client
import json
import subprocess
import time
import unittest
from urllib.parse import urlsplit

from harness import HEATWATT, SystemTest, wait_for, write_config

SOURCES = """  - {{id: hpmeter, type: modbus, map: sdm120, port: {folder}/elec, baud: 9600, poll_s: 5, timeout_ms: 60}}
  - {{id: tx, type: emon, port: {folder}/tx, interval_s: 10, inputs: [
      {{id: txhp, key: P1, quantity: power, energy_key: E1}}, {{id: txpulse, key: pulse, quantity: import}}]}}
  - {{id: grid2, type: elster, events: {folder}/elster, max_w: 25000}}
roles:"""
STEPS = ('register_swap', 'register_reset', 'register_rollover')

# channel: the command's word, what the plant knows the counter rose to, Wh in the time between two readings: so far
# they lag behind the plant, and so much is not known of the time around a swap or a reset
METERS = {
    'heatmeter_energy': ('mbus', lambda t: t['heat']['positive_wh'], 25),
    'hpmeter_import': ('modbus', lambda t: t['elecmeter']['total_wh'], 5),
    'grid2_import': ('elster', lambda t: t['elster']['total_wh'], 10),
    'txhp_import': ('emon', lambda t: t['emon']['import_wh'][0], 8),
}


class Registers(SystemTest):
    def both(self, speed=40, **config):
        folder = self.folder
        plant = self.plant(seed=1, speed=speed, extra=('--history', '1', '--modbus', folder / 'elec', '--emon', folder / 'tx', '--elster',
                                                       folder / 'elster', '--loads', 'hp=8.7:pfc'))
        path = write_config(plant, record_s=5, commit_s=5, **config)
        text = path.read_text().replace('roles:', SOURCES.format(folder=folder), 1)
        path.write_text(text.replace('elec: hp,', 'elec: hpmeter,', 1))
        daemon = self.daemon(path)
        self.all_read(daemon)
        return plant, daemon

    def all_read(self, daemon):
        for channel in METERS:
            wait_for(channel, lambda: daemon.value(channel) is not None)

    def channel(self, daemon, name):
        return next(c for c in daemon.live()['channels'] if c['id'] == name)

    def steps(self, daemon, channel):
        return [e['kind'] for e in daemon.get('/api/v1/journal?limit=1000')['journal']
                if e['channel'] == channel and e['kind'] in STEPS]

    def risen(self, plant, daemon):
        """What each counter rose beyond the plant's truth since the first call, at a standstill of both."""
        plant.control('speed 0')
        view = []
        while len(view) < 3 or view[-1] != view[-3]:  # a poll under way, a view each second
            view.append([daemon.value(c) for c in METERS])
            time.sleep(0.7)
        before = view[-1]
        plant.control('truth')
        truth = plant.truth()
        now = {c: (v, METERS[c][1](truth)) for c, v in zip(METERS, before)}
        plant.control('speed 40')
        return now

    def check_rises(self, start, now, why):
        for channel, (value, truth) in now.items():
            poll, unknown = METERS[channel][2], 3  # swap, reset, and the swap to where it turns over
            rise, true_rise = value - start[channel][0], truth - start[channel][1]
            self.assertGreater(rise, true_rise - (1 + unknown) * poll, f'{why}: {channel}')
            self.assertLess(rise, true_rise + poll, f'{why}: {channel}')
            self.assertGreater(true_rise, 0, channel)

    def count_steps(self, daemon, want):
        try:
            wait_for(f'journal: {want}', lambda: all(sorted(self.steps(daemon, c)) == sorted(want) for c in METERS))
        except AssertionError as e:
            raise AssertionError(f'{e}, but {[(c, self.steps(daemon, c)) for c in METERS]}')

    def test_counters_go_on_over_swaps_resets_and_turns_and_a_restart_and_the_journal_tells_each_once(self):
        plant, daemon = self.both()
        start, t0 = self.risen(plant, daemon), daemon.live()['time']
        books = daemon.live()['heatpump']['total']
        want = []
        for command, kinds in (('swap', ['register_swap']), ('reset', ['register_reset']),
                               ('turn', ['register_swap', 'register_rollover'])):
            for word, _, _ in METERS.values():
                plant.control(f'{word} {command}')
            want += kinds
            self.count_steps(daemon, want)
        now, live = self.risen(plant, daemon), daemon.live()
        self.check_rises(start, now, 'live')
        self.check_books(books, live['heatpump']['total'], start, now)
        for channel in METERS:
            c = self.channel(daemon, channel)
            self.assertNotEqual(c['register'], c['value'], 'what the display shows')
            self.assertLess(c['today'], now[channel][1] - start[channel][1] + 60, 'today')
            wait_for('it is counted', lambda: daemon.source(c['feed'])['counters'].get('wrapped') == 1)
        self.check_queries(daemon, start, t0)
        self.check_restart(plant, daemon, start, want)

    def check_books(self, before, after, start, now):
        rise = lambda c: now[c][1] - start[c][1]
        self.assertAlmostEqual(after['elec'] - before['elec'], rise('hpmeter_import'), delta=20)
        self.assertAlmostEqual(after['heat'] - before['heat'], rise('heatmeter_energy'), delta=100)

    def check_queries(self, daemon, start, t0):
        """Buckets over all the steps add up to what rose, and none is negative."""
        self.all_read(daemon)
        for channel in METERS:
            to = daemon.live()['time']
            deltas = next(iter(daemon.query([channel], t0 - 5000, to, 10000, fn='delta').values()))
            known = [d for d in deltas if d is not None]
            self.assertGreaterEqual(min(known), 0, channel)
            self.assertLess(max(known), 25000 * 20 / 3600, channel)
            self.assertAlmostEqual(sum(known), daemon.value(channel) - start[channel][0], delta=200, msg=channel)

    def check_restart(self, plant, daemon, start, want):
        """A register that rises while nobody looks is made up for, behind its offset."""
        daemon.stop()
        wait_for('time to pass', lambda: plant.control('truth') and
                 plant.truth()['elecmeter']['total_wh'] > start['hpmeter_import'][1] + 150)
        again = self.daemon(daemon.config, name='again')
        self.all_read(again)
        wait_for('a second message', lambda: again.source('tx')['counters'].get('messages', 0) >= 2)
        self.check_rises(start, self.risen(plant, again), 'after the restart')
        self.count_steps(again, want)

    def test_a_meter_exchanged_while_the_daemon_is_down_makes_no_step_and_is_told_once(self):
        plant, daemon = self.both()
        start = self.risen(plant, daemon)
        daemon.stop()
        for word, _, _ in METERS.values():
            plant.control(f'{word} swap')
        again = self.daemon(daemon.config, name='again')
        self.count_steps(again, ['register_swap'])
        self.all_read(again)
        now = self.risen(plant, again)
        for channel, (value, truth) in now.items():
            rise, true_rise = value - start[channel][0], truth - start[channel][1]
            self.assertGreaterEqual(rise, 0, channel)
            self.assertLess(rise, true_rise + METERS[channel][2], channel)
        kinds = [e['kind'] for e in again.get('/api/v1/journal?limit=1000')['journal']]
        self.assertEqual((kinds.count('started'), kinds.count('stopped')), (2, 1))
        swap = next(e for e in again.get('/api/v1/journal?source=heatmeter')['journal'] if e['kind'] == 'register_swap')
        plant.control('truth')
        self.assertEqual(swap['meter'], 'KAM ' + plant.truth()['heatmeter']['serial'])

    def test_a_meter_exchanged_while_the_daemon_is_down_is_told_though_it_speaks_before_the_time_is_known(self):
        plant, daemon = self.both()
        before = daemon.value('txhp_import')
        daemon.stop()
        hidden = plant.samples.with_suffix('.hidden')
        plant.samples.rename(hidden)  # the daemon's clock is that of the samples
        plant.control('emon swap')
        again = self.daemon(daemon.config, name='again')
        wait_for('messages', lambda: again.source('tx')['counters'].get('messages', 0) >= 3)
        self.assertIsNone(again.value('txhp_import'))
        hidden.rename(plant.samples)
        wait_for('the counter', lambda: again.value('txhp_import') is not None)
        self.assertEqual(self.steps(again, 'txhp_import'), ['register_swap'])
        self.assertLess(again.value('txhp_import') - before, 1000)


class Journal(SystemTest):
    def kinds(self, daemon, query=''):
        return [e['kind'] for e in daemon.get('/api/v1/journal' + query)['journal']]

    def events(self, daemon):
        c = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=60)
        self.addCleanup(c.close)
        c.request('GET', '/api/v1/events')
        reply = c.getresponse()
        self.addCleanup(reply.close)
        name = ''
        while line := reply.readline().decode():
            field, _, value = line.rstrip('\n').partition(': ')
            name = value if field == 'event' else name
            if field == 'data' and name == 'journal':
                yield json.loads(value)

    def test_it_tells_starts_sources_and_the_clock_over_a_kill_and_a_torn_end(self):
        plant = self.plant(seed=1, speed=1)
        config = write_config(plant)
        daemon = self.daemon(config)
        wait_for('the start', lambda: 'source_added' in self.kinds(daemon))
        first = daemon.get('/api/v1/journal')['journal']
        self.assertEqual([e['kind'] for e in first if e['kind'] != 'meter_found'], ['source_added'] * 2 + ['started'])
        self.assertEqual({e['source'] for e in first}, {None, 'clamps', 'heatmeter'})
        self.assertEqual(first[0]['time'] // 10**9, plant.truth()['start_unix_ms'] // 10**9)
        events = self.events(daemon)
        plant.control('clock step 3600')
        step = next(events)
        self.assertEqual((step['kind'], 'forward by 3600' in step['text']), ('clock_step', True))
        self.assertEqual(daemon.get('/api/v1/journal?limit=1')['journal'], [step])
        daemon.kill9()
        with open(self.folder / 'data/journal.jsonl', 'ab') as f:
            f.write(b'{"seq":99,"time":18')
        text = config.read_text()
        cut = text.index('  - id: heatmeter')
        config.write_text(text[:cut] + text[text.index('roles:'):].replace('heat: heatmeter, flow_t: heatmeter_flow_t, '
                          'return_t: heatmeter_return_t, flow_rate: heatmeter_flow_rate, outside_t: heatmeter_outside_t, ', ''))
        again = self.daemon(config, name='again')
        wait_for('the second start', lambda: self.kinds(again).count('started') == 2)
        wait_for('the source', lambda: 'source_removed' in self.kinds(again))
        new = [e for e in again.get('/api/v1/journal')['journal'] if e['seq'] > step['seq']]
        self.assertEqual([e['kind'] for e in new], ['source_removed', 'started', 'journal_repaired'])
        self.assertIn('did not stop in order', new[1]['text'])
        self.assertEqual([e['seq'] for e in new], [step['seq'] + n for n in (3, 2, 1)])
        self.check_command(again)
        again.stop()
        self.assertIn('stopped', self.command('--limit', '1').stdout)

    def command(self, *args):
        return subprocess.run([HEATWATT, 'journal', self.folder / 'data', *args], capture_output=True, text=True, timeout=60)

    def check_command(self, daemon):
        lines = [json.loads(line) for line in self.command('--json').stdout.splitlines()]
        self.assertEqual(lines, daemon.get('/api/v1/journal')['journal'])
        lines = [json.loads(line) for line in self.command('--json', '--source', 'heatmeter').stdout.splitlines()]
        self.assertEqual(lines, daemon.get('/api/v1/journal?source=heatmeter')['journal'])
        self.assertGreater(len(lines), 1)
        self.assertIn('The source heatmeter is not configured any more.', self.command().stdout)
        for args, code in ((('--limit', '0'), 2), (('more',), 2), (('--help',), 0)):
            self.assertEqual(self.command(*args).returncode, code, args)
        wrong = subprocess.run([HEATWATT, 'journal', self.folder / 'nosuch'], capture_output=True, text=True, timeout=60)
        self.assertEqual((wrong.returncode, 'nosuch' in wrong.stderr), (1, True))


if __name__ == '__main__':
    unittest.main()

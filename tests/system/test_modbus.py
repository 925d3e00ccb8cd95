"""Modbus: the daemon against a server of libmodbus and against the plant's meter with its faults."""
import json
import os
import select
import signal
import socket
import subprocess
import threading
import tty
import unittest

from harness import BUILD, HEATWATT, Program, SystemTest, first_line, wait_for, write_config

PEER = BUILD / 'tests/system/modbus_peer'
FIND = BUILD / 'tests/system/modbus_find'


def find(where, last_unit, *speeds, timeout_ms=150):
    """What a search tells, as lists of words."""
    done = subprocess.run([FIND, str(where), str(timeout_ms), str(last_unit), *map(str, speeds)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


class Wire:
    """Two pseudo-terminals whose far ends are joined: a null modem cable. `cut` loses what is on the way."""

    def __init__(self):
        self.masters, self.slaves = zip(*(os.openpty() for _ in range(2)))
        for fd in self.slaves:
            tty.setraw(fd)
        self.ends = [os.ttyname(fd) for fd in self.slaves]
        self.cut = False
        self.going = True
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        while self.going:
            for fd in select.select(self.masters, [], [], 0.1)[0]:
                data = os.read(fd, 512)
                if not self.cut:
                    os.write(self.masters[1 - self.masters.index(fd)], data)

    def close(self):
        self.going = False
        self.thread.join()
        for fd in (*self.masters, *self.slaves):
            os.close(fd)


CONFIG = """version: 1
data_dir: {data}
http: {{listen: 127.0.0.1, port: 0}}
sources:
{sources}
"""


@unittest.skipUnless(PEER.exists(), 'libmodbus is not installed: no peer was built')
class LibmodbusPeer(SystemTest):
    live_ms = 100

    def peer(self, *args):
        program = Program([PEER, *args], self.folder, 'peer')
        self.children.append(program)
        return program, first_line(program.process, 10, 'modbus_peer').split()

    def start(self, sources):
        path = self.folder / 'heatwatt.yaml'
        path.write_text(CONFIG.format(data=self.folder / 'data', sources=sources))
        return self.daemon(path)

    def check_values(self, daemon, source, sign=1):
        wait_for('values', lambda: daemon.value(f'{source}_import') is not None)
        self.assertEqual(daemon.value(f'{source}_power'), sign * 1250.5)
        self.assertEqual(daemon.value(f'{source}_frequency'), 50.01)
        for phase in ('l1', 'l2', 'l3'):
            self.assertEqual(daemon.value(f'{source}_{phase}_voltage'), 230.2)
            self.assertEqual(daemon.value(f'{source}_{phase}_current'), 5)
        before = daemon.value(f'{source}_import')
        self.assertTrue(1_000_000 <= before < 1_000_100, before)
        wait_for('the counter rises', lambda: daemon.value(f'{source}_import') > before)

    def test_rtu_registers_of_both_kinds_are_read_and_a_cut_wire_recovers(self):
        wire = Wire()
        self.addCleanup(wire.close)
        _, ready = self.peer('rtu', wire.ends[0], 19200, 7)
        self.assertEqual(ready, ['ready'])
        daemon = self.start(f'  - {{id: e, type: modbus, map: sdm630, port: {wire.ends[1]}, baud: 19200, unit: 7, '
                            f'poll_s: 1, timeout_ms: 200, retries: 1}}')
        self.check_values(daemon, 'e')
        self.assertEqual(daemon.value('e_l1_import'), 0)
        self.assertNotIn('meter', daemon.source('e'), 'its holding registers end before FC00')
        wire.cut = True
        stale = wait_for('stale', lambda: (s := daemon.source('e'))['state'] == 'stale' and s)
        self.assertIn('TIMEOUT', stale['cause'])
        wait_for('missing', lambda: daemon.value('e_power') is None)
        wire.cut = False
        wait_for('ok', lambda: daemon.source('e')['state'] == 'ok')
        self.assertEqual(daemon.source('e')['counters'].get('CRC', 0), 0)

    def test_a_search_finds_libmodbus_on_a_line_and_in_the_network(self):
        wire = Wire()
        self.addCleanup(wire.close)
        self.peer('rtu', wire.ends[0], 19200, 1) # libmodbus loses the request after one to another unit
        found = find(wire.ends[1], 2, 19200)
        self.assertEqual([f[:4] for f in found], [['19200', '1', 'abb_b23', '4711000']])
        self.assertEqual([found[0][4], found[0][6]], ['power=-12505', 'voltage=23020'])
        _, ready = self.peer('tcp', 3)
        found = find(f'127.0.0.1:{ready[1]}', 4, 9600)
        self.assertEqual([f[1:4] for f in found], [['1', 'abb_b23', '4711000']], 'it looks at no unit')

    def test_tcp_holding_registers_are_read_and_what_is_not_available_is_missing(self):
        peer, ready = self.peer('tcp', 3)
        sources = f'  - {{id: b, type: modbus, map: abb_b23, tcp: "127.0.0.1:{ready[1]}", unit: 3, poll_s: 1, timeout_ms: 300}}'
        daemon = self.start(sources)
        self.check_values(daemon, 'b', sign=-1)
        self.assertIsNone(daemon.value('b_l1_import'))
        wait_for('the serial number', lambda: daemon.source('b').get('meter') == 'ABB B23 4711000')
        self.assertEqual(daemon.source('b')['counters']['good'], daemon.source('b')['counters']['polls'])
        peer.process.send_signal(signal.SIGSTOP) # a fitter takes it off the rail
        wait_for('no answer', lambda: daemon.source('b')['counters'].get('TIMEOUT', 0) > 0)
        peer.process.send_signal(signal.SIGUSR1)
        peer.process.send_signal(signal.SIGCONT)
        wait_for('another meter', lambda: daemon.source('b').get('meter') == 'ABB B23 4711001')
        self.assertEqual(daemon.source('b')['counters']['exchanged'], 1)
        peer.stop(signal.SIGKILL)
        state = wait_for('failed', lambda: (s := daemon.source('b'))['state'] == 'failed' and s)
        self.assertIn(f'127.0.0.1:{ready[1]}', state['cause'])


class PlantsMeter(SystemTest):
    live_ms = 100

    SOURCE = """  - id: hpmeter
    type: modbus
    label: Heat pump meter
    map: sdm120
    {where}
    poll_s: {poll_s}
    timeout_ms: {timeout_ms}
    retries: 1
roles:"""

    def both(self, speed=20, poll_s=5, elec='hpmeter', tcp=None):
        where = ('--modbus-tcp', tcp) if tcp else ('--modbus', self.folder / 'elec')
        plant = self.plant(seed=1, speed=speed, extra=(*where, '--loads', 'hp=8.7:pfc'))
        path = write_config(plant)
        where = f'tcp: 127.0.0.1:{tcp}' if tcp else f'port: {self.folder / "elec"}\n    baud: 9600'
        source = self.SOURCE.format(where=where, poll_s=poll_s, timeout_ms=max(60, 600 // speed))
        text = path.read_text().replace('roles:', source, 1).replace('elec: hp,', f'elec: {elec},', 1)
        path.write_text(text)
        daemon = self.daemon(path)
        wait_for('the meter', lambda: daemon.value('hpmeter_import') is not None)
        return plant, daemon

    def counters(self, daemon):
        return daemon.source('hpmeter')['counters']

    def test_it_reads_what_the_meter_shows_and_keeps_the_books_of_the_heat_pump(self):
        plant, daemon = self.both(speed=20)
        wait_for('electricity', lambda: daemon.live()['heatpump']['total']['elec'] > 20)
        plant.control('speed 0')
        live, truth = daemon.live(), plant.truth()['elecmeter']
        value = {c['id']: c['value'] for c in live['channels']}
        self.assertAlmostEqual(value['hpmeter_import'], truth['import_wh'], delta=2000 * 10 / 3600)
        self.assertAlmostEqual(value['hpmeter_voltage'], truth['volts'], delta=6)
        self.assertAlmostEqual(value['hpmeter_power'], truth['power_w'], delta=0.05 * truth['power_w'])
        self.assertAlmostEqual(value['hpmeter_power'], value['hp_power'], delta=0.05 * truth['power_w'])
        self.assertGreater(value['hpmeter_power_factor'], 0.9)
        self.assertEqual(live['roles']['elec'], 'hpmeter')

    def test_every_fault_is_counted_with_its_reason_and_passes(self):
        plant, daemon = self.both()
        for command, reason in (('silent 2', 'TIMEOUT'), ('foreign 1', 'FOREIGN'), ('exception 4', 'EXCEPTION'),
                                ('noise 0.01', 'CRC')):
            before = self.counters(daemon).get(reason, 0)
            plant.control('modbus ' + command)
            wait_for(reason, lambda: self.counters(daemon).get(reason, 0) > before)
        plant.control('modbus noise 0')
        good = self.counters(daemon)['good']
        wait_for('good polls', lambda: self.counters(daemon)['good'] > good + 2)
        self.assertEqual(daemon.source('hpmeter')['state'], 'ok')
        self.assertEqual(self.counters(daemon).get('anchored', 0), 0)
        self.assertEqual(self.counters(daemon).get('implausible', 0), 0)
        plant.control('modbus late 90')
        late = lambda: self.counters(daemon).get('LATE', 0) + self.counters(daemon).get('retries', 0)
        before = late()
        wait_for('a late answer', lambda: late() > before)
        wait_for('good again', lambda: self.counters(daemon)['good'] > good + 5)

    def test_faults_of_the_wire_are_told_by_what_they_are_and_pass(self):
        plant, daemon = self.both()
        for command, reason in (('collision 6', 'CRC'), ('twice 6', 'LATE'), ('echo 1', 'ECHO')):
            before = self.counters(daemon).get(reason, 0)
            plant.control('modbus ' + command)
            wait_for(f'{command}: {reason}', lambda: self.counters(daemon).get(reason, 0) > before)
        plant.control('modbus echo 0')
        good = self.counters(daemon)['good']
        wait_for('good polls', lambda: self.counters(daemon)['good'] > good + 2)
        plant.control('modbus stuck 0')
        wait_for('stale, with its cause', lambda: (s := daemon.source('hpmeter'))['state'] == 'stale' and 'never silent' in s['cause'])
        plant.control('modbus stuck -1')
        wait_for('ok again', lambda: daemon.source('hpmeter')['state'] == 'ok')
        self.assertEqual(self.counters(daemon).get('anchored', 0), 0)
        self.assertEqual(self.counters(daemon).get('implausible', 0), 0)

    def test_an_unplugged_adapter_fails_and_a_replugged_one_recovers(self):
        self.check_replug(str(self.folder / 'elec'))

    def test_a_device_that_leaves_the_network_fails_and_recovers(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = s.getsockname()[1]
        self.check_replug(f'127.0.0.1:{port}', tcp=port)

    def check_replug(self, named, **options):
        plant, daemon = self.both(**options)
        plant.control('modbus unplug')
        state = wait_for('failed', lambda: (s := daemon.source('hpmeter'))['state'] == 'failed' and s)
        self.assertIn(named, state['cause'])
        wait_for('missing', lambda: daemon.value('hpmeter_power') is None)
        self.assertEqual(daemon.source('heatmeter')['state'], 'ok')
        plant.control('modbus plug')
        wait_for('ok again', lambda: daemon.source('hpmeter')['state'] == 'ok')
        wait_for('values', lambda: daemon.value('hpmeter_power') is not None)

    def test_a_search_finds_the_plants_meter_and_knows_what_it_is(self):
        self.plant(seed=1, speed=10, extra=('--modbus', self.folder / 'elec', '--modbus-unit', '2'))
        found = find(self.folder / 'elec', 3, 9600)
        self.assertEqual([f[:4] for f in found], [['9600', '2', 'sdm120', '17000001']])
        self.assertEqual([v.split('=')[0] for v in found[0][4:]], ['power', 'import', 'voltage'])

    def test_another_serial_number_is_another_meter_whatever_its_registers_show(self):
        plant, daemon = self.both(speed=20)
        meter = lambda: daemon.source('hpmeter').get('meter')
        wait_for('the serial number', lambda: meter() == 'Eastron SDM120 17000001')
        polls = lambda: self.counters(daemon)['polls']
        plant.control('modbus serial 17000009')
        plant.control('modbus silent 4')
        wait_for('the other meter', lambda: meter() == 'Eastron SDM120 17000009')
        self.assertEqual(self.counters(daemon)['exchanged'], 1)
        self.assertIn('another meter answers serial=17000009 before=17000001', daemon.said())
        asked = polls()
        wait_for('more polls', lambda: polls() > asked + 3)
        self.assertEqual(self.counters(daemon)['exchanged'], 1)
        self.assertEqual(daemon.source('hpmeter')['state'], 'ok')

    def test_a_swapped_and_a_reset_meter_make_no_step_and_are_told(self):
        plant, daemon = self.both(speed=20)
        elec = lambda: daemon.live()['heatpump']['total']['elec']
        for command in ('modbus swap', 'modbus reset'):
            told = self.counters(daemon).get('anchored', 0)
            before, t0 = elec(), daemon.live()['time']
            plant.control(command)
            wait_for('it is told', lambda: self.counters(daemon).get('anchored', 0) > told)
            good = self.counters(daemon)['good']
            wait_for('two more polls', lambda: self.counters(daemon)['good'] > good + 2)
            hours = (daemon.live()['time'] - t0) / 3.6e6
            self.assertGreaterEqual(elec(), before)
            self.assertLess(elec() - before, 9000 * hours + 1, 'no step, only what a heat pump draws')
        self.assertEqual(len([l for l in daemon.said().splitlines() if 'register jumped channel=hpmeter_import' in l]), 2)
        self.assertEqual(daemon.source('hpmeter')['state'], 'ok')


class Decode(unittest.TestCase):
    def decode(self, text, *args):
        done = subprocess.run([HEATWATT, 'decode', 'modbus', *args], input=text, capture_output=True, text=True, timeout=60)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def test_a_request_and_its_reply_are_explained_by_the_map(self):
        code, lines, _ = self.decode('010400000002 71CB # volts\n01 04 04 43663333 5AFA', '--map', 'sdm120')
        self.assertEqual(code, 0)
        self.assertEqual([l['frame'] for l in lines], ['request', 'reply'])
        self.assertEqual(lines[1]['values'], [{'quantity': 'voltage', 'part': 'total', 'unit': 'V', 'value': 230.2,
                                               'address': 0, 'type': 'f32'}])

    def test_a_devices_own_identification_is_read_out(self):
        code, lines, _ = self.decode('012B0E01007077 0001 0000 000F 01 2B0E01 01 0000 01 00 05 41636D6521')
        self.assertEqual((code, lines[0]['function'], lines[0]['access'], lines[0]['object']), (0, 0x2B, 1, 0))
        self.assertEqual(lines[1]['objects'], [{'id': 0, 'text': 'Acme!'}])

    def test_tcp_frames_need_no_option(self):
        code, lines, _ = self.decode('0001 0000 0006 01 03 5B00 0002 0001 0000 0007 01 03 04 000008FD', '--map', 'abb_b23')
        self.assertEqual((code, lines[1]['transport'], lines[1]['transaction']), (0, 'tcp', 1))
        self.assertEqual(lines[1]['values'][0]['value'], 230.1)

    def test_what_is_wrong_is_told_and_the_next_frame_read(self):
        code, lines, _ = self.decode('01040000000271CC 018402C2C1 010404436633335AFA')
        self.assertEqual(code, 1)
        self.assertEqual([l.get('reason') for l in lines], ['CRC', 'EXCEPTION', None])
        self.assertEqual(lines[1]['detail'], 'illegal data address')
        self.assertIsNone(lines[2]['address'])
        self.assertEqual(lines[2]['registers'], '43663333')

    def test_an_unknown_map_and_a_wrong_option_are_usage_errors(self):
        self.assertEqual(self.decode('', '--map', 'sdm12')[0], 2)
        self.assertIn('config map', self.decode('', '--map', 'sdm12')[2])
        self.assertEqual(self.decode('', '--mapp', 'x')[0], 2)


if __name__ == '__main__':
    unittest.main()

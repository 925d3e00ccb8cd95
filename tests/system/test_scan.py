"""heatwatt scan and /api/v1/scan: the plant's ports, alone and while the daemon reads them."""
import http.client
import json
import os
import socket
import subprocess
import termios
import threading
import time
import tty
import unittest
from urllib.parse import urlsplit

from harness import HEATWATT, SIM, Program, SystemTest, first_line, wait_for, write_config

QUICK = ('--quick', '--listen', '2', '--timeout', '50', '--baud', '2400,9600,115200')


def scan(*args, timeout_s=90):
    done = subprocess.run([HEATWATT, 'scan', *map(str, args)], capture_output=True, text=True, timeout=timeout_s)
    return done.returncode, done.stdout, done.stderr


def check_config(folder, sources):
    path = folder / 'found.yaml'
    path.write_text('version: 1\ndata_dir: data\n' + sources)
    done = subprocess.run([HEATWATT, 'config', 'check', path], capture_output=True, text=True, timeout=60)
    return path, done.returncode, done.stdout + done.stderr


class Talker:
    """An emonTx played on a pseudo-terminal, understood at one speed only; counts what is sent to it."""
    LINE = b'MSG:7,Vrms:239.87,P1:500,P2:-310,E1:4120,E2:-95,T1:41.25\r\n'

    def __init__(self, speed):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.name, self.speed, self.heard, self.going = os.ttyname(self.slave), speed, 0, True
        self.thread = threading.Thread(target=self.play, daemon=True)
        self.thread.start()

    def play(self):
        while self.going:
            right = termios.tcgetattr(self.master)[5] == self.speed
            os.write(self.master, self.LINE if right else bytes(range(0x80, 0xA0)))
            time.sleep(0.3)
            try:
                self.heard += len(os.read(self.master, 4096))
            except BlockingIOError:
                pass

    def close(self):
        self.going = False
        self.thread.join()
        os.close(self.master)
        os.close(self.slave)


class OnThePlant(SystemTest):
    def free_plant(self):
        """Without --wait its time goes on though nobody reads samples."""
        names = {what: self.folder / what for what in ('mbus', 'modbus', 'emon', 'light', 'sensors')}
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.tcp = s.getsockname()[1]
        plant = Program([SIM, '--speed', 20, '--modbus-tcp', self.tcp, '--mbus', names['mbus'], '--mbus-meters', 3, '--mbus-baud', 0,
                         '--modbus', names['modbus'], '--modbus-baud', 0, '--emon', names['emon'],
                         '--elster', names['light'], '--w1', names['sensors']], self.folder, 'plant')
        self.children.append(plant)
        self.assertEqual(first_line(plant.process, 10, 'heatwatt-sim'), 'ready')
        return names

    def test_every_port_is_found_with_protocol_and_speed_and_then_it_is_configured(self):
        names = self.free_plant()
        tcp = f'127.0.0.1:{self.tcp}'
        talker = Talker(termios.B57600)
        self.addCleanup(talker.close)
        code, out, err = scan(*QUICK[:-1], '2400,9600,57600,115200', '--json', *names.values(), talker.name, tcp)
        self.assertEqual((code, err), (0, ''))
        result = json.loads(out)
        self.assertEqual((result['state'], result['progress']['fraction'], result['problems']), ('done', 1, []))
        found = {}
        for f in result['found']:
            found.setdefault(os.path.basename(f['port'] or f['tcp']), []).append(f)
        self.assertEqual({(f['protocol'], f['baud'], f['parity']) for f in found['mbus']}, {('mbus', 2400, 'even')})
        self.assertEqual({f['address']: f['model'] for f in found['mbus']}, {1: 'Kamstrup 403', 2: None, 3: None})
        self.assertEqual([(f['protocol'], f['baud'], f['address'], f['model']) for f in found['modbus']], [('modbus', 9600, 1, 'Eastron SDM120')])
        self.assertEqual([(f['protocol'], f['baud'], f['address'], f['model']) for f in found[tcp]], [('modbus', None, 1, 'Eastron SDM120')])
        self.assertEqual(found[tcp][0]['serial'], found['modbus'][0]['serial'])
        self.assertEqual([(f['protocol'], f['baud']) for f in found['emon']], [('emon', 115200)])
        self.assertEqual([(f['protocol'], f['model']) for f in found['light']], [('elster', 'Elster A100C')])
        self.assertEqual({f['protocol'] for f in found['sensors']}, {'ds18b20'})
        self.assertEqual(len(found['sensors']), 3)
        self.assertEqual([(f['protocol'], f['baud']) for f in found[os.path.basename(talker.name)]], [('emon', 57600)])
        self.assertEqual(talker.heard, 0)
        self.assertEqual(len({f['key'] for f in result['found']}), len(result['found']))
        self.assertGreater(next(v['value'] for v in found['mbus'][0]['values'] if v['unit'] == 'Wh'), 0)

        addable = [f for f in result['found'] if f['source']]
        self.assertEqual(len(addable), len(result['found']))
        config, code, said = check_config(self.folder, 'sources:\n' + ''.join(f['yaml'] for f in addable))
        self.assertEqual(code, 0, said)
        code, out, err = scan(*QUICK, '--json', '--config', config, names['mbus'], names['light'], names['sensors'])
        again = json.loads(out)['found']
        self.assertEqual({f['key']: f['configured_as'] is not None for f in again}, {f['key']: True for f in again})
        taken = {f['source']['id'] for f in addable}
        self.assertEqual([f['source']['id'] for f in again if f['source']['id'] in taken], [], 'ids that are free')

    def test_the_table_has_a_block_that_is_a_configuration(self):
        names = self.free_plant()
        code, out, err = scan('--protocol', 'mbus', '--baud', '2400', '--quick', '--timeout', 150, names['mbus'], names['sensors'])
        self.assertEqual((code, err), (0, ''))
        table, block = out.split('\nsources:\n')
        self.assertIn('Kamstrup 403', table)
        self.assertIn('28-0316a2795bff', table)
        self.assertIn('2400 baud 8E1  address 1', table)
        _, code, said = check_config(self.folder, 'sources:\n' + block)
        self.assertEqual(code, 0, said)


class Usage(SystemTest):
    def test_what_is_wrong_is_told(self):
        code, out, err = scan('/dev/not-there', '127.0.0.1:1', '/etc/hostname', '--listen', '1', '--quick')
        self.assertEqual(code, 1)
        self.assertIn('nothing was found', out)
        self.assertEqual(len(err.splitlines()), 3, err)
        self.assertIn('/dev/not-there: No such file or directory: is it plugged in?', err)
        self.assertIn('127.0.0.1:1: cannot connect', err)
        self.assertIn('/etc/hostname: not a serial port but a file', err)

    def test_wrong_usage_is_told_before_anything_is_opened(self):
        for args in (('--protocol', 'mbuss', 'x'), ('--baud', '2401', 'x'), ('--baud', '', 'x'), ('--json', '--listen'),
                     ('--listen', '0', 'x'), ('--slow', '1', 'x'), ('x',) * 17, ('--config', '/does/not/exist', 'x')):
            code, out, err = scan(*args)
            self.assertEqual((code, out), (2, ''), args)
        code, out, err = scan('--help')
        self.assertEqual((code, err), (0, ''))
        self.assertIn('heatwatt scan PORT', out)

    def test_without_a_port_it_lists_those_of_the_machine(self):
        code, out, err = scan('--json')
        ports = json.loads(out)['ports']
        self.assertEqual(code, 0 if ports else 1)
        code, out, err = scan()
        self.assertIn('heatwatt scan', out)
        for port in ports:
            self.assertIn(port['device'], out)


class Events:
    """The scan events of a daemon, collected by a thread."""

    def __init__(self, url):
        self.scans = []
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self.connection.request('GET', '/api/v1/events')
        self.reply = self.connection.getresponse()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        event = None
        try:
            for line in self.reply:
                name, _, value = line.decode().rstrip('\n').partition(': ')
                if name == 'event':
                    event = value
                elif name == 'data' and event == 'scan':
                    self.scans.append(json.loads(value))
        except (OSError, ValueError, AttributeError):
            pass

    def close(self):
        self.connection.close()


class WhileItMeasures(SystemTest):
    def ask(self, method, path, body=None):
        c = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=60)
        headers = {'Content-Type': 'application/json'} if body is not None else {}
        c.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
        reply = c.getresponse()
        text = reply.read()
        c.close()
        return reply.status, json.loads(text)

    def start(self):
        plant = self.plant(speed=10, extra=['--mbus-meters', '2', '--mbus-baud', '0', '--emon', self.folder / 'emon'])
        self.server = self.daemon(write_config(plant))
        wait_for('the meter', lambda: self.server.value('heatmeter_flow_t') is not None)
        return plant

    def test_a_scan_borrows_the_port_tells_what_it_finds_and_gives_it_back(self):
        plant = self.start()
        meter, emon = str(plant.meter), str(self.folder / 'emon')
        self.assertEqual(self.ask('GET', '/api/v1/scan')[1]['state'], 'idle')
        self.assertEqual(self.ask('DELETE', '/api/v1/scan')[0], 404)
        status, ports = self.ask('GET', '/api/v1/ports')
        mine = next(p for p in ports['ports'] if p['port'] == meter)
        self.assertEqual((status, mine['kind'], mine['used_by'], mine['scannable']), (200, 'serial', ['heatmeter'], True))
        events = Events(self.server.url)
        self.addCleanup(events.close)
        asked = {'ports': [meter, emon, '/dev/not-there'], 'baud': [2400, 115200], 'quick': True, 'listen_ms': 1500, 'timeout_ms': 50}
        status, begun = self.ask('POST', '/api/v1/scan', asked)
        self.assertEqual((status, begun['state'], begun['ports']), (202, 'running', asked['ports']))
        self.assertEqual(self.ask('POST', '/api/v1/scan', asked)[0], 409)
        source = wait_for('stale', lambda: (s := self.server.source('heatmeter'))['state'] == 'stale' and s)
        self.assertIn('scan under way', source['cause'])
        late = Events(self.server.url)
        self.addCleanup(late.close)
        wait_for('the end', lambda: events.scans and events.scans[-1]['state'] == 'done')
        last = events.scans[-1]
        self.assertEqual(last, self.ask('GET', '/api/v1/scan')[1])
        self.assertEqual({(f['port'], f['protocol']) for f in last['found']}, {(meter, 'mbus'), (emon, 'emon')})
        self.assertEqual({f['address']: f['configured_as'] for f in last['found'] if f['port'] == meter}, {1: 'heatmeter', 2: None})
        self.assertEqual([p['port'] for p in last['problems']], ['/dev/not-there'])
        self.assertEqual({e['id'] for e in events.scans}, {begun['id']})
        fractions = [e['progress']['fraction'] for e in events.scans]
        self.assertEqual(fractions, sorted(fractions))
        self.assertIn('running', {e['state'] for e in late.scans}, 'a stream opened in its midst begins with it')
        wait_for('the meter is read again', lambda: self.server.source('heatmeter')['state'] == 'ok')
        good = self.server.source('heatmeter')['counters']['good']
        wait_for('and again', lambda: self.server.source('heatmeter')['counters']['good'] > good)
        new = next(f['source'] for f in last['found'] if f['address'] == 2)
        self.assertEqual(self.ask('POST', '/api/v1/sources', {'source': new, 'check': True})[0], 200)

    def test_a_scan_that_is_stopped_gives_the_port_back_at_once(self):
        plant = self.start()
        status, begun = self.ask('POST', '/api/v1/scan', {'ports': [str(plant.meter)], 'protocols': ['mbus', 'emon']})
        self.assertEqual(status, 202)
        status, stopped = self.ask('DELETE', '/api/v1/scan')
        self.assertEqual((status, stopped['state'], stopped['ended'] is None), (200, 'stopped', False))
        wait_for('the meter is read again', lambda: self.server.source('heatmeter')['state'] == 'ok')
        self.assertNotIn('another program uses it', self.server.said())
        status, again = self.ask('POST', '/api/v1/scan', {'ports': ['/dev/not-there']})
        self.assertEqual((status, again['id'] > begun['id']), (202, True))
        wait_for('its end', lambda: self.ask('GET', '/api/v1/scan')[1]['state'] == 'done')
        for body, words in (({}, 'ports is missing'), ({'ports': ['x'], 'speed': 1}, '"speed" is not known')):
            status, problem = self.ask('POST', '/api/v1/scan', body)
            self.assertEqual((status, words in problem['detail']), (400, True), problem)

    def test_the_daemon_ends_in_the_midst_of_a_scan(self):
        plant = self.start()
        self.assertEqual(self.ask('POST', '/api/v1/scan', {'ports': [str(plant.meter), str(self.folder / 'emon')]})[0], 202)
        time.sleep(0.3)
        self.assertEqual(self.server.stop(), 0)


if __name__ == '__main__':
    unittest.main()

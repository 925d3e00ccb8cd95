"""Several M-Bus meters on one line of the plant: found, read by secondary address, through faults and a gateway; and
the one command that changes a meter."""
import json
import os
import select
import socket
import subprocess
import threading
import time
import tty

from harness import HEATWATT, SystemTest, wait_for, write_config

OTHERS = """  - {{id: hpelec, type: mbus, measures: electricity, profile: sdm120, {line}, secondary: "20000002", mains_powered: true,
     poll_s: 10, timeout_ms: 100}}
  - {{id: second, type: mbus, {line}, secondary: "30000003", mains_powered: true, poll_s: 10, timeout_ms: 100}}
"""


def heatwatt(*args, timeout=60):
    done = subprocess.run([str(HEATWATT), 'mbus', *map(str, args)], capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


class Gateway(threading.Thread):
    """A transparent device server: one client at a time, octets to and from the line."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.address = f'127.0.0.1:{self.listener.getsockname()[1]}'
        self.port, self.client, self.clients, self.ended = port, None, 0, False
        self.start()

    def run(self):
        line = os.open(self.port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(line)
        while not self.ended:
            ready, _, _ = select.select([s for s in (self.listener, line, self.client) if s is not None], [], [], 0.1)
            if line in ready:
                octets = os.read(line, 512)
                if self.client is not None:
                    self.client.sendall(octets)
            if self.client is not None and self.client in ready:
                octets = self.client.recv(512)
                if octets:
                    os.write(line, octets)
                else:
                    self.drop()
            if self.listener in ready:
                self.client, self.clients = self.listener.accept()[0], self.clients + 1
        os.close(line)

    def drop(self):
        client, self.client = self.client, None
        if client is not None:
            client.close()

    def end(self):
        self.ended = True
        self.join()
        self.drop()
        self.listener.close()


class MBus(SystemTest):
    live_ms = 100
    found = None  # by the first test: all plants of one seed have the same meters

    def first_meter(self, plant):
        if MBus.found is None:
            code, out, err = heatwatt('search', plant.meter, '--only', 'secondary', '--json', '--timeout', 150)
            self.assertEqual((code, err), (0, ''))
            MBus.found = next(m['id'] for m in map(json.loads, out.splitlines()) if m['profile'] == 'kamstrup_403')
        return MBus.found

    def bus(self, line='port: {meter}', speed=20, gateway=False):
        """The plant with three meters, and a daemon that reads each by its secondary address."""
        plant = self.plant(seed=1, speed=speed, extra=['--mbus-meters', '3'])
        first = self.first_meter(plant)
        if gateway:
            self.gateway = Gateway(plant.meter)
            self.addCleanup(self.gateway.end)
            line = f'tcp: "{self.gateway.address}"'
        line = line.format(meter=plant.meter)
        config = write_config(plant)
        text = config.read_text().replace(f'port: {plant.meter}', line)
        text = text.replace('    address: 1\n', f'    secondary: "{first}"\n')
        config.write_text(text.replace('roles:', OTHERS.format(line=line) + 'roles:'))
        daemon = self.daemon(config)
        for channel in ('heatmeter_flow_t', 'hpelec_voltage', 'hpelec_import', 'second_flow_rate'):
            wait_for(channel, lambda c=channel: daemon.value(c) is not None)
        return plant, daemon

    def test_three_meters_by_secondary_address_agree_with_the_house(self):
        plant, daemon = self.bus()
        truth = plant.truth()
        self.assertAlmostEqual(daemon.value('hpelec_voltage'), 230, delta=25)
        self.assertAlmostEqual(daemon.value('hpelec_frequency'), 50, delta=1)
        self.assertEqual(daemon.value('hpelec_power_factor'), 1.0)
        self.assertAlmostEqual(daemon.value('second_flow_t'), daemon.value('heatmeter_flow_t'), delta=5)
        self.assertIsNotNone(truth)
        for source in ('heatmeter', 'hpelec', 'second'):
            self.assertEqual(daemon.source(source)['state'], 'ok')
        counters = daemon.source('second')['counters']  # a chain of two telegrams each poll
        self.assertGreaterEqual(counters['good'], 2 * counters['polls'] - 2)

    def test_faults_are_counted_by_what_they_are_and_pass(self):
        plant, daemon = self.bus()
        sources = ('heatmeter', 'hpelec', 'second')

        def counted(name):
            return sum(daemon.source(s)['counters'].get(name, 0) for s in sources)

        for command, counter in (('mbus echo 1', 'ECHO'), ('mbus collision 6', 'CHECKSUM'), ('mbus twice 6', 'LATE'),
                                 ('mbus silent 3', 'TIMEOUT')):
            before = counted(counter)
            plant.control(command)
            wait_for(f'{command}: {counter}', lambda b=before, c=counter: counted(c) > b)
        plant.control('mbus echo 0')
        good = {s: daemon.source(s)['counters']['good'] for s in sources}
        for s in sources:
            wait_for(f'{s} reads on', lambda s=s: daemon.source(s)['counters']['good'] > good[s] + 1)

    def test_a_line_that_is_stuck_is_told_with_its_octet_by_every_meter(self):
        plant, daemon = self.bus()
        sources = ('heatmeter', 'hpelec', 'second')
        plant.control('mbus stuck 229')  # E5: each is an acknowledgement, too
        wait_for('the stuck octet', lambda: all('stuck at octet E5' in (daemon.source(s)['cause'] or '') for s in sources))
        plant.control('mbus stuck -1')
        wait_for('ok again', lambda: all(daemon.source(s)['state'] == 'ok' for s in sources))

    def test_an_unplugged_line_comes_back_without_a_restart(self):
        plant, daemon = self.bus()
        plant.control('mbus unplug')
        wait_for('failed', lambda: all(daemon.source(s)['state'] == 'failed' for s in ('heatmeter', 'hpelec', 'second')))
        self.assertIn(str(plant.meter), daemon.source('second')['cause'])
        plant.control('mbus plug')
        wait_for('ok again', lambda: all(daemon.source(s)['state'] == 'ok' for s in ('heatmeter', 'hpelec', 'second')))

    def test_a_gateway_that_drops_the_connection_is_connected_again(self):
        _, daemon = self.bus(gateway=True)
        self.assertEqual(self.gateway.clients, 1)
        self.gateway.drop()
        wait_for('failed', lambda: daemon.source('hpelec')['state'] == 'failed')
        self.assertIn(self.gateway.address, daemon.source('hpelec')['cause'])
        wait_for('ok again', lambda: daemon.source('hpelec')['state'] == 'ok')
        self.assertEqual(self.gateway.clients, 2)

    def test_an_address_is_changed_only_when_told_and_never_to_one_that_is_taken(self):
        plant = self.plant(seed=1, extra=['--mbus-meters', '3', '--mbus-baud', '0'])
        address = ['set-address', plant.meter, '--from', 2, '--timeout', 150]
        code, out, err = heatwatt(*address, '--to', 3, '--yes')
        self.assertEqual(code, 1)
        self.assertIn('address 3 is taken', err)
        code, out, err = heatwatt(*address, '--to', 77)
        self.assertEqual((code, 'nothing was changed' in out), (1, True))
        self.assertEqual(heatwatt(*address, '--to', 77, '--yes')[0], 0)
        code, out, err = heatwatt('search', plant.meter, '--only', 'secondary', '--json', '--timeout', 150)
        found = {m['id']: m['address'] for m in map(json.loads, out.splitlines())}
        self.assertEqual((found['20000002'], found['30000003']), (77, 3))
        code, out, err = heatwatt('set-address', plant.meter, '--secondary', '20000002', '--to', 2, '--yes', '--timeout', 150)
        self.assertEqual((code, err), (0, ''))
        self.assertIn('20000002 now answers at address 2', out)

    def test_wrong_usage_is_told_before_anything_is_sent(self):
        for args in ((), ('find',), ('search',), ('search', 'x', '--baud', '2401'), ('search', 'x', '--only', 'some'),
                     ('set-address', 'x', '--to', '5'), ('set-address', 'x', '--from', '1', '--to', '251'),
                     ('set-address', 'x', '--from', '1', '--to', '0'), ('set-address', 'x', '--secondary', '12', '--to', '5')):
            code, out, err = heatwatt(*args)
            self.assertEqual((code, out), (2, ''), args)
            self.assertIn('usage:', err)
        code, out, err = heatwatt('search', '/dev/not-there')
        self.assertEqual(code, 1)
        self.assertIn('/dev/not-there: cannot open', err)
        code, out, err = heatwatt('search', '127.0.0.1:1')
        self.assertEqual(code, 1)
        self.assertIn('127.0.0.1:1: cannot connect', err)

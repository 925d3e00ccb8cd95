"""The sample stream over a serial line that is noisy, and whose plug is pulled."""
import os
import re
import select
import socket
import threading
import time
import tty

from harness import SystemTest, wait_for, write_config


class Line:
    """What the plant sends on its socket, on a pseudo-terminal instead; noise and unplugging at will."""

    def __init__(self, source, link):
        self.source, self.link = source, link
        self.noise, self.stop, self.spoil = b'', False, 0
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.connect(str(source))
        self.lock = threading.Lock()
        self.plug()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def plug(self):
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        following = str(self.link) + '.next'
        os.symlink(os.ttyname(slave), following)
        os.rename(following, self.link)
        with self.lock:
            self.slave, self.master = slave, master

    def unplug(self):
        os.unlink(self.link)
        with self.lock:
            os.close(self.slave)
            os.close(self.master)
            self.master = None

    def run(self):
        while not self.stop:
            if not select.select([self.stream], [], [], 0.1)[0]:
                continue
            data = bytearray(self.stream.recv(4096))
            if not data:
                return
            if self.spoil > 0:
                self.spoil -= 1
                data[len(data) // 2] ^= 0x55
            data, self.noise = self.noise + bytes(data), b''
            self.write(data)

    def write(self, data):
        """What nobody reads is lost, as on a line."""
        with self.lock:
            try:
                if self.master is not None:
                    os.write(self.master, data)
            except BlockingIOError:
                pass

    def end(self):
        self.stop = True
        self.thread.join()
        self.stream.close()


class SamplePort(SystemTest):
    def test_noise_costs_the_blocks_it_hits_and_a_plug_put_back_goes_on(self):
        plant = self.plant(seed=2)
        link = self.folder / 'ttySAMPLER'
        line = Line(plant.samples, link)
        self.addCleanup(line.end)
        config = write_config(plant, record_s=1, commit_s=1)
        config.write_text(re.sub(r'socket: .*samples.sock', f'port: {link}', config.read_text()))
        daemon = self.daemon(config)
        samples = next(s['id'] for s in daemon.live()['sources'] if s['type'] == 'samples')
        wait_for('values', lambda: daemon.value('mains_voltage'))
        line.noise = os.urandom(300) + b'HWTS' + os.urandom(50)
        time.sleep(0.3)
        line.spoil = 2
        wait_for('counted damage', lambda: daemon.source(samples)['counters']['skipped_bytes'] >= 300)
        wait_for('its cause', lambda: 'data was lost on the way' in (daemon.source(samples)['cause'] or ''))
        before = daemon.source(samples)['counters']['blocks']
        wait_for('blocks after it', lambda: daemon.source(samples)['counters']['blocks'] > before + 50)
        self.assertEqual(daemon.source(samples)['state'], 'ok')
        line.unplug()
        wait_for('its failure', lambda: daemon.source(samples)['state'] == 'failed')
        self.assertIn(str(link), daemon.source(samples)['cause'])
        line.plug()
        wait_for('it again', lambda: daemon.source(samples)['state'] == 'ok')
        before = daemon.source(samples)['counters']['blocks']
        wait_for('blocks', lambda: daemon.source(samples)['counters']['blocks'] > before + 20)
        daemon.stop()

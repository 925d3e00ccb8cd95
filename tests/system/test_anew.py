"""The daemon starts anew in its process, on HUP and in a demo, or goes on as it was."""
import json
import os
import pty
import re
import signal
import time
import unittest
import urllib.request
from pathlib import Path

from anew_rig import AnewTest, channels, post, starts
from harness import HEATWATT, Program, SystemTest, wait_for


class Anew(AnewTest):
    def test_hup_takes_a_right_file_and_refuses_a_broken_one(self):
        daemon, before = self.run_it, self.config.read_text()
        self.config.write_text(before.replace('address: 1', 'address: 1000'))
        daemon.process.send_signal(signal.SIGHUP)
        wait_for('a refusal', lambda: 'configuration refused' in daemon.said())
        self.assertRegex(daemon.said(), r'heatwatt\.yaml:\d+: sources\[1\]\.address: ')
        self.assertIsNotNone(channels(daemon)['hp_power']['value'])
        self.config.write_text(before.replace('Heat meter', 'Cellar'))
        for _ in range(400):  # whenever it comes, also between two programs, it ends nothing
            daemon.process.send_signal(signal.SIGHUP)
            time.sleep(0.004)
        wait_for('the new label', lambda: channels(daemon).get('heatmeter_power', {}).get('label') == 'Cellar')
        self.assertGreaterEqual(starts(daemon), 2)
        self.assertEqual(daemon.stop(), 0)

    def test_a_terminal_that_closes_is_no_reload(self):
        self.assertEqual(self.run_it.stop(), 0)
        for nohup in (False, True):
            pid, terminal = pty.fork()
            if pid == 0:
                if nohup:
                    signal.signal(signal.SIGHUP, signal.SIG_IGN)
                log = os.open(self.folder / f'terminal{nohup}.log', os.O_WRONLY | os.O_CREAT)
                os.dup2(log, 1)
                os.dup2(log, 2)
                os.execv(HEATWATT, [str(HEATWATT), 'run', '--config', str(self.config)])
            try:
                log = self.folder / f'terminal{nohup}.log'
                wait_for('the page', lambda: log.exists() and 'listening url=' in log.read_text())
                os.kill(pid, signal.SIGHUP)  # the terminal is there: a reload
                wait_for('a new start', lambda: log.read_text().count('listening url=') == 2)
                os.close(terminal)
                if nohup:
                    time.sleep(0.5)
                    self.assertEqual(os.waitpid(pid, os.WNOHANG), (0, 0))
                    os.kill(pid, signal.SIGTERM)
                self.assertEqual(self.end_of(pid), 0)
                self.assertEqual(('the terminal is closed' in log.read_text(), log.read_text().count('listening url=')), (not nohup, 2))
                pid = None
            finally:
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)

    def end_of(self, pid):
        ended = wait_for('its end', lambda: (got := os.waitpid(pid, os.WNOHANG))[0] and got)
        return os.waitstatus_to_exitcode(ended[1])


class Demo(SystemTest):
    def test_the_plant_lives_on(self):
        data = self.folder / 'demo'
        demo = Program([HEATWATT, 'demo', '--history', 0, '--port', 0, '--data', data], self.folder, 'demo')
        self.children.append(demo)
        lines = iter(lambda: demo.process.stdout.readline().decode(), '')
        url = next(found for line in lines if (found := re.search(r'plant: (\S+)/', line))).group(1)
        plant = Path(f'/proc/{demo.process.pid}/task/{demo.process.pid}/children').read_text().split()
        self.assertEqual(len(plant), 1)
        source = {'id': 'second', 'type': 'mbus', 'port': str(data / 'meter'), 'baud': 2400, 'address': 9, 'timeout_ms': 200}
        self.assertEqual(post(url, {'source': source})[0], 201)

        def again():
            try:
                with urllib.request.urlopen(url + '/api/v1/live', timeout=60) as reply:
                    live = json.loads(reply.read())
            except OSError:
                return False
            power = next((c['value'] for c in live['channels'] if c['id'] == 'hp_power'), None)
            return power is not None and any(s['id'] == 'second' for s in live['sources'])

        wait_for('the page at its old address, with values', again)
        self.assertEqual(Path(f'/proc/{demo.process.pid}/task/{demo.process.pid}/children').read_text().split(), plant)
        self.assertEqual(demo.stop(signal.SIGINT), 0)
        self.assertFalse(Path(f'/proc/{plant[0]}').exists())


if __name__ == '__main__':
    unittest.main()

"""heatwatt doctor: each check with something right and something wrong before it."""
import grp
import json
import os
import pty
import shutil
import socket
import subprocess
import unittest

from harness import HEATWATT, SystemTest

CONFIG = """version: 1
site: {{name: Test house, timezone: Europe/London}}
data_dir: {data}
clock: {{trust: {trust}}}
http: {{listen: 127.0.0.1, port: {port}}}
log: {{commit_s: {commit_s}, max_mb: 16, keep_days: {keep_days}{partition}}}
sources:
  - id: heatmeter
    type: mbus
    label: Heat meter
    port: {meter}
    baud: 2400
    address: 1
roles: {{heat: heatmeter}}
"""


class Doctor(SystemTest):
    def config(self, name='heatwatt.yaml', **changes):
        values = {'data': self.folder / 'data', 'trust': 'always', 'port': 0, 'commit_s': 60, 'keep_days': 0, 'partition': '', 'meter': self.meter(), **changes}
        path = self.folder / name
        path.write_text(CONFIG.format(**values))
        return path

    def meter(self):
        """The name of a pseudo-terminal that lives as long as the test."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        return os.ttyname(theirs)

    def doctor(self, config, **options):
        """(exit status, {check: finding})."""
        done = subprocess.run([HEATWATT, 'doctor', '--config', config, '--json'], capture_output=True, text=True, timeout=60, **options)
        report = json.loads(done.stdout)
        self.assertEqual(report['ok'], done.returncode == 0, report)
        return done.returncode, {f['check']: f for f in report['checks']}

    def expect(self, check, verdict, text, advice=None, status=None, **changes):
        got, findings = self.doctor(self.config(**changes))
        finding = findings[check]
        self.assertEqual(finding['verdict'], verdict, finding)
        self.assertIn(text, finding['text'])
        if advice:
            self.assertIn(advice, finding['advice'])
        self.assertEqual(got, (1 if verdict == 'fail' else 0) if status is None else status, findings)

    def test_all_is_well_and_nothing_was_made(self):
        config = self.config()
        status, findings = self.doctor(config)
        self.assertEqual(status, 0, findings)
        self.assertEqual({c: f['verdict'] for c, f in findings.items()},
                         dict.fromkeys(['configuration', 'folder', 'space', 'wear', 'clock', 'input', 'page'], 'ok'))
        self.assertEqual([f['advice'] for f in findings.values()], [None] * 7)
        self.assertFalse((self.folder / 'data').exists())
        done = subprocess.run([HEATWATT, 'doctor', '--config', config], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout.splitlines()[-1], '0 failed, 0 to look at')
        self.assertIn('ok    input          heatmeter: /dev/pts/', done.stdout)

    def test_a_configuration_with_errors_shows_each_of_them(self):
        config = self.config()
        config.write_text(config.read_text().replace('baud: 2400', 'baudd: 2400').replace('heat: heatmeter', 'heat: hm'))
        done = subprocess.run([HEATWATT, 'doctor', '--config', config], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        lines = done.stdout.splitlines()
        self.assertEqual(len([l for l in lines if l.startswith('FAIL  configuration')]), 2, done.stdout)
        self.assertIn(f'{config}:12: sources[0].baudd', lines[0])
        self.assertEqual(lines[-1], '2 failed, 0 to look at')

    def test_ports_that_are_missing_or_none_are_named(self):
        self.expect('input', 'fail', 'heatmeter: /dev/ttyNOSUCH0: No such file', 'plug the adapter in', meter='/dev/ttyNOSUCH0')
        (self.folder / 'file').write_text('')
        self.expect('input', 'fail', 'file: not a serial port', meter=self.folder / 'file')

    def test_a_host_is_looked_up_and_left_alone(self):
        def with_host(host):
            config = self.config()
            config.write_text(config.read_text().replace('roles:', f'  - {{id: m, type: modbus, map: sdm120, tcp: "{host}"}}\nroles:'))
            return subprocess.run([HEATWATT, 'doctor', '--config', config], capture_output=True, text=True, timeout=60)
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            s.listen()
            s.settimeout(0.2)
            port = s.getsockname()[1]
            done = with_host(f'127.0.0.1:{port}')
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn(f'ok    input          m: 127.0.0.1 port {port} (not connected to)', done.stdout)
            self.assertRaises(TimeoutError, s.accept)
        done = with_host('no-such-host.invalid')  # RFC 2606: never a name
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn('FAIL  input          m: no-such-host.invalid: ', done.stdout)

    def test_a_data_folder_that_is_a_file_is_told(self):
        (self.folder / 'file').write_text('')
        self.expect('folder', 'fail', 'file: not a folder', 'choose another data_dir', data=self.folder / 'file/data')

    def test_a_port_that_is_taken_is_told(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            s.listen()
            port = s.getsockname()[1]
            self.expect('page', 'warn', f'127.0.0.1 port {port} is in use', 'set http.port', port=port)
        self.expect('page', 'ok', f'127.0.0.1 port {port} is free', port=port)

    def test_the_wear_follows_the_commit_window(self):
        self.expect('wear', 'ok', 'about 1.0 MB/h, 9 GB a year (a commit each 60 s)')
        config = self.config(commit_s=600)
        self.assertIn('about 0.1 MB/h', self.doctor(config)[1]['wear']['text'])

    def test_a_log_too_small_for_what_is_to_be_kept_is_told(self):
        self.expect('space', 'ok', 'the log has 0 of 16 MB: about 0.8 years of 8 channels at 10 s', keep_days=250)
        self.expect('space', 'warn', 'but log.keep_days asks for 10.0', 'log.max_mb: 2', keep_days=3653)

    def test_a_partition_must_hold_a_log(self):
        part = self.folder / 'partition'
        with open(part, 'wb') as f:
            f.truncate(32 << 20)
        key = f', partition: {part}'
        text = f'if nothing on it is needed: heatwatt log format {part} --yes'
        self.expect('partition', 'fail', 'partition', text, partition=key)
        subprocess.run([HEATWATT, 'log', 'format', part, '--yes'], capture_output=True, check=True, timeout=60)
        self.expect('partition', 'ok', f'{part} holds a log', partition=key)
        self.expect('space', 'ok', '16 MB of the partition: about 0.8 years', partition=key)
        self.expect('wear', 'ok', 'about 0.2 MB/h, 2 GB a year', partition=key)

    @unittest.skipUnless(os.geteuid() == 0, 'only root can be somebody else')
    def test_what_this_user_may_not_use_is_told_with_the_group_that_may(self):
        heatwatt = self.folder / 'heatwatt'  # where nobody can reach it
        shutil.copy(HEATWATT, heatwatt)
        meter = self.meter()
        dialout = grp.getgrnam('dialout').gr_gid
        os.chown(meter, -1, dialout)
        os.chmod(meter, 0o660)
        config = self.config(meter=meter)
        for path in (self.folder, heatwatt, config):
            path.chmod(0o755)
        def as_nobody():
            return subprocess.run([heatwatt, 'doctor', '--config', config], capture_output=True, text=True, timeout=60, user=65534,
                                  group=65534, extra_groups=[])
        done = as_nobody()
        self.assertEqual(done.returncode, 1)
        self.assertIn('may not write there', done.stdout)
        self.assertIn(f'-> sudo install -d -o nobody {self.folder}/data', done.stdout)
        self.assertIn('nobody may not use it', done.stdout)
        self.assertIn('-> sudo usermod -aG dialout nobody, then log in anew', done.stdout)
        self.assertIn('2 failed', done.stdout.splitlines()[-1])
        os.chmod(meter, 0o600)  # the group may not either
        self.assertIn('-> give it to group dialout, mode 0660, by a udev rule', as_nobody().stdout)

"""The disk under a running daemon: a partition without a file system, a file system that turns read-only, one that is full; and
what the commands say of a damaged log."""
import os
import re
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from harness import HEATWATT, SystemTest, wait_for, write_config

PAGE = 4096


def log(verb, *arguments):
    return subprocess.run([HEATWATT, 'log', verb, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def tool(*arguments):
    run = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if run.returncode != 0:
        raise unittest.SkipTest(f'{arguments[0]}: {run.stderr.strip()}')
    return run.stdout.strip()


def cannot_mount():
    if os.geteuid() != 0:
        return 'only root can mount'
    missing = [t for t in ('mkfs.ext4', 'e2fsck', 'losetup', 'mount', 'umount') if shutil.which(t) is None]
    return f'{", ".join(missing)} not installed' if missing else None


class Disk(SystemTest):
    def both(self, speed=60, log_options='', data=None, **options):
        plant = self.plant(seed=1, speed=speed)
        config = write_config(plant, **options)
        text = config.read_text()
        if log_options:
            text = text.replace('max_mb: 256', f'max_mb: 16, {log_options}')
        if data is not None:
            text = text.replace(f'data_dir: {self.folder}/data', f'data_dir: {data}')
        config.write_text(text)
        daemon = self.daemon(config)
        wait_for('records', lambda: daemon.live()['log']['durable'] >= 5)
        return plant, daemon

    def loop(self, image):
        """A loop device; taken away at the end."""
        device = tool('losetup', '--find', '--show', image)
        self.addCleanup(subprocess.run, ['losetup', '--detach', device], capture_output=True)
        return device

    def check_gapless(self, place):
        """Every 10 s a record, in order of time, none twice; how many. The first may be from before the plant
        was heard, the last cut short by a stop."""
        dump = log('export', place)
        self.assertEqual(dump.returncode, 0, dump.stderr)
        times = [int(line.split(',')[0]) for line in dump.stdout.splitlines()[1:]]
        steps = {b - a for a, b in zip(times[1:], times[2:-1])}
        self.assertEqual(steps, {10_000}, 'records lost, doubled or out of order')
        return len(times)

    # --- a partition ---

    def on_a_partition(self, device):
        refused = log('format', device)
        self.assertEqual(refused.returncode, 1)
        self.assertIn('--yes', refused.stderr)
        made = log('format', device, '--yes')
        self.assertEqual(made.returncode, 0, made.stderr)
        plant, daemon = self.both(log_options=f'partition: {device}')
        self.assertFalse((self.folder / 'data/log/control.hwl').exists())  # roll-ups may be there
        for verb in ('repair', 'format'):
            busy = log(verb, device, *(['--yes'] if verb == 'format' else []))
            self.assertEqual(busy.returncode, 1, verb)
            self.assertRegex(busy.stderr, 'another heatwatt|in use', verb)
        acknowledged = daemon.live()['log']['durable']
        daemon.kill9()
        plant.control('speed 0')
        again = self.daemon(daemon.config, name='daemon2')
        self.assertGreaterEqual(again.live()['log']['durable'], acknowledged)
        again.stop()
        self.assertGreaterEqual(self.check_gapless(device), acknowledged)
        self.assertIn('own', log('info', device).stdout)
        self.assertEqual(log('verify', device).returncode, 0)
        self.assertEqual(log('repair', device).returncode, 0)

    def test_a_log_on_a_file_of_fixed_length_survives_kill_9(self):
        image = self.folder / 'partition'
        with open(image, 'wb') as f:
            f.truncate(20 << 20)
        self.on_a_partition(image)

    def test_a_log_on_a_block_device_survives_kill_9(self):
        why = cannot_mount()
        if why:
            self.skipTest(why)
        image = self.folder / 'image'
        with open(image, 'wb') as f:
            f.truncate(20 << 20)
        device = self.loop(image)
        tool('mkfs.ext4', '-q', '-F', device)
        mounted = self.folder / 'mounted'
        mounted.mkdir()
        tool('mount', device, mounted)
        refused = log('format', device, '--yes')
        tool('umount', mounted)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f'mounted on {mounted}', refused.stderr)
        self.assertIn('ext4', log('format', device).stderr)
        self.on_a_partition(device)

    # --- a file system that fails ---

    def ext4(self, mb):
        why = cannot_mount()
        if why:
            self.skipTest(why)
        image, mounted = self.folder / 'ext4', self.folder / 'mounted'
        with open(image, 'wb') as f:
            f.truncate(mb << 20)
        tool('mkfs.ext4', '-q', '-F', '-m', 0, image)
        device = self.loop(image)
        mounted.mkdir()
        tool('mount', '-o', 'errors=remount-ro', device, mounted)
        self.addCleanup(subprocess.run, ['umount', '--lazy', mounted], capture_output=True)
        return image, device, mounted

    def test_a_file_system_that_turns_read_only_is_told_and_goes_on_when_mounted_again(self):
        image, device, mounted = self.ext4(64)
        trigger = Path('/sys/fs/ext4') / Path(device).name / 'trigger_fs_error'
        if not trigger.exists():
            self.skipTest('this kernel has no trigger_fs_error')
        plant, daemon = self.both(data=mounted / 'data')
        acknowledged = daemon.live()['log']['durable']
        trigger.write_text('a test')
        state = wait_for('failed', lambda: (l := daemon.live()['log'])['state'] == 'failed' and l)
        self.assertIn('Read-only file system', state['cause'])
        time.sleep(0.5)
        # What a person does: unmount, mend, mount.
        tool('umount', '--lazy', mounted)
        wait_for('its absence is told', lambda: 'gone' in (daemon.live()['log']['cause'] or ''))
        subprocess.run(['e2fsck', '-p', '-f', image], capture_output=True)
        tool('mount', self.loop(image), mounted)
        wait_for('ok again', lambda: daemon.live()['log']['state'] == 'ok')
        durable = daemon.live()['log']['durable']
        wait_for('new records', lambda: daemon.live()['log']['durable'] > durable + 3)
        self.assertGreaterEqual(durable, acknowledged)
        self.assertEqual(daemon.live()['log']['lost'], 0)
        daemon.stop()
        self.assertGreater(self.check_gapless(mounted / 'data'), acknowledged)

    def test_a_file_system_that_is_full_is_told_and_goes_on_when_it_has_room(self):
        _, _, mounted = self.ext4(12)
        filler = mounted / 'filler'
        with open(filler, 'wb') as f:  # before the first block of the log is made
            try:
                while f.write(b'x' * 65536):
                    f.flush()
            except OSError:
                pass
        plant = self.plant(seed=1, speed=60)
        config = write_config(plant)
        config.write_text(config.read_text().replace(f'data_dir: {self.folder}/data', f'data_dir: {mounted}/data'))
        os.truncate(filler, filler.stat().st_size - (512 << 10))  # room for the control file, not for a block
        daemon = self.daemon(config)
        state = wait_for('failed', lambda: (l := daemon.live()['log'])['state'] == 'failed' and l)
        self.assertIn('no space left', state['cause'])
        time.sleep(1)
        filler.unlink()
        wait_for('ok again', lambda: daemon.live()['log']['state'] == 'ok')
        wait_for('records', lambda: daemon.live()['log']['durable'] > 10)
        self.assertEqual(daemon.live()['log']['lost'], 0)
        daemon.stop()
        self.check_gapless(mounted / 'data')

    # --- repair ---

    def damaged(self, name, page, at):
        path = self.folder / 'data/log' / name
        with open(path, 'r+b') as f:
            f.seek(page * PAGE + at)
            byte = f.read(1)
            f.seek(page * PAGE + at)
            f.write(bytes([byte[0] ^ 0x40]))

    def test_repair_mends_what_it_can_and_names_the_records_that_are_lost(self):
        rows = self.folder / 'rows.csv'
        lines = [f'{1795162430000 + i * 10_000},{i * 7919 % 4000}' for i in range(20_000)]
        rows.write_text('time,hp_power\n' + '\n'.join(lines) + '\n')
        self.assertEqual(log('repair', self.folder / 'data').returncode, 1)
        self.assertFalse((self.folder / 'data').exists(), 'repair made a log')
        self.assertEqual(log('import', self.folder / 'data', rows, '--quiet').returncode, 0)
        done = log('repair', self.folder / 'data')
        self.assertEqual((done.returncode, done.stdout), (0, 'nothing to mend, no record is lost\n'))
        self.damaged('control.hwl', 0, 200)  # the first superblock
        done = log('repair', self.folder / 'data')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, 'mended: block 0 page 0\npages mended: 1\nno record is lost\n')
        self.damaged('seg-00001.hwl', 0, 200)  # the first of two schema pages
        done = log('repair', self.folder / 'data')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, 'mended: block 1 page 0\npages mended: 1\nno record is lost\n')
        self.assertEqual(log('repair', self.folder / 'data').stdout, 'nothing to mend, no record is lost\n')
        self.damaged('seg-00001.hwl', 3, 500)  # the second page of records; the schema has two
        done = log('repair', self.folder / 'data')
        self.assertEqual(done.returncode, 1)
        self.assertIn('damaged: block 1 page 3\n', done.stdout)
        m = re.search(r'lost: stream import_1, (\d+) records, (\d+) to (\d+), between (\S+) and (\S+)', done.stdout)
        self.assertTrue(m, done.stdout)
        lost, first, last = (int(m.group(i)) for i in (1, 2, 3))
        self.assertEqual(lost, last - first + 1)
        self.assertEqual(m.group(4), time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(1795162430 + (first - 2) * 10)))
        self.assertEqual(m.group(5), time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(1795162430 + last * 10)))
        dump = log('export', self.folder / 'data', '--stream', 'import_1').stdout.splitlines()[1:]
        self.assertEqual(len(dump), 20_000 - lost)
        self.assertEqual(dump, lines[:first - 1] + lines[last:])

    def test_repair_refuses_while_a_daemon_has_the_log(self):
        _, daemon = self.both()
        refused = log('repair', self.folder / 'data')
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f'another heatwatt (process {daemon.process.pid})', refused.stderr)
        daemon.stop(signal.SIGTERM)
        self.assertEqual(log('repair', self.folder / 'data').returncode, 0)

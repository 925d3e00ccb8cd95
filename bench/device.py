"""What the disk is given: each engine logs into an ext4 of its own on a loop device, ours also onto a bare one, and the kernel
counts the blocks."""
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

SECTOR = 512  # bytes, of the kernel's counters
WARM_UP_S = 60


def unavailable():
    """Why nothing can be counted here; None: it can."""
    if os.geteuid() != 0:
        return 'only root can mount'
    missing = [t for t in ('mkfs.ext4', 'losetup', 'mount', 'umount') if shutil.which(t) is None]
    if missing:
        return f'{", ".join(missing)} not installed'
    return None if Path('/dev/loop-control').exists() else 'there are no loop devices'


def tool(*arguments):
    run = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if run.returncode != 0:
        raise OSError(f'{arguments[0]}: {run.stderr.strip()}')
    return run.stdout.strip()


class Device:
    """A loop device whose writes are counted; `place` is where an engine logs to."""

    def attach(self):
        self.device = tool('losetup', '--find', '--show', self.image)
        self.stat = Path('/sys/block') / Path(self.device).name / 'stat'

    def bytes_written(self):
        return int(self.stat.read_text().split()[6]) * SECTOR

    def close(self):
        tool('losetup', '--detach', self.device)
        self.image.unlink()


class Disk(Device):
    """An ext4 with 4 KiB blocks (a smaller one would get 1 KiB blocks, which flatter) and nothing left to initialise in the
    background."""

    def __init__(self, folder, name):
        self.image, self.place = folder / f'{name}.ext4', folder / f'{name}-disk'
        with open(self.image, 'wb') as f:
            f.truncate(1536 << 20)
        tool('mkfs.ext4', '-q', '-F', '-b', 4096, '-E', 'lazy_itable_init=0,lazy_journal_init=0', self.image)
        self.attach()
        self.place.mkdir()
        try:
            tool('mount', '-t', 'ext4', self.device, self.place)
        except OSError:
            super().close()
            raise

    def close(self):
        tool('umount', self.place)
        self.place.rmdir()
        super().close()


class Partition(Device):
    """A bare device with our log on it, made by `heatwatt log format`."""

    def __init__(self, folder, name, heatwatt):
        self.image = folder / f'{name}.raw'
        with open(self.image, 'wb') as f:
            f.truncate(64 << 20)
        self.attach()
        self.place = self.device
        try:
            tool(heatwatt, 'log', 'format', self.device, '--yes')
        except OSError:
            self.close()
            raise


class Logger:
    """One engine that logs a record each 10 s of real time on a device of its own. start(place) returns what stops it."""

    def __init__(self, disk, start):
        self.disk = disk
        try:
            self.stop = start(self.disk.place)
        except BaseException:
            self.disk.close()
            raise
        self.began = time.monotonic()
        self.from_bytes = self.from_s = None
        self.timer = threading.Timer(WARM_UP_S, self.warm)
        self.timer.daemon = True
        self.timer.start()

    def warm(self):
        self.from_bytes, self.from_s = self.disk.bytes_written(), time.monotonic()

    def wait(self, seconds):
        """Until it has been counted for so long."""
        time.sleep(max(0, self.began + WARM_UP_S + seconds - time.monotonic()))

    def mb_per_hour(self):
        return (self.disk.bytes_written() - self.from_bytes) / (time.monotonic() - self.from_s) * 3600 / 1e6

    def close(self):
        self.timer.cancel()
        self.stop()
        self.disk.close()


def child(arguments):
    """Starts a program that logs until it is ended; returns what ends it."""
    process = subprocess.Popen([str(a) for a in arguments], stderr=subprocess.DEVNULL)

    def stop():
        process.send_signal(signal.SIGTERM)
        process.wait()

    return stop


def each_10_s(send):
    """Calls send(number) now and each 10 s; returns what ends that."""
    done = threading.Event()

    def run():
        began, number = time.monotonic(), 0
        while True:
            send(number)
            number += 1
            if done.wait(max(0, began + 10 * number - time.monotonic())):
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def stop():
        done.set()
        thread.join()

    return stop

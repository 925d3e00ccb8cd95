"""Starts the real programs for a test and stops them by pid. Everything a test writes lies in one folder of its own."""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

BUILD = Path(os.environ.get('HEATWATT_BUILD', 'build'))
TOP = Path(os.environ.get('HEATWATT_TOP', Path(__file__).resolve().parents[2]))
SHARED = Path(os.environ.get('HEATWATT_SHARED', TOP / '../shared'))
HEATWATT = BUILD / 'heatwatt'
SIM = BUILD / 'heatwatt-sim'
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
START = 1_800_000_000  # plant time of the tests: a whole minute in January 2027


def wait_for(what, condition, timeout_s=60.0, every_s=0.05):
    """The first true answer of condition(); an assertion naming `what` when there is none in time: patience with a busy
    machine, never a bound of what is tested."""
    end = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f'not within {timeout_s} s: {what}')
        time.sleep(every_s)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def first_line(process, timeout_s, what):
    ready, _, _ = select.select([process.stdout], [], [], timeout_s)
    line = process.stdout.readline().decode().strip() if ready else ''
    if not line:
        raise AssertionError(f'{what} said nothing within {timeout_s} s, exit {process.poll()}')
    return line


class Program:
    """A child with its stderr in a file."""

    def __init__(self, args, folder, name, env=None):
        self.log_path = Path(folder) / f'{name}.log'
        self.log = open(self.log_path, 'ab')
        self.process = subprocess.Popen([str(a) for a in args], stdout=subprocess.PIPE, stderr=self.log,
                                        stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})

    def said(self):
        return self.log_path.read_text(errors='replace')

    def stop(self, how=signal.SIGTERM, timeout_s=15):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f'{self.process.args[0]} did not end within {timeout_s} s of {how!r}')
        self.process.stdout.close()
        self.log.close()
        return self.process.returncode


class Plant(Program):
    def __init__(self, folder, seed=1, speed=1, start=START, extra=(), ready_s=60):
        self.folder, self.speed = Path(folder), speed
        self.samples = self.folder / 'samples.sock'
        self.meter = self.folder / 'meter'
        self.truth_path = self.folder / 'truth.json'
        self.control_path = self.folder / 'control.sock'
        super().__init__([SIM, '--seed', seed, '--speed', speed, '--start', start, '--samples', self.samples,
                          '--mbus', self.meter, '--truth', self.truth_path, '--control', self.control_path,
                          '--constants', self.folder / 'constants.yaml', '--nominal', self.folder / 'nominal.yaml',
                          '--wait', *extra], folder, 'plant')
        assert first_line(self.process, ready_s, 'heatwatt-sim') == 'ready'

    def truth(self):
        return json.loads(self.truth_path.read_text())

    def control(self, command):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(10)
            s.connect(str(self.control_path))
            s.sendall(command.encode() + b'\n')
            answer = s.makefile().readline().strip()
        assert answer.startswith('ok'), f'{command}: {answer}'
        return answer


class Daemon(Program):
    def __init__(self, config, folder=None, name='daemon', env=None, live_ms=1000):
        self.config = Path(config)
        super().__init__([HEATWATT, 'run', '--config', config, '--live-ms', live_ms], folder or self.config.parent, name, env)
        line = first_line(self.process, 60, 'heatwatt run')
        assert line.startswith('listening http://'), line + self.said()
        self.url = line.split()[1].rstrip('/')

    def get(self, path, headers=None):
        request = urllib.request.Request(self.url + path, headers=headers or {})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read())

    def status(self, path, headers=None):
        """(HTTP status, body) of a request that may fail."""
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers or {}), timeout=60) as r:
                return r.status, r.read()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read()

    def live(self):
        return self.get('/api/v1/live')

    def value(self, channel):
        return next(c['value'] for c in self.live()['channels'] if c['id'] == channel)

    def source(self, source):
        return next(s for s in self.live()['sources'] if s['id'] == source)

    def query(self, series, frm, to, step, fn=None):
        """{(series, fn): values} of a query."""
        path = f'/api/v1/query?series={",".join(series)}&from={frm}&to={to}&step={step}'
        reply = self.get(path + (f'&fn={fn}' if fn else ''))
        return {(c['series'], c['fn']): c['values'] for c in reply['columns']}

    def kill9(self):
        return self.stop(signal.SIGKILL)


CONFIG = """version: 1
site: {{name: Test house, timezone: Europe/London}}
data_dir: {data}
clock: {{trust: plant}}
http: {{listen: 127.0.0.1, port: 0}}
record: {{interval_s: {record_s}}}
log: {{commit_s: {commit_s}, max_mb: 256}}
{sources}
  - id: heatmeter
    type: mbus
    label: Heat meter
    port: {meter}
    baud: 2400
    address: 1
    mains_powered: true
    poll_s: {poll_s}
    timeout_ms: {timeout_ms}
roles: {{elec: hp, heat: heatmeter, flow_t: heatmeter_flow_t, return_t: heatmeter_return_t, flow_rate: heatmeter_flow_rate, outside_t: heatmeter_outside_t, grid: grid, solar: solar}}
{publish}
"""


def write_config(plant, constants='nominal', name='heatwatt.yaml', record_s=10, commit_s=10, poll_s=10, publish='',
                 secrets=None):
    """Reply time-outs live in real time, polls in the plant's: on a fast plant a slow time-out would span polls."""
    folder = plant.folder
    sources = (folder / f'{constants}.yaml').read_text().rstrip()
    text = CONFIG.format(data=folder / 'data', record_s=record_s, commit_s=commit_s, poll_s=poll_s, timeout_ms=max(50, int(1000 / plant.speed)), sources=sources,
                         meter=plant.meter, publish=publish)
    if secrets is not None:
        path = folder / 'secrets.yaml'
        path.write_text(secrets)
        path.chmod(0o600)
        text = text.replace('version: 1\n', 'version: 1\nsecrets: secrets.yaml\n', 1)
    path = folder / name
    path.write_text(text)
    return path


class SystemTest(unittest.TestCase):
    """A folder and children that end with the test; after a failure their logs are shown. Tests that wait for states and
    values on a fast plant set live_ms, so that they do not wait for the next second of real time each time."""

    live_ms = 1000

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix='heatwatt-test-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.children = []
        self.addCleanup(self.end_children)

    def end_children(self):
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.terminate()  # an end of its own: a leak is only looked for there
                try:
                    child.process.wait(60)
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()
            if not child.process.stdout.closed:
                child.process.stdout.close()
            if not child.log.closed:
                child.log.close()
        crashed = [c for c in self.children if -c.process.returncode in CRASHES]
        outcome = getattr(self, '_outcome', None)
        failed = outcome is not None and not getattr(outcome, 'success', True)
        for child in self.children if failed or crashed else []:
            print(f'--- {child.log_path.name}\n' + child.said()[-3000:], flush=True)
        for child in crashed:
            raise AssertionError(f'{child.process.args[0]} crashed: signal {-child.process.returncode}')

    def plant(self, **options):
        p = Plant(self.folder, **options)
        self.children.append(p)
        return p

    def daemon(self, config, **options):
        d = Daemon(config, live_ms=self.live_ms, **options)
        self.children.append(d)
        return d

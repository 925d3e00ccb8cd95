#!/usr/bin/env python3
"""Runs the tests of a build folder and counts them.

usage: run_tests.py BUILD [--only unit,fuzz,web,system] [--wrapper COMMAND] [PATTERN...]

unit, fuzz, web: the programs Meson knows, each printing TAP, two at a time. system: tests/system/test_*.py (unittest) with the
real programs: each file a process of its own, two at a time, but those that need the machine for themselves. A PATTERN keeps the tests whose program or file name contains it; a wrapper runs programs built for another machine. The last line is `N passed, N failed, N skipped`.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TAP = re.compile(r'^(not )?ok\b\s*\d*\s*(?:- )?([^#]*)(#\s*(?i:skip)\S*\s*(.*))?')
UNIT_TIMEOUT_S = 240
AT_ONCE = 2
# Systems that run much faster than time, or whose delays and memory are looked at.
ALONE = {'test_accuracy', 'test_calibrate', 'test_disk', 'test_faults', 'test_hour', 'test_slow_clients', 'test_stop'}
# What is allocated or freed is filled with rubbish: a use of it shows in every build.
MALLOC = 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0'


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, group, name, outcome, detail=''):
        setattr(self, outcome, getattr(self, outcome) + 1)
        if outcome != 'passed':
            word = {'failed': 'FAILED', 'skipped': 'skipped'}[outcome]
            print(f'  {word}: {group}: {name}' + (f' ({detail})' if detail else ''), flush=True)

    def add_line(self, line):
        """`N passed, N failed, N skipped` of another run. False: it is none."""
        m = re.match(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', line)
        for name, n in zip(('passed', 'failed', 'skipped'), m.groups() if m else ()):
            setattr(self, name, getattr(self, name) + int(n))
        return m is not None


def run_program(command, env):
    try:
        done = subprocess.run(command, env=env, capture_output=True, timeout=UNIT_TIMEOUT_S)
        out, err, code = done.stdout, done.stderr, done.returncode
    except OSError as e:
        out, err, code = b'', str(e).encode(), 'not started'
    except subprocess.TimeoutExpired as e:
        out, err, code = e.stdout or b'', e.stderr or b'', 'timeout'
    return out, err, code


def count_tap(name, out, err, code, count):
    """What a program printed as TAP: its lines are counted; a crash or a missing plan is one failure more."""
    lines = out.decode(errors='replace').splitlines()
    plan = next((int(l[3:]) for l in lines if re.match(r'^1\.\.\d+$', l)), None)
    results = failures = 0
    for line in lines:
        m = TAP.match(line)
        if m:
            results += 1
            outcome = 'skipped' if m.group(3) else 'failed' if m.group(1) else 'passed'
            failures += outcome == 'failed'
            count.add(name, m.group(2).strip(), outcome, m.group(4) or '')
    if (code != 0 and not failures) or plan != results:
        count.add(name, f'exit {code}, {results} of {plan} results', 'failed')
        failures += 1
    if failures:
        tail = (out + err).decode(errors='replace').splitlines()
        print('\n'.join('    ' + l for l in tail[-40:]), flush=True)


def run_meson_tests(build, suites, wrapper, patterns, count):
    tests = [t for t in json.loads(subprocess.check_output(['meson', 'introspect', '--tests', str(build)]))
             if t['suite'][0].split(':')[-1] in suites and (not patterns or any(p in t['name'] for p in patterns))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = pool.map(lambda t: run_program(wrapper + t['cmd'], {**os.environ, **t['env']}), tests)
        for t, outcome in zip(tests, done):
            count_tap(t['name'], *outcome, count)


class SanitizerReports:
    """What sanitizers in the programs under test say goes to a folder: it would drown in logs, and who reads an exit code
    of a program that was told to stop?"""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix='heatwatt-reports-'))
        for name in ('ASAN_OPTIONS', 'LSAN_OPTIONS', 'TSAN_OPTIONS', 'UBSAN_OPTIONS'):
            before = os.environ.get(name)
            os.environ[name] = (before + ':' if before else '') + f'log_path={self.folder}/report'
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self):
        texts = []
        for path in sorted(self.folder.iterdir()):
            texts.append(path.read_text(errors='replace'))
            path.unlink()
        return texts


class Result(unittest.TestResult):
    def __init__(self, count, reports):
        super().__init__()
        self.count = count
        self.reports = reports

    def say(self, test, outcome, detail=''):
        self.count.add('system', test.id(), outcome, detail)

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def stopTest(self, test):
        took = time.monotonic() - self.started
        if took > 10:
            print(f'  {took:.0f} s: {test.id()}', flush=True)
        for text in self.reports.take():
            self.say(test, 'failed', 'a sanitizer reported')
            print('\n'.join('    ' + l for l in text.splitlines()[:60]), flush=True)
        super().stopTest(test)

    def addSuccess(self, test):
        self.say(test, 'passed')

    def addSkip(self, test, reason):
        self.say(test, 'skipped', reason)

    def fail(self, test, err):
        self.say(test, 'failed')
        print(self._exc_info_to_string(err, test), flush=True)

    def addFailure(self, test, err):
        self.fail(test, err)

    def addError(self, test, err):
        self.fail(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.fail(subtest, err)

    def addUnexpectedSuccess(self, test):
        self.say(test, 'failed', 'unexpected success')

    def addExpectedFailure(self, test, err):
        self.say(test, 'passed')


def run_system_file(build, name, count):
    os.environ['HEATWATT_BUILD'] = str(build.resolve())
    os.environ.setdefault('HEATWATT_SHARED', str((TOP / '../shared').resolve()))
    os.environ['HEATWATT_TOP'] = str(TOP)
    folder = TOP / 'tests' / 'system'
    sys.path.insert(0, str(folder))
    with SanitizerReports() as reports:
        started = time.monotonic()
        unittest.defaultTestLoader.loadTestsFromName(name).run(Result(count, reports))
        print(f'  {name}: {count.passed} passed, {count.failed} failed, {count.skipped} skipped, '
              f'{time.monotonic() - started:.0f} s', flush=True)


def run_system_tests(build, patterns, count):
    names = sorted(p.stem for p in (TOP / 'tests/system').glob('test_*.py') if not patterns or any(q in p.stem for q in patterns))
    together, alone = [n for n in names if n not in ALONE], [n for n in names if n in ALONE]

    def run(name):
        return subprocess.run([sys.executable, __file__, build, '--system-file', name], capture_output=True, text=True)

    def say(name, done):
        lines = (done.stdout + done.stderr).splitlines()
        print('\n'.join(line for line in lines if not count.add_line(line)), flush=True)
        if not any(re.match(r'^  ' + name + ': ', line) for line in lines):
            count.add('system', name, 'failed', f'exit {done.returncode}')

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, done in zip(together, pool.map(run, together)):
            say(name, done)
    for name in alone:
        say(name, run(name))


def option(args, name, default):
    """The value of an option, which is taken out of args."""
    if name not in args:
        return default
    at = args.index(name)
    value = args[at + 1]
    del args[at:at + 2]
    return value


def main():
    args = sys.argv[1:]
    only = set(option(args, '--only', 'unit,fuzz,web,system').split(','))
    wrapper = option(args, '--wrapper', '').split()
    build, patterns = Path(args[0]), args[1:]
    os.environ.setdefault('GLIBC_TUNABLES', MALLOC)
    count = Count()
    if '--system-file' in args:
        run_system_file(build, option(args, '--system-file', ''), count)
        print(f'{count.passed} passed, {count.failed} failed, {count.skipped} skipped')
        return 1 if count.failed else 0
    print('units and fuzz regressions', flush=True)
    run_meson_tests(build, only, wrapper, patterns, count)
    if 'system' in only:
        print('whole systems', flush=True)
        run_system_tests(build, patterns, count)
    print(f'{count.passed} passed, {count.failed} failed, {count.skipped} skipped')
    return 1 if count.failed or not count.passed else 0


sys.exit(main())

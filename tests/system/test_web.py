"""The page in a real browser, on the demo: values move, charts are drawn, nothing foreign is asked for."""
import os
import re
import shutil
import signal
import subprocess
import time

from harness import HEATWATT, TOP, Program, SystemTest, select


class Page(SystemTest):
    def demo(self, *extra):
        p = Program([HEATWATT, 'demo', '--port', '0', '--data', self.folder / 'demo', *extra], self.folder, 'demo')
        self.children.append(p)
        return p

    def url(self, demo, timeout_s):
        end = time.monotonic() + timeout_s
        seen = ''
        while time.monotonic() < end:
            ready, _, _ = select.select([demo.process.stdout], [], [], 0.2)
            if ready:
                seen += os.read(demo.process.stdout.fileno(), 65536).decode()
            found = re.search(r'http://127\.0\.0\.1:\d+/', seen)
            if found:
                return found.group(0), seen
            if demo.process.poll() is not None:
                break
        raise AssertionError(f'no address within {timeout_s} s: {seen}{demo.said()}')

    def test_the_demo_shows_a_page_with_charts_in_a_browser(self):
        if not (TOP / 'web/node_modules').exists() or not shutil.which('chromium'):
            self.skipTest('no browser or web packages here')
        began = time.monotonic()
        demo = self.demo('--seed', '1')
        url, _ = self.url(demo, 20)
        print(f'    demo: the address after {time.monotonic() - began:.1f} s with 30 days of history', flush=True)
        shown = {**os.environ, 'HEATWATT_CHANNELS': '15'}  # fourteen clamps and the heat pump's own meter
        done = subprocess.run(['node', str(TOP / 'tests/web/smoke.mjs'), url], capture_output=True, timeout=150, env=shown)
        out = done.stdout.decode()
        for line in out.splitlines():
            if line.startswith(('ok', 'not ok')):
                print('    ' + line, flush=True)
        self.assertEqual(done.returncode, 0, out + done.stderr.decode())
        self.assertGreaterEqual(len(re.findall(r'^ok ', out, re.M)), 6, out)
        self.assertEqual(demo.stop(signal.SIGINT), 0)

    def test_the_demo_ends_by_itself_and_says_where_the_data_lies(self):
        demo = self.demo('--history', '2', '--for', '3', '--speed', '10')
        _, seen = self.url(demo, 20)
        out = seen + demo.process.communicate(timeout=60)[0].decode()
        self.assertEqual(demo.process.returncode, 0, demo.said())
        self.assertIn(str(self.folder / 'demo'), out)
        left = subprocess.run(['pgrep', '-f', str(self.folder)], capture_output=True).stdout.split()
        self.assertEqual(left, [], 'the plant still runs')

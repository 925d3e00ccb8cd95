"""The daemon is told to stop at any moment: it ends by itself, with exit 0, and the log it leaves is sound."""
import subprocess
import time

from harness import HEATWATT, SystemTest, wait_for, write_config

STOPS = 8


class Stop(SystemTest):
    def test_a_stop_at_any_moment_ends_well_and_leaves_a_sound_log(self):
        # Fast: at any moment a block, an answer or a commit is on its way from thread to thread.
        plant = self.plant(seed=1, speed=500)
        config = write_config(plant, commit_s=10)
        durable = 0
        for i in range(STOPS):
            daemon = self.daemon(config, name=f'daemon{i}')
            wait_for('the clamps', lambda: daemon.value('hp_power') is not None)
            time.sleep(0.03 * i)
            before = daemon.live()['log']['durable']
            self.assertGreaterEqual(before, durable)
            self.assertEqual(daemon.stop(), 0, daemon.said())
            self.assertEqual(daemon.said().count('stopping signal=15'), 1)
            verify = subprocess.run([HEATWATT, 'log', 'verify', self.folder / 'data'], capture_output=True)
            self.assertEqual(verify.returncode, 0, verify.stdout + verify.stderr)
            durable = before

"""Wall clocks that step, and that are learnt late: records keep their order and land where their time says."""
import os
import time

from harness import START, SystemTest, wait_for, write_config


class Clock(SystemTest):
    def durable(self, daemon, more=5):
        last = daemon.live()['log']['durable']
        return wait_for('durable records', lambda: (d := daemon.live()['log']['durable']) >= last + more and d)

    def values(self, daemon, frm_s, to_s, fn, step_s=10):
        return daemon.query(['hp_import'], frm_s * 1000, to_s * 1000, step_s * 1000, fn)[('hp_import', fn)]

    def count(self, daemon, frm_s, to_s):
        """Buckets of 10 s that hold a value."""
        return sum(v is not None for v in self.values(daemon, frm_s, to_s, 'max'))

    def test_records_after_a_step_land_at_their_new_time_and_every_rise_counts_once(self):
        plant = self.plant(seed=1, speed=60)
        daemon = self.daemon(write_config(plant, commit_s=10))
        self.durable(daemon)
        plant.control('clock step 7200')
        wait_for('the step', lambda: daemon.live()['time'] > (START + 7200) * 1000)
        self.durable(daemon)
        plant.control('clock step -14400')
        wait_for('the step back', lambda: daemon.live()['time'] < START * 1000)
        self.durable(daemon)
        plant.control('speed 0')
        time.sleep(0.5)
        live = daemon.live()
        self.assertEqual(live['log']['lost'], 0)
        spans = {'before': (START - 7200, START - 3600), 'first': (START, START + 3600),
                 'ahead': (START + 7200, START + 10_800)}
        found = {name: self.count(daemon, *span) for name, span in spans.items()}
        for name, n in found.items():
            self.assertGreaterEqual(n, 4, name)
        # Each record is in one bucket of 10 s; two may share one at a step.
        self.assertLessEqual(abs(sum(found.values()) - live['log']['durable']), 2)
        values = [v for span in ('first', 'ahead', 'before') for v in self.values(daemon, *spans[span], 'max')
                  if v is not None]
        self.assertEqual(values, sorted(values), 'in the order in which they were measured')
        rises = [sum(v or 0 for v in self.values(daemon, *span, 'delta', 3600)) for span in spans.values()]
        whole = self.values(daemon, START - 7200, START + 10_800, 'delta', 18_000)[0]
        self.assertAlmostEqual(sum(rises), whole, places=2)
        self.assertAlmostEqual(whole, values[-1] - values[0], delta=1.0)  # the rise in the first record counts too
        daemon.stop()

    def test_history_from_before_the_time_was_known_gets_its_times(self):
        plant = self.plant(seed=1, speed=60)
        plant.control('clock hide')
        daemon = self.daemon(write_config(plant, commit_s=10))
        early = self.durable(daemon)
        self.assertIsNone(daemon.live()['time'])
        self.assertEqual(self.count(daemon, START, START + 3600), 0)
        plant.control('clock show')
        wait_for('the time', lambda: daemon.live()['time'])
        self.durable(daemon)
        live = daemon.live()
        now_s = live['time'] // 1000
        self.assertGreaterEqual(self.count(daemon, START, now_s), live['log']['durable'] - 2)
        self.assertIn('wall time of earlier records learnt boot=1', daemon.said())
        daemon.kill9()
        again = self.daemon(daemon.config, name='daemon2')
        self.assertGreaterEqual(self.count(again, START, START + early * 10), early - 1)
        again.stop()

    def test_a_computer_that_begins_in_1970_records_and_learns_the_time(self):
        offset = self.folder / 'offset'
        offset.write_text(str(-int(time.time()) + 100))
        shim = os.environ['HEATWATT_BUILD'] + '/tests/libstepclock.so'
        plant = self.plant(seed=1, speed=1)
        config = write_config(plant, record_s=1, commit_s=1)
        config.write_text(config.read_text().replace('trust: plant', 'trust: always'))
        daemon = self.daemon(config, env={'LD_PRELOAD': shim, 'STEPCLOCK_S': str(offset)})
        began_s = int(time.time())
        early = self.durable(daemon, 4)
        live = daemon.live()
        self.assertIsNone(live['time'], '1970 is no time')
        offset.write_text('0')
        learnt_s = int(time.time())
        wait_for('the time', lambda: (daemon.live()['time'] or 0) > began_s * 1000)
        self.durable(daemon, 3)
        got = self.values(daemon, began_s, learnt_s, 'max', 1)
        self.assertGreaterEqual(sum(v is not None for v in got), early - 2)
        daemon.stop()

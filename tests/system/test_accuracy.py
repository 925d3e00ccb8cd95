"""The plant's clamps against its truth: seeds 1-5, nominal and drawn constants, P over 60 s of channels from 1 A."""
from harness import START, SystemTest, wait_for, write_config

LIMIT = {'nominal': 0.02, 'constants': 0.005}
MINUTE = 60_000


class Accuracy(SystemTest):
    def windows(self, seed, constants):
        """The worst error of P over S, of all channels from 1 A in a whole minute."""
        self.setUp()
        plant = self.plant(seed=seed, speed=40)
        daemon = self.daemon(write_config(plant, constants=constants, record_s=1, commit_s=1))
        truth = wait_for('a minute of truth and record', lambda: self.whole_minute(plant, daemon))
        end = truth['end_unix_ms']
        circuits = {name: c for name, c in truth['circuits'].items() if c['i'] >= 1.0}
        self.assertGreaterEqual(len(circuits), 4, 'too few circuits above 1 A')
        seen = daemon.query([f'{n}_power' for n in circuits], end - MINUTE, end, MINUTE, 'mean')
        worst = 0.0
        for name, c in circuits.items():
            p = seen[(f'{name}_power', 'mean')][0]
            self.assertIsNotNone(p, name)
            worst = max(worst, abs(p - c['p']) / c['s'])
        daemon.stop()
        plant.stop()
        return worst

    def whole_minute(self, plant, daemon):
        """A truth window of which the log has every record."""
        last = daemon.live()['time']
        return next((w for w in plant.truth()['windows']
                     if w['start_unix_ms'] >= START * 1000 + MINUTE and w['end_unix_ms'] + 3000 <= last), None)

    def check(self, constants):
        for seed in range(1, 6):
            with self.subTest(seed=seed):
                worst = self.windows(seed, constants)
                print(f'    seed {seed}, {constants}: worst error of P {100 * worst:.3f} % of S', flush=True)
                self.assertLessEqual(worst, LIMIT[constants])

    def test_nominal_constants_are_within_2_per_cent_of_s(self):
        self.check('nominal')

    def test_drawn_constants_are_within_half_a_per_cent_of_s(self):
        self.check('constants')

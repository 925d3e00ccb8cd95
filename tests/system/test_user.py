"""What a user and an installer do: days pass, programs are stopped and started, files are wrong."""
import datetime
import zoneinfo

from harness import SystemTest, wait_for, write_config

LONDON = zoneinfo.ZoneInfo('Europe/London')


def local(*when):
    """Unix seconds of a local time in the tests' time zone."""
    return int(datetime.datetime(*when, tzinfo=LONDON).timestamp())


class Days(SystemTest):
    """Today's energies begin at local midnight, whatever happens around it."""

    def today(self, daemon):
        """Wh since midnight: by the clamp's counter, by the heat pump's books, and the time of it."""
        live = daemon.live()
        clamp = next(c for c in live['channels'] if c['id'] == 'hp_import')
        return clamp['today'], live['heatpump']['today']['elec'], live['time']

    def recorded(self, daemon, midnight_s, to_ms):
        """Wh of the records from midnight on."""
        rises = daemon.query(['hp_import'], midnight_s * 1000, to_ms, 10_000, 'delta')[('hp_import', 'delta')]
        return sum(v or 0 for v in rises)

    def both(self, start, speed=60):
        plant = self.plant(seed=1, speed=speed, start=start)
        config = write_config(plant)
        return plant, config, self.daemon(config)

    def past(self, daemon, unix_s):
        wait_for('plant time', lambda: (daemon.live()['time'] or 0) > unix_s * 1000, 20)

    def check(self, daemon, midnight_s, why):
        """The page, the books and the log agree: at 12 W a record of 10 s holds 0.034 Wh."""
        clamp, books, time_ms = self.today(daemon)
        recorded = self.recorded(daemon, midnight_s, time_ms)
        self.assertAlmostEqual(clamp, books, delta=0.02, msg=why)
        self.assertLess(-0.01, clamp - recorded, why)
        self.assertLess(clamp - recorded, 0.5, why)  # what is not durable yet
        return clamp

    def over(self, midnight):
        plant, config, daemon = self.both(midnight - 240)
        self.past(daemon, midnight - 20)
        before = self.today(daemon)[0]
        self.assertGreater(before, 0.5)
        self.past(daemon, midnight + 60)
        self.assertLess(self.check(daemon, midnight, 'after midnight'), before)
        daemon.stop()
        daemon = self.daemon(config, name='again')
        wait_for('the clamps', lambda: daemon.value('hp_power') is not None)
        self.check(daemon, midnight, 'after a restart')

    def test_todays_energies_restart_at_the_midnight_before_an_hour_is_skipped(self):
        self.over(local(2027, 3, 28))

    def test_todays_energies_restart_at_the_midnight_before_an_hour_comes_twice(self):
        self.over(local(2027, 10, 31))

    def test_a_midnight_that_was_slept_through_still_parts_the_days(self):
        midnight = local(2027, 1, 21)
        plant, config, daemon = self.both(midnight - 100, speed=20)
        self.past(daemon, midnight - 20)
        yesterday = self.today(daemon)[0]
        daemon.stop()
        plant.stop()
        self.plant(seed=1, speed=1, start=midnight + 3600)
        daemon = self.daemon(config, name='again')
        wait_for('the clamps', lambda: daemon.value('hp_power') is not None)
        self.assertGreater(yesterday, 0.2)
        self.assertLess(self.check(daemon, midnight, 'next morning'), 0.2)

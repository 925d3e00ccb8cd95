"""Local days of every zone of the system's database, checked against Python's reading of the same files."""
import bisect
import os
import subprocess
import unittest
import zoneinfo
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

BUILD = Path(os.environ.get('HEATWATT_BUILD', 'build'))
DAY_S, HOUR_S = 86400, 3600
UTC = timezone.utc
EPOCH = datetime(1970, 1, 1)
UNITS = ['day', 'week', 'month', 'year']


def seconds(naive):
    return int((naive - EPOCH).total_seconds())


def offset(zone, s):
    return int(datetime.fromtimestamp(s, zone).utcoffset().total_seconds())


def day_start(zone, day):
    """The first instant whose local date is `day` or later: where the offset stays, midnight; else minute by minute."""
    midnight = seconds(datetime(day.year, day.month, day.day))
    first, last = midnight - 30 * HOUR_S, midnight + 30 * HOUR_S
    seen = {offset(zone, s) for s in range(first, last + 1, 2 * HOUR_S)}
    if len(seen) == 1:
        return midnight - seen.pop()
    s = first
    while s + offset(zone, s) < midnight:
        s += 60 if s % 60 == 0 and offset(zone, s + 60) + 60 + s < midnight else 1
    return s


def unit_start(unit, day):
    return {'day': day, 'week': day - timedelta(day.weekday()), 'month': day.replace(day=1),
            'year': day.replace(month=1, day=1)}[unit]


def following(unit, day):
    if unit == 'month':
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return date(day.year + 1, 1, 1) if unit == 'year' else day + timedelta(7 if unit == 'week' else 1)


def starts(zone, unit, day, count):
    """The start of the unit that holds `day`, and the next `count`; dates that were left out have none."""
    day = unit_start(unit, day)
    found = [day_start(zone, day)]
    while len(found) <= count:
        day = following(unit, day)
        s = day_start(zone, day)
        if s > found[-1]:
            found.append(s)
    return found


class Zones(unittest.TestCase):
    def setUp(self):
        self.tool = subprocess.Popen([BUILD / 'tests/system/zone_edges'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end)

    def end(self):
        self.tool.stdin.close()
        self.tool.wait(60)
        self.tool.stdout.close()

    def ask(self, line):
        self.tool.stdin.write(line + '\n')
        self.tool.stdin.flush()
        return self.tool.stdout.readline().strip()

    def edges(self, name, unit, from_s, count):
        return [int(w) // 1000 for w in self.ask(f'{name} {UNITS.index(unit)} {from_s * 1000} {count}').split()]

    def check(self, name, unit, day, count):
        zone = zoneinfo.ZoneInfo(name)
        want = starts(zone, unit, day, count)
        noon = seconds(datetime(day.year, day.month, day.day, 12))
        got = self.edges(name, unit, noon - offset(zone, noon), count)
        self.assertEqual(got, want, f'{name}, {unit} from {day}')
        return [(b - a) / HOUR_S for a, b in zip(got, got[1:])]

    def test_days_are_as_long_as_the_zone_makes_them(self):
        for name, day, hours, why in (
                ('Europe/London', date(2026, 3, 28), [24, 23, 24], 'an hour forward at 01:00'),
                ('Europe/London', date(2026, 10, 24), [24, 25, 24], 'an hour back'),
                ('Asia/Kolkata', date(2026, 3, 28), [24, 24, 24], 'a half-hour zone'),
                ('Asia/Kathmandu', date(1985, 12, 31), [24, 23.75, 24], 'half an hour became 45 minutes at midnight'),
                ('Pacific/Chatham', date(2026, 4, 4), [24, 25, 24], 'a 45-minute zone'),
                ('Australia/Lord_Howe', date(2026, 4, 4), [24, 24.5, 24], 'half an hour of daylight saving'),
                ('Australia/Lord_Howe', date(2026, 10, 3), [24, 23.5, 24], 'half an hour of daylight saving'),
                ('Pacific/Apia', date(2011, 12, 28), [24, 24, 24], '30 December was left out'),
                ('Asia/Beirut', date(2024, 3, 30), [24, 23, 24], 'the day begins at 01:00'),
                ('America/Sao_Paulo', date(2018, 11, 3), [24, 23, 24], 'the day begins at 01:00'),
                ('America/Sao_Paulo', date(2018, 2, 17), [25, 24, 24], 'midnight was put off'),
                ('America/St_Johns', date(2010, 3, 13), [24.0, 23, 24], 'the change at 00:01'),
                ('America/St_Johns', date(2010, 11, 6), [24, 25, 24], 'a minute of 7 November, then an hour of the 6th again'),
                ('Europe/Dublin', date(2037, 10, 24), [24, 25, 24], 'daylight saving below standard time'),
                ('Africa/Casablanca', date(2026, 2, 14), [24, 25, 24], 'Ramadan'),
                ('Europe/Paris', date(2099, 3, 28), [24, 23, 24], 'by the rule at the end of the file'),
                ('UTC', date(2026, 3, 28), [24, 24, 24], 'without a file')):
            with self.subTest(f'{name}: {why}'):
                self.assertEqual(self.check(name, 'day', day, 3), hours, why)

    def test_a_date_that_was_left_out_belongs_to_none(self):
        apia = zoneinfo.ZoneInfo('Pacific/Apia')
        got = self.edges('Pacific/Apia', 'day', seconds(datetime(2011, 12, 29, 22)), 1)
        dates = [datetime.fromtimestamp(s, apia).date() for s in got]
        self.assertEqual(dates, [date(2011, 12, 29), date(2011, 12, 31)])

    def test_weeks_months_and_years(self):
        for name in ('Europe/Berlin', 'America/Sao_Paulo', 'Pacific/Apia', 'Australia/Lord_Howe', 'Asia/Beirut'):
            for unit, count in (('week', 110), ('month', 30), ('year', 4)):
                with self.subTest(f'{name} {unit}'):
                    self.check(name, unit, date(2010, 11, 17), count)

    def test_every_zone_around_each_of_its_changes(self):
        """The database's transitions of 1970 to 2037, and the rule's after them: one in thirty."""
        checked = 0
        for name in sorted(zoneinfo.available_timezones() - {'localtime', 'Factory'}):
            zone = zoneinfo.ZoneInfo(name)
            months = range(0, 85 * 12)
            offsets = [offset(zone, seconds(datetime(1970 + m // 12, m % 12 + 1, 1))) for m in months]
            changes = [m for m in months[1:] if offsets[m] != offsets[m - 1]]
            for m in changes[len(name) % 30::30]:
                low, high = (seconds(datetime(1970 + k // 12, k % 12 + 1, 1)) for k in (m - 1, m))
                was = offsets[m - 1]
                at = low + bisect.bisect_left(range(low, high), True, key=lambda s: offset(zone, s) != was)
                self.check(name, 'day', datetime.fromtimestamp(at, UTC).date() - timedelta(1), 3)
                checked += 1
        self.assertGreater(checked, 500)

    def test_from_anywhere_in_a_day_its_edges_are_the_same(self):
        for name, day in (('America/St_Johns', datetime(2010, 11, 6)), ('Asia/Beirut', datetime(2024, 3, 30)),
                          ('Pacific/Apia', datetime(2011, 12, 29))):
            first = self.edges(name, 'day', seconds(day), 4)
            for s in range(first[1], first[3], 600):
                got = self.edges(name, 'day', s, 1)
                at = bisect.bisect_right(first, s)
                self.assertEqual(got, [first[at - 1], first[at]], f'{name} {s}')

    def test_instants_read_as_python_writes_them(self):
        for name in ('Europe/London', 'Asia/Kathmandu', 'America/St_Johns', 'Africa/Monrovia', 'UTC', 'Pacific/Kiritimati'):
            zone = zoneinfo.ZoneInfo(name)
            for ms in (0, 951782400000, 1774746000000, 1774746000123, 4102444799999, 63072000007):
                want = datetime.fromtimestamp(ms // 1000, zone).replace(microsecond=ms % 1000 * 1000)
                want = want.isoformat(timespec='milliseconds' if ms % 1000 else 'seconds')
                self.assertEqual(self.ask(f'text {name} {ms}'), want)

    def test_names_that_are_none_are_refused(self):
        for name, err in (('Europe/Nowhere', 'NOT_FOUND'), ('Europe', 'NOT_FOUND'), ('../etc/passwd', 'ARGUMENT'),
                          ('/etc/passwd', 'ARGUMENT'), ('zone.tab', 'ARGUMENT'), ('Europe/London/x', 'NOT_FOUND'),
                          ('tzdata%41', 'ARGUMENT')):
            self.assertEqual(self.ask(f'{name} 0 0 1'), f'error {err}')


if __name__ == '__main__':
    unittest.main()

#include "daemon/base/calendar.h"

#include <string.h>

enum { DAY_S = 86400, ERA_YEARS = 400, ERA_DAYS = 146097 /* days of 400 years */ };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/*
 * Years that begin on 1 March end with the leap day, if there is one: then the months' lengths are
 * 31 30 31 30 31, over and over, and month m (from 0) begins on day (153 m + 2) / 5. 719468 days
 * lie between 0000-03-01 and 1970-01-01.
 */
enum { MARCH_0000 = 719468 };

int64_t calendar_days_of(struct calendar_date date)
{
    int64_t year = (int64_t)date.year - (date.month <= 2);
    int64_t era = floor_div(year, ERA_YEARS);
    int64_t y = year - era * ERA_YEARS;
    int64_t month = (date.month + 9) % 12;
    int64_t day = (153 * month + 2) / 5 + date.day - 1;

    return era * ERA_DAYS + y * 365 + y / 4 - y / 100 + day - MARCH_0000;
}

struct calendar_date calendar_date_of(int64_t days)
{
    int64_t era = floor_div(days + MARCH_0000, ERA_DAYS);
    int64_t d = days + MARCH_0000 - era * ERA_DAYS; /* 0..146096 */
    /* less the leap days before d: one in 1461 days, but not in 36525, but in 146097 */
    int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    int64_t day = d - (y * 365 + y / 4 - y / 100);
    int64_t month = (5 * day + 2) / 153;

    return (struct calendar_date){
        .year = (int32_t)(era * ERA_YEARS + y + (month >= 10)),
        .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
        .day = (uint8_t)(day - (153 * month + 2) / 5 + 1),
    };
}

/* The first day of the unit that holds the day, or of the one after it. */
static int64_t first_day(enum calendar_unit unit, int64_t day, bool next)
{
    struct calendar_date d = calendar_date_of(day);

    switch (unit) {
    case CALENDAR_WEEK:
        return floor_div(day + 3, 7) * 7 - 3 + (next ? 7 : 0); /* 1969-12-29 was a Monday */
    case CALENDAR_MONTH:
        d.day = 1;
        d.year += next && d.month == 12;
        d.month = (uint8_t)(next ? d.month % 12 + 1 : d.month);
        return calendar_days_of(d);
    case CALENDAR_YEAR:
        return calendar_days_of((struct calendar_date){d.year + next, 1, 1});
    case CALENDAR_DAY:
    case CALENDAR_UNITS:
        break;
    }
    return day + next;
}

/* The first instant, in s, at which the local date is that day or later. */
static int64_t day_start_s(const struct zone *z, int64_t day)
{
    int64_t local = day * DAY_S;
    int64_t at = local - ZONE_OFFSET_MAX_S - 1; /* an instant before it in any zone */

    for (;;) {
        int64_t until;
        int64_t midnight = local - zone_offset_s(z, at, &until);

        if (midnight <= at) {
            return at;
        }
        if (midnight < until) {
            return midnight;
        }
        at = until;
    }
}

/* The day whose span holds the instant. */
static int64_t day_of(const struct zone *z, int64_t unix_s)
{
    int64_t day = floor_div(unix_s + zone_offset_s(z, unix_s, NULL), DAY_S);

    while (day_start_s(z, day + 1) <= unix_s) { /* clocks were set back over midnight */
        day++;
    }
    return day;
}

int64_t calendar_start_ms(const struct zone *z, enum calendar_unit unit, int64_t unix_ms)
{
    return day_start_s(z, first_day(unit, day_of(z, floor_div(unix_ms, 1000)), false)) * 1000;
}

int64_t calendar_next_ms(const struct zone *z, enum calendar_unit unit, int64_t unix_ms)
{
    int64_t day = day_of(z, floor_div(unix_ms, 1000));
    int64_t next;

    do { /* a date left out has no span of its own */
        day = first_day(unit, day, true);
        next = day_start_s(z, day) * 1000;
    } while (next <= unix_ms);
    return next;
}

static char *put_digits(char *p, unsigned v, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; v /= 10) {
        p[i] = (char)('0' + v % 10);
    }
    return p + digits;
}

static char *put_clock(char *p, unsigned s)
{
    p = put_digits(p, s / 3600, 2);
    *p++ = ':';
    return put_digits(p, s / 60 % 60, 2);
}

size_t calendar_text(char p[CALENDAR_TEXT_MAX], int64_t unix_ms, int32_t offset_s)
{
    int64_t s = floor_div(unix_ms, 1000);
    int64_t day = floor_div(s + offset_s, DAY_S);
    unsigned clock = (unsigned)(s + offset_s - day * DAY_S);
    unsigned ms = (unsigned)(unix_ms - s * 1000);
    unsigned offset = (unsigned)(offset_s < 0 ? -offset_s : offset_s);
    struct calendar_date d = calendar_date_of(day);
    char *to = put_digits(p, (unsigned)d.year, 4);

    *to++ = '-';
    to = put_digits(to, d.month, 2);
    *to++ = '-';
    to = put_digits(to, d.day, 2);
    *to++ = 'T';
    to = put_clock(to, clock);
    *to++ = ':';
    to = put_digits(to, clock % 60, 2);
    if (ms > 0) {
        *to++ = '.';
        to = put_digits(to, ms, 3);
    }
    *to++ = offset_s < 0 ? '-' : '+';
    to = put_clock(to, offset);
    if (offset % 60 > 0) {
        *to++ = ':';
        to = put_digits(to, offset % 60, 2);
    }
    return (size_t)(to - p);
}

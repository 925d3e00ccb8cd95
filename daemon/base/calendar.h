/*
 * calendar.h: local days, weeks, months and years of a zone, as spans of unix time.
 *
 *   day n │ day n + 1 │ …     each begins where the one before ends
 *
 * A day begins at the first instant at which the local date is its own or a later one. So a day has
 * 23, 24, 25 hours or what the zone's transitions make of it; one without a midnight begins at its
 * first instant, 01:00 say; a date that the zone left out has no span; and where clocks are set
 * back over midnight the day begins at the first of the two. Weeks begin on Monday (ISO 8601).
 * Proleptic Gregorian; instants from 1970 to the year 10000.
 */
#ifndef DAEMON_BASE_CALENDAR_H
#define DAEMON_BASE_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/zone.h"

enum calendar_unit { CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_YEAR, CALENDAR_UNITS };

/* Where the day, week … that holds the instant begins, and where the next one does, after it. */
int64_t calendar_start_ms(const struct zone *z, enum calendar_unit unit, int64_t unix_ms);
int64_t calendar_next_ms(const struct zone *z, enum calendar_unit unit, int64_t unix_ms);

struct calendar_date {
    int32_t year;
    uint8_t month, day; /* from 1 */
};

/* Of days since 1970-01-01, and back. */
struct calendar_date calendar_date_of(int64_t days);
int64_t calendar_days_of(struct calendar_date date);

enum { CALENDAR_TEXT_MAX = 48 };

/* "2026-03-29T01:00:00.500+01:00" (ISO 8601; milliseconds only if there are any, seconds of the
 * offset only if it has any), no NUL; returns its length. Years of four digits. */
size_t calendar_text(char p[CALENDAR_TEXT_MAX], int64_t unix_ms, int32_t offset_s);

#endif

/*
 * zone.h: a time zone of the system's database: how far local time is ahead of UTC at an instant.
 *
 *   TZif file │ transitions, each with an offset ……… │ footer: the rule for all time after them
 *
 * Files of RFC 8536, versions 1 to 4. Immutable once made, so any thread may use it, unlike the C
 * library's zone, of which a process has one. Zones that count leap seconds ("right/…") are
 * refused: unix time does not.
 */
#ifndef DAEMON_BASE_ZONE_H
#define DAEMON_BASE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    ZONE_NAME_MAX = 63,
    ZONE_FILE_MAX = 64 * 1024, /* bytes; the longest of the database has about 3500 */
    ZONE_OFFSET_MAX_S = 26 * 3600 - 1
};

struct zone; /* opaque */

/* The zone of an IANA name ("Europe/London", "UTC") out of TZDIR or /usr/share/zoneinfo. NULL:
 * *err_out is ARGUMENT (cannot be a name), NOT_FOUND, SPACE, IO or what zone_parse says. Reads a
 * file, but for UTC. */
struct zone *zone_load(const char *name, int *err_out);
/* The zone of a file's content. NULL: *err_out is LENGTH (cut), NOT_MINE (no TZif), SANITY,
 * UNSUPPORTED (leap seconds) or SPACE. */
struct zone *zone_parse(const void *p, size_t n, int *err_out);
void zone_free(struct zone *z);

/* Seconds to add to UTC for local time, within ±ZONE_OFFSET_MAX_S, at an instant of the years -9999
 * to 99999. *until_s_out, if not NULL, is the unix time of the next transition, after unix_s;
 * INT64_MAX: none. */
int32_t zone_offset_s(const struct zone *z, int64_t unix_s, int64_t *until_s_out);

#endif

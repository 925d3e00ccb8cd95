/*
 * zone_option.h: --tz ZONE, and times that may need it.
 */
#ifndef DAEMON_CLI_ZONE_OPTION_H
#define DAEMON_CLI_ZONE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

struct zone; /* daemon/base/zone.h */

struct zone_option {
    bool set;
    int64_t offset_ms; /* if there is no zone */
    struct zone *zone;
};

/* "Europe/London", "UTC", "+01:00"; false: none, and said so. All zero before: UTC, not set. */
bool zone_option_take(struct zone_option *z, const char *text);
void zone_option_free(struct zone_option *z);

/* A time_text_zone; its context is the zone_option. A time that the zone leaves out, when clocks
 * are put forward, is as far behind the change as it says. */
int64_t zone_option_utc(void *option, int64_t local_ms, int64_t after_ms);

/* The instant that the text of an option says; NULL leaves *ms_out. False: none, and said so. */
bool zone_option_instant(struct zone_option *z, const char *option, const char *text,
                         int64_t *ms_out);

#endif

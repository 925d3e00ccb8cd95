/*
 * day.h: local days of the site's zone.
 */
#ifndef DAEMON_RUN_DAY_H
#define DAEMON_RUN_DAY_H

#include <stdint.h>

/* Makes `zone` (an IANA name) the zone of this process. Call before any thread is started. */
void day_use_zone(const char *zone);
/* Unix ms of the last local midnight at or before unix_ms: days may have 23 or 25 hours. */
int64_t day_start_ms(int64_t unix_ms);

#endif

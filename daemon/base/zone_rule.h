/*
 * zone_rule.h: the rule at the end of a TZif file, "CET-1CEST,M3.5.0,M10.5.0/3": a POSIX TZ string
 * (POSIX.1-2017, 8.3) with the hours -167 to 167 of RFC 8536, 3.3.1.
 */
#ifndef DAEMON_BASE_ZONE_RULE_H
#define DAEMON_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum zone_day_kind {
    ZONE_DAY_JULIAN,  /* Jn: 1 to 365, 29 February never counted */
    ZONE_DAY_OF_YEAR, /* n: 0 to 365 */
    ZONE_DAY_OF_WEEK  /* Mm.w.d: the w-th (5: last) weekday d (0: Sunday) of month m */
};

struct zone_rule {
    int32_t std_s, dst_s; /* east of UTC */
    bool has_dst;
    struct zone_change {
        uint8_t kind; /* enum zone_day_kind */
        uint16_t day; /* of Jn and n */
        uint8_t month, week, weekday;
        int32_t time_s; /* of local time as it is before the change, from that day's midnight */
    } start, end;       /* of daylight saving time */
};

/* Errors: SANITY. */
HWT_MUST_CHECK int zone_rule_parse(struct zone_rule *rule_out, const char *p, size_t n);
/* As zone_offset_s. */
int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t unix_s, int64_t *until_s_out);

#endif

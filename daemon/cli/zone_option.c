#include "daemon/cli/zone_option.h"

#include <stdio.h>
#include <time.h>

#include "daemon/base/time_text.h"
#include "daemon/base/zone.h"

enum { DAY_S = 86400 };

bool zone_option_take(struct zone_option *z, const char *text)
{
    int err;

    zone_option_free(z);
    z->set = time_text_offset(text, &z->offset_ms);
    if (!z->set) {
        z->zone = zone_load(text, &err);
        z->set = z->zone != NULL;
    }
    if (!z->set) {
        fprintf(stderr, "heatwatt log: --tz %s: a zone is needed: Europe/London, UTC, +01:00\n",
                text);
    }
    return z->set;
}

void zone_option_free(struct zone_option *z)
{
    zone_free(z->zone);
    *z = (struct zone_option){0};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t offset_ms(const struct zone *zone, int64_t unix_ms)
{
    return zone_offset_s(zone, floor_div(unix_ms, 1000), NULL) * INT64_C(1000);
}

int64_t zone_option_utc(void *option, int64_t local_ms, int64_t after_ms)
{
    const struct zone_option *z = option;
    int64_t earlier, later;

    if (z->zone == NULL) {
        return local_ms - z->offset_ms;
    }
    /* with the offsets on both sides of a change that may be near */
    earlier = local_ms - offset_ms(z->zone, local_ms - DAY_S * INT64_C(1000));
    later = local_ms - offset_ms(z->zone, local_ms + DAY_S * INT64_C(1000));
    if (earlier + offset_ms(z->zone, earlier) == local_ms &&
        (earlier > after_ms || later + offset_ms(z->zone, later) != local_ms)) {
        return earlier;
    }
    return later + offset_ms(z->zone, later) == local_ms ? later : earlier;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool zone_option_instant(struct zone_option *z, const char *option, const char *text,
                         int64_t *ms_out)
{
    if (text == NULL || time_text_instant(text, now_ms(), zone_option_utc, z, ms_out)) {
        return true;
    }
    fprintf(stderr,
            "heatwatt log: --%s %s: a time is needed: 2026-11-20, 2026-11-20T14:05:00+01:00, unix "
            "ms, now, -7d\n",
            option, text);
    return false;
}

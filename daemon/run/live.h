/*
 * live.h: the object of /api/v1/live as JSON (docs/HTTP_API.md).
 */
#ifndef DAEMON_RUN_LIVE_H
#define DAEMON_RUN_LIVE_H

#include "core/base/json.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/run/installation.h"

enum { LIVE_JSON_MAX = 128 * 1024, LIVE_PARTS_MAX = CONFIG_SOURCES_MAX };

struct live_books {              /* energies of the heat pump over one span, mJ */
    bool elec_known, heat_known; /* the role is given, or was once */
    int64_t elec, heat, negative_heat;
    int64_t paired_elec, paired_heat, paired_negative;
};

struct live_view { /* all that the page shows now */
    const struct installation *site;
    uint8_t uuid[16];
    struct clock_time now;
    struct hwt_value value[HWT_CHANNELS_MAX]; /* by column; missing when too old */
    int64_t age_us[HWT_CHANNELS_MAX];         /* of the newest reading; -1: never read */
    struct hwt_value shown[HWT_CHANNELS_MAX]; /* what a meter's own register showed last; missing:
                                               * a counter of ours, or not read yet */
    struct hwt_value today[HWT_CHANNELS_MAX]; /* counters: rise since local midnight */
    struct live_books today_books, total_books;
    struct status *source[LIVE_PARTS_MAX]; /* by config->source[] */
    struct status *log;
    struct status *publisher[CONFIG_PUBLISHERS_MAX];
    uint64_t durable, lost, bad_pages; /* of the log */
    uint64_t readings_lost;            /* between the sampling thread and the loop */
    uint64_t refused_host, refused_origin;
};

/* Writes the object; j->ok tells whether it fitted. */
void live_write(const struct live_view *view, struct hwt_json *j);

#endif

#include "core/record/recorder.h"

#include <string.h>

#include "core/base/fixed.h"
#include "core/base/quantity.h"

enum {
    SECOND_US = 1000000,
    INTERVAL_MAX_S = 60,
    READINGS_MAX = 65535, /* of a column in one interval */
    SHORTEST_US = 100000, /* a first interval shorter than this is joined to the next */
    SLEW_MAX_US = 500000  /* more, within one interval, is a step of the wall clock */
};

#define GAUGE_MAX ((int64_t)1 << 47)

static bool repeated(const struct hwt_column *columns, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (columns[k].source == columns[i].source && columns[k].quantity == columns[i].quantity) {
            return true;
        }
    }
    return false;
}

int hwt_recorder_init(struct hwt_recorder *r, const struct hwt_column *columns, size_t n,
                      unsigned interval_s, uint32_t boot)
{
    if (n == 0 || n > HWT_CHANNELS_MAX || interval_s == 0 || interval_s > INTERVAL_MAX_S) {
        return HWT_ERR_ARGUMENT;
    }
    memset(r, 0, sizeof(*r));
    for (size_t i = 0; i < n; i++) {
        const struct hwt_quantity_info *info = hwt_quantity_get(columns[i].quantity);

        if (info == NULL || repeated(columns, i)) {
            return HWT_ERR_ARGUMENT;
        }
        r->column[i] = columns[i];
        r->gauge[i] = info->kind == HWT_GAUGE;
    }
    r->columns = (uint16_t)n;
    r->interval_us = (int64_t)interval_s * SECOND_US;
    r->boot = boot;
    r->labelled_ms = HWT_TIME_UNKNOWN / 1000;
    return HWT_OK;
}

/* --- intervals --- */

static int64_t multiple_after(int64_t t, int64_t step)
{
    int64_t rest = t % step;

    return t - (rest < 0 ? rest + step : rest) + step;
}

/* Opens the interval that starts at start_us and ends at a multiple. `now` tells the wall time. */
static void open_interval(struct hwt_recorder *r, int64_t start_us,
                          const struct hwt_record_time *now)
{
    bool wall = now->unix_ms != HWT_TIME_UNKNOWN;

    r->start_ms = wall ? now->unix_ms - (now->mono_us - start_us) / 1000 : HWT_TIME_UNKNOWN;
    r->offset_us = wall ? now->unix_ms * 1000 - now->mono_us : 0;
    r->start_us = start_us;
    r->end_us = multiple_after(start_us + SHORTEST_US, r->interval_us);
    r->end_ms = HWT_TIME_UNKNOWN;
    if (wall) {
        int64_t end_us = multiple_after(start_us + SHORTEST_US + r->offset_us, r->interval_us);

        if (end_us == r->labelled_ms * 1000) {
            end_us += r->interval_us; /* stepped back a little: that label has been used */
        }
        r->end_us = end_us - r->offset_us;
        r->end_ms = end_us / 1000;
    }
}

/* The interval after a record: where it starts when that ended, it starts at its label. */
static void open_next(struct hwt_recorder *r, int64_t start_us, const struct hwt_record_time *now,
                      int64_t label_ms)
{
    bool adjoins = start_us == r->end_us && label_ms != HWT_TIME_UNKNOWN;

    open_interval(r, start_us, now);
    r->start_ms = adjoins ? label_ms : r->start_ms;
}

/* Follows a wall clock that is slewed: the end stays at its multiple. After a step it stays where
 * it is in monotonic time. */
static void aim(struct hwt_recorder *r, const struct hwt_record_time *now)
{
    int64_t offset_us, end_us;

    if (now->unix_ms == HWT_TIME_UNKNOWN || r->end_ms == HWT_TIME_UNKNOWN) {
        r->end_ms = HWT_TIME_UNKNOWN;
        return;
    }
    offset_us = now->unix_ms * 1000 - now->mono_us;
    if (offset_us - r->offset_us > SLEW_MAX_US || r->offset_us - offset_us > SLEW_MAX_US) {
        r->end_ms = HWT_TIME_UNKNOWN;
        return;
    }
    end_us = r->end_ms * 1000 - offset_us;
    if (end_us > r->start_us) {
        r->end_us = end_us;
    }
}

/* Wall time of end_us: the multiple aimed at, or what the clock now says it was. A clock stepped
 * back by just an interval would give the label of the record before: then a millisecond more. */
static int64_t wall_of_end(const struct hwt_recorder *r, const struct hwt_record_time *now)
{
    int64_t ms;

    if (r->end_ms != HWT_TIME_UNKNOWN || now->unix_ms == HWT_TIME_UNKNOWN) {
        return r->end_ms;
    }
    ms = now->unix_ms - (now->mono_us - r->end_us) / 1000;
    return ms == r->labelled_ms ? ms + 1 : ms;
}

/* From one label to the next, so that no record seems to start before the one before it ended; from
 * a step of the wall clock on, and without one, what passed in monotonic time. */
static uint32_t span_of(const struct hwt_recorder *r, int64_t unix_ms)
{
    int64_t mono_ms = r->end_us / 1000 - r->start_us / 1000; /* these add up */
    int64_t wall_ms, off_ms;

    if (unix_ms == HWT_TIME_UNKNOWN || r->start_ms == HWT_TIME_UNKNOWN) {
        return (uint32_t)mono_ms;
    }
    wall_ms = unix_ms - r->start_ms;
    off_ms = wall_ms > mono_ms ? wall_ms - mono_ms : mono_ms - wall_ms;
    return (uint32_t)(wall_ms > 0 && off_ms <= SLEW_MAX_US / 1000 ? wall_ms : mono_ms);
}

static struct hwt_value value_of(const struct hwt_recorder_sum *s, bool gauge)
{
    if (s->count == 0) {
        return (struct hwt_value){.quality = HWT_QUALITY_MISSING};
    }
    return (struct hwt_value){
        .v = gauge ? hwt_div_round(s->sum, s->count) : s->last,
        .quality = s->quality,
    };
}

static void fill_record(struct hwt_recorder *r, const struct hwt_record_time *now,
                        struct hwt_record *out)
{
    for (size_t i = 0; i < r->columns; i++) {
        r->value[i] = value_of(&r->now[i], r->gauge[i]);
    }
    *out = (struct hwt_record){
        .mono_us = r->end_us,
        .unix_ms = wall_of_end(r, now),
        .boot = r->boot,
        .clock = HWT_CLOCK_UNKNOWN,
        .count = r->columns,
        .value = r->value,
    };
    out->span_ms = span_of(r, out->unix_ms);
    if (out->unix_ms != HWT_TIME_UNKNOWN) {
        out->clock = now->clock;
        r->labelled_ms = out->unix_ms;
    }
}

static void turn_over(struct hwt_recorder *r)
{
    memcpy(r->now, r->next, sizeof(r->now));
    memset(r->next, 0, sizeof(r->next));
    r->early = false;
}

bool hwt_recorder_due(struct hwt_recorder *r, const struct hwt_record_time *now,
                      struct hwt_record *record_out)
{
    int64_t start_us;

    if (!r->started) {
        r->started = true;
        open_interval(r, now->mono_us, now);
        return false;
    }
    if (now->mono_us < r->end_us) {
        aim(r, now);
    }
    if (now->mono_us < r->end_us) {
        return false;
    }
    fill_record(r, now, record_out);
    start_us = r->end_us;
    if (!r->early && now->mono_us - r->end_us > r->interval_us) {
        start_us = now->mono_us; /* nobody called for so long: that time has no record */
    }
    turn_over(r);
    open_next(r, start_us, now, record_out->unix_ms);
    return true;
}

bool hwt_recorder_flush(struct hwt_recorder *r, const struct hwt_record_time *now,
                        struct hwt_record *record_out)
{
    bool any = false;

    for (size_t i = 0; i < r->columns; i++) {
        any = any || r->now[i].count > 0;
    }
    if (!r->started || !any || now->mono_us / 1000 <= r->start_us / 1000) {
        return false;
    }
    if (now->mono_us < r->end_us) {
        r->end_us = now->mono_us;
        r->end_ms = HWT_TIME_UNKNOWN;
    }
    fill_record(r, now, record_out);
    turn_over(r);
    open_next(r, r->end_us, now, record_out->unix_ms);
    return true;
}

/* --- readings --- */

static int find_column(struct hwt_recorder *r, const struct hwt_reading *in)
{
    for (unsigned k = 0; k < r->columns; k++) {
        unsigned i = r->hint + k < r->columns ? r->hint + k : r->hint + k - r->columns;

        if (r->column[i].source == in->source && r->column[i].quantity == in->quantity) {
            r->hint = (uint16_t)(i + 1 < r->columns ? i + 1 : 0);
            return (int)i;
        }
    }
    return -1;
}

static void set_live(struct hwt_recorder *r, int i, const struct hwt_reading *in)
{
    if (r->live[i].quality != HWT_QUALITY_MISSING && in->mono_us < r->live[i].at_us) {
        return;
    }
    r->live[i].value = in->value;
    r->live[i].at_us = in->mono_us;
    r->live[i].quality = in->quality;
}

static void add(struct hwt_recorder_sum *s, const struct hwt_reading *in, bool gauge)
{
    if (s->count == READINGS_MAX && gauge) {
        return;
    }
    s->sum += gauge ? in->value : 0;
    if (s->count == 0 || in->mono_us >= s->last_us) {
        s->last = in->value;
        s->last_us = in->mono_us;
    }
    s->count += s->count < READINGS_MAX ? 1 : 0;
    s->quality = in->quality > s->quality ? in->quality : s->quality;
}

bool hwt_recorder_put(struct hwt_recorder *r, const struct hwt_reading *reading)
{
    int i = find_column(r, reading);
    bool late;

    if (i < 0) {
        return true;
    }
    if (reading->quality >= HWT_QUALITY_COUNT ||
        (r->gauge[i] && (reading->value >= GAUGE_MAX || reading->value <= -GAUGE_MAX))) {
        r->refused++;
        return false;
    }
    set_live(r, i, reading);
    if (reading->quality == HWT_QUALITY_MISSING ||
        (!r->gauge[i] && reading->mono_us < r->live[i].at_us)) {
        return true; /* an older reading of a counter would take it back */
    }
    late = r->started && reading->mono_us > r->end_us;
    r->early = r->early || late;
    add(late ? &r->next[i] : &r->now[i], reading, r->gauge[i]);
    return true;
}

struct hwt_live hwt_recorder_live(const struct hwt_recorder *r, size_t column, int64_t now_us)
{
    struct hwt_live live = {.quality = HWT_QUALITY_MISSING};
    int64_t age_us;

    if (column >= r->columns || r->live[column].quality == HWT_QUALITY_MISSING) {
        return live;
    }
    age_us = now_us - r->live[column].at_us;
    if (age_us > r->column[column].max_age_us) {
        return live;
    }
    live.value = r->live[column].value;
    live.age_us = age_us > 0 ? age_us : 0;
    live.quality = r->live[column].quality;
    return live;
}

uint32_t hwt_recorder_refused(const struct hwt_recorder *r)
{
    return r->refused;
}

#include "daemon/http/direct.h"

#include <string.h>

#include "daemon/base/clock.h"

enum {
    SLICE_US = 4000, /* real us of reading at a time */
    LOOK_EACH = 16   /* records between two looks at the time */
};

bool direct_init(struct direct *d, const struct rows *rows)
{
    const struct plan *plan = rows->plan;
    int found;

    memset(d, 0, sizeof(*d));
    if (plan->cut != PLAN_CUT_FIXED || rows->origins != 1) {
        return false;
    }
    found = rows->origin[0].stream;
    d->walk = rows->stream[found].walk;
    d->first = rows->stream[found].first;
    d->first_bucket = (plan->from_ms - plan->origin_ms) / plan->step_ms;
    for (unsigned c = 0; c < plan->column_count; c++) {
        d->rises |= plan->column[c].fn == PLAN_DELTA;
    }
    return true;
}

/* The counters of the record before the first. UNSUPPORTED: it does not tell them all. */
static int look_before(struct direct *d, struct rows *rows, struct desk_cursor *c,
                       uint64_t sequence)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;
    int r;

    if (sequence == d->first) {
        return 0; /* nothing is known before the log's first record */
    }
    r = hwt_tslog_cursor_open(&c->cursor, rows->desk->snapshot, d->walk.stream, sequence - 1);
    if (r == 0) {
        r = hwt_tslog_cursor_next(&c->cursor, &schema, &record, &lost);
    }
    if (r != 1) {
        return r == 0 || r == HWT_ERR_LOST ? HWT_ERR_UNSUPPORTED : r;
    }
    desk_map(c, rows->plan, schema);
    for (unsigned i = 0; i < rows->plan->series_count; i++) {
        const struct hwt_value *v = c->column[i] < 0 ? NULL : &record->value[c->column[i]];

        if (record->unix_ms == HWT_TIME_UNKNOWN || v == NULL || v->quality == HWT_QUALITY_MISSING) {
            return HWT_ERR_UNSUPPORTED;
        }
        d->before[i].v = v->v;
        d->before[i].known = true;
    }
    d->walk.sequence = sequence; /* back to the first record */
    c->open = false;
    return 0;
}

/* As plan_value, for the one record of a bucket. */
static int64_t value_of(const struct plan *plan, unsigned column, int64_t v, int64_t delta,
                        uint32_t span_ms)
{
    switch ((enum plan_fn)plan->column[column].fn) {
    case PLAN_MEAN:
        if (v < INT64_MAX / 20 && v > INT64_MIN / 20) {
            return v * 10;
        }
        break;
    case PLAN_MIN:
    case PLAN_MAX:
    case PLAN_FIRST:
    case PLAN_LAST:
        return v;
    case PLAN_DELTA:
        return delta;
    case PLAN_MEASURED:
        return span_ms;
    case PLAN_INTEGRAL:
    case PLAN_VALUE:
    case PLAN_QUALITY:
        break;
    }
    return plan_value(plan, column,
                      &(struct hwt_bucket){.count = 1, .mean = (double)v, .measured_ms = span_ms});
}

static int64_t rise(struct direct *d, unsigned series, int64_t v)
{
    int64_t delta = 0;

    if (d->before[series].known && v > d->before[series].v &&
        __builtin_sub_overflow(v, d->before[series].v, &delta)) {
        delta = INT64_MAX;
    }
    d->before[series].v = v;
    d->before[series].known = true;
    return delta;
}

/* False: the bucket holds a record already. */
static bool put(struct direct *d, const struct rows *rows, struct table *table,
                const struct walk_record *at)
{
    const struct plan *plan = rows->plan;
    int64_t bucket = (at->start_ms - plan->origin_ms) / plan->step_ms - d->first_bucket;
    int64_t *cell = &table->values[bucket];
    int last = -1;
    int64_t delta = 0;

    for (unsigned c = 0; c < plan->column_count; c++, cell += plan->buckets) {
        unsigned series = plan->column[c].series;
        int column = at->at->column[series];
        const struct hwt_value *v = column < 0 ? NULL : &at->record->value[column];

        if (v == NULL || v->quality == HWT_QUALITY_MISSING) {
            continue;
        }
        if (*cell != PLAN_MISSING) {
            return false;
        }
        if (d->rises && (int)series != last) { /* a series' columns are neighbours */
            last = (int)series;
            delta = rise(d, series, v->v);
        }
        *cell = value_of(plan, c, v->v, delta, at->record->span_ms);
    }
    return true;
}

static int begin(struct direct *d, struct rows *rows, const struct walk_record *at)
{
    struct desk_cursor *c = desk_cursor(rows->desk, d->walk.stream);

    d->begun = true;
    d->expected = at->record->sequence;
    if (rows->plan->step_ms > at->record->span_ms) {
        return HWT_ERR_UNSUPPORTED;
    }
    return d->rises ? look_before(d, rows, c, at->record->sequence) : 0;
}

/* Nothing measured is 0 seconds, not missing. */
static void fill_measured(const struct plan *plan, struct table *table)
{
    for (unsigned c = 0; c < plan->column_count; c++) {
        int64_t *v = &table->values[(size_t)c * plan->buckets];

        for (uint32_t i = 0; plan->column[c].fn == PLAN_MEASURED && i < plan->buckets; i++) {
            v[i] = v[i] == PLAN_MISSING ? 0 : v[i];
        }
    }
}

int direct_read(struct direct *d, struct rows *rows, struct table *table)
{
    int64_t until = clock_real_us() + SLICE_US;

    (void)desk_take(rows->desk, rows);
    for (unsigned i = 1; i % LOOK_EACH != 0 || clock_real_us() < until; i++) {
        struct walk_record at;
        int r = walk_next(&d->walk, rows->desk, rows->plan, &at);

        if (r == HWT_ERR_AGAIN) {
            return 1;
        }
        if (r <= 0) {
            if (r == 0) {
                fill_measured(rows->plan, table);
            }
            return r;
        }
        if (!d->begun) {
            uint64_t sequence = at.record->sequence;

            r = begin(d, rows, &at);
            if (r < 0) {
                return r;
            }
            if (d->walk.sequence == sequence) {
                continue; /* it is read again */
            }
        }
        if (d->rises && at.record->sequence != d->expected) {
            return HWT_ERR_UNSUPPORTED; /* what was left out may hold a counter's rise */
        }
        d->expected = at.record->sequence + 1;
        if (!put(d, rows, table, &at)) {
            return HWT_ERR_UNSUPPORTED;
        }
    }
    return 1;
}

#include "daemon/http/direct.h"

#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/http/number.h"
#include "daemon/http/pages.h"
#include "daemon/http/text.h"

enum {
    SLICE_US = 4000, /* real us of reading at a time */
    LOOK_EACH = 16,  /* records between two looks at the time */
    TEXT_ROOM = 1024 /* bytes of JSON for a column beside its values, and for head and tail each */
};

static char *put_text(char *p, const char *text)
{
    size_t n = strlen(text);

    memcpy(p, text, n);
    return p + n;
}

/* Room for a column's values and for what comes between columns. */
static size_t column_room(const struct plan *plan)
{
    return (size_t)plan->buckets * (NUMBER_MAX + 1) + NUMBER_MAX;
}

static size_t rest_room(const struct plan *plan)
{
    return column_room(plan) + (size_t)TEXT_ROOM * (2 + plan->column_count);
}

static bool take_memory(struct direct *d, const struct plan *plan)
{
    size_t room = column_room(plan);

    d->bytes = plan->column_count * room + rest_room(plan);
    d->memory = pages_new(d->bytes, false);
    if (d->memory == NULL) {
        return false;
    }
    for (unsigned c = 0; c < plan->column_count; c++) {
        d->column[c].from = d->column[c].p = d->memory + c * room;
    }
    d->rest = d->memory + plan->column_count * room;
    return true;
}

/* A mean is printed with one place more than the values; of one value that place is 0. */
static uint8_t places(const struct plan_column *column)
{
    return (uint8_t)(column->digits - (column->fn == PLAN_MEAN ? 1u : 0u));
}

bool direct_init(struct direct *d, struct rows *rows)
{
    const struct plan *plan = rows->plan;
    const struct rows_stream *s = &rows->stream[rows->origin[0].stream];

    memset(d, 0, sizeof(*d));
    if (plan->cut != PLAN_CUT_FIXED || rows->origins != 1 ||
        plan->column_count > DIRECT_COLUMNS_MAX) {
        return false;
    }
    d->rows = rows;
    d->walk = s->walk;
    d->first = s->first;
    d->first_bucket = (plan->from_ms - plan->origin_ms) / plan->step_ms;
    for (unsigned c = 0; c < plan->column_count; c++) {
        const struct plan_column *column = &plan->column[c];
        bool own = column->fn <= PLAN_LAST; /* mean, min, max, first, last: of one value the same */

        d->rises |= column->fn == PLAN_DELTA;
        d->column[c].digits = places(column);
        d->column[c].plain =
            own && column->divisor == 1 && d->column[c].digits <= NUMBER_SMALL_DIGITS;
    }
    return take_memory(d, plan);
}

void direct_deinit(struct direct *d)
{
    pages_free(d->memory, d->bytes);
    d->memory = NULL;
}

/* The counters of the record before the first. UNSUPPORTED: it does not tell them all. */
static int look_before(struct direct *d, struct desk_cursor *c, uint64_t sequence)
{
    const struct rows *rows = d->rows;
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

/* As plan_value, for the one record of a bucket; but its mean is in counts, as it is whole. */
static int64_t value_of(const struct plan *plan, unsigned column, int64_t v, int64_t delta,
                        uint32_t span_ms)
{
    switch ((enum plan_fn)plan->column[column].fn) {
    case PLAN_MEAN:
        if (v < INT64_MAX / 20 && v > INT64_MIN / 20) {
            return v;
        }
        return PLAN_MISSING;
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

/* --- text --- */

/* Nothing in the buckets before `end`: null, but nothing measured is 0 seconds. */
static void put_nothing(struct direct_column *to, enum plan_fn fn, uint32_t end)
{
    for (; to->next < end; to->next++) {
        to->p = fn == PLAN_MEASURED ? put_text(to->p, "0,") : put_text(to->p, "null,");
        to->last_n = 0;
    }
}

static bool is_small(const struct direct_column *to, int64_t v)
{
    return to->plain && v >= -NUMBER_SMALL && v <= NUMBER_SMALL;
}

/* A value that is as the one before, as many are, is copied: NUMBER_MAX bytes at once, for which
 * there is room behind any value. */
static void put_value(struct direct_column *to, const struct plan_column *column, int64_t v)
{
    char *p = to->p;

    if (is_small(to, v)) { /* most are */
        p = number_put_small(p, (int32_t)v, to->digits);
        *p++ = ',';
        to->last_n = 0;
        to->p = p;
        return;
    }
    if (v == to->last_v && to->last_n > 0) {
        memmove(p, p - to->last_n, NUMBER_MAX);
        to->p = p + to->last_n;
        return;
    }
    p = v == PLAN_MISSING ? put_text(p, "null") : number_put(p, v, column->divisor, to->digits);
    *p++ = ',';
    to->last_n = (uint32_t)(p - to->p);
    to->last_v = v;
    to->p = p;
}

/* False: a bucket holds two records, or they go back in time. */
static bool put(struct direct *d, const struct walk_record *at)
{
    const struct plan *plan = d->rows->plan;
    uint32_t bucket =
        (uint32_t)((at->start_ms - plan->origin_ms) / plan->step_ms - d->first_bucket);
    int last = -1;
    int64_t delta = 0;

    for (unsigned c = 0; c < plan->column_count; c++) {
        const struct plan_column *column = &plan->column[c];
        struct direct_column *to = &d->column[c];
        int k = at->at->column[column->series];
        const struct hwt_value *v = k < 0 ? NULL : &at->record->value[k];

        if (v == NULL || v->quality == HWT_QUALITY_MISSING) {
            continue;
        }
        if (bucket < to->next) {
            return false;
        }
        if (d->rises && (int)column->series != last) { /* a series' columns are neighbours */
            last = (int)column->series;
            delta = rise(d, column->series, v->v);
        }
        if (to->next < bucket) {
            put_nothing(to, (enum plan_fn)column->fn, bucket);
        }
        put_value(to, column,
                  is_small(to, v->v) ? v->v : value_of(plan, c, v->v, delta, at->record->span_ms));
        to->next++;
    }
    return true;
}

static int begin(struct direct *d, const struct walk_record *at)
{
    struct desk_cursor *c = desk_cursor(d->rows->desk, d->walk.stream);

    d->begun = true;
    d->expected = at->record->sequence;
    if (d->rows->plan->step_ms > at->record->span_ms) {
        return HWT_ERR_UNSUPPORTED;
    }
    return d->rises ? look_before(d, c, at->record->sequence) : 0;
}

/* One record; the result as direct_read's, but 1 that there may be more. */
static int read_record(struct direct *d)
{
    struct walk_record at;
    int r = walk_next(&d->walk, d->rows->desk, d->rows->plan, &at);

    if (r != 1) {
        return r;
    }
    if (!d->begun) {
        uint64_t sequence = at.record->sequence;

        r = begin(d, &at);
        if (r < 0 || d->walk.sequence == sequence) { /* it is read again */
            return r < 0 ? r : 1;
        }
    }
    if (d->rises && at.record->sequence != d->expected) {
        return HWT_ERR_UNSUPPORTED; /* what was left out may hold a counter's rise */
    }
    d->expected = at.record->sequence + 1;
    return put(d, &at) ? 1 : HWT_ERR_UNSUPPORTED;
}

static void end_columns(struct direct *d)
{
    const struct plan *plan = d->rows->plan;

    for (unsigned c = 0; c < plan->column_count; c++) {
        put_nothing(&d->column[c], (enum plan_fn)plan->column[c].fn, plan->buckets);
        d->column[c].p[-1] = ']'; /* for the last comma */
    }
}

int direct_read(struct direct *d)
{
    int64_t until = clock_real_us() + SLICE_US;

    (void)desk_take(d->rows->desk, d->rows);
    for (unsigned i = 1; i % LOOK_EACH != 0 || clock_real_us() < until; i++) {
        int r = read_record(d);

        if (r == HWT_ERR_AGAIN) {
            return 1;
        }
        if (r == 0) {
            end_columns(d);
        }
        if (r <= 0) {
            return r;
        }
    }
    return 1;
}

size_t direct_pieces(struct direct *d, struct http_piece pieces_out[DIRECT_PIECES_MAX])
{
    const struct plan *plan = d->rows->plan;
    struct hwt_json j;
    size_t n = 0, sent = 0;

    hwt_json_init(&j, d->rest, rest_room(plan));
    hwt_json_object(&j, NULL);
    text_put_head(&j, plan);
    hwt_json_raw(&j, "time", "", 0);
    j.at = (size_t)(text_put_times(plan, d->rest + j.at) - d->rest);
    hwt_json_array(&j, "columns");
    for (unsigned c = 0; c < plan->column_count; c++) {
        const struct direct_column *column = &d->column[c];

        hwt_json_object(&j, NULL);
        text_put_column(&j, plan, c);
        hwt_json_raw(&j, "values", "[", 1);
        pieces_out[n++] = (struct http_piece){d->rest + sent, j.at - sent};
        pieces_out[n++] = (struct http_piece){column->from, (size_t)(column->p - column->from)};
        sent = j.at;
        hwt_json_end_object(&j);
    }
    hwt_json_end_array(&j);
    text_put_origins(&j, d->rows);
    hwt_json_end_object(&j);
    pieces_out[n++] = (struct http_piece){d->rest + sent, j.at - sent};
    return n;
}

/*
 * ours.c: the log, core/tslog on the files of daemon/store, without the daemon around it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engines/engine.h"
#include "core/base/quantity.h"
#include "core/tslog/tslog.h"
#include "daemon/store/log_dir.h"

enum { COMMIT_ROWS = 8640 }; /* of an import: as many as SQLite's transactions have */

struct ours {
    struct log_dir *dir;
    int stream;
    bool unrolled; /* questions are answered from records alone */
    struct hwt_schema schema;
    struct hwt_channel channel[YEAR_SERIES];
    int64_t counts[YEAR_SERIES]; /* of the log, for one of a row's number */
    struct hwt_tslog_snapshot snapshot;
    struct hwt_tslog_cursor cursor;
    struct hwt_tslog_buckets buckets;
};

/* Beside the own device's, which the log of every daemon has. */
static int make_stream(struct log_dir *dir, const char *stream)
{
    int own = hwt_tslog_stream(log_dir_tslog(dir), HWT_TSLOG_OWN, HWT_PROVENANCE_MEASURED);

    return own < 0 || strcmp(stream, HWT_TSLOG_OWN) == 0
               ? own
               : hwt_tslog_stream(log_dir_tslog(dir), stream, HWT_PROVENANCE_SIMULATED);
}

static struct ours *open_log(const char *dir, bool read_only, const char *stream)
{
    struct ours *o = calloc(1, sizeof(*o));
    char path[4096], why[512];

    snprintf(path, sizeof(path), "%s/log", dir);
    if (o == NULL || (o->dir = log_dir_open(path, read_only, why, sizeof(why))) == NULL) {
        die("%s", o == NULL ? "out of memory" : why);
    }
    o->stream = read_only ? log_dir_find(o->dir, stream) : make_stream(o->dir, stream);
    if (o->stream < 0) {
        die("%s: no stream '%s'", path, stream);
    }
    o->schema = (struct hwt_schema){.channel = o->channel, .count = YEAR_SERIES};
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        const struct hwt_quantity_info *info = hwt_quantity_get(year_series[c].quantity);

        strcpy(o->channel[c].id, year_series[c].id);
        o->channel[c].quantity = year_series[c].quantity;
        o->counts[c] = info->per_unit / (int64_t)data_scale(c);
    }
    return o;
}

static void close_log(void *e)
{
    struct ours *o = e;

    log_dir_close(o->dir);
    free(o);
}

/* The row `number` is the interval that begins at its instant. */
static void append_row(struct ours *o, const int32_t *row, size_t number)
{
    struct hwt_value value[YEAR_SERIES];
    int64_t end_ms = (YEAR_FROM_S + ((int64_t)number + 1) * YEAR_STEP_S) * 1000;
    struct hwt_record record = {.mono_us = end_ms * 1000,
                                .unix_ms = end_ms,
                                .span_ms = YEAR_STEP_S * 1000,
                                .clock = HWT_CLOCK_PLANT,
                                .count = YEAR_SERIES,
                                .value = value};
    uint64_t sequence;
    int err;

    for (size_t c = 0; c < YEAR_SERIES; c++) {
        value[c] = (struct hwt_value){.v = row[c] * o->counts[c], .quality = HWT_QUALITY_GOOD};
    }
    err = hwt_tslog_append(log_dir_tslog(o->dir), o->stream, &o->schema, &record, &sequence);
    if (err != 0) {
        die("append: %s", log_dir_explain(o->dir, err));
    }
}

static void commit(struct ours *o)
{
    int err = hwt_tslog_commit(log_dir_tslog(o->dir));

    if (err != 0) {
        die("commit: %s", log_dir_explain(o->dir, err));
    }
}

static void import(const char *dir, const struct data *d)
{
    struct ours *o = open_log(dir, false, "import_1");

    for (size_t r = 0; r < d->rows; r++) {
        append_row(o, d->row[r], r);
        if ((r + 1) % COMMIT_ROWS == 0) {
            commit(o);
        }
    }
    commit(o);
    close_log(o);
}

static void roll(const char *dir)
{
    struct ours *o = open_log(dir, false, "import_1");

    log_dir_roll(o->dir, true);
    close_log(o);
}

static void *open_read(const char *dir)
{
    struct ours *o = open_log(dir, true, "import_1");

    hwt_tslog_snapshot_copy(log_dir_snapshot(o->dir), &o->snapshot);
    return o;
}

static void *open_unrolled(const char *dir)
{
    struct ours *o = open_read(dir);

    o->unrolled = true;
    return o;
}

/* --- questions --- */

static int64_t row_ms(size_t row)
{
    return (YEAR_FROM_S + (int64_t)row * YEAR_STEP_S) * 1000;
}

static void ask(struct ours *o, const enum year_column *column, size_t n, size_t from, size_t to,
                int64_t step_ms, uint8_t fields)
{
    struct hwt_tslog_range range = {.from_ms = row_ms(from),
                                    .to_ms = row_ms(to),
                                    .step_ms = step_ms,
                                    .fields = fields,
                                    .unrolled = o->unrolled};
    const char *ids[Q5_SERIES];

    for (size_t i = 0; i < n; i++) {
        ids[i] = year_series[column[i]].id;
    }
    if (hwt_tslog_buckets_open(&o->buckets, &o->snapshot, ids, n, &range) != 0) {
        die("a question of ours is refused");
    }
}

static bool next(struct ours *o, struct hwt_bucket *b)
{
    int r = hwt_tslog_buckets_next(&o->buckets, b);

    if (r < 0) {
        die("a question of ours failed: %s", log_dir_explain(o->dir, r));
    }
    return r == 1;
}

static double unit(const struct ours *o, size_t column, double counts)
{
    return counts / (double)o->counts[column] / data_scale(column);
}

static void q1(void *e, const struct data *d, struct answer *a)
{
    static const enum year_column series = Q1_SERIES;
    struct ours *o = e;
    struct hwt_bucket b;

    ask(o, &series, 1, 0, d->rows, 3600 * 1000, HWT_BUCKET_MEAN);
    while (next(o, &b)) {
        answer_put(a, unit(o, series, b.mean));
    }
}

/* Record by record. */
static void q2(void *e, const struct data *d, struct answer *a)
{
    struct ours *o = e;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;

    if (hwt_tslog_cursor_seek(&o->cursor, &o->snapshot, o->stream, row_ms(data_q2_row(d))) != 0) {
        die("no cursor");
    }
    for (size_t i = 0; i < YEAR_SERIES * YEAR_ROWS_A_DAY; i++) {
        answer_put(a, 0);
    }
    for (size_t r = 0; r < YEAR_ROWS_A_DAY; r++) {
        if (hwt_tslog_cursor_next(&o->cursor, &schema, &record, &lost) != 1) {
            die("the log ends early");
        }
        for (size_t c = 0; c < YEAR_SERIES; c++) {
            a->v[c * YEAR_ROWS_A_DAY + r] = unit(o, c, (double)record->value[c].v);
        }
    }
}

static void q3(void *e, const struct data *d, struct answer *a)
{
    static const enum year_column series = Q3_SERIES;
    struct ours *o = e;
    struct hwt_bucket b;

    ask(o, &series, 1, YEAR_ROWS_A_DAY, d->rows, 86400 * 1000, HWT_BUCKET_DELTA);
    while (next(o, &b)) {
        answer_put(a, unit(o, series, (double)b.delta));
    }
}

static void q4(void *e, const struct data *d, struct answer *a)
{
    struct ours *o = e;
    struct hwt_stream_info info;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;

    (void)d;
    if (hwt_tslog_stream_info(&o->snapshot, o->stream, &info) != 0 ||
        hwt_tslog_cursor_open(&o->cursor, &o->snapshot, o->stream, info.last) != 0 ||
        hwt_tslog_cursor_next(&o->cursor, &schema, &record, &lost) != 1) {
        die("the last record cannot be read");
    }
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        answer_put(a, unit(o, c, (double)record->value[c].v));
    }
}

static void q5(void *e, const struct data *d, struct answer *a)
{
    struct ours *o = e;
    size_t parts = data_q5_parts(d);
    struct hwt_bucket b[Q5_SERIES];

    for (size_t i = 0; i < Q5_SERIES * 3 * parts; i++) {
        answer_put(a, 0);
    }
    ask(o, q5_series, Q5_SERIES, 0, d->rows, data_q5_step_ms(d),
        HWT_BUCKET_MEAN | HWT_BUCKET_MIN | HWT_BUCKET_MAX);
    for (size_t part = 0; part < parts && next(o, b); part++) {
        for (size_t s = 0; s < Q5_SERIES; s++) {
            double *v = a->v + s * 3 * parts + part;

            v[0] = unit(o, q5_series[s], b[s].mean);
            v[parts] = unit(o, q5_series[s], (double)b[s].min);
            v[2 * parts] = unit(o, q5_series[s], (double)b[s].max);
        }
    }
}

static double append(const char *dir, const struct data *d, size_t rows, bool durable)
{
    struct ours *o = open_log(dir, false, HWT_TSLOG_OWN);
    double began, took;

    append_row(o, d->row[0], 0); /* opens the stream's first block */
    commit(o);
    began = now_s();
    for (size_t r = 1; r <= rows; r++) {
        append_row(o, d->row[r], r);
        if (durable) {
            commit(o);
        }
    }
    took = now_s() - began;
    commit(o);
    close_log(o);
    return took;
}

const struct engine engine_ours = {.name = "ours",
                                   .import = import,
                                   .roll = roll,
                                   .open = open_read,
                                   .close = close_log,
                                   .query = {q1, q2, q3, q4, q5},
                                   .append = append};

/* The same log, to show what roll-ups are worth. */
const struct engine engine_ours_unrolled = {.name = "ours-unrolled",
                                            .open = open_unrolled,
                                            .close = close_log,
                                            .query = {q1, q2, q3, q4, q5}};

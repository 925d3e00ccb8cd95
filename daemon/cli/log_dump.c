#include "daemon/cli/log_dump.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fixed.h"
#include "core/base/quantity.h"

enum { COLUMNS_MAX = 1024 };

struct dump {
    const struct hwt_tslog_snapshot *snapshot;
    int stream;
    int64_t from_ms, to_ms;
    FILE *out, *errors;
    uint64_t lost, untimed;
    size_t columns;
    struct hwt_channel column[COLUMNS_MAX];
    int16_t place[COLUMNS_MAX]; /* in the schema at hand; -1: not there */
    struct hwt_tslog_cursor cursor;
};

static int open_cursor(struct dump *d)
{
    struct hwt_stream_info info;
    int err = hwt_tslog_stream_info(d->snapshot, d->stream, &info);

    if (err != 0) {
        return err;
    }
    d->lost = d->untimed = 0;
    return hwt_tslog_cursor_open(&d->cursor, d->snapshot, d->stream,
                                 info.first > info.last ? info.last + 1 : info.first);
}

/* The next record of the range: 1; 0: the end; IO. */
static int next(struct dump *d, const struct hwt_schema **schema, const struct hwt_record **record)
{
    for (;;) {
        uint64_t lost;
        int got = hwt_tslog_cursor_next(&d->cursor, schema, record, &lost);

        if (got == HWT_ERR_LOST) {
            d->lost += lost;
            continue;
        }
        if (got != 1) {
            return got;
        }
        if ((*record)->unix_ms == HWT_TIME_UNKNOWN) {
            d->untimed++;
        } else if ((*record)->unix_ms - (*record)->span_ms >= d->from_ms &&
                   (*record)->unix_ms - (*record)->span_ms < d->to_ms) {
            return 1;
        }
    }
}

static size_t find_column(const struct dump *d, const char *id)
{
    size_t i = 0;

    while (i < d->columns && strcmp(d->column[i].id, id) != 0) {
        i++;
    }
    return i;
}

static void add_columns(struct dump *d, const struct hwt_schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (i < d->columns && strcmp(d->column[i].id, schema->channel[i].id) == 0) {
            continue; /* as a rule */
        }
        if (find_column(d, schema->channel[i].id) == d->columns && d->columns < COLUMNS_MAX) {
            d->column[d->columns++] = schema->channel[i];
        }
    }
}

/* Where the columns are in this schema. It is the cursor's memory: its ids tell whether it changed.
 */
static void place_columns(struct dump *d, const struct hwt_schema *schema)
{
    for (size_t i = 0; i < d->columns; i++) {
        int16_t p = d->place[i];

        if (p >= 0 && p < schema->count && strcmp(schema->channel[p].id, d->column[i].id) == 0) {
            continue;
        }
        d->place[i] = -1;
        for (size_t k = 0; k < schema->count && d->place[i] < 0; k++) {
            if (strcmp(schema->channel[k].id, d->column[i].id) == 0) {
                d->place[i] = (int16_t)k;
            }
        }
    }
}

/* counts / per_unit with all digits the counts carry, no trailing zeros. */
static void print_value(FILE *out, int64_t counts, int64_t per_unit)
{
    uint64_t magnitude = counts < 0 ? 0 - (uint64_t)counts : (uint64_t)counts;
    uint64_t whole = magnitude / (uint64_t)per_unit, rest = magnitude % (uint64_t)per_unit;
    int digits = per_unit == 1 ? 0 : per_unit > 1000 ? 7 : 3;
    uint64_t scale = (uint64_t)hwt_pow10(digits);
    uint64_t fraction = (rest * scale + (uint64_t)per_unit / 2) / (uint64_t)per_unit;

    if (fraction == scale) {
        whole++;
        fraction = 0;
    }
    fprintf(out, "%s%llu", counts < 0 && (whole > 0 || fraction > 0) ? "-" : "",
            (unsigned long long)whole);
    if (fraction == 0) {
        return;
    }
    while (fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    fprintf(out, ".%0*llu", digits, (unsigned long long)fraction);
}

static void print_row(struct dump *d, const struct hwt_record *record)
{
    fprintf(d->out, "%lld", (long long)record->unix_ms);
    for (size_t i = 0; i < d->columns; i++) {
        int16_t p = d->place[i];

        putc(',', d->out);
        if (p >= 0 && record->value[p].quality != HWT_QUALITY_MISSING) {
            const struct hwt_quantity_info *q = hwt_quantity_get(d->column[i].quantity);

            print_value(d->out, record->value[p].v, q != NULL ? q->per_unit : 1);
        }
    }
    putc('\n', d->out);
}

static int run(struct dump *d)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    int got, err = open_cursor(d);

    while (err == 0 && (got = next(d, &schema, &record)) != 0) { /* first the columns */
        err = got < 0 ? got : 0;
        if (got == 1) {
            add_columns(d, schema);
        }
    }
    if (err != 0) {
        return err;
    }
    fputs("time", d->out);
    for (size_t i = 0; i < d->columns; i++) {
        fprintf(d->out, ",%s", d->column[i].id);
    }
    putc('\n', d->out);
    err = open_cursor(d);
    while (err == 0 && (got = next(d, &schema, &record)) != 0) {
        err = got < 0 ? got : 0;
        if (got == 1) {
            place_columns(d, schema);
            print_row(d, record);
        }
    }
    return err;
}

int log_dump(const struct hwt_tslog_snapshot *snapshot, int stream, int64_t from_ms, int64_t to_ms,
             FILE *out, FILE *errors)
{
    struct dump *d = calloc(1, sizeof(*d));
    int err;

    if (d == NULL) {
        fputs("out of memory\n", errors);
        return 1;
    }
    d->snapshot = snapshot;
    d->stream = stream;
    d->from_ms = from_ms;
    d->to_ms = to_ms;
    d->out = out;
    d->errors = errors;
    err = run(d);
    if (err != 0) {
        fprintf(errors, "heatwatt log: the log cannot be read: %s\n", hwt_err_name(err));
    } else if (fflush(out) != 0) {
        fputs("heatwatt log: the output cannot be written\n", errors);
        err = HWT_ERR_IO;
    }
    if (d->lost > 0 || d->untimed > 0) {
        fprintf(errors, "heatwatt log: %llu records lost, %llu without wall time left out\n",
                (unsigned long long)d->lost, (unsigned long long)d->untimed);
    }
    free(d);
    return err == 0 ? 0 : 1;
}

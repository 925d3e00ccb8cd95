#include "daemon/run/calibration_blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"

#define MS_PER_HOUR   3.6e6
#define BLOCK_MIN_MS  30000
#define STEPS_A_BLOCK 2
#define JOIN_MS       1500 /* records whose times fit so well follow each other */

enum { BLOCKS_ENOUGH = 16 };

/* Energies at an instant, Wh since the run began. */
struct point {
    int64_t ms;
    double x[CALIBRATION_CIRCUITS_MAX];
    double q, y;
};

struct reader {
    const struct calibration_series *series;
    struct calibration_blocks *to;
    struct hwt_tslog_cursor cursor;
    const struct hwt_schema *schema;         /* of the columns below */
    int column[CALIBRATION_CIRCUITS_MAX][4]; /* plus, minus, power, reactive; -1: none */
    int against[4];
    struct point end;                              /* of the record before */
    struct point block;                            /* where the open block began */
    double last[CALIBRATION_CIRCUITS_MAX], last_y; /* counters, Wh; y of the newest reading */
    uint32_t boot;
    bool joined, open; /* there is a record before; a block */
    bool in_run;
};

/* --- a record's values --- */

/* `guess` is where it was in the record before: mostly it still is. */
static int find_column(const struct hwt_schema *schema, const char *id, int guess)
{
    if (guess >= 0 && guess < schema->count && strcmp(schema->channel[guess].id, id) == 0) {
        return guess;
    }
    for (int i = 0; id[0] != '\0' && i < schema->count; i++) {
        if (strcmp(schema->channel[i].id, id) == 0) {
            return i;
        }
    }
    return -1;
}

static void find_energy(const struct hwt_schema *schema, const struct calibration_energy *e,
                        int column[4])
{
    column[0] = find_column(schema, e->plus, column[0]);
    column[1] = find_column(schema, e->minus, column[1]);
    column[2] = find_column(schema, e->power, column[2]);
    column[3] = find_column(schema, e->reactive, column[3]);
}

static void find_columns(struct reader *rd, const struct hwt_schema *schema)
{
    rd->schema = schema;
    for (unsigned i = 0; i < rd->series->count; i++) {
        find_energy(schema, &rd->series->what[i], rd->column[i]);
    }
    find_energy(schema, &rd->series->against, rd->against);
}

static bool value_of(const struct reader *rd, const struct hwt_record *r, int column, double *out,
                     uint32_t *age_ms_out)
{
    const struct hwt_value *v = column < 0 ? NULL : &r->value[column];

    if (v == NULL || v->quality == HWT_QUALITY_MISSING) {
        return false;
    }
    *out = (double)v->v / (double)hwt_quantity_get(rd->schema->channel[column].quantity)->per_unit;
    *age_ms_out = v->age_ms;
    return true;
}

/* Counters, Wh, plus less minus. False: missing. */
static bool counter_of(const struct reader *rd, const struct hwt_record *r, const int column[4],
                       double *out, uint32_t *age_ms_out)
{
    double minus = 0;
    uint32_t age;

    if (!value_of(rd, r, column[0], out, age_ms_out) ||
        (column[1] >= 0 && !value_of(rd, r, column[1], &minus, &age))) {
        return false;
    }
    *out -= minus;
    return true;
}

/* --- blocks --- */

static void end_run(struct reader *rd)
{
    rd->joined = rd->open = rd->in_run = false;
}

/* Two blocks become one: there were more than fit. A run's odd one joins the last two. */
static void coarsen(struct calibration_blocks *b)
{
    unsigned width = b->series->count + 3, from = 0, to = 0;

    for (unsigned r = 0; r < b->runs; r++) {
        unsigned n = b->run[r], pairs = n > 1 ? n / 2 : n;

        for (unsigned k = 0; k < n; k++) {
            unsigned at = to + (k / 2 < pairs ? k / 2 : pairs - 1);

            for (unsigned c = 0; c < width; c++) {
                bool begins = k % 2 == 0 && k / 2 < pairs;

                b->row[at][c] = b->row[from + k][c] + (begins ? 0 : b->row[at][c]);
            }
        }
        from += n;
        to += pairs;
        b->run[r] = (uint16_t)pairs;
    }
    b->rows = to;
    b->block_ms *= 2;
}

static void add_row(struct reader *rd, const struct point *a, const struct point *b)
{
    double *row = rd->to->row[rd->to->rows];
    unsigned n = rd->series->count;

    if (!rd->in_run) {
        if (rd->to->runs == HWT_FIT_RUNS_MAX) {
            return;
        }
        rd->to->run[rd->to->runs++] = 0;
        rd->in_run = true;
    }
    for (unsigned i = 0; i < n; i++) {
        row[i] = (b->x[i] - a->x[i]) * (rd->series->what[i].negative ? -1 : 1);
    }
    row[n] = b->q - a->q;
    row[n + 1] = (double)(b->ms - a->ms) / MS_PER_HOUR;
    row[n + 2] = b->y - a->y;
    rd->to->run[rd->to->runs - 1]++;
    rd->to->rows++;
}

/* What was compared with was read at this instant. */
static void take_instant(struct reader *rd, const struct point *at)
{
    if (!rd->open) {
        rd->block = *at;
        rd->open = true;
    } else if (at->ms - rd->block.ms >= rd->to->block_ms) {
        if (rd->to->rows == CALIBRATION_BLOCKS_MAX) {
            coarsen(rd->to);
        }
        add_row(rd, &rd->block, at);
        rd->block = *at;
    }
}

/* Between two ends of records: energies rise evenly. */
static struct point between(const struct reader *rd, const struct point *a, const struct point *b,
                            int64_t ms)
{
    double part = (double)(ms - a->ms) / (double)(b->ms - a->ms);
    struct point at = {.ms = ms, .q = a->q + part * (b->q - a->q)};

    for (unsigned i = 0; i < rd->series->count; i++) {
        at.x[i] = a->x[i] + part * (b->x[i] - a->x[i]);
    }
    return at;
}

/* Energies at the end of a record, from those before it. False: one is missing. */
static bool advance(struct reader *rd, const struct hwt_record *r, struct point *now)
{
    double hours = r->span_ms / MS_PER_HOUR, v;
    uint32_t age;

    *now = rd->end;
    now->ms = r->unix_ms;
    for (unsigned i = 0; i < rd->series->count; i++) {
        if (!counter_of(rd, r, rd->column[i], &v, &age)) {
            return false;
        }
        now->x[i] += rd->joined ? v - rd->last[i] : 0;
        rd->last[i] = v;
    }
    if (rd->column[0][3] >= 0) {
        if (!value_of(rd, r, rd->column[0][3], &v, &age)) {
            return false;
        }
        now->q += v * hours;
    }
    return true;
}

static void take_meter(struct reader *rd, const struct hwt_record *r, struct point *now)
{
    double v;
    uint32_t age = 0;
    int64_t ms;

    if (rd->against[2] >= 0) { /* a power: its mean over the record */
        if (!value_of(rd, r, rd->against[2], &v, &age)) {
            end_run(rd);
            return;
        }
        now->y += v * r->span_ms / MS_PER_HOUR;
        take_instant(rd, now);
        return;
    }
    if (!counter_of(rd, r, rd->against, &v, &age)) {
        return;
    }
    ms = r->unix_ms - age;
    if (ms > rd->end.ms) { /* read in this record, not carried on */
        struct point at = between(rd, &rd->end, now, ms);

        if (rd->open && v < rd->last_y && rd->series->against.minus[0] == '\0') {
            end_run(rd); /* another register */
            return;
        }
        at.y = v;
        rd->last_y = v;
        take_instant(rd, &at);
    }
}

static void take_record(struct reader *rd, const struct hwt_record *r)
{
    int64_t off_ms = r->unix_ms == HWT_TIME_UNKNOWN || !rd->joined
                         ? 0
                         : r->unix_ms - (int64_t)r->span_ms - rd->end.ms;
    struct point now;

    if (r->unix_ms == HWT_TIME_UNKNOWN || r->boot != rd->boot || off_ms > JOIN_MS ||
        off_ms < -JOIN_MS) {
        end_run(rd);
    }
    rd->boot = r->boot;
    if (r->unix_ms == HWT_TIME_UNKNOWN || !advance(rd, r, &now)) {
        end_run(rd);
        return;
    }
    if (rd->joined && now.ms > rd->end.ms) {
        take_meter(rd, r, &now);
    }
    rd->end = now;
    rd->joined = true;
}

static void read_records(struct reader *rd)
{
    const struct calibration_series *s = rd->series;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;
    int r = hwt_tslog_cursor_seek(&rd->cursor, s->snapshot, 0, s->from_ms);

    while (r >= 0) {
        r = hwt_tslog_cursor_next(&rd->cursor, &schema, &record, &lost);
        if (r == HWT_ERR_LOST) {
            end_run(rd);
            r = 0;
            continue;
        }
        if (r != 1 || (record->unix_ms != HWT_TIME_UNKNOWN && record->unix_ms > s->to_ms)) {
            return;
        }
        find_columns(rd, schema); /* the schema's place may be the same and its columns others */
        if (record->sequence >= s->first) {
            take_record(rd, record);
        }
    }
}

bool calibration_blocks_read(const struct calibration_series *series,
                             struct calibration_blocks *out)
{
    struct reader *rd = calloc(1, sizeof(*rd));

    if (rd == NULL) {
        return false;
    }
    rd->series = out->series = series;
    rd->to = out;
    out->rows = out->runs = 0;
    out->block_ms = BLOCK_MIN_MS;
    read_records(rd);
    free(rd);
    return true;
}

void calibration_blocks_fit_to_steps(struct calibration_blocks *b)
{
    unsigned y = b->series->count + 2;
    double step = 0, sum = 0;

    for (unsigned k = 0; k < b->rows; k++) {
        double rise = fabs(b->row[k][y]);

        sum += rise;
        step = rise > 0 && (!(step > 0) || rise < step) ? rise : step;
    }
    while (b->series->against.power[0] == '\0' && b->rows >= 2 * BLOCKS_ENOUGH &&
           sum < STEPS_A_BLOCK * step * b->rows) {
        coarsen(b);
    }
}

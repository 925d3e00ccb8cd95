#include "daemon/run/calibration_log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"

/* A gain that is known no better than this is of no use. */
#define GAIN_USEFUL   0.02
#define GAIN_FINE     0.01
#define PHASE_FINE    0.5   /* degrees */
#define SHARE_LEAST   0.002 /* a circuit below this part of the main's energy tells nothing */
#define MS_PER_HOUR   3.6e6
#define MJ_PER_WH     3.6e6
#define BLOCK_MIN_MS  30000
#define STEPS_A_BLOCK 2
#define JOIN_MS       1500 /* records whose times fit so well follow each other */

enum { BLOCKS_MAX = 900, BLOCKS_ENOUGH = 16, COLUMNS = CALIBRATION_CIRCUITS_MAX + 2 };

/* Energies at an instant, Wh since the run began. */
struct point {
    int64_t ms;
    double x[CALIBRATION_CIRCUITS_MAX];
    double q, y;
};

struct work {
    const struct calibration_series *series;
    struct hwt_tslog_cursor cursor;
    const struct hwt_schema *schema;         /* of the columns below */
    int column[CALIBRATION_CIRCUITS_MAX][4]; /* plus, minus, power, reactive; -1: none */
    int against[4];
    struct point end;                              /* of the record before */
    struct point block;                            /* where the open block began */
    double last[CALIBRATION_CIRCUITS_MAX], last_y; /* counters, Wh; y of the newest reading */
    uint32_t boot;
    bool joined, open; /* there is a record before; a block */
    int64_t block_ms;
    double row[BLOCKS_MAX][COLUMNS + 1]; /* x..., q, hours, y: master copy */
    uint16_t run[HWT_FIT_RUNS_MAX];
    unsigned rows, runs;
    bool in_run;
    double fit_row[BLOCKS_MAX * (COLUMNS + 1)], fit_work[BLOCKS_MAX * (COLUMNS + 3)];
    uint16_t fit_run[HWT_FIT_RUNS_MAX];
};

/* --- a record's values --- */

static int find_column(const struct hwt_schema *schema, const char *id)
{
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
    column[0] = find_column(schema, e->plus);
    column[1] = find_column(schema, e->minus);
    column[2] = find_column(schema, e->power);
    column[3] = find_column(schema, e->reactive);
}

static void find_columns(struct work *w, const struct hwt_schema *schema)
{
    w->schema = schema;
    for (unsigned i = 0; i < w->series->count; i++) {
        find_energy(schema, &w->series->what[i], w->column[i]);
    }
    find_energy(schema, &w->series->against, w->against);
}

static bool value_of(const struct work *w, const struct hwt_record *r, int column, double *out,
                     uint32_t *age_ms_out)
{
    const struct hwt_value *v = column < 0 ? NULL : &r->value[column];

    if (v == NULL || v->quality == HWT_QUALITY_MISSING) {
        return false;
    }
    *out = (double)v->v / (double)hwt_quantity_get(w->schema->channel[column].quantity)->per_unit;
    *age_ms_out = v->age_ms;
    return true;
}

/* Counters, Wh, plus less minus. False: missing. */
static bool counter_of(const struct work *w, const struct hwt_record *r, const int column[4],
                       double *out, uint32_t *age_ms_out)
{
    double minus = 0;
    uint32_t age;

    if (!value_of(w, r, column[0], out, age_ms_out) ||
        (column[1] >= 0 && !value_of(w, r, column[1], &minus, &age))) {
        return false;
    }
    *out -= minus;
    return true;
}

/* --- blocks --- */

static void end_run(struct work *w)
{
    w->joined = w->open = w->in_run = false;
}

/* Two blocks become one: there were more than fit. A run's odd one joins the last two. */
static void coarsen(struct work *w)
{
    unsigned width = w->series->count + 3, from = 0, to = 0;

    for (unsigned r = 0; r < w->runs; r++) {
        unsigned n = w->run[r], pairs = n > 1 ? n / 2 : n;

        for (unsigned k = 0; k < n; k++) {
            unsigned at = to + (k / 2 < pairs ? k / 2 : pairs - 1);

            for (unsigned c = 0; c < width; c++) {
                bool begins = k % 2 == 0 && k / 2 < pairs;

                w->row[at][c] = w->row[from + k][c] + (begins ? 0 : w->row[at][c]);
            }
        }
        from += n;
        to += pairs;
        w->run[r] = (uint16_t)pairs;
    }
    w->rows = to;
    w->block_ms *= 2;
}

static void add_row(struct work *w, const struct point *a, const struct point *b)
{
    double *row = w->row[w->rows];
    unsigned n = w->series->count;

    if (!w->in_run) {
        if (w->runs == HWT_FIT_RUNS_MAX) {
            return;
        }
        w->run[w->runs++] = 0;
        w->in_run = true;
    }
    for (unsigned i = 0; i < n; i++) {
        row[i] = (b->x[i] - a->x[i]) * (w->series->what[i].negative ? -1 : 1);
    }
    row[n] = b->q - a->q;
    row[n + 1] = (double)(b->ms - a->ms) / MS_PER_HOUR;
    row[n + 2] = b->y - a->y;
    w->run[w->runs - 1]++;
    w->rows++;
}

/* What was compared with was read at this instant. */
static void take_instant(struct work *w, const struct point *at)
{
    if (!w->open) {
        w->block = *at;
        w->open = true;
    } else if (at->ms - w->block.ms >= w->block_ms) {
        if (w->rows == BLOCKS_MAX) {
            coarsen(w);
        }
        add_row(w, &w->block, at);
        w->block = *at;
    }
}

/* Between two ends of records: energies rise evenly. */
static struct point between(const struct work *w, const struct point *a, const struct point *b,
                            int64_t ms)
{
    double part = (double)(ms - a->ms) / (double)(b->ms - a->ms);
    struct point at = {.ms = ms, .q = a->q + part * (b->q - a->q)};

    for (unsigned i = 0; i < w->series->count; i++) {
        at.x[i] = a->x[i] + part * (b->x[i] - a->x[i]);
    }
    return at;
}

/* Energies at the end of a record, from those before it. False: one is missing. */
static bool advance(struct work *w, const struct hwt_record *r, struct point *now)
{
    double hours = r->span_ms / MS_PER_HOUR, v;
    uint32_t age;

    *now = w->end;
    now->ms = r->unix_ms;
    for (unsigned i = 0; i < w->series->count; i++) {
        if (!counter_of(w, r, w->column[i], &v, &age)) {
            return false;
        }
        now->x[i] += w->joined ? v - w->last[i] : 0;
        w->last[i] = v;
    }
    if (w->column[0][3] >= 0) {
        if (!value_of(w, r, w->column[0][3], &v, &age)) {
            return false;
        }
        now->q += v * hours;
    }
    return true;
}

static void take_meter(struct work *w, const struct hwt_record *r, struct point *now)
{
    double v;
    uint32_t age = 0;
    int64_t ms;

    if (w->against[2] >= 0) { /* a power: its mean over the record */
        if (!value_of(w, r, w->against[2], &v, &age)) {
            end_run(w);
            return;
        }
        now->y += v * r->span_ms / MS_PER_HOUR;
        take_instant(w, now);
        return;
    }
    if (!counter_of(w, r, w->against, &v, &age)) {
        return;
    }
    ms = r->unix_ms - age;
    if (ms > w->end.ms) { /* read in this record, not carried on */
        struct point at = between(w, &w->end, now, ms);

        if (w->open && v < w->last_y && w->series->against.minus[0] == '\0') {
            end_run(w); /* another register */
            return;
        }
        at.y = v;
        w->last_y = v;
        take_instant(w, &at);
    }
}

static void take_record(struct work *w, const struct hwt_record *r)
{
    int64_t off_ms = r->unix_ms == HWT_TIME_UNKNOWN || !w->joined
                         ? 0
                         : r->unix_ms - (int64_t)r->span_ms - w->end.ms;
    struct point now;

    if (r->unix_ms == HWT_TIME_UNKNOWN || r->boot != w->boot || off_ms > JOIN_MS ||
        off_ms < -JOIN_MS) {
        end_run(w);
    }
    w->boot = r->boot;
    if (r->unix_ms == HWT_TIME_UNKNOWN || !advance(w, r, &now)) {
        end_run(w);
        return;
    }
    if (w->joined && now.ms > w->end.ms) {
        take_meter(w, r, &now);
    }
    w->end = now;
    w->joined = true;
}

/* All records of the range into rows. */
static void read_records(struct work *w)
{
    const struct calibration_series *s = w->series;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;
    int r = hwt_tslog_cursor_seek(&w->cursor, s->snapshot, 0, s->from_ms);

    while (r >= 0) {
        r = hwt_tslog_cursor_next(&w->cursor, &schema, &record, &lost);
        if (r == HWT_ERR_LOST) {
            end_run(w);
            r = 0;
            continue;
        }
        if (r != 1 || (record->unix_ms != HWT_TIME_UNKNOWN && record->unix_ms > s->to_ms)) {
            return;
        }
        find_columns(w, schema); /* the schema's place may be the same and its columns others */
        if (record->sequence >= s->first) {
            take_record(w, record);
        }
    }
}

/*
 * A register's error is of each instant by itself only if it has stepped since the instant before:
 * blocks become as long as two steps, as long as enough of them are left.
 */
static void fit_blocks_to_steps(struct work *w)
{
    unsigned y = w->series->count + 2;
    double step = 0, sum = 0;

    for (unsigned k = 0; k < w->rows; k++) {
        double rise = fabs(w->row[k][y]);

        sum += rise;
        step = rise > 0 && (!(step > 0) || rise < step) ? rise : step;
    }
    while (w->series->against.power[0] == '\0' && w->rows >= 2 * BLOCKS_ENOUGH &&
           sum < STEPS_A_BLOCK * step * w->rows) {
        coarsen(w);
    }
}

static struct work *work_new(const struct calibration_series *s)
{
    struct work *w = calloc(1, sizeof(*w));
    if (w != NULL) {
        w->series = s;
        w->block_ms = BLOCK_MIN_MS;
    }
    return w;
}

/* --- fits --- */

enum { USE_Q = 1, USE_OFFSET = 2 };

/* With these columns beside those of the energies. */
static int solve(struct work *w, unsigned use, const bool *left_out, struct hwt_fit_result *out)
{
    unsigned n = w->series->count, columns = 0;
    struct hwt_fit fit = {.row = w->fit_row,
                          .work = w->fit_work,
                          .run = w->fit_run,
                          .rows = (uint16_t)w->rows,
                          .runs = (uint16_t)w->runs};

    for (unsigned i = 0; i < n; i++) {
        columns += left_out == NULL || !left_out[i];
    }
    columns += (use & USE_Q) != 0 ? 1U : 0U;
    columns += (use & USE_OFFSET) != 0 ? 1U : 0U;
    fit.columns = (uint8_t)columns;
    memcpy(w->fit_run, w->run, sizeof(w->fit_run));
    for (unsigned k = 0; k < w->rows; k++) {
        double *to = &w->fit_row[(size_t)k * (columns + 1)];
        unsigned c = 0;

        for (unsigned i = 0; i < n; i++) {
            if (left_out == NULL || !left_out[i]) {
                to[c++] = w->row[k][i];
            }
        }
        if (use & USE_Q) {
            to[c++] = w->row[k][n];
        }
        if (use & USE_OFFSET) {
            to[c++] = w->row[k][n + 1];
        }
        to[c] = w->row[k][n + 2];
    }
    return hwt_fit_solve(&fit, out);
}

static void sum_up(const struct work *w, struct calibration_result *out)
{
    unsigned n = w->series->count;

    memset(out, 0, sizeof(*out));
    out->blocks = w->rows;
    out->from_ms = w->series->from_ms;
    out->to_ms = w->series->to_ms;
    for (unsigned k = 0; k < w->rows; k++) {
        out->hours += w->row[k][n + 1];
        out->wh += w->row[k][n + 2];
    }
}

static bool enough(const struct work *w, unsigned columns, struct calibration_result *out)
{
    unsigned needed = columns + HWT_FIT_ROWS_MIN;

    if (w->rows < needed) {
        snprintf(out->refusal, sizeof(out->refusal),
                 "the log has %u blocks of %lld s in which both were measured; at least %u are "
                 "needed: wait, or go further back with from",
                 w->rows, (long long)(w->block_ms / 1000), needed);
        return false;
    }
    return true;
}

static bool useful(struct calibration_result *out, double half)
{
    if (!(half <= GAIN_USEFUL)) {
        snprintf(out->refusal, sizeof(out->refusal),
                 "%u blocks over %.1f h and %.0f Wh tell the gain to +-%.1f %% only; at least %.0f "
                 "%% is needed: wait for more energy, of a load that comes and goes",
                 out->blocks, out->hours, out->wh, half * 100, GAIN_USEFUL * 100);
        return false;
    }
    return true;
}

void calibration_against_meter(const struct calibration_series *series,
                               struct calibration_result *out)
{
    static const unsigned tries[] = {USE_Q | USE_OFFSET, USE_Q, USE_OFFSET, 0};
    struct work *w = work_new(series);
    struct hwt_fit_result fit;
    bool found = false, q = series->what[0].reactive[0] != '\0';

    if (w == NULL) {
        memset(out, 0, sizeof(*out));
        snprintf(out->refusal, sizeof(out->refusal), "out of memory");
        return;
    }
    read_records(w);
    fit_blocks_to_steps(w);
    sum_up(w, out);
    for (unsigned k = q ? 0 : 2; k < 4 && enough(w, 3, out) && !found; k++) {
        bool with_phase = (tries[k] & USE_Q) != 0, offset = (tries[k] & USE_OFFSET) != 0;

        if (solve(w, tries[k], NULL, &fit) != 0 ||
            hwt_fit_clamp(&fit, with_phase, &out->gain[0], &out->phase_deg) != 0) {
            continue;
        }
        found = k == 3 || (out->gain[0].half <= GAIN_FINE * out->gain[0].value &&
                           (!with_phase || out->phase_deg.half <= PHASE_FINE));
        out->has_phase = with_phase;
        out->has_offset = offset;
        out->left_out = fit.left_out;
        if (offset) {
            unsigned at = with_phase ? 2 : 1;

            out->offset_w = (struct hwt_found){fit.value[at], fit.half[at]};
        }
    }
    if (out->refusal[0] == '\0' && !found) {
        snprintf(out->refusal, sizeof(out->refusal),
                 "%u blocks over %.1f h and %.0f Wh tell no gain between 0.5 and 2: is it the same "
                 "circuit, and the clamp the right way round?",
                 out->blocks, out->hours, out->wh);
    }
    out->known[0] = out->refusal[0] == '\0' && useful(out, out->gain[0].half / out->gain[0].value);
    free(w);
}

/* Circuits with too little energy would take any gain. Returns how many are left. */
static unsigned leave_out(const struct work *w, bool *left_out)
{
    unsigned n = w->series->count, kept = 0;
    double main_wh = 0;

    for (unsigned k = 0; k < w->rows; k++) {
        main_wh += fabs(w->row[k][n + 2]);
    }
    for (unsigned i = 0; i < n; i++) {
        double wh = 0;

        for (unsigned k = 0; k < w->rows; k++) {
            wh += fabs(w->row[k][i]);
        }
        left_out[i] = wh < SHARE_LEAST * main_wh || !(wh > 0);
        kept += !left_out[i];
    }
    return kept;
}

void calibration_against_main(const struct calibration_series *series,
                              struct calibration_result *out)
{
    struct work *w = work_new(series);
    struct hwt_fit_result fit;
    bool left_out[CALIBRATION_CIRCUITS_MAX], any = false;
    unsigned kept, column = 0;

    if (w == NULL) {
        memset(out, 0, sizeof(*out));
        snprintf(out->refusal, sizeof(out->refusal), "out of memory");
        return;
    }
    read_records(w);
    sum_up(w, out);
    kept = leave_out(w, left_out);
    if (enough(w, kept + 1, out) && (kept == 0 || solve(w, USE_OFFSET, left_out, &fit) != 0)) {
        snprintf(
            out->refusal, sizeof(out->refusal),
            "%u blocks over %.1f h do not tell the circuits apart: wait until they were on and "
            "off by turns",
            out->blocks, out->hours);
    }
    for (unsigned i = 0; i < series->count && out->refusal[0] == '\0'; i++) {
        if (!left_out[i]) {
            out->gain[i] = (struct hwt_found){fit.value[column], fit.half[column]};
            out->known[i] = fit.value[column] > 0.5 && fit.value[column] < 2 &&
                            fit.half[column] <= GAIN_USEFUL * fit.value[column];
            any |= out->known[i];
            column++;
        }
    }
    if (out->refusal[0] == '\0') {
        out->has_offset = true;
        out->offset_w = (struct hwt_found){fit.value[column], fit.half[column]};
        out->left_out = fit.left_out;
    }
    if (out->refusal[0] == '\0' && !any) {
        snprintf(out->refusal, sizeof(out->refusal),
                 "%u blocks over %.1f h tell no circuit's gain to +-%.0f %%: wait for more energy",
                 out->blocks, out->hours, GAIN_USEFUL * 100);
    }
    free(w);
}

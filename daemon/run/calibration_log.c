#include "daemon/run/calibration_log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/run/calibration_blocks.h"

/* A gain that is known no better than this is of no use. */
#define GAIN_USEFUL 0.02
#define GAIN_FINE   0.01
#define PHASE_FINE  0.5   /* degrees */
#define SHARE_LEAST 0.002 /* a circuit below this part of the main's energy tells nothing */

struct work {
    struct calibration_blocks blocks; /* stays: solving writes over a copy */
    double fit_row[CALIBRATION_BLOCKS_MAX * CALIBRATION_COLUMNS];
    double fit_work[CALIBRATION_BLOCKS_MAX * (CALIBRATION_COLUMNS + 2)];
    uint16_t fit_run[HWT_FIT_RUNS_MAX];
};

/* The blocks of a series; NULL, with a refusal: out of memory. */
static struct work *work_new(const struct calibration_series *s, struct calibration_result *out)
{
    struct work *w = calloc(1, sizeof(*w));

    if (w == NULL || !calibration_blocks_read(s, &w->blocks)) {
        memset(out, 0, sizeof(*out));
        snprintf(out->refusal, sizeof(out->refusal), "out of memory");
        free(w);
        return NULL;
    }
    return w;
}

/* --- fits --- */

enum { USE_Q = 1, USE_OFFSET = 2 };

/* With these columns beside those of the energies. */
static int solve(struct work *w, unsigned use, const bool *left_out, struct hwt_fit_result *out)
{
    unsigned n = w->blocks.series->count, columns = 0;
    struct hwt_fit fit = {.row = w->fit_row,
                          .work = w->fit_work,
                          .run = w->fit_run,
                          .rows = (uint16_t)w->blocks.rows,
                          .runs = (uint16_t)w->blocks.runs};

    for (unsigned i = 0; i < n; i++) {
        columns += left_out == NULL || !left_out[i];
    }
    columns += (use & USE_Q) != 0 ? 1U : 0U;
    columns += (use & USE_OFFSET) != 0 ? 1U : 0U;
    fit.columns = (uint8_t)columns;
    memcpy(w->fit_run, w->blocks.run, sizeof(w->fit_run));
    for (unsigned k = 0; k < w->blocks.rows; k++) {
        double *to = &w->fit_row[(size_t)k * (columns + 1)];
        unsigned c = 0;

        for (unsigned i = 0; i < n; i++) {
            if (left_out == NULL || !left_out[i]) {
                to[c++] = w->blocks.row[k][i];
            }
        }
        if (use & USE_Q) {
            to[c++] = w->blocks.row[k][n];
        }
        if (use & USE_OFFSET) {
            to[c++] = w->blocks.row[k][n + 1];
        }
        to[c] = w->blocks.row[k][n + 2];
    }
    return hwt_fit_solve(&fit, out);
}

static void sum_up(const struct work *w, struct calibration_result *out)
{
    unsigned n = w->blocks.series->count;

    memset(out, 0, sizeof(*out));
    out->blocks = w->blocks.rows;
    out->from_ms = w->blocks.series->from_ms;
    out->to_ms = w->blocks.series->to_ms;
    for (unsigned k = 0; k < w->blocks.rows; k++) {
        out->hours += w->blocks.row[k][n + 1];
        out->wh += w->blocks.row[k][n + 2];
    }
}

static bool enough(const struct work *w, unsigned columns, struct calibration_result *out)
{
    unsigned needed = columns + HWT_FIT_ROWS_MIN;

    if (w->blocks.rows < needed) {
        snprintf(out->refusal, sizeof(out->refusal),
                 "the log has %u blocks of %lld s in which both were measured; at least %u are "
                 "needed: wait, or go further back with from",
                 w->blocks.rows, (long long)(w->blocks.block_ms / 1000), needed);
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
    struct work *w = work_new(series, out);
    struct hwt_fit_result fit;
    bool found = false, q = series->what[0].reactive[0] != '\0';

    if (w == NULL) {
        return;
    }
    calibration_blocks_fit_to_steps(&w->blocks);
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
    unsigned n = w->blocks.series->count, kept = 0;
    double main_wh = 0;

    for (unsigned k = 0; k < w->blocks.rows; k++) {
        main_wh += fabs(w->blocks.row[k][n + 2]);
    }
    for (unsigned i = 0; i < n; i++) {
        double wh = 0;

        for (unsigned k = 0; k < w->blocks.rows; k++) {
            wh += fabs(w->blocks.row[k][i]);
        }
        left_out[i] = wh < SHARE_LEAST * main_wh || !(wh > 0);
        kept += !left_out[i];
    }
    return kept;
}

void calibration_against_main(const struct calibration_series *series,
                              struct calibration_result *out)
{
    struct work *w = work_new(series, out);
    struct hwt_fit_result fit;
    bool left_out[CALIBRATION_CIRCUITS_MAX], any = false;
    unsigned kept, column = 0;

    if (w == NULL) {
        return;
    }
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

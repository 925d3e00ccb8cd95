/*
 * truth.c: the right answers, straight from the rows.
 */
#include <stdlib.h>

#include "bench/engines/engine.h"

static void q1(void *e, const struct data *d, struct answer *a)
{
    (void)e;
    for (size_t r = 0; r < d->rows; r += Q1_ROWS) {
        int64_t sum = 0;

        for (size_t i = 0; i < Q1_ROWS; i++) {
            sum += d->row[r + i][Q1_SERIES];
        }
        answer_put(a, (double)sum / Q1_ROWS / data_scale(Q1_SERIES));
    }
}

static void q2(void *e, const struct data *d, struct answer *a)
{
    size_t from = data_q2_row(d);

    (void)e;
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        for (size_t r = from; r < from + YEAR_ROWS_A_DAY; r++) {
            answer_put(a, d->row[r][c] / data_scale(c));
        }
    }
}

/* The rise in a day is from the last value before it to its last. */
static void q3(void *e, const struct data *d, struct answer *a)
{
    (void)e;
    for (size_t r = 2 * YEAR_ROWS_A_DAY; r <= d->rows; r += YEAR_ROWS_A_DAY) {
        answer_put(a, (d->row[r - 1][Q3_SERIES] - d->row[r - YEAR_ROWS_A_DAY - 1][Q3_SERIES]) /
                          data_scale(Q3_SERIES));
    }
}

static void q4(void *e, const struct data *d, struct answer *a)
{
    (void)e;
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        answer_put(a, d->row[d->rows - 1][c] / data_scale(c));
    }
}

static void q5(void *e, const struct data *d, struct answer *a)
{
    (void)e;
    for (size_t s = 0; s < Q5_SERIES; s++) {
        struct parts *p = calloc(1, sizeof(*p));

        for (size_t r = 0; p != NULL && r < d->rows; r++) {
            parts_put(p, (size_t)((int64_t)r * YEAR_STEP_S * 1000 / data_q5_step_ms(d)),
                      d->row[r][q5_series[s]]);
        }
        if (p == NULL) {
            die("out of memory");
        }
        parts_answer(p, data_scale(q5_series[s]), a);
        free(p);
    }
}

const struct engine engine_truth = {.name = "truth", .query = {q1, q2, q3, q4, q5}};

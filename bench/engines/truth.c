/*
 * truth.c: the right answers, straight from the rows; and how much there is to tell in them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        parts_answer(p, data_q5_parts(d), data_scale(q5_series[s]), a);
        free(p);
    }
}

enum { DIFFERENCE_MAX = 1 << 17 };

static size_t place(int64_t difference)
{
    int64_t p = difference + DIFFERENCE_MAX;

    return p < 0 ? 0 : p > 2 * DIFFERENCE_MAX ? 2 * DIFFERENCE_MAX : (size_t)p;
}

double data_entropy(const struct data *d)
{
    static uint32_t seen[2 * DIFFERENCE_MAX + 1];
    double bits = 0;

    for (size_t c = 0; c < YEAR_SERIES; c++) {
        memset(seen, 0, sizeof(seen));
        for (size_t r = 1; r < d->rows; r++) {
            seen[place((int64_t)d->row[r][c] - d->row[r - 1][c])]++;
        }
        for (size_t i = 0; i <= 2 * DIFFERENCE_MAX; i++) {
            double part = (double)seen[i] / (double)(d->rows - 1);

            bits -= seen[i] > 0 ? part * log2(part) : 0;
        }
    }
    return bits / 8 / YEAR_SERIES;
}

const struct engine engine_truth = {.name = "truth", .query = {q1, q2, q3, q4, q5}};

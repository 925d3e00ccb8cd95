/*
 * calibrate_fit.c: the least squares of hwt_fit_solve.
 *
 * Increments of K blocks have the covariance s^2 I + u^2 T, T tridiagonal (2, -1): s of each block,
 * u of each instant between them. Its vectors are sines, sin(pi j k / (K + 1)), with s^2 + u^2 (2 -
 * 2 cos(pi j / (K + 1))): one sine transform of rows and all is weighted least squares, and the
 * ratio u^2 / s^2 weighs as likely as the data make it (REML; Patterson and Thompson, Biometrika
 * 58, 1971): values are the mean over all ratios, uncertainties hold how far they lie apart.
 */
#include <math.h>
#include <string.h>

#include "core/meter/calibrate.h"

#define PI          3.14159265358979323846
#define PIVOT_LEAST 1e-10 /* of a column that is no sum of the others */
#define FAR_OFF     8.0   /* deviations; a step's uniform error has at most 2.4 */
#define MAD_SIGMA   1.4826

#define PLAUSIBLE 3.84 /* twice the loss of log likelihood that 95 of 100 true ratios have */

enum { RATIOS = 33 };

struct normal { /* the normal equations, columns scaled to 1 */
    double a[HWT_FIT_COLUMNS_MAX][HWT_FIT_COLUMNS_MAX];
    double b[HWT_FIT_COLUMNS_MAX];
    double yy;
};

struct solution {
    double value[HWT_FIT_COLUMNS_MAX];
    double residual; /* weighted sum of squares */
    double log_det;  /* of the normal matrix */
    double log_weights;
};

static double *row_of(const struct hwt_fit *f, double *rows, unsigned i)
{
    return rows + (size_t)i * (f->columns + 1U);
}

/* Each run of `row` into `work` as its sines, and each row's 2 - 2 cos into `mode`. */
static void transform(const struct hwt_fit *f, double *mode)
{
    unsigned first = 0, width = f->columns + 1U;

    memset(f->work, 0, (size_t)f->rows * width * sizeof(double));
    for (unsigned r = 0; r < f->runs; first += f->run[r], r++) {
        unsigned n = f->run[r];

        for (unsigned j = 1; j <= n; j++) {
            double angle = PI * j / (n + 1), twice = 2 * cos(angle), before = 0, s = sin(angle);
            double *to = row_of(f, f->work, first + j - 1), scale = sqrt(2.0 / (n + 1));

            mode[first + j - 1] = 2 - twice;
            for (unsigned k = 0; k < n; k++) {
                const double *from = row_of(f, f->row, first + k);
                double next = twice * s - before; /* sin((k + 2) angle) */

                for (unsigned c = 0; c < width; c++) {
                    to[c] += scale * s * from[c];
                }
                before = s;
                s = next;
            }
        }
    }
}

static double weight_of(double ratio, double mode)
{
    return ratio < 0 ? 1 / mode : 1 / (1 + ratio * mode); /* < 0: instants only */
}

static void add_rows(const struct hwt_fit *f, const double *mode, double ratio, struct normal *n,
                     struct solution *out)
{
    memset(n, 0, sizeof(*n));
    out->log_weights = 0;
    for (unsigned i = 0; i < f->rows; i++) {
        const double *x = row_of(f, f->work, i);
        double w = weight_of(ratio, mode[i]), y = x[f->columns];

        for (unsigned c = 0; c < f->columns; c++) {
            for (unsigned d = 0; d <= c; d++) {
                n->a[c][d] += w * x[c] * x[d];
            }
            n->b[c] += w * x[c] * y;
        }
        n->yy += w * y * y;
        out->log_weights += log(w);
    }
}

/* L L^T in the lower half. False: a column is a sum of others. */
static bool factor(struct normal *n, unsigned columns, double *log_det_out)
{
    *log_det_out = 0;
    for (unsigned c = 0; c < columns; c++) {
        double whole = n->a[c][c];

        for (unsigned d = 0; d <= c; d++) {
            double sum = n->a[c][d];

            for (unsigned k = 0; k < d; k++) {
                sum -= n->a[c][k] * n->a[d][k];
            }
            if (d < c) {
                n->a[c][d] = sum / n->a[d][d];
            } else if (!(sum > PIVOT_LEAST * whole) || !(whole > 0)) {
                return false;
            } else {
                n->a[c][c] = sqrt(sum);
            }
        }
        *log_det_out += 2 * log(n->a[c][c]);
    }
    return true;
}

static void solve_factored(const struct normal *n, unsigned columns, const double *b, double *x)
{
    for (unsigned c = 0; c < columns; c++) {
        double sum = b[c];

        for (unsigned k = 0; k < c; k++) {
            sum -= n->a[c][k] * x[k];
        }
        x[c] = sum / n->a[c][c];
    }
    for (unsigned c = columns; c-- > 0;) {
        double sum = x[c];

        for (unsigned k = c + 1; k < columns; k++) {
            sum -= n->a[k][c] * x[k];
        }
        x[c] = sum / n->a[c][c];
    }
}

static bool solve_at(const struct hwt_fit *f, const double *mode, double ratio, struct normal *n,
                     struct solution *out)
{
    add_rows(f, mode, ratio, n, out);
    if (!factor(n, f->columns, &out->log_det)) {
        return false;
    }
    solve_factored(n, f->columns, n->b, out->value);
    out->residual = n->yy;
    for (unsigned c = 0; c < f->columns; c++) {
        out->residual -= out->value[c] * n->b[c];
    }
    if (!(out->residual > n->yy * 1e-15)) {
        out->residual = n->yy * 1e-15; /* a perfect fit, as far as double can tell */
    }
    return true;
}

static double likelihood(const struct hwt_fit *f, const struct solution *s)
{
    double freedom = f->rows - f->columns;

    return -freedom * log(s->residual) + s->log_weights - s->log_det;
}

/* 0, then 10^-3 .. 10^4.5 by quarters of a decade, then instants only. */
static double ratio_of(unsigned k)
{
    return k == 0 ? 0 : k == RATIOS - 1 ? -1 : pow(10, -3 + 0.25 * (k - 1));
}

/* The point of Student's law (Abramowitz and Stegun 26.7.5) beyond which lie 1.25 % on either side:
 * half of the 5 % that are stated, as the variances themselves are only estimates. */
static double student_of(unsigned freedom)
{
    double z = 2.241402728, z2 = z * z, v = freedom;

    return z + z * (z2 + 1) / (4 * v) + z * ((5 * z2 + 16) * z2 + 3) / (96 * v * v) +
           z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * v * v * v);
}

/* What one ratio says, added with its weight. */
static void add_solution(const struct hwt_fit *f, const struct normal *n, const struct solution *s,
                         double ratio, double weight, struct hwt_fit_result *out)
{
    double variance = s->residual / (f->rows - f->columns);

    out->sigma += weight * (ratio < 0 ? 0 : sqrt(variance));
    out->step += weight * (ratio < 0 ? sqrt(variance) : sqrt(variance * ratio));
    for (unsigned c = 0; c < f->columns; c++) {
        double unit[HWT_FIT_COLUMNS_MAX] = {0}, column[HWT_FIT_COLUMNS_MAX];

        unit[c] = 1;
        solve_factored(n, f->columns, unit, column);
        out->value[c] += weight * s->value[c];
        for (unsigned d = 0; d < f->columns; d++) {
            out->covariance[d][c] += weight * variance * column[d];
        }
    }
}

/* How far what it says lies from the mean. */
static void add_distance(const struct hwt_fit *f, const struct solution *s, double weight,
                         struct hwt_fit_result *out)
{
    for (unsigned c = 0; c < f->columns; c++) {
        for (unsigned d = 0; d < f->columns; d++) {
            out->covariance[c][d] +=
                weight * (s->value[c] - out->value[c]) * (s->value[d] - out->value[d]);
        }
    }
}

static int solve_once(const struct hwt_fit *f, struct hwt_fit_result *out)
{
    double *mode = f->work + (size_t)f->rows * (f->columns + 1U);
    double weight[RATIOS], most = 0, sum = 0;
    struct normal n;
    struct solution s;

    transform(f, mode);
    for (unsigned k = 0; k < RATIOS; k++) {
        if (!solve_at(f, mode, ratio_of(k), &n, &s)) {
            return HWT_ERR_ARGUMENT;
        }
        weight[k] = likelihood(f, &s);
        most = k == 0 || weight[k] > most ? weight[k] : most;
    }
    for (unsigned k = 0; k < RATIOS; k++) {
        weight[k] = exp((weight[k] - most) / 2);
        sum += weight[k];
    }
    memset(out, 0, sizeof(*out));
    for (unsigned k = 0; k < RATIOS; k++) {
        if (solve_at(f, mode, ratio_of(k), &n, &s)) {
            add_solution(f, &n, &s, ratio_of(k), weight[k] / sum, out);
        }
    }
    for (unsigned k = 0; k < RATIOS; k++) {
        if (solve_at(f, mode, ratio_of(k), &n, &s)) {
            add_distance(f, &s, weight[k] / sum, out);
        }
    }
    out->student = student_of(f->rows - f->columns);
    out->rows = f->rows;
    for (unsigned c = 0; c < f->columns; c++) {
        out->half[c] = out->student * sqrt(out->covariance[c][c]);
    }
    return 0;
}

/* Shell's sort. */
static void sort(double *v, unsigned n)
{
    for (unsigned gap = n / 2; gap > 0; gap /= 2) {
        for (unsigned i = gap; i < n; i++) {
            double moved = v[i];
            unsigned k = i;

            for (; k >= gap && v[k - gap] > moved; k -= gap) {
                v[k] = v[k - gap];
            }
            v[k] = moved;
        }
    }
}

static double residual_of(const struct hwt_fit *f, const struct hwt_fit_result *r, unsigned i)
{
    const double *x = row_of(f, f->row, i);
    double rest = x[f->columns];

    for (unsigned c = 0; c < f->columns; c++) {
        rest -= r->value[c] * x[c];
    }
    return rest;
}

/* Rows far off the fit go, and the run they were in becomes two. Returns how many, or an error. */
static int leave_out(struct hwt_fit *f, const struct hwt_fit_result *r)
{
    double *rest = f->work + (size_t)f->rows * (f->columns + 1U), *sorted = rest + f->rows, far;
    uint16_t run[HWT_FIT_RUNS_MAX];
    unsigned runs = 0, kept = 0, from = 0;

    for (unsigned i = 0; i < f->rows; i++) {
        rest[i] = fabs(residual_of(f, r, i));
        sorted[i] = rest[i];
    }
    sort(sorted, f->rows);
    far = FAR_OFF * MAD_SIGMA * sorted[f->rows / 2];
    for (unsigned k = 0; k < f->runs; from += f->run[k], k++) {
        bool open = false;

        for (unsigned i = from; i < from + f->run[k]; i++) {
            if (rest[i] > far && far > 0) {
                open = false;
                continue;
            }
            if (!open && runs == HWT_FIT_RUNS_MAX) {
                return HWT_ERR_ARGUMENT;
            }
            if (!open) {
                run[runs++] = 0;
            }
            open = true;
            run[runs - 1]++;
            memmove(row_of(f, f->row, kept++), row_of(f, f->row, i),
                    (f->columns + 1U) * sizeof(double));
        }
    }
    from = f->rows - kept;
    memcpy(f->run, run, runs * sizeof(run[0]));
    f->runs = (uint16_t)runs;
    f->rows = (uint16_t)kept;
    return (int)from;
}

int hwt_fit_solve(struct hwt_fit *fit, struct hwt_fit_result *out)
{
    struct hwt_fit_result first;
    unsigned rows = 0;
    int left_out, err;

    for (unsigned r = 0; r < fit->runs; r++) {
        rows += fit->run[r];
    }
    if (fit->columns < 1 || fit->columns > HWT_FIT_COLUMNS_MAX || fit->rows > HWT_FIT_ROWS_MAX ||
        fit->runs > HWT_FIT_RUNS_MAX || rows != fit->rows ||
        fit->rows < fit->columns + HWT_FIT_ROWS_MIN) {
        return HWT_ERR_ARGUMENT;
    }
    err = solve_once(fit, &first);
    if (err != 0) {
        return err;
    }
    left_out = leave_out(fit, &first);
    if (left_out < 0 || fit->rows < fit->columns + HWT_FIT_ROWS_MIN) {
        return HWT_ERR_ARGUMENT;
    }
    if (left_out > 0) {
        err = solve_once(fit, &first);
    }
    if (err == 0) {
        *out = first;
        out->left_out = (uint16_t)left_out;
    }
    return err;
}

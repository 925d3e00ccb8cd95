/*
 * flat.c: a file of float32 for each series, value after value, as the least that one can do: no
 * time, no checksum, no gaps, no index.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/engines/engine.h"

enum { BATCH = 65536 };

struct flat {
    const float *column[YEAR_SERIES];
    size_t rows;
};

static int open_column(const char *dir, size_t c, int flags)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/%s.f32", dir, year_series[c].id);
    fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        die("%s: cannot be opened", path);
    }
    return fd;
}

static void put(int fd, const void *p, size_t n)
{
    if (write(fd, p, n) != (ssize_t)n) {
        die("a flat file cannot be written");
    }
}

static void import_column(int fd, const struct data *d, size_t c)
{
    float *batch = malloc(BATCH * sizeof(*batch));
    double scale = data_scale(c);

    if (batch == NULL) {
        die("out of memory");
    }
    for (size_t r = 0; r < d->rows; r += BATCH) {
        size_t n = d->rows - r < BATCH ? d->rows - r : BATCH;

        for (size_t i = 0; i < n; i++) {
            batch[i] = (float)(d->row[r + i][c] / scale);
        }
        put(fd, batch, n * sizeof(*batch));
    }
    free(batch);
}

static void import(const char *dir, const struct data *d)
{
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        int fd = open_column(dir, c, O_WRONLY | O_CREAT | O_TRUNC);

        import_column(fd, d, c);
        if (fsync(fd) != 0) {
            die("a flat file cannot be synced");
        }
        close(fd);
    }
}

static void *open_all(const char *dir)
{
    struct flat *f = calloc(1, sizeof(*f));

    for (size_t c = 0; f != NULL && c < YEAR_SERIES; c++) {
        int fd = open_column(dir, c, O_RDONLY);
        struct stat st;

        if (fstat(fd, &st) != 0 || (c > 0 && (size_t)st.st_size / sizeof(float) != f->rows)) {
            die("the flat files differ in length");
        }
        f->rows = (size_t)st.st_size / sizeof(float);
        f->column[c] = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (f->column[c] == MAP_FAILED) {
            die("a flat file cannot be mapped");
        }
        close(fd);
    }
    return f;
}

static void close_all(void *e)
{
    struct flat *f = e;

    for (size_t c = 0; c < YEAR_SERIES; c++) {
        munmap((void *)(uintptr_t)f->column[c], f->rows * sizeof(float));
    }
    free(f);
}

static void q1(void *e, const struct data *d, struct answer *a)
{
    const struct flat *f = e;
    const float *v = f->column[Q1_SERIES];

    (void)d;
    for (size_t r = 0; r < f->rows; r += Q1_ROWS) {
        double sum = 0;

        for (size_t i = 0; i < Q1_ROWS; i++) {
            sum += (double)v[r + i];
        }
        answer_put(a, sum / Q1_ROWS);
    }
}

static void q2(void *e, const struct data *d, struct answer *a)
{
    const struct flat *f = e;
    size_t from = data_q2_row(d);

    for (size_t c = 0; c < YEAR_SERIES; c++) {
        for (size_t r = from; r < from + YEAR_ROWS_A_DAY; r++) {
            answer_put(a, (double)f->column[c][r]);
        }
    }
}

static void q3(void *e, const struct data *d, struct answer *a)
{
    const struct flat *f = e;
    const float *v = f->column[Q3_SERIES];

    (void)d;
    for (size_t r = 2 * YEAR_ROWS_A_DAY; r <= f->rows; r += YEAR_ROWS_A_DAY) {
        answer_put(a, (double)v[r - 1] - (double)v[r - YEAR_ROWS_A_DAY - 1]);
    }
}

static void q4(void *e, const struct data *d, struct answer *a)
{
    const struct flat *f = e;

    (void)d;
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        answer_put(a, (double)f->column[c][f->rows - 1]);
    }
}

static void q5(void *e, const struct data *d, struct answer *a)
{
    struct flat *f = e;
    int64_t step_ms = data_q5_step_ms(d);
    struct parts *p = malloc(sizeof(*p));

    for (size_t s = 0; p != NULL && s < Q5_SERIES; s++) {
        const float *v = f->column[q5_series[s]];

        for (size_t part = 0, r = 0; part < data_q5_parts(d); part++) {
            /* rows that begin before the part's end */
            size_t end = (size_t)(((int64_t)(part + 1) * step_ms - 1) / (YEAR_STEP_S * 1000)) + 1;
            struct part x = {.min = (double)v[r], .max = (double)v[r], .n = (uint32_t)(end - r)};

            for (; r < end; r++) {
                double now = (double)v[r];

                x.min = now < x.min ? now : x.min;
                x.max = now > x.max ? now : x.max;
                x.sum += now;
            }
            p->part[part] = x;
        }
        parts_answer(p, data_q5_parts(d), 1, a);
    }
    free(p);
}

/* As live writers do it: a write to each file for each row. */
static double append(const char *dir, const struct data *d, size_t rows, bool durable)
{
    int fd[YEAR_SERIES];
    double began, took;

    for (size_t c = 0; c < YEAR_SERIES; c++) {
        fd[c] = open_column(dir, c, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
    }
    began = now_s();
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < YEAR_SERIES; c++) {
            float v = (float)(d->row[r][c] / data_scale(c));

            put(fd[c], &v, sizeof(v));
            if (durable && fdatasync(fd[c]) != 0) {
                die("a flat file cannot be synced");
            }
        }
    }
    took = now_s() - began;
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        close(fd[c]);
    }
    return took;
}

const struct engine engine_flat = {.name = "flat",
                                   .import = import,
                                   .open = open_all,
                                   .close = close_all,
                                   .query = {q1, q2, q3, q4, q5},
                                   .append = append};

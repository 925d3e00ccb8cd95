#include "bench/engines/data.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ABOUT_PARTS = 1000 };

const enum year_column q5_series[Q5_SERIES] = {YEAR_FLOW_T, YEAR_OUTSIDE_T, YEAR_HP_POWER,
                                               YEAR_VOLTAGE};

void die(const char *format, ...)
{
    va_list args;

    fputs("log_engines: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static double read_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double now_s(void)
{
    return read_s(CLOCK_MONOTONIC);
}

double cpu_s(void)
{
    return read_s(CLOCK_PROCESS_CPUTIME_ID);
}

void data_make(const char *path, unsigned days, uint64_t seed)
{
    FILE *f = fopen(path, "wb");
    int32_t row[YEAR_SERIES];
    struct year y;

    if (f == NULL) {
        die("%s: cannot be written", path);
    }
    year_init(&y, seed);
    for (size_t r = 0; r < (size_t)days * YEAR_ROWS_A_DAY; r++) {
        year_next(&y, row);
        if (fwrite(row, sizeof(row), 1, f) != 1) {
            die("%s: cannot be written", path);
        }
    }
    if (fclose(f) != 0) {
        die("%s: cannot be written", path);
    }
}

void data_map(struct data *d, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) != 0) {
        die("%s: cannot be read", path);
    }
    d->rows = (size_t)st.st_size / sizeof(*d->row);
    if (d->rows < 2 * YEAR_ROWS_A_DAY || d->rows % YEAR_ROWS_A_DAY != 0) {
        die("%s: two or more whole days of rows are needed", path);
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED) {
        die("%s: cannot be mapped", path);
    }
    close(fd);
    d->row = p;
}

size_t data_q2_row(const struct data *d)
{
    return d->rows / YEAR_ROWS_A_DAY / 2 * YEAR_ROWS_A_DAY;
}

int64_t data_q5_step_ms(const struct data *d)
{
    static const int64_t hours[] = {8, 6, 4, 3, 2, 1};
    int64_t step_ms = (int64_t)d->rows * YEAR_STEP_S * 1000 / ABOUT_PARTS;

    for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
        if (step_ms >= hours[i] * 3600000) {
            return hours[i] * 3600000;
        }
    }
    return step_ms;
}

size_t data_q5_parts(const struct data *d)
{
    return (size_t)((int64_t)d->rows * YEAR_STEP_S * 1000 / data_q5_step_ms(d));
}

double data_scale(size_t column)
{
    return pow(10, year_series[column].decimals);
}

void answer_put(struct answer *a, double v)
{
    if (a->n == a->room) {
        a->room = a->room == 0 ? 4096 : 2 * a->room;
        a->v = realloc(a->v, a->room * sizeof(*a->v));
        if (a->v == NULL) {
            die("out of memory");
        }
    }
    a->v[a->n++] = v;
}

void answer_save(const struct answer *a, const char *prefix, int query)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s.q%d", prefix, query + 1);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(a->v, sizeof(*a->v), a->n, f) != a->n || fclose(f) != 0) {
        die("%s: cannot be written", path);
    }
}

void parts_put(struct parts *p, size_t part, double v)
{
    struct part *x = &p->part[part];

    x->min = x->n == 0 || v < x->min ? v : x->min;
    x->max = x->n == 0 || v > x->max ? v : x->max;
    x->sum += v;
    x->n++;
}

void parts_answer(const struct parts *p, size_t parts, double scale, struct answer *a)
{
    for (size_t i = 0; i < parts; i++) {
        answer_put(a, p->part[i].sum / p->part[i].n / scale);
    }
    for (size_t i = 0; i < parts; i++) {
        answer_put(a, p->part[i].min / scale);
    }
    for (size_t i = 0; i < parts; i++) {
        answer_put(a, p->part[i].max / scale);
    }
}

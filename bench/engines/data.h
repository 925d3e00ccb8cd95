/*
 * data.h: the rows of the year in a file, and the five questions asked of every engine.
 *
 *   data_make ──▶ file of int32[rows][16] ──mapped──▶ import of each engine
 *
 *   Q1  one series, all rows, mean of each hour
 *   Q2  all series, one day, every value
 *   Q3  one counter, all days but the first, rise of each day
 *   Q4  all series, the last value
 *   Q5  four series, all rows, about 1000 parts (of whole hours, if that long): mean, min and max
 * of each
 *
 * Answers are lists of numbers in the quantities' units, in one order for all engines (series by
 * series; Q5: all means, then all minima, then all maxima of a series), so that they can be
 * compared number by number.
 */
#ifndef BENCH_ENGINES_DATA_H
#define BENCH_ENGINES_DATA_H

#include <stddef.h>

#include "bench/engines/year.h"

enum { Q1, Q2, Q3, Q4, Q5, QUERIES };
enum {
    Q1_ROWS = 3600 / YEAR_STEP_S, /* of an hour */
    Q5_SERIES = 4,
    Q5_PARTS_MAX = 1200
};

#define Q1_SERIES YEAR_HP_POWER
#define Q3_SERIES YEAR_GRID_IMPORT
extern const enum year_column q5_series[Q5_SERIES];

struct data {
    const int32_t (*row)[YEAR_SERIES];
    size_t rows; /* of whole days */
};

/* Both end the program with a message when they fail. */
void data_make(const char *path, unsigned days, uint64_t seed);
void data_map(struct data *d, const char *path);

/* First row of Q2's day. */
size_t data_q2_row(const struct data *d);
/* ms of one of Q5's parts, and how many there are. Parts of an hour and more are whole hours that
 * divide a day, as charts have them; shorter ones need not be whole rows. */
int64_t data_q5_step_ms(const struct data *d);
size_t data_q5_parts(const struct data *d);
/* 10^decimals of a column. */
double data_scale(size_t column);

/* bytes/point, mean of all series: order-0 entropy of the differences from row to row. A coder that
 * knows only how often each difference comes cannot be smaller; noise decides it. */
double data_entropy(const struct data *d);

struct answer {
    double *v;
    size_t n, room;
};

void answer_put(struct answer *a, double v);
/* Writes the numbers as they are in memory to PREFIX.q1 … PREFIX.q5. */
void answer_save(const struct answer *a, const char *prefix, int query);

/* Means, minima and maxima of Q5's parts, fed row by row. */
struct parts {
    struct part {
        double sum, min, max; /* in the units of what is fed */
        uint32_t n;
    } part[Q5_PARTS_MAX];
};

void parts_put(struct parts *p, size_t part, double v);
void parts_answer(const struct parts *p, size_t parts, double scale, struct answer *a);

/* Prints "log_engines: ..." and ends the program. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
double now_s(void);
/* CPU time of the process, s. */
double cpu_s(void);

#endif

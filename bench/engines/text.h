/*
 * text.h: the rows as text: CSV for ours, line protocol for the daemons beside it.
 */
#ifndef BENCH_ENGINES_TEXT_H
#define BENCH_ENGINES_TEXT_H

#include "bench/engines/data.h"

enum { TEXT_ROW_MAX = 1024 }; /* bytes of a row */

enum text_form {
    TEXT_CSV,      /* time in ms, of the end of the interval; decimal values */
    TEXT_DECIMALS, /* line protocol, time in s, decimal values */
    TEXT_INTEGERS  /* line protocol, time in s, the rows' whole numbers */
};

/* Writes the row; returns behind it. */
char *text_row(char *p, enum text_form form, const int32_t *row, size_t number);
void text_csv_file(const char *path, const struct data *d);

#endif

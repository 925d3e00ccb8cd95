/*
 * number.h: values of a plan's columns as text, quickly: an answer may hold a hundred thousand.
 */
#ifndef DAEMON_HTTP_NUMBER_H
#define DAEMON_HTTP_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_MAX = 24 /* bytes: a sign, 19 digits, a point, and a comma behind them fit */ };

/* Digits of v; returns the end. */
char *number_put_int(char *p, int64_t v);
/* v / divisor, rounded half away from zero, with `digits` (0..9) places after the point; trailing
 * zeros there are left out. divisor > 0. */
char *number_put(char *p, int64_t v, uint32_t divisor, unsigned digits);

#endif

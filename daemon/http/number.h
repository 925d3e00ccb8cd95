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

/* The same without divisor, for what most values are: |v| <= NUMBER_SMALL, digits <=
 * NUMBER_SMALL_DIGITS; a third of the time. */
enum { NUMBER_SMALL = 999999999, NUMBER_SMALL_DIGITS = 3 };
char *number_put_small(char *p, int32_t v, unsigned digits);

/* Numbers in even steps: only their lower digits are made anew. */
enum { NUMBER_LOWER = 100000000, NUMBER_LOWER_DIGITS = 8 };

struct number_stepper { /* private */
    int64_t upper, step_upper;
    uint32_t lower, step_lower;
    unsigned upper_n;
    char text[NUMBER_MAX]; /* of upper, upper_n bytes */
};

/* Neither is negative, and no number may be beyond int64. */
void number_stepper_init(struct number_stepper *s, int64_t first, int64_t step);
/* Puts the next one, as number_put_int; NUMBER_MAX bytes may be written. Returns the end. */
char *number_stepper_put(struct number_stepper *s, char *p);

#endif

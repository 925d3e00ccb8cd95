/*
 * config_problems.h: the list of all that is wrong with a configuration.
 *
 * Texts say what is wrong and what would be right. They never hold the value of a secret.
 */
#ifndef DAEMON_RUN_CONFIG_PROBLEMS_H
#define DAEMON_RUN_CONFIG_PROBLEMS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum { CONFIG_PROBLEMS_MAX = 100 };

struct config_problem {
    char file[256];
    unsigned line;  /* from 1; 0: the file as a whole */
    char field[96]; /* "sources[1].poll_s", or "" */
    char text[360];
};

struct config_problems {
    struct config_problem *item; /* count of them */
    size_t count;
    size_t room;
    size_t left_out; /* further ones, counted only */
};

void config_problems_init(struct config_problems *p);
void config_problems_free(struct config_problems *p);
/* field may be NULL. Line breaks are not expected in texts. */
void config_problems_add(struct config_problems *p, const char *file, unsigned line,
                         const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void config_problems_addv(struct config_problems *p, const char *file, unsigned line,
                          const char *field, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));
/* By file, in the order of their first problem, and line. */
void config_problems_sort(struct config_problems *p);
/* One line each, `FILE:LINE: FIELD: TEXT`. */
void config_problems_write(const struct config_problems *p, FILE *out);

/* Copies text, at most n - 1 bytes and never half a UTF-8 character; a cut ends in "...". n >= 4.
 */
void config_clip(char *out, size_t n, const char *text);

/* The candidate most like a word, for "did you mean". */
struct config_nearest {
    const char *word;
    const char *best; /* NULL: none is near */
    unsigned distance;
};

void config_nearest_init(struct config_nearest *s, const char *word);
void config_nearest_offer(struct config_nearest *s, const char *candidate);

#endif

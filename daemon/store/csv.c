/* csv.c: the rows; csv_head.c has the first line. */
#include "daemon/store/csv.h"

#include <string.h>
#include <strings.h>

#include "daemon/store/csv_line.h"

#define TIME_LIMIT_MS (INT64_C(1) << 53)
#define MS_FROM       INT64_C(100000000000) /* as ms 3 March 1973, as s the year 5138 */
#define S_FROM        INT64_C(100000000)    /* as s 3 March 1973 */

/* --- times --- */

static bool between(int64_t number, int exponent, int64_t from, int64_t to)
{
    static const struct csv_scale one = {.counts = 1};
    int64_t whole;

    if (!csv_scaled(&one, number, exponent, &whole)) {
        return false;
    }
    whole = whole < 0 ? -whole : whole; /* never INT64_MIN: 18 digits */
    return whole >= from && whole < to;
}

/* Of a row's number; 0 where nothing else was said and it could be either. */
static int unit_of(const struct csv *c, int64_t number, int exponent)
{
    if (c->time != CSV_TIME_AUTO) {
        return c->time;
    }
    if (between(number, exponent, MS_FROM, TIME_LIMIT_MS)) {
        return CSV_TIME_MS;
    }
    return between(number, exponent, S_FROM, MS_FROM) ? CSV_TIME_S : CSV_TIME_AUTO;
}

static int number_time(struct csv *c, const struct csv_line *l, const struct csv_field *f,
                       int64_t number, int exponent, int64_t *ms, struct csv_error *error)
{
    static const struct csv_scale scales[] = {
        [CSV_TIME_MS] = {.counts = 1}, [CSV_TIME_S] = {.counts = 1000}};
    int unit = unit_of(c, number, exponent);

    if (unit == CSV_TIME_AUTO) {
        return csv_refuse(c, l, f->p, error,
                          "%.*s may be seconds or milliseconds: --time s or --time ms says it",
                          csv_shown(f), f->p);
    }
    if (c->options->time == CSV_TIME_AUTO && unit == CSV_TIME_S &&
        between(number, exponent, MS_FROM, INT64_MAX)) {
        return csv_refuse(c, l, f->p, error,
                          "%.*s looks like milliseconds, the first row like seconds: --time s or "
                          "--time ms says it",
                          csv_shown(f), f->p);
    }
    if ((unit == CSV_TIME_MS && exponent != 0) ||
        !csv_scaled(&scales[unit], number, exponent, ms) || *ms > TIME_LIMIT_MS ||
        *ms < -TIME_LIMIT_MS) {
        return csv_refuse(c, l, f->p, error, "'%.*s' is no time: unix milliseconds are needed",
                          csv_shown(f), f->p);
    }
    c->time = (uint8_t)unit;
    return 0;
}

static bool begins(const struct csv_field *f, const char *text)
{
    size_t n = strlen(text);

    return (size_t)(f->end - f->p) >= n && memcmp(f->p, text, n) == 0;
}

static int text_time(const struct csv *c, const struct csv_line *l, const struct csv_field *f,
                     int64_t *ms, struct csv_error *error)
{
    bool zoned;

    if (begins(f, "Limit exceeded")) { /* IoTaWatt's last line, if it stopped early */
        return csv_refuse(c, l, f->p, error,
                          "the IoTaWatt stopped at its row limit: ask it with limit=none");
    }
    if (!time_text_iso(f->p, (size_t)(f->end - f->p), ms, &zoned)) {
        return csv_refuse(c, l, f->p, error,
                          "'%.*s' is no time: unix ms, unix s or ISO 8601 (2026-11-20T14:05:00Z)",
                          csv_shown(f), f->p);
    }
    if (!zoned && c->options->zone == NULL) {
        return csv_refuse(c, l, f->p, error,
                          "'%.*s' has no zone (Z, +01:00): --tz ZONE says which it is",
                          csv_shown(f), f->p);
    }
    if (!zoned) {
        *ms = c->options->zone(c->options->zone_ctx, *ms, c->unix_ms);
    }
    return 0;
}

/* 1; 0: the row is to be left out. */
static int parse_time(struct csv *c, const struct csv_line *l, const struct csv_field *f,
                      struct csv_error *error)
{
    int64_t number, ms = 0;
    int exponent, err;

    if (f->p < f->end && csv_decimal(f, &number, &exponent)) {
        err = number_time(c, l, f, number, exponent, &ms, error);
    } else {
        err = text_time(c, l, f, &ms, error);
    }
    if (err != 0) {
        return err;
    }
    if (c->unix_ms != HWT_TIME_UNKNOWN && ms <= c->unix_ms &&
        c->options->backward != CSV_BACKWARD_KEEP) {
        if (c->options->backward == CSV_BACKWARD_SKIP) {
            return 0;
        }
        return csv_refuse(c, l, f->p, error,
                          "time %.*s does not rise: --backward skip leaves such rows out, keep "
                          "keeps them",
                          csv_shown(f), f->p);
    }
    c->unix_ms = ms;
    return 1;
}

/* --- values --- */

static int no_number(const struct csv *c, const struct csv_line *l, const struct csv_field *f,
                     unsigned i, struct csv_error *error)
{
    bool comma = memchr(f->p, ',', (size_t)(f->end - f->p)) != NULL;

    return csv_refuse(c, l, f->p, error, "'%.*s' is no number (%s)%s", csv_shown(f), f->p,
                      c->channel[i].id,
                      comma ? ": decimals need a point, not a comma, and thousands nothing" : "");
}

static bool missing(const struct csv_field *f)
{
    return f->p == f->end || (f->end - f->p == 4 && strncasecmp(f->p, "null", 4) == 0);
}

static int parse_value(struct csv *c, const struct csv_line *l, const struct csv_field *f,
                       unsigned i, struct csv_error *error)
{
    struct hwt_value *v = &c->value[i];
    int64_t number;
    int exponent;

    *v = (struct hwt_value){.quality = HWT_QUALITY_MISSING};
    if (missing(f)) {
        return 0;
    }
    if (!csv_decimal(f, &number, &exponent)) {
        return no_number(c, l, f, i, error);
    }
    if (!csv_scaled(&c->scale[i], number, exponent, &v->v) ||
        (c->sum[i] && __builtin_add_overflow(c->total[i], v->v, &v->v))) {
        return csv_refuse(c, l, f->p, error, "%.*s is too large for %s", csv_shown(f), f->p,
                          c->channel[i].id);
    }
    c->total[i] = v->v;
    v->quality = HWT_QUALITY_GOOD;
    return 0;
}

static int parse_row(struct csv *c, struct csv_line *l, struct csv_error *error)
{
    struct csv_field f;
    int err = 0;

    for (unsigned k = 0; err == 0 && k < c->columns; k++) {
        if (!csv_next_field(l, &f)) {
            return csv_refuse(c, l, l->end, error, "%u values, not %u", k, c->columns);
        }
        if (c->place[k] >= 0) {
            err = parse_value(c, l, &f, (unsigned)c->place[k], error);
        }
    }
    if (err == 0 && csv_next_field(l, &f)) {
        return csv_refuse(c, l, f.p, error,
                          "more values than the %u channels (decimals need a point, not a comma)",
                          c->columns);
    }
    return err;
}

int csv_next(struct csv *c, struct csv_error *error_out)
{
    struct csv_line l;
    struct csv_field f;

    while (csv_next_line(c, &l)) {
        int got;

        (void)csv_next_field(&l, &f); /* a line has one */
        got = parse_time(c, &l, &f, error_out);
        if (got == 1) {
            got = parse_row(c, &l, error_out);
            c->rows += got == 0;
            return got == 0 ? 1 : got;
        }
        if (got < 0) {
            return got;
        }
        c->skipped++;
    }
    return 0;
}

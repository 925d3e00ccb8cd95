#include "daemon/store/csv_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/fixed.h"

enum { DIGITS_MAX = 18, EXPONENT_MAX = 18, SHOWN = 24 };

int csv_refuse(const struct csv *c, const struct csv_line *l, const char *where,
               struct csv_error *error, const char *format, ...)
{
    va_list args;

    error->line = c->line;
    error->column = (unsigned)(where - l->start) + 1;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return HWT_ERR_SANITY;
}

int csv_shown(const struct csv_field *f)
{
    return f->end - f->p < SHOWN ? (int)(f->end - f->p) : SHOWN;
}

bool csv_next_line(struct csv *c, struct csv_line *l)
{
    while (c->at < c->end) {
        const char *nl = memchr(c->at, '\n', (size_t)(c->end - c->at));

        l->start = l->at = c->at;
        l->end = nl != NULL ? nl : c->end;
        l->separator = c->separator;
        l->more = true;
        c->at = nl != NULL ? nl + 1 : c->end;
        c->line++;
        if (l->end > l->start && l->end[-1] == '\r') {
            l->end--;
        }
        if (l->end > l->start) {
            return true;
        }
    }
    return false;
}

static const char *past_spaces(const char *p, const char *end)
{
    while (p < end && *p == ' ') {
        p++;
    }
    return p;
}

/* l->at is a quote. False: no closing quote with a separator or the line's end behind it; then the
 * field is read as if quotes meant nothing, and refused for what is in it. */
static bool quoted(struct csv_line *l, struct csv_field *f)
{
    const char *p = l->at + 1;

    while (p < l->end && (p[0] != '"' || (p + 1 < l->end && p[1] == '"'))) {
        p += p[0] == '"' ? 2 : 1;
    }
    if (p >= l->end) {
        return false;
    }
    f->p = l->at + 1;
    f->end = p;
    p = past_spaces(p + 1, l->end);
    if (p < l->end && *p != l->separator) {
        return false;
    }
    l->more = p < l->end;
    l->at = l->more ? p + 1 : l->end;
    return true;
}

bool csv_next_field(struct csv_line *l, struct csv_field *f)
{
    const char *stop;

    if (!l->more) {
        return false;
    }
    l->at = past_spaces(l->at, l->end);
    if (l->at < l->end && *l->at == '"' && quoted(l, f)) {
        return true;
    }
    stop = memchr(l->at, l->separator, (size_t)(l->end - l->at));
    f->p = l->at;
    f->end = stop != NULL ? stop : l->end;
    l->more = stop != NULL;
    l->at = stop != NULL ? stop + 1 : l->end;
    while (f->end > f->p && f->end[-1] == ' ') {
        f->end--;
    }
    return true;
}

/* --- numbers --- */

static bool digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static bool parse_exponent(const char **p, const char *end, int *exponent)
{
    bool minus;
    int e = 0;

    if (*p == end || (**p != 'e' && **p != 'E')) {
        return true;
    }
    (*p)++;
    minus = *p < end && **p == '-';
    *p += *p < end && (**p == '-' || **p == '+');
    if (!digit(*p, end)) {
        return false;
    }
    for (; digit(*p, end) && e < 1000; (*p)++) {
        e = e * 10 + (**p - '0');
    }
    *exponent += minus ? -e : e;
    return true;
}

bool csv_decimal(const struct csv_field *f, int64_t *number, int *exponent)
{
    const char *p = f->p;
    bool minus = *p == '-', point = false, any = false;
    int digits = 0;

    *number = 0;
    *exponent = 0;
    p += *p == '-' || *p == '+';
    for (; digit(p, f->end) || (p < f->end && *p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        if (digits < DIGITS_MAX) {
            *number = *number * 10 + (*p - '0');
            digits += *number != 0;
            *exponent -= point;
        } else {
            *exponent += !point;
        }
    }
    if (!any || !parse_exponent(&p, f->end, exponent) || p != f->end) {
        return false;
    }
    *number = minus ? -*number : *number;
    return true;
}

bool csv_scaled(const struct csv_scale *scale, int64_t number, int exponent, int64_t *out)
{
    int64_t up, down;

    exponent += scale->exponent;
    while (exponent < -EXPONENT_MAX && number != 0) {
        number /= 10;
        exponent++;
    }
    if (number == 0) {
        *out = 0;
        return true;
    }
    if (exponent > EXPONENT_MAX) {
        return false;
    }
    up = exponent > 0 ? hwt_pow10(exponent) : 1;
    down = exponent < 0 ? hwt_pow10(-exponent) : 1;
    return hwt_mul_div(number, scale->counts, down, &number) && hwt_mul_div(number, up, 1, out);
}

#include "daemon/store/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"

enum { DIGITS_MAX = 18, EXPONENT_MAX = 18, SHOWN = 24 };

/* [p, end) of a field; the line goes on behind it. */
struct field {
    const char *p, *end;
};

struct line {
    const char *start, *at, *end;
    bool more; /* another field follows */
};

static int refuse(const struct csv *c, const struct line *l, const char *where,
                  struct csv_error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static int refuse(const struct csv *c, const struct line *l, const char *where,
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

static int shown(const struct field *f)
{
    return f->end - f->p < SHOWN ? (int)(f->end - f->p) : SHOWN;
}

/* The next line that is not empty, without its end; false at the end of the text. */
static bool next_line(struct csv *c, struct line *l)
{
    while (c->at < c->end) {
        const char *nl = memchr(c->at, '\n', (size_t)(c->end - c->at));

        l->start = l->at = c->at;
        l->end = nl != NULL ? nl : c->end;
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

static bool next_field(struct line *l, struct field *f)
{
    const char *comma;

    if (!l->more) {
        return false;
    }
    comma = memchr(l->at, ',', (size_t)(l->end - l->at));
    f->p = l->at;
    f->end = comma != NULL ? comma : l->end;
    l->more = comma != NULL;
    l->at = comma != NULL ? comma + 1 : l->end;
    while (f->p < f->end && f->p[0] == ' ') {
        f->p++;
    }
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

/* number x 10^exponent. Digits beyond the eighteenth are below any resolution and dropped. */
static bool parse_decimal(const struct field *f, int64_t *number, int *exponent)
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

/* Small exponents round to nothing, as they should; large ones must fit. */
static bool to_counts(unsigned quantity, int64_t number, int exponent, int64_t *counts)
{
    while (exponent < -EXPONENT_MAX && number != 0) {
        number /= 10;
        exponent++;
    }
    if (number == 0) {
        *counts = 0;
        return true;
    }
    return exponent <= EXPONENT_MAX &&
           hwt_quantity_from_decimal((enum hwt_quantity)quantity, number, exponent, counts);
}

/* --- the first line --- */

static int add_channel(struct csv *c, const struct line *l, const struct field *f,
                       struct csv_error *error)
{
    struct hwt_channel *channel = &c->channel[c->schema.count];
    size_t n = (size_t)(f->end - f->p);

    if (c->schema.count == HWT_CHANNELS_MAX) {
        return refuse(c, l, f->p, error, "more than %d channels", HWT_CHANNELS_MAX);
    }
    if (n < 1 || n > HWT_ID_MAX) {
        return refuse(c, l, f->p, error, "a channel id of 1 to %d characters is needed",
                      HWT_ID_MAX);
    }
    for (const char *p = f->p; p < f->end; p++) {
        if (!((*p >= 'a' && *p <= 'z') || digit(p, f->end) || *p == '_')) {
            return refuse(c, l, p, error, "a channel id is made of a-z, 0-9 and _");
        }
    }
    memset(channel, 0, sizeof(*channel));
    memcpy(channel->id, f->p, n);
    channel->quantity = (uint8_t)hwt_quantity_of_channel(channel->id);
    if (channel->quantity == HWT_Q_NONE) {
        return refuse(c, l, f->p, error, "'%s' does not end in _ and a quantity", channel->id);
    }
    for (unsigned i = 0; i < c->schema.count; i++) {
        if (strcmp(c->channel[i].id, channel->id) == 0) {
            return refuse(c, l, f->p, error, "channel '%s' twice", channel->id);
        }
    }
    c->schema.count++;
    return 0;
}

int csv_open(struct csv *c, const char *text, size_t n, struct csv_error *error_out)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* UTF-8 byte order mark */
    struct line l = {.start = text};
    struct field f;
    int err = 0;

    memset(c, 0, sizeof(*c));
    c->begin = c->at = text;
    c->end = text + n;
    c->unix_ms = HWT_TIME_UNKNOWN;
    c->schema.channel = c->channel;
    if (n >= 3 && memcmp(text, mark, 3) == 0) {
        c->at += 3;
    }
    if (!next_line(c, &l)) {
        c->line = 1;
        return refuse(c, &l, l.start, error_out, "empty: a line time,CHANNEL,... is needed");
    }
    if (!next_field(&l, &f) || f.end - f.p != 4 || memcmp(f.p, "time", 4) != 0) {
        return refuse(c, &l, l.start, error_out, "the first column must be 'time'");
    }
    while (err == 0 && next_field(&l, &f)) {
        err = add_channel(c, &l, &f, error_out);
    }
    if (err == 0 && c->schema.count == 0) {
        return refuse(c, &l, l.start, error_out, "no channel");
    }
    return err;
}

/* --- rows --- */

static int parse_time(struct csv *c, const struct line *l, const struct field *f,
                      struct csv_error *error)
{
    static const int64_t limit_ms = INT64_C(1) << 53;
    int64_t number;
    int exponent;

    if (f->p == f->end || !parse_decimal(f, &number, &exponent) || exponent != 0 ||
        number > limit_ms || number < -limit_ms) {
        return refuse(c, l, f->p, error, "'%.*s' is no time: unix milliseconds are needed",
                      shown(f), f->p);
    }
    if (c->unix_ms != HWT_TIME_UNKNOWN && number <= c->unix_ms) {
        return refuse(c, l, f->p, error, "time %lld does not rise", (long long)number);
    }
    c->unix_ms = number;
    return 0;
}

static int parse_value(struct csv *c, const struct line *l, const struct field *f, unsigned i,
                       struct csv_error *error)
{
    struct hwt_value *v = &c->value[i];
    int64_t number;
    int exponent;

    *v = (struct hwt_value){.quality = HWT_QUALITY_MISSING};
    if (f->p == f->end) {
        return 0;
    }
    if (!parse_decimal(f, &number, &exponent)) {
        return refuse(c, l, f->p, error, "'%.*s' is no number (%s)", shown(f), f->p,
                      c->channel[i].id);
    }
    if (!to_counts(c->channel[i].quantity, number, exponent, &v->v)) {
        return refuse(c, l, f->p, error, "%.*s is too large for %s", shown(f), f->p,
                      c->channel[i].id);
    }
    v->quality = HWT_QUALITY_GOOD;
    return 0;
}

int csv_next(struct csv *c, struct csv_error *error_out)
{
    struct line l;
    struct field f;
    int err;

    if (!next_line(c, &l)) {
        return 0;
    }
    (void)next_field(&l, &f);
    err = parse_time(c, &l, &f, error_out);
    for (unsigned i = 0; err == 0 && i < c->schema.count; i++) {
        err = next_field(&l, &f)
                  ? parse_value(c, &l, &f, i, error_out)
                  : refuse(c, &l, l.end, error_out, "%u values, not %u", i, c->schema.count);
    }
    if (err == 0 && next_field(&l, &f)) {
        return refuse(c, &l, f.p, error_out, "more values than the %u channels", c->schema.count);
    }
    c->rows += err == 0;
    return err == 0 ? 1 : err;
}

#include "daemon/base/zone_rule.h"

#include <string.h>

#include "daemon/base/calendar.h"

enum { DAY_S = 86400 };

/* --- parsing --- */

struct text {
    const char *p, *end;
};

static bool take(struct text *t, char c)
{
    if (t->p < t->end && *t->p == c) {
        t->p++;
        return true;
    }
    return false;
}

static bool is_digit(const struct text *t)
{
    return t->p < t->end && *t->p >= '0' && *t->p <= '9';
}

static bool number(struct text *t, int32_t min, int32_t max, int32_t *out)
{
    int32_t v = 0;

    if (!is_digit(t)) {
        return false;
    }
    while (is_digit(t)) {
        v = v * 10 + (*t->p++ - '0');
        if (v > max) {
            return false;
        }
    }
    *out = v;
    return v >= min;
}

/* "CET" or "<+0330>" */
static bool name(struct text *t)
{
    const char *from;
    bool quoted = take(t, '<');

    from = t->p;
    while (t->p < t->end && (((*t->p | 0x20) >= 'a' && (*t->p | 0x20) <= 'z') ||
                             (quoted && (is_digit(t) || *t->p == '+' || *t->p == '-')))) {
        t->p++;
    }
    return t->p - from >= 3 && (!quoted || take(t, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(struct text *t, int32_t hours_max, int32_t *out_s)
{
    bool negative = take(t, '-');
    int32_t h, m = 0, s = 0;

    if (!negative) {
        (void)take(t, '+');
    }
    if (!number(t, 0, hours_max, &h) || (take(t, ':') && !number(t, 0, 59, &m)) ||
        (take(t, ':') && !number(t, 0, 59, &s))) {
        return false;
    }
    *out_s = h * 3600 + m * 60 + s;
    *out_s = negative ? -*out_s : *out_s;
    return true;
}

static bool change(struct text *t, struct zone_change *out)
{
    int32_t a = 0, b = 0, c = 0;

    if (take(t, 'M')) {
        out->kind = ZONE_DAY_OF_WEEK;
        if (!number(t, 1, 12, &a) || !take(t, '.') || !number(t, 1, 5, &b) || !take(t, '.') ||
            !number(t, 0, 6, &c)) {
            return false;
        }
        out->month = (uint8_t)a;
        out->week = (uint8_t)b;
        out->weekday = (uint8_t)c;
    } else {
        out->kind = take(t, 'J') ? ZONE_DAY_JULIAN : ZONE_DAY_OF_YEAR;
        if (!number(t, out->kind == ZONE_DAY_JULIAN ? 1 : 0, 365, &a)) {
            return false;
        }
        out->day = (uint16_t)a;
    }
    out->time_s = 2 * 3600;
    return !take(t, '/') || clock_time(t, 167, &out->time_s);
}

int zone_rule_parse(struct zone_rule *rule_out, const char *p, size_t n)
{
    struct text t = {p, p + n};
    struct zone_rule r = {0};
    int32_t west;

    if (!name(&t) || !clock_time(&t, 24, &west)) {
        return HWT_ERR_SANITY;
    }
    r.std_s = -west;
    if (t.p < t.end) {
        r.has_dst = true;
        if (!name(&t)) {
            return HWT_ERR_SANITY;
        }
        r.dst_s = r.std_s + 3600;
        if (t.p < t.end && *t.p != ',') {
            if (!clock_time(&t, 24, &west)) {
                return HWT_ERR_SANITY;
            }
            r.dst_s = -west;
        }
        if (!take(&t, ',') || !change(&t, &r.start) || !take(&t, ',') || !change(&t, &r.end)) {
            return HWT_ERR_SANITY;
        }
    }
    if (t.p != t.end) {
        return HWT_ERR_SANITY;
    }
    *rule_out = r;
    return 0;
}

/* --- telling the offset --- */

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day of the change in a year, since 1970-01-01. */
static int64_t day_of(const struct zone_change *c, int32_t year)
{
    int64_t first = calendar_days_of((struct calendar_date){year, 1, 1});
    int64_t day, next;

    switch ((enum zone_day_kind)c->kind) {
    case ZONE_DAY_JULIAN:
        return first + c->day - 1 + (is_leap(year) && c->day >= 60);
    case ZONE_DAY_OF_YEAR:
        return first + c->day;
    case ZONE_DAY_OF_WEEK:
        break;
    }
    first = calendar_days_of((struct calendar_date){year, c->month, 1});
    next = c->month == 12
               ? calendar_days_of((struct calendar_date){year + 1, 1, 1})
               : calendar_days_of((struct calendar_date){year, (uint8_t)(c->month + 1), 1});
    day = first + (c->weekday + 7 - (first + 4) % 7) % 7; /* 1970-01-01 was a Thursday */
    day += 7 * (c->week - 1);
    return day >= next ? day - 7 : day;
}

static int64_t start_s(const struct zone_rule *r, int32_t year)
{
    return day_of(&r->start, year) * DAY_S + r->start.time_s - r->std_s;
}

static int64_t end_s(const struct zone_rule *r, int32_t year)
{
    return day_of(&r->end, year) * DAY_S + r->end.time_s - r->dst_s;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t unix_s, int64_t *until_s_out)
{
    int32_t year = calendar_date_of(floor_div(unix_s, DAY_S)).year;
    int64_t last = INT64_MIN, next = INT64_MAX;
    bool dst = false;

    if (!rule->has_dst) {
        *until_s_out = INT64_MAX;
        return rule->std_s;
    }
    /* The last change at or before the instant decides; of an end and a start at once the start
     * does, so that a rule can say "all the year". */
    for (int32_t y = year - 2; y <= year + 2; y++) {
        int64_t end = end_s(rule, y), start = start_s(rule, y);

        if (end <= unix_s && end > last) {
            last = end;
            dst = false;
        }
        next = end > unix_s && end < next ? end : next;
        if (start <= unix_s && start >= last) {
            last = start;
            dst = true;
        }
        next = start > unix_s && start < next ? start : next;
    }
    *until_s_out = next;
    return dst ? rule->dst_s : rule->std_s;
}

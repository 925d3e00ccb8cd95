#include "daemon/base/time_text.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/calendar.h"

#define DAY_MS INT64_C(86400000)

/* What is left of the text. */
struct rest {
    const char *p, *end;
};

static bool digit(const struct rest *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static bool take(struct rest *r, char c)
{
    if (r->p < r->end && *r->p == c) {
        r->p++;
        return true;
    }
    return false;
}

/* Exactly n digits, their number in [min, max]. */
static bool number(struct rest *r, int n, int min, int max, int *out)
{
    *out = 0;
    for (; n > 0; n--) {
        if (!digit(r)) {
            return false;
        }
        *out = *out * 10 + (*r->p++ - '0');
    }
    return *out >= min && *out <= max;
}

/* --- ISO 8601 --- */

static bool date(struct rest *r, int64_t *ms)
{
    int year, month, day;
    int64_t days;

    if (!number(r, 4, 1, 9999, &year) || !take(r, '-') || !number(r, 2, 1, 12, &month) ||
        !take(r, '-') || !number(r, 2, 1, 31, &day)) {
        return false;
    }
    days = calendar_days_of((struct calendar_date){year, (uint8_t)month, (uint8_t)day});
    *ms = days * DAY_MS;
    return calendar_date_of(days).day == day; /* no 30 February */
}

/* Digits beyond the third are below any record's resolution and dropped. */
static bool fraction(struct rest *r, int64_t *ms)
{
    int64_t weight = 100;

    if (!digit(r)) {
        return false;
    }
    for (; digit(r); r->p++) {
        *ms += (*r->p - '0') * weight;
        weight /= 10;
    }
    return true;
}

static bool clock_time(struct rest *r, int64_t *ms)
{
    int hour, minute, second = 0;

    if (!number(r, 2, 0, 23, &hour) || !take(r, ':') || !number(r, 2, 0, 59, &minute)) {
        return false;
    }
    if (take(r, ':') && !number(r, 2, 0, 59, &second)) {
        return false;
    }
    *ms += ((hour * 60 + minute) * 60 + second) * INT64_C(1000);
    return !take(r, '.') || fraction(r, ms);
}

static bool offset(struct rest *r, int64_t *ms)
{
    bool west = r->p < r->end && *r->p == '-';
    int hour, minute = 0;

    *ms = 0;
    if (take(r, 'Z') || take(r, 'z')) {
        return true;
    }
    if ((!take(r, '+') && !take(r, '-')) || !number(r, 2, 0, 23, &hour)) {
        return false;
    }
    if ((take(r, ':') || digit(r)) && !number(r, 2, 0, 59, &minute)) {
        return false;
    }
    *ms = (hour * 60 + minute) * (west ? INT64_C(-60000) : INT64_C(60000));
    return true;
}

bool time_text_iso(const char *p, size_t n, int64_t *ms_out, bool *zoned_out)
{
    struct rest r = {p, p + n};
    int64_t ms, east = 0;
    bool zoned = false;

    if (!date(&r, &ms)) {
        return false;
    }
    if (take(&r, 'T') || take(&r, 't') || take(&r, ' ')) {
        if (!clock_time(&r, &ms)) {
            return false;
        }
        zoned = r.p < r.end;
        if (zoned && !offset(&r, &east)) {
            return false;
        }
    }
    if (r.p != r.end) {
        return false;
    }
    *ms_out = ms - east;
    *zoned_out = zoned;
    return true;
}

bool time_text_offset(const char *text, int64_t *offset_ms_out)
{
    struct rest r = {text, text + strlen(text)};

    if (strcmp(text, "UTC") == 0) {
        *offset_ms_out = 0;
        return true;
    }
    return offset(&r, offset_ms_out) && r.p == r.end;
}

/* --- numbers and lengths --- */

/* A run of digits, at most 15 of them: about 31 000 years of ms. */
static bool whole(struct rest *r, int64_t *out)
{
    int n = 0;

    for (*out = 0; digit(r) && n < 16; n++) {
        *out = *out * 10 + (*r->p++ - '0');
    }
    return n > 0 && n < 16;
}

static bool length(struct rest *r, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"", 1},        {"ms", 1},     {"s", 1000},       {"m", 60000},
        {"h", 3600000}, {"d", DAY_MS}, {"w", 7 * DAY_MS},
    };
    size_t n;

    if (!whole(r, ms)) {
        return false;
    }
    n = (size_t)(r->end - r->p);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i].name) == n && memcmp(units[i].name, r->p, n) == 0) {
            bool ok = *ms > 0 && *ms <= 10000 * 366 * DAY_MS / units[i].ms;

            *ms = ok ? *ms * units[i].ms : 0;
            return ok;
        }
    }
    return false;
}

bool time_text_length(const char *text, int64_t *ms_out)
{
    struct rest r = {text, text + strlen(text)};
    int64_t ms;

    if (!length(&r, &ms)) {
        return false;
    }
    *ms_out = ms;
    return true;
}

/* "-7d", "+1h", ""; a letter is needed, for -7 alone is a unix time. */
static bool shift(struct rest r, int64_t now_ms, int64_t *out)
{
    bool back = r.p < r.end && *r.p == '-';
    int64_t ms = 0;

    if (r.p < r.end && ((!take(&r, '-') && !take(&r, '+')) ||
                        (r.end[-1] >= '0' && r.end[-1] <= '9') || !length(&r, &ms))) {
        return false;
    }
    *out = back ? now_ms - ms : now_ms + ms;
    return true;
}

bool time_text_instant(const char *text, int64_t now_ms, time_text_zone zone, void *ctx,
                       int64_t *ms_out)
{
    size_t n = strlen(text);
    struct rest r = {text, text + n};
    bool zoned;
    int64_t ms;

    if (strncmp(text, "now", 3) == 0) {
        return shift((struct rest){text + 3, text + n}, now_ms, ms_out);
    }
    if (n > 0 && (text[0] == '-' || text[0] == '+') && shift(r, now_ms, ms_out)) {
        return true;
    }
    if (time_text_iso(text, n, &ms, &zoned)) {
        if (!zoned && zone == NULL) {
            return false;
        }
        *ms_out = zoned ? ms : zone(ctx, ms, INT64_MIN);
        return true;
    }
    zoned = take(&r, '-'); /* before 1970 */
    if (!whole(&r, &ms) || r.p != r.end) {
        return false;
    }
    *ms_out = zoned ? -ms : ms;
    return true;
}

char *time_text_print(int64_t unix_ms, char out[TIME_TEXT_MAX])
{
    static const int64_t year_1 = INT64_C(-62135596800000), year_10000 = INT64_C(253402300800000);
    char text[CALENDAR_TEXT_MAX];
    size_t n;

    if (unix_ms < year_1 || unix_ms >= year_10000) {
        snprintf(out, TIME_TEXT_MAX, "%lld", (long long)unix_ms);
        return out;
    }
    n = calendar_text(text, unix_ms, 0) - strlen("+00:00");
    snprintf(out, TIME_TEXT_MAX, "%.*sZ", (int)n, text);
    return out;
}

#include "daemon/store/journal_line.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/quantity.h"

/* --- writing --------------------------------------------------------------------------------- */

static void put_text(struct hwt_json *j, const char *key, const char *s)
{
    hwt_json_string(j, key, s[0] != '\0' ? s : NULL);
}

static void put_numbers(struct hwt_json *j, const struct journal_entry *e)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(e->quantity);

    if (info == NULL) {
        hwt_json_null(j, "unit");
        hwt_json_null(j, "before");
        hwt_json_null(j, "after");
        hwt_json_null(j, "offset");
        hwt_json_null(j, "offset_counts");
        return;
    }
    hwt_json_string(j, "unit", info->unit);
    hwt_json_scaled(j, "before", e->before, info->per_unit, info->digits);
    hwt_json_scaled(j, "after", e->after, info->per_unit, info->digits);
    hwt_json_scaled(j, "offset", e->offset, info->per_unit, info->digits);
    hwt_json_int(j, "offset_counts", e->offset);
}

size_t journal_line_write(const struct journal_entry *e, char out[JOURNAL_LINE_MAX])
{
    struct hwt_json j;

    hwt_json_init(&j, out, JOURNAL_LINE_MAX - 1);
    hwt_json_object(&j, NULL);
    hwt_json_uint(&j, "seq", e->seq);
    if (e->unix_ms == HWT_TIME_UNKNOWN) {
        hwt_json_null(&j, "time");
    } else {
        hwt_json_int(&j, "time", e->unix_ms);
    }
    hwt_json_string(&j, "kind", e->kind);
    put_text(&j, "source", e->source);
    put_text(&j, "feed", e->feed);
    put_text(&j, "channel", e->channel);
    put_text(&j, "meter", e->meter);
    put_numbers(&j, e);
    hwt_json_string(&j, "text", e->text);
    hwt_json_end_object(&j);
    out[j.at] = '\n';
    return j.at + 1;
}

/* --- reading --------------------------------------------------------------------------------- */

struct scan {
    const char *p, *end;
};

static bool take(struct scan *s, const char *literal)
{
    size_t n = strlen(literal);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, literal, n) != 0) {
        return false;
    }
    s->p += n;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* An escape behind its backslash, as hwt_json_string writes them. */
static bool take_escape(struct scan *s, char *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *at;
    int high, low;

    if (s->end - s->p < 1) {
        return false;
    }
    at = *s->p != '\0' ? strchr(names, *s->p) : NULL;
    if (at != NULL) {
        *out = values[at - names];
        s->p++;
        return true;
    }
    if (s->end - s->p < 5 || memcmp(s->p, "u00", 3) != 0) {
        return false;
    }
    high = hex_digit(s->p[3]);
    low = hex_digit(s->p[4]);
    *out = (char)(high * 16 + low);
    s->p += 5;
    return high >= 0 && low >= 0 && *out != '\0';
}

/* A string, or null as "". False: it is neither, or does not fit. */
static bool take_text(struct scan *s, char *out, size_t n)
{
    size_t at = 0;

    out[0] = '\0';
    if (take(s, "null")) {
        return true;
    }
    if (!take(s, "\"")) {
        return false;
    }
    while (s->p < s->end && *s->p != '"') {
        char c = *s->p++;

        if ((unsigned char)c < 0x20 || at + 1 >= n || (c == '\\' && !take_escape(s, &c))) {
            return false;
        }
        out[at++] = c;
    }
    out[at] = '\0';
    return take(s, "\"");
}

/* A whole number, or null as `none`. */
static bool take_int(struct scan *s, int64_t none, int64_t *out)
{
    bool negative = take(s, "-");
    const char *start = s->p;
    int64_t v = 0;

    if (!negative && take(s, "null")) {
        *out = none;
        return true;
    }
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, *s->p - '0', &v)) {
            return false;
        }
    }
    if (s->p == start || (!negative && v == INT64_MIN)) {
        return false;
    }
    *out = negative ? v : -v;
    return true;
}

/* A number that nobody reads back. */
static bool pass_number(struct scan *s)
{
    const char *start = s->p;

    if (take(s, "null")) {
        return true;
    }
    while (s->p < s->end && strchr("-.0123456789", *s->p) != NULL && *s->p != '\0') {
        s->p++;
    }
    return s->p > start;
}

bool journal_line_read(const char *p, size_t n, struct journal_entry *out)
{
    struct journal_entry e = {.quantity = HWT_Q_NONE};
    struct scan s = {p, p + n};
    char unit[8];
    int64_t seq;

    if (!take(&s, "{\"seq\":") || !take_int(&s, 0, &seq) || seq < 0 || !take(&s, ",\"time\":") ||
        !take_int(&s, HWT_TIME_UNKNOWN, &e.unix_ms) || !take(&s, ",\"kind\":") ||
        !take_text(&s, e.kind, sizeof(e.kind)) || !take(&s, ",\"source\":") ||
        !take_text(&s, e.source, sizeof(e.source)) || !take(&s, ",\"feed\":") ||
        !take_text(&s, e.feed, sizeof(e.feed)) || !take(&s, ",\"channel\":") ||
        !take_text(&s, e.channel, sizeof(e.channel)) || !take(&s, ",\"meter\":") ||
        !take_text(&s, e.meter, sizeof(e.meter)) || !take(&s, ",\"unit\":") ||
        !take_text(&s, unit, sizeof(unit)) || !take(&s, ",\"before\":") || !pass_number(&s) ||
        !take(&s, ",\"after\":") || !pass_number(&s) || !take(&s, ",\"offset\":") ||
        !pass_number(&s) || !take(&s, ",\"offset_counts\":") || !take_int(&s, 0, &e.offset) ||
        !take(&s, ",\"text\":") || !take_text(&s, e.text, sizeof(e.text)) || !take(&s, "}") ||
        s.p != s.end) {
        return false;
    }
    e.seq = (uint64_t)seq;
    e.quantity = unit[0] != '\0' ? (uint8_t)hwt_quantity_of_channel(e.channel) : HWT_Q_NONE;
    *out = e;
    return true;
}

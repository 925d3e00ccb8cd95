#include "core/wire/emon.h"

#include <string.h>

#include "core/wire/emon_layout.h"

enum { OCTETS_MAX = 64 };

struct text {
    const char *p;
    size_t n, at;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static char peek(const struct text *t)
{
    return t->at < t->n ? t->p[t->at] : '\0';
}

static bool take(struct text *t, char c)
{
    if (peek(t) != c) {
        return false;
    }
    t->at++;
    return true;
}

static void skip_blanks(struct text *t)
{
    while (peek(t) == ' ' || peek(t) == '\t') {
        t->at++;
    }
}

/* "-12.3456" in thousandths, cut off; at most 15 digits before the point. */
static bool decimal(struct text *t, int64_t *milli_out)
{
    bool minus = take(t, '-');
    int64_t v = 0;
    unsigned digits = 0, places = 0;

    for (; is_digit(peek(t)) && digits < 15; digits++) {
        v = v * 10 + (t->p[t->at++] - '0');
    }
    if (digits == 0 || is_digit(peek(t))) {
        return false;
    }
    if (take(t, '.')) {
        if (!is_digit(peek(t))) {
            return false;
        }
        for (; is_digit(peek(t)); t->at++) {
            if (places < 3) {
                v = v * 10 + (t->p[t->at] - '0');
                places++;
            }
        }
    }
    for (; places < 3; places++) {
        v *= 10;
    }
    *milli_out = minus ? -v : v;
    return true;
}

static int add(struct hwt_emon_message *m, const char *name, size_t n, int64_t milli)
{
    struct hwt_emon_value *v = &m->value[m->count];

    if (m->count == HWT_EMON_VALUES_MAX) {
        return HWT_ERR_SPACE;
    }
    if (n < 1 || n > HWT_EMON_NAME_MAX) {
        return HWT_ERR_SANITY;
    }
    memcpy(v->name, name, n);
    v->name[n] = '\0';
    v->milli = milli;
    v->missing = false;
    m->count++;
    return 0;
}

static size_t name_length(const struct text *t)
{
    size_t n = 0;

    while (t->at + n < t->n && is_name(t->p[t->at + n])) {
        n++;
    }
    return n;
}

/* --- pairs --- */

/* "ct1:P1:500": some firmware puts the input before the name. */
static int one_pair(struct text *t, struct hwt_emon_message *m)
{
    for (;;) {
        size_t n = name_length(t), name_at = t->at;
        int64_t milli;

        t->at += n;
        if (n == 0 || !take(t, ':')) {
            return HWT_ERR_SANITY;
        }
        skip_blanks(t);
        if (is_digit(peek(t)) || peek(t) == '-') {
            return decimal(t, &milli) ? add(m, t->p + name_at, n, milli) : HWT_ERR_SANITY;
        }
    }
}

static int pairs(struct text *t, struct hwt_emon_message *m)
{
    int err;

    do {
        skip_blanks(t);
        err = one_pair(t, m);
        skip_blanks(t);
    } while (err == 0 && take(t, ','));
    return err != 0 ? err : t->at == t->n ? 0 : HWT_ERR_SANITY;
}

/* --- JSON: one object of numbers; null says that there is none --- */

static bool take_null(struct text *t)
{
    static const char word[] = "null";

    if (t->n - t->at < sizeof(word) - 1 || memcmp(t->p + t->at, word, sizeof(word) - 1) != 0) {
        return false;
    }
    t->at += sizeof(word) - 1;
    return true;
}

static int one_member(struct text *t, struct hwt_emon_message *m)
{
    size_t n, name_at;
    int64_t milli;

    skip_blanks(t);
    if (!take(t, '"')) {
        return HWT_ERR_SANITY;
    }
    n = name_length(t);
    name_at = t->at;
    t->at += n;
    if (!take(t, '"')) {
        return HWT_ERR_SANITY;
    }
    skip_blanks(t);
    if (!take(t, ':')) {
        return HWT_ERR_SANITY;
    }
    skip_blanks(t);
    if (take_null(t)) {
        int err = add(m, t->p + name_at, n, 0);

        if (err == 0) {
            m->value[m->count - 1].missing = true;
        }
        return err;
    }
    return decimal(t, &milli) ? add(m, t->p + name_at, n, milli) : HWT_ERR_SANITY;
}

static int json(struct text *t, struct hwt_emon_message *m)
{
    int err;

    t->at++; /* the brace */
    do {
        err = one_member(t, m);
        skip_blanks(t);
    } while (err == 0 && take(t, ','));
    if (err == 0 && !take(t, '}')) {
        err = HWT_ERR_SANITY;
    }
    skip_blanks(t);
    return err != 0 ? err : t->at == t->n ? 0 : HWT_ERR_SANITY;
}

/* --- radio --- */

/* A whole number of 0 … most. */
static bool small_number(struct text *t, int most, int *out)
{
    int v = 0;
    unsigned digits = 0;

    skip_blanks(t);
    for (; is_digit(peek(t)) && digits < 4; digits++) {
        v = v * 10 + (t->p[t->at++] - '0');
    }
    *out = v;
    return digits > 0 && v <= most && (peek(t) == ' ' || peek(t) == '\0' || peek(t) == ')');
}

static bool signal_strength(struct text *t, int *rssi_out)
{
    bool minus, good;

    t->at++; /* the parenthesis */
    minus = take(t, '-');
    good = small_number(t, 200, rssi_out) && take(t, ')');
    *rssi_out = minus ? -*rssi_out : *rssi_out;
    return good;
}

static int radio(struct text *t, const char *layout, struct hwt_emon_message *m)
{
    uint8_t octets[OCTETS_MAX];
    size_t n = 0;

    if (!small_number(t, 255, &m->node)) {
        return HWT_ERR_SANITY;
    }
    for (;;) {
        int v;

        skip_blanks(t);
        if (peek(t) == '\0' || peek(t) == '(') {
            break;
        }
        if (!small_number(t, 255, &v)) {
            return HWT_ERR_SANITY;
        }
        if (n == OCTETS_MAX) {
            return HWT_ERR_LENGTH;
        }
        octets[n++] = (uint8_t)v;
    }
    if (peek(t) == '(' && !signal_strength(t, &m->rssi)) {
        return HWT_ERR_SANITY;
    }
    skip_blanks(t);
    if (t->at != t->n) {
        return HWT_ERR_SANITY;
    }
    return hwt_emon_octets(m->node, octets, n, layout, m);
}

/* --- which kind --- */

static bool begins(const struct text *t, const char *with)
{
    size_t n = strlen(with);

    return t->n - t->at >= n && memcmp(t->p + t->at, with, n) == 0;
}

/* "|", ">" and other signs begin what is for people; their settings have a blank behind the colon.
 */
static bool looks_like_pairs(const struct text *t)
{
    size_t n = name_length(t);

    return n > 0 && t->at + n < t->n && t->p[t->at + n] == ':' && t->at + n + 1 < t->n &&
           t->p[t->at + n + 1] != ' ';
}

int hwt_emon_line(const char *line, size_t n, const char *layout,
                  struct hwt_emon_message *message_out, size_t *at_out)
{
    struct text t = {line, n, 0};
    int err;

    message_out->node = HWT_EMON_NODE_NONE;
    message_out->rssi = 0;
    message_out->count = 0;
    *at_out = 0;
    if (n > HWT_EMON_LINE_MAX) {
        return HWT_ERR_LENGTH;
    }
    while (t.n > 0 && (line[t.n - 1] == '\r' || line[t.n - 1] == '\n' || line[t.n - 1] == ' ')) {
        t.n--;
    }
    skip_blanks(&t);
    if (peek(&t) == '{') {
        err = json(&t, message_out);
    } else if (begins(&t, "OK ")) {
        t.at += 3;
        err = radio(&t, layout, message_out);
    } else if (looks_like_pairs(&t)) {
        err = pairs(&t, message_out);
    } else {
        err = HWT_ERR_NOT_MINE;
    }
    *at_out = t.at;
    return err;
}

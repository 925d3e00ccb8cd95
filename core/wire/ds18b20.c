#include "core/wire/ds18b20.h"

#include <string.h>

enum {
    OCTETS = 9,
    POWER_UP_MDEGC = 85000,
    DISCONNECTED_MDEGC = -127000,
    LEAST_MDEGC = -55000,
    MOST_MDEGC = 125000,
    NEAR_MDEGC = 5000, /* a neighbour agrees with 85 degC if it is so near */
    MDEGC_DIGITS = 6   /* -127000 */
};

#define NEAR_US INT64_C(600000000)

void hwt_ds18b20_init(struct hwt_ds18b20 *s)
{
    *s = (struct hwt_ds18b20){0};
}

struct text {
    const char *p;
    size_t n;
};

/* Takes `word` from the front. */
static bool skip(struct text *t, const char *word)
{
    size_t n = strlen(word);

    if (t->n < n || memcmp(t->p, word, n) != 0) {
        return false;
    }
    t->p += n;
    t->n -= n;
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Nine octets with a blank behind each; any: one of them is not 0. */
static bool octets(struct text *t, bool *any)
{
    *any = false;
    for (int i = 0; i < OCTETS; i++, t->p += 3, t->n -= 3) {
        if (t->n < 3 || digit_of(t->p[0]) < 0 || digit_of(t->p[1]) < 0 || t->p[2] != ' ') {
            return false;
        }
        *any |= t->p[0] != '0' || t->p[1] != '0';
    }
    return true;
}

static bool number(struct text *t, int32_t *out)
{
    bool minus = skip(t, "-");
    int32_t x = 0;
    int digits = 0;

    for (; t->n > 0 && t->p[0] >= '0' && t->p[0] <= '9'; t->p++, t->n--, digits++) {
        if (digits == MDEGC_DIGITS) {
            return false;
        }
        x = 10 * x + (t->p[0] - '0');
    }
    *out = minus ? -x : x;
    return digits > 0;
}

static enum hwt_ds18b20_verdict parse(struct text t, int32_t *mdegc_out)
{
    bool any, again, right;

    if (!octets(&t, &any) || !skip(&t, ": crc=") || t.n < 3) {
        return HWT_DS18B20_TEXT;
    }
    t.p += 2; /* the sum as two digits */
    t.n -= 2;
    right = skip(&t, " YES\n");
    if (!right) {
        return skip(&t, " NO\n") ? HWT_DS18B20_CRC : HWT_DS18B20_TEXT;
    }
    if (!octets(&t, &again) || !skip(&t, "t=") || !number(&t, mdegc_out) || !skip(&t, "\n")) {
        return HWT_DS18B20_TEXT;
    }
    return any ? HWT_DS18B20_GOOD : HWT_DS18B20_ZEROS;
}

static enum hwt_ds18b20_verdict judge(const struct hwt_ds18b20 *s, int32_t mdegc, int64_t at_us)
{
    if (mdegc == DISCONNECTED_MDEGC) {
        return HWT_DS18B20_DISCONNECTED;
    }
    if (mdegc < LEAST_MDEGC || mdegc > MOST_MDEGC) {
        return HWT_DS18B20_RANGE;
    }
    if (mdegc == POWER_UP_MDEGC &&
        !(s->any && at_us - s->at_us <= NEAR_US && s->mdegc >= POWER_UP_MDEGC - NEAR_MDEGC &&
          s->mdegc <= POWER_UP_MDEGC + NEAR_MDEGC)) {
        return HWT_DS18B20_POWER_UP;
    }
    return HWT_DS18B20_GOOD;
}

enum hwt_ds18b20_verdict hwt_ds18b20_take(struct hwt_ds18b20 *s, const char *text, size_t n,
                                          int64_t at_us, int32_t *mdegc_out)
{
    int32_t mdegc;
    enum hwt_ds18b20_verdict verdict = parse((struct text){text, n}, &mdegc);

    if (verdict == HWT_DS18B20_GOOD) {
        verdict = judge(s, mdegc, at_us);
    }
    if (verdict == HWT_DS18B20_GOOD) {
        *s = (struct hwt_ds18b20){true, mdegc, at_us};
        *mdegc_out = mdegc;
    }
    return verdict;
}

const char *hwt_ds18b20_verdict_name(enum hwt_ds18b20_verdict verdict)
{
    static const char *const names[HWT_DS18B20_VERDICTS] = {
        [HWT_DS18B20_GOOD] = "good",
        [HWT_DS18B20_TEXT] = "TEXT",
        [HWT_DS18B20_CRC] = "CRC",
        [HWT_DS18B20_ZEROS] = "ZEROS",
        [HWT_DS18B20_DISCONNECTED] = "DISCONNECTED",
        [HWT_DS18B20_RANGE] = "RANGE",
        [HWT_DS18B20_POWER_UP] = "POWER_UP",
    };

    return (unsigned)verdict < HWT_DS18B20_VERDICTS ? names[verdict] : "?";
}

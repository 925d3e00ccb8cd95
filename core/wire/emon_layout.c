#include "core/wire/emon_layout.h"

#include <string.h>

/*
 * A layout is a text: fields separated by blanks, each NAMES=TYPE[xTHOUSANDTHS]. Types: h and H of
 * two octets, l and L of four, small letters signed, lowest octet first. "P1-4" are four fields. t:
 * a temperature, h in hundredths, with codes for none; e: the same in tenths.
 */
struct layout {
    const char *name;
    int8_t first_node, last_node;
    uint8_t octets;
    bool mixed; /* each octet XOR 0x55, by older firmware */
    const char *fields;
};

/* clang-format off */
static const struct layout layouts[] = {
    {"emonpi",              5,  5, 24, false, "power1-2=h power1pluspower2=h Vrms=hx10 T1-6=e pulsecount=L"},
    {"emonpi_cm",           5,  5, 40, false, "Msg=L power1-2=h power1pluspower2=h Vrms=hx10 T1-6=t pulse1count=L pulse2count=L E1-2=l"},
    {"emontxshield",        6,  6, 10, false, "power1-4=h Vrms=hx10"},
    {"emontx3_discreet",    7, 10, 26, false, "power1-4=h Vrms=hx10 temp1-6=e pulse=L"},
    {"emontx3_3phase",     11, 14, 26, false, "powerL1-3=h power4=h Vrms=hx10 temp1-6=t pulse=L"},
    {"emontx3_cm",         15, 16, 40, true,  "MSG=L Vrms=hx10 P1-4=h E1-4=l T1-3=t pulse=L"},
    {"emontx3_cm_rf69n",   15, 16, 40, false, "MSG=L Vrms=hx10 P1-4=h E1-4=l T1-3=t pulse=L"},
    {"emontx4",            17, 18, 52, false, "MSG=L Vrms=hx10 P1-6=h E1-6=l T1-3=t pulse=L"},
    {"emontx4_analog",     17, 18, 54, false, "MSG=L Vrms=hx10 P1-6=h E1-6=l T1-3=t pulse=L analog=h"},
    {"emontx6_3phase",     17, 18, 46, false, "MSG=L Vrms1-3=hx10 P1-6=h E1-6=l"},
    {"emontx6_temp_pulse", 18, 18, 32, false, "MSG=L T1-8=t pulse1-3=L"},
    {"emonth1",            19, 22,  8, false, "temperature=e external_temperature=e humidity=hx100 battery=hx100"},
    {"emonth2",            23, 26, 12, false, "temperature=e external_temperature=e humidity=hx100 battery=hx100 pulsecount=L"},
    {"emontx4_3phase",     27, 27, 50, false, "MSG=L V1-3=hx10 P1-6=h E1-6=l pulse=L"},
    {"emondb_6ct_1phase",  27, 27, 46, false, "MSG=L V1=hx10 P1-6=h E1-6=l pulse=L"},
    {"emontx4db_rf1",      28, 28, 52, false, "MSG=L Vrms1-3=hx10 P1-6=h E1-6=l pulse=L analog=H"},
    {"emontx4db_rf2",      29, 29, 52, false, "MSG=L Vrms2-3=hx10 P7-12=h E7-12=l digPulse=L anaPulse=L"},
};
/* clang-format on */

enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]), MIX = 0x55, OCTETS_MAX = 64 };

enum { VRMS_LEAST = 50000, VRMS_MOST = 350000 }; /* thousandths of V */

const char *hwt_emon_layout(unsigned i)
{
    return i < LAYOUTS ? layouts[i].name : NULL;
}

/* --- one field --- */

struct field {
    const char *name;
    size_t name_length;
    unsigned first, last; /* numbers behind the name; last 0: none */
    char type;
    unsigned scale; /* thousandths for a count */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static unsigned number(const char **at)
{
    unsigned v = 0;

    while (is_digit(**at)) {
        v = v * 10 + (unsigned)(*(*at)++ - '0');
    }
    return v;
}

/* The next field; false at the end. The texts above are well formed: a test takes all apart. */
static bool next_field(const char **at, struct field *f)
{
    const char *p = *at, *dash;

    while (*p == ' ') {
        p++;
    }
    if (*p == '\0') {
        return false;
    }
    *f = (struct field){.name = p, .scale = 1000};
    while (*p != '=') {
        p++;
    }
    f->name_length = (size_t)(p - f->name);
    dash = memchr(f->name, '-', f->name_length);
    if (dash != NULL) { /* "P1-4": from 1 to 4 */
        const char *digits = dash;

        while (is_digit(digits[-1])) {
            digits--;
        }
        f->name_length = (size_t)(digits - f->name);
        f->first = number(&digits);
        dash++;
        f->last = number(&dash);
    }
    f->type = p[1];
    p += 2;
    if (*p == 'x') {
        p++;
        f->scale = number(&p);
    } else if (f->type == 't') {
        f->scale = 10;
    } else if (f->type == 'e') {
        f->scale = 100;
    }
    *at = p;
    return true;
}

static size_t width(char type)
{
    return type == 'l' || type == 'L' ? 4 : 2;
}

static int64_t raw(const uint8_t *p, char type)
{
    uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8;

    if (width(type) == 4) {
        v |= (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        return type == 'l' ? (int32_t)v : (int64_t)v;
    }
    return type == 'H' ? (int64_t)v : (int16_t)v;
}

/* 300.00, 302.00 and 304.00 degrees: no sensor, out of range, cannot be read. */
static bool is_no_temperature(const struct field *f, int64_t milli)
{
    return (f->type == 't' || f->type == 'e') && milli >= 300000 && milli <= 304000;
}

static void put_name(char *out, const struct field *f, unsigned number)
{
    memcpy(out, f->name, f->name_length);
    out += f->name_length;
    if (f->last > 0) {
        if (number > 9) {
            *out++ = (char)('0' + number / 10);
        }
        *out++ = (char)('0' + number % 10);
    }
    *out = '\0';
}

static void take_apart(const struct layout *l, const uint8_t *p, struct hwt_emon_message *m)
{
    const char *at = l->fields;
    struct field f;

    m->count = 0;
    while (next_field(&at, &f)) {
        for (unsigned k = f.first; k <= f.last; k++) {
            struct hwt_emon_value *v = &m->value[m->count++];

            put_name(v->name, &f, k);
            v->milli = raw(p, f.type) * f.scale;
            v->missing = is_no_temperature(&f, v->milli);
            p += width(f.type);
        }
    }
}

/* --- which layout --- */

static void read_as(const struct layout *l, const uint8_t *p, size_t n, struct hwt_emon_message *m)
{
    uint8_t plain[OCTETS_MAX];

    for (size_t i = 0; i < n; i++) {
        plain[i] = l->mixed ? p[i] ^ MIX : p[i];
    }
    take_apart(l, plain, m);
}

static bool vrms_plausible(const struct hwt_emon_message *m)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->value[i].name, "Vrms") == 0) {
            return m->value[i].milli >= VRMS_LEAST && m->value[i].milli <= VRMS_MOST;
        }
    }
    return true;
}

int hwt_emon_octets(int node, const uint8_t *p, size_t n, const char *layout,
                    struct hwt_emon_message *message)
{
    const struct layout *found = NULL;

    for (unsigned i = 0; i < LAYOUTS; i++) {
        const struct layout *l = &layouts[i];
        bool named = layout != NULL && strcmp(l->name, layout) == 0;

        if (named && l->octets != n) {
            return HWT_ERR_LENGTH;
        }
        if (named ||
            (layout == NULL && l->octets == n && node >= l->first_node && node <= l->last_node)) {
            found = l;
            read_as(l, p, n, message);
            if (named || vrms_plausible(message)) { /* mixed or not: the voltage tells */
                return 0;
            }
        }
    }
    return found != NULL ? 0 : HWT_ERR_UNSUPPORTED;
}

/* elster_packet.c: what an A100C and an A1100 say. */
#include "core/base/crc32c.h"
#include "core/wire/elster_internal.h"

enum { ETX = 3, REGISTER_OCTETS = 5 };

enum { /* places in the data of an A100C */
       A100C_PRODUCT = 0,
       A100C_FIRMWARE = 12,
       A100C_SERIAL = 26,
       A100C_DEFINITION = 42,
       A100C_IMPORT_1 = 45,
       A100C_RESERVED_1 = 50,
       A100C_EXPORT_1 = 55,
       A100C_IMPORT_2 = 60,
       A100C_RESERVED_2 = 65,
       A100C_EXPORT_2 = 70,
       A100C_ERRORS = 77,
       A100C_HOURS = 78, /* four numbers of three octets */
       A100C_HOURS_END = 90,
       A100C_POWER_FAILS = 90
};

static uint8_t sum_of(const uint8_t *p, size_t n)
{
    unsigned sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += p[i];
    }
    return (uint8_t)sum;
}

/* The printable part of a field, without blanks at its end. */
static void copy_text(char *out, const uint8_t *p, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        out[i] = p[i] >= 0x20 && p[i] < 0x7F ? (char)p[i] : '?';
        used = p[i] != ' ' && p[i] != 0 ? i + 1 : used;
    }
    out[used] = '\0';
}

/* --- A100C --- */

/* Most significant digits first. */
static bool bcd(const uint8_t *p, size_t n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] >> 4 > 9 || (p[i] & 15) > 9) {
            return false;
        }
        *out = *out * 100 + (uint64_t)(p[i] >> 4) * 10 + (p[i] & 15);
    }
    return true;
}

static bool a100c_registers(const uint8_t *d, struct hwt_elster_packet *packet)
{
    static const uint8_t reserved[] = {A100C_RESERVED_1, A100C_RESERVED_2};
    uint64_t unused;
    bool good = bcd(d + A100C_IMPORT_1, REGISTER_OCTETS, &packet->import_wh[0]) &&
                bcd(d + A100C_IMPORT_2, REGISTER_OCTETS, &packet->import_wh[1]) &&
                bcd(d + A100C_EXPORT_1, REGISTER_OCTETS, &packet->export_wh[0]) &&
                bcd(d + A100C_EXPORT_2, REGISTER_OCTETS, &packet->export_wh[1]);

    for (size_t i = 0; i < sizeof(reserved); i++) {
        good = good && bcd(d + reserved[i], REGISTER_OCTETS, &unused);
    }
    return good;
}

int hwt_elster_a100c(const uint8_t *p, size_t n, struct hwt_elster_packet *packet_out)
{
    const uint8_t *d = p + 4;
    bool hours = n >= 4 + A100C_POWER_FAILS + 2 + 2; /* a shorter one ends behind its registers */
    uint64_t unused;

    memset(packet_out, 0, sizeof(*packet_out));
    if (p[n - 2] != ETX) {
        return HWT_ERR_LENGTH;
    }
    if (p[n - 1] != sum_of(p, n - 1)) {
        return HWT_ERR_CHECKSUM;
    }
    if (memcmp(d + A100C_PRODUCT, "Elster", 6) != 0 || !a100c_registers(d, packet_out)) {
        return HWT_ERR_SANITY;
    }
    packet_out->model = HWT_ELSTER_A100C;
    packet_out->resolution_wh = 1;
    copy_text(packet_out->product, d + A100C_PRODUCT, 12);
    copy_text(packet_out->firmware, d + A100C_FIRMWARE, 9);
    copy_text(packet_out->serial, d + A100C_SERIAL, 16);
    packet_out->identity = hwt_crc32c(0, d, A100C_DEFINITION);
    if (hours) {
        for (size_t at = A100C_HOURS; at < A100C_HOURS_END; at += 3) {
            if (!bcd(d + at, 3, &unused)) {
                return HWT_ERR_SANITY;
            }
        }
        packet_out->errors = d[A100C_ERRORS];
        packet_out->power_fails = (uint16_t)(d[A100C_POWER_FAILS] | d[A100C_POWER_FAILS + 1] << 8);
    }
    return 0;
}

/* --- A1100 --- */

struct text {
    const uint8_t *p;
    size_t n;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* What follows an OBIS code that stands by itself; n 0: it is not there. */
static struct text behind(struct text t, const char *code)
{
    size_t length = strlen(code);

    for (size_t i = 0; i + length < t.n; i++) {
        bool begins = i == 0 || !(is_digit(t.p[i - 1]) || t.p[i - 1] == '.');
        bool ends = !(is_digit(t.p[i + length]) || t.p[i + length] == '.');

        if (begins && ends && memcmp(t.p + i, code, length) == 0) {
            return (struct text){t.p + i + length, t.n - i - length};
        }
    }
    return (struct text){NULL, 0};
}

static struct text from_digit(struct text t)
{
    while (t.n > 0 && !is_digit(*t.p)) {
        t.p++;
        t.n--;
    }
    return t;
}

/* "0012345.6" kWh. False: no such number, or more digits than a register has. */
static bool kwh(struct text t, uint64_t *wh_out, uint32_t *resolution_out)
{
    size_t whole = 0, places = 0;
    uint64_t v = 0;

    for (t = from_digit(t); whole < t.n && is_digit(t.p[whole]); whole++) {
        v = v * 10 + (uint64_t)(t.p[whole] - '0');
        if (whole > 9) {
            return false;
        }
    }
    if (whole == 0 || whole == t.n || t.p[whole] != '.') {
        return false;
    }
    for (t.p += whole + 1, t.n -= whole + 1; places < t.n && is_digit(t.p[places]); places++) {
        v = v * 10 + (uint64_t)(t.p[places] - '0');
    }
    if (places < 1 || places > 3) {
        return false;
    }
    *resolution_out = places == 1 ? 100 : places == 2 ? 10 : 1;
    *wh_out = v * *resolution_out;
    return true;
}

/* A register that the meter does not have is 0; one that cannot be read refuses the packet. */
static int a1100_register(struct text t, const char *code, const char *other, uint64_t *wh_out,
                          struct hwt_elster_packet *packet)
{
    struct text at = behind(t, code);

    at = at.n == 0 && other != NULL ? behind(t, other) : at;
    if (at.n == 0) {
        return HWT_ERR_NOT_FOUND;
    }
    return kwh(at, wh_out, &packet->resolution_wh) ? 0 : HWT_ERR_SANITY;
}

static int a1100_registers(struct text t, struct hwt_elster_packet *packet)
{
    const struct {
        const char *code, *other; /* other: of meters to which direction means nothing */
        uint64_t *wh;
    } rows[] = {
        {"1.8.1", "128.8.1", &packet->import_wh[0]},
        {"1.8.2", "128.8.2", &packet->import_wh[1]},
        {"2.8.1", NULL, &packet->export_wh[0]},
        {"2.8.2", NULL, &packet->export_wh[1]},
    };
    size_t found = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int err = a1100_register(t, rows[i].code, rows[i].other, rows[i].wh, packet);

        if (err == HWT_ERR_SANITY) {
            return err;
        }
        found += err == 0;
    }
    return found > 0 ? 0 : HWT_ERR_UNSUPPORTED;
}

/* The letters and digits behind a code and what separates them from it. */
static void a1100_text(struct text t, const char *code, char out[17])
{
    struct text at = behind(t, code);
    size_t n = 0;

    while (at.n > 0 && (*at.p == '(' || *at.p == ' ' || *at.p == ':')) {
        at.p++;
        at.n--;
    }
    while (n < at.n && n < 16 && at.p[n] > ' ' && at.p[n] < 0x7F && at.p[n] != ')') {
        n++;
    }
    copy_text(out, at.p, n);
}

int hwt_elster_a1100(const uint8_t *p, size_t n, struct hwt_elster_packet *packet_out)
{
    struct text t = {p + 4, n - 6};
    int err;

    memset(packet_out, 0, sizeof(*packet_out));
    if ((p[n - 1] ^ sum_of(p, n - 1)) != 0xFF) {
        return HWT_ERR_CHECKSUM;
    }
    packet_out->model = HWT_ELSTER_A1100;
    err = a1100_registers(t, packet_out);
    if (err != 0) {
        return err;
    }
    a1100_text(t, "96.1.1", packet_out->product);
    a1100_text(t, "0.2.0", packet_out->firmware);
    a1100_text(t, "96.1.0", packet_out->serial);
    packet_out->identity = hwt_crc32c(0, packet_out->product, sizeof(packet_out->product)) ^
                           hwt_crc32c(1, packet_out->serial, sizeof(packet_out->serial));
    return 0;
}

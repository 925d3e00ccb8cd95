#include "sim/devices/mbus_bus.h"

#include <math.h>
#include <string.h>

enum { VERSION_403 = 0x34, VERSION_EASTRON = 0x01, VERSION_CHAIN = 0x0D };
enum { MEDIUM_HEAT = 0x04, MEDIUM_ELECTRICITY = 0x02 };
enum { CI_INSTANT = 0xB1, MORE_FOLLOWS = 0x1F };

void mbus_bus_init(struct mbus_bus *b, struct mbus_meter *first, const struct house *house,
                   unsigned slaves)
{
    static const enum mbus_slave_kind kinds[] = {MBUS_SLAVE_HEAT, MBUS_SLAVE_ELECTRICITY,
                                                 MBUS_SLAVE_CHAIN};

    *b = (struct mbus_bus){.first = first, .house = house, .slaves = slaves, .elec_j = 1.2e10};
    for (unsigned i = 0; i < slaves; i++) {
        b->slave[i] = (struct mbus_slave){
            .kind = i < 3 ? kinds[i] : MBUS_SLAVE_HEAT,
            .address = (uint8_t)(first->address + i),
            /* made of decimal digits: 10000000 apart, and a few alike but for the last digits */
            .serial =
                i == 0 ? first->meter->serial : 0x10000001u * (1 + i % 8) + 0x23450u * (i / 8),
        };
    }
}

void mbus_bus_add(struct mbus_bus *b)
{
    b->elec_j += fabs(house_power(b->house, CIRCUIT_HP));
}

static struct mbus_identity identity_of(const struct mbus_slave *s)
{
    switch (s->kind) {
    case MBUS_SLAVE_ELECTRICITY:
        return (struct mbus_identity){s->serial, "ESY", VERSION_EASTRON, MEDIUM_ELECTRICITY};
    case MBUS_SLAVE_CHAIN:
        return (struct mbus_identity){s->serial, "XYZ", VERSION_CHAIN, MEDIUM_HEAT};
    case MBUS_SLAVE_HEAT:
        break;
    }
    return (struct mbus_identity){s->serial, "KAM", VERSION_403, MEDIUM_HEAT};
}

/* --- telegrams ------------------------------------------------------------------------------- */

/* n decimal digits as BCD; negative: F in the first. */
static int64_t bcd(int64_t value, unsigned digits)
{
    uint64_t v = (uint64_t)(value < 0 ? -value : value), out = 0;

    for (unsigned i = 0; i < digits; i++, v /= 10) {
        out |= (v % 10) << (4 * i);
    }
    return (int64_t)(value < 0 ? out | (uint64_t)0xF << (4 * (digits - 1)) : out);
}

static void put(struct mbus_frame *f, uint8_t dif, uint8_t a, int b, int64_t value, size_t size)
{
    const uint8_t head[] = {dif, a, (uint8_t)b};

    mbus_frame_record(f, head, b >= 0 ? 3 : 2, value, size);
}

static void build_electricity(struct mbus_bus *b, struct mbus_slave *s, struct mbus_frame *f)
{
    double watts = house_power(b->house, CIRCUIT_HP);

    if (!s->page) {
        put(f, 0x0C, 0x04, -1, bcd(llround(b->elec_j / 36000.0), 8), 4); /* 10 Wh */
        return;
    }
    put(f, 0x0B, 0xFD, 0x47, bcd(llround(b->house->volts * 100.0), 6), 3); /* 0.01 V */
    put(f, 0x0B, 0xFD, 0x59, bcd(llround(fabs(watts) / b->house->volts * 1000.0), 6), 3); /* mA */
    put(f, 0x0B, 0x2A, -1, bcd(llround(watts * 10.0), 6), 3);           /* 0.1 W */
    put(f, 0x0B, 0xFD, 0x3A, bcd(100, 6), 3);                           /* 1.00: power factor */
    put(f, 0x0B, 0xFD, 0x3A, bcd(llround(b->house->hz * 100.0), 6), 3); /* 0.01 Hz */
    s->page = false;
}

static void build_chain(struct mbus_bus *b, struct mbus_slave *s, struct mbus_frame *f)
{
    const struct heat_meter_display *d = &b->first->meter->display;

    if (s->telegram == 0) {
        put(f, 0x04, 0x0E, -1, (int64_t)d->energy * 36 / 1000, 4); /* MJ */
        put(f, 0x04, 0x13, -1, d->volume_l, 4);
        put(f, 0x02, 0x59, -1, d->flow_cdegc, 2);
        put(f, 0x02, 0x5D, -1, d->return_cdegc, 2);
        f->bytes[f->len++] = MORE_FOLLOWS;
        return;
    }
    put(f, 0x04, 0x2B, -1, d->power_w, 4);
    put(f, 0x04, 0x3B, -1, d->flow_l_h, 4);
}

static void build_heat(struct mbus_bus *b, struct mbus_frame *f)
{
    const struct heat_meter_display *d = &b->first->meter->display;

    put(f, 0x04, 0x04, -1, d->energy, 4);
    put(f, 0x02, 0x59, -1, d->flow_cdegc, 2);
    put(f, 0x02, 0x5D, -1, d->return_cdegc, 2);
}

/* RSP_UD of a slave that is not the first. */
static size_t build(struct mbus_bus *b, struct mbus_slave *s, uint8_t *reply)
{
    struct mbus_identity who = identity_of(s);
    struct mbus_frame f;

    mbus_frame_begin(&f, s->address, &who, s->access++, 0);
    if (s->kind == MBUS_SLAVE_ELECTRICITY) {
        build_electricity(b, s, &f);
    } else if (s->kind == MBUS_SLAVE_CHAIN) {
        build_chain(b, s, &f);
    } else {
        build_heat(b, &f);
    }
    mbus_frame_end(&f);
    memcpy(reply, f.bytes, f.len);
    return f.len;
}

/* --- requests -------------------------------------------------------------------------------- */

/* A nibble F of the number, an octet FF of the rest fit everything. */
static bool fits(const struct mbus_slave *s, const uint8_t *mask)
{
    struct mbus_identity who = identity_of(s);
    struct mbus_frame f;
    const uint8_t *id = f.bytes + 7;

    mbus_frame_begin(&f, 0, &who, 0, 0);
    for (int i = 0; i < 8; i++) {
        uint8_t wild =
            i < 4 ? (uint8_t)(((mask[i] >> 4) == 15 ? 0xF0 : 0) | ((mask[i] & 15) == 15 ? 0x0F : 0))
                  : (uint8_t)(mask[i] == 0xFF ? 0xFF : 0);

        if (((mask[i] ^ id[i]) & (uint8_t)~wild) != 0) {
            return false;
        }
    }
    return true;
}

/* The frame count bit turned: the next telegram of the chain. */
static void turn(struct mbus_slave *s, uint8_t c)
{
    if ((c & MBUS_FCB) != s->fcb) {
        s->telegram = s->fcb == 0xFF ? 0 : (uint8_t)(1 - s->telegram);
    }
    s->fcb = c & MBUS_FCB;
}

static size_t tell(struct mbus_bus *b, unsigned i, const struct mbus_request *r, uint8_t *reply)
{
    struct mbus_slave *s = &b->slave[i];

    s->page = s->kind == MBUS_SLAVE_ELECTRICITY && r->data[0] == CI_INSTANT;
    if (r->data[0] == MBUS_CI_DATA && r->len == 4 && r->data[1] == 0x01 && r->data[2] == 0x7A) {
        s->address = r->data[3];
        if (i == 0) {
            b->first->address = s->address;
        }
    }
    reply[0] = MBUS_ACK;
    return 1;
}

static size_t one_answer(struct mbus_bus *b, unsigned i, const struct mbus_request *r,
                         uint8_t *reply)
{
    struct mbus_slave *s = &b->slave[i];
    struct mbus_request at_first = *r;
    uint8_t c = (uint8_t)(r->c & ~MBUS_FCB);

    if (r->data != NULL && r->len == 9 && r->data[0] == MBUS_CI_SELECT &&
        r->a == MBUS_ADDRESS_CHOSEN) {
        s->chosen = fits(s, r->data + 1);
        s->fcb = 0xFF;
        reply[0] = MBUS_ACK;
        return s->chosen ? 1 : 0;
    }
    if (r->a != s->address && r->a != MBUS_ADDRESS_TEST &&
        !(r->a == MBUS_ADDRESS_CHOSEN && s->chosen)) {
        return 0;
    }
    if (r->data == NULL && r->c == MBUS_SND_NKE) {
        s->fcb = 0xFF;
        s->page = false;
        s->chosen = s->chosen && r->a != MBUS_ADDRESS_CHOSEN;
        reply[0] = MBUS_ACK;
        return 1;
    }
    if (r->data != NULL) {
        return c == MBUS_SND_UD ? tell(b, i, r, reply) : 0;
    }
    if (c != MBUS_REQ_UD2) {
        return 0;
    }
    if (i == 0) {
        at_first.a = b->first->address;
        return mbus_meter_answer(b->first, &at_first, reply);
    }
    turn(s, r->c);
    return build(b, s, reply);
}

size_t mbus_bus_answer(void *ctx, const struct mbus_request *request, uint8_t *reply)
{
    struct mbus_bus *b = ctx;
    uint8_t said[MBUS_FRAME_MAX];
    size_t longest = 0;

    for (unsigned i = 0; i < b->slaves; i++) {
        size_t n = one_answer(b, i, request, said);

        for (size_t k = 0; k < n; k++) {
            reply[k] = k < longest ? reply[k] & said[k] : said[k];
        }
        longest = n > longest ? n : longest;
    }
    return longest;
}

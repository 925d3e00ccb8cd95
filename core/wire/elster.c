/*
 * elster.c: characters into packets, at each rate that is tried. elster_packet.c takes packets
 * apart, elster_gate.c decides what may be published.
 */
#include "core/wire/elster_internal.h"

enum {
    HUNT,
    A100C_BODY, /* 01 00 L 02 was seen */
    A1100_BODY, /* the characters of 01 'O' 'B' 02 were seen */
    A1100_SUM
};

enum {
    CHARACTER_BITS = 10,
    GAP_BITS = 30, /* 10 of the character and 20 dark ones: the packet is over */
    A100C_FIELDS = 0x4B,
    A100C_DATA_MAX = 0xF0,
    ETX = 3
};

static const unsigned rates[HWT_ELSTER_LANES] = {2400, 4800, 9600};

static void reset(struct hwt_elster_lane *l)
{
    l->state = HUNT;
    l->have = 0;
    l->half = false;
}

int hwt_elster_init(struct hwt_elster *e, unsigned baud)
{
    memset(e, 0, sizeof(*e));
    for (unsigned i = 0; i < HWT_ELSTER_LANES; i++) {
        if (baud == 0 || baud == rates[i]) {
            hwt_flash_init(&e->lane[e->lanes].flash, rates[i]);
            e->lanes++;
        }
    }
    e->baud = baud;
    return e->lanes > 0 ? 0 : HWT_ERR_ARGUMENT;
}

/* A lane that is only being tried fails all the time at the wrong rate: not counted. */
static void refuse(struct hwt_elster *e, struct hwt_elster_lane *l, int err)
{
    if (e->baud != 0) {
        e->counters.refused[-err]++;
    }
    reset(l);
}

/* From now on only this lane's rate is decoded. */
static void settle(struct hwt_elster *e, const struct hwt_elster_lane *l)
{
    if (e->baud == 0) {
        unsigned i = (unsigned)(l - e->lane);

        e->baud = rates[i];
        e->lane[0] = *l;
        e->lanes = 1;
    }
}

static bool finish(struct hwt_elster *e, struct hwt_elster_lane *l, enum hwt_elster_model model,
                   struct hwt_elster_packet *packet_out)
{
    int err = model == HWT_ELSTER_A100C ? hwt_elster_a100c(l->octets, l->have, packet_out)
                                        : hwt_elster_a1100(l->octets, l->have, packet_out);

    if (err != 0) {
        refuse(e, l, err);
        return false;
    }
    packet_out->start_ns = l->started_ns;
    e->counters.packets++;
    reset(l);
    settle(e, l);
    return true;
}

/* --- where a packet begins --- */

static void hunt(struct hwt_elster_lane *l, int64_t t_ns)
{
    static const uint8_t a1100[8] = {0x57, 0x55, 0xFF, 0x75, 0x5D, 0x75, 0x5D, 0x55};
    const uint8_t *r = l->recent;

    if (r[4] == 1 && r[5] == 0 && r[7] == 2 && r[6] >= A100C_FIELDS && r[6] <= A100C_DATA_MAX) {
        memcpy(l->octets, r + 4, 4);
        l->have = 4;
        l->want = (uint16_t)(4 + r[6] + 2);
        l->state = A100C_BODY;
        l->started_ns = t_ns - 3 * CHARACTER_BITS * l->flash.bit_ns;
    } else if (memcmp(r, a1100, sizeof(a1100)) == 0) {
        memcpy(l->octets, "\1OB\2", 4);
        l->have = 4;
        l->half = false;
        l->state = A1100_BODY;
        l->started_ns = t_ns - 7 * CHARACTER_BITS * l->flash.bit_ns;
    }
}

/* --- its octets --- */

static bool a100c_octet(struct hwt_elster *e, struct hwt_elster_lane *l, uint8_t c,
                        struct hwt_elster_packet *packet_out)
{
    l->octets[l->have++] = c;
    return l->have == l->want && finish(e, l, HWT_ELSTER_A100C, packet_out);
}

static bool a1100_octet(struct hwt_elster *e, struct hwt_elster_lane *l, uint8_t c,
                        struct hwt_elster_packet *packet_out)
{
    if (l->have == HWT_ELSTER_PACKET_MAX) {
        refuse(e, l, HWT_ERR_LENGTH);
        return false;
    }
    l->octets[l->have++] = c;
    if (l->state == A1100_SUM) {
        return finish(e, l, HWT_ELSTER_A1100, packet_out);
    }
    l->state = c == ETX ? A1100_SUM : A1100_BODY;
    return false;
}

/* 1 b0 1 b1 1 b2 1 b3, the first bit sent is the lowest. */
static bool nibble_of(uint8_t c, uint8_t *nibble_out)
{
    *nibble_out = (uint8_t)((c >> 1 & 1) | (c >> 2 & 2) | (c >> 3 & 4) | (c >> 4 & 8));
    return (c & 0x55) == 0x55;
}

static bool a1100_character(struct hwt_elster *e, struct hwt_elster_lane *l, uint8_t c,
                            struct hwt_elster_packet *packet_out)
{
    uint8_t nibble;

    if (!nibble_of(c, &nibble)) {
        refuse(e, l, HWT_ERR_LENGTH);
        return false;
    }
    l->half = !l->half;
    if (l->half) {
        l->nibble = nibble;
        return false;
    }
    return a1100_octet(e, l, (uint8_t)(l->nibble | nibble << 4), packet_out);
}

static bool take(struct hwt_elster *e, struct hwt_elster_lane *l, struct hwt_flash_char c,
                 struct hwt_elster_packet *packet_out)
{
    if (l->state != HUNT && c.start_ns - l->last_ns > GAP_BITS * l->flash.bit_ns) {
        refuse(e, l, HWT_ERR_LENGTH);
    }
    l->last_ns = c.start_ns;
    memmove(l->recent, l->recent + 1, sizeof(l->recent) - 1);
    l->recent[sizeof(l->recent) - 1] = c.value;
    switch (l->state) {
    case A100C_BODY:
        return a100c_octet(e, l, c.value, packet_out);
    case A1100_BODY:
    case A1100_SUM:
        return a1100_character(e, l, c.value, packet_out);
    default:
        hunt(l, c.start_ns);
        return false;
    }
}

static void break_off(struct hwt_elster *e, struct hwt_elster_lane *l)
{
    if (e->baud != 0) {
        e->counters.framing++;
    }
    if (l->state != HUNT) {
        refuse(e, l, HWT_ERR_LENGTH);
    }
    memset(l->recent, 0xFF, sizeof(l->recent));
}

/* --- flashes, silence, characters --- */

bool hwt_elster_edge(struct hwt_elster *e, int64_t t_ns, struct hwt_elster_packet *packet_out)
{
    bool found = false;

    for (unsigned i = 0; i < e->lanes && !found; i++) {
        struct hwt_flash_char c;
        int got = hwt_flash_edge(&e->lane[i].flash, t_ns, &c);

        if (got == 1) {
            found = take(e, &e->lane[i], c, packet_out);
        } else if (got < 0) {
            break_off(e, &e->lane[i]);
        }
    }
    return found;
}

bool hwt_elster_idle(struct hwt_elster *e, int64_t t_ns, struct hwt_elster_packet *packet_out)
{
    bool found = false;

    for (unsigned i = 0; i < e->lanes && !found; i++) {
        struct hwt_flash_char c;

        found = hwt_flash_idle(&e->lane[i].flash, t_ns, &c) && take(e, &e->lane[i], c, packet_out);
    }
    return found;
}

int64_t hwt_elster_deadline(const struct hwt_elster *e)
{
    int64_t at = INT64_MAX;

    for (unsigned i = 0; i < e->lanes; i++) {
        int64_t lane = hwt_flash_deadline(&e->lane[i].flash);

        at = lane < at ? lane : at;
    }
    return at;
}

bool hwt_elster_character(struct hwt_elster *e, uint8_t c, int64_t t_ns,
                          struct hwt_elster_packet *packet_out)
{
    return take(e, &e->lane[0], (struct hwt_flash_char){t_ns, c}, packet_out);
}

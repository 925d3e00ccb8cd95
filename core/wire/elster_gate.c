/* elster_gate.c: which of the packets whose sum is right may be believed. */
#include "core/wire/elster_internal.h"

#define A100C_WRAP 10000000000u /* Wh; ten digits */
#define A1100_WRAP 10000000000u /* Wh; seven digits and tenths of a kWh, at most */

/* After a month of darkness a count begins anew. */
#define SILENCE_MAX_NS ((int64_t)31 * 86400 * 1000000000)

enum { RUN = HWT_ELSTER_NEIGHBOURS, MIDDLE = RUN / 2 };

void hwt_elster_gate_init(struct hwt_elster_gate *g, uint32_t max_w)
{
    memset(g, 0, sizeof(*g));
    g->max_w = max_w;
}

/* From a to b, over the roll-over too. */
static uint64_t rise(const struct hwt_elster_packet *packet, uint64_t a, uint64_t b)
{
    uint64_t wrap = packet->model == HWT_ELSTER_A100C ? A100C_WRAP : A1100_WRAP;

    return b >= a ? b - a : b + wrap - a;
}

/* What the supply can have delivered between the packets, rounded up by a register's count. */
static uint64_t most(const struct hwt_elster_gate *g, const struct hwt_elster_packet *a,
                     const struct hwt_elster_packet *b)
{
    uint64_t s = (uint64_t)(b->start_ns - a->start_ns) / 1000000000 + 1;

    return s * g->max_w / 3600 + 1 + a->resolution_wh;
}

/* What goes on rises by less than 10^9 Wh in 2.7 x 10^9 ms: in_line's products fit. */
static bool goes_on(const struct hwt_elster_gate *g, const struct hwt_elster_packet *a,
                    const struct hwt_elster_packet *b)
{
    if (a->model != b->model || a->identity != b->identity || b->start_ns <= a->start_ns ||
        b->start_ns - a->start_ns > SILENCE_MAX_NS) {
        return false;
    }
    for (unsigned i = 0; i < HWT_ELSTER_RATES; i++) {
        if (rise(a, a->import_wh[i], b->import_wh[i]) > most(g, a, b) ||
            rise(a, a->export_wh[i], b->export_wh[i]) > most(g, a, b)) {
            return false;
        }
    }
    return true;
}

static uint64_t register_of(const struct hwt_elster_packet *p, unsigned which)
{
    return which < HWT_ELSTER_RATES ? p->import_wh[which] : p->export_wh[which - HWT_ELSTER_RATES];
}

/* How far a register of b lies beside the line from a to c: twentieths of a count, not less than 0.
 */
static int64_t beside(const struct hwt_elster_packet *a, const struct hwt_elster_packet *b,
                      const struct hwt_elster_packet *c, unsigned which)
{
    int64_t part_ms = (b->start_ns - a->start_ns) / 1000000;
    int64_t whole_ms = (c->start_ns - a->start_ns) / 1000000;
    int64_t whole = (int64_t)rise(a, register_of(a, which), register_of(c, which));
    int64_t part = (int64_t)rise(a, register_of(a, which), register_of(b, which));
    int64_t off = part * whole_ms - whole * part_ms; /* counts x ms */

    return whole_ms > 0 ? 20 * (off < 0 ? -off : off) / whole_ms : INT64_MAX;
}

/*
 * Whether the middle packet lies where its neighbours say. Registers count whole units, so on an
 * even load it may be half a count beside the line between two others, but not beside both lines,
 * that of the next neighbours and that of those after. One wrong by a count is. This costs the
 * packets around a change of the load and some others; what follows tells as much.
 */
static bool in_line(const struct hwt_elster_packet *p)
{
    const int64_t half = 11 * (int64_t)p->resolution_wh, less = 9 * (int64_t)p->resolution_wh;

    for (unsigned i = 0; i < 2 * HWT_ELSTER_RATES; i++) {
        int64_t near = beside(&p[1], &p[2], &p[3], i), far = beside(&p[0], &p[2], &p[4], i);

        if (near > half || far > half || (near > less && far > less)) {
            return false;
        }
    }
    return true;
}

static void publish(struct hwt_elster_gate *g, struct hwt_elster_value *value_out)
{
    const struct hwt_elster_packet *p = &g->recent[MIDDLE];

    g->published = *p;
    g->known = true;
    *value_out = (struct hwt_elster_value){
        .at_ns = p->start_ns,
        .import_wh = p->import_wh[0] + p->import_wh[1],
        .export_wh = p->export_wh[0] + p->export_wh[1],
    };
}

/* What may be published is the middle one of five packets in a row. */
enum hwt_elster_verdict hwt_elster_gate(struct hwt_elster_gate *g,
                                        const struct hwt_elster_packet *packet,
                                        struct hwt_elster_value *value_out)
{
    bool agrees = g->run > 0 && goes_on(g, &g->recent[RUN - 1], packet);

    g->run = !agrees ? 1 : g->run < RUN ? g->run + 1 : RUN;
    memmove(g->recent, g->recent + 1, (RUN - 1) * sizeof(g->recent[0]));
    g->recent[RUN - 1] = *packet;
    if (g->run < RUN || !in_line(g->recent)) {
        return HWT_ELSTER_WAIT;
    }
    if (g->known && goes_on(g, &g->published, &g->recent[MIDDLE])) {
        publish(g, value_out);
        return HWT_ELSTER_PUBLISH;
    }
    publish(g, value_out);
    return HWT_ELSTER_BEGIN;
}

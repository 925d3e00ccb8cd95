/* elster_gate.c: which of the packets whose sum is right may be believed. */
#include "core/wire/elster_internal.h"

#define A100C_WRAP 10000000000u /* Wh; ten digits */
#define A1100_WRAP 10000000000u /* Wh; seven digits and tenths of a kWh, at most */

/* After a month of darkness a count begins anew. */
#define SILENCE_MAX_NS ((int64_t)31 * 86400 * 1000000000)

enum { RUN_TO_GO_ON = 3, RUN_TO_BEGIN = 5 };

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

/*
 * Whether each register of b lies where the packets before and after say: on the line between them,
 * to less than half a count. So a digit that was changed so little that it still lies between its
 * neighbours is seen too. It costs the packets at which the load changes, and about every other one
 * of a load that is no whole count a packet: the next one tells as much.
 */
static bool in_line(const struct hwt_elster_packet *a, const struct hwt_elster_packet *b,
                    const struct hwt_elster_packet *c)
{
    int64_t part_ms = (b->start_ns - a->start_ns) / 1000000;
    int64_t whole_ms = (c->start_ns - a->start_ns) / 1000000;

    for (unsigned i = 0; i < 2 * HWT_ELSTER_RATES; i++) {
        int64_t whole = (int64_t)rise(a, register_of(a, i), register_of(c, i));
        int64_t part = (int64_t)rise(a, register_of(a, i), register_of(b, i));
        int64_t off = 5 * (part * whole_ms - whole * part_ms); /* fifths of a count x ms */

        if (off > 2 * whole_ms * a->resolution_wh || off < -2 * whole_ms * a->resolution_wh) {
            return false;
        }
    }
    return true;
}

static struct hwt_elster_value publish(struct hwt_elster_gate *g)
{
    const struct hwt_elster_packet *p = &g->before;

    g->published = *p;
    g->known = true;
    return (struct hwt_elster_value){
        .at_ns = p->start_ns,
        .import_wh = p->import_wh[0] + p->import_wh[1],
        .export_wh = p->export_wh[0] + p->export_wh[1],
    };
}

/*
 * What may be published is the packet before this one, as it has a neighbour on either side. A
 * first value, or one that does not go on from what was published, needs more of them in a row.
 */
enum hwt_elster_verdict hwt_elster_gate(struct hwt_elster_gate *g,
                                        const struct hwt_elster_packet *packet,
                                        struct hwt_elster_value *value_out)
{
    bool agrees = g->run > 0 && goes_on(g, &g->before, packet);
    enum hwt_elster_verdict verdict = HWT_ELSTER_WAIT;

    g->run = agrees ? g->run + 1 : 1;
    if (g->run >= RUN_TO_GO_ON && in_line(&g->older, &g->before, packet)) {
        if (g->known && goes_on(g, &g->published, &g->before)) {
            verdict = HWT_ELSTER_PUBLISH;
        } else if (g->run >= RUN_TO_BEGIN) {
            verdict = HWT_ELSTER_BEGIN;
        }
    }
    if (verdict != HWT_ELSTER_WAIT) {
        *value_out = publish(g);
    }
    g->older = g->before;
    g->before = *packet;
    return verdict;
}

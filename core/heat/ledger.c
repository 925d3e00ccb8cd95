#include "core/heat/ledger.h"

#define MONTH_US INT64_C(2678400000000)

enum {
    POLLS_PER_GAP = 3,
    GAP_MIN_US = 2000000,
    ELEC_POLL_US = 200000,
    HEAT_POLL_US = 60000000,
    POLL_SPREAD_US = 1000000, /* one poll's readings come together */
    MAX_W = 100000,
    POWER_PER_W = 10 /* counts of the quantity table */
};

static int64_t or_default(int64_t v, int64_t fallback)
{
    return v > 0 ? v : fallback;
}

static int64_t gap_us(int64_t poll_us)
{
    return poll_us * POLLS_PER_GAP > GAP_MIN_US ? poll_us * POLLS_PER_GAP : GAP_MIN_US;
}

static void resume(struct hwt_ledger *l, const struct hwt_ledger_start *s)
{
    int64_t since_us = s->since_us == HWT_TIME_UNKNOWN ? -MONTH_US : s->since_us;

    hwt_elec_resume(&l->elec, s->has_import ? &s->import_mj : NULL,
                    s->has_export ? &s->export_mj : NULL, since_us);
    if (s->has_register) {
        hwt_heat_resume(&l->heat, s->register_mj,
                        s->has_anchor ? s->anchor_mj : s->heat_energy - s->register_mj, since_us);
    }
}

void hwt_ledger_init(struct hwt_ledger *l, const struct hwt_ledger_config *config,
                     const struct hwt_ledger_start *start)
{
    struct hwt_ledger_start none = {.since_us = HWT_TIME_UNKNOWN};
    const struct hwt_ledger_start *s = start != NULL ? start : &none;
    struct hwt_pair_sums paired = {s->paired_elec, s->paired_heat, s->paired_negative};

    *l = (struct hwt_ledger){.config = *config};
    l->config.max_elec_w = or_default(config->max_elec_w, MAX_W);
    l->config.max_heat_w = or_default(config->max_heat_w, MAX_W);
    hwt_elec_init(&l->elec, s->elec_energy, gap_us(or_default(config->elec_poll_us, ELEC_POLL_US)),
                  l->config.max_elec_w);
    hwt_heat_init(&l->heat, s->heat_energy, s->negative_heat,
                  gap_us(or_default(config->heat_poll_us, HEAT_POLL_US)), config->heat_step_mj,
                  l->config.max_heat_w);
    hwt_pair_init(&l->pair, &paired);
    resume(l, s);
}

/* --- readings become polls, polls are booked --- */

static void settle_elec(struct hwt_ledger *l)
{
    struct hwt_poll *p = &l->elec_poll;

    if (!p->any) {
        return;
    }
    p->any = false;
    if (hwt_elec_settle(&l->elec, p)) {
        hwt_pair_elec(&l->pair, l->elec.at_us, l->elec.total_mj, l->elec.continuous);
        l->elec_new = true;
    }
    l->elec_power_new = l->elec_power_new || p->has_power;
}

static void settle_heat(struct hwt_ledger *l)
{
    struct hwt_poll *p = &l->heat_poll;
    struct hwt_heat_span span;

    if (!p->any) {
        return;
    }
    p->any = false;
    if (hwt_heat_settle(&l->heat, p, &span)) {
        hwt_pair_heat(&l->pair, p->at_us, span.positive_mj, span.negative_mj, span.continuous);
        l->heat_new = true;
    }
}

static bool is_counter(uint8_t quantity)
{
    return quantity == HWT_Q_IMPORT || quantity == HWT_Q_EXPORT || quantity == HWT_Q_ENERGY;
}

/* Whether a reading is of after_us or later, not before its poll, and one a meter can give. */
static bool acceptable(const struct hwt_reading *in, const struct hwt_poll *poll, int64_t after_us,
                       int64_t max_w)
{
    if (in->mono_us < after_us || (poll->any && in->mono_us < poll->at_us)) {
        return false;
    }
    if (is_counter(in->quantity)) {
        return in->value >= 0 && in->value < INT64_MAX / 2;
    }
    return in->value <= max_w * POWER_PER_W && in->value >= -max_w * POWER_PER_W;
}

static void gather(struct hwt_poll *poll, const struct hwt_reading *in)
{
    if (!poll->any) {
        *poll = (struct hwt_poll){.any = true, .at_us = in->mono_us};
    }
    if (in->quantity == HWT_Q_POWER) {
        poll->has_power = true;
        poll->power = in->value;
        poll->quality = in->quality;
    } else if (in->quantity == HWT_Q_EXPORT) {
        poll->has_export = true;
        poll->export_mj = in->value;
    } else {
        poll->has_register = true;
        poll->register_mj = in->value;
    }
}

static void put_elec(struct hwt_ledger *l, const struct hwt_reading *in)
{
    if (in->quantity != HWT_Q_POWER && !is_counter(in->quantity)) {
        return;
    }
    if (in->mono_us > l->elec_poll.at_us) {
        settle_elec(l);
    }
    if (in->mono_us - l->heat_poll.at_us > POLL_SPREAD_US) {
        settle_heat(l); /* time has gone on: that poll told all it had */
    }
    /* Counters may follow at the instant booked last: windows of a stream come in runs cut
     * anywhere. */
    if (!acceptable(in, &l->elec_poll, l->elec.known ? l->elec.at_us : 0, l->config.max_elec_w)) {
        l->refused++;
        return;
    }
    gather(&l->elec_poll, in);
}

static void put_heat(struct hwt_ledger *l, const struct hwt_reading *in)
{
    if (in->quantity != HWT_Q_POWER && in->quantity != HWT_Q_ENERGY) {
        return;
    }
    if (in->mono_us > l->heat_poll.at_us) {
        settle_heat(l);
    }
    if (!acceptable(in, &l->heat_poll, l->heat.known ? l->heat.at_us + 1 : 0,
                    l->config.max_heat_w)) {
        l->refused++;
        return;
    }
    gather(&l->heat_poll, in);
}

void hwt_ledger_put(struct hwt_ledger *l, const struct hwt_reading *reading)
{
    if (reading->quality == HWT_QUALITY_MISSING) {
        return;
    }
    if (reading->source == l->config.elec_source) {
        put_elec(l, reading);
    }
    if (reading->source == l->config.heat_source) {
        put_heat(l, reading);
    }
}

/* --- what it knows --- */

static struct hwt_value missing(void)
{
    return (struct hwt_value){.quality = HWT_QUALITY_MISSING};
}

static struct hwt_value good(int64_t v)
{
    return (struct hwt_value){.v = v, .quality = HWT_QUALITY_GOOD};
}

/* The power told last, or for a source that tells none, from its register; not when stale. */
static struct hwt_value power(const struct hwt_last_power *told, const struct hwt_register *r,
                              int64_t now_us, int64_t gap)
{
    int64_t v;

    if (told->known) {
        return now_us - told->at_us <= gap
                   ? (struct hwt_value){.v = told->power, .quality = told->quality}
                   : missing();
    }
    return r->known && now_us - r->now.at_us <= gap && hwt_register_power(r, now_us, &v)
               ? good(v)
               : missing();
}

static struct hwt_value elec_power(const struct hwt_ledger *l, int64_t now_us)
{
    return power(&l->elec.power, &l->elec.import, now_us, l->elec.gap_us);
}

static struct hwt_value heat_power(const struct hwt_ledger *l, int64_t now_us)
{
    return power(&l->heat.power, &l->heat.meter, now_us, l->heat.gap_us);
}

static struct hwt_value cop(const struct hwt_ledger *l, int64_t now_us)
{
    int64_t v;

    return hwt_pair_cop(&l->pair, now_us, &v) ? good(v) : missing();
}

void hwt_ledger_get(struct hwt_ledger *l, int64_t now_us, struct hwt_ledger_view *view_out)
{
    settle_elec(l);
    settle_heat(l);
    *view_out = (struct hwt_ledger_view){
        .elec_power = elec_power(l, now_us),
        .heat_power = heat_power(l, now_us),
        .cop = cop(l, now_us),
        .elec_energy = l->elec.total_mj,
        .heat_energy = l->heat.positive_mj,
        .negative_heat = l->heat.negative_mj,
        .paired_elec = l->pair.sums.elec_mj,
        .paired_heat = l->pair.sums.positive_mj,
        .paired_negative = l->pair.sums.negative_mj,
        .anchor_mj = l->heat.slave.anchor_mj,
        .has_anchor = l->heat.slave.anchored,
        .anchored = l->elec.anchored + l->heat.anchored,
        .gaps = l->heat.gaps,
        .unpaired = l->pair.unpaired,
        .refused = l->refused,
    };
}

struct taker {
    struct hwt_reading *out;
    size_t n;
    uint16_t source;
};

static void take(struct taker *t, enum hwt_quantity quantity, int64_t at_us, struct hwt_value v)
{
    if (v.quality != HWT_QUALITY_MISSING) {
        t->out[t->n++] = (struct hwt_reading){.value = v.v,
                                              .mono_us = at_us,
                                              .source = t->source,
                                              .quantity = (uint8_t)quantity,
                                              .quality = v.quality};
    }
}

static void take_elec(struct hwt_ledger *l, struct taker *t)
{
    int64_t power_us = l->elec.power.known ? l->elec.power.at_us : l->elec.at_us;

    if (l->elec_power_new || (l->elec_new && !l->elec.power.known)) {
        take(t, HWT_Q_ELEC_POWER, power_us, elec_power(l, power_us));
    }
    if (l->elec_new) {
        take(t, HWT_Q_ELEC_ENERGY, l->elec.at_us, good(l->elec.total_mj));
    }
    l->elec_new = l->elec_power_new = false;
}

static void take_heat(struct hwt_ledger *l, struct taker *t)
{
    if (l->heat_new) {
        take(t, HWT_Q_HEAT_POWER, l->heat.at_us, heat_power(l, l->heat.at_us));
        take(t, HWT_Q_HEAT_ENERGY, l->heat.at_us, good(l->heat.positive_mj));
        take(t, HWT_Q_NEGATIVE_HEAT, l->heat.at_us, good(l->heat.negative_mj));
    }
    l->heat_new = false;
}

static void take_pair(struct hwt_ledger *l, struct taker *t)
{
    int64_t at_us = l->elec.at_us > l->heat.at_us ? l->elec.at_us : l->heat.at_us;

    if (l->pair.settled != l->settled_taken) {
        take(t, HWT_Q_PAIRED_ELEC, at_us, good(l->pair.sums.elec_mj));
        take(t, HWT_Q_PAIRED_HEAT, at_us, good(l->pair.sums.positive_mj));
        take(t, HWT_Q_PAIRED_NEGATIVE, at_us, good(l->pair.sums.negative_mj));
        take(t, HWT_Q_COP, at_us, cop(l, at_us));
    }
    l->settled_taken = l->pair.settled;
}

size_t hwt_ledger_take(struct hwt_ledger *l, uint16_t source,
                       struct hwt_reading readings_out[HWT_LEDGER_READINGS])
{
    struct taker t = {.out = readings_out, .source = source};

    settle_elec(l);
    settle_heat(l);
    take_elec(l, &t);
    take_heat(l, &t);
    take_pair(l, &t);
    return t.n;
}

#include "daemon/run/registers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/crc32c.h"
#include "core/base/quantity.h"
#include "core/heat/total.h"
#include "daemon/base/log.h"

enum {
    MJ_PER_J = 1000,
    MJ_PER_WH = 3600 * MJ_PER_J,
    ML_PER_L = 1000,
    L_PER_S_MAX = 30, /* 108 m3/h: no pipe of a house carries more */
    MILLI = 1000,
    BATCH_MAX = 256,
    TIME_PATIENCE_US = 20 * 1000000 /* real: NTP, or the first samples, may tell the time soon */
};

struct column {
    bool followed; /* a register of somebody else's meter */
    bool net;      /* signed; its falls are the column `export` */
    bool begun;    /* `total` was resumed */
    bool shown;
    int export;
    int64_t show; /* the newest reading */
    struct hwt_total total;
};

struct source {
    bool fed_in;    /* the power of the readings before was negative */
    bool restarted; /* since the readings before */
};

/* A configured source: a meter, of which each phase may be a source. */
struct meter {
    char name[JOURNAL_METER_MAX];     /* who it says it is */
    char recorded[JOURNAL_METER_MAX]; /* who it is by the journal */
    uint32_t number;                  /* of `name`; 0: it does not say */
    bool told;                        /* since its registers were last beyond doubt */
};

struct registers {
    struct registers_options o;
    struct column column[HWT_CHANNELS_MAX];
    struct source source[SOURCES_MAX];
    struct meter meter[CONFIG_SOURCES_MAX];
    int64_t made_us; /* real time */
};

/* --- making ---------------------------------------------------------------------------------- */

static const struct config_source *config_of(const struct registers *r, unsigned source)
{
    return &r->o.site->config->source[r->o.site->source[source].config];
}

static unsigned meter_of(const struct registers *r, unsigned source)
{
    return r->o.site->source[source].config;
}

/* Whether the configured source hands on registers of a meter. */
static bool has_registers(const struct installation *site, unsigned source)
{
    enum config_source_type type;

    if (site->source[source].kind != SOURCE_IS_METER) {
        return false;
    }
    type = site->config->source[site->source[source].config].type;
    return type == CONFIG_MBUS || type == CONFIG_MODBUS || type == CONFIG_ELSTER ||
           type == CONFIG_EMON;
}

/* An emonTx counts an input's energy in one signed register. */
static bool is_net(const struct registers *r, unsigned source, enum hwt_quantity q)
{
    const struct config_source *c = config_of(r, source);

    return c->type == CONFIG_EMON && q == HWT_Q_IMPORT &&
           c->emon[r->o.site->source[source].input].energy_key[0] != '\0';
}

static struct hwt_total_rules rules_of(const struct registers *r, unsigned source,
                                       enum hwt_quantity q, bool net)
{
    bool volume = q == HWT_Q_VOLUME;
    struct hwt_total_rules rules = {
        .most_per_s = volume ? (int64_t)L_PER_S_MAX * ML_PER_L
                             : installation_max_w(r->o.site, source) * MILLI,
        .unit = {volume ? ML_PER_L : MJ_PER_WH, volume ? 0 : MJ_PER_J},
        .falls = net,
    };
    const struct config_source *c = config_of(r, source);

    if (c->type == CONFIG_EMON && !net) { /* pulses: the register counts those */
        const struct config_emon_input *in = &c->emon[r->o.site->source[source].input];

        rules.unit[1] = in->den > 0 ? MILLI * in->num / in->den : 0;
    }
    return rules;
}

static void make_columns(struct registers *r)
{
    const struct installation *site = r->o.site;

    for (unsigned i = 0; i < site->schema.count; i++) {
        unsigned source = site->column[i].source;
        enum hwt_quantity q = (enum hwt_quantity)site->column[i].quantity;
        struct column *c = &r->column[i];

        if (!has_registers(site, source) || hwt_quantity_get(q)->kind != HWT_COUNTER) {
            continue;
        }
        c->followed = true;
        c->net = is_net(r, source, q);
        c->export = c->net ? installation_column(site, source, HWT_Q_EXPORT) : COLUMN_NONE;
    }
}

struct registers *registers_new(const struct registers_options *options)
{
    struct registers *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return NULL;
    }
    r->o = *options;
    r->made_us = clock_real_us();
    make_columns(r);
    for (unsigned i = 0; i < options->site->config->source_count; i++) {
        (void)journal_meter(options->journal, options->site->config->source[i].id,
                            r->meter[i].recorded);
    }
    return r;
}

void registers_free(struct registers *r)
{
    free(r);
}

/* --- the journal ----------------------------------------------------------------------------- */

static struct journal_entry entry_of(const struct registers *r, unsigned source)
{
    struct journal_entry e = {.unix_ms = clock_unix_ms(r->o.clock)};

    snprintf(e.source, sizeof(e.source), "%s", r->o.site->source[source].id);
    snprintf(e.feed, sizeof(e.feed), "%s", config_of(r, source)->id);
    snprintf(e.meter, sizeof(e.meter), "%s", r->meter[meter_of(r, source)].name);
    return e;
}

static void put(struct registers *r, unsigned source, const struct journal_entry *e)
{
    if (e->meter[0] != '\0') {
        memcpy(r->meter[meter_of(r, source)].recorded, e->meter, sizeof(e->meter));
    }
    journal_put(r->o.journal, e);
}

static const struct step_words {
    const char *kind, *counter, *sentence;
} words[] = {
    [HWT_TOTAL_WRAPPED] = {"register_rollover", "wrapped",
                           "The register turned over; nothing is lost"},
    [HWT_TOTAL_RESET] = {"register_reset", "anchored",
                         "The register began anew; the counter goes on without a step"},
    [HWT_TOTAL_SWAPPED] = {"register_swap", "anchored",
                           "The register stands elsewhere: another meter, or it was set; the "
                           "counter goes on without a step"},
};

/* Behind a step of a register the meter may be another one, until it says again who it is. */
static void forget_meter(struct registers *r, unsigned meter)
{
    struct meter *m = &r->meter[meter];

    if (m->told) {
        return;
    }
    m->name[0] = m->recorded[0] = '\0';
    m->number = 0;
    for (unsigned i = 0; i < r->o.site->schema.count; i++) {
        if (meter_of(r, r->o.site->column[i].source) == meter) {
            hwt_total_forget_device(&r->column[i].total);
        }
    }
}

static void record_step(struct registers *r, unsigned column, enum hwt_total_event event)
{
    const struct site_column *c = &r->o.site->column[column];
    const struct hwt_total *t = &r->column[column].total;
    const struct hwt_quantity_info *info = hwt_quantity_get(c->quantity);
    struct journal_entry e;

    if (event != HWT_TOTAL_WRAPPED) {
        forget_meter(r, meter_of(r, c->source));
    }
    e = entry_of(r, c->source);

    snprintf(e.kind, sizeof(e.kind), "%s", words[event].kind);
    snprintf(e.channel, sizeof(e.channel), "%s", r->o.site->channel[column].id);
    e.quantity = c->quantity;
    e.before = t->before;
    e.after = t->after;
    e.offset = hwt_total_offset(t);
    snprintf(e.text, sizeof(e.text), "%s: %lld %s before, %lld %s after.", words[event].sentence,
             (long long)(e.before / info->per_unit), info->unit,
             (long long)(e.after / info->per_unit), info->unit);
    put(r, c->source, &e);
    LOG(LOG_WARN, e.source, "register jumped channel=%s kind=%s from=%lld to=%lld unit=%s",
        e.channel, e.kind, (long long)(e.before / info->per_unit),
        (long long)(e.after / info->per_unit), info->unit);
}

/* The journal's offset belongs to counters that the log does not have: they begin where the
 * register stands. */
static void record_begin(struct registers *r, unsigned column)
{
    const struct site_column *c = &r->o.site->column[column];
    struct journal_entry e = entry_of(r, c->source);

    snprintf(e.kind, sizeof(e.kind), "register_first");
    snprintf(e.channel, sizeof(e.channel), "%s", r->o.site->channel[column].id);
    e.quantity = c->quantity;
    e.before = e.after = r->column[column].show;
    snprintf(e.text, sizeof(e.text),
             "The log has no record of the counter: it begins where the register stands.");
    put(r, c->source, &e);
}

/* Who the meter is, when no register's step told it. */
static void record_meter(struct registers *r, unsigned source)
{
    struct journal_entry e = entry_of(r, source);
    bool exchanged = r->meter[meter_of(r, source)].recorded[0] != '\0';

    memcpy(e.source, e.feed, sizeof(e.source));
    snprintf(e.kind, sizeof(e.kind), exchanged ? "meter_exchanged" : "meter_found");
    snprintf(e.text, sizeof(e.text), exchanged ? "Another meter answers: %s." : "The meter is %s.",
             e.meter);
    put(r, source, &e);
}

/* --- readings -------------------------------------------------------------------------------- */

static uint32_t number_of(const char *text)
{
    uint32_t n = hwt_crc32c(0, text, strlen(text));

    return n != 0 ? n : 1;
}

/*
 * What a register may have risen by since the run before depends on how long ago that was: readings
 * that come before it can be told wait, for a while, or another meter's would pass for a rise.
 */
static bool may_resume(const struct registers *r)
{
    return hub_is_dated(r->o.hub) || clock_real_us() - r->made_us >= TIME_PATIENCE_US;
}

/* Goes on from the run before, at the first reading. */
static void resume(struct registers *r, unsigned column)
{
    const struct site_column *site = &r->o.site->column[column];
    enum hwt_quantity q = (enum hwt_quantity)site->quantity;
    struct column *c = &r->column[column];
    struct hwt_total_rules rules = rules_of(r, site->source, q, c->net);
    int64_t up, down = 0, offset, since_us;
    char meter[JOURNAL_METER_MAX]; /* of the run before */
    bool known = journal_offset(r->o.journal, r->o.site->channel[column].id, &offset);

    hwt_total_init(&c->total, &rules);
    c->begun = true;
    if (!hub_counter_start(r->o.hub, site->source, q, &up, &since_us)) {
        if (known && offset != 0) {
            record_begin(r, column);
        }
        return;
    }
    if (c->net) {
        (void)hub_counter_start(r->o.hub, site->source, HWT_Q_EXPORT, &down, &since_us);
    }
    (void)journal_meter(r->o.journal, config_of(r, site->source)->id, meter);
    hwt_total_resume(&c->total, up, down, offset, since_us,
                     meter[0] != '\0' ? number_of(meter) : 0);
}

/* True if the counter is known now. */
static bool follow(struct registers *r, unsigned column, const struct hwt_reading *in, bool fed_in)
{
    const struct source *s = &r->source[in->source];
    struct column *c = &r->column[column];
    struct status *status = r->o.status[r->o.site->source[in->source].config];
    struct hwt_total_hint hint = {.may_fall = fed_in,
                                  .restarted = s->restarted,
                                  .device = r->meter[meter_of(r, in->source)].number};
    enum hwt_total_event event;
    int64_t offset;

    c->show = in->value;
    c->shown = true;
    if (!c->begun && !may_resume(r)) {
        return false;
    }
    if (!c->begun) {
        resume(r, column);
    }
    offset = hwt_total_offset(&c->total);
    event = hwt_total_feed(&c->total, in->mono_us, in->value, hint);
    switch (event) {
    case HWT_TOTAL_WRAPPED:
    case HWT_TOTAL_RESET:
    case HWT_TOTAL_SWAPPED:
        if (hwt_total_offset(&c->total) != offset) {
            status_count(status, words[event].counter, 1);
            record_step(r, column, event);
        }
        break;
    case HWT_TOTAL_RESTORED:
        status_count(status, "misread", 1);
        LOG(LOG_INFO, r->o.site->source[in->source].id, "register is back channel=%s: a misread",
            r->o.site->channel[column].id);
        break;
    case HWT_TOTAL_FIRST:
    case HWT_TOTAL_MOVED:
    case HWT_TOTAL_ODD:
        break;
    }
    return event != HWT_TOTAL_ODD;
}

struct batch {
    struct hwt_reading reading[BATCH_MAX];
    size_t n;
};

static void add(struct batch *b, struct hwt_reading reading, int64_t value)
{
    reading.value = value;
    if (b->n < BATCH_MAX) {
        b->reading[b->n++] = reading;
    }
}

static void take_reading(struct registers *r, const struct hwt_reading *in, bool fed_in,
                         struct batch *b)
{
    int i = installation_column(r->o.site, in->source, (enum hwt_quantity)in->quantity);
    struct column *c = i != COLUMN_NONE ? &r->column[i] : NULL;
    struct hwt_reading export = *in;

    if (c == NULL || !c->followed) {
        add(b, *in, in->value);
    } else if (follow(r, (unsigned)i, in, fed_in)) {
        add(b, *in, c->total.up);
        if (c->export != COLUMN_NONE) {
            export.quantity = HWT_Q_EXPORT;
            add(b, export, c->total.down);
        }
    }
}

/* Power that was fed in now or a while ago lets a signed register fall. */
static bool is_fed_in(struct registers *r, const struct hwt_reading *readings, size_t n)
{
    struct source *s = &r->source[readings[0].source];
    bool before = s->fed_in, now = false;

    for (size_t i = 0; i < n; i++) {
        now |= readings[i].quantity == HWT_Q_POWER && readings[i].value < 0;
    }
    s->fed_in = now;
    return before || now;
}

/* None of the meter's registers is in doubt. */
static bool is_settled(const struct registers *r, unsigned meter)
{
    for (unsigned i = 0; i < r->o.site->schema.count; i++) {
        if (r->column[i].total.doubtful && meter_of(r, r->o.site->column[i].source) == meter) {
            return false;
        }
    }
    return true;
}

/* All readings of one source. */
static void take_source(struct registers *r, const struct hwt_reading *readings, size_t n,
                        struct batch *b)
{
    unsigned source = readings[0].source;
    struct meter *m = &r->meter[meter_of(r, source)];
    bool fed_in = is_fed_in(r, readings, n);

    for (size_t i = 0; i < n; i++) {
        take_reading(r, &readings[i], fed_in, b);
    }
    r->source[source].restarted = false;
    if (!is_settled(r, meter_of(r, source))) {
        return;
    }
    if (m->name[0] != '\0' && strcmp(m->name, m->recorded) != 0) {
        record_meter(r, source);
    }
    m->told = false;
}

void registers_put(struct registers *r, const struct hwt_reading *readings, size_t n)
{
    struct batch b = {.n = 0};
    size_t from = 0;

    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || readings[i + 1].source != readings[from].source) {
            take_source(r, readings + from, i + 1 - from, &b);
            from = i + 1;
        }
    }
    if (b.n > 0) {
        r->o.sink(r->o.ctx, b.reading, b.n);
    }
}

void registers_news(struct registers *r, const struct device_news *news)
{
    struct meter *m = &r->meter[meter_of(r, news->source)];

    r->source[news->source].restarted |= news->restarted;
    if (news->identity != NULL) {
        snprintf(m->name, sizeof(m->name), "%s", news->identity);
        m->number = number_of(m->name);
        m->told = true;
    }
}

bool registers_shown(const struct registers *r, unsigned column, int64_t *shown_out)
{
    *shown_out = r->column[column].show;
    return r->column[column].shown;
}

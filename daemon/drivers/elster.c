#include "daemon/drivers/elster.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/wire/elster.h"
#include "daemon/base/log.h"
#include "daemon/drivers/elster_pace.h"
#include "daemon/drivers/serial_port.h"
#include "daemon/drivers/stamps.h"

#define MJ_PER_WH INT64_C(3600000)
#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_US INT64_C(1000)

enum {
    DARK_US = 5000000, /* an A100C sends each second, an A1100 each four */
    SLACK_US = 500000, /* no flash was read for so long: there was none */
    CHARACTER_BITS = 10,
    ZERO_MAX_S = 86400,
    CHUNK_GAP_NS = 150000000, /* octets of a port come in chunks: a pause is longer than this */
    START_BAUD = 2400
};

struct elster {
    struct elster_options o;
    struct clock *clock;
    struct line_events *line; /* one of the two */
    struct serial_port *port;
    struct stamps stamps;
    struct hwt_elster decoder;
    struct hwt_elster_gate gate;
    struct elster_pace import, export;
    bool known;           /* a count has begun */
    uint64_t lost, begun; /* edges; counts that began after the first */
    unsigned fails;       /* power failures as the meter told last */
    uint8_t errors;       /* the same */
    unsigned trying;      /* baud that the port is tried at */
    int64_t octet_ns;     /* when the newest octet of the port began */
    int64_t light_us;     /* clock: newest flash or octet, and */
    int64_t packet_us;    /* packet; or when the line was opened */
    bool news;            /* something was read: the counters changed */
};

static void tell_counters(const struct elster *e)
{
    static const char *const reasons[HWT_ERR_KINDS] = {
        [-HWT_ERR_LENGTH] = "LENGTH",
        [-HWT_ERR_CHECKSUM] = "CHECKSUM",
        [-HWT_ERR_SANITY] = "SANITY",
        [-HWT_ERR_UNSUPPORTED] = "UNSUPPORTED",
    };
    const struct hwt_elster_counters *c = &e->decoder.counters;

    status_put(e->o.status, "packets", c->packets);
    status_put(e->o.status, "FRAMING", c->framing);
    for (unsigned i = 0; i < HWT_ERR_KINDS; i++) {
        if (reasons[i] != NULL) {
            status_put(e->o.status, reasons[i], c->refused[i]);
        }
    }
    status_put(e->o.status, "lost_edges", e->lost);
    status_put(e->o.status, "begun", e->begun);
    status_put(e->o.status, "baud", e->decoder.baud);
}

/* --- values ---------------------------------------------------------------------------------- */

/* Import less export. What never rose since it was watched is not known, and counts as 0 beside
 * what did. */
static bool net_power(const struct elster *e, int64_t at_us, int64_t *tenth_w_out)
{
    int64_t import = 0, export = 0;
    bool imports = elster_pace_power(&e->import, at_us, &import);
    bool exports = elster_pace_power(&e->export, at_us, &export);

    *tenth_w_out = (imports ? import : 0) - (exports ? export : 0);
    return imports || exports;
}

static void deliver(struct elster *e, const struct hwt_elster_value *v)
{
    struct hwt_reading r[3] = {
        {.quantity = HWT_Q_IMPORT, .value = (int64_t)v->import_wh * MJ_PER_WH},
        {.quantity = HWT_Q_EXPORT, .value = (int64_t)v->export_wh * MJ_PER_WH},
        {.quantity = HWT_Q_POWER},
    };
    int64_t now_us = clock_mono_us(e->clock);
    size_t n = net_power(e, v->at_ns / NS_PER_US, &r[2].value) ? 3 : 2;

    for (size_t i = 0; i < n; i++) {
        r[i].mono_us = now_us;
        r[i].source = e->o.source;
        r[i].quality = HWT_QUALITY_GOOD;
    }
    status_good(e->o.status, clock_stamp_ms(e->clock));
    e->o.sink(e->o.ctx, r, n);
}

static void tell_identity(const struct elster *e, const struct hwt_elster_packet *p)
{
    char text[2 * sizeof(p->serial)];
    const struct device_news news = {.source = e->o.source, .identity = text};

    snprintf(text, sizeof(text), "%s%s%s", p->product, p->product[0] != '\0' ? " " : "", p->serial);
    status_meter(e->o.status, "%s", text);
    if (e->o.news != NULL) {
        e->o.news(e->o.ctx, &news);
    }
}

/* A count begins: the first, another meter's, or after a reset. */
static void begin(struct elster *e, const struct hwt_elster_packet *p,
                  const struct hwt_elster_value *v)
{
    int64_t zero_s = (int64_t)e->o.zero_s * p->resolution_wh, at_us = v->at_ns / NS_PER_US;

    zero_s = zero_s < ZERO_MAX_S ? zero_s : ZERO_MAX_S;
    e->begun += e->known;
    LOG(LOG_INFO, e->o.id, "meter found product=\"%.16s\" serial=%.16s baud=%u import_wh=%llu",
        p->product, p->serial, e->decoder.baud, (unsigned long long)v->import_wh);
    tell_identity(e, p);
    e->known = true;
    elster_pace_init(&e->import, v->import_wh, at_us, p->resolution_wh, 1000000 * zero_s);
    elster_pace_init(&e->export, v->export_wh, at_us, p->resolution_wh, 1000000 * zero_s);
    deliver(e, v);
}

/* What the meter says of itself, told when it changes. */
static void watch_meter(struct elster *e, const struct hwt_elster_packet *p)
{
    if (p->errors != e->errors) {
        LOG(p->errors != 0 ? LOG_WARN : LOG_INFO, e->o.id, "meter's error flags now=0x%02X",
            p->errors);
        e->errors = p->errors;
    }
    if (e->known && p->power_fails != e->fails) {
        LOG(LOG_INFO, e->o.id, "meter lost power failures=%u", p->power_fails);
        status_count(e->o.status, "power_fails", 1);
    }
    e->fails = p->power_fails;
}

static void take_packet(struct elster *e, const struct hwt_elster_packet *p)
{
    struct hwt_elster_value v;
    enum hwt_elster_verdict verdict = hwt_elster_gate(&e->gate, p, &v);

    e->packet_us = clock_mono_us(e->clock);
    e->news = true;
    status_set(e->o.status, STATUS_OK, clock_stamp_ms(e->clock), NULL);
    if (verdict == HWT_ELSTER_WAIT) {
        return;
    }
    watch_meter(e, p);
    if (verdict == HWT_ELSTER_BEGIN) {
        begin(e, p, &v);
        return;
    }
    elster_pace_add(&e->import, v.import_wh, v.at_ns / NS_PER_US);
    elster_pace_add(&e->export, v.export_wh, v.at_ns / NS_PER_US);
    deliver(e, &v);
}

/* --- light ----------------------------------------------------------------------------------- */

/* The decoder and the gate know no time of before: the counters and the count go on. */
static void restart(struct elster *e, unsigned baud)
{
    struct hwt_elster_counters counters = e->decoder.counters;

    if (hwt_elster_init(&e->decoder, baud) == 0) { /* baud was checked when it was made */
        e->decoder.counters = counters;
    }
}

static void on_open(void *ctx)
{
    struct elster *e = ctx;

    restart(e, e->port != NULL ? e->trying : e->o.baud);
    e->stamps.any = false;
    e->octet_ns = 0;
    e->light_us = e->packet_us = clock_mono_us(e->clock);
}

static void on_fail(void *ctx, const char *why)
{
    struct elster *e = ctx;

    status_set(e->o.status, STATUS_FAILED, clock_stamp_ms(e->clock), "%s", why);
}

static void on_edge(void *ctx, const struct line_edge *edge)
{
    struct elster *e = ctx;
    struct hwt_elster_packet packet;

    e->light_us = clock_mono_us(e->clock);
    e->news = true;
    e->lost += edge->lost;
    stamps_put(&e->stamps, edge->t_ns / NS_PER_US, e->light_us);
    if (edge->active && hwt_elster_edge(&e->decoder, edge->t_ns, &packet)) {
        take_packet(e, &packet);
    }
}

/*
 * Octets of a port, all read at one time. When each began is reckoned back from now; but a chunk
 * that comes late, by a USB adapter's timer or a busy computer, is no pause in the packet.
 */
static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct elster *e = ctx;
    struct hwt_elster_packet packet;
    int64_t octet_ns = CHARACTER_BITS * NS_PER_S / e->trying, now_us = clock_mono_us(e->clock);
    int64_t t_ns = now_us * NS_PER_US - (int64_t)n * octet_ns, next_ns = e->octet_ns + octet_ns;

    e->light_us = now_us;
    e->news = true;
    t_ns = e->octet_ns == 0 || t_ns - next_ns > CHUNK_GAP_NS ? t_ns : next_ns;
    for (size_t i = 0; i < n; i++, t_ns += octet_ns) {
        e->octet_ns = t_ns;
        if (hwt_elster_character(&e->decoder, p[i], t_ns, &packet)) {
            serial_port_good(e->port);
            take_packet(e, &packet);
        }
    }
}

/* --- time ------------------------------------------------------------------------------------ */

/* The next rate, of a port whose rate was not given and brought no packet. */
static void try_next_rate(struct elster *e, int64_t now_us)
{
    if (e->port == NULL || e->o.baud != 0 || e->known) {
        return;
    }
    e->trying = e->trying == 9600 ? START_BAUD : 2 * e->trying;
    if (!serial_port_set_line(e->port, e->trying, SERIAL_8N1)) {
        LOG(LOG_WARN, e->o.id, "port refuses speed baud=%u", e->trying);
    }
    restart(e, e->trying);
    e->octet_ns = 0;
    e->packet_us = now_us;
}

static void check_dark(struct elster *e, int64_t now_us)
{
    long long dark_s = (now_us - e->light_us) / 1000000;

    if (now_us - e->packet_us <= DARK_US) {
        return;
    }
    if (now_us - e->light_us > DARK_US) {
        status_set(e->o.status, STATUS_STALE, clock_stamp_ms(e->clock),
                   "no light for %lld s: is the reader in place, has the meter power?", dark_s);
    } else {
        status_set(e->o.status, STATUS_STALE, clock_stamp_ms(e->clock),
                   "light, but no packet that is right: is it an Elster, is daylight kept out%s?",
                   e->o.baud != 0 ? ", is the baud right" : "");
    }
    try_next_rate(e, now_us);
}

static bool is_open(const struct elster *e)
{
    return e->port != NULL ? serial_port_is_open(e->port) : line_events_is_open(e->line);
}

void elster_tick(struct elster *e)
{
    int64_t now_us = clock_mono_us(e->clock), at_ns;
    struct hwt_elster_packet packet;

    if (!is_open(e)) {
        return;
    }
    at_ns = e->stamps.any ? (stamps_at(&e->stamps, now_us) - SLACK_US) * NS_PER_US : INT64_MIN;
    if (e->stamps.any && at_ns >= hwt_elster_deadline(&e->decoder) &&
        hwt_elster_idle(&e->decoder, at_ns, &packet)) {
        take_packet(e, &packet);
    }
    if (e->news) {
        e->news = false;
        tell_counters(e);
    }
    check_dark(e, now_us);
}

/* --- the source ------------------------------------------------------------------------------ */

static bool open_input(struct elster *e, uv_loop_t *loop)
{
    struct line_events_options line = e->o.line;
    struct serial_port_options port = {.path = e->o.port,
                                       .baud = e->trying,
                                       .framing = SERIAL_8N1,
                                       .on_open = on_open,
                                       .on_octets = on_octets,
                                       .on_fail = on_fail,
                                       .ctx = e};

    line.both = false;
    line.on_open = on_open;
    line.on_edge = on_edge;
    line.on_fail = on_fail;
    line.ctx = e;
    if (e->o.port != NULL) {
        e->port = serial_port_new(loop, &port);
    } else {
        e->line = line_events_new(loop, &line);
    }
    return e->port != NULL || e->line != NULL;
}

struct elster *elster_new(uv_loop_t *loop, struct clock *clock,
                          const struct elster_options *options)
{
    struct elster *e = calloc(1, sizeof(*e));

    if (e == NULL) {
        return NULL;
    }
    e->o = *options;
    e->clock = clock;
    e->trying = options->baud != 0 ? options->baud : START_BAUD;
    hwt_elster_gate_init(&e->gate, options->max_w);
    if (hwt_elster_init(&e->decoder, options->baud) != 0 || !open_input(e, loop)) {
        free(e);
        return NULL;
    }
    return e;
}

void elster_start(struct elster *e)
{
    if (e->port != NULL) {
        serial_port_start(e->port);
    } else {
        line_events_start(e->line);
    }
}

void elster_pause(struct elster *e, const char *cause)
{
    if (e->port != NULL) {
        serial_port_stop(e->port);
        status_set(e->o.status, STATUS_STALE, clock_stamp_ms(e->clock), "%s", cause);
    }
}

void elster_resume(struct elster *e)
{
    if (e->port != NULL) {
        serial_port_start(e->port);
    }
}

/* No callback comes after the two free calls. */
void elster_free(struct elster *e)
{
    if (e != NULL) {
        serial_port_free(e->port);
        line_events_free(e->line);
        free(e);
    }
}

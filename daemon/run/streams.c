#include "daemon/run/streams.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/run/hand_over.h"

_Static_assert((int)CONFIG_GROUPS_MAX <= (int)HWT_METER_GROUPS_MAX, "the meter has room for them");

/* NTP may have come just now, and the system's clock still catch up. */
enum { SETTLE_US = 60000000 };

struct stream {
    struct streams *all;
    unsigned config; /* index in config->source[] */
    struct sampler *sampler;
    struct hand_over readings;
    struct hwt_meter_curve curve[HWT_SLOTS_MAX]; /* borrowed by the sampler's meter */
    struct hwt_meter_curve_point point[HWT_SLOTS_MAX][CONFIG_CURVE_POINTS_MAX];
};

struct streams {
    struct streams_options options;
    unsigned count;
    struct stream *stream[CONFIG_SOURCES_MAX];
};

/* In the sampler's thread: the window's times, in us, then its readings, all or nothing. */
static void take_window(void *ctx, const struct sampler_window *w)
{
    struct stream *stream = ctx;
    struct hwt_reading batch[2 + SAMPLER_READINGS_MAX];

    batch[0] = (struct hwt_reading){.source = SOURCE_DEVICE,
                                    .quantity = HWT_Q_MEASURED,
                                    .value = (int64_t)w->measured_us,
                                    .mono_us = w->mono_us};
    batch[1] = (struct hwt_reading){.source = SOURCE_DEVICE,
                                    .quantity = HWT_Q_GAP,
                                    .value = (int64_t)w->gap_us,
                                    .mono_us = w->mono_us};
    for (size_t i = 0; i < w->count; i++) {
        batch[2 + i] = w->reading[i];
    }
    hand_over_put(&stream->readings, batch, 2 + w->count);
}

static void take_tick(void *ctx)
{
    struct stream *stream = ctx;

    stream->all->options.wake(stream->all->options.ctx);
}

static unsigned voltage_slot(const struct config_source *c, unsigned voltage)
{
    return voltage < c->voltage_count ? c->voltages[voltage].slot : HWT_METER_NO_REFERENCE;
}

/* NULL if the input has none. */
static const struct hwt_meter_curve *fill_curve(struct stream *stream,
                                                const struct config_input *in)
{
    struct hwt_meter_curve_point *point = stream->point[in->slot];

    for (unsigned k = 0; k < in->curve_count; k++) {
        point[k] = (struct hwt_meter_curve_point){in->curve[k].level, in->curve[k].factor,
                                                  in->curve[k].phase_deg};
    }
    stream->curve[in->slot] = (struct hwt_meter_curve){point, (uint8_t)in->curve_count};
    return in->curve_count > 0 ? &stream->curve[in->slot] : NULL;
}

static void fill_slot(struct stream *stream, struct sampler_options *o,
                      const struct streams_options *all, unsigned source)
{
    const struct installation *site = all->site;
    const struct site_source *s = &site->source[source];
    const struct config_source *c = &site->config->source[s->config];
    bool clamp = s->kind == SOURCE_IS_CLAMP;
    const struct config_input *in = installation_input(site, source);
    struct hub_clamp_start start = {0};
    double ratio = in->ratio, phase_deg = in->phase_deg;

    if (clamp) {
        start = hub_clamp_start(all->hub, source);
    }
    if (all->sensor != NULL) {
        all->sensor(all->ctx, source, &ratio, &phase_deg);
    }
    o->source[in->slot] = (uint16_t)source;
    o->name[in->slot] = in->id;
    o->meter.slot[in->slot] = (struct hwt_meter_slot){
        .ratio = ratio,
        .phase_deg = phase_deg,
        .import_mj = start.import_mj,
        .export_mj = start.export_mj,
        .kind = clamp ? HWT_SLOT_CURRENT : HWT_SLOT_VOLTAGE,
        .reference = clamp ? (uint8_t)voltage_slot(c, in->voltage) : HWT_METER_NO_REFERENCE,
        .reversed = in->reversed,
        .consumer = in->consumer,
        .between = in->minus_id[0] != '\0',
        .minus = (uint8_t)voltage_slot(c, in->minus),
        .shift_deg = in->shift_deg,
        .no_load_w = in->no_load_w,
        .phase = (uint8_t)in->phase,
        .curve = fill_curve(stream, in),
    };
    memcpy(o->meter.slot[in->slot].reactive_mj, start.reactive_mj, sizeof(start.reactive_mj));
    o->more[in->slot] = (struct sampler_more){in->delivers + in->quantities - in->more, in->more};
    if (in->harmonics && (clamp || !o->analyses)) { /* a clamp's reference comes with it */
        o->analyses = true;
        o->analysed = (uint8_t)in->slot;
    }
    if (in->slot + 1 > o->meter.slots) {
        o->meter.slots = (uint8_t)(in->slot + 1);
    }
}

static void fill_group(struct sampler_options *o, const struct installation *site, unsigned source,
                       const struct hub *hub)
{
    const struct site_source *s = &site->source[source];
    const struct config_source *c = &site->config->source[s->config];
    struct hub_clamp_start start = hub_clamp_start(hub, source);
    struct hwt_meter_group *group = &o->meter.group[o->meter.groups];

    group->vector_import_mj = start.import_mj;
    group->vector_export_mj = start.export_mj;
    for (unsigned i = 0; i < c->clamp_count; i++) {
        if ((c->groups[s->input].inputs >> i & 1) != 0) {
            group->clamps |= (uint32_t)1 << c->clamps[i].slot;
        }
    }
    o->group_source[o->meter.groups++] = (uint16_t)source;
}

static struct stream *stream_new(struct streams *all, unsigned config_index)
{
    const struct streams_options *o = &all->options;
    const struct config_source *c = &o->site->config->source[config_index];
    struct stream *stream = calloc(1, sizeof(*stream));
    struct sampler_options options = {
        .id = c->id,
        .socket = c->socket[0] != '\0' ? c->socket : NULL,
        .port = c->port[0] != '\0' ? c->port : NULL,
        .baud = c->baud,
        .spidev = {c->spidev[0] != '\0' ? c->spidev : NULL,
                   c->spidev_2[0] != '\0' ? c->spidev_2 : NULL},
        .spi_hz = c->spi_hz,
        .clock = o->clock,
        .settle_us = o->site->config->clock_trust == CLOCK_TRUST_AUTO ? SETTLE_US : 0,
        .status = o->status[config_index],
        .sink = take_window,
        .tick = take_tick,
        .ctx = stream,
    };

    if (stream == NULL) {
        return NULL;
    }
    stream->all = all;
    stream->config = config_index;
    for (unsigned i = 0; i < o->site->source_count; i++) {
        enum source_kind kind = o->site->source[i].kind;

        if (o->site->source[i].config != config_index) {
            continue;
        }
        if (kind == SOURCE_IS_CLAMP || kind == SOURCE_IS_VOLTAGE) {
            fill_slot(stream, &options, o, i);
        } else if (kind == SOURCE_IS_GROUP) {
            fill_group(&options, o->site, i, o->hub);
        }
    }
    stream->sampler = sampler_new(&options);
    if (stream->sampler == NULL) {
        free(stream);
        return NULL;
    }
    return stream;
}

struct streams *streams_new(const struct streams_options *options)
{
    struct streams *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->options = *options;
    for (unsigned i = 0; i < options->site->config->source_count; i++) {
        if (options->site->config->source[i].type != CONFIG_SAMPLES) {
            continue;
        }
        s->stream[s->count] = stream_new(s, i);
        if (s->stream[s->count] == NULL) {
            LOG(LOG_ERROR, options->site->config->source[i].id,
                "no sampler: out of memory or slots");
            streams_free(s);
            return NULL;
        }
        s->count++;
    }
    return s;
}

void streams_trim(struct streams *s, unsigned source, double ratio, double phase_deg)
{
    const struct installation *site = s->options.site;
    const struct config_input *in = installation_input(site, source);

    for (unsigned i = 0; in != NULL && i < s->count; i++) {
        if (s->stream[i]->config == site->source[source].config) {
            sampler_trim(s->stream[i]->sampler, in->slot, ratio, phase_deg);
        }
    }
}

bool streams_start(struct streams *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (sampler_start(s->stream[i]->sampler) != 0) {
            LOG(LOG_ERROR, "run", "cannot start a sampling thread");
            return false;
        }
    }
    return true;
}

/* One run of readings: at each window's times the readings before it go to the hub. */
static void put(struct streams *s, const struct hwt_reading *r, size_t n)
{
    hub_put(s->options.hub, r, n);
    if (s->options.seen != NULL) {
        s->options.seen(s->options.ctx, r, n);
    }
}

static void give(struct streams *s, bool first, const struct hwt_reading *r, size_t n)
{
    size_t from = 0;

    for (size_t i = 0; i < n; i++) {
        if (r[i].source != SOURCE_DEVICE) {
            continue;
        }
        put(s, r + from, i - from);
        from = i + 1;
        if (first) {
            hub_time(s->options.hub, &r[i]);
        }
    }
    put(s, r + from, n - from);
}

void streams_drain(struct streams *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        const struct hwt_reading *r;
        size_t n;

        while ((r = hand_over_peek(&s->stream[i]->readings, &n)) != NULL) {
            give(s, i == 0, r, n);
            hand_over_done(&s->stream[i]->readings, n);
        }
    }
}

void streams_poll_status(struct streams *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        sampler_poll_status(s->stream[i]->sampler);
    }
}

uint64_t streams_lost(const struct streams *s)
{
    uint64_t lost = 0;

    for (unsigned i = 0; i < s->count; i++) {
        lost += atomic_load(&s->stream[i]->readings.lost);
    }
    return lost;
}

int streams_scope(struct streams *s, unsigned source, unsigned cycles, struct sampler_view *out)
{
    const struct site_source *site = &s->options.site->source[source];
    const struct config_source *c = &s->options.site->config->source[site->config];

    for (unsigned i = 0; i < s->count && site->kind == SOURCE_IS_CLAMP; i++) {
        if (s->stream[i]->config == site->config) {
            return sampler_scope(s->stream[i]->sampler, c->clamps[site->input].slot, cycles, out);
        }
    }
    return HWT_ERR_ARGUMENT;
}

void streams_stop(struct streams *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        sampler_stop(s->stream[i]->sampler);
    }
}

void streams_free(struct streams *s)
{
    for (unsigned i = 0; s != NULL && i < s->count; i++) {
        sampler_free(s->stream[i]->sampler);
        free(s->stream[i]);
    }
    free(s);
}

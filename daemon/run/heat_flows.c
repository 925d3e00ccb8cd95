#include "daemon/run/heat_flows.h"

#include <stdlib.h>
#include <string.h>

#include "core/heat/fluid.h"

enum input { FLOW_RATE, FLOW_T, RETURN_T, INPUTS };
enum { INTERVALS_UNTIL_MISSING = 3 };

struct heat_flow {
    const struct config_source *c;
    struct status *status;
    uint16_t source;
    int64_t max_age_us;
    int64_t done_us; /* of the newest power */
    bool any;
    struct {
        const char *channel;
        struct site_column column;
        struct hwt_reading now; /* quality missing: none yet */
    } input[INPUTS];
};

struct heat_flows {
    struct heat_flows_options options;
    unsigned count;
    struct heat_flow flow[CONFIG_SOURCES_MAX];
};

static void set_input(const struct installation *site, struct heat_flow *f, enum input i,
                      const char *channel)
{
    f->input[i].channel = channel;
    for (unsigned k = 0; k < site->schema.count; k++) {
        if (strcmp(site->channel[k].id, channel) == 0) {
            f->input[i].column = site->column[k];
        }
    }
}

static void add(struct heat_flows *h, unsigned source)
{
    const struct installation *site = h->options.site;
    const struct config_source *c = &site->config->source[site->source[source].config];
    struct heat_flow *f = &h->flow[h->count++];

    f->c = c;
    f->status = h->options.status[site->source[source].config];
    f->source = (uint16_t)source;
    f->max_age_us = INTERVALS_UNTIL_MISSING * (int64_t)c->poll_s * 1000000;
    set_input(site, f, FLOW_RATE, c->flow_rate);
    set_input(site, f, FLOW_T, c->flow_t);
    set_input(site, f, RETURN_T, c->return_t);
}

struct heat_flows *heat_flows_new(const struct heat_flows_options *options)
{
    struct heat_flows *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return NULL;
    }
    h->options = *options;
    for (unsigned i = 0; i < options->site->source_count; i++) {
        const struct site_source *s = &options->site->source[i];

        if (s->kind == SOURCE_IS_METER &&
            options->site->config->source[s->config].type == CONFIG_HEAT_FLOW) {
            add(h, i);
        }
    }
    return h;
}

void heat_flows_free(struct heat_flows *h)
{
    free(h);
}

static bool is_fresh(const struct heat_flow *f, enum input i, int64_t now_us)
{
    return f->input[i].now.quality != HWT_QUALITY_MISSING &&
           now_us - f->input[i].now.mono_us <= f->max_age_us;
}

static bool take(struct heat_flow *f, const struct hwt_reading *r)
{
    bool taken = false;

    for (unsigned i = 0; i < INPUTS; i++) {
        if (f->input[i].column.source == r->source && f->input[i].column.quantity == r->quantity) {
            f->input[i].now = *r;
            taken = true;
        }
    }
    return taken;
}

/* The doubt of an input is the heat's. */
static uint8_t worst_quality(const struct heat_flow *f)
{
    for (unsigned i = 0; i < INPUTS; i++) {
        if (f->input[i].now.quality == HWT_QUALITY_SUSPECT) {
            return HWT_QUALITY_SUSPECT;
        }
    }
    return HWT_QUALITY_GOOD;
}

static int64_t unix_ms(const struct heat_flows *h)
{
    int64_t t = clock_unix_ms(h->options.clock);

    return t == HWT_TIME_UNKNOWN ? 0 : t;
}

static void work_out(struct heat_flows *h, struct heat_flow *f, int64_t at_us)
{
    const struct hwt_fluid fluid = {f->c->glycol, f->c->percent / 100.0};
    int64_t flow_t = f->input[FLOW_T].now.value, return_t = f->input[RETURN_T].now.value;
    struct hwt_reading power = {.mono_us = at_us,
                                .source = f->source,
                                .quantity = HWT_Q_POWER,
                                .quality = worst_quality(f)};

    if (!hwt_fluid_power(&fluid, f->input[FLOW_RATE].now.value, flow_t, return_t,
                         f->c->sensor_in == PIPE_RETURN ? return_t : flow_t, &power.value)) {
        status_count(f->status, "implausible", 1);
        status_set(f->status, STATUS_STALE, unix_ms(h),
                   "no liquid at these temperatures: flow %.2f, return %.2f degC",
                   (double)flow_t / 100.0, (double)return_t / 100.0);
        return;
    }
    f->done_us = at_us;
    f->any = true;
    status_set(f->status, STATUS_OK, unix_ms(h), NULL);
    status_good(f->status, unix_ms(h));
    h->options.sink(h->options.ctx, &power, 1);
}

void heat_flows_put(struct heat_flows *h, const struct hwt_reading *readings, size_t n)
{
    for (unsigned k = 0; k < h->count; k++) {
        struct heat_flow *f = &h->flow[k];
        bool taken = false, fresh = true;

        for (size_t i = 0; i < n; i++) {
            taken = take(f, &readings[i]) || taken;
        }
        for (unsigned i = 0; taken && i < INPUTS; i++) {
            fresh = fresh && is_fresh(f, (enum input)i, readings[0].mono_us);
        }
        if (taken && fresh && (!f->any || readings[0].mono_us > f->done_us)) {
            work_out(h, f, readings[0].mono_us);
        }
    }
}

void heat_flows_tick(struct heat_flows *h)
{
    int64_t now_us = clock_mono_us(h->options.clock);

    for (unsigned k = 0; k < h->count; k++) {
        struct heat_flow *f = &h->flow[k];

        for (unsigned i = 0; now_us > f->max_age_us && i < INPUTS; i++) {
            if (!is_fresh(f, (enum input)i, now_us)) {
                status_set(f->status, STATUS_STALE, unix_ms(h), "%s is missing",
                           f->input[i].channel);
                break;
            }
        }
    }
}

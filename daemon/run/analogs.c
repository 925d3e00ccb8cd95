#include "daemon/run/analogs.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/quantity.h"
#include "daemon/base/log.h"
#include "daemon/drivers/analog.h"

struct analogs {
    unsigned count;
    struct analog *analog[CONFIG_SOURCES_MAX];
};

static struct analog_calibration calibration_of(const struct config_calibration *points,
                                                unsigned count, enum hwt_quantity quantity)
{
    double per_unit = (double)hwt_quantity_get(quantity)->per_unit;
    struct analog_calibration c = {{0, 0}, {0, 0}};

    for (unsigned i = 0; count == 2 && i < 2; i++) {
        c.reads[i] = llround(points[i].reads * per_unit);
        c.is[i] = llround(points[i].is * per_unit);
    }
    return c;
}

static enum hwt_quantity temperature_of(const struct config_source *c)
{
    static const enum hwt_quantity quantities[] = {HWT_Q_FLOW_T, HWT_Q_RETURN_T, HWT_Q_TEMPERATURE};

    return quantities[c->analog_t_is];
}

static struct analog *make(const struct buses_options *options, unsigned source)
{
    const struct site_source *s = &options->site->source[source];
    const struct config_source *c = &options->site->config->source[s->config];
    enum hwt_quantity t = temperature_of(c);
    const struct analog_options analog = {
        .id = c->id,
        .source = (uint16_t)source,
        .sensor = analog_sensor_find(c->analog_sensor),
        .flow = {c->analog_flow, c->analog_flow_v,
                 calibration_of(c->flow_points, c->flow_point_count, HWT_Q_FLOW_RATE)},
        .temperature = {c->analog_t, c->analog_t_v,
                        calibration_of(c->t_points, c->t_point_count, t)},
        .divider = c->analog_divider,
        .temperature_is = t,
        .poll_s = c->poll_s,
        .status = options->status[s->config],
        .sink = options->sink,
        .ctx = options->ctx,
    };

    return analog_new(options->loop, options->clock, &analog);
}

struct analogs *analogs_new(const struct buses_options *options)
{
    const struct installation *site = options->site;
    struct analogs *a = calloc(1, sizeof(*a));

    for (unsigned i = 0; a != NULL && i < site->source_count; i++) {
        if (site->source[i].kind != SOURCE_IS_METER ||
            site->config->source[site->source[i].config].type != CONFIG_ANALOG) {
            continue;
        }
        a->analog[a->count] = make(options, i);
        if (a->analog[a->count] == NULL) {
            LOG(LOG_ERROR, site->source[i].id, "out of memory");
            analogs_free(a);
            return NULL;
        }
        a->count++;
    }
    return a;
}

void analogs_tick(struct analogs *a)
{
    for (unsigned i = 0; i < a->count; i++) {
        analog_tick(a->analog[i]);
    }
}

void analogs_free(struct analogs *a)
{
    for (unsigned i = 0; a != NULL && i < a->count; i++) {
        analog_free(a->analog[i]);
    }
    free(a);
}

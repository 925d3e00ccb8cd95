#include "daemon/run/inputs.h"

#include <math.h>
#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/drivers/ds18b20.h"
#include "daemon/drivers/elster.h"
#include "daemon/drivers/pulses.h"

#define MS_X_W_PER_KWH 3.6e9 /* a kWh is so many W x ms */

struct inputs {
    struct buses_options options;
    /* by config->source[]; NULL: of another type */
    struct pulses *pulses[CONFIG_SOURCES_MAX];
    struct elster *elster[CONFIG_SOURCES_MAX];
    struct ds18b20 *sensors[CONFIG_SOURCES_MAX];
};

static struct line_events_options line_of(const struct config_source *c)
{
    static const enum line_bias bias[] = {
        [BIAS_AS_IS] = LINE_BIAS_AS_IS,
        [BIAS_PULL_UP] = LINE_BIAS_PULL_UP,
        [BIAS_PULL_DOWN] = LINE_BIAS_PULL_DOWN,
        [BIAS_NONE] = LINE_BIAS_NONE,
    };

    return (struct line_events_options){.chip = c->chip[0] != '\0' ? c->chip : NULL,
                                        .events = c->events,
                                        .line = c->gpio,
                                        .active_low = c->active_low,
                                        .bias = bias[c->bias]};
}

/* The least time between two pulses. */
static int64_t period_us(const struct config_source *c)
{
    if (c->period_ms > 0 || c->volume) {
        return 1000 * (int64_t)c->period_ms;
    }
    return llround(1000.0 * MS_X_W_PER_KWH / (c->per_unit * c->max_w));
}

static bool add_pulses(struct inputs *in, unsigned config)
{
    const struct buses_options *b = &in->options;
    const struct config_source *c = &b->site->config->source[config];
    unsigned source = (unsigned)installation_source(b->site, config, 0);
    struct pulses_options options = {
        .id = c->id,
        .source = (uint16_t)source,
        .line = line_of(c),
        .debounce = {.active_us = 1000 * (int64_t)c->active_ms,
                     .inactive_us = 1000 * (int64_t)c->inactive_ms,
                     .period_us = period_us(c)},
        .volume = c->volume,
        .per_unit = c->per_unit,
        .zero_s = c->zero_s,
        .status = b->status[config],
        .sink = b->sink,
        .ctx = b->ctx,
    };
    int64_t since_us; /* pulses that nobody saw cannot be made up for, however long ago */

    (void)hub_counter_start(b->hub, source, c->volume ? HWT_Q_VOLUME : HWT_Q_IMPORT, &options.start,
                            &since_us);
    in->pulses[config] = pulses_new(b->loop, b->clock, &options);
    return in->pulses[config] != NULL;
}

static bool add_elster(struct inputs *in, unsigned config)
{
    const struct buses_options *b = &in->options;
    const struct config_source *c = &b->site->config->source[config];
    struct elster_options options = {
        .id = c->id,
        .source = (uint16_t)installation_source(b->site, config, 0),
        .port = c->port[0] != '\0' ? c->port : NULL,
        .line = line_of(c),
        .baud = c->baud,
        .max_w = c->max_w,
        .zero_s = c->zero_s,
        .status = b->status[config],
        .sink = b->sink,
        .news = b->news,
        .ctx = b->ctx,
    };

    in->elster[config] = elster_new(b->loop, b->clock, &options);
    return in->elster[config] != NULL;
}

_Static_assert((int)CONFIG_SENSORS_MAX <= (int)DS18B20_SENSORS_MAX, "a source has room for them");

static bool add_sensors(struct inputs *in, unsigned config)
{
    const struct buses_options *b = &in->options;
    const struct config_source *c = &b->site->config->source[config];
    unsigned first = (unsigned)installation_source(b->site, config, 0), column = 0;
    struct ds18b20_options options = {
        .id = c->id,
        .dir = c->w1,
        .sensors = c->sensor_count,
        .every_s = c->poll_s,
        .status = b->status[config],
        .sink = b->sink,
        .ctx = b->ctx,
    };

    for (unsigned i = 0; i < c->sensor_count; i++) {
        while (b->site->column[column].source != first + i) { /* each has one */
            column++;
        }
        options.sensor[i] = (struct ds18b20_sensor){.id = c->sensors[i].id,
                                                    .rom = c->sensors[i].rom,
                                                    .source = (uint16_t)(first + i),
                                                    .quantity = b->site->column[column].quantity,
                                                    .offset_k = c->sensors[i].offset_k};
    }
    in->sensors[config] = ds18b20_new(b->loop, b->clock, &options);
    return in->sensors[config] != NULL;
}

static bool add(struct inputs *in, unsigned config)
{
    switch (in->options.site->config->source[config].type) {
    case CONFIG_PULSES:
        return add_pulses(in, config);
    case CONFIG_ELSTER:
        return add_elster(in, config);
    case CONFIG_DS18B20:
        return add_sensors(in, config);
    case CONFIG_SAMPLES:
    case CONFIG_MBUS:
    case CONFIG_MODBUS:
    case CONFIG_EMON:
    case CONFIG_HEAT_FLOW:
    case CONFIG_ANALOG:
        break;
    }
    return true;
}

struct inputs *inputs_new(const struct buses_options *options)
{
    struct inputs *in = calloc(1, sizeof(*in));

    if (in == NULL) {
        return NULL;
    }
    in->options = *options;
    for (unsigned i = 0; i < options->site->config->source_count; i++) {
        if (!add(in, i)) {
            LOG(LOG_ERROR, options->site->config->source[i].id, "no input: out of memory");
            inputs_free(in);
            return NULL;
        }
    }
    return in;
}

void inputs_start(struct inputs *in)
{
    for (unsigned i = 0; i < CONFIG_SOURCES_MAX; i++) {
        if (in->pulses[i] != NULL) {
            pulses_start(in->pulses[i]);
        }
        if (in->elster[i] != NULL) {
            elster_start(in->elster[i]);
        }
        if (in->sensors[i] != NULL) {
            ds18b20_start(in->sensors[i]);
        }
    }
}

void inputs_tick(struct inputs *in)
{
    for (unsigned i = 0; i < CONFIG_SOURCES_MAX; i++) {
        if (in->pulses[i] != NULL) {
            pulses_tick(in->pulses[i]);
        }
        if (in->elster[i] != NULL) {
            elster_tick(in->elster[i]);
        }
        if (in->sensors[i] != NULL) {
            ds18b20_tick(in->sensors[i]);
        }
    }
}

void inputs_pause(struct inputs *in, const struct buses_pause *which)
{
    const struct config *config = in->options.site->config;

    for (unsigned i = 0; i < config->source_count; i++) {
        if (in->elster[i] == NULL || !which->uses(which->ctx, &config->source[i])) {
            continue;
        }
        if (which->cause != NULL) {
            elster_pause(in->elster[i], which->cause);
        } else {
            elster_resume(in->elster[i]);
        }
    }
}

void inputs_free(struct inputs *in)
{
    for (unsigned i = 0; in != NULL && i < CONFIG_SOURCES_MAX; i++) {
        pulses_free(in->pulses[i]);
        elster_free(in->elster[i]);
        ds18b20_free(in->sensors[i]);
    }
    free(in);
}

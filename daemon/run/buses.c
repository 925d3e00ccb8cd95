#include "daemon/run/buses.h"

#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/drivers/mbus.h"
#include "daemon/run/analogs.h"
#include "daemon/run/emon_lines.h"
#include "daemon/run/inputs.h"
#include "daemon/run/modbus_lines.h"

struct buses {
    struct buses_options options;
    struct modbus_lines *modbus;
    struct emon_lines *emon;
    struct inputs *inputs;
    struct analogs *analogs;
    unsigned count;
    struct {
        const struct config_source *first; /* the meter that named it first */
        struct mbus_bus *bus;
    } bus[CONFIG_SOURCES_MAX];
};

static struct mbus_bus *bus_of(struct buses *b, const struct config_source *c)
{
    bool remote = c->tcp[0] != '\0';
    const struct mbus_bus_options options = {.port = remote ? NULL : c->port,
                                             .tcp = remote ? c->tcp : NULL};

    for (unsigned i = 0; i < b->count; i++) {
        if (config_same_line(b->bus[i].first, c)) {
            return b->bus[i].bus;
        }
    }
    b->bus[b->count].first = c;
    b->bus[b->count].bus = mbus_bus_new(b->options.loop, b->options.clock, &options);
    return b->bus[b->count].bus != NULL ? b->bus[b->count++].bus : NULL;
}

static bool is_mbus_meter(const struct installation *site, unsigned source)
{
    const struct site_source *s = &site->source[source];

    return s->kind == SOURCE_IS_METER && site->config->source[s->config].type == CONFIG_MBUS;
}

static bool add_meter(struct buses *b, unsigned source)
{
    const struct site_source *s = &b->options.site->source[source];
    const struct config_source *c = &b->options.site->config->source[s->config];
    struct mbus_bus *bus = bus_of(b, c);
    struct mbus_meter_options meter = {
        .id = c->id,
        .source = (uint16_t)source,
        .address = (uint8_t)c->address,
        .baud = c->baud,
        .kind = c->measures == CONFIG_ELECTRICITY ? MBUS_ELECTRICITY : MBUS_HEAT,
        .profile = mbus_profile_named(c->profile),
        .mains_powered = c->mains_powered,
        .poll_s = c->poll_s,
        .timeout_ms = c->timeout_ms,
        .retries = c->retries,
        .status = b->options.status[s->config],
        .sink = b->options.sink,
        .ctx = b->options.ctx,
    };

    return (c->secondary[0] == '\0' || mbus_select_parse(c->secondary, meter.select)) &&
           bus != NULL && mbus_bus_add(bus, &meter) == 0;
}

struct buses *buses_new(const struct buses_options *options)
{
    struct buses *b = calloc(1, sizeof(*b));

    if (b == NULL) {
        return NULL;
    }
    b->options = *options;
    for (unsigned i = 0; i < options->site->source_count; i++) {
        if (is_mbus_meter(options->site, i) && !add_meter(b, i)) {
            LOG(LOG_ERROR, options->site->source[i].id, "no bus: out of memory or meters");
            buses_free(b);
            return NULL;
        }
    }
    b->modbus = modbus_lines_new(options);
    b->emon = emon_lines_new(options);
    b->inputs = inputs_new(options);
    b->analogs = analogs_new(options);
    if (b->modbus == NULL || b->emon == NULL || b->inputs == NULL || b->analogs == NULL) {
        buses_free(b);
        return NULL;
    }
    return b;
}

void buses_start(struct buses *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        mbus_bus_start(b->bus[i].bus);
    }
    modbus_lines_start(b->modbus);
    emon_lines_start(b->emon);
    inputs_start(b->inputs);
}

void buses_tick(struct buses *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        mbus_bus_tick(b->bus[i].bus);
    }
    modbus_lines_tick(b->modbus);
    emon_lines_tick(b->emon);
    inputs_tick(b->inputs);
    analogs_tick(b->analogs);
}

void buses_free(struct buses *b)
{
    if (b != NULL) {
        inputs_free(b->inputs);
        modbus_lines_free(b->modbus);
        emon_lines_free(b->emon);
        analogs_free(b->analogs);
    }
    for (unsigned i = 0; b != NULL && i < b->count; i++) {
        mbus_bus_free(b->bus[i].bus);
    }
    free(b);
}

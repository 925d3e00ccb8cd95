#include "daemon/run/installation.h"

#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"

enum { POLLS_UNTIL_MISSING = 3, CLAMP_MAX_AGE_US = 3000000, POLL_SLACK_US = 2000000 };
enum {
    HOUSE_MAX_W = 100000,
    SITE_MAX_W = 1000000 /* meters behind transformers are read by Modbus */
};

static const uint8_t device_quantities[] = {HWT_Q_MEASURED, HWT_Q_GAP};
static const uint8_t ledger_quantities[] = {
    HWT_Q_ELEC_POWER,  HWT_Q_HEAT_POWER,      HWT_Q_ELEC_ENERGY,
    HWT_Q_HEAT_ENERGY, HWT_Q_NEGATIVE_HEAT,   HWT_Q_PAIRED_ELEC,
    HWT_Q_PAIRED_HEAT, HWT_Q_PAIRED_NEGATIVE, HWT_Q_COP,
};

static const struct site_source device = {
    .kind = SOURCE_IS_DEVICE, .id = "device", .label = "Device", .max_age_us = CLAMP_MAX_AGE_US};

/* Adds a source with its columns; false if there is no more room. */
static bool add(struct installation *site, const struct site_source *source, const uint8_t *q,
                size_t n)
{
    unsigned index = site->source_count;

    if (index == SOURCES_MAX || site->schema.count + n > HWT_CHANNELS_MAX) {
        return false;
    }
    site->source[index] = *source;
    site->source_count++;
    for (size_t i = 0; i < n; i++) {
        struct hwt_channel *c = &site->channel[site->schema.count];

        site->column[site->schema.count].source = (uint16_t)index;
        site->column[site->schema.count].quantity = q[i];
        snprintf(c->id, sizeof(c->id), "%s_%s", source->id, hwt_quantity_get(q[i])->id);
        c->quantity = q[i];
        site->schema.count++;
    }
    return true;
}

static bool add_point(struct installation *site, const struct config_point *point)
{
    static const enum source_kind kinds[POINT_KINDS] = {
        [POINT_VOLTAGE] = SOURCE_IS_VOLTAGE, [POINT_CLAMP] = SOURCE_IS_CLAMP,
        [POINT_GROUP] = SOURCE_IS_GROUP,     [POINT_MBUS] = SOURCE_IS_METER,
        [POINT_MBUS_ELEC] = SOURCE_IS_METER, [POINT_MODBUS] = SOURCE_IS_METER,
        [POINT_EMON] = SOURCE_IS_METER,      [POINT_HEAT_FLOW] = SOURCE_IS_METER,
        [POINT_PULSES] = SOURCE_IS_COUNTER,  [POINT_WATER] = SOURCE_IS_COUNTER,
        [POINT_ELSTER] = SOURCE_IS_METER,    [POINT_SENSOR] = SOURCE_IS_SENSOR,
        [POINT_ANALOG] = SOURCE_IS_METER,
    };
    int64_t poll_us = (int64_t)site->config->source[point->source].poll_s * 1000000;
    bool polled = poll_us > 0;
    struct site_source source = {
        .kind = kinds[point->kind],
        .id = point->id,
        .label = point->label,
        .config = point->source,
        .input = point->input,
        .max_age_us = polled ? POLLS_UNTIL_MISSING * poll_us + POLL_SLACK_US : CLAMP_MAX_AGE_US,
    };

    return add(site, &source, point->quantity, point->quantities);
}

/* A role names a source, "hp", or a channel, "heatmeter_flow_t". The configuration has checked that
 * it exists. */
static struct site_role find_role(const struct installation *site, const char *name)
{
    for (unsigned i = 0; name[0] != '\0' && i < site->source_count; i++) {
        if (strcmp(site->source[i].id, name) == 0) {
            return (struct site_role){.source = (int)i, .quantity = HWT_Q_NONE};
        }
    }
    for (unsigned i = 0; name[0] != '\0' && i < site->schema.count; i++) {
        if (strcmp(site->channel[i].id, name) == 0) {
            return (struct site_role){
                .source = site->column[i].source,
                .quantity = (enum hwt_quantity)site->column[i].quantity,
            };
        }
    }
    return (struct site_role){.source = -1, .quantity = HWT_Q_NONE};
}

/* The ledger's powers come with the readings of its roles, which are meters, and age as they do. */
static int64_t ledger_max_age(const struct config *config)
{
    unsigned slowest_s = 1;

    for (unsigned i = 0; i < config->source_count; i++) {
        if (config->source[i].type != CONFIG_DS18B20 && config->source[i].poll_s > slowest_s) {
            slowest_s = config->source[i].poll_s;
        }
    }
    return (int64_t)slowest_s * 1000000 * POLLS_UNTIL_MISSING + POLL_SLACK_US;
}

bool installation_make(struct installation *site, const struct config *config)
{
    struct site_source ledger = {.kind = SOURCE_IS_LEDGER, .id = "heatpump", .label = "Heat pump"};
    struct config_point point;
    bool fits;

    memset(site, 0, sizeof(*site));
    site->config = config;
    site->schema.channel = site->channel;
    ledger.max_age_us = ledger_max_age(config);
    fits = add(site, &device, device_quantities, sizeof(device_quantities)) &&
           add(site, &ledger, ledger_quantities, sizeof(ledger_quantities));
    for (unsigned i = 0; fits && config_point_get(config, i, &point); i++) {
        fits = add_point(site, &point);
    }
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        site->role[r] = find_role(site, config->role[r]);
    }
    return fits;
}

int installation_source(const struct installation *site, unsigned config, unsigned input)
{
    for (unsigned i = SOURCE_LEDGER + 1; i < site->source_count; i++) {
        if (site->source[i].config == config && site->source[i].input == input) {
            return (int)i;
        }
    }
    return -1;
}

int64_t installation_max_w(const struct installation *site, unsigned source)
{
    const struct site_source *s = &site->source[source];
    const struct config_source *c = &site->config->source[s->config];

    if (s->kind != SOURCE_IS_METER) {
        return HOUSE_MAX_W;
    }
    return c->type == CONFIG_ELSTER   ? c->max_w
           : c->type == CONFIG_MODBUS ? SITE_MAX_W
                                      : HOUSE_MAX_W;
}

const struct config_input *installation_input(const struct installation *site, unsigned source)
{
    const struct site_source *s = &site->source[source];

    switch (s->kind) {
    case SOURCE_IS_VOLTAGE:
        return &site->config->source[s->config].voltages[s->input];
    case SOURCE_IS_CLAMP:
        return &site->config->source[s->config].clamps[s->input];
    case SOURCE_IS_DEVICE:
    case SOURCE_IS_LEDGER:
    case SOURCE_IS_GROUP:
    case SOURCE_IS_METER:
    case SOURCE_IS_COUNTER:
    case SOURCE_IS_SENSOR:
        break;
    }
    return NULL;
}

int installation_column(const struct installation *site, unsigned source,
                        enum hwt_quantity quantity)
{
    for (unsigned i = 0; i < site->schema.count; i++) {
        if (site->column[i].source == source && site->column[i].quantity == quantity) {
            return (int)i;
        }
    }
    return COLUMN_NONE;
}

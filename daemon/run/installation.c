#include "daemon/run/installation.h"

#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/drivers/mbus.h"

enum { POLLS_UNTIL_MISSING = 3, CLAMP_MAX_AGE_US = 3000000, POLL_SLACK_US = 2000000 };

static const uint8_t device_quantities[] = {HWT_Q_MEASURED, HWT_Q_GAP};
static const uint8_t ledger_quantities[] = {
    HWT_Q_ELEC_POWER,  HWT_Q_HEAT_POWER,      HWT_Q_ELEC_ENERGY,
    HWT_Q_HEAT_ENERGY, HWT_Q_NEGATIVE_HEAT,   HWT_Q_PAIRED_ELEC,
    HWT_Q_PAIRED_HEAT, HWT_Q_PAIRED_NEGATIVE, HWT_Q_COP,
};
static const uint8_t voltage_quantities[] = {HWT_Q_VOLTAGE, HWT_Q_FREQUENCY};
static const uint8_t clamp_quantities[] = {
    HWT_Q_POWER,        HWT_Q_CURRENT, HWT_Q_APPARENT_POWER, HWT_Q_REACTIVE_POWER,
    HWT_Q_POWER_FACTOR, HWT_Q_IMPORT,  HWT_Q_EXPORT,
};

static const uint8_t *quantities(enum source_kind kind, size_t *n_out)
{
    const uint8_t *q = NULL;

    switch (kind) {
    case SOURCE_IS_DEVICE:
        *n_out = sizeof(device_quantities);
        return device_quantities;
    case SOURCE_IS_LEDGER:
        *n_out = sizeof(ledger_quantities);
        return ledger_quantities;
    case SOURCE_IS_VOLTAGE:
        *n_out = sizeof(voltage_quantities);
        return voltage_quantities;
    case SOURCE_IS_CLAMP:
        *n_out = sizeof(clamp_quantities);
        return clamp_quantities;
    case SOURCE_IS_METER:
        *n_out = mbus_quantities(&q);
        return q;
    }
    *n_out = 0;
    return NULL;
}

/* Adds a source with its columns; false if there is no more room. */
static bool add(struct installation *site, const struct site_source *source)
{
    size_t n;
    const uint8_t *q = quantities(source->kind, &n);
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

static bool add_inputs(struct installation *site, unsigned config_index)
{
    const struct config_source *c = &site->config->source[config_index];
    bool fits = true;

    for (unsigned i = 0; i < c->voltage_count; i++) {
        fits = fits && add(site, &(struct site_source){.kind = SOURCE_IS_VOLTAGE,
                                                       .id = c->voltages[i].id,
                                                       .label = c->voltages[i].label,
                                                       .config = config_index,
                                                       .input = i,
                                                       .max_age_us = CLAMP_MAX_AGE_US});
    }
    for (unsigned i = 0; i < c->clamp_count; i++) {
        fits = fits && add(site, &(struct site_source){.kind = SOURCE_IS_CLAMP,
                                                       .id = c->clamps[i].id,
                                                       .label = c->clamps[i].label,
                                                       .config = config_index,
                                                       .input = i,
                                                       .max_age_us = CLAMP_MAX_AGE_US});
    }
    return fits;
}

static bool add_configured(struct installation *site, unsigned config_index)
{
    const struct config_source *c = &site->config->source[config_index];

    switch (c->type) {
    case CONFIG_SAMPLES:
        return add_inputs(site, config_index);
    case CONFIG_MBUS:
        return add(site, &(struct site_source){.kind = SOURCE_IS_METER,
                                               .id = c->id,
                                               .label = c->label,
                                               .config = config_index,
                                               .max_age_us = (int64_t)c->poll_s * 1000000 *
                                                                 POLLS_UNTIL_MISSING +
                                                             POLL_SLACK_US});
    }
    return false;
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

bool installation_make(struct installation *site, const struct config *config, char *why, size_t n)
{
    bool fits;

    memset(site, 0, sizeof(*site));
    site->config = config;
    site->schema.channel = site->channel;
    fits = add(site, &(struct site_source){.kind = SOURCE_IS_DEVICE,
                                           .id = "device",
                                           .label = "Device",
                                           .max_age_us = CLAMP_MAX_AGE_US}) &&
           add(site, &(struct site_source){.kind = SOURCE_IS_LEDGER,
                                           .id = "heatpump",
                                           .label = "Heat pump",
                                           .max_age_us = INT64_MAX});
    for (unsigned i = 0; fits && i < config->source_count; i++) {
        fits = add_configured(site, i);
    }
    if (!fits) {
        snprintf(why, n, "%s: the sources have more than %d channels together", config->path,
                 HWT_CHANNELS_MAX);
        return false;
    }
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        site->role[r] = find_role(site, config->role[r]);
    }
    return true;
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

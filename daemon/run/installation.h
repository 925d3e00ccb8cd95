/*
 * installation.h: what the configuration amounts to: the list of sources, the columns of the own
 * stream, and which of them plays which role. Made once from the configuration, const afterwards.
 *
 * Source 0 is the device itself (time measured, gaps), source 1 the heat pump's ledger; then every
 * voltage, clamp and meter in configured order. A reading's `source` is an index here.
 */
#ifndef DAEMON_RUN_INSTALLATION_H
#define DAEMON_RUN_INSTALLATION_H

#include <stdbool.h>

#include "core/flow.h"
#include "daemon/run/config.h"

enum { SOURCE_DEVICE = 0, SOURCE_LEDGER = 1, SOURCES_MAX = 96, COLUMN_NONE = -1 };

enum source_kind {
    SOURCE_IS_DEVICE,
    SOURCE_IS_LEDGER,
    SOURCE_IS_VOLTAGE,
    SOURCE_IS_CLAMP,
    SOURCE_IS_GROUP, /* of clamps */
    SOURCE_IS_METER,
    SOURCE_IS_COUNTER, /* counts for itself, from 0 on: pulses */
    SOURCE_IS_SENSOR
};

struct site_source {
    enum source_kind kind;
    const char *id; /* of the configuration, borrowed */
    const char *label;
    unsigned
        config;     /* index in config->source[]; of a voltage, clamp or group: its sample stream */
    unsigned input; /* index in voltages[], clamps[] or groups[]; of a Modbus device: the part; of
                     * an emonTx: in emon[]; of a sensor: in sensors[] */
    int64_t max_age_us; /* a live value older than this is missing: three polls */
};

struct site_column {
    uint16_t source;
    uint8_t quantity;
};

struct site_role {
    int source; /* index, or -1: not configured */
    enum hwt_quantity
        quantity; /* of roles that name a channel; HWT_Q_NONE where the role names a source */
};

struct installation {
    const struct config *config;
    struct site_source source[SOURCES_MAX];
    unsigned source_count;
    struct site_column column[HWT_CHANNELS_MAX];
    struct hwt_channel channel[HWT_CHANNELS_MAX]; /* same order as column[] */
    struct hwt_schema schema;
    struct site_role role[ROLE_COUNT];
};

/* False if there are more channels than a record may have, which the configuration's checks rule
 * out. */
bool installation_make(struct installation *site, const struct config *config);
/* The source that config->source[config] has for its input (as in struct site_source; 0 where it
 * has but one), or -1. Not for sample streams, whose voltages and clamps are counted apart. */
int installation_source(const struct installation *site, unsigned config, unsigned input);
/* W, more than which no register of the source rises. */
int64_t installation_max_w(const struct installation *site, unsigned source);
/* The voltage or the clamp that a source is; NULL: it is neither. */
const struct config_input *installation_input(const struct installation *site, unsigned source);
/* The column of a source's quantity, or COLUMN_NONE. */
int installation_column(const struct installation *site, unsigned source,
                        enum hwt_quantity quantity);

#endif

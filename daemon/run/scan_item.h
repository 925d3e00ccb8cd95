/*
 * scan_item.h: what a scan found, as an item of a configuration's `sources:`.
 *
 *   scan_found ─▶ its id (free in the configuration) ─▶ {"id": …, "type": …}    JSON
 *                                                    └▶   - id: …               YAML
 *
 * The keys are the type's own (docs/CONFIG.md); what is left out has its default there.
 */
#ifndef DAEMON_RUN_SCAN_ITEM_H
#define DAEMON_RUN_SCAN_ITEM_H

#include "core/base/json.h"
#include "daemon/drivers/scan.h"
#include "daemon/run/config.h"

enum { SCAN_YAML_MAX = 8192 };

struct scan_item {
    struct scan_found found;
    char id[HWT_ID_MAX + 1];
    char configured_as[HWT_ID_MAX + 1]; /* id of the source, or sensor, that it already is; or "" */
    bool shared;                        /* M-Bus: another one answers at its primary address */
};

/* Why it cannot be added as it is; NULL: it can. A sentence. */
const char *scan_item_cannot(const struct scan_item *item);
/* A name for it; the id is made of it. */
void scan_item_base(const struct scan_found *found, char base_out[HWT_ID_MAX + 1]);
/* The source or sensor of a configuration that it is; "" if none. */
void scan_item_configured(const struct scan_found *found, const struct config *config,
                          char id_out[HWT_ID_MAX + 1]);
/* Whether the source is on that port. */
bool scan_item_same_place(const struct config_source *source, enum scan_target target,
                          const char *port);
/* The item as a member of the object under way. */
void scan_item_json(const struct scan_item *item, struct hwt_json *j, const char *key);
/* An element of a list, indented by two; NUL terminated. False: too long. */
bool scan_item_yaml(const struct scan_item *item, char out[SCAN_YAML_MAX]);
/* What tells it from all else: "mbus /dev/ttyUSB0 12345678 2D2C 40 04". */
void scan_item_key(const struct scan_found *found, char *out, size_t n);
/* "12345678 2D2C 40 04" */
void scan_item_secondary(const struct scan_found *found, char out[24]);

#endif

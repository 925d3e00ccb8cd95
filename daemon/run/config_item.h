/*
 * config_item.h: a source as JSON becomes the lines of a configuration.
 *
 *   {"id":"meter","type":"mbus","address":5}  ──▶  - id: meter
 *                                                    type: mbus
 *                                                    address: 5
 *
 * Words are quoted where YAML would take them for something else; members that are null are left
 * out. What the members mean is not asked here.
 */
#ifndef DAEMON_RUN_CONFIG_ITEM_H
#define DAEMON_RUN_CONFIG_ITEM_H

#include <jansson.h>
#include <stddef.h>

/* To be freed. NULL: out of memory, or deeper than a configuration may be (CONFIG_DEPTH_MAX). */
char *config_item_text(const json_t *source, size_t *n_out);

#endif

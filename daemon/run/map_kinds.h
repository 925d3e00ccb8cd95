/*
 * map_kinds.h: the Modbus maps that come with the program, as what a search tells devices by.
 */
#ifndef DAEMON_RUN_MAP_KINDS_H
#define DAEMON_RUN_MAP_KINDS_H

#include "daemon/drivers/modbus_search.h"
#include "daemon/run/config_map.h"

struct map_kinds {
    unsigned count;
    struct modbus_kind *kind; /* [count], in the order of config_map_files */
    struct config_map **map;  /* [count]: speed and parity as from the factory, rows */
};

/* Reads them all. NULL when out of memory. */
struct map_kinds *map_kinds_new(void);
/* NULL is fine. No search that was given them may run any more. */
void map_kinds_free(struct map_kinds *k);

#endif

/* scan_ports.h: the ports of the machine and those of a configuration, for GET /api/v1/ports. */
#ifndef DAEMON_RUN_SCAN_PORTS_H
#define DAEMON_RUN_SCAN_PORTS_H

#include "daemon/run/scan_item.h"

/* As text on one line, to be freed; *n_out its length. may_change: whoever asks may scan. NULL: out
 * of memory. */
char *scan_ports_json(const struct config *config, bool may_change, size_t *n_out);
/* The source that keeps a port to itself, so that it cannot be scanned: a sampler, an input line;
 * NULL: none. */
const char *scan_ports_keeper(const struct config *config, const char *port);

#endif

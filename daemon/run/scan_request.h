/*
 * scan_request.h: the body of POST /api/v1/scan.
 *
 *   {"ports":["/dev/ttyUSB0","gateway.lan:10001"],"protocols":["mbus"]?,"baud":[2400]?,
 *    "quick":true?,"every":true?,"listen_ms":2000?,"timeout_ms":200?}
 */
#ifndef DAEMON_RUN_SCAN_REQUEST_H
#define DAEMON_RUN_SCAN_REQUEST_H

#include <jansson.h>

#include "daemon/drivers/scan.h"

struct scan_request {
    const char *port[SCAN_PORTS_MAX]; /* as long as the body lives */
    struct scan_options options;      /* without callbacks; its ports are those above */
};

/* False: why_out names the member that is wrong. */
bool scan_request_read(const json_t *body, struct scan_request *out, char why_out[SCAN_DETAIL_MAX]);

#endif

/*
 * mbus_json.h: one M-Bus telegram as one JSON object, as `heatwatt decode mbus` prints it.
 *
 *   {"protocol":"mbus","ok":true,"address":17,"id":"06855817","manufacturer":"KAM",…,"records":[…]}
 *   {"ok":false,"reason":"CHECKSUM","at":24,"detail":"checksum is not the sum of the octets"}
 */
#ifndef DAEMON_CLI_MBUS_JSON_H
#define DAEMON_CLI_MBUS_JSON_H

#include "core/base/json.h"
#include "core/wire/mbus.h"

enum { MBUS_JSON_MAX = 65536 }; /* octets; more than any telegram of 261 octets makes */

/*
 * Writes the frame's telegram into j, as an element or the root. Returns 0, or the reason for which
 * it is refused: then nothing is written and *fault_out is filled. Running out of room shows in
 * j->ok.
 */
HWT_MUST_CHECK int mbus_json_telegram(struct hwt_json *j, const struct hwt_mbus_frame *frame,
                                      struct hwt_mbus_fault *fault_out);
/* Writes the refusal. */
void mbus_json_refusal(struct hwt_json *j, int err, const struct hwt_mbus_fault *fault);

#endif

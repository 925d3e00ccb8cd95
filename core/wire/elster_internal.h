/* elster_internal.h: whole packets, for elster.c only. */
#ifndef HWT_CORE_WIRE_ELSTER_INTERNAL_H
#define HWT_CORE_WIRE_ELSTER_INTERNAL_H

#include <string.h>

#include "core/wire/elster.h"

/* n octets, the sum among them. All but start_ns is filled. Errors: LENGTH (no end mark), CHECKSUM,
 * SANITY, UNSUPPORTED. */
HWT_MUST_CHECK int hwt_elster_a100c(const uint8_t *p, size_t n,
                                    struct hwt_elster_packet *packet_out);
HWT_MUST_CHECK int hwt_elster_a1100(const uint8_t *p, size_t n,
                                    struct hwt_elster_packet *packet_out);

#endif

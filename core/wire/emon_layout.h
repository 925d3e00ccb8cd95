/* emon_layout.h: the octets of radio messages, for emon.c only. */
#ifndef HWT_CORE_WIRE_EMON_LAYOUT_H
#define HWT_CORE_WIRE_EMON_LAYOUT_H

#include "core/wire/emon.h"

/* Takes a node's octets apart. Errors: UNSUPPORTED, LENGTH, as hwt_emon_line. */
HWT_MUST_CHECK int hwt_emon_octets(int node, const uint8_t *p, size_t n, const char *layout,
                                   struct hwt_emon_message *message);

#endif

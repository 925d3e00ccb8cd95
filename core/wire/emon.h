/*
 * emon.h: what emonTx, emonPi, EmonTH and their kin send over a serial line.
 *
 *   MSG:1234,Vrms:239.87,P1:500            pairs
 *   {"MSG":1234,"Vrms":239.87,"P1":500}    JSON
 *   OK 15 210 4 0 0 179 93 … (-46)         from a radio receiver (RFM69Pi, RFM2Pi): node, octets,
 *                                          signal; the octets mean what the node's layout says
 *
 * All become names with numbers. Lines of other kinds (banners, settings) are told from damaged
 * ones. Layouts are those published for the devices; several have the same length, so the node
 * number decides, or the name of a layout that the user gave.
 *
 * Source: OpenEnergyMonitor, emonhub.conf templates and firmware documentation.
 */
#ifndef HWT_CORE_WIRE_EMON_H
#define HWT_CORE_WIRE_EMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    HWT_EMON_LINE_MAX = 512,  /* octets of a line, without its end */
    HWT_EMON_VALUES_MAX = 40, /* of a message */
    HWT_EMON_NAME_MAX = 23,
    HWT_EMON_NODE_NONE = -1
};

struct hwt_emon_value {
    char name[HWT_EMON_NAME_MAX + 1]; /* "P1", as sent or as the layout names it */
    int64_t milli;                    /* thousandths of the unit sent */
    bool missing;                     /* the device says that it has none: a sensor absent or bad */
};

struct hwt_emon_message {
    int node; /* of the radio network, or HWT_EMON_NODE_NONE */
    int rssi; /* dBm, 0: not told */
    size_t count;
    struct hwt_emon_value value[HWT_EMON_VALUES_MAX];
};

/*
 * One line. `layout` names the layout of radio messages, NULL: by node and length. Errors: NOT_MINE
 * (a line that carries no values: a banner, a setting, an empty one), SANITY (it looks like values,
 * and one is none; *at_out is its place in the line), LENGTH (too long, or a length that the layout
 * has not), UNSUPPORTED (no layout for this node and length), SPACE (too many values).
 */
HWT_MUST_CHECK int hwt_emon_line(const char *line, size_t n, const char *layout,
                                 struct hwt_emon_message *message_out, size_t *at_out);

/* The name of layout number i, NULL at the end. */
const char *hwt_emon_layout(unsigned i);

#endif

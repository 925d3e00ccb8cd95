/*
 * modbus_order.h: which unit of which line a Modbus search asks next. Knows no port and no master;
 * modbus_search.c asks.
 *
 *   first pass    line 0: 1 … 16   line 1: 1 … 16   …
 *   second pass   line 0: the rest ──▶ line 1: …       only of lines where something was found
 *
 * A line is a speed and a framing; TCP has one.
 */
#ifndef DAEMON_DRIVERS_MODBUS_ORDER_H
#define DAEMON_DRIVERS_MODBUS_ORDER_H

#include "daemon/drivers/modbus_search.h"

enum {
    MODBUS_LINES_MAX = MODBUS_SEARCH_SPEEDS_MAX * MODBUS_SEARCH_FRAMINGS_MAX,
    MODBUS_KNOWN_MAX = 256
};

struct modbus_place {
    unsigned baud;
    enum serial_framing framing;
    uint8_t unit;
};

struct modbus_order {
    unsigned done;  /* units, at all lines */
    unsigned found; /* at all lines */
    bool rest;      /* the second pass */
    /* private */
    const struct modbus_search_options *o;
    uint8_t unit[256]; /* in the order they are asked, the likely ones first */
    unsigned units, likely;
    unsigned lines;                  /* speeds x framings */
    unsigned line, at;               /* asked now: index of its line, and in unit[] */
    bool left_out[MODBUS_LINES_MAX]; /* refused by the port, or disturbed */
    unsigned found_on[MODBUS_LINES_MAX];
    struct modbus_place known[MODBUS_KNOWN_MAX];
    unsigned knowns;
};

/* Before the first line. The options outlive it. */
void modbus_order_init(struct modbus_order *r, const struct modbus_search_options *o);
/* To the first unit of this line that is to be asked, or else of a later one, or of the other pass.
 * False: all is through. */
bool modbus_order_seek(struct modbus_order *r);
/* The unit is done: to the next of this line. False: there is none; end_line, then seek. */
bool modbus_order_next(struct modbus_order *r);
void modbus_order_end_line(struct modbus_order *r);
/* Nothing more is asked at this line: seek. */
void modbus_order_leave_out(struct modbus_order *r);
/* Somebody is at this line; he is not asked for again. */
void modbus_order_found(struct modbus_order *r, const struct modbus_found *found);
/* Units to be asked yet, as far as is known now. */
unsigned modbus_order_left(const struct modbus_order *r);

/* Of the unit whose turn it is; the baud of TCP is 0. */
unsigned modbus_order_baud(const struct modbus_order *r);
enum serial_framing modbus_order_framing(const struct modbus_order *r);
uint8_t modbus_order_unit(const struct modbus_order *r);

#endif

/*
 * flash.h: serial characters from light: the optical output of Elster meters, as IrDA's slow mode
 * (IrDA SIR): 8 data bits, no parity, one stop bit, each 0 bit one short flash at the start of its
 * bit, each 1 bit dark.
 *
 *   flash at t ──edge──▶ [ start bit anchors the character ] ──▶ character, or a framing error
 *                 idle ──▶ the last character of a burst, which no further flash would end
 *
 * Each character is timed from its own start bit, so pauses between characters do no harm and the
 * sender's clock may be 4 % off. One decoder knows one rate; elster.h finds the rate.
 */
#ifndef HWT_CORE_WIRE_FLASH_H
#define HWT_CORE_WIRE_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

struct hwt_flash { /* private */
    int64_t bit_ns;
    int64_t start_ns; /* of the open character's start bit */
    uint16_t zeros;   /* data bits that flashed */
    bool open;
};

struct hwt_flash_char {
    int64_t start_ns;
    uint8_t value;
};

/* baud >= 1. */
void hwt_flash_init(struct hwt_flash *f, unsigned baud);
/*
 * A flash began at t_ns (any clock that does not step). 1: a character was complete before it,
 * *char_out is filled. 0: not yet. SANITY: a flash in the stop bit, or time ran backwards; the open
 * character is dropped and this flash begins a new one.
 */
HWT_MUST_CHECK int hwt_flash_edge(struct hwt_flash *f, int64_t t_ns,
                                  struct hwt_flash_char *char_out);
/* It is t_ns and no flash came. True: the open character is complete. */
HWT_MUST_CHECK bool hwt_flash_idle(struct hwt_flash *f, int64_t t_ns,
                                   struct hwt_flash_char *char_out);
/* When hwt_flash_idle is to be called if no flash comes; INT64_MAX: no character is open. */
int64_t hwt_flash_deadline(const struct hwt_flash *f);

#endif

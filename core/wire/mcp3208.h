/*
 * mcp3208.h: the words of a Microchip MCP3208 (and MCP3204), a 12-bit converter of eight inputs on
 * SPI. Microchip DS21298E, section 5 and figure 6-1.
 *
 *   to it     0 0 0 0 0 1 S D2   D1 D0 x x x x x x   x x x x x x x x      S 1: against ground
 *   from it   . . . . . . . .    . . . 0 B B B B     B B B B B B B B      MSB first, mode 0,0
 *
 * A conversion takes 24 clocks under one chip select. The input is held at the 11th clock, at the
 * same place of every conversion.
 */
#ifndef HWT_CORE_WIRE_MCP3208_H
#define HWT_CORE_WIRE_MCP3208_H

#include <stdint.h>

#include "core/base/err.h"

enum { HWT_MCP3208_INPUTS = 8, HWT_MCP3208_OCTETS = 3, HWT_MCP3208_BITS = 12 };

/* Asks for an input, 0..7, against ground. */
void hwt_mcp3208_ask(unsigned input, uint8_t out[HWT_MCP3208_OCTETS]);

/* The code, 0..4095. HWT_ERR_SANITY: the null bit before it is set, so that no converter drove the
 * line. */
HWT_MUST_CHECK int hwt_mcp3208_code(const uint8_t answer[HWT_MCP3208_OCTETS]);

#endif

/*
 * mbus.h: wired M-Bus (EN 13757-2 link layer, EN 13757-3 application layer): frames, records,
 * requests.
 *
 *   octets ──hwt_mbus_frame_find──▶ frame ──hwt_mbus_open──▶ telegram header ──hwt_mbus_next──▶
 * records
 *
 * Strict: lengths, checksum and stop byte are always verified; no length in a telegram is trusted.
 * No malloc, no recursion. The decoder knows no maker's meter by name.
 */
#ifndef HWT_CORE_WIRE_MBUS_H
#define HWT_CORE_WIRE_MBUS_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/flow.h"

enum { HWT_MBUS_FRAME_MAX = 261 }; /* octets: 68 L L 68, L <= 255, CS, 16 */

#endif

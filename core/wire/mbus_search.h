/*
 * mbus_search.h: finds all meters of a bus by their secondary addresses: which selection to try
 * next. Does not talk: the caller selects the mask (mbus_master.h), asks, and says what came.
 *
 *   FFFFFFFF ─collision─▶ 0FFFFFFF silence
 *                         1FFFFFFF one meter: found
 *                         2FFFFFFF collision ─▶ 20FFFFFF …
 *
 * Where all eight digits still collide, the device types are tried one by one.
 */
#ifndef HWT_CORE_WIRE_MBUS_SEARCH_H
#define HWT_CORE_WIRE_MBUS_SEARCH_H

#include "core/wire/mbus_master.h"

enum { HWT_MBUS_ID_DIGITS = 8 };

enum hwt_mbus_outcome {
    HWT_MBUS_NOBODY,  /* silence after the selection */
    HWT_MBUS_ONE,     /* E5, and a whole telegram */
    HWT_MBUS_SEVERAL, /* anything else: garbage after the selection or the request */
    HWT_MBUS_OUTCOMES
};

struct hwt_mbus_search {
    uint32_t tried;    /* masks given out */
    uint32_t given_up; /* places where meters with one and the same address collide */
    /* private */
    uint8_t from;  /* digits that are fixed by the caller */
    uint8_t depth; /* digits fixed now */
    uint8_t digit[HWT_MBUS_ID_DIGITS];
    uint8_t rest[4]; /* manufacturer, version, medium of the mask */
    uint8_t medium;  /* index of the device type tried, where depth is 8 */
    bool media, several, over;
};

/*
 * `mask` limits the search: 8 octets as sent in a selection, leading digits may be fixed; once a
 * digit is F all behind it must be F. FF … FF: the whole bus.
 */
void hwt_mbus_search_init(struct hwt_mbus_search *s, const uint8_t mask[HWT_MBUS_SELECT_SIZE]);

/* The next mask to select, or false: the search is over. Call `tell` before the next `next`. */
bool hwt_mbus_search_next(struct hwt_mbus_search *s, uint8_t mask_out[HWT_MBUS_SELECT_SIZE]);
/* What came of the mask. */
void hwt_mbus_search_tell(struct hwt_mbus_search *s, enum hwt_mbus_outcome outcome);

/* The outcome of a READ of the mask, retries 0 or more, once the master is DONE. */
enum hwt_mbus_outcome hwt_mbus_search_outcome(const struct hwt_mbus_master *m);

#endif

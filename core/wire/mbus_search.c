/*
 * mbus_search.c: see mbus_search.h. EN 13757-3, clause 11.5: the wildcard search, digit by digit
 * from the most significant one.
 */
#include "core/wire/mbus_search.h"

#include <string.h>

/* The device types that meters have, likely ones first; EN 13757-7, table 13. */
static const uint8_t media[] = {0x04, 0x0C, 0x0D, 0x0A, 0x0B, 0x02, 0x07, 0x06, 0x16,
                                0x15, 0x03, 0x08, 0x00, 0x01, 0x05, 0x09, 0x0E, 0x0F,
                                0x14, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x20, 0x21,
                                0x25, 0x28, 0x29, 0x31, 0x32, 0x33, 0x36, 0x37};

enum { WILD = 15, MEDIUM = 3, ANY = 0xFF };

/* Digit i counts from the most significant one; sent last octet first. */
static uint8_t mask_digit(const uint8_t mask[HWT_MBUS_SELECT_SIZE], unsigned i)
{
    uint8_t octet = mask[3 - i / 2];

    return i % 2 == 0 ? (uint8_t)(octet >> 4) : octet & 15;
}

void hwt_mbus_search_init(struct hwt_mbus_search *s, const uint8_t mask[HWT_MBUS_SELECT_SIZE])
{
    memset(s, 0, sizeof(*s));
    while (s->from < HWT_MBUS_ID_DIGITS && mask_digit(mask, s->from) != WILD) {
        s->digit[s->from] = mask_digit(mask, s->from);
        s->from++;
    }
    s->depth = s->from;
    memcpy(s->rest, mask + 4, sizeof(s->rest));
}

bool hwt_mbus_search_next(struct hwt_mbus_search *s, uint8_t mask_out[HWT_MBUS_SELECT_SIZE])
{
    if (s->over) {
        return false;
    }
    memset(mask_out, ANY, 4);
    for (unsigned i = 0; i < s->depth; i++) {
        uint8_t *octet = &mask_out[3 - i / 2];

        *octet = i % 2 == 0 ? (uint8_t)((*octet & 0x0F) | s->digit[i] << 4)
                            : (uint8_t)((*octet & 0xF0) | s->digit[i]);
    }
    memcpy(mask_out + 4, s->rest, sizeof(s->rest));
    if (s->media) {
        mask_out[4 + MEDIUM] = media[s->medium];
    }
    s->tried++;
    return true;
}

/* The place holds several meters: its ten digits are next. False: no way to tell them apart. */
static bool open_place(struct hwt_mbus_search *s)
{
    if (s->depth < HWT_MBUS_ID_DIGITS) {
        s->digit[s->depth++] = 0;
        return true;
    }
    if (s->rest[MEDIUM] != ANY) {
        s->given_up++;
        return false;
    }
    s->media = true;
    s->several = false;
    s->medium = 0;
    return true;
}

/* The place is done: on to its sister, or up. */
static void move_on(struct hwt_mbus_search *s)
{
    while (s->depth > s->from) {
        if (s->digit[s->depth - 1] < 9) {
            s->digit[s->depth - 1]++;
            return;
        }
        s->depth--;
    }
    s->over = true;
}

/* Meters that share all digits: told apart by what they measure, if that differs. */
static void tell_medium(struct hwt_mbus_search *s, enum hwt_mbus_outcome outcome)
{
    s->given_up += outcome == HWT_MBUS_SEVERAL;
    s->several = s->several || outcome != HWT_MBUS_NOBODY;
    if (++s->medium == sizeof(media)) {
        s->given_up += !s->several;
        s->media = false;
        move_on(s);
    }
}

void hwt_mbus_search_tell(struct hwt_mbus_search *s, enum hwt_mbus_outcome outcome)
{
    if (s->media) {
        tell_medium(s, outcome);
    } else if (outcome != HWT_MBUS_SEVERAL || !open_place(s)) {
        move_on(s);
    }
}

enum hwt_mbus_outcome hwt_mbus_search_outcome(const struct hwt_mbus_master *m)
{
    if (m->result == 0) {
        return m->collision == HWT_MBUS_NO_COLLISION ? HWT_MBUS_ONE : HWT_MBUS_SEVERAL;
    }
    /* a meter that took the selection and then said nothing is worth a closer look */
    return m->result == HWT_ERR_AGAIN && !m->chosen ? HWT_MBUS_NOBODY : HWT_MBUS_SEVERAL;
}

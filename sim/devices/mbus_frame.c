#include "sim/devices/mbus_frame.h"

#include <string.h>
#include <time.h>

enum { LONG_START = 0x68, STOP = 0x16, RSP_UD = 0x08, CI_VARIABLE = 0x72 };

static void put(struct mbus_frame *f, int64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        f->bytes[f->len++] = (uint8_t)((uint64_t)value >> (8 * i));
    }
}

/* Three letters of five bits, A = 1. */
static uint16_t manufacturer_code(const char *letters)
{
    uint16_t code = 0;

    for (int i = 0; i < 3; i++) {
        code = (uint16_t)(code << 5 | (letters[i] - 64));
    }
    return code;
}

void mbus_frame_begin(struct mbus_frame *f, uint8_t address, const struct mbus_identity *who,
                      uint8_t access, uint8_t status)
{
    f->len = 0;
    put(f, LONG_START, 1);
    put(f, 0, 2); /* lengths: at the end */
    put(f, LONG_START, 1);
    put(f, RSP_UD, 1);
    put(f, address, 1);
    put(f, CI_VARIABLE, 1);
    put(f, who->serial, 4);
    put(f, manufacturer_code(who->manufacturer), 2);
    put(f, who->version, 1);
    put(f, who->medium, 1);
    put(f, access, 1);
    put(f, status, 1);
    put(f, 0, 2); /* signature */
}

void mbus_frame_record(struct mbus_frame *f, const uint8_t *head, size_t head_len, int64_t value,
                       size_t size)
{
    if (f->len + head_len + size + 2 > MBUS_FRAME_MAX) {
        return;
    }
    memcpy(f->bytes + f->len, head, head_len);
    f->len += head_len;
    put(f, value, size);
}

void mbus_frame_end(struct mbus_frame *f)
{
    uint8_t sum = 0;

    f->bytes[1] = f->bytes[2] = (uint8_t)(f->len - 4);
    for (size_t i = 4; i < f->len; i++) {
        sum = (uint8_t)(sum + f->bytes[i]);
    }
    put(f, sum, 1);
    put(f, STOP, 1);
}

uint32_t mbus_datetime(int64_t unix_s)
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    uint32_t year;

    gmtime_r(&t, &tm);
    year = (uint32_t)(tm.tm_year - 100);
    return (uint32_t)tm.tm_min | (uint32_t)tm.tm_hour << 8 |
           ((uint32_t)tm.tm_mday | (year & 7) << 5) << 16 |
           ((uint32_t)(tm.tm_mon + 1) | (year >> 3) << 4) << 24;
}

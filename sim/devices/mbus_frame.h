/*
 * mbus_frame.h: builds M-Bus telegrams, EN 13757-2 and -3: the plant's own builder.
 *
 *   68 L L 68 | C A CI | id id id id  man man  ver med  acc status sig sig | records | CS 16
 *
 * L counts from C to the last record byte; CS is the sum of the same bytes modulo 256.
 */
#ifndef SIM_DEVICES_MBUS_FRAME_H
#define SIM_DEVICES_MBUS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define MBUS_FRAME_MAX 261 /* 255 and six bytes around */

struct mbus_frame {
    uint8_t bytes[MBUS_FRAME_MAX];
    size_t len;
};

struct mbus_identity {
    uint32_t serial;      /* BCD */
    char manufacturer[4]; /* three capital letters */
    uint8_t version;
    uint8_t medium;
};

/* Begins an RSP_UD, C = 08, CI = 72. */
void mbus_frame_begin(struct mbus_frame *f, uint8_t address, const struct mbus_identity *who,
                      uint8_t access, uint8_t status);

/* A record: the DIF and VIF bytes of `head`, then `size` (0...8) bytes of value, least first.
 * A record that would not fit is left out. */
void mbus_frame_record(struct mbus_frame *f, const uint8_t *head, size_t head_len, int64_t value,
                       size_t size);

/* Fills in lengths, checksum and stop byte. */
void mbus_frame_end(struct mbus_frame *f);

/* Date and time, type F, of a UTC time. */
uint32_t mbus_datetime(int64_t unix_s);

#endif

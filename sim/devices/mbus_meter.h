/*
 * mbus_meter.h: one heat meter as a slave of the M-Bus: who is addressed, and what it answers.
 *
 *   SND_NKE            ─▶ E5
 *   REQ_UD2            ─▶ RSP_UD
 *   SND_UD, CI 50      ─▶ E5        (application reset)
 *   anything else      ─▶ silence
 *
 * The meter has one telegram, so the frame count bit is ignored: each request gets fresh values.
 */
#ifndef SIM_DEVICES_MBUS_METER_H
#define SIM_DEVICES_MBUS_METER_H

#include "sim/devices/heat_meter.h"
#include "sim/devices/mbus_port.h"

struct mbus_meter {
    const struct heat_meter *meter;
    uint8_t address;                /* primary, 0...250 */
    uint8_t access;                 /* number of the next telegram */
    int64_t now_s;                  /* the meter's clock, kept by the owner */
    struct heat_meter_display sent; /* what the last telegram said */
    int64_t sent_s;                 /* its time, 0: none yet */
};

/* A mbus_answer; ctx is a struct mbus_meter. */
size_t mbus_meter_answer(void *ctx, const struct mbus_request *request, uint8_t *reply);

#endif

/*
 * heat_telegram.h: the heat meter's answer to REQ_UD2, in the manner of a Kamstrup 403 with a
 * module of finer resolution. docs/PLANT.md lists the records.
 */
#ifndef SIM_DEVICES_HEAT_TELEGRAM_H
#define SIM_DEVICES_HEAT_TELEGRAM_H

#include "sim/devices/heat_meter.h"
#include "sim/devices/mbus_frame.h"

/* `now_s`: the meter's clock. */
void heat_telegram_build(struct mbus_frame *f, const struct heat_meter *m, uint8_t address,
                         uint8_t access, int64_t now_s);

#endif

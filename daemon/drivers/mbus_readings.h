/*
 * mbus_readings.h: from the records of a telegram to readings: which record of a meter is which
 * quantity of the log.
 */
#ifndef DAEMON_DRIVERS_MBUS_READINGS_H
#define DAEMON_DRIVERS_MBUS_READINGS_H

#include "core/flow.h"
#include "core/wire/mbus.h"

enum { MBUS_READINGS_MAX = 16 };

/* The quantities that an M-Bus meter may deliver, in ascending order; returns how many. */
size_t mbus_quantities(const uint8_t **out);

/*
 * The readings among the telegram's records: the present values (instantaneous, storage, tariff and
 * subunit 0, no qualifying VIFE), each quantity once, the first one sent. A value that is absent,
 * invalid or outside what its quantity can be gives no reading; the latter are counted in
 * *implausible_out. The telegram must have passed hwt_mbus_verify. Returns how many readings.
 */
size_t mbus_readings(const struct hwt_mbus_telegram *telegram, uint16_t source, int64_t mono_us,
                     struct hwt_reading out[MBUS_READINGS_MAX], unsigned *implausible_out);

#endif

/*
 * mbus_readings.h: from the records of a telegram to readings: which record of a meter is which
 * quantity of the log.
 */
#ifndef DAEMON_DRIVERS_MBUS_READINGS_H
#define DAEMON_DRIVERS_MBUS_READINGS_H

#include "core/flow.h"
#include "core/wire/mbus.h"
#include "daemon/drivers/mbus_profile.h"

enum { MBUS_READINGS_MAX = 16 };

/* What a meter is, as far as it decides what its records mean. */
enum mbus_kind { MBUS_HEAT, MBUS_ELECTRICITY, MBUS_KINDS };

/* The quantities that a meter of this kind may deliver, in column order; returns how many. */
size_t mbus_quantities(enum mbus_kind kind, const uint8_t **out);

/*
 * The readings among the telegram's records: the present values (instantaneous, storage, tariff and
 * subunit 0, no qualifying VIFE but "positive only"; of electricity "negative only" energy is the
 * export), each quantity once, the first one sent. The profile's rules go before; NULL: none. A
 * value that is absent, invalid (the lowest number of its width: EN 13757-3, annex A, type B) or
 * outside what its quantity can be gives no reading; the latter are counted in *implausible_out.
 * The telegram must have passed hwt_mbus_verify. Returns how many readings.
 */
size_t mbus_readings(const struct hwt_mbus_telegram *telegram, enum mbus_kind kind,
                     const struct mbus_profile *profile, uint16_t source, int64_t mono_us,
                     struct hwt_reading out[MBUS_READINGS_MAX], unsigned *implausible_out);

#endif

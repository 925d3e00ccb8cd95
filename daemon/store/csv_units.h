/*
 * csv_units.h: units that other systems' files have, against those of the quantities.
 */
#ifndef DAEMON_STORE_CSV_UNITS_H
#define DAEMON_STORE_CSV_UNITS_H

#include <stddef.h>

#include "daemon/store/csv.h"

/* The scale of numbers in that unit ("kWh"); NULL: the quantity's own. False: not one of the
 * quantity's. */
bool csv_unit_scale(unsigned quantity, const char *unit, struct csv_scale *scale_out);

/* The units of a quantity, "Wh, kWh, MWh", into text. */
void csv_unit_names(unsigned quantity, char *text, size_t n);

#endif

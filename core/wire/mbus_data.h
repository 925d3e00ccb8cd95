/*
 * mbus_data.h: the data octets of a record as a value that is not scaled yet. Inside core/wire
 * only.
 */
#ifndef HWT_CORE_WIRE_MBUS_DATA_H
#define HWT_CORE_WIRE_MBUS_DATA_H

#include "core/base/bytes.h"
#include "core/wire/mbus_value.h"
#include "core/wire/mbus_vif.h"

/* Reads what the DIF announces, whose low four bits are not F: raw, kind and value of the record; a
 * power of ten goes into the scaling. False: its LVAR is reserved. Running out of octets shows in
 * the reader. */
bool hwt_mbus_data_read(struct hwt_reader *r, uint8_t dif, enum hwt_mbus_form form,
                        struct hwt_mbus_record *rec, struct hwt_mbus_scaling *scaling);
/* The same of octets that are in raw already. */
void hwt_mbus_data_integer(enum hwt_mbus_form form, struct hwt_mbus_record *rec);
void hwt_mbus_data_bcd(enum hwt_mbus_form form, struct hwt_mbus_record *rec);

#endif

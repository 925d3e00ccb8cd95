/*
 * csv_text.h: numbers as the CSV files have them, put into memory without a NUL.
 */
#ifndef DAEMON_STORE_CSV_TEXT_H
#define DAEMON_STORE_CSV_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { CSV_NUMBER_MAX = 32 /* bytes of any number below */ };

/* Returns the bytes put. */
size_t csv_put_int(char *p, int64_t v);

/* counts / per_unit (of a quantity) with as many decimals as tell all counts apart, no trailing
 * zeros: read back it gives the same counts, up to the 18 digits that are read. */
size_t csv_put_value(char *p, int64_t counts, int64_t per_unit);

#endif

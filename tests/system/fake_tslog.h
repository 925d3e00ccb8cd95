/*
 * fake_tslog.h: the reading half of core/tslog/tslog.h on plain arrays, for the tests of the HTTP
 * server: small enough to be believed, and it fails on command.
 *
 *   own       10 s records from FAKE_FROM_MS; hp_power = 100.0 W + 0.1 a record, hp_import one Wh a
 *             record, heatmeter_flow_t missing in every third; in records 21..30 a fourth channel,
 *             shed_temperature, in 1001..1010 barn_temperature, from 1011 on loft_temperature
 *   import_1  simulated, one minute records in the hour before: hp_power 50.0 W, attic_temperature
 */
#ifndef TESTS_SYSTEM_FAKE_TSLOG_H
#define TESTS_SYSTEM_FAKE_TSLOG_H

#include "core/tslog/tslog.h"

#define FAKE_FROM_MS 1800000000000

enum { FAKE_OWN_MS = 10000, FAKE_IMPORT_MS = 60000, FAKE_IMPORTED = 60 };

/* Adds n records to the own stream. Any thread. */
void fake_append(unsigned n);
/* Forgets the own records up to this sequence. */
void fake_drop(unsigned last);
/* From now on snapshots, or reads of buckets, or reads of records fail with this; 0: they work. */
void fake_fail(int snapshot, int buckets, int records);
/* Real us that a read of one bucket takes. */
void fake_slow(unsigned us);
/* How many buckets and records were taken so far. */
unsigned fake_taken(void);
int fake_snapshot(void *ctx, struct hwt_tslog_snapshot *snapshot_out);

#endif

/*
 * ramdev.h: a block device in memory whose power can be cut.
 *
 * Until sync, programs and erases live in the device's cache: reads see them. At a power cut each
 * of those may have reached the medium whole, torn or not at all, in any order: ramdev_power_cycle
 * draws one of the possible outcomes. It also counts breaches of the device's contract (a page
 * programmed twice between erases outside the control area), and pages programmed into a block
 * whose erase is not synced: a cut could mix them with what was there before.
 */
#ifndef TESTS_LOG_RAMDEV_H
#define TESTS_LOG_RAMDEV_H

#include "core/tslog/tslog.h"
#include "tests/log/gen.h"

struct ramdev;

struct ramdev *ramdev_new(uint32_t block_size, uint32_t block_count, uint8_t erased);
void ramdev_free(struct ramdev *d);
struct hwt_bd ramdev_bd(struct ramdev *d);

/* How many programs, erases and syncs were called. */
uint64_t ramdev_ops(const struct ramdev *d);
/* The op of that number (counted from 1) and all after it fail: the power goes during it. 0: never.
 */
void ramdev_cut_at(struct ramdev *d, uint64_t op);
/* What is left after the cut; then the power is back. */
void ramdev_power_cycle(struct ramdev *d, struct rng *rng);
/* From now on: `ops` further ops succeed, then they fail with `err` (a full or broken device);
 * err 0: all well again. */
void ramdev_fail(struct ramdev *d, uint64_t ops, int err);
uint64_t ramdev_breaches(const struct ramdev *d);
/* Most pages ever programmed between two syncs, outside the control area. */
unsigned ramdev_fresh_max(const struct ramdev *d);
uint64_t ramdev_reads(const struct ramdev *d);
/* The bytes as a reader sees them. */
uint8_t *ramdev_bytes(struct ramdev *d);

#endif

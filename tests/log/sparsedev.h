/*
 * sparsedev.h: a large block device in memory that keeps only the pages written, and counts what is
 * read of it: calls, and pages touched, each once.
 */
#ifndef TESTS_LOG_SPARSEDEV_H
#define TESTS_LOG_SPARSEDEV_H

#include "core/tslog/tslog.h"

struct sparsedev;

struct sparsedev *sparsedev_new(uint32_t block_size, uint32_t block_count);
void sparsedev_free(struct sparsedev *d);
struct hwt_bd sparsedev_bd(struct sparsedev *d);

struct sparsedev_read {
    uint64_t calls;
    uint64_t pages; /* touched */
};

/* What was read since the last call. */
struct sparsedev_read sparsedev_reads(struct sparsedev *d);

#endif

/*
 * queue.h: records on their way to the disk, copied, bounded by bytes.
 *
 *   put ─▶ … waiting … ─peek, take─▶ … appended … ─drop─▶      each stays until it is durable
 *                     ◀───────── rewind ─────────
 */
#ifndef DAEMON_STORE_QUEUE_H
#define DAEMON_STORE_QUEUE_H

#include "core/flow.h"

struct queue; /* opaque */

struct queue_item {
    const struct hwt_schema *schema; /* lives as long as the queue */
    struct hwt_record record;
};

struct queue *queue_new(size_t bytes);
void queue_free(struct queue *q);

/* The callers lock. False, and counted as lost: no room. */
bool queue_put(struct queue *q, const struct hwt_schema *schema, const struct hwt_record *record);
/* The oldest that was not taken; NULL if there is none. */
const struct queue_item *queue_peek(const struct queue *q);
/* Takes it: it was appended and has that sequence in the log (0: it was refused). It stays in the
 * queue's room until it is durable. */
void queue_take(struct queue *q, uint64_t sequence);
/* What was taken with a sequence up to that is durable: it goes. */
void queue_drop(struct queue *q, uint64_t durable);
/* What was taken was not appended after all: all of it is to be taken again. */
void queue_rewind(struct queue *q);
size_t queue_count(const struct queue *q); /* not taken */
/* Whether records taken and not durable have more than half of the room. */
bool queue_half_taken(const struct queue *q);
uint64_t queue_lost(const struct queue *q);

#endif

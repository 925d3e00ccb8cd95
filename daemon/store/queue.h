/*
 * queue.h: records on their way to the store thread, copied, bounded by bytes.
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
/* The oldest; NULL if there is none. It stays until queue_drop. */
const struct queue_item *queue_peek(const struct queue *q);
void queue_drop(struct queue *q);
size_t queue_count(const struct queue *q);
uint64_t queue_lost(const struct queue *q);

#endif

#include "daemon/store/queue.h"

#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    size_t bytes;
    struct queue_item item;
    struct hwt_value value[];
};

/* Schemas are few: one is kept for each that was ever put. */
struct kept_schema {
    struct kept_schema *next;
    struct hwt_schema schema;
    struct hwt_channel channel[];
};

struct queue {
    size_t room, bytes;
    size_t taken_bytes;
    size_t count; /* from next on */
    uint64_t lost;
    struct node *oldest, *newest;
    struct node *next; /* the oldest not taken; NULL: all are */
    struct kept_schema *schemas;
};

struct queue *queue_new(size_t bytes)
{
    struct queue *q = calloc(1, sizeof(*q));

    if (q != NULL) {
        q->room = bytes;
    }
    return q;
}

void queue_free(struct queue *q)
{
    if (q == NULL) {
        return;
    }
    while (q->oldest != NULL) {
        struct node *n = q->oldest->next;

        free(q->oldest);
        q->oldest = n;
    }
    while (q->schemas != NULL) {
        struct kept_schema *next = q->schemas->next;

        free(q->schemas);
        q->schemas = next;
    }
    free(q);
}

static bool same(const struct hwt_schema *a, const struct hwt_schema *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->channel[i].quantity != b->channel[i].quantity ||
            strcmp(a->channel[i].id, b->channel[i].id) != 0) {
            return false;
        }
    }
    return true;
}

static const struct hwt_schema *keep(struct queue *q, const struct hwt_schema *schema)
{
    struct kept_schema *k;

    for (k = q->schemas; k != NULL; k = k->next) {
        if (same(&k->schema, schema)) {
            return &k->schema;
        }
    }
    k = malloc(sizeof(*k) + schema->count * sizeof(k->channel[0]));
    if (k == NULL) {
        return NULL;
    }
    memcpy(k->channel, schema->channel, schema->count * sizeof(k->channel[0]));
    k->schema = (struct hwt_schema){k->channel, schema->count};
    k->next = q->schemas;
    q->schemas = k;
    return &k->schema;
}

bool queue_put(struct queue *q, const struct hwt_schema *schema, const struct hwt_record *record)
{
    size_t bytes = sizeof(struct node) + record->count * sizeof(struct hwt_value);
    const struct hwt_schema *kept = keep(q, schema);
    struct node *n = kept != NULL && bytes <= q->room - q->bytes ? malloc(bytes) : NULL;

    if (n == NULL) {
        q->lost++;
        return false;
    }
    memcpy(n->value, record->value, record->count * sizeof(struct hwt_value));
    n->next = NULL;
    n->bytes = bytes;
    n->item.schema = kept;
    n->item.record = *record;
    n->item.record.value = n->value;
    if (q->newest != NULL) {
        q->newest->next = n;
    } else {
        q->oldest = n;
    }
    q->newest = n;
    q->next = q->next != NULL ? q->next : n;
    q->bytes += bytes;
    q->count++;
    return true;
}

const struct queue_item *queue_peek(const struct queue *q)
{
    return q->next != NULL ? &q->next->item : NULL;
}

void queue_take(struct queue *q, uint64_t sequence)
{
    q->next->item.record.sequence = sequence;
    q->taken_bytes += q->next->bytes;
    q->next = q->next->next;
    q->count--;
}

void queue_drop(struct queue *q, uint64_t durable)
{
    while (q->oldest != NULL && q->oldest != q->next &&
           q->oldest->item.record.sequence <= durable) {
        struct node *n = q->oldest;

        q->oldest = n->next;
        q->newest = q->oldest != NULL ? q->newest : NULL;
        q->bytes -= n->bytes;
        q->taken_bytes -= n->bytes;
        free(n);
    }
}

void queue_rewind(struct queue *q)
{
    for (struct node *n = q->oldest; n != q->next; n = n->next) {
        q->count++;
    }
    q->next = q->oldest;
    q->taken_bytes = 0;
}

size_t queue_count(const struct queue *q)
{
    return q->count;
}

bool queue_half_taken(const struct queue *q)
{
    return q->taken_bytes > q->room / 2;
}

uint64_t queue_lost(const struct queue *q)
{
    return q->lost;
}

/*
 * model.h: a log on a ramdev beside an array that says what must be in it.
 */
#ifndef TESTS_LOG_MODEL_H
#define TESTS_LOG_MODEL_H

#include "tests/log/ramdev.h"

enum { MODEL_STREAMS = 3, MODEL_SCHEMAS = 6 };

struct model_stream {
    struct model_entry {
        uint64_t seed; /* 0: given up, never to be seen again */
        uint64_t index;
        unsigned schema;
    } * entry;
    size_t count; /* appended; entry i has sequence i + 1 */
    size_t room;
    size_t acked; /* of a commit that returned 0 */
    size_t tried; /* of the last commit, done or not */
    uint64_t end; /* last record that model_check has read */
    unsigned schema;
};

struct model {
    struct ramdev *dev;
    struct hwt_tslog *log;
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_cursor *cursor;
    struct hwt_tslog_recovery recovery;
    struct model_stream stream[MODEL_STREAMS];
    size_t fixes, fixes_acked, fixes_tried; /* corrections, as records of a stream */
    uint32_t boots;
    bool allow_pruned; /* records may be missing at the start of a stream */
};

struct model *model_new(uint32_t block_size, uint32_t block_count, uint8_t erased);
void model_free(struct model *m);

/* Opens the log and its streams. The error of the first call that failed. */
int model_open(struct model *m);
int model_append(struct model *m, int stream, uint64_t seed);
int model_commit(struct model *m);
/* Correction number i, of a channel that no schema has. */
struct hwt_correction model_fix(size_t i);
bool model_fix_equal(const struct hwt_correction *a, const struct hwt_correction *b);
/* Whether a record read is the one appended; prints the difference. */
bool model_record_right(const struct model *m, int stream, const struct hwt_schema *schema,
                        const struct hwt_record *record);
/* The log holds exactly the acked records of all streams, or exactly the tried ones (the same
 * choice for all). False, with a line saying why, if not. */
bool model_check(struct model *m);
/* After a check: what was not found is forgotten; sequences that the log leaves out are given up.
 */
void model_settle(struct model *m);
/* A few appends, schema changes, commits and, if allow_pruned, blocks given up for their age, drawn
 * from rng. The first error. */
int model_step(struct model *m, struct rng *rng);

#endif

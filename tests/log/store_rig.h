/*
 * store_rig.h: a store on a disk of the tests, in a folder or on a partition (a file of fixed
 * length), whose writes can be made to fail.
 */
#ifndef TESTS_LOG_STORE_RIG_H
#define TESTS_LOG_STORE_RIG_H

#include <stdatomic.h>

#include "daemon/store/store.h"
#include "tests/log/gen.h"

enum {
    RIG_PARTITION_MB = 17, /* of which 16 for records, as max_mb of the folder */
    RIG_RETRY_MS = 100,
    RIG_BOOTS = 100000 /* added to the boots of the model */
};

struct rig {
    char dir[64];
    char partition[80]; /* "": the log is dir/log */
    struct status *status;
    struct hwt_tslog_snapshot snapshot;
    struct hwt_tslog_cursor cursor;
    struct gen_schema schema;
};

/* What the disk does from now on; 0: what it should. */
extern atomic_int rig_write_errno, rig_flush_errno;
extern atomic_bool rig_forget;           /* writes are not done, but said to be */
extern atomic_uint_fast64_t rig_written; /* bytes that the store wrote */
extern atomic_uint_fast64_t rig_flushes;
extern atomic_uint_fast64_t rig_notified; /* the newest durable record told by committed() */

/* Setup and teardown of cmocka; a fixture of their own for each test. */
int rig_setup(void **state);
int rig_setup_partition(void **state);
int rig_teardown(void **state);

void rig_pause_ms(long ms);
/* 16 MiB, no commit window, hooks that obey the variables above. */
struct store_options rig_options(const struct rig *f);
struct store *rig_open_with(const struct store_options *o);
struct store *rig_open(const struct rig *f);
/* Records from..to of the model, record i drawn from seed i * 7919. */
void rig_push(const struct rig *f, struct store *s, uint64_t from, uint64_t to);
/* The real time that the store asks stands from now on, and goes on by this much: its windows end
 * when the test says, however late the machine is. */
void rig_stand_still(void);
void rig_pass_ms(long ms);
/* From now on a flush takes until rig_release. False: the disk went on, because that took 20 s. */
void rig_hold(void);
bool rig_release(void);
/* Until a flush is held, or none of the records waits in the queue; or the test fails. */
void rig_wait_held(void);
void rig_wait_taken(struct store *s);
/* Within 10 s, or the test fails. */
void rig_wait_durable(struct store *s, uint64_t sequence);
/* Within 5 s, or the test fails. */
void rig_wait_state(const struct rig *f, enum status_state state, struct status_view *view);
/* Records from..last are there, each with its values, and no more. */
void rig_check_from(struct rig *f, struct store *s, uint64_t from, uint64_t last);
void rig_check(struct rig *f, struct store *s, uint64_t last);

#endif

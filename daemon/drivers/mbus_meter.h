/*
 * mbus_meter.h: what the driver knows of one meter, and what an answer does to it: readings,
 * counters, state. Inside daemon/drivers/mbus* only.
 *
 *   poll ─▶ page 1 ─▶ telegram [─▶ telegram …] ─▶ page 2 … ─▶ end     (pages: of the profile)
 *             └─ silence while the speed is looked for ─▶ next speed ─▶ page 1
 */
#ifndef DAEMON_DRIVERS_MBUS_METER_H
#define DAEMON_DRIVERS_MBUS_METER_H

#include "daemon/drivers/mbus.h"

enum mbus_next {
    MBUS_POLL_OVER,
    MBUS_ASK_AGAIN /* the poll goes on: with the next telegram, page or speed */
};

struct mbus_meter {
    struct mbus_meter_options o;
    struct hwt_mbus_slave slave;
    const struct mbus_profile *profile; /* NULL: none */
    unsigned baud;                      /* to ask with now */
    unsigned poll_s;                    /* s, after the profile's limit */
    int64_t due_us;                     /* clock: next poll */
    int64_t good_us;                    /* clock: last good answer, or when polling began */
    bool due;                           /* waits for its turn */
    /* of the poll under way */
    unsigned page, telegrams, speeds; /* telegrams: of this page; speeds: tried */
    bool any;                         /* a telegram was good */
    /* over polls */
    unsigned failures; /* polls in a row without a good answer */
    bool refusing;     /* the last poll had a telegram refused; it was logged */
    bool chain;        /* sends several telegrams: each poll begins the sequence anew */
    bool plain;        /* does not acknowledge the profile's orders: read without */
    bool found;        /* MBUS_BAUD_FIND: it has answered at `baud` */
    unsigned quarrel;  /* polls for which two meters at one address are believed to be there */
    uint8_t identity[8];
    bool identified;
    char why[120]; /* of the last failure */
};

void mbus_meter_init(struct mbus_meter *m, const struct mbus_meter_options *o);
/* A new poll. */
void mbus_meter_begin(struct mbus_meter *m);
/* What to ask now; lag: see mbus_master.h. */
struct hwt_mbus_task mbus_meter_task(struct mbus_meter *m);
/* The task is done. */
enum mbus_next mbus_meter_take(struct mbus_meter *m, const struct hwt_mbus_master *master,
                               const struct clock_time *now);
/* Two meters were heard at this meter's address: it is not believed for some polls. */
void mbus_meter_quarrel(struct mbus_meter *m);
/* The task is under way, and attempts have failed: why, until it is done. */
void mbus_meter_suspect(struct mbus_meter *m, const struct hwt_mbus_master *master);
/* The line is never silent: why this meter will not answer. stuck: the only octet heard, or -1. */
void mbus_meter_babble(struct mbus_meter *m, int stuck);
/* s until the poll after one that just ended: longer while the meter is silent. */
unsigned mbus_meter_pause_s(const struct mbus_meter *m);
/* Stale after three polls without a good answer. */
void mbus_meter_check_stale(struct mbus_meter *m, int64_t mono_us, int64_t unix_ms);

#endif

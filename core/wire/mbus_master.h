/*
 * mbus_master.h: the master's side of one exchange with a meter, as a state machine without input,
 * output or clock: the caller brings octets and the time, the machine says what to send and when to
 * wake it.
 *
 *   begin ─▶ [SND_NKE ─E5─▶] [select ─E5─▶] [order ─E5─▶ …] [REQ_UD2 ─RSP_UD─▶] DONE
 *              once, after      secondary       application reset,
 *              a failure        address         page, new address
 *
 * Before each frame it waits for a silent line; each stage but SND_NKE is retried by itself.
 *
 * Keeps the frame count bits per meter (EN 13757-2, 5.5.5), those of REQ_UD2 and of SND_UD apart: a
 * retry repeats the bit, a good reply turns it, SND_NKE and a selection set it. Echoes of the own
 * frames, late, double and foreign answers and noise are passed over and counted. Does not look
 * into records (mbus.h) and keeps no schedule.
 *
 * Times are microseconds of any monotonic clock that runs in real time.
 */
#ifndef HWT_CORE_WIRE_MBUS_MASTER_H
#define HWT_CORE_WIRE_MBUS_MASTER_H

#include "core/wire/mbus.h"

enum {
    HWT_MBUS_ORDER_MAX = 15,      /* octets of an order, from CI */
    HWT_MBUS_SELECT_SIZE = 8,     /* identification 4, manufacturer 2, version, medium: as sent */
    HWT_MBUS_SELECT_ENHANCED = 14 /* and 0C 78 with a fabrication number of 4 octets */
};

/* A SND_UD: CI and what follows it, as 50 [sub-code], 51 01 FF 08 page, 51 01 7A address. */
struct hwt_mbus_order {
    uint8_t size;
    uint8_t octets[HWT_MBUS_ORDER_MAX];
};

/* What the master must remember of one meter between requests; the caller places it, zeroed. */
struct hwt_mbus_slave {
    uint8_t address;     /* 0..250, 254, or 253: the meter that `select` chooses */
    uint8_t select_size; /* 253: HWT_MBUS_SELECT_SIZE or _ENHANCED */
    uint8_t select[HWT_MBUS_SELECT_ENHANCED]; /* a nibble F of the BCD digits, an octet FF of the
                                                 rest fit everything */
    bool linked; /* reset, or chosen, since the last failure; false: begin with that. Others chosen
                    at 253 since then: the caller sets it false */
    bool fcb;    /* of the next REQ_UD2 */
    bool ud_fcb; /* of the next SND_UD */
    bool lost;   /* the last task failed */
    /* private: how the last good and the last damaged answer looked */
    uint32_t good_sum, bad_sum;
    uint16_t good_n, bad_n;
};

/* What was noticed besides the result. */
enum hwt_mbus_notice {
    HWT_MBUS_ECHO,      /* the own frame came back */
    HWT_MBUS_LATE,      /* the meter's answer to an earlier request, or its second one */
    HWT_MBUS_FOREIGN,   /* an answer of a meter that was not asked */
    HWT_MBUS_COLLISION, /* see enum hwt_mbus_collision */
    HWT_MBUS_BABBLE,    /* a line that is never silent */
    HWT_MBUS_NOTICES
};

/* Why the master thinks that two meters talk at once. */
enum hwt_mbus_collision {
    HWT_MBUS_NO_COLLISION,
    HWT_MBUS_SAME_DAMAGE,    /* two attempts were damaged alike, octet by octet: noise is not */
    HWT_MBUS_TWO_IDENTITIES, /* two whole answers to one request, of different meters */
    HWT_MBUS_SPOILT_ACK      /* the answer to a selection is more than E5 */
};

enum hwt_mbus_goal {
    HWT_MBUS_READ, /* ends with the reply to REQ_UD2 */
    HWT_MBUS_PING, /* ends with the E5 to SND_NKE */
    HWT_MBUS_TELL  /* ends with the E5 to the last order, or to the selection */
};

struct hwt_mbus_task {
    enum hwt_mbus_goal goal;
    struct hwt_mbus_slave *slave;       /* must live until DONE */
    const struct hwt_mbus_order *order; /* given before the request, in turn; until DONE */
    unsigned orders;
    int64_t pause_us;   /* rest after each order: some meters need time to change the page */
    int64_t timeout_us; /* from the end of a frame to the first octet of the answer; EN 13757-2 asks
                           for 330 bit times + 50 ms, real meters take longer */
    unsigned retries;   /* of each stage */
};

enum hwt_mbus_step {
    HWT_MBUS_STEP_WAIT, /* until octets come or until wake_us, then step again */
    HWT_MBUS_STEP_SEND, /* put `octets` on the line, then step again */
    HWT_MBUS_STEP_DONE  /* `result`; or there was no task */
};

struct hwt_mbus_action {
    enum hwt_mbus_step step;
    int64_t wake_us;       /* WAIT */
    const uint8_t *octets; /* SEND; valid until the next call */
    size_t n;
};

struct hwt_mbus_master {
    /* Of the task that is DONE: */
    int result;                        /* 0: done; else the last attempt's reason, AGAIN: silence */
    struct hwt_mbus_frame reply;       /* READ, result 0; valid until the next begin or feed */
    uint32_t failed[HWT_ERR_KINDS];    /* attempts by -reason; AGAIN is silence */
    uint32_t notice[HWT_MBUS_NOTICES]; /* by enum hwt_mbus_notice */
    enum hwt_mbus_collision collision; /* the surest sign of one */
    uint8_t two_at; /* TWO_IDENTITIES: their primary address, which may not be that of this task */
    bool chosen;    /* the selection was acknowledged */
    int stuck;      /* BABBLE: the only octet heard, or -1 */
    uint32_t retried; /* attempts after the first of a stage */
    uint32_t sends;   /* frames sent since init */
    uint64_t dropped; /* octets passed over since init */
    /* private */
    struct hwt_mbus_task task;
    uint8_t phase, stage, given, tries;
    bool noisy; /* octets of the answer to this frame were passed over */
    int64_t bit_ns, lag_us, last_us, first_us, earliest_us, deadline_us, limit_us, rest_us;
    int reason;
    uint32_t heard_sum;
    uint32_t run_n; /* how often the newest octet came in a row */
    uint8_t run_octet;
    size_t heard_n, have, done, sent_n;
    uint8_t last_a, last_id[8];
    bool last_known;
    uint8_t sent[9 + HWT_MBUS_ORDER_MAX];
    uint8_t buf[2 * HWT_MBUS_FRAME_MAX];
};

/* baud: 300..115200; the line is taken as silent for long. */
void hwt_mbus_master_init(struct hwt_mbus_master *m, unsigned baud);
/* Between tasks. */
void hwt_mbus_master_set_baud(struct hwt_mbus_master *m, unsigned baud);
/* Time the transport may add to an answer or inside one, as a network does. */
void hwt_mbus_master_set_lag(struct hwt_mbus_master *m, int64_t lag_us);

/* Begins a task, dropping one that is under way. *task is copied, what it points to is not. */
void hwt_mbus_master_begin(struct hwt_mbus_master *m, const struct hwt_mbus_task *task,
                           int64_t now_us);

/* A READ without orders. */
void hwt_mbus_master_start(struct hwt_mbus_master *m, struct hwt_mbus_slave *slave,
                           int64_t timeout_us, unsigned retries, int64_t now_us);

/* Octets that came in, at any time, in pieces of any size. Step afterwards. */
void hwt_mbus_master_feed(struct hwt_mbus_master *m, const uint8_t *p, size_t n, int64_t now_us);

/* What to do now. */
struct hwt_mbus_action hwt_mbus_master_step(struct hwt_mbus_master *m, int64_t now_us);

/* Does an identity of 8 octets, as it stands in a reply, fit what a selection asks for? */
bool hwt_mbus_select_fits(const uint8_t select[HWT_MBUS_SELECT_SIZE], const uint8_t id[8]);

#endif

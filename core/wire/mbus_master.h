/*
 * mbus_master.h: the master's side of one read-out, as a state machine without input, output or
 * clock: the caller brings octets and the time, the machine says what to send and when to wake it.
 *
 *   start ──▶ line silent? ──▶ SND_NKE ──E5──▶ line silent? ──▶ REQ_UD2 ──reply──▶ DONE
 *                 ▲              (once, after a failure)            │ timeout, damage
 *                 └────────────────────────── retries ──────────────┘
 *
 * Keeps the frame count bit per meter (EN 13757-2, 5.5.5): a retry repeats the request's bit, a
 * good reply turns it, SND_NKE sets it. Echoes of the own requests, late, double and foreign
 * answers and noise are passed over. Does not look into telegrams (mbus.h) and keeps no schedule.
 *
 * Times are microseconds of any monotonic clock that runs in real time.
 */
#ifndef HWT_CORE_WIRE_MBUS_MASTER_H
#define HWT_CORE_WIRE_MBUS_MASTER_H

#include "core/wire/mbus.h"

/* What the master must remember of one meter between requests; the caller places it. */
struct hwt_mbus_slave {
    uint8_t address; /* 0..250, 253, 254 */
    bool linked;     /* acknowledged SND_NKE since the last failure; false: begin with SND_NKE */
    bool fcb;        /* of the next REQ_UD2 */
};

enum hwt_mbus_step {
    HWT_MBUS_STEP_WAIT, /* until octets come or until wake_us, then step again */
    HWT_MBUS_STEP_SEND, /* put `octets` on the line, then step again */
    HWT_MBUS_STEP_DONE  /* `result`; or there was no request */
};

struct hwt_mbus_action {
    enum hwt_mbus_step step;
    int64_t wake_us;       /* WAIT */
    const uint8_t *octets; /* SEND; valid until the next call */
    size_t n;
};

struct hwt_mbus_master {
    /* Of the request that is DONE: */
    int result;                     /* 0: `reply` is the meter's; else the last attempt's reason */
    struct hwt_mbus_frame reply;    /* valid until the next start */
    uint32_t failed[HWT_ERR_KINDS]; /* attempts of the request by -reason; AGAIN is silence */
    uint32_t retried;               /* attempts after the first */
    uint64_t dropped;               /* octets passed over since init */
    /* private */
    uint8_t state, tries, retries;
    struct hwt_mbus_slave *slave;
    int64_t bit_ns, timeout_us, last_us, deadline_us, limit_us;
    int reason;
    size_t have;
    uint8_t sent[HWT_MBUS_SHORT_SIZE];
    uint8_t buf[2 * HWT_MBUS_FRAME_MAX];
};

/* baud: 300..115200; the line is taken as silent for long. */
void hwt_mbus_master_init(struct hwt_mbus_master *m, unsigned baud);

/*
 * Begins a request, dropping one that is under way. timeout_us: from the end of the request to the
 * first octet of the reply (EN 13757-2 asks for 330 bit times + 50 ms; real meters take longer).
 * `slave` must live until DONE.
 */
void hwt_mbus_master_start(struct hwt_mbus_master *m, struct hwt_mbus_slave *slave,
                           int64_t timeout_us, unsigned retries, int64_t now_us);

/* Octets that came in, at any time, in pieces of any size. Step afterwards. */
void hwt_mbus_master_feed(struct hwt_mbus_master *m, const uint8_t *p, size_t n, int64_t now_us);

/* What to do now. */
struct hwt_mbus_action hwt_mbus_master_step(struct hwt_mbus_master *m, int64_t now_us);

#endif

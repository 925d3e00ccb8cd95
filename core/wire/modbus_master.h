/*
 * modbus_master.h: the master's side of one read, as a state machine without input, output or
 * clock: the caller brings octets and the time, the machine says what to send and when to wake it.
 *
 *   start ──▶ line silent? ──▶ request ──reply──▶ DONE (registers, or the reason)
 *                 ▲               │ silence, damage, device busy
 *                 └── retries ────┘
 *
 * RTU: 3.5 characters of silence before each request; frames are told apart by length and checksum,
 * so that noise before a reply, echoes of the own request and answers of other units are passed
 * over. After an attempt without an answer that answer may still come: a request that it could be
 * mistaken for waits for it. TCP: transaction numbers tell late answers; no silence is needed.
 *
 * Knows no registers' meaning (modbus_map.h) and keeps no schedule. Times are microseconds of any
 * monotonic clock that runs in real time.
 */
#ifndef HWT_CORE_WIRE_MODBUS_MASTER_H
#define HWT_CORE_WIRE_MODBUS_MASTER_H

#include "core/wire/modbus.h"

enum hwt_modbus_step {
    HWT_MODBUS_STEP_WAIT, /* until octets come or until wake_us, then step again */
    HWT_MODBUS_STEP_SEND, /* put `octets` on the line, then step again */
    HWT_MODBUS_STEP_DONE  /* `result`; or there was no request */
};

struct hwt_modbus_action {
    enum hwt_modbus_step step;
    int64_t wake_us;       /* WAIT */
    const uint8_t *octets; /* SEND; valid until the next call */
    size_t n;
};

struct hwt_modbus_master {
    /* Of the request that is DONE: */
    enum hwt_modbus_reason result;          /* OK, or why the last attempt failed */
    uint8_t exception;                      /* result EXCEPTION: the code */
    const uint8_t *registers;               /* result OK: 2 x count octets, until the next start */
    struct hwt_modbus_objects objects;      /* result OK of function 2B, until the next start */
    uint32_t seen[HWT_MODBUS_REASON_COUNT]; /* what was met on the way: silences, bad frames, ... */
    uint32_t retried;                       /* attempts after the first */
    uint64_t dropped;                       /* octets passed over since init */
    /* private */
    enum hwt_modbus_transport transport;
    struct hwt_modbus_request request, unanswered;
    uint8_t state, tries, retries;
    bool late_seen, damaged; /* by attempt: each is counted once */
    size_t strays, heard; /* RTU: octets that came while no answer was awaited; and while it was */
    uint16_t transaction;
    int64_t bit_ns, timeout_us, last_us, deadline_us, limit_us;
    int64_t late_us; /* until then `unanswered` may still be answered */
    enum hwt_modbus_reason reason;
    size_t have, sent_n, taken; /* taken: TCP, octets at the front that `registers` lie in */
    uint8_t sent[HWT_MODBUS_REQUEST_MAX];
    uint8_t buf[2 * HWT_MODBUS_FRAME_MAX];
};

/* baud: of RTU, 300..115200; the line is taken as silent for long. */
void hwt_modbus_master_init(struct hwt_modbus_master *m, enum hwt_modbus_transport transport,
                            unsigned baud);
/* The line's speed has changed; not while a request is under way. */
void hwt_modbus_master_set_baud(struct hwt_modbus_master *m, unsigned baud);

/*
 * Begins a read, dropping one that is under way. timeout_us: from the end of the request to the
 * end of the reply's first octet. ARGUMENT if the request is not one that can be sent.
 */
HWT_MUST_CHECK int hwt_modbus_master_start(struct hwt_modbus_master *m,
                                           const struct hwt_modbus_request *request,
                                           int64_t timeout_us, unsigned retries, int64_t now_us);

/* Octets that came in, at any time, in pieces of any size. Step afterwards. */
void hwt_modbus_master_feed(struct hwt_modbus_master *m, const uint8_t *p, size_t n,
                            int64_t now_us);

/* What to do now. */
struct hwt_modbus_action hwt_modbus_master_step(struct hwt_modbus_master *m, int64_t now_us);

#endif

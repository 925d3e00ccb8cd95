/*
 * modbus_master.c: see modbus_master.h. Times by MODBUS over Serial Line V1.02, 2.5.1.1: a
 * character has 11 bits; frames are 3.5 characters apart, above 19200 baud 1.75 ms. What is added
 * for real converters stands below.
 */
#include "core/wire/modbus_master.h"

#include <string.h>

enum state { IDLE, QUIET, SENT };

enum {
    CHARACTER_BITS = 11,
    REST_BITS_X2 = 77, /* twice 3.5 characters */
    FAST_BAUD = 19200,
    FAST_REST_US = 1750,
    QUIET_US = 1000,     /* added to the rest before a request: clocks differ */
    GAP_US = 60000,      /* added to the rest inside a reply: USB converters and networks chunk */
    BABBLE_US = 1000000, /* beyond the time-out: a line that is never silent */
    GLITCH = 2,          /* octets that a driver may seem to send when it lets go of the line */
    BUSY = 6,            /* exception codes after which asking again may help: */
    GATEWAY_TARGET = 11
};

static int64_t max_us(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min_us(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t rest_us(const struct hwt_modbus_master *m)
{
    return max_us(REST_BITS_X2 * m->bit_ns / 2000, FAST_REST_US);
}

void hwt_modbus_master_init(struct hwt_modbus_master *m, enum hwt_modbus_transport transport,
                            unsigned baud)
{
    memset(m, 0, sizeof(*m));
    m->transport = transport;
    hwt_modbus_master_set_baud(m, baud);
    m->last_us = m->late_us = INT64_MIN / 2;
}

void hwt_modbus_master_set_baud(struct hwt_modbus_master *m, unsigned baud)
{
    m->bit_ns = 1000000000 / (int64_t)(baud > 0 ? baud : FAST_BAUD);
}

static void drop_front(struct hwt_modbus_master *m, size_t n)
{
    m->have -= n;
    memmove(m->buf, m->buf + n, m->have);
}

/* Whether a late answer to the request before would pass for one to this request: Modbus RTU
 * answers say neither which registers they hold nor which request they answer. */
static bool could_be_mistaken(const struct hwt_modbus_master *m)
{
    const struct hwt_modbus_request *a = &m->unanswered, *b = &m->request;

    return m->transport == HWT_MODBUS_RTU && a->unit == b->unit && a->function == b->function &&
           a->count == b->count && a->address != b->address;
}

static void become_quiet(struct hwt_modbus_master *m, int64_t now_us)
{
    m->state = QUIET;
    m->reason = HWT_MODBUS_TIMEOUT;
    m->deadline_us =
        max_us(now_us, could_be_mistaken(m) ? m->late_us : now_us) + BABBLE_US + m->timeout_us;
    m->late_seen = m->damaged = false;
    if (m->transport == HWT_MODBUS_RTU) {
        m->dropped += m->have;
        m->have = 0;
    }
}

int hwt_modbus_master_start(struct hwt_modbus_master *m, const struct hwt_modbus_request *request,
                            int64_t timeout_us, unsigned retries, int64_t now_us)
{
    if (hwt_modbus_request_encode(m->transport, request, 0, m->sent) == 0) {
        return HWT_ERR_ARGUMENT;
    }
    if (m->state != IDLE) { /* dropped: its answer may come */
        m->unanswered = m->request;
        m->late_us = max_us(m->late_us, now_us + m->timeout_us);
    }
    drop_front(m, m->taken);
    m->taken = 0;
    memset(m->seen, 0, sizeof(m->seen));
    m->request = *request;
    m->retried = 0;
    m->tries = 0;
    m->retries = (uint8_t)(retries < 255 ? retries : 255);
    m->timeout_us = timeout_us;
    become_quiet(m, now_us);
    return 0;
}

void hwt_modbus_master_feed(struct hwt_modbus_master *m, const uint8_t *p, size_t n, int64_t now_us)
{
    m->last_us = n > 0 ? now_us : m->last_us;
    if (m->state != SENT && m->transport == HWT_MODBUS_RTU) {
        m->dropped += n;
        if (n > 0 && m->state == QUIET && now_us < m->late_us && !m->late_seen) {
            m->late_seen = true;
            m->seen[HWT_MODBUS_LATE]++;
        }
        m->strays += m->late_seen ? 0 : n;
        return;
    }
    m->heard += n;
    if (n > sizeof(m->buf)) {
        m->dropped += n - sizeof(m->buf);
        p += n - sizeof(m->buf);
        n = sizeof(m->buf);
    }
    if (n > sizeof(m->buf) - m->have) { /* the line babbles: the oldest octets go */
        size_t drop = n - (sizeof(m->buf) - m->have);

        m->dropped += drop;
        m->taken = m->taken > drop ? m->taken - drop : 0;
        drop_front(m, drop);
    }
    if (n > 0) {
        memcpy(m->buf + m->have, p, n);
        m->have += n;
    }
}

static void finish(struct hwt_modbus_master *m, enum hwt_modbus_reason result)
{
    m->state = IDLE;
    m->result = result;
}

/* The attempt came to nothing. */
static void fail(struct hwt_modbus_master *m, int64_t now_us)
{
    if (m->reason == HWT_MODBUS_TIMEOUT) {
        m->seen[HWT_MODBUS_TIMEOUT]++;
    }
    if (m->state == SENT) {
        m->unanswered = m->request;
        m->late_us = now_us + m->timeout_us;
    }
    if (m->tries > m->retries) {
        finish(m, m->reason);
        return;
    }
    m->retried++;
    become_quiet(m, now_us);
}

static struct hwt_modbus_action send(struct hwt_modbus_master *m, int64_t now_us)
{
    int64_t line_us;

    if (m->strays > GLITCH) { /* an answer came twice, or there is another master */
        m->seen[HWT_MODBUS_LATE]++;
    }
    m->strays = m->heard = 0;
    m->state = SENT;
    m->tries++;
    m->transaction++;
    m->sent_n = hwt_modbus_request_encode(m->transport, &m->request, m->transaction, m->sent);
    line_us =
        m->transport == HWT_MODBUS_RTU ? (int64_t)m->sent_n * CHARACTER_BITS * m->bit_ns / 1000 : 0;
    m->deadline_us = now_us + line_us + m->timeout_us;
    m->limit_us =
        m->deadline_us + BABBLE_US + HWT_MODBUS_FRAME_MAX * CHARACTER_BITS * m->bit_ns / 1000;
    return (struct hwt_modbus_action){
        .step = HWT_MODBUS_STEP_SEND, .octets = m->sent, .n = m->sent_n};
}

static void note(struct hwt_modbus_master *m, enum hwt_modbus_reason reason)
{
    bool harmless = reason == HWT_MODBUS_ECHO || reason == HWT_MODBUS_LATE;

    m->seen[reason]++;
    m->reason = harmless && m->reason != HWT_MODBUS_TIMEOUT ? m->reason : reason;
}

/* A whole frame was read. */
static void take(struct hwt_modbus_master *m, const struct hwt_modbus_reply *r, int64_t now_us)
{
    switch (r->reason) {
    case HWT_MODBUS_OK:
        m->registers = r->registers;
        m->objects = r->objects;
        if (m->tries > 1) { /* it may answer an attempt before this one */
            m->unanswered = m->request;
            m->late_us = now_us + m->timeout_us;
        }
        finish(m, HWT_MODBUS_OK);
        break;
    case HWT_MODBUS_EXCEPTION:
        note(m, HWT_MODBUS_EXCEPTION);
        m->exception = r->exception;
        if ((r->exception == BUSY || r->exception == GATEWAY_TARGET) && m->tries <= m->retries) {
            m->retried++;
            become_quiet(m, now_us);
        } else {
            finish(m, HWT_MODBUS_EXCEPTION);
        }
        break;
    case HWT_MODBUS_SHORT: /* a good frame of the unit: what was asked before had that length */
        note(m, m->transport == HWT_MODBUS_RTU && now_us < m->late_us ? HWT_MODBUS_LATE
                                                                      : HWT_MODBUS_SHORT);
        break;
    case HWT_MODBUS_FOREIGN:
    case HWT_MODBUS_LATE:
    case HWT_MODBUS_TIMEOUT:
    case HWT_MODBUS_CRC:
    case HWT_MODBUS_ECHO:
    case HWT_MODBUS_NOISE:
    case HWT_MODBUS_BABBLE:
    case HWT_MODBUS_REASON_COUNT:
    default:
        note(m, r->reason);
        break;
    }
}

/* What begins at `at`; AGAIN: not to be told yet. */
static int frame_at(struct hwt_modbus_master *m, size_t at, struct hwt_modbus_reply *out)
{
    size_t left = m->have - at;
    bool like_sent = memcmp(m->buf + at, m->sent, left < m->sent_n ? left : m->sent_n) == 0;

    if (like_sent && left < m->sent_n) {
        return HWT_ERR_AGAIN;
    }
    if (like_sent) {
        *out = (struct hwt_modbus_reply){.reason = HWT_MODBUS_ECHO, .size = m->sent_n};
        return 0;
    }
    return hwt_modbus_reply_decode(HWT_MODBUS_RTU, &m->request, 0, m->buf + at, left, out);
}

/* No frame begins here. An attempt is damaged once, however many octets that concerns. */
static void note_damage(struct hwt_modbus_master *m, size_t at, int err,
                        enum hwt_modbus_reason reason)
{
    if (!m->damaged) {
        bool mine = m->buf[at] == m->request.unit;

        m->damaged = true;
        note(m, err == 0 ? reason : mine ? HWT_MODBUS_SHORT : HWT_MODBUS_NOISE);
    }
    m->dropped++;
}

/* Takes whole frames out of the buffer while the state lasts. `final`: the line has gone silent. */
static void scan_rtu(struct hwt_modbus_master *m, bool final, int64_t now_us)
{
    size_t at = 0;

    while (m->state == SENT && at < m->have) {
        struct hwt_modbus_reply r;
        int err = frame_at(m, at, &r);

        if (err != 0 && !final) {
            break;
        }
        if (err == 0 && r.size > 0) {
            take(m, &r, now_us);
            at += r.size;
        } else {
            note_damage(m, at, err, err == 0 ? r.reason : HWT_MODBUS_SHORT);
            at++;
        }
    }
    if (m->state == SENT) { /* else the registers stay where they are */
        drop_front(m, at);
    }
}

static void scan_tcp(struct hwt_modbus_master *m, int64_t now_us)
{
    while (m->state == SENT && m->have > 0) {
        struct hwt_modbus_reply r;

        if (hwt_modbus_reply_decode(HWT_MODBUS_TCP, &m->request, m->transaction, m->buf, m->have,
                                    &r) != 0) {
            return;
        }
        if (r.size == 0) { /* no Modbus: the place of the next frame is unknown for good */
            note(m, HWT_MODBUS_NOISE);
            m->dropped += m->have;
            m->have = 0;
            finish(m, HWT_MODBUS_NOISE);
            return;
        }
        take(m, &r, now_us);
        if (r.reason == HWT_MODBUS_OK) { /* the registers are read before the next start */
            m->taken = r.size;
        } else {
            drop_front(m, r.size);
        }
    }
}

/* Waiting for a reply: when to look again. */
static int64_t listen(struct hwt_modbus_master *m, int64_t now_us)
{
    int64_t gap_end_us = m->last_us + rest_us(m) + GAP_US;

    if (m->transport == HWT_MODBUS_TCP) {
        scan_tcp(m, now_us);
    } else {
        scan_rtu(m, m->have > 0 && (now_us >= gap_end_us || now_us >= m->limit_us), now_us);
    }
    if (m->state != SENT) {
        return now_us;
    }
    if (m->transport == HWT_MODBUS_RTU && now_us >= m->limit_us && now_us < gap_end_us &&
        m->heard > HWT_MODBUS_FRAME_MAX) { /* else an answer was only read late */
        note(m, HWT_MODBUS_BABBLE);
        fail(m, now_us);
        return now_us;
    }
    if (m->transport == HWT_MODBUS_TCP ? now_us >= m->deadline_us
                                       : (m->have == 0 && now_us >= m->deadline_us)) {
        fail(m, now_us);
        return now_us;
    }
    return m->have > 0 && m->transport == HWT_MODBUS_RTU ? min_us(gap_end_us, m->limit_us)
                                                         : m->deadline_us;
}

static int64_t quiet_from(const struct hwt_modbus_master *m)
{
    int64_t silent_us = m->last_us + rest_us(m) + QUIET_US;

    if (m->transport == HWT_MODBUS_TCP) {
        return INT64_MIN;
    }
    return could_be_mistaken(m) ? max_us(silent_us, m->late_us) : silent_us;
}

struct hwt_modbus_action hwt_modbus_master_step(struct hwt_modbus_master *m, int64_t now_us)
{
    while (m->state != IDLE) {
        int64_t wake_us;

        if (m->state == SENT) {
            wake_us = listen(m, now_us);
            if (m->state != SENT) {
                continue;
            }
        } else {
            int64_t quiet_us = quiet_from(m);

            if (now_us >= quiet_us) {
                return send(m, now_us);
            }
            if (now_us >= m->deadline_us) {
                m->tries++;
                m->strays = 0;
                note(m, HWT_MODBUS_BABBLE);
                fail(m, now_us);
                continue;
            }
            wake_us = min_us(quiet_us, m->deadline_us);
        }
        return (struct hwt_modbus_action){.step = HWT_MODBUS_STEP_WAIT, .wake_us = wake_us};
    }
    return (struct hwt_modbus_action){.step = HWT_MODBUS_STEP_DONE};
}

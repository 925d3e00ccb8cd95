/*
 * mbus_master.c: see mbus_master.h. Bit times by EN 13757-2: a character has 11 bits; a reply
 * begins 11 to 330 bit times + 50 ms after the request; between two characters of a telegram the
 * line rests less than 33 bit times. What is added for real converters stands below.
 */
#include "core/wire/mbus_master.h"

#include <string.h>

enum state { IDLE, QUIET_NKE, QUIET_REQ, SENT_NKE, SENT_REQ };

enum {
    CHARACTER_BITS = 11,
    REST_BITS = 33,
    QUIET_US = 10000,   /* added to the rest before a request: USB converters deliver in chunks */
    GAP_US = 100000,    /* added to the rest inside a reply, for the same reason and for networks */
    BABBLE_US = 1000000 /* beyond the time-out: a line that is never silent */
};

static int64_t bits_us(const struct hwt_mbus_master *m, int64_t bits)
{
    return bits * m->bit_ns / 1000;
}

void hwt_mbus_master_init(struct hwt_mbus_master *m, unsigned baud)
{
    memset(m, 0, sizeof(*m));
    m->bit_ns = 1000000000 / (int64_t)baud;
    m->last_us = INT64_MIN / 2;
}

/* Waits for a silent line, then sends what the state stands for. */
static void become_quiet(struct hwt_mbus_master *m, enum state state, int64_t now_us)
{
    m->state = (uint8_t)state;
    m->have = 0;
    m->reason = HWT_ERR_AGAIN;
    m->deadline_us = now_us + m->timeout_us + BABBLE_US;
}

void hwt_mbus_master_start(struct hwt_mbus_master *m, struct hwt_mbus_slave *slave,
                           int64_t timeout_us, unsigned retries, int64_t now_us)
{
    memset(m->failed, 0, sizeof(m->failed));
    m->retried = 0;
    m->tries = 0;
    m->retries = (uint8_t)(retries < 255 ? retries : 255);
    m->slave = slave;
    m->timeout_us = timeout_us;
    become_quiet(m, slave->linked ? QUIET_REQ : QUIET_NKE, now_us);
}

void hwt_mbus_master_feed(struct hwt_mbus_master *m, const uint8_t *p, size_t n, int64_t now_us)
{
    size_t room = sizeof(m->buf) - m->have;
    size_t drop;

    m->last_us = n > 0 ? now_us : m->last_us;
    if (m->state != SENT_NKE && m->state != SENT_REQ) {
        m->dropped += n;
        return;
    }
    if (n > sizeof(m->buf)) {
        m->dropped += n - sizeof(m->buf);
        p += n - sizeof(m->buf);
        n = sizeof(m->buf);
    }
    if (n > room) { /* the line babbles: the oldest octets go */
        drop = n - room;
        memmove(m->buf, m->buf + drop, m->have - drop);
        m->have -= drop;
        m->dropped += drop;
    }
    if (n > 0) {
        memcpy(m->buf + m->have, p, n);
        m->have += n;
    }
}

static void finish(struct hwt_mbus_master *m, int result)
{
    m->state = IDLE;
    m->result = result;
    if (result != 0) {
        m->slave->linked = false;
    }
}

/* The attempt came to nothing. */
static void fail(struct hwt_mbus_master *m, int64_t now_us)
{
    if (m->state == SENT_NKE) { /* some meters answer requests but never SND_NKE */
        m->slave->fcb = true;
        become_quiet(m, QUIET_REQ, now_us);
        return;
    }
    m->failed[-m->reason]++;
    if (m->tries > m->retries) {
        finish(m, m->reason);
        return;
    }
    m->retried++;
    become_quiet(m, QUIET_REQ, now_us);
}

static struct hwt_mbus_action send(struct hwt_mbus_master *m, int64_t now_us)
{
    uint8_t c = HWT_MBUS_SND_NKE;
    size_t n;

    if (m->state == QUIET_NKE) {
        m->state = SENT_NKE;
    } else {
        c = (uint8_t)(HWT_MBUS_REQ_UD2 | (m->slave->fcb ? HWT_MBUS_FCB : 0));
        m->state = SENT_REQ;
        m->tries++;
    }
    n = hwt_mbus_short_encode(c, m->slave->address, m->sent);
    m->deadline_us = now_us + bits_us(m, (int64_t)n * CHARACTER_BITS) + m->timeout_us;
    m->limit_us = m->deadline_us + BABBLE_US + bits_us(m, HWT_MBUS_FRAME_MAX * CHARACTER_BITS);
    return (struct hwt_mbus_action){.step = HWT_MBUS_STEP_SEND, .octets = m->sent, .n = n};
}

static bool is_mine(const struct hwt_mbus_master *m, const struct hwt_mbus_frame *f)
{
    return f->a == m->slave->address || m->slave->address == HWT_MBUS_ADDRESS_SELECTED ||
           m->slave->address == HWT_MBUS_ADDRESS_ANY;
}

/* A whole frame came. Short frames are echoes of what was sent. */
static void take_frame(struct hwt_mbus_master *m, const struct hwt_mbus_frame *f, int64_t now_us)
{
    if (m->state == SENT_NKE) {
        if (f->shape == HWT_MBUS_ACK) {
            m->slave->linked = true;
            m->slave->fcb = true;
            become_quiet(m, QUIET_REQ, now_us);
        }
        return;
    }
    if (f->shape != HWT_MBUS_LONG || (f->c & 0xCF) != HWT_MBUS_RSP_UD) {
        return;
    }
    if (!is_mine(m, f)) {
        m->reason = HWT_ERR_NOT_MINE;
        return;
    }
    m->reply = *f;
    m->slave->linked = true;
    m->slave->fcb = !m->slave->fcb;
    finish(m, 0);
}

/* Takes whole frames out of the buffer while the state lasts. `final`: the line has gone silent. */
static void scan(struct hwt_mbus_master *m, bool final, int64_t now_us)
{
    uint8_t state = m->state;
    struct hwt_mbus_frame f;
    size_t at = 0, skip;
    int err = 0, why;

    while (m->state == state && err == 0 && at < m->have) {
        err = hwt_mbus_frame_find(m->buf + at, m->have - at, final, &f, &skip, &why);
        m->dropped += skip;
        m->reason = why != 0 && m->reason != HWT_ERR_NOT_MINE ? why : m->reason;
        at += skip;
        if (err == 0) {
            at += f.size;
            take_frame(m, &f, now_us);
        }
    }
    if (m->state == state) {
        memmove(m->buf, m->buf + at, m->have - at);
        m->have -= at;
    }
}

static int64_t min_us(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Waiting for a reply: when to look again. */
static int64_t listen(struct hwt_mbus_master *m, int64_t now_us)
{
    uint8_t state = m->state;
    int64_t gap_end_us = m->last_us + bits_us(m, REST_BITS) + GAP_US;
    int64_t end_us;

    scan(m, now_us >= gap_end_us || now_us >= m->limit_us, now_us);
    if (m->state != state) {
        return now_us;
    }
    if (m->have == 0 && now_us >= m->deadline_us) { /* at limit_us nothing is kept */
        fail(m, now_us);
        return now_us;
    }
    end_us = m->have > 0 ? min_us(gap_end_us, m->limit_us) : m->deadline_us;
    return end_us;
}

struct hwt_mbus_action hwt_mbus_master_step(struct hwt_mbus_master *m, int64_t now_us)
{
    while (m->state != IDLE) {
        int64_t wake_us;

        if (m->state == SENT_NKE || m->state == SENT_REQ) {
            uint8_t state = m->state;

            wake_us = listen(m, now_us);
            if (m->state != state) {
                continue;
            }
        } else {
            int64_t quiet_us = m->last_us + bits_us(m, REST_BITS) + QUIET_US;

            if (now_us >= quiet_us) {
                return send(m, now_us);
            }
            if (now_us >= m->deadline_us) {
                m->reason = HWT_ERR_SANITY;
                m->tries++;
                fail(m, now_us);
                continue;
            }
            wake_us = min_us(quiet_us, m->deadline_us);
        }
        return (struct hwt_mbus_action){.step = HWT_MBUS_STEP_WAIT, .wake_us = wake_us};
    }
    return (struct hwt_mbus_action){.step = HWT_MBUS_STEP_DONE};
}

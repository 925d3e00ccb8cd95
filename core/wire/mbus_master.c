/*
 * mbus_master.c: see mbus_master.h. Bit times by EN 13757-2: a character has 11 bits; a reply
 * begins 11 to 330 bit times + 50 ms after the request; between two characters of a telegram the
 * line rests less than 33 bit times. What is added for real converters stands below.
 *
 *   phase   IDLE ─begin─▶ QUIET ─silence─▶ HEAR ─answer─▶ QUIET (next stage) … IDLE
 *                           ▲────────retry───┘
 */
#include "core/wire/mbus_master.h"

#include <string.h>

enum phase { IDLE, QUIET, HEAR };
enum stage { LINK, SELECT, ORDER, REQUEST, FINISHED };

enum {
    CHARACTER_BITS = 11,
    REST_BITS = 33,
    REPLY_BITS = 330,
    REPLY_US = 50000, /* with REPLY_BITS: the latest answer of a meter that keeps to the standard */
    QUIET_US = 10000, /* added to the rest before a request: USB converters deliver in chunks */
    GAP_US = 100000,  /* added to the rest inside a reply, for the same reason and for networks */
    BABBLE_US = 1000000, /* beyond the time-out: a line that is never silent */
    STUCK_RUN = 16       /* of one octet, on such a line: it is stuck at it */
};
enum { CI_SELECT = 0x52, CI_LONG = 0x72 };

static int64_t bits_us(const struct hwt_mbus_master *m, int64_t bits)
{
    return bits * m->bit_ns / 1000;
}

static int64_t min_us(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void hwt_mbus_master_init(struct hwt_mbus_master *m, unsigned baud)
{
    memset(m, 0, sizeof(*m));
    hwt_mbus_master_set_baud(m, baud);
    m->last_us = m->rest_us = INT64_MIN / 2;
    m->stuck = -1;
}

void hwt_mbus_master_set_baud(struct hwt_mbus_master *m, unsigned baud)
{
    m->bit_ns = 1000000000 / (int64_t)baud;
}

void hwt_mbus_master_set_lag(struct hwt_mbus_master *m, int64_t lag_us)
{
    m->lag_us = lag_us;
}

bool hwt_mbus_select_fits(const uint8_t select[HWT_MBUS_SELECT_SIZE], const uint8_t id[8])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned high = select[i] >> 4, low = select[i] & 15;

        if ((high != 15 && high != (unsigned)id[i] >> 4) || (low != 15 && low != (id[i] & 15u))) {
            return false;
        }
    }
    for (unsigned i = 4; i < 8; i++) {
        if (select[i] != 0xFF && select[i] != id[i]) {
            return false;
        }
    }
    return true;
}

/* FNV-1a, to tell two answers apart without keeping them. */
static uint32_t sum_of(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum = (sum ^ p[i]) * 16777619u;
    }
    return sum;
}

#define SUM_START 0x811C9DC5u

/* --- stages ---------------------------------------------------------------------------------- */

static bool is_secondary(const struct hwt_mbus_slave *s)
{
    return s->address == HWT_MBUS_ADDRESS_SELECTED && s->select_size > 0;
}

/* The first stage at or after `from` that the task has. */
static enum stage stage_from(const struct hwt_mbus_master *m, enum stage from)
{
    const struct hwt_mbus_slave *s = m->task.slave;

    if (from <= LINK && (m->task.goal == HWT_MBUS_PING || !s->linked)) {
        return LINK;
    }
    if (m->task.goal == HWT_MBUS_PING) {
        return FINISHED;
    }
    if (from <= SELECT && is_secondary(s) && !s->linked) {
        return SELECT;
    }
    if (from <= ORDER && m->given < m->task.orders) {
        return ORDER;
    }
    return from <= REQUEST && m->task.goal == HWT_MBUS_READ ? REQUEST : FINISHED;
}

/* Waits for a silent line, then sends what the stage stands for. */
static void become_quiet(struct hwt_mbus_master *m, int64_t now_us)
{
    if (m->phase == HEAR) { /* else: what came meanwhile is looked at before sending */
        m->have = m->done = 0;
    }
    m->phase = QUIET;
    m->reason = HWT_ERR_AGAIN;
    m->deadline_us = now_us + m->task.timeout_us + m->lag_us + BABBLE_US;
    m->deadline_us = m->rest_us > now_us ? m->deadline_us + m->rest_us - now_us : m->deadline_us;
}

static void finish(struct hwt_mbus_master *m, int result)
{
    m->phase = IDLE;
    m->result = result;
    m->task.slave->lost = result != 0;
    m->task.slave->linked = m->task.slave->linked && result == 0;
}

static void enter(struct hwt_mbus_master *m, enum stage stage, int64_t now_us)
{
    m->stage = (uint8_t)stage;
    m->tries = 0;
    if (stage == FINISHED) {
        finish(m, 0);
    } else {
        become_quiet(m, now_us);
    }
}

void hwt_mbus_master_begin(struct hwt_mbus_master *m, const struct hwt_mbus_task *task,
                           int64_t now_us)
{
    enum stage stage;

    memset(m->failed, 0, sizeof(m->failed));
    memset(m->notice, 0, sizeof(m->notice));
    m->collision = HWT_MBUS_NO_COLLISION;
    m->chosen = false;
    m->stuck = -1;
    m->retried = 0;
    m->given = 0;
    m->task = *task;
    m->task.retries = task->retries < 255 ? task->retries : 255;
    m->reply = (struct hwt_mbus_frame){0};
    stage = stage_from(m, LINK);
    if (stage == LINK && is_secondary(task->slave) && task->goal != HWT_MBUS_PING &&
        !task->slave->lost) {
        stage = SELECT; /* a selection deselects the others by itself; SND_NKE after a failure */
    }
    enter(m, stage, now_us);
}

void hwt_mbus_master_start(struct hwt_mbus_master *m, struct hwt_mbus_slave *slave,
                           int64_t timeout_us, unsigned retries, int64_t now_us)
{
    const struct hwt_mbus_task task = {
        .goal = HWT_MBUS_READ, .slave = slave, .timeout_us = timeout_us, .retries = retries};

    hwt_mbus_master_begin(m, &task, now_us);
}

static void notice_collision(struct hwt_mbus_master *m, enum hwt_mbus_collision sign)
{
    m->notice[HWT_MBUS_COLLISION]++;
    m->collision = sign > m->collision ? sign : m->collision;
}

/* The stage's answer came. */
static void advance(struct hwt_mbus_master *m, int64_t now_us)
{
    struct hwt_mbus_slave *s = m->task.slave;
    enum stage done = (enum stage)m->stage;

    if (done == LINK || done == SELECT) {
        s->fcb = s->ud_fcb = true;
        s->linked = done == SELECT || !is_secondary(s);
        m->chosen = done == SELECT;
    } else if (done == ORDER) {
        s->ud_fcb = !s->ud_fcb;
        m->given++;
        m->rest_us = now_us + m->task.pause_us;
    }
    enter(m, stage_from(m, done == ORDER ? ORDER : (enum stage)(done + 1)), now_us);
}

/* Is this damaged answer the same as the last one? */
static void compare_damage(struct hwt_mbus_master *m)
{
    struct hwt_mbus_slave *s = m->task.slave;

    if (m->stage != REQUEST || m->reason == HWT_ERR_AGAIN || m->reason == HWT_ERR_NOT_MINE ||
        m->heard_n == 0) {
        return;
    }
    if (m->heard_n == s->bad_n && m->heard_sum == s->bad_sum) {
        notice_collision(m, HWT_MBUS_SAME_DAMAGE);
    }
    s->bad_n = (uint16_t)(m->heard_n < 0xFFFF ? m->heard_n : 0xFFFF);
    s->bad_sum = m->heard_sum;
}

/* The attempt came to nothing. */
static void fail(struct hwt_mbus_master *m, int64_t now_us)
{
    if (m->stage == LINK && m->task.goal != HWT_MBUS_PING) {
        /* some meters answer requests but never SND_NKE; none is chosen yet at address 253 */
        m->task.slave->fcb = m->task.slave->ud_fcb = true;
        enter(m, stage_from(m, SELECT), now_us);
        return;
    }
    compare_damage(m);
    m->have = m->done = 0;
    m->failed[-m->reason]++;
    if (m->tries > m->task.retries) {
        finish(m, m->reason);
        return;
    }
    m->retried++;
    become_quiet(m, now_us);
}

/* --- sending --------------------------------------------------------------------------------- */

static size_t encode(struct hwt_mbus_master *m)
{
    const struct hwt_mbus_slave *s = m->task.slave;
    const struct hwt_mbus_order *o;
    uint8_t ud = (uint8_t)(HWT_MBUS_SND_UD | (s->ud_fcb ? HWT_MBUS_FCB : 0));
    int n;

    switch ((enum stage)m->stage) {
    case LINK:
        return hwt_mbus_short_encode(HWT_MBUS_SND_NKE, s->address, m->sent);
    case SELECT: /* the bit is set, as after SND_NKE */
        n = hwt_mbus_long_encode(HWT_MBUS_SND_UD | HWT_MBUS_FCB, s->address, CI_SELECT, s->select,
                                 s->select_size, m->sent, sizeof(m->sent));
        return n > 0 ? (size_t)n : 0;
    case ORDER:
        o = &m->task.order[m->given];
        n = hwt_mbus_long_encode(ud, s->address, o->octets[0], o->octets + 1, o->size - 1u, m->sent,
                                 sizeof(m->sent));
        return n > 0 ? (size_t)n : 0;
    case REQUEST:
    case FINISHED:
        break;
    }
    return hwt_mbus_short_encode((uint8_t)(HWT_MBUS_REQ_UD2 | (s->fcb ? HWT_MBUS_FCB : 0)),
                                 s->address, m->sent);
}

/* From the address that answered last, but of a meter that is not the one that answered. */
static bool is_twin(const struct hwt_mbus_master *m, const struct hwt_mbus_frame *f)
{
    return m->last_known && f->a == m->last_a && f->ci == CI_LONG && f->data_size >= 8 &&
           memcmp(f->data, m->last_id, 8) != 0;
}

static void notice_twin(struct hwt_mbus_master *m)
{
    notice_collision(m, HWT_MBUS_TWO_IDENTITIES);
    m->two_at = m->last_a;
}

/* What came while nobody asked: answers that are late, double, or not of this meter. */
static void count_strays(struct hwt_mbus_master *m)
{
    struct hwt_mbus_frame f;
    size_t at = m->done, skip;
    int why;

    m->dropped += m->have - m->done;
    while (at < m->have &&
           hwt_mbus_frame_find(m->buf + at, m->have - at, true, &f, &skip, &why) == 0) {
        at += skip + f.size;
        if (f.shape != HWT_MBUS_LONG || (f.c & 0xCF) != HWT_MBUS_RSP_UD) {
            continue;
        }
        if (is_twin(m, &f)) {
            notice_twin(m);
        } else {
            m->notice[f.a == m->last_a ? HWT_MBUS_LATE : HWT_MBUS_FOREIGN]++;
        }
    }
    m->have = m->done = 0;
}

/* How long the stage's answer may take to begin. */
static int64_t patience_us(const struct hwt_mbus_master *m)
{
    int64_t standard_us = bits_us(m, REPLY_BITS) + REPLY_US + GAP_US;

    if (m->stage == LINK && is_secondary(m->task.slave)) { /* mostly nobody answers */
        return min_us(m->task.timeout_us, standard_us) + m->lag_us;
    }
    return m->task.timeout_us + m->lag_us;
}

static struct hwt_mbus_action send(struct hwt_mbus_master *m, int64_t now_us)
{
    int64_t out_us;

    count_strays(m);
    m->phase = HEAR;
    m->tries++;
    m->sends++;
    m->noisy = false;
    m->heard_n = 0;
    m->run_n = 0;
    m->heard_sum = SUM_START;
    m->sent_n = encode(m);
    out_us = bits_us(m, (int64_t)m->sent_n * CHARACTER_BITS);
    m->earliest_us = now_us + out_us + bits_us(m, CHARACTER_BITS);
    m->deadline_us = now_us + out_us + patience_us(m);
    m->limit_us = m->deadline_us + BABBLE_US + bits_us(m, HWT_MBUS_FRAME_MAX * CHARACTER_BITS);
    return (struct hwt_mbus_action){.step = HWT_MBUS_STEP_SEND, .octets = m->sent, .n = m->sent_n};
}

/* --- hearing --------------------------------------------------------------------------------- */

static void keep(struct hwt_mbus_master *m, const uint8_t *p, size_t n)
{
    size_t drop;

    if (n > sizeof(m->buf)) {
        m->dropped += n - sizeof(m->buf);
        p += n - sizeof(m->buf);
        n = sizeof(m->buf);
    }
    if (n > sizeof(m->buf) - m->have) { /* the line babbles: the oldest octets go */
        drop = n - (sizeof(m->buf) - m->have);
        memmove(m->buf, m->buf + drop, m->have - drop);
        m->have -= drop;
        m->done -= m->done < drop ? m->done : drop;
        m->dropped += drop;
        m->noisy = true;
    }
    if (n > 0) {
        memcpy(m->buf + m->have, p, n);
        m->have += n;
    }
}

static void count_run(struct hwt_mbus_master *m, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m->run_n = p[i] == m->run_octet && m->run_n < UINT32_MAX ? m->run_n + 1 : 1;
        m->run_octet = p[i];
    }
}

void hwt_mbus_master_feed(struct hwt_mbus_master *m, const uint8_t *p, size_t n, int64_t now_us)
{
    if (n == 0) {
        return;
    }
    count_run(m, p, n);
    if (m->phase == HEAR) {
        m->first_us = m->have == 0 ? now_us : m->first_us;
        m->heard_sum = sum_of(m->heard_sum, p, n);
        m->heard_n += n;
    }
    m->last_us = now_us;
    keep(m, p, n);
}

static bool is_mine(const struct hwt_mbus_master *m, const struct hwt_mbus_frame *f)
{
    const struct hwt_mbus_slave *s = m->task.slave;

    if (is_secondary(s) && f->ci == CI_LONG && f->data_size >= 8) {
        return hwt_mbus_select_fits(s->select, f->data);
    }
    return f->a == s->address || s->address == HWT_MBUS_ADDRESS_SELECTED ||
           s->address == HWT_MBUS_ADDRESS_ANY;
}

/* The same octets as the last answer, before the request can have reached the meter. */
static bool is_repetition(const struct hwt_mbus_master *m, const struct hwt_mbus_frame *f)
{
    const struct hwt_mbus_slave *s = m->task.slave;

    return m->first_us < m->earliest_us && f->size == s->good_n &&
           sum_of(SUM_START, f->octets, f->size) == s->good_sum;
}

static void take_reply(struct hwt_mbus_master *m, const struct hwt_mbus_frame *f)
{
    struct hwt_mbus_slave *s = m->task.slave;

    m->reply = *f; /* what comes later from this address is late, or of another meter */
    m->last_known = f->ci == CI_LONG && f->data_size >= 8;
    m->last_a = f->a;
    if (m->last_known) {
        memcpy(m->last_id, f->data, 8);
    }
    s->good_n = (uint16_t)f->size;
    s->good_sum = sum_of(SUM_START, f->octets, f->size);
    s->bad_n = 0;
    s->linked = true;
    s->fcb = !s->fcb;
    m->stage = FINISHED;
    finish(m, 0);
}

/* A whole frame came. Returns false if it may be a late answer that a better one will follow. */
static bool take_frame(struct hwt_mbus_master *m, const struct hwt_mbus_frame *f, bool final,
                       int64_t now_us)
{
    if (f->size == m->sent_n && memcmp(f->octets, m->sent, f->size) == 0) {
        m->notice[HWT_MBUS_ECHO]++;
        return true;
    }
    if (m->stage != REQUEST) {
        if (f->shape == HWT_MBUS_ACK && (m->stage != SELECT || !m->noisy)) {
            advance(m, now_us);
        }
        return true;
    }
    if (f->shape != HWT_MBUS_LONG || (f->c & 0xCF) != HWT_MBUS_RSP_UD) {
        return true;
    }
    if (!is_mine(m, f)) {
        m->notice[HWT_MBUS_FOREIGN]++;
        m->reason = HWT_ERR_NOT_MINE;
        return true;
    }
    if (!final && is_repetition(m, f)) {
        return false;
    }
    take_reply(m, f);
    return true;
}

/*
 * Takes whole frames out of the buffer while the stage lasts. `final`: the line has gone silent.
 * What may be a late answer stays until something follows it or the line is silent.
 */
static void scan(struct hwt_mbus_master *m, bool final, int64_t now_us)
{
    uint8_t stage = m->stage, tries = m->tries;
    bool held = false;
    struct hwt_mbus_frame f;
    size_t at = 0, kept = 0, skip;
    int err = 0, why;

    while (m->phase == HEAR && m->stage == stage && m->tries == tries && err == 0 && at < m->have) {
        err = hwt_mbus_frame_find(m->buf + at, m->have - at, final, &f, &skip, &why);
        m->noisy = m->noisy || skip > 0;
        m->dropped += skip;
        m->reason = why != 0 && m->reason != HWT_ERR_NOT_MINE ? why : m->reason;
        at += skip;
        if (err == 0) {
            bool late = held && f.shape == HWT_MBUS_LONG;

            if (late && is_twin(m, &f)) {
                notice_twin(m);
            }
            held = !take_frame(m, &f, final || held, now_us);
            m->notice[HWT_MBUS_LATE] += late;
            kept = held ? at : kept;
            at += f.size;
        }
    }
    if (m->phase == HEAR && m->stage == stage) {
        at = held ? kept : at;
        memmove(m->buf, m->buf + at, m->have - at);
        m->have -= at;
    } else if (m->phase == IDLE) { /* the reply stays where it is */
        m->done = at;
    }
}

/* The line is never silent: nothing can be asked, nothing heard. */
static void give_up(struct hwt_mbus_master *m, int64_t now_us)
{
    m->notice[HWT_MBUS_BABBLE]++;
    m->stuck = m->run_n >= STUCK_RUN ? m->run_octet : -1;
    m->dropped += m->have;
    m->heard_n = 0; /* it is no damage that could come again */
    m->reason = m->reason == HWT_ERR_AGAIN ? HWT_ERR_SANITY : m->reason;
    fail(m, now_us);
}

/* Waiting for an answer: when to look again. */
static int64_t listen(struct hwt_mbus_master *m, int64_t now_us)
{
    int64_t gap_end_us = m->last_us + bits_us(m, REST_BITS) + GAP_US + m->lag_us;
    /* no frame has so many of one octet in a row */
    bool over = now_us >= m->limit_us || m->run_n > HWT_MBUS_FRAME_MAX;

    scan(m, m->have > 0 && (now_us >= gap_end_us || over), now_us);
    if (m->phase != HEAR) {
        return now_us;
    }
    if (over && now_us < gap_end_us && m->heard_n > HWT_MBUS_FRAME_MAX) { /* not just read late */
        give_up(m, now_us);
        return now_us;
    }
    if (m->stage == SELECT && m->noisy && m->have == 0) { /* E5 and E5, not at once */
        notice_collision(m, HWT_MBUS_SPOILT_ACK);
        fail(m, now_us);
        return now_us;
    }
    if (m->have == 0 && now_us >= m->deadline_us) { /* at limit_us nothing is kept */
        fail(m, now_us);
        return now_us;
    }
    return m->have > 0 ? min_us(gap_end_us, m->limit_us) : m->deadline_us;
}

struct hwt_mbus_action hwt_mbus_master_step(struct hwt_mbus_master *m, int64_t now_us)
{
    while (m->phase != IDLE) {
        int64_t wake_us;

        if (m->phase == HEAR) {
            wake_us = listen(m, now_us);
            if (m->phase != HEAR) {
                continue;
            }
        } else {
            int64_t quiet_us = m->last_us + bits_us(m, REST_BITS) + QUIET_US;

            quiet_us = quiet_us > m->rest_us ? quiet_us : m->rest_us;
            if (now_us >= quiet_us) {
                return send(m, now_us);
            }
            if (now_us >= m->deadline_us) {
                m->tries++;
                give_up(m, now_us);
                continue;
            }
            wake_us = min_us(quiet_us, m->deadline_us);
        }
        return (struct hwt_mbus_action){.step = HWT_MBUS_STEP_WAIT, .wake_us = wake_us};
    }
    return (struct hwt_mbus_action){.step = HWT_MBUS_STEP_DONE};
}

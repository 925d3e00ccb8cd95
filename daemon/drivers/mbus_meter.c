#include "daemon/drivers/mbus_meter.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/drivers/bus_line.h"

enum {
    MISSED_POLLS = 3,      /* without an answer: stale */
    TELEGRAMS_MAX = 8,     /* of one page, where the meter says more follow and no profile knows */
    BACKOFF_MAX = 8,       /* times the poll's interval */
    QUARREL_POLLS = 3,     /* no value is believed for so long after two meters were heard */
    PAGE_PAUSE_US = 400000 /* after an order: a Sontex 531 wants 0.3 s */
};

/* Where meters are found: 2400 is what they are delivered with, the rest by how common it is. */
static const unsigned speeds[] = {2400, 9600, 300, 4800, 1200, 600};
enum { SPEEDS = sizeof(speeds) / sizeof(speeds[0]) };

void mbus_meter_init(struct mbus_meter *m, const struct mbus_meter_options *o)
{
    *m = (struct mbus_meter){.o = *o,
                             .slave = {.address = o->address},
                             .profile = o->profile,
                             .baud = o->baud != MBUS_BAUD_FIND ? o->baud : speeds[0],
                             .poll_s = o->poll_s};
    if (o->address == HWT_MBUS_ADDRESS_SELECTED) {
        m->slave.select_size = HWT_MBUS_SELECT_SIZE;
        memcpy(m->slave.select, o->select, HWT_MBUS_SELECT_SIZE);
    }
}

/* --- what to ask ----------------------------------------------------------------------------- */

static const struct hwt_mbus_order *order_of_page(const struct mbus_meter *m)
{
    const struct mbus_profile *p = m->profile;

    return p != NULL && !m->plain && p->page[m->page].size > 0 ? &p->page[m->page] : NULL;
}

static unsigned pages(const struct mbus_meter *m)
{
    return m->profile != NULL && !m->plain ? m->profile->pages : 1;
}

void mbus_meter_begin(struct mbus_meter *m)
{
    m->page = m->telegrams = m->speeds = 0;
    m->any = false;
    m->quarrel -= m->quarrel > 0;
    /* others may have been chosen at address 253 since; a chain begins at its first telegram */
    m->slave.linked = m->slave.linked && !m->chain && m->slave.address != HWT_MBUS_ADDRESS_SELECTED;
}

struct hwt_mbus_task mbus_meter_task(struct mbus_meter *m)
{
    const struct hwt_mbus_order *order = m->telegrams == 0 ? order_of_page(m) : NULL;
    bool searching = m->o.baud == MBUS_BAUD_FIND && !m->found;

    return (struct hwt_mbus_task){
        .goal = HWT_MBUS_READ,
        .slave = &m->slave,
        .order = order,
        .orders = order != NULL,
        .pause_us = PAGE_PAUSE_US,
        .timeout_us = 1000 * (int64_t)m->o.timeout_ms,
        .retries = searching || m->failures > MISSED_POLLS ? 0 : m->o.retries,
    };
}

unsigned mbus_meter_pause_s(const struct mbus_meter *m)
{
    unsigned factor = 1;

    /* where two meters quarrel the line is fine */
    for (unsigned i = MISSED_POLLS; m->quarrel == 0 && i < m->failures && factor < BACKOFF_MAX;
         i++) {
        factor *= 2;
    }
    return m->poll_s * factor;
}

/* --- counters and words ---------------------------------------------------------------------- */

void mbus_meter_check_stale(struct mbus_meter *m, int64_t mono_us, int64_t unix_ms)
{
    int64_t missed = (mono_us - m->good_us) / (1000000 * (int64_t)m->poll_s);

    if (missed >= MISSED_POLLS) {
        status_set(m->o.status, STATUS_STALE, unix_ms, "no good answer for %lld polls%s%s",
                   (long long)missed, m->why[0] != '\0' ? ": " : "", m->why);
    }
}

/* One line when telegrams begin to be refused, none for the next ones until a poll went well. */
static void log_refusal(struct mbus_meter *m, const char *reason, const char *what)
{
    if (!m->refusing) {
        LOG(LOG_WARN, m->o.id, "telegram refused reason=%s%s%s", reason, what[0] != '\0' ? " " : "",
            what);
    }
    m->refusing = true;
}

static void count(struct mbus_meter *m, const char *name, uint32_t n)
{
    if (n > 0) {
        status_count(m->o.status, name, n);
    }
}

static void count_attempts(struct mbus_meter *m, const struct hwt_mbus_master *master)
{
    static const char *const notices[HWT_MBUS_NOTICES] = {
        [HWT_MBUS_ECHO] = "ECHO",       [HWT_MBUS_LATE] = "LATE",
        [HWT_MBUS_FOREIGN] = "FOREIGN", [HWT_MBUS_COLLISION] = "COLLISION",
        [HWT_MBUS_BABBLE] = "BABBLE",
    };
    bool refused = false;

    for (int i = 1; i < HWT_ERR_KINDS; i++) {
        bool silent = i == -HWT_ERR_AGAIN;

        count(m, silent ? "TIMEOUT" : hwt_err_name(-i), master->failed[i]);
        if (master->failed[i] > 0 && !silent) {
            log_refusal(m, hwt_err_name(-i), "");
            refused = true;
        }
    }
    for (int i = 0; i < HWT_MBUS_NOTICES; i++) {
        if (i != HWT_MBUS_COLLISION || master->collision != HWT_MBUS_TWO_IDENTITIES) {
            count(m, notices[i], master->notice[i]);
        }
    }
    count(m, "retries", master->retried);
    m->refusing = m->refusing && (refused || master->result != 0);
}

static void address_text(const struct mbus_meter *m, char *out, size_t room)
{
    const uint8_t *s = m->slave.select;

    if (m->slave.address == HWT_MBUS_ADDRESS_SELECTED) {
        snprintf(out, room, "the address %02X%02X%02X%02X", s[3], s[2], s[1], s[0]);
    } else {
        snprintf(out, room, "address %u", m->slave.address);
    }
}

static void explain_collision(struct mbus_meter *m, const char *sign)
{
    char at[40];

    address_text(m, at, sizeof(at));
    snprintf(m->why, sizeof(m->why), "COLLISION: two meters answer at %s%s: give one another", at,
             sign);
}

void mbus_meter_babble(struct mbus_meter *m, int stuck)
{
    if (stuck >= 0) {
        snprintf(m->why, sizeof(m->why),
                 "BABBLE: the line is stuck at octet %02X: unplug its meters one by one",
                 (unsigned)stuck);
    } else {
        snprintf(m->why, sizeof(m->why),
                 "BABBLE: the line is never silent: noise, or is there another master?");
    }
}

/* Nothing, or nothing right, came from the meter. */
static void explain_silence(struct mbus_meter *m, const struct hwt_mbus_master *master, int reason)
{
    bool silent = reason == HWT_ERR_AGAIN;
    char at[40];

    address_text(m, at, sizeof(at));
    if (reason == HWT_ERR_NOT_MINE) {
        snprintf(m->why, sizeof(m->why), "NOT_MINE: another meter answers instead of %s", at);
    } else if (silent && m->slave.address == HWT_MBUS_ADDRESS_SELECTED && !master->chosen) {
        snprintf(m->why, sizeof(m->why), "TIMEOUT: no meter has %s", at);
    } else if (silent) {
        snprintf(m->why, sizeof(m->why), "TIMEOUT: %s at %s: are cable, address and speed right?",
                 master->notice[HWT_MBUS_ECHO] > 0 ? "only the echo comes" : "no answer", at);
    } else {
        snprintf(m->why, sizeof(m->why), "%s: answers come damaged: cable, noise, wrong speed?",
                 hwt_err_name(reason));
    }
}

/* Why a task fails, for people, and what to look at. */
static void explain(struct mbus_meter *m, const struct hwt_mbus_master *master, int reason)
{
    if (master->collision == HWT_MBUS_SAME_DAMAGE) {
        explain_collision(m, " (the same damage each time)");
    } else if (master->collision == HWT_MBUS_SPOILT_ACK) {
        explain_collision(m, "");
    } else if (master->notice[HWT_MBUS_BABBLE] > 0) {
        mbus_meter_babble(m, master->stuck);
    } else {
        explain_silence(m, master, reason);
    }
}

void mbus_meter_suspect(struct mbus_meter *m, const struct hwt_mbus_master *master)
{
    for (int i = 1; i < HWT_ERR_KINDS; i++) {
        if (master->failed[i] > 0) {
            explain(m, master, -i);
            return;
        }
    }
}

void mbus_meter_quarrel(struct mbus_meter *m)
{
    status_count(m->o.status, "COLLISION", 1);
    m->quarrel = QUARREL_POLLS;
}

/* --- answers --------------------------------------------------------------------------------- */

static void fail_poll(struct mbus_meter *m, const struct clock_time *now)
{
    m->failures++;
    mbus_meter_check_stale(m, now->mono_us, now->unix_ms == HWT_TIME_UNKNOWN ? 0 : now->unix_ms);
}

/* The limit of the profile, told once. */
static void set_profile(struct mbus_meter *m, const struct mbus_profile *p)
{
    unsigned least_s = m->o.mains_powered ? p->mains_s : p->battery_s;

    m->profile = p;
    m->poll_s = m->o.poll_s > least_s ? m->o.poll_s : least_s;
    LOG(LOG_INFO, m->o.id, "profile=%s poll_s=%u%s", p->name, m->poll_s,
        m->poll_s > m->o.poll_s ? " (the shortest for this meter)" : "");
}

/* With each telegram: its registers are this meter's. */
static void tell_identity(const struct mbus_meter *m, const struct hwt_mbus_telegram *t)
{
    char maker[4], text[32];
    const struct device_news news = {.source = m->o.source, .identity = text};

    hwt_mbus_manufacturer_name(t->manufacturer, maker);
    snprintf(text, sizeof(text), "%s %08lX", maker, (unsigned long)t->id);
    status_meter(m->o.status, "%s", text);
    if (m->o.news != NULL) {
        m->o.news(m->o.ctx, &news);
    }
}

/* Who answers here? Sets the profile at the first telegram; tells an exchange. */
static void take_identity(struct mbus_meter *m, const struct hwt_mbus_telegram *t,
                          const uint8_t *identity)
{
    const struct mbus_profile *p;

    if (!t->identified || t->fixed) {
        return;
    }
    if (m->identified && memcmp(m->identity, identity, 8) != 0) {
        status_count(m->o.status, "exchanged", 1);
        LOG(LOG_WARN, m->o.id, "another meter answers id=%08lX", (unsigned long)t->id);
        m->profile = m->o.profile;
        m->plain = false;
        m->identified = false;
    }
    if (!m->identified) {
        p = m->o.profile != NULL ? m->o.profile
                                 : mbus_profile_find(t->manufacturer, t->version, t->medium);
        if (p != NULL) {
            set_profile(m, p);
        }
    }
    tell_identity(m, t);
    m->identified = true;
    memcpy(m->identity, identity, 8);
}

static void deliver(struct mbus_meter *m, const struct hwt_mbus_telegram *t,
                    const struct clock_time *now)
{
    struct hwt_reading readings[MBUS_READINGS_MAX];
    int64_t unix_ms = now->unix_ms == HWT_TIME_UNKNOWN ? 0 : now->unix_ms;
    unsigned implausible;
    size_t n =
        mbus_readings(t, m->o.kind, m->profile, m->o.source, now->mono_us, readings, &implausible);

    status_count(m->o.status, "good", 1);
    count(m, "implausible", implausible);
    m->good_us = now->mono_us;
    m->failures = 0;
    m->any = m->found = true;
    m->why[0] = '\0';
    status_set(m->o.status, STATUS_OK, unix_ms, NULL);
    status_good(m->o.status, unix_ms);
    if (n > 0) {
        m->o.sink(m->o.ctx, readings, n);
    }
}

/* A telegram came. */
static enum mbus_next take_reply(struct mbus_meter *m, const struct hwt_mbus_master *master,
                                 const struct clock_time *now)
{
    unsigned most = m->profile != NULL ? m->profile->telegrams : TELEGRAMS_MAX;
    struct hwt_mbus_telegram t;
    struct hwt_mbus_fault fault;
    int err = hwt_mbus_open(&master->reply, &t, &fault);

    bus_line_log_hex(m->o.id, "reply", master->reply.octets, master->reply.size);
    err = err == 0 ? hwt_mbus_verify(&t, &fault) : err;
    if (err != 0) {
        status_count(m->o.status, hwt_err_name(err), 1);
        log_refusal(m, hwt_err_name(err), fault.what);
        snprintf(m->why, sizeof(m->why), "%s: %s", hwt_err_name(err), fault.what);
        if (!m->any) {
            fail_poll(m, now);
        }
        return MBUS_POLL_OVER;
    }
    take_identity(m, &t, master->reply.data);
    deliver(m, &t, now);
    m->telegrams++;
    m->chain = m->chain || t.more;
    if (t.more && m->telegrams < most) {
        return MBUS_ASK_AGAIN;
    }
    m->telegrams = 0;
    return ++m->page < pages(m) ? MBUS_ASK_AGAIN : MBUS_POLL_OVER;
}

/* True if the poll goes on at another speed. */
static bool next_speed(struct mbus_meter *m)
{
    if (m->o.baud != MBUS_BAUD_FIND || (m->found && m->failures < MISSED_POLLS)) {
        return false;
    }
    m->found = false;
    if (++m->speeds >= SPEEDS) {
        return false;
    }
    for (unsigned i = 0; i < SPEEDS; i++) {
        if (speeds[i] == m->baud) {
            m->baud = speeds[(i + 1) % SPEEDS];
            break;
        }
    }
    return true;
}

enum mbus_next mbus_meter_take(struct mbus_meter *m, const struct hwt_mbus_master *master,
                               const struct clock_time *now)
{
    bool ordered = m->telegrams == 0 && order_of_page(m) != NULL;

    count_attempts(m, master);
    if (master->result == 0 && m->quarrel == 0) {
        return take_reply(m, master, now);
    }
    explain(m, master, master->result);
    if (m->quarrel > 0) {
        explain_collision(m, "");
    } else if (ordered && master->result == HWT_ERR_AGAIN && !m->plain && m->profile->pages == 1) {
        m->plain = true; /* it may not know the order */
        status_count(m->o.status, "page", 1);
        return MBUS_ASK_AGAIN;
    } else if (!m->any && next_speed(m)) {
        return MBUS_ASK_AGAIN;
    }
    if (!m->any) { /* else: the first telegram of this poll was good */
        fail_poll(m, now);
    }
    return MBUS_POLL_OVER;
}

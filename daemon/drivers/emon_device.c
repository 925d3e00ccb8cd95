#include "daemon/drivers/emon_device.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/fixed.h"
#include "core/base/quantity.h"
#include "daemon/base/log.h"

enum {
    MISSED_INTERVALS = 3,
    ABSENT_MAX = 3,  /* messages without a key that came before: it is gone */
    SHORTER_MAX = 3, /* shorter messages in a row: the device has changed, they are not cut */
    NUMBERS_AHEAD = 100000, /* a number further on than this is of another device */
    MAX_W = 100000,         /* no input of a house moves more */
    MAX_L_PER_S = 1000,
    MILLI = 1000,
    QUANTITIES_MAX = 3 /* of an input */
};

/* Registers are 32-bit integers, signed or not: a full turn is 2^32 either way. */
#define FULL_TURN (INT64_C(4294967296) * MILLI)

static int64_t unix_ms(struct clock *clock)
{
    int64_t t = clock_unix_ms(clock);

    return t == HWT_TIME_UNKNOWN ? 0 : t;
}

static bool is_counter(enum hwt_quantity q)
{
    return hwt_quantity_get(q)->kind == HWT_COUNTER;
}

static void init_total(struct hwt_total *t, const struct emon_input *in)
{
    bool power = in->energy_key[0] != '\0';
    const struct hwt_total_rules rules = {
        .num = power ? in->energy_num : in->num,
        .den = power ? in->energy_den : in->den,
        .wrap = FULL_TURN,
        .most_per_s = in->quantity == HWT_Q_VOLUME ? MAX_L_PER_S * MILLI : (int64_t)MAX_W * MILLI};

    hwt_total_init(t, &rules);
    if (in->has_start) {
        hwt_total_resume(t, in->start_up, in->start_down, in->start_us);
    }
}

int emon_device_init(struct emon_device *d, const struct emon_device_options *options)
{
    if (options->interval_s < 1 || options->inputs > EMON_INPUTS_MAX) {
        return HWT_ERR_ARGUMENT;
    }
    memset(d, 0, sizeof(*d));
    d->o = *options;
    for (unsigned i = 0; i < d->o.inputs; i++) {
        init_total(&d->state[i].total, &d->o.input[i]);
    }
    return 0;
}

void emon_device_open(struct emon_device *d, struct clock *clock)
{
    d->heard_us = clock_mono_us(clock);
    d->messages = 0;
    d->values = 0;
    d->shorter = 0;
    d->why[0] = '\0';
}

/* --- message numbers ------------------------------------------------------------------------- */

static bool is_number_key(const char *name)
{
    return strcasecmp(name, "MSG") == 0;
}

static const struct hwt_emon_value *find(const struct hwt_emon_message *m, const char *key)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->value[i].name, key) == 0) {
            return &m->value[i];
        }
    }
    return NULL;
}

/* True if the device began anew: its numbers went back. */
static bool follow_number(struct emon_device *d, const struct hwt_emon_message *m)
{
    bool restarted = false;
    int64_t number = -1, step;

    for (size_t i = 0; i < m->count; i++) {
        if (is_number_key(m->value[i].name) && !m->value[i].missing) {
            number = m->value[i].milli / MILLI;
        }
    }
    if (number < 0) {
        return false;
    }
    step = number - d->number;
    if (d->numbered && step > 1 && step < NUMBERS_AHEAD) {
        status_count(d->o.status, "missed", (uint64_t)(step - 1));
    } else if (d->numbered && step == 0) {
        status_count(d->o.status, "repeated", 1);
    } else if (d->numbered && step != 1) {
        restarted = true;
        status_count(d->o.status, "restarts", 1);
        LOG(LOG_WARN, d->o.id, "device restarted message=%lld before=%lld", (long long)number,
            (long long)d->number);
    }
    d->number = number;
    d->numbered = true;
    return restarted;
}

/* --- values ---------------------------------------------------------------------------------- */

struct batch {
    struct hwt_reading reading[EMON_INPUTS_MAX * QUANTITIES_MAX];
    size_t n;
    int64_t now_us;
};

static void put(struct batch *b, const struct emon_input *in, enum hwt_quantity quantity,
                int64_t counts)
{
    b->reading[b->n++] = (struct hwt_reading){.value = counts,
                                              .mono_us = b->now_us,
                                              .source = (uint16_t)in->source,
                                              .quantity = (uint8_t)quantity,
                                              .quality = HWT_QUALITY_GOOD};
}

static void tell(struct emon_device *d, const struct emon_input *in, enum hwt_total_event event,
                 int64_t before, int64_t sent)
{
    const char *key = in->energy_key[0] != '\0' ? in->energy_key : in->key;

    switch (event) {
    case HWT_TOTAL_RESET:
        status_count(d->o.status, "anchored", 1);
        LOG(LOG_WARN, in->id,
            "register jumped key=%s from=%lld to=%lld: a reset or another device; not counted", key,
            (long long)(before / MILLI), (long long)(sent / MILLI));
        break;
    case HWT_TOTAL_WRAPPED:
        status_count(d->o.status, "wrapped", 1);
        LOG(LOG_INFO, in->id, "register turned over key=%s", key);
        break;
    case HWT_TOTAL_RESTORED:
        LOG(LOG_INFO, in->id, "register is back key=%s: the jump was a misread", key);
        break;
    case HWT_TOTAL_FIRST:
    case HWT_TOTAL_MOVED:
        break;
    }
}

static void feed_total(struct emon_device *d, unsigned i, int64_t now_us, int64_t sent,
                       bool may_fall, bool restarted)
{
    struct emon_state *s = &d->state[i];
    int64_t before = s->total.now.sent;

    tell(d, &d->o.input[i], hwt_total_feed(&s->total, now_us, sent, may_fall, restarted), before,
         sent);
}

/* Power, and the energy of the same input. The register may have fallen if the power was negative
 * now or a message ago. */
static void take_energy(struct emon_device *d, unsigned i, const struct hwt_emon_message *m,
                        bool fed_in, bool restarted, struct batch *b)
{
    const struct emon_input *in = &d->o.input[i];
    const struct hwt_emon_value *e = find(m, in->energy_key);
    struct emon_state *s = &d->state[i];

    if (e != NULL && !e->missing) {
        feed_total(d, i, b->now_us, e->milli, fed_in || s->fed_in, restarted);
        put(b, in, HWT_Q_IMPORT, s->total.up);
        put(b, in, HWT_Q_EXPORT, s->total.down);
    }
    s->fed_in = fed_in;
}

static void take_input(struct emon_device *d, unsigned i, const struct hwt_emon_message *m,
                       bool restarted, struct batch *b)
{
    const struct emon_input *in = &d->o.input[i];
    const struct hwt_emon_value *v = find(m, in->key);
    struct emon_state *s = &d->state[i];
    int64_t counts = 0;

    s->absent = v != NULL ? 0 : s->absent + 1;
    s->sent |= v != NULL;
    if (v == NULL) {
        return;
    }
    if (v->missing) {
        status_count(d->o.status, "no_sensor", 1);
    } else if (is_counter(in->quantity)) {
        feed_total(d, i, b->now_us, v->milli, false, restarted);
        put(b, in, in->quantity, s->total.up);
    } else if (hwt_mul_div(v->milli, in->num, in->den, &counts)) {
        put(b, in, in->quantity, counts);
    } else {
        status_count(d->o.status, "implausible", 1);
    }
    if (in->energy_key[0] != '\0') {
        take_energy(d, i, m, counts < 0, restarted, b);
    }
}

/* --- what is told ---------------------------------------------------------------------------- */

static void list_keys(const struct hwt_emon_message *m, char *out, size_t n)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < m->count && at + HWT_EMON_NAME_MAX + 3 < n; i++) {
        at += (size_t)snprintf(out + at, n - at, "%s%s", i > 0 ? ", " : "", m->value[i].name);
    }
}

/* The key of an input that is not there: at once if it never came, later if it may be back. */
static const char *missed_key(const struct emon_device *d, const struct hwt_emon_message *m,
                              bool *never_out)
{
    for (unsigned i = 0; i < d->o.inputs; i++) {
        const struct emon_input *in = &d->o.input[i];
        const struct emon_state *s = &d->state[i];

        *never_out = !s->sent;
        if (!s->sent || s->absent >= ABSENT_MAX) {
            return in->key;
        }
        if (in->energy_key[0] != '\0' && find(m, in->energy_key) == NULL) {
            *never_out = true;
            return in->energy_key;
        }
    }
    return NULL;
}

static void tell_state(struct emon_device *d, const struct hwt_emon_message *m, struct clock *clock)
{
    char keys[STATUS_CAUSE_MAX - 48];
    bool never;
    const char *key = missed_key(d, m, &never);

    if (key != NULL && d->messages < 2) {
        return; /* the first line after opening may be the rest of one */
    }
    if (key == NULL) {
        status_set(d->o.status, STATUS_OK, unix_ms(clock), NULL);
        return;
    }
    list_keys(m, keys, sizeof(keys));
    status_set(d->o.status, STATUS_STALE, unix_ms(clock), "%s is %s; the line has %s", key,
               never ? "not sent" : "no longer sent", keys);
}

/* A message shorter than the one before lost its end, and its last number may have lost digits:
 * there is no checksum. A device that goes on sending fewer has changed. */
static bool is_cut(struct emon_device *d, const struct hwt_emon_message *m)
{
    d->shorter = m->count < d->values ? d->shorter + 1 : 0;
    if (d->shorter > 0 && d->shorter < SHORTER_MAX) {
        status_count(d->o.status, "cut", 1);
        return true;
    }
    d->shorter = 0;
    d->values = m->count;
    return false;
}

static void take_message(struct emon_device *d, const struct hwt_emon_message *m,
                         struct clock *clock)
{
    struct batch b = {.n = 0, .now_us = clock_mono_us(clock)};
    bool restarted;

    d->heard_us = b.now_us;
    if (is_cut(d, m)) {
        return;
    }
    d->messages++;
    status_count(d->o.status, "messages", 1);
    if (m->rssi != 0) {
        status_put(d->o.status, "rssi_minus_dbm", (uint64_t)(m->rssi < 0 ? -m->rssi : m->rssi));
    }
    restarted = follow_number(d, m);
    for (unsigned i = 0; i < d->o.inputs; i++) {
        take_input(d, i, m, restarted, &b);
    }
    if (b.n > 0) {
        d->o.sink(d->o.ctx, b.reading, b.n);
        status_good(d->o.status, unix_ms(clock));
    }
    tell_state(d, m, clock);
}

static void refuse(struct emon_device *d, int err, const struct hwt_emon_message *m)
{
    status_count(d->o.status, hwt_err_name(err), 1);
    if (m->node != HWT_EMON_NODE_NONE) {
        snprintf(d->why, sizeof(d->why), "messages of node %d are refused: %s (wrong layout?)",
                 m->node, hwt_err_name(err));
    } else {
        snprintf(d->why, sizeof(d->why), "lines are damaged (wrong speed?)");
    }
}

bool emon_device_line(struct emon_device *d, const char *line, size_t n, struct clock *clock)
{
    struct hwt_emon_message m;
    size_t at;
    int err = hwt_emon_line(line, n, d->o.layout, &m, &at);

    if (err == HWT_ERR_NOT_MINE) {
        status_count(d->o.status, "other_lines", n > 0);
        if (n > 0 && d->messages == 0) {
            snprintf(d->why, sizeof(d->why), "what comes is no message (wrong speed, a banner?)");
        }
        return false;
    }
    if (m.node != d->o.node && (err == 0 || m.node != HWT_EMON_NODE_NONE)) {
        if (m.node != HWT_EMON_NODE_NONE) {
            snprintf(d->why, sizeof(d->why), "node %d is heard (node: %d?)", m.node, m.node);
        } else {
            snprintf(d->why, sizeof(d->why), "lines without a node are heard (remove node:?)");
        }
        return false;
    }
    if (err != 0) {
        refuse(d, err, &m);
        return false;
    }
    take_message(d, &m, clock);
    return true;
}

void emon_device_check_stale(struct emon_device *d, struct clock *clock)
{
    int64_t silent_s = (clock_mono_us(clock) - d->heard_us) / 1000000;

    if (silent_s >= MISSED_INTERVALS * (int64_t)d->o.interval_s) {
        status_set(d->o.status, STATUS_STALE, unix_ms(clock), "no message for %lld s%s%s",
                   (long long)silent_s, d->why[0] != '\0' ? ": " : "", d->why);
    }
}

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
    MILLI = 1000,
    QUANTITIES_MAX = 2 /* of an input */
};

int emon_device_init(struct emon_device *d, const struct emon_device_options *options)
{
    if (options->interval_s < 1 || options->inputs > EMON_INPUTS_MAX) {
        return HWT_ERR_ARGUMENT;
    }
    memset(d, 0, sizeof(*d));
    d->o = *options;
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

/* A number of the message, if it fits. */
static void take_value(struct emon_device *d, const struct emon_input *in, enum hwt_quantity q,
                       const struct hwt_emon_value *v, int64_t num, int64_t den, struct batch *b)
{
    int64_t counts;

    if (hwt_mul_div(v->milli, num, den, &counts)) {
        put(b, in, q, counts);
    } else {
        status_count(d->o.status, "implausible", 1);
    }
}

static void take_input(struct emon_device *d, unsigned i, const struct hwt_emon_message *m,
                       struct batch *b)
{
    const struct emon_input *in = &d->o.input[i];
    const struct hwt_emon_value *v = find(m, in->key), *e = NULL;
    struct emon_state *s = &d->state[i];

    s->absent = v != NULL ? 0 : s->absent + 1;
    s->sent |= v != NULL;
    if (v == NULL) {
        return;
    }
    if (v->missing) {
        status_count(d->o.status, "no_sensor", 1);
    } else {
        take_value(d, in, in->quantity, v, in->num, in->den, b);
    }
    e = in->energy_key[0] != '\0' ? find(m, in->energy_key) : NULL;
    if (e != NULL && !e->missing) {
        take_value(d, in, HWT_Q_IMPORT, e, in->energy_num, in->energy_den, b);
    }
}

static void tell_restart(const struct emon_device *d)
{
    for (unsigned i = 0; d->o.news != NULL && i < d->o.inputs; i++) {
        const struct device_news news = {.source = (uint16_t)d->o.input[i].source,
                                         .restarted = true};

        d->o.news(d->o.ctx, &news);
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
        status_set(d->o.status, STATUS_OK, clock_stamp_ms(clock), NULL);
        return;
    }
    list_keys(m, keys, sizeof(keys));
    status_set(d->o.status, STATUS_STALE, clock_stamp_ms(clock), "%s is %s; the line has %s", key,
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

    d->heard_us = b.now_us;
    if (is_cut(d, m)) {
        return;
    }
    d->messages++;
    status_count(d->o.status, "messages", 1);
    if (m->rssi != 0) {
        status_put(d->o.status, "rssi_minus_dbm", (uint64_t)(m->rssi < 0 ? -m->rssi : m->rssi));
    }
    if (follow_number(d, m)) {
        tell_restart(d);
    }
    for (unsigned i = 0; i < d->o.inputs; i++) {
        take_input(d, i, m, &b);
    }
    if (b.n > 0) {
        d->o.sink(d->o.ctx, b.reading, b.n);
        status_good(d->o.status, clock_stamp_ms(clock));
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
        status_set(d->o.status, STATUS_STALE, clock_stamp_ms(clock), "no message for %lld s%s%s",
                   (long long)silent_s, d->why[0] != '\0' ? ": " : "", d->why);
    }
}

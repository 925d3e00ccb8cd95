/*
 * M-Bus: two ways to look for meters.
 *
 *   scan_step_mbus         at each speed: all secondary addresses, then 254, which each meter
 *                          answers. Where something is: each primary address at that speed too
 *   scan_step_mbus_sweep   nothing was: each primary address at 2400 baud, for meters that know
 *                          neither
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/drivers/bus_line.h"
#include "daemon/drivers/later.h"
#include "daemon/drivers/mbus_search.h"
#include "daemon/drivers/scan_step.h"

enum {
    ELECTRICITY = 0x02, /* EN 13757-3, device type */
    KNOWN_MAX = 256,
    BAUD = 2400 /* of a gateway, as far as time goes; and of the sweep */
};

static const unsigned usual_speeds[] = {2400, 300, 9600, 600, 1200, 4800};

struct mbus_scan {
    const struct scan_task *task;
    struct mbus_search *search;
    struct later next; /* the next search, when the port of the one before is closed */
    unsigned baud[SCAN_SPEEDS_MAX], speeds;
    bool sweeping, over;
    bool begun;       /* the line was open */
    unsigned at_baud; /* where something answered; 0: nowhere */
    double quick_s, sweep_s;
    uint8_t known[KNOWN_MAX][HWT_MBUS_SELECT_SIZE];
    unsigned found;
};

/* --- time ------------------------------------------------------------------------------------ */

static double silence_s(const struct scan_task *task, unsigned baud)
{
    int64_t us = mbus_search_timeout_us(task->o->timeout_ms, baud);

    us += task->target == SCAN_TARGET_TCP ? BUS_LINE_LAG_US : 0;
    return (double)us / 1e6 + 100.0 / baud; /* with the request and the pause before it */
}

static double quick_s(const struct scan_task *task, const unsigned *baud, unsigned speeds)
{
    double s = 0;

    for (unsigned i = 0; i < speeds; i++) {
        s += 2 * silence_s(task, baud[i]);
    }
    return s;
}

static double sweep_s(const struct scan_task *task, unsigned baud)
{
    return (HWT_MBUS_ADDRESS_MAX + 1) * silence_s(task, baud);
}

static unsigned choose_speeds(const struct scan_task *task, unsigned out[SCAN_SPEEDS_MAX])
{
    if (task->target == SCAN_TARGET_TCP) {
        out[0] = BAUD;
        return 1;
    }
    return scan_speeds(task->o, usual_speeds, sizeof(usual_speeds) / sizeof(usual_speeds[0]), false,
                       out);
}

static unsigned choose_sweep_speeds(const struct scan_task *task, unsigned out[SCAN_SPEEDS_MAX])
{
    static const unsigned usual = BAUD;

    if (task->target == SCAN_TARGET_TCP) {
        out[0] = BAUD;
        return 1;
    }
    return scan_speeds(task->o, &usual, 1, false, out);
}

/* --- what was found -------------------------------------------------------------------------- */

/* "kamstrup_403" ─▶ "Kamstrup 403" */
static void name_model(const struct mbus_profile *profile, char out[64])
{
    snprintf(out, 64, "%s", profile->name);
    out[0] = (char)toupper((unsigned char)out[0]);
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
}

static void take_values(const struct mbus_found *m, struct scan_found *f)
{
    struct hwt_reading r[MBUS_READINGS_MAX];
    unsigned implausible = 0;
    size_t n;

    if (m->telegram == NULL) {
        return;
    }
    n = mbus_readings(m->telegram, f->electricity ? MBUS_ELECTRICITY : MBUS_HEAT, m->profile, 0, 0,
                      r, &implausible);
    for (size_t i = 0; i < n; i++) {
        f->value[f->values++] =
            (struct scan_value){.quantity = r[i].quantity, .counts = r[i].value};
    }
}

static struct scan_found convert(const struct scan_task *task, const struct mbus_found *m)
{
    struct scan_found f = scan_find(task, SCAN_MBUS);

    f.baud = task->target == SCAN_TARGET_TCP ? 0 : m->baud;
    f.framing = SERIAL_8E1;
    f.address = m->address <= HWT_MBUS_ADDRESS_MAX ? m->address : -1;
    f.collision = m->collision;
    if (m->collision) {
        snprintf(f.note, sizeof(f.note),
                 "Several meters answer at this address at once: unplug all but one and give each "
                 "an address of its own (heatwatt mbus set-address).");
        return f;
    }
    f.electricity = m->identified && m->medium == ELECTRICITY;
    f.profile = m->profile;
    if (m->identified) {
        f.has_secondary = true;
        memcpy(f.secondary, m->select, sizeof(f.secondary));
        snprintf(f.maker, sizeof(f.maker), "%s", m->maker);
        snprintf(f.serial, sizeof(f.serial), "%08lX", (unsigned long)m->id);
        snprintf(f.medium, sizeof(f.medium), "%s", hwt_mbus_medium_name(m->medium, false));
        snprintf(f.note, sizeof(f.note),
                 "If it has a mains supply, add mains_powered: true; it is then read more often.");
    } else {
        snprintf(f.note, sizeof(f.note), "It answers without saying what it is.");
    }
    if (m->profile != NULL) {
        name_model(m->profile, f.model);
    }
    take_values(m, &f);
    return f;
}

static bool is_known(struct mbus_scan *s, const struct mbus_found *m)
{
    unsigned n = s->found < KNOWN_MAX ? s->found : KNOWN_MAX;

    for (unsigned i = 0; i < n && m->identified; i++) {
        if (memcmp(s->known[i], m->select, HWT_MBUS_SELECT_SIZE) == 0) {
            return true;
        }
    }
    if (m->identified && s->found < KNOWN_MAX) {
        memcpy(s->known[s->found++], m->select, HWT_MBUS_SELECT_SIZE);
    }
    return false;
}

static bool will_sweep(const struct mbus_scan *s)
{
    return !s->sweeping && !s->task->o->quick;
}

/* Who is heard at 254 without saying who it is, is told by the sweep, with its address. */
static void on_found(void *ctx, const struct mbus_found *m)
{
    struct mbus_scan *s = ctx;
    bool nameless = m->collision || !m->identified;
    struct scan_found f;

    s->at_baud = m->baud;
    if (is_known(s, m) || (nameless && will_sweep(s)) ||
        (m->collision && m->address == HWT_MBUS_ADDRESS_ANY && s->found > 0)) {
        return;
    }
    f = convert(s->task, m);
    s->task->found(s->task->ctx, &f);
}

static void on_progress(void *ctx, const struct mbus_search_progress *p)
{
    struct mbus_scan *s = ctx;
    double all_s = s->quick_s + s->sweep_s, done_s = s->quick_s;
    char speed[32] = "";

    s->begun = true;
    if (s->task->target != SCAN_TARGET_TCP) {
        snprintf(speed, sizeof(speed), " at %u baud", p->baud);
    }
    if (s->sweeping) {
        done_s += s->sweep_s * p->done / (p->total > 0 ? p->total : 1);
        s->task->progress(s->task->ctx, done_s / all_s, "M-Bus%s, primary address %u", speed,
                          p->done);
        return;
    }
    done_s = 0;
    for (unsigned i = 0; i < s->speeds && s->baud[i] != p->baud; i++) {
        done_s += quick_s(s->task, &s->baud[i], 1);
    }
    s->task->progress(s->task->ctx, done_s / all_s, "M-Bus%s, secondary addresses", speed);
}

/* --- the searches ---------------------------------------------------------------------------- */

static void end(struct mbus_scan *s, enum scan_result result, const char *why)
{
    if (!s->over) {
        s->over = true;
        later_stop(&s->next);
        s->task->done(s->task->ctx, result, why);
    }
}

static void on_done(void *ctx, const char *why);

static bool start_search(struct mbus_scan *s, bool sweep, const unsigned *baud, unsigned speeds)
{
    struct mbus_search_options o = {
        .speeds = speeds < MBUS_SPEEDS_MAX ? speeds : MBUS_SPEEDS_MAX,
        .every_speed = s->task->o->every && !sweep,
        .secondary = !sweep,
        .primary = true,
        .from = sweep ? 0 : HWT_MBUS_ADDRESS_ANY,
        .to = sweep ? HWT_MBUS_ADDRESS_MAX : HWT_MBUS_ADDRESS_ANY,
        .timeout_ms = s->task->o->timeout_ms,
        .on_found = on_found,
        .on_progress = on_progress,
        .on_done = on_done,
        .ctx = s,
    };

    *(s->task->target == SCAN_TARGET_TCP ? &o.tcp : &o.port) = s->task->port;
    memcpy(o.baud, baud, o.speeds * sizeof(baud[0]));
    s->sweeping = sweep;
    s->search = mbus_search_new(s->task->loop, &o);
    if (s->search == NULL) {
        return false;
    }
    mbus_search_start(s->search);
    return true;
}

static void on_next(void *ctx)
{
    struct mbus_scan *s = ctx;

    if (s->search != NULL) {
        mbus_search_free(s->search);
        s->search = NULL;
        later_start(&s->next);
    } else if (s->at_baud == 0) { /* no speed that M-Bus has was asked for */
        end(s, SCAN_STEP_THROUGH, NULL);
    } else if (!start_search(s, true, &s->at_baud, 1)) {
        end(s, SCAN_STEP_FAILED, "out of memory");
    }
}

static void on_done(void *ctx, const char *why)
{
    struct mbus_scan *s = ctx;

    if (why != NULL && s->begun && s->task->target == SCAN_TARGET_TCP) {
        end(s, SCAN_STEP_THROUGH, NULL); /* it does not want what it was sent: another protocol */
    } else if (why != NULL) {
        end(s, SCAN_STEP_FAILED, why);
    } else if (s->at_baud != 0 && will_sweep(s)) {
        later_start(&s->next);
    } else {
        end(s, SCAN_STEP_THROUGH, NULL);
    }
}

static struct mbus_scan *new_step(const struct scan_task *task)
{
    struct mbus_scan *s = calloc(1, sizeof(*s));

    if (s != NULL) {
        s->task = task;
        later_init(&s->next, task->loop, on_next, s);
    }
    return s;
}

static void free_step(void *step);

static void *start_step(struct mbus_scan *s, bool sweep)
{
    if (s->speeds == 0) {
        later_start(&s->next);
    } else if (!start_search(s, sweep, s->baud, s->speeds)) {
        free_step(s);
        return NULL;
    }
    return s;
}

static void *begin(const struct scan_task *task)
{
    struct mbus_scan *s = new_step(task);

    if (s == NULL) {
        return NULL;
    }
    s->speeds = choose_speeds(task, s->baud);
    s->quick_s = quick_s(task, s->baud, s->speeds);
    s->sweep_s = task->o->quick ? 0 : sweep_s(task, BAUD);
    return start_step(s, false);
}

static void *begin_sweep(const struct scan_task *task)
{
    struct mbus_scan *s = new_step(task);

    if (s == NULL) {
        return NULL;
    }
    s->speeds = choose_sweep_speeds(task, s->baud);
    s->sweep_s = 1;
    return start_step(s, true);
}

static double estimate_s(const struct scan_task *task)
{
    unsigned baud[SCAN_SPEEDS_MAX], speeds = choose_speeds(task, baud);

    return quick_s(task, baud, speeds) + (task->o->quick ? 0 : sweep_s(task, BAUD));
}

static double sweep_estimate_s(const struct scan_task *task)
{
    unsigned baud[SCAN_SPEEDS_MAX], speeds = choose_sweep_speeds(task, baud);
    double s = 0;

    for (unsigned i = 0; i < speeds; i++) {
        s += sweep_s(task, baud[i]);
    }
    return s;
}

static void on_closed(void *ctx)
{
    free(ctx);
}

static void free_step(void *step)
{
    struct mbus_scan *s = step;

    s->over = true;
    mbus_search_free(s->search);
    later_close(&s->next, on_closed);
}

const struct scan_step_kind scan_step_mbus = {
    .protocol = {SCAN_MBUS, SCAN_MBUS},
    .sends = true,
    .estimate_s = estimate_s,
    .begin = begin,
    .free = free_step,
};

const struct scan_step_kind scan_step_mbus_sweep = {
    .protocol = {SCAN_MBUS, SCAN_MBUS},
    .sends = true,
    .slow = true,
    .estimate_s = sweep_estimate_s,
    .begin = begin_sweep,
    .free = free_step,
};

/*
 * Modbus: tasks, each a run of units on one line (speed and framing, or framing of TCP), until one
 * has found something; then the other units of that line.
 *
 *   scan_step_modbus        units 1 and 2, as devices leave the factory, on every line
 *   scan_step_modbus_wide   units 3 to 16, on every line
 *   scan_step_modbus_sweep  units 17 to 247, at 9600 baud or the speeds that were given
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/drivers/later.h"
#include "daemon/drivers/modbus_search.h"
#include "daemon/drivers/scan_step.h"

enum {
    FIRST_TO = 2,
    LIKELY_TO = 16,
    PROBES = 2, /* reads of a silent unit */
    FRAMINGS = 3,
    TASKS_MAX = SCAN_SPEEDS_MAX * FRAMINGS
};

static const unsigned usual_speeds[] = {9600, 19200, 38400, 2400, 1200, 57600, 115200};
static const unsigned sweep_speeds[] = {9600};
static const enum serial_framing framings[FRAMINGS] = {SERIAL_8N1, SERIAL_8E1, SERIAL_8N2};

struct line_task {
    unsigned baud; /* serial */
    enum serial_framing framing;
    bool rtu_over_tcp;
    uint8_t from, to;
};

struct modbus_scan {
    const struct scan_task *task;
    struct modbus_search *search;
    struct later next; /* the next search, when the port of the one before is closed */
    struct line_task list[TASKS_MAX];
    unsigned tasks, at;
    double done_s, all_s;  /* of list[] */
    bool found, any_unit;  /* by the task under way */
    bool following;        /* `rest` is under way: */
    struct line_task rest; /* the other units of a line where something was found */
    bool begun, over, told;
};

/* --- what to do ------------------------------------------------------------------------------ */

static double task_s(const struct scan_task *task, const struct line_task *t)
{
    double s = (double)modbus_search_timeout_us(task->o->timeout_ms, t->baud) / 1e6;

    if (task->target != SCAN_TARGET_TCP) {
        s += 120.0 / t->baud; /* the request and the silence before it */
    }
    return (t->to - t->from + 1) * s * (t->from > LIKELY_TO ? 1 : PROBES);
}

static unsigned list_serial(const struct scan_task *task, const unsigned *usual, unsigned n,
                            uint8_t from, uint8_t to, struct line_task out[TASKS_MAX])
{
    unsigned baud[SCAN_SPEEDS_MAX], speeds = scan_speeds(task->o, usual, n, false, baud), tasks = 0;

    for (unsigned i = 0; i < speeds; i++) {
        for (unsigned f = 0; f < FRAMINGS && baud[i] > 300; f++) {
            out[tasks++] =
                (struct line_task){.baud = baud[i], .framing = framings[f], .from = from, .to = to};
        }
    }
    return tasks;
}

#define USUAL(list) list, sizeof(list) / sizeof((list)[0])

static unsigned list_first(const struct scan_task *task, struct line_task out[TASKS_MAX])
{
    if (task->target != SCAN_TARGET_TCP) {
        return list_serial(task, USUAL(usual_speeds), 1, FIRST_TO, out);
    }
    out[0] = (struct line_task){.from = 1, .to = FIRST_TO};
    out[1] = (struct line_task){.from = HWT_MODBUS_UNIT_DEVICE, .to = HWT_MODBUS_UNIT_DEVICE};
    out[2] = (struct line_task){.from = 1, .to = FIRST_TO, .rtu_over_tcp = true};
    return 3;
}

static unsigned list_wide(const struct scan_task *task, struct line_task out[TASKS_MAX])
{
    if (task->target != SCAN_TARGET_TCP) {
        return list_serial(task, USUAL(usual_speeds), FIRST_TO + 1, LIKELY_TO, out);
    }
    out[0] = (struct line_task){.from = FIRST_TO + 1, .to = LIKELY_TO};
    out[1] = (struct line_task){.from = FIRST_TO + 1, .to = LIKELY_TO, .rtu_over_tcp = true};
    return 2;
}

static unsigned list_sweep(const struct scan_task *task, struct line_task out[TASKS_MAX])
{
    return list_serial(task, USUAL(sweep_speeds), LIKELY_TO + 1, HWT_MODBUS_UNIT_MAX, out);
}

static double sum_s(const struct scan_task *task, const struct line_task *list, unsigned n)
{
    double s = 0;

    for (unsigned i = 0; i < n; i++) {
        s += task_s(task, &list[i]);
    }
    return s;
}

static const struct line_task *now(const struct modbus_scan *s)
{
    return s->following ? &s->rest : &s->list[s->at];
}

/* --- what was found -------------------------------------------------------------------------- */

static struct scan_found convert(const struct modbus_scan *s, const struct modbus_found *m)
{
    struct scan_found f = scan_find(s->task, SCAN_MODBUS);

    f.baud = m->baud;
    f.framing = m->framing;
    f.address = m->unit;
    f.collision = m->collision;
    f.rtu_over_tcp = now(s)->rtu_over_tcp;
    if (m->collision) {
        snprintf(f.note, sizeof(f.note),
                 "What answers is damaged each time (%s): two devices with one unit number?",
                 hwt_modbus_reason_name(m->damage));
        return f;
    }
    snprintf(f.maker, sizeof(f.maker), "%.31s", m->vendor);
    snprintf(f.serial, sizeof(f.serial), "%.23s", m->serial);
    if (m->kind != NULL) {
        snprintf(f.model, sizeof(f.model), "%s", m->kind->name);
        snprintf(f.map, sizeof(f.map), "%s", m->kind->map);
        snprintf(f.medium, sizeof(f.medium), "electricity");
    } else {
        snprintf(f.model, sizeof(f.model), "%s", m->product[0] != '\0' ? m->product : m->model);
        snprintf(f.note, sizeof(f.note),
                 "No built-in map is marked as its: choose one with `map`, or write one.");
    }
    for (unsigned i = 0; i < m->values; i++) {
        f.value[f.values++] =
            (struct scan_value){.quantity = m->value[i].quantity, .counts = m->value[i].counts};
    }
    return f;
}

static void on_found(void *ctx, const struct modbus_found *m)
{
    struct modbus_scan *s = ctx;
    struct scan_found f = convert(s, m);

    s->found = true;
    s->any_unit = s->any_unit || m->any_unit;
    s->task->found(s->task->ctx, &f);
}

static void on_problem(void *ctx, const char *what)
{
    struct modbus_scan *s = ctx;

    if (!s->told) { /* the same at each speed */
        s->told = true;
        s->task->problem(s->task->ctx, what);
    }
}

static void on_progress(void *ctx, const struct modbus_search_progress *p)
{
    struct modbus_scan *s = ctx;
    const struct line_task *t = now(s);
    double part = p->total > 0 ? (double)p->done / p->total : 0;
    double done = s->all_s > 0 ? (s->done_s + part * task_s(s->task, t)) / s->all_s : 0;
    char line[32] = " over TCP";

    s->begun = true;
    if (s->task->target != SCAN_TARGET_TCP) {
        snprintf(line, sizeof(line), " at %u baud %s", t->baud,
                 t->framing == SERIAL_8N1   ? "8N1"
                 : t->framing == SERIAL_8E1 ? "8E1"
                                            : "8N2");
    } else if (t->rtu_over_tcp) {
        snprintf(line, sizeof(line), " RTU over TCP");
    }
    s->task->progress(s->task->ctx, done, "Modbus%s, unit %u", line, p->unit);
}

/* --- the searches ---------------------------------------------------------------------------- */

static void end(struct modbus_scan *s, enum scan_result result, const char *why)
{
    if (!s->over) {
        s->over = true;
        later_stop(&s->next);
        s->task->done(s->task->ctx, result, why);
    }
}

/* What comes after the task under way: the other units where it has found something; the next one;
 * or, where the first find is enough, nothing. */
static void go_on(struct modbus_scan *s)
{
    struct line_task rest = *now(s);
    bool found = s->found;

    s->done_s += task_s(s->task, &rest);
    rest.from = rest.to == HWT_MODBUS_UNIT_DEVICE ? 1 : (uint8_t)(rest.to + 1);
    rest.to = s->task->o->quick ? LIKELY_TO : HWT_MODBUS_UNIT_MAX;
    if (found && !s->following && !s->any_unit && rest.from <= rest.to) {
        s->following = true;
        s->rest = rest;
        s->all_s += task_s(s->task, &rest);
        return;
    }
    found = found || s->following;
    s->following = false;
    s->at = found && !s->task->o->every ? s->tasks : s->at + 1;
}

static void on_next(void *ctx);

static void on_done(void *ctx, const char *why)
{
    struct modbus_scan *s = ctx;
    bool refused = s->begun && s->task->target == SCAN_TARGET_TCP; /* it ends the connection */

    if (why != NULL && !refused) {
        end(s, SCAN_STEP_FAILED, why);
        return;
    }
    go_on(s);
    later_start(&s->next);
}

static void begin_task(struct modbus_scan *s)
{
    const struct line_task *t = now(s);
    struct modbus_search_options o = {.rtu_over_tcp = t->rtu_over_tcp,
                                      .baud = {t->baud},
                                      .speeds = 1,
                                      .framing = {t->framing},
                                      .framings = 1,
                                      .from = t->from,
                                      .to = t->to,
                                      .timeout_ms = s->task->o->timeout_ms,
                                      .kind = s->task->o->kind,
                                      .kinds = s->task->o->kinds,
                                      .on_found = on_found,
                                      .on_progress = on_progress,
                                      .on_problem = on_problem,
                                      .on_done = on_done,
                                      .ctx = s};

    *(s->task->target == SCAN_TARGET_TCP ? &o.tcp : &o.port) = s->task->port;
    s->found = false;
    s->search = modbus_search_new(s->task->loop, &o);
    if (s->search == NULL) {
        end(s, SCAN_STEP_FAILED, "out of memory");
        return;
    }
    modbus_search_start(s->search);
}

static void on_next(void *ctx)
{
    struct modbus_scan *s = ctx;

    if (s->search != NULL) {
        modbus_search_free(s->search);
        s->search = NULL;
        later_start(&s->next);
    } else if (s->at < s->tasks) {
        begin_task(s);
    } else {
        end(s, SCAN_STEP_THROUGH, NULL);
    }
}

static void *begin_with(const struct scan_task *task,
                        unsigned (*list)(const struct scan_task *, struct line_task *))
{
    struct modbus_scan *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->task = task;
    s->tasks = list(task, s->list);
    s->all_s = sum_s(task, s->list, s->tasks);
    later_init(&s->next, task->loop, on_next, s);
    later_start(&s->next);
    return s;
}

static void *begin_first(const struct scan_task *task)
{
    return begin_with(task, list_first);
}

static void *begin_wide(const struct scan_task *task)
{
    return begin_with(task, list_wide);
}

static void *begin_sweep(const struct scan_task *task)
{
    return begin_with(task, list_sweep);
}

static double first_s(const struct scan_task *task)
{
    struct line_task list[TASKS_MAX];

    return sum_s(task, list, list_first(task, list));
}

static double wide_s(const struct scan_task *task)
{
    struct line_task list[TASKS_MAX];

    return sum_s(task, list, list_wide(task, list));
}

static double sweep_s(const struct scan_task *task)
{
    struct line_task list[TASKS_MAX];

    return sum_s(task, list, list_sweep(task, list));
}

static void on_closed(void *ctx)
{
    free(ctx);
}

static void free_step(void *step)
{
    struct modbus_scan *s = step;

    s->over = true;
    modbus_search_free(s->search);
    later_close(&s->next, on_closed);
}

const struct scan_step_kind scan_step_modbus = {
    .protocol = {SCAN_MODBUS, SCAN_MODBUS},
    .sends = true,
    .estimate_s = first_s,
    .begin = begin_first,
    .free = free_step,
};

const struct scan_step_kind scan_step_modbus_wide = {
    .protocol = {SCAN_MODBUS, SCAN_MODBUS},
    .sends = true,
    .slow = true,
    .estimate_s = wide_s,
    .begin = begin_wide,
    .free = free_step,
};

const struct scan_step_kind scan_step_modbus_sweep = {
    .protocol = {SCAN_MODBUS, SCAN_MODBUS},
    .sends = true,
    .slow = true,
    .estimate_s = sweep_s,
    .begin = begin_sweep,
    .free = free_step,
};

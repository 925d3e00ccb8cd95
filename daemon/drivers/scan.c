/* The ports of a scan side by side, each with its steps in turn. */
#include "daemon/drivers/scan.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/drivers/later.h"
#include "daemon/drivers/scan_step.h"

enum { STEPS_MAX = 8 };

/* What is done on a port of each kind, in this order. */
static const struct {
    enum scan_target target;
    const struct scan_step_kind *step[STEPS_MAX];
} plans[] = {
    {SCAN_TARGET_SERIAL,
     {&scan_step_listen, &scan_step_mbus, &scan_step_modbus, &scan_step_mbus_sweep,
      &scan_step_modbus_wide, &scan_step_modbus_sweep}},
    {SCAN_TARGET_TCP,
     {&scan_step_listen_tcp, &scan_step_mbus, &scan_step_modbus, &scan_step_mbus_sweep,
      &scan_step_modbus_wide}},
    {SCAN_TARGET_EVENTS, {&scan_step_light}},
    {SCAN_TARGET_CHIP, {&scan_step_light}},
    {SCAN_TARGET_W1, {&scan_step_w1}},
    {SCAN_TARGET_IIO, {&scan_step_iio}},
};

struct port {
    struct scan *scan;
    char name[SCAN_PORT_MAX];
    struct scan_task task;
    const struct scan_step_kind *step[STEPS_MAX]; /* those that apply */
    double estimate_s[STEPS_MAX];
    unsigned steps, at;
    void *running;  /* the step under way, or NULL */
    double done;    /* of the step under way, 0 … 1 */
    unsigned found; /* by all steps */
    bool talker;    /* somebody sends by himself */
    bool broken;    /* cannot be used */
    bool over;
    struct later next; /* ends a step outside its own calls, begins one when the port is closed */
};

struct scan {
    struct scan_options o;
    uv_loop_t *loop;
    struct port port[SCAN_PORTS_MAX];
    unsigned ports, over;
    double fraction;  /* told last */
    unsigned closing; /* ports */
    bool ended;
};

/* --- progress -------------------------------------------------------------------------------- */

static double port_done_s(const struct port *p, double *total_s_out)
{
    double done = 0, total = 0;

    for (unsigned i = 0; i < p->steps; i++) {
        total += p->estimate_s[i];
        done += p->over || i < p->at ? p->estimate_s[i]
                : i == p->at         ? p->estimate_s[i] * p->done
                                     : 0;
    }
    *total_s_out += total;
    return done;
}

static void tell_progress(struct port *p, const char *what)
{
    struct scan *s = p->scan;
    struct scan_progress progress = {.port = p->name};
    double done = 0, total = 0;

    for (unsigned i = 0; i < s->ports; i++) {
        done += port_done_s(&s->port[i], &total);
    }
    if (total > 0 && done / total > s->fraction) {
        s->fraction = done / total < 1 ? done / total : 1;
    }
    progress.fraction = s->fraction;
    snprintf(progress.what, sizeof(progress.what), "%s", what);
    if (s->o.on_progress != NULL) {
        s->o.on_progress(s->o.ctx, &progress);
    }
}

static void on_progress(void *ctx, double done, const char *what, ...)
{
    struct port *p = ctx;
    char text[SCAN_WHAT_MAX];
    va_list args;

    va_start(args, what);
    vsnprintf(text, sizeof(text), what, args);
    va_end(args);
    p->done = done < 0 ? 0 : done > 1 ? 1 : done;
    tell_progress(p, text);
}

static void on_found(void *ctx, const struct scan_found *found)
{
    struct port *p = ctx;

    p->found++;
    p->task.hit[found->protocol] = true;
    p->scan->o.on_found(p->scan->o.ctx, found);
}

static void on_problem(void *ctx, const char *detail)
{
    struct port *p = ctx;

    p->scan->o.on_problem(p->scan->o.ctx, p->name, detail);
}

/* --- the steps of a port --------------------------------------------------------------------- */

static void on_done(void *ctx, enum scan_result result, const char *why)
{
    struct port *p = ctx;

    p->done = 1;
    p->talker = p->talker || result == SCAN_STEP_OCCUPIED;
    p->broken = p->broken || result == SCAN_STEP_FAILED;
    if (why != NULL) {
        on_problem(p, why);
    }
    later_start(&p->next);
}

/* Who names the sensors of the system means them, whatever protocols a search of ports is for. */
static bool wants(const struct port *p, const struct scan_step_kind *k)
{
    const bool *protocol = p->scan->o.protocol;

    return p->task.target == SCAN_TARGET_W1 || p->task.target == SCAN_TARGET_IIO ||
           protocol[k->protocol[0]] || protocol[k->protocol[1]];
}

/* Not after what the steps before it found. */
static bool is_due(const struct port *p, const struct scan_step_kind *k)
{
    return !p->broken && !(k->sends && p->talker) &&
           !(k->slow && (p->task.hit[k->protocol[0]] || p->task.hit[k->protocol[1]])) &&
           (p->found == 0 || p->scan->o.every);
}

static void end_port(struct port *p)
{
    struct scan *s = p->scan;

    p->over = true;
    s->over++;
    tell_progress(p, "done");
    if (s->o.on_port_done != NULL) {
        s->o.on_port_done(s->o.ctx, p->name);
    }
    if (s->over == s->ports && !s->ended) {
        s->ended = true;
        s->o.on_done(s->o.ctx);
    }
}

/* The next step that is due, or the end. */
static void go_on(struct port *p)
{
    while (p->at < p->steps && !is_due(p, p->step[p->at])) {
        p->at++;
    }
    if (p->at == p->steps) {
        end_port(p);
        return;
    }
    p->done = 0;
    p->running = p->step[p->at]->begin(&p->task);
    if (p->running == NULL) {
        p->broken = true;
        on_problem(p, "out of memory");
        end_port(p);
    }
}

static void on_next(void *ctx)
{
    struct port *p = ctx;

    if (p->running != NULL) {
        p->step[p->at]->free(p->running);
        p->running = NULL;
        p->at++;
        later_start(&p->next);
        return;
    }
    go_on(p);
}

/* Whoever has the port of Modbus TCP speaks that, and is not waited for. */
static bool is_pointless(const struct port *p, const struct scan_step_kind *k)
{
    const char *colon = strrchr(p->name, ':');

    return p->task.target == SCAN_TARGET_TCP && p->scan->o.protocol[SCAN_MODBUS] && colon != NULL &&
           strcmp(colon, ":502") == 0 && k->protocol[0] != SCAN_MODBUS;
}

static void plan(struct port *p)
{
    const struct scan_options *o = &p->scan->o;

    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        for (unsigned k = 0; plans[i].target == p->task.target && plans[i].step[k] != NULL; k++) {
            const struct scan_step_kind *kind = plans[i].step[k];

            if (wants(p, kind) && !(kind->slow && o->quick) && !is_pointless(p, kind)) {
                p->estimate_s[p->steps] = kind->estimate_s(&p->task);
                p->step[p->steps++] = kind;
            }
        }
    }
}

/* --- the scan -------------------------------------------------------------------------------- */

/* Two names of one device: the second would find it busy. */
static const struct port *same_device(const struct scan *s, const char *name)
{
    char a[PATH_MAX], b[PATH_MAX];

    for (unsigned i = 0; i < s->ports; i++) {
        const char *other = s->port[i].name;

        if (strcmp(other, name) == 0 ||
            (realpath(other, a) != NULL && realpath(name, b) != NULL && strcmp(a, b) == 0)) {
            return &s->port[i];
        }
    }
    return NULL;
}

static void add_port(struct scan *s, const char *name)
{
    struct port *p = &s->port[s->ports];

    if (same_device(s, name) != NULL) {
        return;
    }
    p->scan = s;
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->task = (struct scan_task){.loop = s->loop,
                                 .o = &s->o,
                                 .port = p->name,
                                 .found = on_found,
                                 .progress = on_progress,
                                 .problem = on_problem,
                                 .done = on_done,
                                 .ctx = p};
    later_init(&p->next, s->loop, on_next, p);
    s->ports++;
}

struct scan *scan_new(uv_loop_t *loop, const struct scan_options *options)
{
    struct scan *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->o = *options;
    s->o.port = NULL;
    s->loop = loop;
    for (unsigned i = 0; i < options->ports && i < SCAN_PORTS_MAX; i++) {
        add_port(s, options->port[i]);
    }
    return s;
}

static void begin_port(struct port *p)
{
    char detail[SCAN_DETAIL_MAX];

    p->task.target = scan_target_of(p->name, detail);
    if (p->task.target == SCAN_TARGET_NONE) {
        p->broken = true;
        on_problem(p, detail);
        return;
    }
    plan(p);
    if (p->steps == 0) {
        on_problem(p, "none of the protocols asked for can be on a port of this kind");
    }
}

void scan_start(struct scan *s)
{
    for (unsigned i = 0; i < s->ports; i++) { /* all first: the fraction needs every estimate */
        begin_port(&s->port[i]);
    }
    for (unsigned i = 0; i < s->ports; i++) {
        later_start(&s->port[i].next);
    }
    if (s->ports == 0 && !s->ended) {
        s->ended = true;
        s->o.on_done(s->o.ctx); /* may free it */
    }
}

static void on_closed(void *ctx)
{
    struct port *p = ctx;

    if (--p->scan->closing == 0) {
        free(p->scan);
    }
}

void scan_free(struct scan *s)
{
    if (s == NULL) {
        return;
    }
    s->ended = true;
    s->closing = s->ports;
    for (unsigned i = 0; i < s->ports; i++) {
        struct port *p = &s->port[i];

        if (p->running != NULL) {
            p->step[p->at]->free(p->running);
            p->running = NULL;
        }
        later_close(&p->next, on_closed);
    }
    if (s->ports == 0) {
        free(s);
    }
}

#include "daemon/run/scans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/http/problem.h"
#include "daemon/run/map_kinds.h"
#include "daemon/run/scan_ports.h"
#include "daemon/run/scan_request.h"
#include "daemon/run/scan_result.h"

enum {
    PUBLISH_MS = 500,
    CLOSED_MS = 20 /* by then what a scan had opened is closed */
};

static const char cause[] = "scan under way: the port is lent to it";

struct scans {
    struct scans_options o;
    struct scan *scan;       /* NULL: none runs */
    struct map_kinds *kinds; /* of the scan */
    struct scan_result result;
    bool paused[SCAN_PORTS_MAX], over[SCAN_PORTS_MAX]; /* by result.port[] */
    bool news;
    uv_timer_t publish, resume;
    unsigned closing; /* timers */
};

static int64_t unix_ms(const struct scans *s)
{
    int64_t ms = clock_unix_ms(s->o.clock);

    return ms == HWT_TIME_UNKNOWN ? 0 : ms;
}

/* --- the daemon's own lines ------------------------------------------------------------------ */

struct on_port {
    const char *port;
    enum scan_target target;
};

static bool is_on_port(void *ctx, const struct config_source *source)
{
    const struct on_port *on = ctx;

    return (on->target == SCAN_TARGET_SERIAL || on->target == SCAN_TARGET_TCP) &&
           scan_item_same_place(source, on->target, on->port);
}

static void set_pause(struct scans *s, unsigned port, bool pause)
{
    char detail[SCAN_DETAIL_MAX];
    struct on_port on = {.port = s->result.port[port]};
    const struct buses_pause which = {
        .uses = is_on_port, .cause = pause ? cause : NULL, .ctx = &on};

    if (s->paused[port] != pause) {
        on.target = scan_target_of(on.port, detail);
        s->paused[port] = pause;
        buses_pause(s->o.buses, &which);
    }
}

static void on_resume(uv_timer_t *t)
{
    struct scans *s = t->data;

    for (unsigned i = 0; i < s->result.ports; i++) {
        if (s->over[i]) {
            set_pause(s, i, false);
        }
    }
}

/* --- what the scan tells --------------------------------------------------------------------- */

static void publish(struct scans *s)
{
    size_t n;
    char *json = scan_result_json(&s->result, &n);

    s->news = false;
    if (json != NULL) {
        s->o.publish(s->o.ctx, json, n, s->result.state == SCAN_RUNNING);
    }
    free(json);
}

static void on_publish(uv_timer_t *t)
{
    struct scans *s = t->data;

    if (s->news) {
        publish(s);
    }
}

static void on_found(void *ctx, const struct scan_found *found)
{
    struct scans *s = ctx;

    if (scan_result_add(&s->result, found) == NULL) {
        scan_result_problem(&s->result, found->port, "out of memory: something found is left out");
    }
    publish(s);
}

static void on_progress(void *ctx, const struct scan_progress *progress)
{
    struct scans *s = ctx;

    scan_result_progress(&s->result, progress);
    s->news = true;
}

static void on_problem(void *ctx, const char *port, const char *detail)
{
    struct scans *s = ctx;

    scan_result_problem(&s->result, port, detail);
    s->news = true;
}

static void on_port_done(void *ctx, const char *port)
{
    struct scans *s = ctx;

    for (unsigned i = 0; i < s->result.ports; i++) {
        s->over[i] = s->over[i] || strcmp(s->result.port[i], port) == 0;
    }
    uv_timer_start(&s->resume, on_resume, CLOSED_MS, 0);
}

static void forget_scan(struct scans *s)
{
    scan_free(s->scan);
    map_kinds_free(s->kinds);
    s->scan = NULL;
    s->kinds = NULL;
}

static void end(struct scans *s, enum scan_state state)
{
    forget_scan(s);
    s->result.state = state;
    s->result.ended_ms = unix_ms(s);
    memset(s->over, true, sizeof(s->over));
    uv_timer_stop(&s->publish);
    uv_timer_start(&s->resume, on_resume, CLOSED_MS, 0);
    LOG(LOG_INFO, "scan", "%s found=%u problems=%u", state == SCAN_DONE ? "done" : "stopped",
        s->result.items, s->result.problems);
    publish(s);
}

static void on_done(void *ctx)
{
    end(ctx, SCAN_DONE);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void answer(struct scans *s, struct http_job *job, unsigned status)
{
    size_t n;
    char *json = scan_result_json(&s->result, &n);

    if (json != NULL) {
        http_job_answer_json(job, status, json, n);
    } else {
        http_job_answer(job, NULL);
    }
    free(json);
}

/* The options without the ports that a source of the daemon keeps to itself: they are problems. */
static void leave_out_kept(struct scans *s, struct scan_request *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->options.ports; i++) {
        const char *keeper = scan_ports_keeper(s->o.config, r->port[i]);
        char detail[SCAN_DETAIL_MAX];

        if (keeper != NULL) {
            snprintf(detail, sizeof(detail),
                     "is read by the source \"%s\" all the time: stop heatwatt to look at it with "
                     "heatwatt scan",
                     keeper);
            scan_result_problem(&s->result, r->port[i], detail);
        } else {
            r->port[n++] = r->port[i];
        }
    }
    r->options.ports = n;
}

/* Larger than any before, of a run of the daemon before this one, too: seconds since 1970. */
static unsigned next_id(const struct scans *s)
{
    unsigned now = (unsigned)time(NULL);

    return now > s->result.id ? now : s->result.id + 1;
}

static bool start(struct scans *s, struct scan_request *r)
{
    struct scan_options *o = &r->options;
    unsigned id = next_id(s);

    uv_timer_stop(&s->resume);
    on_resume(&s->resume); /* of the scan before, if that has just ended */
    scan_result_deinit(&s->result);
    scan_result_init(&s->result, o, s->o.config);
    s->result.id = id;
    s->result.started_ms = unix_ms(s);
    memset(s->paused, false, sizeof(s->paused));
    memset(s->over, false, sizeof(s->over));
    leave_out_kept(s, r);
    o->on_found = on_found;
    o->on_progress = on_progress;
    o->on_problem = on_problem;
    o->on_port_done = on_port_done;
    o->on_done = on_done;
    o->ctx = s;
    s->kinds = map_kinds_new();
    if (s->kinds != NULL) {
        o->kind = s->kinds->kind;
        o->kinds = s->kinds->count;
        s->scan = scan_new(s->o.loop, o);
    }
    if (s->scan == NULL) {
        forget_scan(s);
        return false;
    }
    for (unsigned i = 0; i < s->result.ports; i++) {
        set_pause(s, i, true);
    }
    LOG(LOG_INFO, "scan", "started ports=%u", o->ports);
    uv_timer_start(&s->publish, on_publish, 0, PUBLISH_MS);
    scan_start(s->scan);
    s->news = true;
    return true;
}

static void serve_start(void *ctx, struct http_job *job)
{
    struct scans *s = ctx;
    struct scan_request request;
    char why[SCAN_DETAIL_MAX];

    if (!scan_request_read(job->body, &request, why)) {
        http_job_answer(job, http_problem(400, "%s", why));
    } else if (s->scan != NULL) {
        http_job_answer(job, http_problem(409, "a scan is running; DELETE /api/v1/scan stops it"));
    } else if (!start(s, &request)) {
        s->result.state = SCAN_STOPPED;
        http_job_answer(job, NULL);
    } else {
        answer(s, job, 202);
    }
}

static void serve_get(void *ctx, struct http_job *job)
{
    answer(ctx, job, 200);
}

static void serve_stop(void *ctx, struct http_job *job)
{
    struct scans *s = ctx;

    if (s->result.state == SCAN_IDLE) {
        http_job_answer(job, http_problem(404, "there was no scan since the start; POST begins "
                                               "one"));
        return;
    }
    if (s->scan != NULL) {
        end(s, SCAN_STOPPED);
    }
    answer(s, job, 200);
}

static void serve_ports(void *ctx, struct http_job *job)
{
    struct scans *s = ctx;
    size_t n;
    char *json = scan_ports_json(s->o.config, job->may_change, &n);

    if (json != NULL) {
        http_job_answer_json(job, 200, json, n);
    } else {
        http_job_answer(job, NULL);
    }
    free(json);
}

struct scans *scans_new(const struct scans_options *options, struct requests *requests)
{
    struct scans *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->o = *options;
    uv_timer_init(s->o.loop, &s->publish);
    uv_timer_init(s->o.loop, &s->resume);
    s->publish.data = s->resume.data = s;
    requests_serve(requests, HTTP_SCAN_START, serve_start, s);
    requests_serve(requests, HTTP_SCAN_GET, serve_get, s);
    requests_serve(requests, HTTP_SCAN_STOP, serve_stop, s);
    requests_serve(requests, HTTP_PORTS, serve_ports, s);
    return s;
}

static void on_closed(uv_handle_t *h)
{
    struct scans *s = h->data;

    if (--s->closing == 0) {
        scan_result_deinit(&s->result);
        free(s);
    }
}

void scans_free(struct scans *s)
{
    if (s != NULL) {
        forget_scan(s);
        s->closing = 2;
        uv_close((uv_handle_t *)&s->publish, on_closed);
        uv_close((uv_handle_t *)&s->resume, on_closed);
    }
}

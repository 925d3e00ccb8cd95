/*
 * query_rows.c: an answer row by row, read while it is sent. A client holds its place, its plan and
 * one buffer; the log is read at the desk, for as long as it takes to fill that buffer, when the
 * client has taken what was in it. So a client may be as slow as it likes: nobody waits for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/http/api.h"
#include "daemon/http/sheet.h"

enum {
    STREAMS_MAX = 32, /* clients at once, 50 KiB each */
    SLICE_US = 2000,  /* real us of reading at a time */
    LOOK_EACH = 8     /* rows between two looks at the time */
};

enum phase {
    HEAD,
    ROWS,
    END,   /* all rows were put */
    CUT,   /* there are more, but they cannot be had */
    WHOLE, /* nothing is left to be sent */
    BROKEN /* the same, and the client is to see that it is not all */
};

struct client {
    struct http *h;
    uint8_t phase; /* enum phase: what comes behind the buffer's content */
    size_t sent;   /* of sheet.n */
    struct plan plan;
    struct rows rows;
    struct sheet sheet;
    char buffer[SHEET_BUFFER];
};

static void client_free(void *ctx)
{
    struct client *c = ctx;

    c->h->query_streams--;
    rows_deinit(&c->rows);
    plan_deinit(&c->plan);
    free(c);
}

static void say_broken(const struct client *c, int err)
{
    LOG(LOG_WARN, "http", "query cut err=%s from_ms=%lld to_ms=%lld", hwt_err_name(err),
        (long long)c->plan.from_ms, (long long)c->plan.to_ms);
}

/* Rows into the buffer until it is full, a slice is over, or there are no more. */
static void fill_rows(struct client *c)
{
    int64_t until = clock_real_us() + SLICE_US;
    int r = 1;

    for (unsigned i = 1; r == 1 && sheet_has_room(&c->sheet); i++) {
        struct row row;

        r = rows_next(&c->rows, &row);
        if (r == 1) {
            sheet_put(&c->sheet, &row);
        }
        if (i % LOOK_EACH == 0 && clock_real_us() >= until) {
            break;
        }
    }
    sheet_flush(&c->sheet);
    if (r == 0) {
        c->phase = END;
    } else if (r < 0 && r != HWT_ERR_AGAIN) {
        say_broken(c, r);
        c->phase = CUT;
    }
}

/* The next content of the empty buffer; it may stay empty. */
static void fill(struct client *c)
{
    c->sent = c->sheet.n = 0;
    switch ((enum phase)c->phase) {
    case HEAD:
        c->phase = sheet_put_head(&c->sheet) ? ROWS : BROKEN;
        break;
    case ROWS:
        fill_rows(c);
        break;
    case END:
        sheet_put_end(&c->sheet, false);
        c->phase = WHOLE;
        break;
    case CUT:
        sheet_put_end(&c->sheet, true);
        c->phase = BROKEN;
        break;
    case WHOLE:
    case BROKEN:
        break;
    }
}

static ssize_t client_read(void *ctx, char *p, size_t n)
{
    struct client *c = ctx;

    while (c->sent == c->sheet.n) {
        if (c->phase == WHOLE || c->phase == BROKEN) {
            return c->phase == WHOLE ? HTTP_STREAM_END : HTTP_STREAM_BROKEN;
        }
        fill(c);
        if (c->sheet.n == 0 && c->phase == ROWS) {
            return HTTP_STREAM_AGAIN;
        }
    }
    n = n < c->sheet.n - c->sent ? n : c->sheet.n - c->sent;
    memcpy(p, c->buffer + c->sent, n);
    c->sent += n;
    return (ssize_t)n;
}

/* "heatwatt_2026-03-28_2026-03-30.csv": the local days of the range's ends. */
static bool set_file_name(struct http_reply *reply, const struct plan *plan)
{
    char from[CALENDAR_TEXT_MAX], to[CALENDAR_TEXT_MAX], value[100];
    int64_t last_ms = plan->to_ms - 1;

    (void)calendar_text(from, plan->from_ms, zone_offset_s(plan->zone, plan->from_ms / 1000, NULL));
    (void)calendar_text(to, last_ms, zone_offset_s(plan->zone, last_ms / 1000, NULL));
    snprintf(value, sizeof(value), "attachment; filename=\"heatwatt_%.10s_%.10s.csv\"", from, to);
    return http_reply_header(reply, "Content-Disposition", value);
}

static struct http_reply *client_reply(struct client *c)
{
    static const struct http_stream_ops ops = {
        .read = client_read, .free = client_free, .patient = true};
    enum plan_format format = (enum plan_format)c->plan.format;
    struct http_reply *reply = http_reply_stream(200, sheet_type(format), &ops, c);

    if (reply == NULL) {
        return NULL;
    }
    if (!http_reply_header(reply, "Cache-Control", "no-store") ||
        !http_reply_header(reply, "Vary", "Accept") ||
        (format == PLAN_CSV && !set_file_name(reply, &c->plan))) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

static struct http_reply *stream_problem(const char *name)
{
    struct http_problem problem;

    http_problem_set(&problem, 400, "stream",
                     "stream: '%s' is not in the log; /api/v1/series lists what there is", name);
    return http_problem_reply(&problem);
}

struct http_reply *query_rows(struct http *h, struct plan *plan)
{
    struct http_reply *refusal = NULL;
    struct client *c = NULL;
    int err;

    if (h->query_streams >= STREAMS_MAX) {
        plan_deinit(plan);
        return http_problem(503, "%d queries are being sent, that is the limit", STREAMS_MAX);
    }
    c = malloc(sizeof(*c));
    if (c == NULL) {
        plan_deinit(plan);
        return NULL;
    }
    memset(c, 0, offsetof(struct client, buffer));
    h->query_streams++;
    c->h = h;
    c->plan = *plan;
    err = rows_init(&c->rows, &c->plan, &h->desk);
    if (err < 0) {
        refusal = err == HWT_ERR_NOT_FOUND
                      ? stream_problem(c->plan.stream)
                      : http_problem(500, "the log cannot be read: %s", hwt_err_name(err));
        client_free(c);
        return refusal;
    }
    sheet_init(&c->sheet, &c->plan, &c->rows, c->buffer);
    return client_reply(c);
}

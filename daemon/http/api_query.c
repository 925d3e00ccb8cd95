/*
 * api_query.c: GET /api/v1/query. Rows are sent as they are read (query_rows.c). JSON of buckets is
 * column by column, so it is read whole first: in slices of a few milliseconds; between two of them
 * other requests and the event streams have their turn.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/http/api.h"
#include "daemon/http/direct.h"
#include "daemon/http/pages.h"
#include "daemon/http/table.h"

enum {
    SLICE_US = 4000,                  /* real us of reading at a time */
    LOOK_EACH = 4,                    /* rows between two looks at the time */
    QUERY_BYTES_MAX = 4 * 1024 * 1024 /* of all running queries: tables, and texts to be sent */
};

struct job {
    struct http *h;
    size_t bytes;  /* of h->query_bytes */
    uint32_t done; /* buckets */
    bool is_direct;
    struct direct direct;
    struct plan plan;
    struct rows rows;
    struct table table;
};

static void job_free(void *work)
{
    struct job *job = work;

    if (job == NULL) {
        return;
    }
    job->h->query_bytes -= job->bytes;
    direct_deinit(&job->direct);
    table_deinit(&job->table);
    rows_deinit(&job->rows);
    plan_deinit(&job->plan);
    free(job);
}

/* 1: more to read; 0: all is read; or a negative enum hwt_err. */
static int read_buckets(struct job *job)
{
    int64_t until = clock_real_us() + SLICE_US;

    while (job->done < job->plan.buckets) {
        struct row row;
        int r = rows_next(&job->rows, &row);

        if (r == HWT_ERR_AGAIN) {
            return 1;
        }
        if (r <= 0) {
            return r;
        }
        table_put(&job->table, job->done++, row.value);
        if (job->done % LOOK_EACH == 0 && clock_real_us() >= until) {
            return 1;
        }
    }
    return 0;
}

static int job_read(struct job *job)
{
    if (job->is_direct) {
        int r = direct_read(&job->direct);

        if (r != HWT_ERR_UNSUPPORTED) {
            return r;
        }
        job->is_direct = false;
        direct_deinit(&job->direct);
    }
    if (job->table.values == NULL && table_init(&job->table, &job->plan) < 0) {
        return HWT_ERR_SPACE;
    }
    return read_buckets(job);
}

/* --- the answer --- */

struct text { /* JSON is behind it, in one piece of memory */
    struct http *h;
    size_t bytes; /* of the piece, and of h->query_bytes */
};

static void text_free(void *owner)
{
    struct text *text = owner;

    text->h->query_bytes -= text->bytes;
    pages_free(text, text->bytes);
}

static struct http_reply *with_headers(struct http_reply *reply)
{
    if (reply != NULL && (!http_reply_header(reply, "Cache-Control", "no-store") ||
                          !http_reply_header(reply, "Vary", "Accept"))) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

/* Of the table; its memory is free before the text is sent. */
static struct http_reply *table_reply(struct http_request *request)
{
    struct job *job = request->work;
    size_t room = table_room(&job->table), all = sizeof(struct text) + room;
    struct text *text = pages_new(all, false);
    size_t n;

    if (text == NULL) {
        return NULL;
    }
    n = table_json(&job->table, &job->rows, (char *)(text + 1), room);
    text->h = job->h;
    text->bytes = pages_cut(text, all, sizeof(*text) + n);
    text->h->query_bytes += text->bytes;
    request->work = NULL;
    request->work_free = NULL;
    job_free(job);
    return http_reply_lend(200, "application/json", text + 1, n, text_free, text);
}

/* Of the texts of columns: the job stays until they are sent. */
static struct http_reply *direct_reply(struct http_request *request)
{
    struct job *job = request->work;
    struct http_piece pieces[DIRECT_PIECES_MAX];
    size_t count = direct_pieces(&job->direct, pieces);

    request->work = NULL;
    request->work_free = NULL;
    desk_leave(&job->h->desk, &job->rows);
    return http_reply_lend_pieces(200, "application/json", pieces, count, job_free, job);
}

/* Puts a job into the request. NULL, or the reply that refuses it. Takes *plan. */
static struct http_reply *job_begin(struct http *h, struct http_request *request, struct plan *plan)
{
    size_t bytes = sizeof(struct job) + table_bytes(plan);
    struct job *job = NULL;
    int err;

    if (h->query_bytes + bytes > QUERY_BYTES_MAX) {
        plan_deinit(plan);
        return http_problem(503, "other queries are using the memory set aside; try again");
    }
    job = calloc(1, sizeof(*job));
    if (job == NULL) {
        plan_deinit(plan);
        return NULL;
    }
    job->h = h;
    job->bytes = bytes;
    job->plan = *plan;
    h->query_bytes += bytes;
    request->work = job;
    request->work_free = job_free;
    err = rows_init(&job->rows, &job->plan, &h->desk);
    job->is_direct = err == 0 && direct_init(&job->direct, &job->rows);
    return err < 0 ? http_problem(503, "the log cannot be read: %s", hwt_err_name(err)) : NULL;
}

struct plan_site query_site(struct http *h)
{
    struct plan_site site = {.zone = h->zone, .zone_name = h->zone_name};

    site.known = h->hooks.series(h->hooks.ctx, &site.known_count);
    return site;
}

/* A new query: its job in the request (NULL), or the reply. */
static struct http_reply *begin(struct http *h, struct http_request *request,
                                const struct http_query *query)
{
    struct plan_site site = query_site(h);
    struct http_problem problem;
    struct plan plan;
    const char *unknown;
    int err;

    if (plan_parse(&plan, query, request->header[HTTP_ACCEPT], &site, &problem) < 0) {
        plan_deinit(&plan);
        return http_problem_reply(&problem);
    }
    err = desk_refresh(&h->desk);
    if (err < 0) {
        plan_deinit(&plan);
        return http_problem(503, "the log cannot be read: %s", hwt_err_name(err));
    }
    unknown = names_unknown(h, &plan, &err);
    if (err < 0 || unknown != NULL) {
        struct http_reply *reply =
            err < 0 ? http_problem(500, "the log cannot be read: %s", hwt_err_name(err))
                    : names_problem(unknown);

        plan_deinit(&plan);
        return reply;
    }
    if (plan.cut == PLAN_CUT_RAW || plan.format != PLAN_JSON ||
        strcmp(request->method, "HEAD") == 0) {
        return query_rows(h, &plan);
    }
    return job_begin(h, request, &plan);
}

struct http_reply *api_query(struct http *h, struct http_request *request,
                             const struct http_query *query)
{
    int r;

    if (query != NULL) {
        struct http_reply *reply = begin(h, request, query);

        if (reply != NULL || request->work == NULL) {
            return reply;
        }
    }
    r = job_read(request->work);
    if (r > 0) {
        return http_reply_later();
    }
    return r < 0 ? http_problem(500, "the log cannot be read: %s", hwt_err_name(r))
                 : with_headers(((struct job *)request->work)->is_direct ? direct_reply(request)
                                                                         : table_reply(request));
}

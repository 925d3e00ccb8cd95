#include "daemon/http/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"

static const struct {
    unsigned status;
    const char *title;
    const char *header, *value; /* what the status obliges us to send, or NULL */
} statuses[] = {
    {400, "Bad Request", NULL, NULL},
    {403, "Forbidden", NULL, NULL},
    {404, "Not Found", NULL, NULL},
    {405, "Method Not Allowed", NULL, NULL}, /* the caller adds Allow */
    {409, "Conflict", NULL, NULL},
    {413, "Content Too Large", NULL, NULL},
    {414, "URI Too Long", NULL, NULL},
    {415, "Unsupported Media Type", NULL, NULL},
    {421, "Misdirected Request", NULL, NULL},
    {422, "Unprocessable Content", NULL, NULL},
    {500, "Internal Server Error", NULL, NULL},
    {503, "Service Unavailable", "Retry-After", "2"},
};

enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) };

/* The row of a status, or STATUSES. */
static size_t row_of(unsigned status)
{
    size_t i = 0;

    while (i < STATUSES && statuses[i].status != status) {
        i++;
    }
    return i;
}

const char *http_status_title(unsigned status)
{
    size_t i = row_of(status);

    return i < STATUSES ? statuses[i].title : "Error";
}

void http_problem_set(struct http_problem *problem_out, unsigned status, const char *parameter,
                      const char *format, ...)
{
    va_list args;

    problem_out->status = status;
    problem_out->parameter = parameter;
    problem_out->faults = NULL;
    problem_out->fault_count = 0;
    va_start(args, format);
    vsnprintf(problem_out->detail, sizeof(problem_out->detail), format, args);
    va_end(args);
}

/* Room for it as JSON: each byte may become \u00xx. */
static size_t room_of(const struct http_problem *problem)
{
    size_t room = 6 * sizeof(problem->detail) + 256;

    for (size_t i = 0; i < problem->fault_count; i++) {
        room += 6 * (strlen(problem->faults[i].path) + strlen(problem->faults[i].detail)) + 32;
    }
    return room;
}

static void write_problem(struct hwt_json *j, const struct http_problem *problem)
{
    hwt_json_object(j, NULL);
    hwt_json_string(j, "type", "about:blank");
    hwt_json_string(j, "title", http_status_title(problem->status));
    hwt_json_uint(j, "status", problem->status);
    hwt_json_bytes(j, "detail", problem->detail, strlen(problem->detail));
    if (problem->parameter != NULL) {
        hwt_json_string(j, "parameter", problem->parameter);
    }
    if (problem->fault_count > 0) {
        hwt_json_array(j, "errors");
        for (size_t i = 0; i < problem->fault_count; i++) {
            hwt_json_object(j, NULL);
            hwt_json_string(j, "path", problem->faults[i].path);
            hwt_json_string(j, "detail", problem->faults[i].detail);
            hwt_json_end_object(j);
        }
        hwt_json_end_array(j);
    }
    hwt_json_end_object(j);
}

struct http_reply *http_problem_reply(const struct http_problem *problem)
{
    size_t row = row_of(problem->status), room = room_of(problem);
    char *body = malloc(room);
    struct http_reply *reply;
    struct hwt_json j;
    bool ok;

    if (body == NULL) {
        return NULL;
    }
    hwt_json_init(&j, body, room);
    write_problem(&j, problem);
    reply = http_reply_copy(problem->status, "application/problem+json", body, j.at);
    free(body);
    if (reply == NULL) {
        return NULL;
    }
    ok = http_reply_header(reply, "Cache-Control", "no-store");
    if (row < STATUSES && statuses[row].header != NULL) {
        ok = ok && http_reply_header(reply, statuses[row].header, statuses[row].value);
    }
    if (!ok) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

struct http_reply *http_problem(unsigned status, const char *format, ...)
{
    struct http_problem problem = {.status = status};
    va_list args;

    va_start(args, format);
    vsnprintf(problem.detail, sizeof(problem.detail), format, args);
    va_end(args);
    return http_problem_reply(&problem);
}

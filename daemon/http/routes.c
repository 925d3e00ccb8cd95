/*
 * routes.c: the way of a request: was it meant for us, is there what it asks for, may it change
 * something, and which page or call of the API answers it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/http/api.h"
#include "daemon/http/guard.h"
#include "daemon/http/job.h"

enum { REFUSAL_LOG_US = 60 * 1000000 /* real us between log lines about foreign hosts */ };

static const char *const no_parameters[] = {NULL};
static const char *const query_parameters[] = {"series",  "from",   "to",       "step",
                                               "points",  "fn",     "tz",       "format",
                                               "quality", "stream", "unrolled", NULL};
static const char *const last_parameters[] = {"series", NULL};
static const char *const journal_parameters[] = {"from", "to", "source", "limit", NULL};
static const char *const waveform_parameters[] = {"channel", "cycles", "format", NULL};

#define API "/api/v1/"

/* Methods of one path stand together. GET is HEAD too; POST and PUT have a body, a JSON object. */
static const struct route {
    const char *path, *method;
    const char *const *parameters; /* the names it knows */
    http_handler handler;          /* or NULL: a job of this kind */
    enum http_job_kind job;
    bool numbered; /* a number follows the path */
} routes[] = {
    {API "live", "GET", no_parameters, api_live, 0, false},
    {API "series", "GET", no_parameters, api_series, 0, false},
    {API "query", "GET", query_parameters, api_query, 0, false},
    {API "last", "GET", last_parameters, api_last, 0, false},
    {API "journal", "GET", journal_parameters, api_journal, 0, false},
    {API "events", "GET", no_parameters, api_events, 0, false},
    {API "waveform", "GET", waveform_parameters, api_waveform, 0, false},
    {API "ports", "GET", no_parameters, NULL, HTTP_PORTS, false},
    {API "scan", "GET", no_parameters, NULL, HTTP_SCAN_GET, false},
    {API "scan", "POST", no_parameters, NULL, HTTP_SCAN_START, false},
    {API "scan", "DELETE", no_parameters, NULL, HTTP_SCAN_STOP, false},
    {API "sources", "POST", no_parameters, NULL, HTTP_ADD_SOURCE, false},
    {API "calibration", "GET", no_parameters, NULL, HTTP_GET_CALIBRATION, false},
    {API "calibration", "POST", no_parameters, NULL, HTTP_CALIBRATE, false},
    {API "calibration/", "DELETE", no_parameters, NULL, HTTP_TAKE_BACK, true},
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

/* --- whom it is for --- */

/* Text of a request for a log line: printable, no spaces, short. */
static void printable(char *out, size_t n, const char *text)
{
    size_t i = 0;

    for (; text[i] != '\0' && i + 1 < n; i++) {
        out[i] = text[i] > ' ' && text[i] < 0x7F ? text[i] : '?';
    }
    out[i] = '\0';
}

/* One line a minute, however often. */
static void log_refusal(struct http *h, const char *header, const char *value)
{
    int64_t now = clock_real_us();
    char text[64];

    h->refused_since++;
    if (h->refused_logged_us != 0 && now - h->refused_logged_us < REFUSAL_LOG_US) {
        return;
    }
    printable(text, sizeof(text), value);
    LOG(LOG_WARN, "http", "refused foreign %s=%s count=%llu", header, text,
        (unsigned long long)h->refused_since);
    h->refused_logged_us = now;
    h->refused_since = 0;
}

/* NULL: the request is meant for this server; or what refuses it. */
static struct http_reply *check_addressee(struct http *h, const struct http_request *r)
{
    const char *const *hosts = (const char *const *)h->hosts;
    const char *host = r->header[HTTP_HOST], *origin = r->header[HTTP_ORIGIN];

    if (r->hosts != 1) {
        return http_problem(400, "the request has %u Host headers; it needs one", r->hosts);
    }
    if (!http_host_served(host, hosts, h->host_count)) {
        http_count(h, COUNT_REFUSED_HOST);
        log_refusal(h, "host", host);
        return http_problem(421,
                            "Host '%.80s' is not served here; use localhost or 127.0.0.1, or add "
                            "the name to the configured hosts",
                            host);
    }
    if (r->origins > 1 || (origin != NULL && !http_origin_served(origin, hosts, h->host_count))) {
        http_count(h, COUNT_REFUSED_ORIGIN);
        log_refusal(h, "origin", origin);
        return http_problem(403, "requests from pages of Origin '%.80s' are not served", origin);
    }
    return NULL;
}

/* --- what there is --- */

static bool method_fits(const char *method, const char *asked)
{
    return strcmp(method, asked) == 0 || (strcmp(method, "GET") == 0 && strcmp(asked, "HEAD") == 0);
}

/* Up to 18 digits behind the route's path. */
static bool read_number(const struct route *route, const char *path, uint64_t *out)
{
    size_t n = strlen(route->path), digits;

    if (strncmp(route->path, path, n) != 0) {
        return false;
    }
    digits = strspn(path + n, "0123456789");
    *out = 0;
    for (size_t i = 0; i < digits && digits <= 18; i++) {
        *out = *out * 10 + (uint64_t)(path[n + i] - '0');
    }
    return digits >= 1 && digits <= 18 && path[n + digits] == '\0';
}

static bool path_fits(const struct route *route, const char *path)
{
    uint64_t number;

    return route->numbered ? read_number(route, path, &number) : strcmp(route->path, path) == 0;
}

/* The row of path and method; NULL: none. *path_out: the path's first, or NULL. */
static const struct route *find(const struct http_request *r, const struct route **path_out)
{
    *path_out = NULL;
    for (size_t i = 0; i < ROUTES; i++) {
        if (path_fits(&routes[i], r->path)) {
            *path_out = *path_out != NULL ? *path_out : &routes[i];
            if (method_fits(routes[i].method, r->method)) {
                return &routes[i];
            }
        }
    }
    return NULL;
}

/* RFC 9110 15.5.6: with what would be right. `path`: the first row of it; NULL: a file of the page.
 */
static struct http_reply *method_problem(const struct http_request *r, const struct route *path)
{
    char allow[64] = "GET, HEAD";
    struct http_reply *reply;
    size_t at = 0;

    for (const struct route *p = path; p != NULL && p < routes + ROUTES; p++) {
        if (strcmp(p->path, path->path) == 0) {
            at += (size_t)snprintf(allow + at, sizeof(allow) - at, "%s%s%s", at > 0 ? ", " : "",
                                   p->method, strcmp(p->method, "GET") == 0 ? ", HEAD" : "");
        }
    }
    reply = http_problem(405, "%.20s is not for %.80s, which takes %s", r->method, r->path, allow);
    if (reply != NULL && !http_reply_header(reply, "Allow", allow)) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

static struct http_reply *not_found(const struct http *h, const struct http_request *r)
{
    char names[200] = "";
    const char *before = "";
    size_t at = 0;

    if (strcmp(r->path, "/") == 0 && h->asset_count == 0) {
        return http_problem(404, "this program was built without the page; the API is at %s",
                            routes[0].path);
    }
    for (size_t i = 0; i < ROUTES && at < sizeof(names); i++) {
        bool last = strcmp(routes[i].path, API "calibration") == 0;

        if (strcmp(routes[i].path, before) != 0 && !routes[i].numbered) {
            at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
                                   i == 0 ? ""
                                   : last ? " and "
                                          : ", ",
                                   routes[i].path + (i == 0 ? 0 : strlen(API)));
        }
        before = routes[i].path;
    }
    return http_problem(404, "there is no '%.80s' here; the API has %s", r->path, names);
}

/* --- what it may --- */

static bool is_read(const struct route *route)
{
    return strcmp(route->method, "GET") == 0;
}

static bool wants_body(const struct route *route)
{
    return strcmp(route->method, "POST") == 0 || strcmp(route->method, "PUT") == 0;
}

/* "application/json", with parameters or without (RFC 9110 8.3.1). */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof(json) - 1;

    return type != NULL && strncasecmp(type, json, n) == 0 &&
           (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

bool http_may_change(const struct http *h, const struct http_request *request)
{
    return h->changes == HTTP_CHANGES_ALWAYS ||
           (h->changes == HTTP_CHANGES_LOCAL && request->local);
}

static struct http_reply *check_change(const struct http *h, const struct http_request *r)
{
    if (http_may_change(h, r)) {
        return NULL;
    }
    if (h->changes == HTTP_CHANGES_NEVER) {
        return http_problem(403, "nothing may be changed from here: http.changes is never; set it "
                                 "to local or always to allow it");
    }
    return http_problem(403, "changes are taken from this device itself only; to take them "
                             "from elsewhere, set http.changes to always");
}

static struct http_reply *check_body(const struct route *route, const struct http_request *r)
{
    if (!wants_body(route)) {
        return http_problem(400, "%.20s with a body; %s takes none", r->method, route->path);
    }
    if (!is_json(r->header[HTTP_CONTENT_TYPE])) {
        return http_problem(415, "the body must be JSON: Content-Type: application/json");
    }
    if (r->body_too_long || r->body_length > HTTP_BODY_MAX) {
        return http_problem(413, "the body is longer than %d bytes", HTTP_BODY_MAX);
    }
    return NULL;
}

/* NULL: the route may be called; or what refuses it. */
static struct http_reply *check_form(const struct http *h, const struct route *route,
                                     const struct http_request *r)
{
    struct http_reply *reply = is_read(route) ? NULL : check_change(h, r);

    return reply == NULL && r->has_body ? check_body(route, r) : reply;
}

/* --- calling --- */

static bool known_parameter(const struct route *route, const char *name)
{
    for (const char *const *p = route->parameters; *p != NULL; p++) {
        if (strcmp(*p, name) == 0) {
            return true;
        }
    }
    return false;
}

static void list_parameters(const struct route *route, char *out, size_t n)
{
    size_t at = 0;

    snprintf(out, n, "none");
    for (const char *const *p = route->parameters; *p != NULL && at < n; p++) {
        at += (size_t)snprintf(out + at, n - at, "%s%s", at > 0 ? ", " : "", *p);
    }
}

static struct http_reply *call_handler(struct http *h, const struct route *route,
                                       struct http_request *r, const struct http_query *query)
{
    uint64_t number = 0;

    if (route->handler != NULL) {
        return route->handler(h, r, query);
    }
    if (route->numbered) {
        (void)read_number(route, r->path, &number);
    }
    return http_job_handle(h, r, route->job, wants_body(route), number);
}

static struct http_reply *call(struct http *h, const struct route *route, struct http_request *r)
{
    struct http_query query;
    const char *why = NULL;
    char names[120];

    if (r->work != NULL) {
        return call_handler(h, route, r, NULL);
    }
    if (http_query_parse(&query, r->query, &why) < 0) {
        return http_problem(400, "the query string: %s", why);
    }
    for (size_t i = 0; i < query.count; i++) {
        if (!known_parameter(route, query.parameter[i].name)) {
            list_parameters(route, names, sizeof(names));
            return http_problem(400, "parameter '%.40s' is not known; %s takes %s",
                                query.parameter[i].name, route->path, names);
        }
    }
    return call_handler(h, route, r, &query);
}

/* What the page has of this path, or that there is nothing. */
static struct http_reply *page(struct http *h, const struct http_request *r)
{
    bool found;
    struct http_reply *reply = assets_reply(h, r, &found);

    if (!found) {
        return not_found(h, r);
    }
    if (!method_fits("GET", r->method)) {
        http_reply_unref(reply);
        return method_problem(r, NULL);
    }
    if (r->has_body) {
        http_reply_unref(reply);
        return http_problem(400, "%.20s with a body; nothing here takes one", r->method);
    }
    return reply;
}

/* NULL and the route to be called; or the reply; or neither: out of memory. */
static struct http_reply *find_way(struct http *h, const struct http_request *r,
                                   const struct route **route_out)
{
    struct http_reply *reply = check_addressee(h, r);
    const struct route *path;

    if (reply != NULL) {
        return reply;
    }
    if (r->too_long) {
        return http_problem(414, "path and query are longer than %d bytes", HTTP_URI_MAX);
    }
    *route_out = find(r, &path);
    if (*route_out != NULL) {
        return check_form(h, *route_out, r);
    }
    return path != NULL ? method_problem(r, path) : page(h, r);
}

struct http_reply *http_refuse(void *ctx, struct http_request *request)
{
    const struct route *route = NULL;

    return find_way(ctx, request, &route);
}

struct http_reply *http_handle(void *ctx, struct http_request *request)
{
    const struct route *route = NULL;
    struct http_reply *reply = find_way(ctx, request, &route);

    return reply != NULL || route == NULL ? reply : call(ctx, route, request);
}

/* `heatwatt doctor` and the heatwatt that runs: what only it knows of its samplers, from its own
 * API.
 *
 *   GET /api/v1/live ─▶ … "sources":[ … {"id":"clamps", … "counters":{"blocks":7,…}} …
 *
 * The answer is our own writer's, without blanks; numbers are looked for by name in a source's
 * part. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/cli/doctor_checks.h"

enum { ANSWER_MAX = 1 << 20, PATIENCE_S = 2 };

/* A connection to the page's port, or -1. */
static int connect_to(const struct config *c)
{
    bool any = strcmp(c->listen, "0.0.0.0") == 0 || strcmp(c->listen, "::") == 0;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)c->port)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    bool is_v4 = inet_pton(AF_INET, any ? "127.0.0.1" : c->listen, &v4.sin_addr) == 1;
    int fd;

    if (!is_v4 && inet_pton(AF_INET6, c->listen, &v6.sin6_addr) != 1) {
        return -1;
    }
    fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6,
                is_v4 ? sizeof(v4) : sizeof(v6)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The answer of /api/v1/live as text, or NULL: nobody answers. */
static char *ask(const struct config *c)
{
    static const char request[] = "GET /api/v1/live HTTP/1.0\r\nHost: localhost\r\n\r\n";
    int fd = c->port != 0 ? connect_to(c) : -1;
    char *text = fd >= 0 ? malloc(ANSWER_MAX) : NULL;
    size_t have = 0;
    ssize_t n = 0;

    if (text != NULL && send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0) {
        while (have < ANSWER_MAX - 1 && (n = recv(fd, text + have, ANSWER_MAX - 1 - have, 0)) > 0) {
            have += (size_t)n;
        }
    }
    if (text != NULL) {
        text[have] = '\0';
    }
    if (fd >= 0) {
        close(fd);
    }
    return text;
}

/* The source's part of the answer, cut off at its end; NULL: it is not there. */
static char *find_source(const char *answer, const char *id)
{
    const char *sources = strstr(answer, "\"sources\":["), *from, *to;
    char head[HWT_ID_MAX + 16];

    snprintf(head, sizeof(head), "{\"id\":\"%s\",", id);
    from = sources != NULL ? strstr(sources, head) : NULL;
    if (from == NULL) {
        return NULL;
    }
    to = strstr(from + 1, "{\"id\":\"");
    return to != NULL ? strndup(from, (size_t)(to - from)) : strdup(from);
}

static bool find_number(const char *part, const char *name, int64_t *out)
{
    char key[40];
    const char *at;

    snprintf(key, sizeof(key), "\"%s\":", name);
    at = strstr(part, key);
    return at != NULL && sscanf(at + strlen(key), "%" SCNd64, out) == 1;
}

static void tell_clock(struct doctor *d, const char *id, const char *part)
{
    int64_t fast_ppb, unsure_ppb;

    if (find_number(part, "clock_fast_ppb", &fast_ppb) &&
        find_number(part, "clock_unsure_ppb", &unsure_ppb)) {
        doctor_add(d, DOCTOR_OK, "sample clock", "",
                   "%s: its crystal is %.1f ppm %s, known to %.1f ppm, and put right", id,
                   (double)(fast_ppb < 0 ? -fast_ppb : fast_ppb) / 1e3,
                   fast_ppb < 0 ? "slow" : "fast", (double)unsure_ppb / 1e3);
    } else {
        doctor_add(d, DOCTOR_OK, "sample clock", "",
                   "%s: not known yet how right its crystal is: that takes about two minutes of a "
                   "synchronised clock",
                   id);
    }
}

static void tell_jitter(struct doctor *d, const char *id, const char *part)
{
    static const char *const names[] = {"scans_per_s",   "jitter_min_us", "jitter_median_us",
                                        "jitter_p99_us", "jitter_max_us", "dropped_scans"};
    int64_t v[sizeof(names) / sizeof(names[0])];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!find_number(part, names[i], &v[i])) {
            return;
        }
    }
    doctor_add(d, DOCTOR_OK, "sampling", "",
               "%s: %" PRId64 " scans/s; jitter min %" PRId64 ", median %" PRId64 ", 99 %% %" PRId64
               ", max %" PRId64 " us; %" PRId64 " scans dropped since the start",
               id, v[0], v[1], v[2], v[3], v[4], v[5]);
}

void doctor_check_running(struct doctor *d, const struct config *c)
{
    char *answer = c->clock_trust != CLOCK_TRUST_PLANT ? ask(c) : NULL;

    for (unsigned i = 0; answer != NULL && i < c->source_count; i++) {
        const struct config_source *s = &c->source[i];
        char *part = s->type == CONFIG_SAMPLES ? find_source(answer, s->id) : NULL;

        if (part != NULL && s->spidev[0] != '\0') {
            tell_jitter(d, s->id, part);
        } else if (part != NULL) {
            tell_clock(d, s->id, part);
        }
        free(part);
    }
    free(answer);
}

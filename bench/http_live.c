/*
 * http_live.c: our HTTP server alone, /api/v1/live answering SIZE bytes, a new object published
 * each second as the daemon does; to be measured beside bare_mhd without the daemon around it.
 * Prints "listening URL" and serves until a signal ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/http/http.h"

static int no_log(void *ctx, struct hwt_tslog_snapshot *snapshot_out)
{
    (void)ctx;
    (void)snapshot_out;
    return HWT_ERR_NOT_FOUND;
}

static const struct http_series *no_series(void *ctx, size_t *n_out)
{
    (void)ctx;
    *n_out = 0;
    return NULL;
}

int main(int argc, char **argv)
{
    size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    struct http_options options = {
        .listen = "127.0.0.1",
        .hooks = {.snapshot = no_log, .series = no_series},
    };
    char error[200];
    struct http *h;
    char *body;

    if (size < 2 || (body = malloc(size)) == NULL) {
        fprintf(stderr, "usage: http_live SIZE\n");
        return 2;
    }
    memset(body, 'x', size);
    body[0] = body[size - 1] = '"';
    h = http_start(&options, error, sizeof(error));
    if (h == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    printf("listening http://127.0.0.1:%u/\n", http_port(h));
    fflush(stdout);
    while (http_publish_live(h, body, size) == 0) {
        sleep(1);
    }
    return 1;
}

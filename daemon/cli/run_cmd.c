#include "daemon/cli/run_cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/cli/anew.h"
#include "daemon/run/config.h"
#include "daemon/run/daemon.h"

static const char usage[] =
    "usage: heatwatt run --config FILE [--debug] [--live-ms N]\n"
    "\n"
    "Measures, logs, shows and publishes as FILE says, until it is told to stop (INT, TERM).\n"
    "HUP: reads FILE again, and starts anew with it if it is right.\n"
    "  --config FILE  the configuration (docs/CONFIG.md)\n"
    "  --debug        log frames and requests too\n"
    "  --live-ms N    renew the values shown each N ms, 50 to 10000 (1000): for a plant that runs\n"
    "                 faster than time\n";

enum { LIVE_MS_MIN = 50, LIVE_MS_MAX = 10000 };

static void say_listening(void *ctx, const char *url)
{
    (void)ctx;
    printf("listening %s\n", url);
    fflush(stdout);
}

static bool read_live_ms(const char *text, unsigned *out)
{
    char *end;
    long v = strtol(text, &end, 10);

    *out = (unsigned)v;
    return end != text && *end == '\0' && v >= LIVE_MS_MIN && v <= LIVE_MS_MAX;
}

int run_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"debug", no_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {"live-ms", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    unsigned live_ms = 0;
    struct config *config;
    enum daemon_end end;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            path = optarg;
            break;
        case 'd':
            log_set_level(LOG_DEBUG);
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'l':
            if (!read_live_ms(optarg, &live_ms)) {
                fprintf(stderr, "run: --live-ms is not %d to %d: %s\n%s", LIVE_MS_MIN, LIVE_MS_MAX,
                        optarg, usage);
                return 2;
            }
            break;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (path == NULL || optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    config = config_load(path, stderr);
    if (config == NULL) {
        return 1;
    }
    end = daemon_run(config,
                     &(struct daemon_options){.listening = say_listening, .live_ms = live_ms});
    config_free(config);
    return end == DAEMON_ANEW ? anew_execute(argc, argv) : end == DAEMON_ENDED ? 0 : 1;
}

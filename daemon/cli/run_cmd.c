#include "daemon/cli/run_cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/cli/anew.h"
#include "daemon/run/config.h"
#include "daemon/run/daemon.h"

static const char usage[] =
    "usage: heatwatt run --config FILE [--debug]\n"
    "\n"
    "Measures, logs, shows and publishes as FILE says, until it is told to stop (INT, TERM).\n"
    "HUP: reads FILE again, and starts anew with it if it is right.\n"
    "  --config FILE  the configuration (docs/CONFIG.md)\n"
    "  --debug        log frames and requests too\n";

static void say_listening(void *ctx, const char *url)
{
    (void)ctx;
    printf("listening %s\n", url);
    fflush(stdout);
}

int run_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"debug", no_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
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
    end = daemon_run(config, &(struct daemon_options){.listening = say_listening});
    config_free(config);
    return end == DAEMON_ANEW ? anew_execute(argc, argv) : end == DAEMON_ENDED ? 0 : 1;
}

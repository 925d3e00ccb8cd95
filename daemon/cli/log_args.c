#include "daemon/cli/log_args.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/store/medium.h"

int log_args_parse(const struct log_args *a, int argc, char **argv)
{
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "h", a->options, NULL)) != -1) {
        if (c == 'h') {
            fputs(a->usage, stdout);
            return 1;
        }
        if (!a->take(a->ctx, c, optarg)) {
            return 2;
        }
    }
    if (argc - optind != a->operands) {
        fputs(a->usage, stderr);
        return 2;
    }
    return 0;
}

void log_args_place(const char *dir, char path[LOG_PATH_BYTES])
{
    snprintf(path, LOG_PATH_BYTES, "%s/control.hwl", dir);
    if (access(path, F_OK) == 0 || medium_kind_of(dir) == MEDIUM_PARTITION) {
        snprintf(path, LOG_PATH_BYTES, "%s", dir);
    } else {
        snprintf(path, LOG_PATH_BYTES, "%s/log", dir);
    }
}

struct log_dir *log_args_open(const char *dir)
{
    char path[LOG_PATH_BYTES], why[512];
    struct log_dir *log;

    log_args_place(dir, path);
    log = log_dir_open(path, true, why, sizeof(why));
    if (log == NULL) {
        fprintf(stderr, "heatwatt log: %s\n", why);
    }
    return log;
}

int log_args_stream(struct log_dir *log, const char *name)
{
    int stream;

    name = name != NULL ? name : HWT_TSLOG_OWN;
    stream = log_dir_find(log, name);
    if (stream < 0) {
        fprintf(stderr, "heatwatt log: no stream '%s': see heatwatt log info\n", name);
    }
    return stream;
}

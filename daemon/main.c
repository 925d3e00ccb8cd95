/* heatwatt: the sub-commands. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli/calibrate_cmd.h"
#include "daemon/cli/config_cmd.h"
#include "daemon/cli/decode.h"
#include "daemon/cli/demo.h"
#include "daemon/cli/doctor.h"
#include "daemon/cli/journal_cmd.h"
#include "daemon/cli/log_cmd.h"
#include "daemon/cli/mbus_cmd.h"
#include "daemon/cli/meter_cmd.h"
#include "daemon/cli/run_cmd.h"
#include "daemon/cli/scan_cmd.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the sub-command's name */
    const char *usage;
} commands[] = {
    {"run", run_main, "run --config FILE           measure, log, show and publish"},
    {"demo", demo_main, "demo [--port N] ...         all of it on the virtual plant"},
    {"scan", scan_main, "scan PORT...                find the meters and sensors on ports"},
    {"decode", decode_main, "decode mbus|modbus|emon|elster [FILE...]  explain captures"},
    {"mbus", mbus_main, "mbus search|set-address ... find meters, give one an address"},
    {"log", log_main, "log query|export|import|info|verify DIR  ask a log, look after it"},
    {"journal", journal_main,
     "journal DIR                 what happened: meters exchanged, starts ..."},
    {"meter", meter_main, "meter --csv FILE ...        measure recorded waveforms, as JSON"},
    {"config", config_main,
     "config check|add FILE ...   list every error of a configuration, add a source"},
    {"calibrate", calibrate_main, "calibrate reading|meter ... find what the sensors are off by"},
    {"doctor", doctor_main, "doctor --config FILE        check an installation, say what to do"},
};

static void usage(FILE *out)
{
    fputs("usage: heatwatt COMMAND [--help]\n\n", out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(out, "  heatwatt %s\n", commands[i].usage);
    }
    fputs("\nexit: 0 ok, 1 failed, 2 usage\n", out);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        puts("heatwatt " HEATWATT_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (name[0] != '\0') {
        fprintf(stderr, "heatwatt: no command '%s'\n", name);
    }
    usage(stderr);
    return 2;
}

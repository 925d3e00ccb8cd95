#include "daemon/cli/decode.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/capture_file.h"
#include "daemon/cli/elster_json.h"
#include "daemon/cli/emon_json.h"
#include "daemon/cli/mbus_json.h"
#include "daemon/cli/modbus_json.h"
#include "daemon/run/config_map.h"

static const char usage[] =
    "usage: heatwatt decode mbus [--json] [FILE...]\n"
    "       heatwatt decode modbus [--json] [--map NAME] [FILE...]\n"
    "       heatwatt decode emon [--json] [--layout NAME] [FILE...]   (--help tells its layouts)\n"
    "       heatwatt decode elster [...] [FILE...]                    (--help tells the rest)\n"
    "Reads telegrams, or requests and replies, from the files, or from standard input, and prints\n"
    "each as one line of JSON (--json is what it does anyway). Files hold hex digits (white "
    "space,\n"
    "commas, colons and 0x are free, # starts a comment) or the octets themselves; of emon, lines\n"
    "of text. --map: what registers mean, a map that `heatwatt config map` lists or a file of "
    "your\n"
    "own.\n";

/* --- JSON out -------------------------------------------------------------------------------- */

/* Prints one frame or the reason against it. */
static bool print(const struct hwt_mbus_frame *frame, int err, struct hwt_mbus_fault *fault)
{
    static char text[MBUS_JSON_MAX];
    struct hwt_json j;

    hwt_json_init(&j, text, sizeof(text));
    if (err == 0) {
        err = mbus_json_telegram(&j, frame, fault);
    }
    if (err != 0) {
        mbus_json_refusal(&j, err, fault);
    }
    if (!j.ok) {
        fprintf(stderr, "decode: a telegram does not fit %d octets of JSON\n", MBUS_JSON_MAX);
        return false;
    }
    fwrite(text, 1, j.at, stdout);
    putchar('\n');
    return err == 0;
}

/* After a refused frame: where the next whole long frame starts, or n. */
static size_t resume(const uint8_t *p, size_t n, int err)
{
    struct hwt_mbus_frame frame;
    struct hwt_mbus_fault fault;

    if (err == HWT_ERR_CHECKSUM) { /* lengths and start octets agree: it ends where it says */
        return p[0] == 0x68 ? (size_t)p[1] + 6 : HWT_MBUS_SHORT_SIZE;
    }
    for (size_t i = 1; i < n; i++) {
        if (hwt_mbus_frame_check(p + i, n - i, &frame, &fault) == 0 &&
            frame.shape == HWT_MBUS_LONG) {
            return i;
        }
    }
    return n;
}

static bool decode_mbus(const uint8_t *p, size_t n)
{
    bool good = n > 0;
    size_t at = 0;

    if (n == 0) {
        print(NULL, HWT_ERR_LENGTH, &(struct hwt_mbus_fault){.what = "empty"});
    }
    while (at < n) {
        struct hwt_mbus_frame frame;
        struct hwt_mbus_fault fault;
        int err = hwt_mbus_frame_check(p + at, n - at, &frame, &fault);

        err = err == HWT_ERR_AGAIN ? HWT_ERR_LENGTH : err;
        good = print(&frame, err, &fault) && good;
        at += err == 0 ? frame.size : resume(p + at, n - at, err);
    }
    return good;
}

/* NULL map: M-Bus has none. */
struct protocol {
    const char *name;
    const struct hwt_modbus_map *map;
};

static bool decode_octets(const struct protocol *protocol, const uint8_t *p, size_t n)
{
    return strcmp(protocol->name, "modbus") == 0 ? modbus_json_explain(p, n, protocol->map, stdout)
                                                 : decode_mbus(p, n);
}

static bool decode_file(const struct protocol *protocol, const char *name)
{
    struct capture c;
    bool good = capture_read(name, &c) && decode_octets(protocol, c.p, c.n);

    free(c.p);
    return good;
}

/* NULL, after telling on stderr, if there is no such map or it has errors. */
static struct config_map *load_map(const char *name)
{
    const struct config_map_file *own = config_map_file_find(name);
    struct config_problems problems;
    struct config_map *map = NULL;

    config_problems_init(&problems);
    if (own != NULL) {
        map = config_map_parse(own->text, own->size, own->name, &problems);
    } else if (config_map_is_path(name)) {
        map = config_map_load(name, &problems);
    } else {
        fprintf(stderr, "decode: no map '%s': `heatwatt config map` lists them\n", name);
    }
    config_problems_write(&problems, stderr);
    config_problems_free(&problems);
    return map;
}

enum { GO_ON = -1 }; /* else an exit status */

/* Takes the options, which may stand anywhere, out of argv; the files' names stay, from argv[2]. */
static int take_options(int *argc, char **argv, const char **map_out)
{
    bool modbus = strcmp(argv[1], "modbus") == 0;
    int files = 2;

    for (int i = 2; i < *argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[files++] = argv[i];
        } else if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        } else if (modbus && strcmp(argv[i], "--map") == 0 && i + 1 < *argc) {
            *map_out = argv[++i];
        } else if (strcmp(argv[i], "--json") != 0) {
            fprintf(stderr, "decode: unknown option '%s'\n%s", argv[i], usage);
            return 2;
        }
    }
    *argc = files;
    return GO_ON;
}

static bool decode_files(const struct protocol *protocol, int argc, char **argv)
{
    bool good = true;

    for (int i = 2; i < argc; i++) {
        good = decode_file(protocol, argv[i]) && good;
    }
    if (argc == 2) {
        good = decode_file(protocol, "-");
    }
    return good && fflush(stdout) == 0;
}

int decode_main(int argc, char **argv)
{
    const char *name = argc >= 2 ? argv[1] : "", *map_name = NULL;
    struct protocol protocol = {.name = name};
    struct config_map *map = NULL;
    int status;
    bool good;

    if (strcmp(name, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (strcmp(name, "emon") == 0) {
        return emon_decode_main(argc, argv);
    }
    if (strcmp(name, "elster") == 0) {
        return elster_decode_main(argc, argv);
    }
    if (strcmp(name, "mbus") != 0 && strcmp(name, "modbus") != 0) {
        if (argc >= 2) {
            fprintf(stderr, "decode: unknown protocol '%s'\n", name);
        }
        fputs(usage, stderr);
        return 2;
    }
    status = take_options(&argc, argv, &map_name);
    if (status != GO_ON) {
        return status;
    }
    if (map_name != NULL) {
        map = load_map(map_name);
        if (map == NULL) {
            return 2;
        }
        protocol.map = &map->wire;
    }
    good = decode_files(&protocol, argc, argv);
    free(map);
    return good ? 0 : 1;
}

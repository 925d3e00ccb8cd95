#include "daemon/cli/decode.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/emon_json.h"
#include "daemon/cli/mbus_json.h"
#include "daemon/cli/modbus_json.h"
#include "daemon/run/config_map.h"

enum { FILE_MAX = 1 << 24 }; /* octets of one file: far more than a day of captures */

struct octets {
    uint8_t *p;
    size_t n, room;
};

static const char usage[] =
    "usage: heatwatt decode mbus [FILE...]\n"
    "       heatwatt decode modbus [--map NAME] [FILE...]\n"
    "       heatwatt decode emon [--layout NAME] [FILE...]      (lines of text: --help tells)\n"
    "Reads telegrams, or requests and replies, as hex digits (white space is free, # starts a "
    "comment) from the files, or\n"
    "from standard input, and prints each as one line of JSON. --map: what registers mean, a map\n"
    "that `heatwatt config map` lists or a file of your own.\n";

/* --- hex in ---------------------------------------------------------------------------------- */

static bool append(struct octets *o, uint8_t b)
{
    if (o->n == o->room) {
        size_t room = o->room > 0 ? 2 * o->room : 4096;
        uint8_t *p = room <= FILE_MAX ? realloc(o->p, room) : NULL;

        if (p == NULL) {
            return false;
        }
        o->p = p;
        o->room = room;
    }
    o->p[o->n++] = b;
    return true;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int next_char(FILE *f, unsigned *line)
{
    int c = getc(f);

    if (c == '#') {
        while (c != '\n' && c != EOF) {
            c = getc(f);
        }
    }
    *line += c == '\n';
    return c;
}

/* False, after telling on stderr, if the file holds something else than hex octets. */
static bool read_hex(FILE *f, const char *name, struct octets *o)
{
    unsigned line = 1;
    int c, high = -1;

    while ((c = next_char(f, &line)) != EOF) {
        int digit = hex_digit(c);

        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            continue;
        }
        if (digit < 0) {
            fprintf(stderr, "%s:%u: '%c' is no hex digit\n", name, line, c >= ' ' ? c : '?');
            return false;
        }
        if (high >= 0 && !append(o, (uint8_t)(high << 4 | digit))) {
            fprintf(stderr, "%s:%u: more than %d octets\n", name, line, FILE_MAX);
            return false;
        }
        high = high >= 0 ? -1 : digit;
    }
    if (ferror(f)) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return false;
    }
    if (high >= 0) {
        fprintf(stderr, "%s:%u: half an octet at the end\n", name, line);
        return false;
    }
    return true;
}

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
    bool in = strcmp(name, "-") == 0;
    FILE *f = in ? stdin : fopen(name, "r");
    struct octets o = {0};
    bool good;

    if (f == NULL) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return false;
    }
    good = read_hex(f, in ? "standard input" : name, &o) && decode_octets(protocol, o.p, o.n);
    free(o.p);
    if (!in) {
        fclose(f);
    }
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

/* 0, or 2 after telling what is wrong. *first_out: index of the first file. */
static int read_options(int argc, char **argv, const char **map_out, int *first_out)
{
    bool modbus = strcmp(argv[1], "modbus") == 0;
    int i = 2;

    for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (modbus && strcmp(argv[i], "--map") == 0 && i + 1 < argc) {
            *map_out = argv[++i];
        } else {
            fprintf(stderr, "decode: unknown option '%s'\n%s", argv[i], usage);
            return 2;
        }
    }
    *first_out = i;
    for (; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            fprintf(stderr, "decode: options come before files: '%s'\n%s", argv[i], usage);
            return 2;
        }
    }
    return 0;
}

static bool decode_files(const struct protocol *protocol, int argc, char **argv, int first)
{
    bool good = true;

    for (int i = first; i < argc; i++) {
        good = decode_file(protocol, argv[i]) && good;
    }
    if (argc == first) {
        good = decode_file(protocol, "-");
    }
    return good && fflush(stdout) == 0;
}

int decode_main(int argc, char **argv)
{
    const char *name = argc >= 2 ? argv[1] : "", *map_name = NULL;
    struct protocol protocol = {.name = name};
    struct config_map *map = NULL;
    int first = 0;
    bool good;

    if (strcmp(name, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (strcmp(name, "emon") == 0) {
        return emon_decode_main(argc, argv);
    }
    if (strcmp(name, "mbus") != 0 && strcmp(name, "modbus") != 0) {
        if (argc >= 2) {
            fprintf(stderr, "decode: unknown protocol '%s'\n", name);
        }
        fputs(usage, stderr);
        return 2;
    }
    if (read_options(argc, argv, &map_name, &first) != 0) {
        return 2;
    }
    if (map_name != NULL) {
        map = load_map(map_name);
        if (map == NULL) {
            return 2;
        }
        protocol.map = &map->wire;
    }
    good = decode_files(&protocol, argc, argv, first);
    free(map);
    return good ? 0 : 1;
}

#include "daemon/cli/emon_json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/wire/emon.h"

enum { JSON_MAX = 8192, LINE_MAX = HWT_EMON_LINE_MAX + 64 };

static const char usage[] =
    "usage: heatwatt decode emon [--json] [--layout NAME] [FILE...]\n"
    "Reads lines as emonTx, emonPi and radio receivers send them from the files, or from standard\n"
    "input, and prints each message as one line of JSON. --layout: of radio messages, else the "
    "node\n"
    "and the length decide. Layouts:";

static void print_usage(FILE *out)
{
    fputs(usage, out);
    for (unsigned i = 0; hwt_emon_layout(i) != NULL; i++) {
        fprintf(out, " %s", hwt_emon_layout(i));
    }
    fputc('\n', out);
}

static void write_message(struct hwt_json *j, const struct hwt_emon_message *m)
{
    if (m->node == HWT_EMON_NODE_NONE) {
        hwt_json_null(j, "node");
    } else {
        hwt_json_int(j, "node", m->node);
    }
    if (m->rssi != 0) {
        hwt_json_int(j, "rssi", m->rssi);
    }
    hwt_json_object(j, "values");
    for (size_t i = 0; i < m->count; i++) {
        if (m->value[i].missing) {
            hwt_json_null(j, m->value[i].name);
        } else {
            hwt_json_decimal(j, m->value[i].name, m->value[i].milli, -3);
        }
    }
    hwt_json_end_object(j);
}

/* False if the line was refused. */
static bool explain(const char *line, size_t n, unsigned number, const char *layout)
{
    static char text[JSON_MAX];
    struct hwt_emon_message m;
    struct hwt_json j;
    size_t at;
    int err = hwt_emon_line(line, n, layout, &m, &at);

    if (err == HWT_ERR_NOT_MINE) {
        return true;
    }
    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "protocol", "emon");
    hwt_json_bool(&j, "ok", err == 0);
    if (err == 0) {
        write_message(&j, &m);
    } else {
        hwt_json_uint(&j, "line", number);
        hwt_json_string(&j, "reason", hwt_err_name(err));
        hwt_json_uint(&j, "at", at);
    }
    hwt_json_end_object(&j);
    fwrite(text, 1, j.at, stdout);
    putchar('\n');
    return err == 0;
}

static bool explain_stream(FILE *f, const char *name, const char *layout)
{
    char line[LINE_MAX];
    unsigned number = 1;
    bool good = true;
    size_t n = 0;
    int c;

    do {
        c = getc(f);
        if (c == '\n' ||
            c == EOF) { /* what is longer than a line keeps its length and is refused */
            good = (n == 0 || explain(line, n, number, layout)) && good;
            number++;
            n = 0;
        } else if (n < sizeof(line)) {
            line[n++] = (char)c;
        }
    } while (c != EOF);
    if (ferror(f)) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return false;
    }
    return good;
}

static bool explain_file(const char *name, const char *layout)
{
    FILE *f;
    bool good;

    if (strcmp(name, "-") == 0) {
        return explain_stream(stdin, "standard input", layout);
    }
    f = fopen(name, "r");
    if (f == NULL) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return false;
    }
    good = explain_stream(f, name, layout);
    fclose(f);
    return good;
}

static bool is_layout(const char *name)
{
    for (unsigned i = 0; hwt_emon_layout(i) != NULL; i++) {
        if (strcmp(name, hwt_emon_layout(i)) == 0) {
            return true;
        }
    }
    fprintf(stderr, "decode: no layout '%s'\n", name);
    return false;
}

int emon_decode_main(int argc, char **argv)
{
    const char *layout = NULL;
    bool good = true;
    int files = 2;

    for (int i = 2; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[files++] = argv[i];
        } else if (strcmp(argv[i], "--help") == 0) {
            print_usage(stdout);
            return 0;
        } else if (strcmp(argv[i], "--layout") == 0 && i + 1 < argc && is_layout(argv[i + 1])) {
            layout = argv[++i];
        } else if (strcmp(argv[i], "--json") != 0) {
            print_usage(stderr);
            return 2;
        }
    }
    if (files == 2) {
        good = explain_file("-", layout);
    }
    for (int i = 2; i < files; i++) {
        good = explain_file(argv[i], layout) && good;
    }
    return good && fflush(stdout) == 0 ? 0 : 1;
}

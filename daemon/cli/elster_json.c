#include "daemon/cli/elster_json.h"

#include <linux/gpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/wire/elster.h"
#include "daemon/cli/capture_file.h"

enum { JSON_MAX = 2048, DEFAULT_MAX_W = 25000, DEFAULT_BAUD = 2400, CHARACTER_BITS = 10 };
#define NS_PER_S INT64_C(1000000000)

enum edge { EDGE_UNKNOWN, EDGE_RISING, EDGE_FALLING };

struct options {
    unsigned baud;   /* 0: to be found */
    unsigned max_w;  /* W that the supply can deliver */
    enum edge edge;  /* with which a flash begins; UNKNOWN: the first of the file */
    int64_t unit_ns; /* of time stamps; 0: s with a decimal point, else ns */
    bool characters;
};

struct reader {
    struct options o;
    const char *name; /* of the file */
    struct hwt_elster decoder;
    struct hwt_elster_gate gate;
    uint64_t flashes, characters;
    int64_t last_ns;
};

static const char usage[] =
    "usage: heatwatt decode elster [--json] [--baud N] [--edge rising|falling] [--unit "
    "s|ms|us|ns]\n"
    "                              [--max-w N] [FILE...]\n"
    "       heatwatt decode elster --characters [--baud N] [FILE...]\n"
    "Reads a recording of the light of an Elster A100C or A1100 from the files, or from standard\n"
    "input, and prints each packet as one line of JSON, then one of counters. A recording has a\n"
    "line for each edge, as gpiomon prints them (a time stamp with a decimal point is in s, a "
    "whole\n"
    "number in ns; flashes begin with the edge that the file begins with), or is a file of the\n"
    "kernel's struct gpio_v2_line_event; with --characters, the octets of a serial port behind a\n"
    "pulse stretcher, as hex digits or as they are.\n";

/* --- out ------------------------------------------------------------------------------------- */

static void put_pair(struct hwt_json *j, const char *key, const uint64_t wh[HWT_ELSTER_RATES])
{
    hwt_json_array(j, key);
    for (unsigned i = 0; i < HWT_ELSTER_RATES; i++) {
        hwt_json_uint(j, NULL, wh[i]);
    }
    hwt_json_end_array(j);
}

static void print_line(struct hwt_json *j)
{
    hwt_json_end_object(j);
    fwrite(j->p, 1, j->at, stdout);
    putchar('\n');
}

/* What the daemon would do with it. */
static void put_verdict(struct hwt_json *j, struct hwt_elster_gate *gate,
                        const struct hwt_elster_packet *p)
{
    struct hwt_elster_value v;
    enum hwt_elster_verdict verdict = hwt_elster_gate(gate, p, &v);

    if (verdict == HWT_ELSTER_WAIT) {
        hwt_json_null(j, "published");
        return;
    }
    hwt_json_object(j, "published");
    hwt_json_bool(j, "begins", verdict == HWT_ELSTER_BEGIN);
    hwt_json_decimal(j, "t_s", v.at_ns, -9);
    hwt_json_uint(j, "import_wh", v.import_wh);
    hwt_json_uint(j, "export_wh", v.export_wh);
    hwt_json_end_object(j);
}

static void print_packet(struct reader *r, const struct hwt_elster_packet *p)
{
    char text[JSON_MAX];
    struct hwt_json j;

    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "protocol", "elster");
    hwt_json_bool(&j, "ok", true);
    hwt_json_decimal(&j, "t_s", p->start_ns, -9);
    hwt_json_string(&j, "model", p->model == HWT_ELSTER_A100C ? "A100C" : "A1100");
    hwt_json_string(&j, "product", p->product);
    hwt_json_string(&j, "firmware", p->firmware);
    hwt_json_string(&j, "serial", p->serial);
    put_pair(&j, "import_wh", p->import_wh);
    put_pair(&j, "export_wh", p->export_wh);
    hwt_json_uint(&j, "resolution_wh", p->resolution_wh);
    if (p->model == HWT_ELSTER_A100C) {
        hwt_json_uint(&j, "errors", p->errors);
        hwt_json_uint(&j, "power_fails", p->power_fails);
    }
    put_verdict(&j, &r->gate, p);
    print_line(&j);
}

static void print_summary(const struct reader *r)
{
    static const struct {
        int err;
        const char *name;
    } reasons[] = {{HWT_ERR_LENGTH, "LENGTH"},
                   {HWT_ERR_CHECKSUM, "CHECKSUM"},
                   {HWT_ERR_SANITY, "SANITY"},
                   {HWT_ERR_UNSUPPORTED, "UNSUPPORTED"}};
    const struct hwt_elster_counters *c = &r->decoder.counters;
    char text[JSON_MAX];
    struct hwt_json j;

    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "protocol", "elster");
    hwt_json_bool(&j, "summary", true);
    hwt_json_string(&j, "file", capture_name(r->name));
    hwt_json_uint(&j, "baud", r->decoder.baud);
    hwt_json_uint(&j, r->o.characters ? "characters" : "flashes",
                  r->o.characters ? r->characters : r->flashes);
    hwt_json_uint(&j, "packets", c->packets);
    hwt_json_uint(&j, "framing", c->framing);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        hwt_json_uint(&j, reasons[i].name, c->refused[-reasons[i].err]);
    }
    print_line(&j);
}

/* --- light ----------------------------------------------------------------------------------- */

static void take_edge(struct reader *r, int64_t t_ns, enum edge edge)
{
    struct hwt_elster_packet packet;

    if (r->o.edge == EDGE_UNKNOWN) {
        r->o.edge = edge;
    }
    if (edge != r->o.edge) {
        return;
    }
    r->flashes++;
    r->last_ns = t_ns;
    if (hwt_elster_edge(&r->decoder, t_ns, &packet)) {
        print_packet(r, &packet);
    }
}

/* The light is over: the last character has no flash after it. */
static void end_light(struct reader *r)
{
    struct hwt_elster_packet packet;

    if (r->flashes > 0 && hwt_elster_idle(&r->decoder, r->last_ns + NS_PER_S, &packet)) {
        print_packet(r, &packet);
    }
}

static void take_characters(struct reader *r, const struct capture *c)
{
    int64_t character_ns = CHARACTER_BITS * NS_PER_S / r->decoder.baud;
    struct hwt_elster_packet packet;

    for (; r->characters < c->n; r->characters++) {
        if (hwt_elster_character(&r->decoder, c->p[r->characters],
                                 (int64_t)r->characters * character_ns, &packet)) {
            print_packet(r, &packet);
        }
    }
}

/* --- lists of edges -------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number of a line that is a time: the one with a decimal point, else the first. NULL: none. */
static const char *find_time(const char *line)
{
    const char *first = NULL;

    for (const char *c = line; *c != '\0' && *c != '#';) {
        const char *from = c;

        while (is_digit(*c)) {
            c++;
        }
        if (c > from && *c == '.' && is_digit(c[1])) {
            return from;
        }
        first = first == NULL && c > from ? from : first;
        c += c == from;
    }
    return first;
}

/* ns of the number at p. False if it does not fit. */
static bool read_time(const char *p, int64_t unit_ns, int64_t *t_ns_out)
{
    bool point = false;
    int64_t t = 0;

    for (; is_digit(*p); p++) {
        if (t > INT64_MAX / 10 - 10) {
            return false;
        }
        t = 10 * t + (*p - '0');
    }
    point = *p == '.';
    unit_ns = unit_ns > 0 ? unit_ns : point ? NS_PER_S : 1;
    if (t > INT64_MAX / 2 / unit_ns) {
        return false;
    }
    t *= unit_ns;
    for (p += point; point && is_digit(*p) && unit_ns >= 10; p++) {
        unit_ns /= 10;
        t += unit_ns * (*p - '0');
    }
    *t_ns_out = t;
    return true;
}

static bool has_word(const char *line, const char *lower)
{
    for (; *line != '\0' && *line != '#'; line++) {
        size_t i = 0;

        while (lower[i] != '\0' && (line[i] | 0x20) == lower[i]) {
            i++;
        }
        if (lower[i] == '\0') {
            return true;
        }
    }
    return false;
}

static bool take_line(struct reader *r, const char *line, unsigned number)
{
    const char *time = find_time(line);
    enum edge edge = has_word(line, "falling")   ? EDGE_FALLING
                     : has_word(line, "rising")  ? EDGE_RISING
                     : r->o.edge == EDGE_UNKNOWN ? EDGE_RISING
                                                 : r->o.edge;
    int64_t t_ns;

    if (time == NULL) {
        line += strspn(line, " \t\r\f\v");
        if (*line == '\0' || *line == '#') {
            return true;
        }
        fprintf(stderr, "%s:%u: no time stamp\n", capture_name(r->name), number);
        return false;
    }
    if (!read_time(time, r->o.unit_ns, &t_ns)) {
        fprintf(stderr, "%s:%u: a time stamp too large\n", capture_name(r->name), number);
        return false;
    }
    take_edge(r, t_ns, edge);
    return true;
}

/* The reader of files left room for the NUL at the end. */
static bool take_lines(struct reader *r, struct capture *c)
{
    unsigned number = 1;
    char *line = (char *)c->p, *end;

    c->p[c->n] = '\0';
    for (; line != NULL && *line != '\0'; line = end, number++) {
        end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        if (!take_line(r, line, number)) {
            return false;
        }
    }
    return true;
}

static bool take_events(struct reader *r, const struct capture *c)
{
    struct gpio_v2_line_event e;

    if (c->n % sizeof(e) != 0) {
        fprintf(stderr,
                "%s: neither text nor whole line events of %zu octets each (--characters for a "
                "serial port's octets)\n",
                capture_name(r->name), sizeof(e));
        return false;
    }
    for (size_t i = 0; i < c->n; i += sizeof(e)) {
        memcpy(&e, c->p + i, sizeof(e));
        if ((e.id != GPIO_V2_LINE_EVENT_RISING_EDGE && e.id != GPIO_V2_LINE_EVENT_FALLING_EDGE) ||
            e.timestamp_ns > INT64_MAX / 2) {
            fprintf(stderr, "%s: no line event at octet %zu\n", capture_name(r->name), i);
            return false;
        }
        take_edge(r, (int64_t)e.timestamp_ns,
                  e.id == GPIO_V2_LINE_EVENT_RISING_EDGE ? EDGE_RISING : EDGE_FALLING);
    }
    return true;
}

static bool take_light(struct reader *r, struct capture *c)
{
    bool good = capture_is_binary(c) ? take_events(r, c) : take_lines(r, c);

    end_light(r);
    return good;
}

/* --- files and options ----------------------------------------------------------------------- */

static bool decode_file(const struct options *o, const char *name)
{
    struct reader r = {.o = *o, .name = name};
    struct capture c;
    bool good = o->characters ? capture_read(name, &c) : capture_read_raw(name, &c);

    hwt_elster_gate_init(&r.gate, o->max_w);
    if (!good || hwt_elster_init(&r.decoder, o->baud) != 0) { /* the rate was checked */
        free(c.p);
        return false;
    }
    if (o->characters) {
        take_characters(&r, &c);
    } else {
        good = take_light(&r, &c);
    }
    print_summary(&r);
    free(c.p);
    return good && r.decoder.counters.packets > 0;
}

static bool read_unit(const char *name, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"s", NS_PER_S}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(name, units[i].name) == 0) {
            *out = units[i].ns;
            return true;
        }
    }
    return false;
}

static bool read_edge(const char *name, enum edge *out)
{
    *out = strcmp(name, "rising") == 0    ? EDGE_RISING
           : strcmp(name, "falling") == 0 ? EDGE_FALLING
                                          : EDGE_UNKNOWN;
    return *out != EDGE_UNKNOWN;
}

static bool read_number(const char *text, unsigned max, unsigned *out)
{
    char *end;
    long v = strtol(text, &end, 10);

    *out = (unsigned)v;
    return end != text && *end == '\0' && v >= 1 && (unsigned long)v <= max;
}

static bool is_rate(unsigned baud)
{
    return baud == 2400 || baud == 4800 || baud == 9600;
}

/* An option with a value. */
static bool take_value(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--baud") == 0) {
        return read_number(value, 9600, &o->baud) && is_rate(o->baud);
    }
    if (strcmp(name, "--max-w") == 0) {
        return read_number(value, 10000000, &o->max_w);
    }
    if (strcmp(name, "--edge") == 0) {
        return read_edge(value, &o->edge);
    }
    return strcmp(name, "--unit") == 0 && read_unit(value, &o->unit_ns);
}

/* The number of arguments left, the files among them from argv[2]; 0: help was asked for; -1:
 * wrong usage, told on stderr. */
static int take_options(int argc, char **argv, struct options *o)
{
    int files = 2;

    for (int i = 2; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[files++] = argv[i];
        } else if (strcmp(argv[i], "--help") == 0) {
            return 0;
        } else if (strcmp(argv[i], "--characters") == 0) {
            o->characters = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            continue;
        } else if (i + 1 < argc && take_value(o, argv[i], argv[i + 1])) {
            i++;
        } else {
            fprintf(stderr, "decode: not understood: '%s'\n%s", argv[i], usage);
            return -1;
        }
    }
    if (o->characters && o->baud == 0) {
        o->baud = DEFAULT_BAUD;
    }
    return files;
}

int elster_decode_main(int argc, char **argv)
{
    struct options o = {.max_w = DEFAULT_MAX_W};
    bool good = true;

    argc = take_options(argc, argv, &o);
    if (argc <= 0) {
        fputs(argc == 0 ? usage : "", stdout);
        return argc == 0 ? 0 : 2;
    }
    if (argc == 2) {
        good = decode_file(&o, "-");
    }
    for (int i = 2; i < argc; i++) {
        good = decode_file(&o, argv[i]) && good;
    }
    return good && fflush(stdout) == 0 ? 0 : 1;
}

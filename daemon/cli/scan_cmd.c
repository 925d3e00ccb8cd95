#include "daemon/cli/scan_cmd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/cli/interrupt.h"
#include "daemon/cli/list_option.h"
#include "daemon/cli/number_option.h"
#include "daemon/cli/scan_print.h"
#include "daemon/drivers/ports.h"
#include "daemon/run/map_kinds.h"
#include "daemon/run/scan_result.h"

enum { WIDTH = 79, INTERRUPT_MS = 100 };

static const char usage[] =
    "usage: heatwatt scan                  the ports of this machine\n"
    "       heatwatt scan PORT... [--protocol LIST] [--baud LIST] [--config FILE] [--every]\n"
    "                     [--quick] [--listen SECONDS] [--timeout MS] [--json]\n"
    "Finds meters and sensors, and prints how a configuration would name them. Changes nothing.\n"
    "PORT    a serial port; host:port of a gateway or of a Modbus TCP device; w1; iio; a socket "
    "of\n"
    "        input edges or /dev/gpiochip0:17\n"
    "LIST    words with commas. Protocols: mbus, modbus, elster, emon, ds18b20, analog\n"
    "--config FILE  say what is configured already, and keep its ids free\n"
    "--every        go on after the first protocol and speed at which something was found\n"
    "--quick        do not ask each single address: seconds instead of minutes\n"
    "--listen S     wait so long for what sends by itself (11)\n"
    "--timeout MS   wait so long for each answer\n";

struct arguments {
    const char *port[LIST_MAX];
    size_t ports;
    char absolute[SCAN_PORTS_MAX][SCAN_PORT_MAX];
    const char *config;
    struct scan_options scan;
    bool json;
};

struct scanning {
    const struct arguments *a;
    struct scan_result result;
    struct scan *scan;
    uv_timer_t look; /* for Ctrl-C */
    const volatile sig_atomic_t *interrupted;
    bool terminal, done;
};

/* --- arguments ------------------------------------------------------------------------------- */

static bool wrong(const char *what, const char *value)
{
    fprintf(stderr, "scan: %s%s%s\n%s", what, value != NULL ? " " : "", value != NULL ? value : "",
            usage);
    return false;
}

static bool parse_protocols(struct arguments *a, char *text)
{
    const char *word[LIST_MAX];
    size_t n = 0;

    if (!list_add_words(word, &n, text)) {
        return false;
    }
    memset(a->scan.protocol, 0, sizeof(a->scan.protocol));
    for (size_t i = 0; i < n; i++) {
        enum scan_protocol p = scan_protocol_find(word[i]);

        if (p == SCAN_PROTOCOLS) {
            return false;
        }
        a->scan.protocol[p] = true;
    }
    return true;
}

static bool parse_value(struct arguments *a, const char *name, char *value)
{
    if (strcmp(name, "--config") == 0) {
        a->config = value;
        return true;
    }
    if (strcmp(name, "--baud") == 0) {
        return number_option_speeds(value, SCAN_SPEEDS_MAX, a->scan.baud, &a->scan.speeds) ||
               wrong("not a list of standard speeds:", value);
    }
    if (strcmp(name, "--protocol") == 0) {
        return parse_protocols(a, value) || wrong("not a list of protocols:", value);
    }
    if (strcmp(name, "--timeout") == 0) {
        return number_option_take(value, 20, 60000, &a->scan.timeout_ms) ||
               wrong("not 20 to 60000 ms:", value);
    }
    if (strcmp(name, "--listen") == 0) {
        if (!number_option_take(value, 1, 600, &a->scan.listen_ms)) {
            return wrong("not 1 to 600 s:", value);
        }
        a->scan.listen_ms *= 1000;
        return true;
    }
    return wrong("unknown option", name);
}

/* As a configuration in any folder could name it. */
static const char *absolute(struct arguments *a, const char *port)
{
    char detail[SCAN_DETAIL_MAX], folder[PATH_MAX];
    char *out = a->absolute[a->ports];

    if (port[0] != '/' && strcmp(port, "w1") != 0 && strcmp(port, "iio") != 0 &&
        scan_target_of(port, detail) != SCAN_TARGET_TCP && getcwd(folder, sizeof(folder)) != NULL) {
        int n = snprintf(out, SCAN_PORT_MAX, "%s/%s", folder, port);

        return n > 0 && n < SCAN_PORT_MAX ? out : NULL;
    }
    return strlen(port) < SCAN_PORT_MAX ? port : NULL;
}

static bool add_port(struct arguments *a, const char *port)
{
    if (a->ports == SCAN_PORTS_MAX) {
        return wrong("too many ports, at", port);
    }
    a->port[a->ports] = absolute(a, port);
    if (a->port[a->ports] == NULL) {
        return wrong("too long a name:", port);
    }
    a->ports++;
    return true;
}

static bool parse(struct arguments *a, int argc, char **argv)
{
    for (unsigned p = 0; p < SCAN_PROTOCOLS; p++) {
        a->scan.protocol[p] = true;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            a->json = true;
        } else if (strcmp(argv[i], "--every") == 0) {
            a->scan.every = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            a->scan.quick = true;
        } else if (argv[i][0] == '-') {
            if (i + 1 == argc) {
                return wrong("a value is missing after", argv[i]);
            }
            if (!parse_value(a, argv[i], argv[i + 1])) {
                return false;
            }
            i++;
        } else if (!add_port(a, argv[i])) {
            return false;
        }
    }
    return true;
}

/* --- the ports of the machine ---------------------------------------------------------------- */

static void print_ports_json(const struct port_entry *port, size_t n)
{
    char text[2 * PORT_PATH_MAX + 64];
    struct hwt_json j;

    printf("{\"ports\":[");
    for (size_t i = 0; i < n; i++) {
        hwt_json_init(&j, text, sizeof(text));
        hwt_json_object(&j, NULL);
        hwt_json_string(&j, "port", port[i].port);
        hwt_json_string(&j, "device", port[i].device);
        hwt_json_end_object(&j);
        printf("%s%.*s", i > 0 ? "," : "", (int)j.at, text);
    }
    printf("]}\n");
}

static int list_ports(bool json)
{
    struct port_entry port[PORTS_MAX];
    size_t n = ports_list("", port);

    if (json) {
        print_ports_json(port, n);
        return n > 0 ? 0 : 1;
    }
    for (size_t i = 0; i < n; i++) {
        printf("%-24s%s%s\n", port[i].device, strcmp(port[i].port, port[i].device) != 0 ? " " : "",
               strcmp(port[i].port, port[i].device) != 0 ? port[i].port : "");
    }
    if (n > 0) {
        printf("\nTo see what is on one: heatwatt scan %s\n", port[0].port);
    } else {
        printf("No serial port and no sensors were found on this machine. Plug the adapter in and "
               "look again;\nof a gateway in the network name its address: heatwatt scan "
               "host:port\n");
    }
    return n > 0 ? 0 : 1;
}

/* --- the scan -------------------------------------------------------------------------------- */

static void clear_line(const struct scanning *s)
{
    if (s->terminal) {
        fprintf(stderr, "\r%-*s\r", WIDTH, "");
    }
}

static void on_found(void *ctx, const struct scan_found *found)
{
    struct scanning *s = ctx;

    if (scan_result_add(&s->result, found) == NULL) {
        scan_result_problem(&s->result, found->port, "out of memory: something found is left out");
    }
}

static void on_progress(void *ctx, const struct scan_progress *p)
{
    struct scanning *s = ctx;
    char line[SCAN_PORT_MAX + SCAN_WHAT_MAX + 16];

    scan_result_progress(&s->result, p);
    if (s->terminal) {
        snprintf(line, sizeof(line), "%3.0f %%  %s: %s", 100 * p->fraction, p->port, p->what);
        fprintf(stderr, "\r%-*.*s", WIDTH, WIDTH, line);
    }
}

static void on_problem(void *ctx, const char *port, const char *detail)
{
    struct scanning *s = ctx;

    clear_line(s);
    fprintf(stderr, strstr(detail, port) == detail ? "scan: %s%s\n" : "scan: %s: %s\n",
            strstr(detail, port) == detail ? "" : port, detail);
    scan_result_problem(&s->result, port, detail);
}

static void on_done(void *ctx)
{
    struct scanning *s = ctx;

    s->done = true;
}

static void on_look(uv_timer_t *t)
{
    struct scanning *s = t->data;

    s->done = s->done || *s->interrupted;
}

static int64_t unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool run(struct scanning *s)
{
    struct scan_options o = s->a->scan;
    struct map_kinds *kinds = map_kinds_new();
    uv_loop_t loop;

    if (kinds == NULL) {
        return false;
    }
    o.kind = kinds->kind;
    o.kinds = kinds->count;
    uv_loop_init(&loop);
    s->scan = scan_new(&loop, &o);
    if (s->scan != NULL) {
        uv_timer_init(&loop, &s->look);
        s->look.data = s;
        uv_timer_start(&s->look, on_look, INTERRUPT_MS, INTERRUPT_MS);
        scan_start(s->scan);
        while (!s->done) {
            uv_run(&loop, UV_RUN_ONCE);
        }
        uv_close((uv_handle_t *)&s->look, NULL);
        scan_free(s->scan);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    map_kinds_free(kinds);
    clear_line(s);
    return s->scan != NULL;
}

/* --- the end -----------------------------------------------------------------------------------
 */

static int report(const struct scanning *s)
{
    const struct scan_result *r = &s->result;
    size_t n;
    char *json = s->a->json ? scan_result_json(r, &n) : NULL;

    if (s->a->json) {
        if (json == NULL) {
            fprintf(stderr, "scan: out of memory\n");
            return 1;
        }
        printf("%.*s\n", (int)n, json);
        free(json);
    } else {
        scan_print(r);
    }
    return r->items > 0 && r->problems == 0 ? 0 : 1;
}

int scan_main(int argc, char **argv)
{
    struct arguments a = {0};
    struct config *config = NULL;
    struct scanning s = {.a = &a};
    int status = 1;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!parse(&a, argc, argv)) {
        return 2;
    }
    if (a.ports == 0) {
        return list_ports(a.json);
    }
    if (a.config != NULL && (config = config_load(a.config, stderr)) == NULL) {
        return 2;
    }
    a.scan.port = a.port;
    a.scan.ports = (unsigned)a.ports;
    a.scan.on_found = on_found;
    a.scan.on_progress = on_progress;
    a.scan.on_problem = on_problem;
    a.scan.on_done = on_done;
    a.scan.ctx = &s;
    scan_result_init(&s.result, &a.scan, config);
    s.result.id = 1;
    s.result.started_ms = unix_ms();
    s.terminal = isatty(STDERR_FILENO) == 1;
    s.interrupted = interrupt_catch();
    log_set_level(LOG_ERROR);
    if (run(&s)) {
        s.result.state = *s.interrupted ? SCAN_STOPPED : SCAN_DONE;
        s.result.ended_ms = unix_ms();
        status = report(&s);
    } else {
        fprintf(stderr, "scan: out of memory\n");
    }
    scan_result_deinit(&s.result);
    config_free(config);
    return fflush(stdout) == 0 ? status : 1;
}

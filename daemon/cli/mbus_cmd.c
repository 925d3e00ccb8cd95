#include "daemon/cli/mbus_cmd.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "daemon/cli/number_option.h"
#include "daemon/drivers/mbus.h"
#include "daemon/drivers/mbus_search.h"
#include "daemon/drivers/mbus_talk.h"
#include "daemon/drivers/serial.h"
#include "daemon/drivers/tcp_port.h"

enum { TIMEOUT_MS = 1000, RETRIES = 2, JSON_MAX = 1024 };

struct arguments {
    const char *port, *tcp, *secondary;
    struct mbus_search_options search;
    int from, to; /* addresses; -1: not given */
    unsigned timeout_ms;
    bool json, yes;
};

static const char usage[] =
    "usage: heatwatt mbus search PORT [--baud LIST] [--only primary|secondary] [--timeout MS]\n"
    "                            [--json]\n"
    "       heatwatt mbus set-address PORT (--from A | --secondary ID) --to B [--baud N]\n"
    "                            [--timeout MS] --yes\n"
    "PORT is a serial port, or host:port of a TCP gateway.\n"
    "search reads only. Without --baud it tries 2400, then 9600, 300, 4800, 1200 and 600 until\n"
    "something answers; LIST is speeds with commas, all of them tried, or `all`.\n"
    "set-address changes one meter: it must answer, nobody may have address B, and after the\n"
    "change it must answer there. Without --yes it only looks and tells.\n";

/* --- arguments ------------------------------------------------------------------------------- */

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "mbus: %s%s%s\n%s", what, value != NULL ? " " : "", value != NULL ? value : "",
            usage);
    return -1;
}

static const unsigned usual_speeds[] = {2400, 9600, 300, 4800, 1200, 600};

static void set_usual_speeds(struct mbus_search_options *o)
{
    o->speeds = sizeof(usual_speeds) / sizeof(usual_speeds[0]);
    memcpy(o->baud, usual_speeds, sizeof(usual_speeds));
}

static bool parse_speeds(char *text, struct mbus_search_options *o)
{
    o->every_speed = true;
    if (strcmp(text, "all") == 0) {
        set_usual_speeds(o);
        return true;
    }
    return number_option_speeds(text, MBUS_SPEEDS_MAX, o->baud, &o->speeds);
}

static int parse_value(struct arguments *a, const char *name, char *value)
{
    unsigned n;

    if (strcmp(name, "--baud") == 0) {
        return parse_speeds(value, &a->search) ? 0 : wrong("not a list of speeds:", value);
    }
    if (strcmp(name, "--only") == 0) {
        a->search.primary = strcmp(value, "primary") == 0;
        a->search.secondary = strcmp(value, "secondary") == 0;
        return a->search.primary || a->search.secondary
                   ? 0
                   : wrong("--only takes primary or secondary, not", value);
    }
    if (strcmp(name, "--secondary") == 0) {
        a->secondary = value;
        return 0;
    }
    if (strcmp(name, "--timeout") == 0) {
        return number_option_take(value, 20, 60000, &a->timeout_ms)
                   ? 0
                   : wrong("not 20 to 60000 ms:", value);
    }
    if (strcmp(name, "--from") == 0 || strcmp(name, "--to") == 0) {
        if (!number_option_take(value, name[2] == 't' ? 1 : 0, 250, &n)) {
            return wrong("no primary address:", value);
        }
        *(name[2] == 't' ? &a->to : &a->from) = (int)n;
        return 0;
    }
    return wrong("unknown option", name);
}

static int parse(struct arguments *a, int argc, char **argv)
{
    char host[TCP_HOST_MAX];
    uint16_t port;

    *a = (struct arguments){.from = -1, .to = -1};
    a->search.primary = a->search.secondary = true;
    a->search.to = HWT_MBUS_ADDRESS_MAX;
    set_usual_speeds(&a->search);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            a->json = true;
        } else if (strcmp(argv[i], "--yes") == 0) {
            a->yes = true;
        } else if (argv[i][0] == '-') {
            if (i + 1 == argc) {
                return wrong("a value is missing after", argv[i]);
            }
            if (parse_value(a, argv[i], argv[i + 1]) != 0) {
                return -1;
            }
            i++;
        } else if (a->port != NULL || a->tcp != NULL) {
            return wrong("one PORT, not also", argv[i]);
        } else if (argv[i][0] != '/' && tcp_host_split(argv[i], 0, host, &port)) {
            a->tcp = argv[i];
        } else {
            a->port = argv[i];
        }
    }
    return a->port != NULL || a->tcp != NULL ? 0 : wrong("PORT is missing", NULL);
}

/* --- search ---------------------------------------------------------------------------------- */

struct searching {
    const struct arguments *a;
    unsigned found, sends;
    bool failed, done;
};

static void print_json(const struct mbus_found *f)
{
    char text[JSON_MAX], id[16], select[24];
    struct hwt_json j;

    snprintf(id, sizeof(id), "%08lX", (unsigned long)f->id);
    snprintf(select, sizeof(select), "%s%02X%02X%02X%02X", id, f->select[4], f->select[5],
             f->select[6], f->select[7]);
    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "protocol", "mbus");
    hwt_json_uint(&j, "baud", f->baud);
    hwt_json_uint(&j, "address", f->address);
    hwt_json_string(&j, "found_by", f->secondary ? "secondary" : "primary");
    hwt_json_bool(&j, "collision", f->collision);
    hwt_json_string(&j, "secondary", f->identified ? select : NULL);
    hwt_json_string(&j, "id", f->identified ? id : NULL);
    hwt_json_string(&j, "manufacturer", f->identified ? f->maker : NULL);
    if (f->identified) {
        hwt_json_uint(&j, "version", f->version);
    } else {
        hwt_json_null(&j, "version");
    }
    hwt_json_string(&j, "medium", f->identified ? hwt_mbus_medium_name(f->medium, false) : NULL);
    hwt_json_string(&j, "profile", f->profile != NULL ? f->profile->name : NULL);
    hwt_json_end_object(&j);
    fwrite(text, 1, j.at, stdout);
    putchar('\n');
}

static void on_found(void *ctx, const struct mbus_found *f)
{
    struct searching *s = ctx;

    s->found++;
    if (s->a->json) {
        print_json(f);
    } else if (f->collision) {
        printf("address %3u  %5u Bd  several meters answer at once\n", f->address, f->baud);
    } else if (!f->identified) {
        printf("address %3u  %5u Bd  answers, without saying what it is\n", f->address, f->baud);
    } else {
        printf("address %3u  %5u Bd  secondary %08lX  %s version %02X  %s%s%s\n", f->address,
               f->baud, (unsigned long)f->id, f->maker, f->version,
               hwt_mbus_medium_name(f->medium, false), f->profile != NULL ? "  " : "",
               f->profile != NULL ? f->profile->name : "");
    }
    fflush(stdout);
}

static void on_progress(void *ctx, const struct mbus_search_progress *p)
{
    struct searching *s = ctx;

    s->sends = p->sends;
}

static void on_done(void *ctx, const char *why)
{
    struct searching *s = ctx;

    s->done = true;
    s->failed = why != NULL;
    if (why != NULL) {
        fprintf(stderr, "mbus: %s\n", why);
    }
}

static int search(const struct arguments *a)
{
    struct mbus_search_options o = a->search;
    struct searching s = {.a = a};
    struct mbus_search *search;
    uv_loop_t loop;

    o.port = a->port;
    o.tcp = a->tcp;
    o.speeds = a->tcp != NULL ? 1 : o.speeds; /* the gateway's own */
    o.timeout_ms = a->timeout_ms;
    o.on_found = on_found;
    o.on_progress = on_progress;
    o.on_done = on_done;
    o.ctx = &s;
    uv_loop_init(&loop);
    search = mbus_search_new(&loop, &o);
    if (search == NULL) {
        fprintf(stderr, "mbus: out of memory\n");
        return 1;
    }
    mbus_search_start(search);
    while (!s.done) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    mbus_search_free(search);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    if (!a->json && !s.failed) {
        printf("%u found, %u requests\n", s.found, s.sends);
    }
    return s.failed ? 1 : 0;
}

/* --- set-address ----------------------------------------------------------------------------- */

static struct hwt_mbus_task task_for(const struct arguments *a, enum hwt_mbus_goal goal,
                                     struct hwt_mbus_slave *slave)
{
    return (struct hwt_mbus_task){
        .goal = goal,
        .slave = slave,
        .timeout_us = 1000 * (int64_t)(a->timeout_ms > 0 ? a->timeout_ms : TIMEOUT_MS),
        .retries = RETRIES};
}

/* Reads a meter's identity; false, after telling why, if there is no single meter to be read. */
static bool identify(const struct arguments *a, struct mbus_talk *t, struct hwt_mbus_slave *slave,
                     const char *who, uint8_t identity_out[8])
{
    struct hwt_mbus_task task = task_for(a, HWT_MBUS_READ, slave);
    const struct hwt_mbus_master *m;
    struct hwt_mbus_telegram telegram = {0};
    struct hwt_mbus_fault fault;
    int err;

    slave->linked = false;
    err = mbus_talk_run(t, &task, &m);
    if (err != 0) {
        fprintf(stderr, "mbus: no meter could be read at %s: %s\n", who,
                m->collision != HWT_MBUS_NO_COLLISION ? "several answer at once"
                : err == HWT_ERR_AGAIN                ? "no answer"
                                                      : hwt_err_name(err));
        return false;
    }
    if (hwt_mbus_open(&m->reply, &telegram, &fault) != 0 || !telegram.identified ||
        telegram.fixed) {
        fprintf(stderr, "mbus: the meter at %s does not say which it is: left as it is\n", who);
        return false;
    }
    memcpy(identity_out, m->reply.data, 8);
    return true;
}

/* Is nobody there? */
static bool is_free(const struct arguments *a, struct mbus_talk *t, uint8_t address)
{
    struct hwt_mbus_slave slave = {.address = address};
    struct hwt_mbus_task ping = task_for(a, HWT_MBUS_PING, &slave);
    struct hwt_mbus_task read = task_for(a, HWT_MBUS_READ, &slave);
    const struct hwt_mbus_master *m;

    return mbus_talk_run(t, &ping, &m) == HWT_ERR_AGAIN && !slave.linked &&
           mbus_talk_run(t, &read, &m) == HWT_ERR_AGAIN;
}

static int change(const struct arguments *a, struct mbus_talk *t, struct hwt_mbus_slave *slave,
                  const uint8_t identity[8])
{
    const struct hwt_mbus_order order = {4, {0x51, 0x01, 0x7A, (uint8_t)a->to}};
    struct hwt_mbus_task task = task_for(a, HWT_MBUS_TELL, slave);
    struct hwt_mbus_slave moved = {.address = (uint8_t)a->to};
    const struct hwt_mbus_master *m;
    uint8_t there[8];
    char who[24];

    task.order = &order;
    task.orders = 1;
    slave->linked = false;
    if (mbus_talk_run(t, &task, &m) != 0) {
        fprintf(stderr, "mbus: the meter did not acknowledge the new address (write-protected?); "
                        "look with: heatwatt mbus search\n");
        return 1;
    }
    snprintf(who, sizeof(who), "address %d", a->to);
    if (!identify(a, t, &moved, who, there) || memcmp(there, identity, 8) != 0) {
        fprintf(stderr,
                "mbus: acknowledged, but the meter does not answer at address %d; look "
                "with: heatwatt mbus search\n",
                a->to);
        return 1;
    }
    printf("%02X%02X%02X%02X now answers at address %d\n", identity[3], identity[2], identity[1],
           identity[0], a->to);
    return 0;
}

static int look_and_change(const struct arguments *a, struct mbus_talk *t,
                           struct hwt_mbus_slave *slave)
{
    uint8_t identity[8];
    char who[40];

    if (a->secondary != NULL) {
        snprintf(who, sizeof(who), "secondary address %.20s", a->secondary);
    } else {
        snprintf(who, sizeof(who), "address %d", a->from);
    }
    if (!identify(a, t, slave, who, identity)) {
        return 1;
    }
    printf("%02X%02X%02X%02X is at %s\n", identity[3], identity[2], identity[1], identity[0], who);
    if (!is_free(a, t, (uint8_t)a->to)) {
        fprintf(stderr, "mbus: address %d is taken: choose another\n", a->to);
        return 1;
    }
    if (!a->yes) {
        printf("nothing was changed: add --yes to give it address %d\n", a->to);
        return 1;
    }
    return change(a, t, slave, identity);
}

static int set_address(const struct arguments *a)
{
    struct hwt_mbus_slave slave = {.address = (uint8_t)(a->from >= 0 ? a->from : 0)};
    char why[MBUS_TALK_WHY_MAX];
    struct mbus_talk *t;
    int status;

    if (a->to < 0 || (a->from >= 0) == (a->secondary != NULL)) {
        wrong("set-address takes --to and one of --from and --secondary", NULL);
        return 2;
    }
    if (a->secondary != NULL) {
        slave.address = HWT_MBUS_ADDRESS_SELECTED;
        slave.select_size = HWT_MBUS_SELECT_SIZE;
        if (!mbus_select_parse(a->secondary, slave.select)) {
            wrong("not a secondary address:", a->secondary);
            return 2;
        }
    }
    t = mbus_talk_open(a->port, a->tcp, a->search.baud[0], why);
    if (t == NULL) {
        fprintf(stderr, "mbus: %s\n", why);
        return 1;
    }
    status = look_and_change(a, t, &slave);
    mbus_talk_close(t);
    return status;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

int mbus_main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    struct arguments a;
    int status;

    if (strcmp(verb, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (strcmp(verb, "search") != 0 && strcmp(verb, "set-address") != 0) {
        wrong("no such command:", verb);
        return 2;
    }
    if (asks_for_help(argc, argv)) {
        fputs(usage, stdout);
        return 0;
    }
    if (parse(&a, argc, argv) != 0) {
        return 2;
    }
    status = strcmp(verb, "search") == 0 ? search(&a) : set_address(&a);
    return fflush(stdout) == 0 ? status : 1;
}

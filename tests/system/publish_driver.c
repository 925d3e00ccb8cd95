/*
 * Drives the Emoncms publisher alone: a log in memory whose records are known, real sockets, real
 * cursor file. tests/system/test_emoncms.py starts it against fake_emoncms.py and kills it.
 *
 *   publish_driver --url URL --key KEY --data DIR [--records N] [--first N] [--grow-ms N]
 *                  [--every-s N] [--batch N] [--interval-s N] [--retry-ms N] [--refused-ms N]
 *                  [--timeout-s N] [--uuid N] [--cleartext]
 *
 * Record n ends START + n x every_s and holds hp_power = n W and hp_import = n Wh; every seventh
 * has no power. Prints a line of JSON whenever the publisher's state has changed; SIGTERM ends it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/base/json.h"
#include "daemon/publish/emoncms.h"

#define START_S INT64_C(1800000000)

static const struct hwt_channel channels[] = {{"hp_power", HWT_Q_POWER},
                                              {"hp_import", HWT_Q_IMPORT}};
static const struct hwt_schema schema = {channels, 2};

struct log { /* shared with the workers */
    pthread_mutex_t lock;
    uint64_t first, last;
    uint8_t uuid;
    int64_t every_s;
};

struct reading {
    struct log *log;
    uint64_t at, first, last;
    struct hwt_value value[2];
    struct hwt_record record;
};

struct driver {
    struct log log;
    struct emoncms_options options;
    struct publish_emoncms *publisher;
    uv_timer_t grow, show;
    uv_signal_t term;
    unsigned grow_ms;
    char shown[1024];
};

static int log_open(void *ctx, const char *stream, struct log_view *view_out, void **reader_out)
{
    struct log *log = ctx;
    struct reading *r = calloc(1, sizeof(*r));

    if (r == NULL || strcmp(stream, "own") != 0) {
        free(r);
        return HWT_ERR_NOT_FOUND;
    }
    pthread_mutex_lock(&log->lock);
    r->log = log;
    r->first = log->first;
    r->last = log->last;
    pthread_mutex_unlock(&log->lock);
    memset(view_out->uuid, log->uuid, sizeof(view_out->uuid));
    view_out->last = r->last;
    *reader_out = r;
    return HWT_OK;
}

static int log_seek(void *reader, uint64_t sequence)
{
    struct reading *r = reader;

    if (sequence == 0 || sequence > r->last + 1) {
        return HWT_ERR_ARGUMENT;
    }
    r->at = sequence;
    return HWT_OK;
}

static int log_next(void *reader, const struct hwt_schema **schema_out,
                    const struct hwt_record **record_out, uint64_t *lost_out)
{
    struct reading *r = reader;

    if (r->at < r->first) {
        *lost_out = r->first - r->at;
        r->at = r->first;
        return HWT_ERR_LOST;
    }
    if (r->at > r->last) {
        return 0;
    }
    r->value[0] = (struct hwt_value){.v = (int64_t)r->at * 10, .quality = HWT_QUALITY_GOOD};
    r->value[1] = (struct hwt_value){.v = (int64_t)r->at * 3600000, .quality = HWT_QUALITY_GOOD};
    if (r->at % 7 == 0) {
        r->value[0].quality = HWT_QUALITY_MISSING;
    }
    r->record = (struct hwt_record){
        .sequence = r->at,
        .unix_ms = (START_S + (int64_t)r->at * r->log->every_s) * 1000,
        .clock = HWT_CLOCK_SYNCED,
        .count = 2,
        .value = r->value,
    };
    r->at++;
    *schema_out = &schema;
    *record_out = &r->record;
    return 1;
}

static void log_close(void *reader)
{
    free(reader);
}

static void show(struct driver *d)
{
    char line[sizeof(d->shown)];
    struct status_view v;
    struct hwt_json j;

    status_get(d->options.status, &v);
    hwt_json_init(&j, line, sizeof(line) - 1);
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "state", status_state_name(v.state));
    hwt_json_string(&j, "cause", v.cause);
    hwt_json_bool(&j, "good", v.last_ms != 0);
    for (unsigned i = 0; i < v.counters; i++) {
        hwt_json_uint(&j, v.counter[i].name, v.counter[i].value);
    }
    hwt_json_end_object(&j);
    line[j.at] = '\0';
    if (strcmp(line, d->shown) != 0) {
        memcpy(d->shown, line, sizeof(line));
        puts(line);
        fflush(stdout);
    }
}

static void on_show(uv_timer_t *t)
{
    show(t->data);
}

static void on_grow(uv_timer_t *t)
{
    struct driver *d = t->data;
    uint64_t last;

    pthread_mutex_lock(&d->log.lock);
    last = ++d->log.last;
    pthread_mutex_unlock(&d->log.lock);
    publish_emoncms_wake(d->publisher, last);
}

static void on_term(uv_signal_t *s, int number)
{
    struct driver *d = s->data;

    (void)number;
    publish_emoncms_free(d->publisher);
    uv_close((uv_handle_t *)&d->grow, NULL);
    uv_close((uv_handle_t *)&d->show, NULL);
    uv_close((uv_handle_t *)&d->term, NULL);
}

static int run(struct driver *d)
{
    uv_loop_t *loop = uv_default_loop();

    d->publisher = publish_emoncms_new(loop, &d->options);
    if (d->publisher == NULL) {
        return 1;
    }
    uv_timer_init(loop, &d->grow);
    uv_timer_init(loop, &d->show);
    uv_signal_init(loop, &d->term);
    d->grow.data = d->show.data = d->term.data = d;
    uv_signal_start(&d->term, on_term, SIGTERM);
    uv_timer_start(&d->show, on_show, 10, 20);
    if (d->grow_ms > 0) {
        uv_timer_start(&d->grow, on_grow, d->grow_ms, d->grow_ms);
    }
    publish_emoncms_start(d->publisher);
    uv_run(loop, UV_RUN_DEFAULT);
    show(d);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}

static void parse_options(struct driver *d, int argc, char **argv)
{
    enum {
        URL,
        KEY,
        DATA,
        RECORDS,
        FIRST,
        GROW,
        EVERY,
        BATCH,
        INTERVAL,
        RETRY,
        REFUSED,
        TIMEOUT,
        UUID,
        CLEARTEXT
    };
    static const struct option table[] = {
        {"url", 1, NULL, URL},
        {"key", 1, NULL, KEY},
        {"data", 1, NULL, DATA},
        {"records", 1, NULL, RECORDS},
        {"first", 1, NULL, FIRST},
        {"grow-ms", 1, NULL, GROW},
        {"every-s", 1, NULL, EVERY},
        {"batch", 1, NULL, BATCH},
        {"interval-s", 1, NULL, INTERVAL},
        {"retry-ms", 1, NULL, RETRY},
        {"refused-ms", 1, NULL, REFUSED},
        {"timeout-s", 1, NULL, TIMEOUT},
        {"uuid", 1, NULL, UUID},
        {"cleartext", 0, NULL, CLEARTEXT},
        {NULL, 0, NULL, 0},
    };
    struct emoncms_options *o = &d->options;
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0) {
        unsigned n = optarg != NULL ? (unsigned)strtoul(optarg, NULL, 10) : 0;

        switch (c) {
        case URL:
            o->url = optarg;
            break;
        case KEY:
            o->key = optarg;
            break;
        case DATA:
            o->data_dir = optarg;
            break;
        case RECORDS:
            d->log.last = n;
            break;
        case FIRST:
            d->log.first = n;
            break;
        case GROW:
            d->grow_ms = n;
            break;
        case EVERY:
            d->log.every_s = n;
            break;
        case BATCH:
            o->batch = n;
            break;
        case INTERVAL:
            o->interval_s = n;
            break;
        case RETRY:
            o->retry_min_ms = n;
            o->retry_max_ms = 8 * n;
            break;
        case REFUSED:
            o->refused_ms = n;
            break;
        case TIMEOUT:
            o->timeout_s = n;
            break;
        case UUID:
            d->log.uuid = (uint8_t)n;
            break;
        case CLEARTEXT:
            o->allow_cleartext = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    static struct driver d = {
        .log = {.lock = PTHREAD_MUTEX_INITIALIZER, .first = 1, .uuid = 0x11, .every_s = 10},
        .options = {.id = "emoncms", .node = "heatwatt", .interval_s = 1},
    };
    static const struct log_source source = {
        .open = log_open, .seek = log_seek, .next = log_next, .close = log_close, .ctx = &d.log};
    int result;

    parse_options(&d, argc, argv);
    if (d.options.url == NULL || d.options.key == NULL || d.options.data_dir == NULL) {
        fputs("publish_driver: --url, --key and --data are needed\n", stderr);
        return 2;
    }
    d.options.source = &source;
    d.options.clock = clock_new(CLOCK_TRUST_ALWAYS);
    d.options.status = status_new("emoncms", "emoncms");
    result = run(&d);
    status_free(d.options.status);
    clock_free(d.options.clock);
    return result;
}

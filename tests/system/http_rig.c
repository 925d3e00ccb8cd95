/*
 * http_rig.c: the HTTP server alone, on a free port of 127.0.0.1, with a log of arrays and a small
 * page; for tests/system/test_http_api.py. Arguments: ADDRESS PORT CHANGES (local, always
 * or never). It prints "listening URL", then obeys lines on stdin and answers each with a line.
 *
 *   live JSON       publishes it                 records N   N more records, event streams told
 *   scan R JSON     the same; R 1: running, 0
 *   tick            a second without news        quiet N     N more records, nobody told
 *   later MS        real time is so much later than it is
 *   drop N          forgets the records up to N  slow US     each bucket and record takes so long
 *   fail S B R      error codes of snapshots, buckets, records
 *   taken           buckets and records so far
 *   entry JSON      a new entry of the journal   asked   what the journal was asked for last
 *   stats           a JSON object                quit
 *   jobs            how many wait, and the       answer STATUS JSON   to the one that waits longest
 *                   first one's body or kind,    full B               1: takes no more jobs
 *                   or that it may not change
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "daemon/http/http.h"
#include "daemon/http/job.h"
#include "tests/system/fake_tslog.h"

enum { SCRIPT_BYTES = 50000, LINE = 65536, ENTRIES = 64, ENTRY = 1024 };

static const struct http_series series[] = {
    {"hp_power", "hp", "Heat pump \xe2\x9a\xa1", HWT_Q_POWER},
    {"hp_import", "hp", "Heat pump, energy", HWT_Q_IMPORT},
    {"heatmeter_flow_t", "heatmeter", "Flow", HWT_Q_FLOW_T},
    {"cellar_temperature", "cellar", "Cellar, not yet read", HWT_Q_TEMPERATURE},
};

static const struct http_series *all_series(void *ctx, size_t *n_out)
{
    (void)ctx;
    *n_out = sizeof(series) / sizeof(series[0]);
    return series;
}

static char entry[ENTRIES][ENTRY];
static unsigned entries;
static struct http_journal_query asked;
static char asked_source[64];

static void add_entry(struct http *h, const char *json)
{
    snprintf(entry[entries % ENTRIES], ENTRY, "%.*s", ENTRY - 1, json);
    entries++;
    http_publish_entry(h, json, strlen(json));
}

/* Newest first; what is chosen by time and source is the journal's own work. */
static int journal(void *ctx, const struct http_journal_query *query, http_line_sink line, void *to)
{
    unsigned given = 0;

    (void)ctx;
    asked = *query;
    snprintf(asked_source, sizeof(asked_source), "%s", query->source != NULL ? query->source : "");
    while (given < entries && given < ENTRIES && given < query->limit) {
        const char *p = entry[(entries - 1 - given) % ENTRIES];

        given++;
        if (!line(to, p, strlen(p))) {
            break;
        }
    }
    return (int)given;
}

static void print_asked(void)
{
    printf("{\"from\":%lld,\"to\":%lld,\"source\":\"%s\",\"limit\":%u}\n", (long long)asked.from_ms,
           (long long)asked.to_ms, asked_source, asked.limit);
}

/* Jobs that wait for an answer. */
static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_job *first_job;
static bool full;

static bool submit(void *ctx, struct http_job *job)
{
    struct http_job **at = &first_job;
    bool taken;

    (void)ctx;
    pthread_mutex_lock(&jobs_lock);
    taken = !full;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    if (taken) {
        *at = job;
    }
    pthread_mutex_unlock(&jobs_lock);
    return taken;
}

static struct http_job *take_job(void)
{
    struct http_job *job;

    pthread_mutex_lock(&jobs_lock);
    job = first_job;
    if (job != NULL) {
        first_job = job->next;
        job->next = NULL;
    }
    pthread_mutex_unlock(&jobs_lock);
    return job;
}

static void print_jobs(void)
{
    static const char *const bodiless[HTTP_JOB_KINDS] = {
        [HTTP_ADD_SOURCE] = "-",   [HTTP_SCAN_START] = "-",
        [HTTP_SCAN_GET] = "-scan", [HTTP_SCAN_STOP] = "-stop",
        [HTTP_PORTS] = "-ports",   [HTTP_GET_CALIBRATION] = "-calibration",
        [HTTP_CALIBRATE] = "-",    [HTTP_TAKE_BACK] = "-back"};
    const char *none = "-", *may = "";
    char *body = NULL;
    int n = 0;

    pthread_mutex_lock(&jobs_lock);
    for (const struct http_job *job = first_job; job != NULL; job = job->next) {
        n++;
    }
    if (first_job != NULL && first_job->body != NULL) {
        body = json_dumps(first_job->body, JSON_COMPACT);
    }
    if (first_job != NULL) {
        none = bodiless[first_job->kind];
        may = first_job->may_change ? "" : ", may not change";
    }
    pthread_mutex_unlock(&jobs_lock);
    printf("%d %s%s\n", n, body != NULL ? body : none, may);
    free(body);
}

static int answer_job(const char *status_and_json)
{
    struct http_job *job = take_job();
    char *json;
    unsigned long status = strtoul(status_and_json, &json, 10);

    if (job == NULL) {
        return -1;
    }
    if (status < 400) {
        http_job_answer_json(job, (unsigned)status, json + 1, strlen(json + 1));
    } else {
        http_job_answer(job, http_reply_copy((unsigned)status, "application/problem+json", json + 1,
                                             strlen(json + 1)));
    }
    return 0;
}

/* 230 V of 50 Hz and a clamp of 40 A that clips, 200 scans a cycle. */
static void fill_codes(int32_t *codes, uint32_t scans)
{
    for (uint32_t k = 0; k < scans; k++) {
        double angle = 2 * 3.14159265358979 * k / 200;
        double amps = 40 * sqrt(2) * sin(angle - 0.5) + 6 * sin(3 * angle);

        codes[2 * k] = (int32_t)lround(230 * sqrt(2) * 4 * sin(angle));
        codes[2 * k + 1] = (int32_t)lround(fmax(-2048, fmin(2047, 40 * amps)));
    }
}

/* A clamp "hp", and nothing else; "asleep" is one without samples. */
static int waveform(void *ctx, const char *channel, unsigned cycles,
                    struct http_waveform *waveform_out, char detail_out[HTTP_DETAIL])
{
    enum { SCANS = 12 * 200 };
    static int32_t codes[2 * SCANS];
    static const struct hwt_meter_config config = {
        .slots = 2,
        .slot = {{.kind = HWT_SLOT_VOLTAGE, .ratio = 0.25},
                 {.kind = HWT_SLOT_CURRENT, .ratio = 0.025, .reference = 0}}};
    const struct hwt_meter_scans scans = {
        .codes = codes,
        .scans = SCANS,
        .period_ps = 100000000,
        .slots = 2,
        .bits = 12,
        .slot = {{HWT_SLOT_VOLTAGE, 0, 0}, {HWT_SLOT_CURRENT, 0, 32768}}};
    double *memory;

    (void)ctx;
    if (strcmp(channel, "asleep") == 0) {
        snprintf(detail_out, HTTP_DETAIL, "no samples of 'asleep' now");
        return HWT_ERR_AGAIN;
    }
    if (strcmp(channel, "hp") != 0 && strcmp(channel, "hp_power") != 0) {
        snprintf(detail_out, HTTP_DETAIL, "'%.70s' is not configured; the clamps are hp", channel);
        return HWT_ERR_ARGUMENT;
    }
    memory = malloc(2 * SCANS * (sizeof(double) + 1));
    if (memory == NULL) {
        return HWT_ERR_SPACE;
    }
    fill_codes(codes, SCANS);
    *waveform_out = (struct http_waveform){.memory = memory,
                                           .source = "hp",
                                           .label = "Heat pump \xe2\x9a\xa1",
                                           .voltage = "mains",
                                           .noise = 0.6,
                                           .unix_ms = 1800000000000,
                                           .bits = 12,
                                           .provenance = HWT_PROVENANCE_SIMULATED};
    waveform_out->scope.voltage.value = memory;
    waveform_out->scope.current.value = memory + SCANS;
    waveform_out->scope.voltage.clipped = (uint8_t *)(memory + 2 * SCANS);
    waveform_out->scope.current.clipped = (uint8_t *)(memory + 2 * SCANS) + SCANS;
    return hwt_meter_scope(&config, 1, &scans, cycles, 0.6, &waveform_out->scope);
}

/* gzip of n bytes; the result is kept for the life of the program. */
static struct web_asset pack(const char *path, const char *type, const char *p, size_t n,
                             bool immutable)
{
    size_t room = n + 1024;
    unsigned char *out = malloc(room);
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)p,
                  .avail_in = (uInt)n,
                  .next_out = out,
                  .avail_out = (uInt)room};

    if (out == NULL ||
        deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END) {
        exit(1);
    }
    deflateEnd(&z);
    return (struct web_asset){path, type, "5eed", out, room - z.avail_out, n, immutable};
}

static void print_stats(struct http *h)
{
    struct http_stats s;

    http_stats(h, &s);
    printf("{\"ok\":%llu,\"client_error\":%llu,\"server_error\":%llu,\"refused_host\":%llu,"
           "\"refused_origin\":%llu,\"sse_refused\":%llu,\"live_skipped\":%llu,"
           "\"sse_clients\":%u}\n",
           (unsigned long long)s.ok, (unsigned long long)s.client_error,
           (unsigned long long)s.server_error, (unsigned long long)s.refused_host,
           (unsigned long long)s.refused_origin, (unsigned long long)s.sse_refused,
           (unsigned long long)s.live_skipped, s.sse_clients);
}

static _Atomic int64_t later_us;

int64_t __real_clock_real_us(void);
int64_t __wrap_clock_real_us(void);

/* What clock_real_us is in this program. */
int64_t __wrap_clock_real_us(void)
{
    return __real_clock_real_us() + later_us;
}

static void obey(struct http *h, const char *line)
{
    int n = 0, a = 0, b = 0, c = 0;

    if (strncmp(line, "scan ", 5) == 0) {
        n = http_publish_scan(h, line + 7, strlen(line + 7), line[5] == '1');
    } else if (strncmp(line, "live ", 5) == 0) {
        n = http_publish_live(h, line + 5, strlen(line + 5));
    } else if (sscanf(line, "records %d", &n) == 1) {
        fake_append((unsigned)n);
        http_notify_record(h);
    } else if (sscanf(line, "quiet %d", &n) == 1) {
        fake_append((unsigned)n);
    } else if (sscanf(line, "drop %d", &n) == 1) {
        fake_drop((unsigned)n);
    } else if (sscanf(line, "slow %d", &n) == 1) {
        fake_slow((unsigned)n);
    } else if (strcmp(line, "taken") == 0) {
        printf("%u\n", fake_taken());
        return;
    } else if (sscanf(line, "fail %d %d %d", &a, &b, &c) == 3) {
        fake_fail(a, b, c);
    } else if (strncmp(line, "entry ", 6) == 0) {
        add_entry(h, line + 6);
    } else if (strcmp(line, "asked") == 0) {
        print_asked();
        return;
    } else if (sscanf(line, "later %d", &n) == 1) {
        later_us = 1000 * (int64_t)n;
    } else if (strcmp(line, "tick") == 0) {
        http_tick(h);
    } else if (strncmp(line, "answer ", 7) == 0) {
        n = answer_job(line + 7);
    } else if (sscanf(line, "full %d", &n) == 1) {
        pthread_mutex_lock(&jobs_lock);
        full = n != 0;
        pthread_mutex_unlock(&jobs_lock);
    } else if (strcmp(line, "jobs") == 0) {
        print_jobs();
        return;
    } else if (strcmp(line, "stats") == 0) {
        print_stats(h);
        return;
    } else {
        puts("what?");
        return;
    }
    printf("ok %d\n", n);
}

static enum http_changes changes_of(const char *word)
{
    return strcmp(word, "always") == 0  ? HTTP_CHANGES_ALWAYS
           : strcmp(word, "never") == 0 ? HTTP_CHANGES_NEVER
                                        : HTTP_CHANGES_LOCAL;
}

/* Those never answered: the server is gone, and their requests with it. */
static void end_jobs(void)
{
    struct http_job *job;

    while ((job = take_job()) != NULL) {
        http_job_answer(job, NULL);
    }
}

static void free_assets(struct web_asset assets[2])
{
    free((void *)(uintptr_t)assets[0].gzip);
    free((void *)(uintptr_t)assets[1].gzip);
}

int main(int argc, char **argv)
{
    static char script[SCRIPT_BYTES], line[LINE];
    static const char page[] = "<!doctype html><title>rig</title>";
    static const char *const hosts[] = {"Heatwatt.example"};
    char error[200];
    struct web_asset assets[2];
    struct http_options options = {
        .listen = argc > 1 ? argv[1] : "127.0.0.1",
        .port = (uint16_t)(argc > 2 ? strtoul(argv[2], NULL, 10) : 0),
        .hosts = hosts,
        .host_count = 1,
        .timezone = "Europe/London",
        .changes = changes_of(argc > 3 ? argv[3] : "local"),
        .hooks = {.snapshot = fake_snapshot,
                  .series = all_series,
                  .journal = journal,
                  .waveform = waveform,
                  .submit = submit},
        .assets = assets,
        .asset_count = 2,
    };
    struct http *h;

    for (size_t i = 0; i < sizeof(script); i++) {
        script[i] = (char)('a' + i * i % 23);
    }
    assets[0] = pack("/index.html", "text/html; charset=utf-8", page, sizeof(page) - 1, false);
    assets[1] = pack("/app.5eed.js", "text/javascript", script, sizeof(script), true);
    h = http_start(&options, error, sizeof(error));
    if (h == NULL) {
        fprintf(stderr, "%s\n", error);
        free_assets(assets);
        return 1;
    }
    printf("listening http://%s:%u/\n", strchr(options.listen, ':') != NULL ? "[::1]" : "127.0.0.1",
           http_port(h));
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "quit\n") != 0) {
        line[strcspn(line, "\n")] = '\0';
        obey(h, line);
        fflush(stdout);
    }
    http_stop(h);
    end_jobs();
    free_assets(assets);
    puts("stopped");
    return 0;
}

/*
 * log_engines: the parts of the log's bench that are timed inside one process or need the speed of
 * C; build/bench/log runs them one after another and draws the table. Each prints one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engines/engine.h"
#include "bench/engines/http.h"
#include "bench/engines/live.h"
#include "bench/engines/text.h"

enum { APPEND_ROWS = 100000, DURABLE_ROWS = 1000, ASK_TIMES = 201, POST_ROWS = 5000 };

#define ASK_LONGEST_S 2.0

static const char usage[] =
    "usage: log_engines series\n"
    "       log_engines make FILE DAYS\n"
    "       log_engines truth FILE PREFIX          answers into PREFIX.q1 ... PREFIX.q5\n"
    "       log_engines import ENGINE FILE DIR     ours, flat, sqlite-full, sqlite-normal\n"
    "       log_engines ask ENGINE FILE DIR PREFIX ours-unrolled too\n"
    "       log_engines append ENGINE FILE DIR durable|cached\n"
    "       log_engines csv FILE OUT\n"
    "       log_engines get PORT PATH OUT TIMES    the last reply's body into OUT\n"
    "       log_engines post PORT PATH FILE decimals|integers\n"
    "       log_engines live ENGINE FILE DIR COMMIT_S       a record each 10 s, without end\n"
    "       log_engines live-fast FILE DIR COMMIT_S HOURS STAT\n";

static const struct engine *const engines[] = {&engine_ours, &engine_ours_unrolled, &engine_flat,
                                               &engine_sqlite_full, &engine_sqlite_normal};

static const struct engine *find(const char *name)
{
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        if (strcmp(engines[i]->name, name) == 0) {
            return engines[i];
        }
    }
    die("no engine '%s'", name);
}

static int series(char **argv)
{
    (void)argv;
    printf("{\"from_s\": %lld, \"decimals\": {", (long long)YEAR_FROM_S);
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        printf("%s\"%s\": %u", c == 0 ? "" : ", ", year_series[c].id, year_series[c].decimals);
    }
    printf("}}\n");
    return 0;
}

static int make(char **argv)
{
    data_make(argv[0], (unsigned)strtoul(argv[1], NULL, 10), 1);
    return 0;
}

static int truth(char **argv)
{
    struct data d;

    data_map(&d, argv[0]);
    for (int q = 0; q < QUERIES; q++) {
        struct answer a = {0};

        engine_truth.query[q](NULL, &d, &a);
        answer_save(&a, argv[1], q);
        free(a.v);
    }
    printf("{\"entropy\": %.4f}\n", data_entropy(&d));
    return 0;
}

static int import(char **argv)
{
    const struct engine *engine = find(argv[0]);
    double began, cpu, took, rolling, cpu_rolling;
    struct data d;

    data_map(&d, argv[1]);
    cpu = cpu_s();
    began = now_s();
    engine->import(argv[2], &d);
    took = now_s() - began;
    cpu = cpu_s() - cpu;
    cpu_rolling = cpu_s();
    began = now_s();
    if (engine->roll != NULL) {
        engine->roll(argv[2]);
    }
    rolling = now_s() - began;
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"rolling\": %.6f, \"cpu_rolling\": %.6f, "
           "\"points\": %zu}\n",
           took, cpu, rolling, cpu_s() - cpu_rolling, d.rows * YEAR_SERIES);
    return 0;
}

/* --- questions --- */

struct times {
    double ms[ASK_TIMES], first_ms, began;
    size_t n;
};

static bool once_more(const struct times *t, size_t times)
{
    return t->n < times && (t->n < 3 || now_s() - t->began < ASK_LONGEST_S);
}

static void note(struct times *t, double ms)
{
    size_t i = t->n++;

    if (i == 0) {
        t->first_ms = ms;
    }
    for (; i > 0 && t->ms[i - 1] > ms; i--) {
        t->ms[i] = t->ms[i - 1];
    }
    t->ms[i] = ms;
}

static double median_ms(const struct times *t)
{
    return t->ms[t->n / 2];
}

/* The answer of the last is saved. */
static double time_query(const struct engine *engine, void *e, const struct data *d, int q,
                         const char *prefix)
{
    struct times t = {.began = now_s()};

    while (once_more(&t, ASK_TIMES)) {
        struct answer a = {0};
        double start = now_s();

        engine->query[q](e, d, &a);
        note(&t, (now_s() - start) * 1e3);
        answer_save(&a, prefix, q);
        free(a.v);
    }
    return median_ms(&t);
}

static int ask(char **argv)
{
    const struct engine *engine = find(argv[0]);
    struct data d;
    void *e;

    data_map(&d, argv[1]);
    e = engine->open(argv[2]);
    printf("{\"ms\": [");
    for (int q = 0; q < QUERIES; q++) {
        printf("%s%.6f", q == 0 ? "" : ", ", time_query(engine, e, &d, q, argv[3]));
    }
    printf("]}\n");
    engine->close(e);
    return 0;
}

static int get(char **argv)
{
    struct http_client *c = http_client_open((unsigned)strtoul(argv[0], NULL, 10));
    struct times t = {.began = now_s()};
    size_t times = strtoul(argv[3], NULL, 10);
    const char *body = NULL;
    size_t n = 0;
    FILE *f;

    while (once_more(&t, times < ASK_TIMES ? times : ASK_TIMES)) {
        double start = now_s();
        int status = http_client_ask(c, "GET", argv[1], NULL, 0, &body, &n);

        note(&t, (now_s() - start) * 1e3);
        if (status != 200) {
            die("%s: status %d: %.*s", argv[1], status, n < 300 ? (int)n : 300, body);
        }
    }
    f = fopen(argv[2], "wb");
    if (f == NULL || fwrite(body, 1, n, f) != n || fclose(f) != 0) {
        die("%s: cannot be written", argv[2]);
    }
    printf("{\"ms\": %.6f, \"first_ms\": %.6f, \"bytes\": %zu}\n", median_ms(&t), t.first_ms, n);
    http_client_close(c);
    return 0;
}

/* --- giving --- */

static int csv(char **argv)
{
    struct data d;

    data_map(&d, argv[0]);
    text_csv_file(argv[1], &d);
    return 0;
}

/* Times only the waiting for the server, not the making of its text. */
static int post(char **argv)
{
    struct http_client *c = http_client_open((unsigned)strtoul(argv[0], NULL, 10));
    enum text_form form = strcmp(argv[3], "integers") == 0 ? TEXT_INTEGERS : TEXT_DECIMALS;
    char *text = malloc((size_t)POST_ROWS * TEXT_ROW_MAX);
    double waited = 0;
    struct data d;

    data_map(&d, argv[2]);
    for (size_t r = 0; text != NULL && r < d.rows; r += POST_ROWS) {
        size_t end = d.rows - r < POST_ROWS ? d.rows : r + POST_ROWS, n;
        const char *body;
        char *p = text;
        double start;
        int status;

        for (size_t i = r; i < end; i++) {
            p = text_row(p, form, d.row[i], i);
        }
        start = now_s();
        status = http_client_ask(c, "POST", argv[1], text, (size_t)(p - text), &body, &n);
        waited += now_s() - start;
        if (status != 204) {
            die("%s: status %d: %.*s", argv[1], status, n < 300 ? (int)n : 300, body);
        }
    }
    printf("{\"seconds\": %.6f, \"points\": %zu}\n", waited, d.rows * YEAR_SERIES);
    free(text);
    http_client_close(c);
    return 0;
}

static int append(char **argv)
{
    const struct engine *engine = find(argv[0]);
    bool durable = strcmp(argv[3], "durable") == 0;
    size_t rows = durable ? DURABLE_ROWS : APPEND_ROWS;
    struct data d;

    data_map(&d, argv[1]);
    rows = rows < d.rows ? rows : d.rows - 1;
    printf("{\"us\": %.3f}\n", engine->append(argv[2], &d, rows, durable) * 1e6 / (double)rows);
    return 0;
}

static int live(char **argv)
{
    unsigned commit_s = (unsigned)strtoul(argv[3], NULL, 10);
    struct data d;

    data_map(&d, argv[1]);
    if (strcmp(argv[0], "ours") == 0) {
        live_ours(argv[2], &d, commit_s);
    }
    live_sqlite(argv[2], &d, strcmp(argv[0], "sqlite-full") == 0);
}

static int live_fast(char **argv)
{
    struct live_count count;
    struct data d;

    data_map(&d, argv[0]);
    live_ours_fast(argv[1], &d, (unsigned)strtoul(argv[2], NULL, 10), strtod(argv[3], NULL),
                   argv[4], &count);
    printf("{\"bytes\": %llu, \"commits\": %llu, \"hours\": %.3f}\n",
           (unsigned long long)count.bytes, (unsigned long long)count.commits, count.hours);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments;
        int (*run)(char **argv);
    } verbs[] = {
        {"series", 0, series},
        {"make", 2, make},
        {"truth", 2, truth},
        {"import", 3, import},
        {"ask", 4, ask},
        {"append", 4, append},
        {"csv", 2, csv},
        {"get", 4, get},
        {"post", 4, post},
        {"live", 4, live},
        {"live-fast", 5, live_fast},
    };

    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 == verbs[i].arguments) {
            return verbs[i].run(argv + 2);
        }
    }
    fputs(usage, stderr);
    return 2;
}

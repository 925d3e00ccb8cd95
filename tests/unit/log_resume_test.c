/* Imports and exports that were cut short, and go on. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/quantity.h"
#include "daemon/store/export.h"
#include "daemon/store/import.h"
#include "daemon/store/log_dir.h"
#include "tests/log/folder.h"
#include "tests/log/gen.h"

enum { ROWS = 40 };

/* ROWS rows of three channels: gaps, missing values, a step of 10 s. */
static size_t make_rows(char *text, size_t n, unsigned rows)
{
    size_t at = (size_t)snprintf(text, n, "time,hp_power,hp_import,a_temperature\n");
    struct rng rng = {7};

    for (unsigned i = 0; i < rows; i++) {
        long long ms = 1795000000000 + (i + i / 9) * 10000LL;

        at += (size_t)snprintf(text + at, n - at, "%lld,%u.5,%u.25,", ms, rng_below(&rng, 3000) + 1,
                               i * 3);
        at += rng_below(&rng, 3) == 0
                  ? (size_t)snprintf(text + at, n - at, "\n")
                  : (size_t)snprintf(text + at, n - at, "-%u.01\n", rng_below(&rng, 20) + 1);
    }
    return at;
}

/* Bytes of the first line and so many rows. */
static size_t bytes_of(const char *text, unsigned rows)
{
    const char *p = text;

    for (unsigned i = 0; i <= rows; i++) {
        p = strchr(p, '\n') + 1;
    }
    return (size_t)(p - text);
}

static void put(const struct folder *f, const char *file, const char *text)
{
    folder_write(f, file, text, strlen(text));
}

static struct log_import_result import(const struct folder *f, const char *file, bool resume)
{
    char path[2 * FOLDER_PATH_MAX];
    struct log_import_options o = {.dir = f->dir,
                                   .file = path,
                                   .provenance = HWT_PROVENANCE_IMPORTED,
                                   .stream = "history",
                                   .resume = resume};
    struct log_import_result r;

    snprintf(path, sizeof(path), "%s", folder_path(f, file));
    (void)log_import(&o, &r);
    return r;
}

static bool import_keeping(const struct folder *f, const char *file)
{
    char path[2 * FOLDER_PATH_MAX];
    struct log_import_options o = {.dir = f->dir,
                                   .file = path,
                                   .provenance = HWT_PROVENANCE_IMPORTED,
                                   .stream = "history",
                                   .csv = {.backward = CSV_BACKWARD_KEEP}};
    struct log_import_result r;

    snprintf(path, sizeof(path), "%s", folder_path(f, file));
    return log_import(&o, &r);
}

static struct log_export_result export(const struct folder *f, const char *stream, const char *file,
                                       struct log_export_options o)
{
    char why[256] = "", path[2 * FOLDER_PATH_MAX];
    struct log_dir *log = log_dir_open(f->dir, true, why, sizeof(why));
    struct log_export_result r;

    assert_string_equal(why, "");
    snprintf(path, sizeof(path), "%s", folder_path(f, file));
    o.snapshot = log_dir_snapshot(log);
    o.stream = log_dir_find(log, stream);
    assert_true(o.stream >= 0);
    o.to_ms = o.to_ms != 0 ? o.to_ms : INT64_MAX;
    o.file = path;
    (void)log_export(&o, &r);
    log_dir_close(log);
    return r;
}

static void assert_log_is(const struct folder *f, const char *text, size_t n)
{
    struct log_export_result r;
    char *out;
    size_t got;

    unlink(folder_path(f, "out.csv"));
    r = export(f, "history", "out.csv", (struct log_export_options){0});
    assert_true(r.ok);
    out = folder_read(f, "out.csv", &got);
    assert_int_equal(got, n);
    assert_memory_equal(out, text, n);
    free(out);
}

/* --- import --- */

static void an_import_goes_on_after_any_row(void **state)
{
    char text[8192];
    size_t n = make_rows(text, sizeof(text), ROWS);

    for (unsigned rows = 1; rows <= ROWS; rows += 3) {
        struct log_import_result r;
        void *own = NULL;
        struct folder *f;

        (void)state;
        folder_setup(&own);
        f = own;
        folder_write(f, "part.csv", text, bytes_of(text, rows));
        folder_write(f, "all.csv", text, n);
        assert_true(import(f, "part.csv", false).ok);
        r = import(f, "all.csv", false);
        assert_false(r.ok);
        assert_non_null(strstr(r.why, "has a stream 'history' already: --resume"));
        r = import(f, "all.csv", true);
        assert_string_equal(r.why, "");
        assert_true(r.ok);
        assert_int_equal(r.before, rows);
        assert_int_equal(r.rows, ROWS);
        assert_log_is(f, text, n);
        r = import(f, "all.csv", true); /* once more: nothing to do */
        assert_true(r.ok);
        assert_int_equal(r.before, ROWS);
        assert_log_is(f, text, n);
        folder_teardown(&own);
    }
}

static void another_file_is_refused_where_it_differs(void **state)
{
    static const struct {
        const char *why, *first, *then, *error;
        unsigned line;
    } rows[] = {
        {"a value", "1500000000,1,2\n1500000010,3,4\n",
         "1500000000,1,2\n1500000010,3,5\n1500000020,1,1\n", "b_power is 5 here and 4 in the log",
         3},
        {"a value that was missing", "1500000000,1,\n", "1500000000,1,5\n",
         "b_power is 5 here and nothing in the log", 2},
        {"a value that is missing", "1500000000,1,-0.5\n", "1500000000,1,\n",
         "b_power is nothing here and -0.5 in the log", 2},
        {"a time", "1500000000,1,2\n1500000010,3,4\n", "1500000000,1,2\n1500000011,3,4\n",
         "the row of 2017-07-14T02:40:11Z stands where the log has 2017-07-14T02:40:10Z", 3},
        {"a row left out", "1500000000,1,2\n1500000010,3,4\n", "1500000010,3,4\n1500000020,3,4\n",
         "the row of 2017-07-14T02:40:10Z stands where the log has 2017-07-14T02:40:00Z", 2},
        {"shorter", "1500000000,1,2\n1500000010,3,4\n", "1500000000,1,2\n",
         "it ends before 2017-07-14T02:40:10Z, which the log has", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct log_import_result r;
        void *own = NULL;
        struct folder *f;

        (void)state;
        print_message("# %s\n", rows[i].why);
        folder_setup(&own);
        f = own;
        snprintf(text, sizeof(text), "time,a_power,b_power\n%s", rows[i].first);
        put(f, "a.csv", text);
        assert_true(import(f, "a.csv", false).ok);
        snprintf(text, sizeof(text), "time,a_power,b_power\n%s", rows[i].then);
        put(f, "b.csv", text);
        r = import(f, "b.csv", true);
        assert_false(r.ok);
        assert_memory_equal(r.why, rows[i].error, strlen(rows[i].error));
        assert_int_equal(r.line, rows[i].line);
        r = import(f, "a.csv", true); /* nothing was added */
        assert_true(r.ok);
        assert_int_equal(r.rows, r.before);
        folder_teardown(&own);
    }
}

static void other_columns_and_another_origin_are_refused(void **state)
{
    struct folder *f = *state;
    struct log_import_options o = {
        .dir = f->dir, .provenance = HWT_PROVENANCE_SIMULATED, .stream = "history", .resume = true};
    struct log_import_result r;

    put(f, "a.csv", "time,a_power\n1500000000,1\n");
    put(f, "b.csv", "time,b_power\n1500000000,1\n");
    assert_true(import(f, "a.csv", true).ok); /* nothing to go on with: from the start */
    r = import(f, "b.csv", true);
    assert_false(r.ok);
    assert_non_null(strstr(r.why, "the columns are others than those of the log"));
    o.file = folder_path(f, "a.csv");
    assert_false(log_import(&o, &r));
    assert_string_equal(r.why, "the stream 'history' is imported, not simulated");
}

static void without_a_name_the_last_import_is_resumed(void **state)
{
    struct folder *f = *state;
    struct log_import_options o = {.dir = f->dir, .provenance = HWT_PROVENANCE_IMPORTED};
    struct log_import_result r;

    put(f, "a.csv", "time,a_power\n1500000000,1\n");
    put(f, "b.csv", "time,b_power\n1500000000,1\n1500000010,2\n");
    o.file = folder_path(f, "a.csv");
    assert_true(log_import(&o, &r));
    assert_string_equal(r.stream, "import_1");
    o.file = folder_path(f, "b.csv");
    assert_true(log_import(&o, &r));
    assert_string_equal(r.stream, "import_2");
    o.resume = true;
    assert_true(log_import(&o, &r));
    assert_string_equal(r.stream, "import_2");
    assert_int_equal(r.before, 2);
}

static volatile sig_atomic_t told;

static void tell(void *ctx, uint64_t done, uint64_t all)
{
    (void)ctx;
    told = done * 3 > all;
}

static void an_import_told_to_stop_keeps_what_it_has(void **state)
{
    struct folder *f = *state;
    static char text[1 << 20];
    char path[2 * FOLDER_PATH_MAX];
    size_t n = make_rows(text, sizeof(text), 20000);
    struct log_import_options o = {.dir = f->dir,
                                   .file = path,
                                   .provenance = HWT_PROVENANCE_IMPORTED,
                                   .stream = "history",
                                   .progress = tell,
                                   .stop = &told};
    struct log_import_result r;

    snprintf(path, sizeof(path), "%s", folder_path(f, "a.csv"));
    folder_write(f, "a.csv", text, n);
    told = 0;
    assert_false(log_import(&o, &r));
    assert_true(r.stopped);
    assert_in_range(r.rows, 6000, 8000);
    assert_log_is(f, text, bytes_of(text, (unsigned)r.rows));
    told = 0;
    o.progress = NULL;
    o.resume = true;
    assert_true(log_import(&o, &r));
    assert_int_equal(r.rows, 20000);
    assert_log_is(f, text, n);
}

static void damage(const struct folder *f, const char *file, long at)
{
    FILE *file_out = fopen(folder_path(f, file), "r+");

    assert_non_null(file_out);
    assert_int_equal(fseek(file_out, at, SEEK_SET), 0);
    fputc('x', file_out);
    fclose(file_out);
}

static void rows_on_a_damaged_page_are_passed_over_and_told(void **state)
{
    struct folder *f = *state;
    static char text[1 << 20];
    size_t n = make_rows(text, sizeof(text), 20000);
    struct log_import_result r;

    folder_write(f, "part.csv", text, bytes_of(text, 15000));
    folder_write(f, "all.csv", text, n);
    assert_true(import(f, "part.csv", false).ok);
    damage(f, "seg-00001.hwl", 3 * 4096 + 3000); /* behind the schemas, a page of records */
    r = import(f, "all.csv", true);
    assert_string_equal(r.why, "");
    assert_true(r.ok);
    assert_true(r.gone > 0);
    assert_int_equal(r.before, 15000);
    assert_int_equal(r.rows, 20000);
}

/* --- export --- */

static void an_export_goes_on_after_any_byte(void **state)
{
    struct folder *f = *state;
    char text[8192], *out;
    size_t n = make_rows(text, sizeof(text), ROWS), got;

    folder_write(f, "a.csv", text, n);
    assert_true(import(f, "a.csv", false).ok);
    memcpy(text + n, "1795", 5); /* half a row of a log that was longer */
    for (size_t cut = 0; cut <= n + 4; cut++) {
        struct log_export_result r;

        folder_write(f, "out.csv", text, cut);
        r = export(f, "history", "out.csv", (struct log_export_options){.resume = true});
        if (!r.ok) {
            print_message("# cut %zu: %s\n", cut, r.why);
        }
        assert_true(r.ok);
        out = folder_read(f, "out.csv", &got);
        assert_int_equal(got, n);
        assert_memory_equal(out, text, n);
        free(out);
    }
}

static void a_file_that_is_not_this_logs_is_refused_and_left_as_it_is(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"notes", "its first line is not that of an export"},
        {"dear diary\n1500000000000,1\n", "its first line is not that of an export"},
        {"time,a power\n", "its column 'a power' is not that of an export"},
        {"time,a_power,a_power\n", "its column 'a_power' is not that of an export"},
        {"time,a_power\nhello\n", "'hello' near its end is no row of an export"},
        {"time,a_power\n1500000000000,1\n1500000010000,3\n",
         "its last 2 rows, to the time 1500000010000, "
         "are not in the log"},
        {"time,a_power\n1500000000000,1\n1500000020000,3\n", "its last 2 rows"},
        {"time,a_power\n1400000000000,1\n", "its last 1 rows"},
        {"time,b_power\n1500000000000,\n",
         "has no column for 'a_power', new in the log at 1500000010000"},
    };
    struct folder *f = *state;

    put(f, "a.csv", "time,a_power\n1500000000,1\n1500000010,2\n1500000020,3\n");
    assert_true(import(f, "a.csv", false).ok);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log_export_result r;
        char *now;

        print_message("# %s\n", rows[i].error);
        folder_write(f, "out.csv", rows[i].text, strlen(rows[i].text));
        r = export(f, "history", "out.csv", (struct log_export_options){.resume = true});
        assert_false(r.ok);
        if (strstr(r.why, rows[i].error) == NULL) {
            print_message("# said: %s\n", r.why);
        }
        assert_non_null(strstr(r.why, rows[i].error));
        now = folder_read(f, "out.csv", NULL);
        assert_string_equal(now, rows[i].text);
        free(now);
    }
}

static void a_file_is_never_overwritten_and_never_written_twice_at_once(void **state)
{
    struct folder *f = *state;
    struct log_export_result r;
    int fd;

    put(f, "a.csv", "time,a_power\n1500000000,1\n");
    assert_true(import(f, "a.csv", false).ok);
    r = export(f, "history", "a.csv", (struct log_export_options){0});
    assert_non_null(strstr(r.why, "a.csv is there already: --resume goes on with it"));
    put(f, "out.csv", "");
    fd = open(folder_path(f, "out.csv"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    r = export(f, "history", "out.csv", (struct log_export_options){.resume = true});
    assert_non_null(strstr(r.why, "another export is writing it"));
    close(fd);
}

/* A pruned log: the file has what the log has not any more. Here: another log that begins later. */
static void a_file_outlives_what_the_log_has_dropped(void **state)
{
    struct folder *f = *state;
    char text[8192], *out;
    size_t n = make_rows(text, sizeof(text), ROWS), head = bytes_of(text, 0), got;
    size_t kept = bytes_of(text, 10);

    memmove(text + head, text + kept, n - kept); /* rows 11 and on, in the log */
    folder_write(f, "a.csv", text, head + n - kept);
    assert_true(import(f, "a.csv", false).ok);
    n = make_rows(text, sizeof(text), ROWS);
    folder_write(f, "out.csv", text, bytes_of(text, 30));
    assert_true(export(f, "history", "out.csv", (struct log_export_options){.resume = true}).ok);
    out = folder_read(f, "out.csv", &got);
    assert_int_equal(got, n);
    assert_memory_equal(out, text, n);
    free(out);
}

static void series_choose_columns_and_their_order(void **state)
{
    static const char *const two[] = {"b_power", "a_power"}, *const other[] = {"a_power",
                                                                               "b_power"};
    static const char want[] = "time,b_power,a_power\n1500000000000,2,1\n1500000010000,,3\n";
    struct folder *f = *state;
    struct log_export_options o = {.series = two, .series_count = 2, .resume = true};
    struct log_export_result r;
    char *out;

    put(f, "a.csv", "time,a_power,b_power,c_power\n1500000000,1,2,3\n1500000010,3,,4\n");
    assert_true(import(f, "a.csv", false).ok);
    folder_write(f, "out.csv", want, 25);
    r = export(f, "history", "out.csv", o);
    assert_string_equal(r.why, "");
    out = folder_read(f, "out.csv", NULL);
    assert_string_equal(out, want);
    free(out);
    o.series = other;
    r = export(f, "history", "out.csv", o);
    assert_non_null(strstr(r.why, "its column 'b_power' is not what --series asks for"));
    o.series = two;
    o.series_count = 1;
    r = export(f, "history", "out.csv", o);
    assert_non_null(strstr(r.why, "its column 'a_power' is not what --series asks for"));
}

/* --- both --- */

static void name_by_quantity(struct gen_schema *s)
{
    for (unsigned i = 0; i < s->schema.count; i++) {
        snprintf(s->channel[i].id, sizeof(s->channel[i].id), "c%u_%s", i,
                 hwt_quantity_get(s->channel[i].quantity)->id);
    }
}

/* The lines of text whose interval of 10 s begins in [from, to). */
static void keep_lines(char *text, long long from, long long to)
{
    char *out = strchr(text, '\n') + 1, *line = out;

    while (*line != '\0') {
        size_t n = (size_t)(strchr(line, '\n') + 1 - line);
        long long start = strtoll(line, NULL, 10) - 10000;

        if (start >= from && start < to) {
            memmove(out, line, n);
            out += n;
        }
        line += n;
    }
    *out = '\0';
}

static void a_range_is_those_of_all_records_that_begin_in_it(void **state)
{
    static const struct {
        long long from, to;
        const char *why;
    } rows[] = {{1000000, 1100000, "twice, a step back between"},
                {1100000, 9000000, "to the end"},
                {0, 1000000, "from the beginning"},
                {990001, 1000001, "edges between records"},
                {2000000, 2000001, "one record"}};
    struct folder *f = *state;
    static char text[1 << 16];
    size_t at = (size_t)sprintf(text, "time,hp_power\n");

    for (int i = 0; i < 1000; i++) { /* ms of the year 2025; the clock falls by 1000 s half way */
        long long ms = 1750000000000 + 10000LL * i - (i >= 500 ? 4000000 : 0);

        at += (size_t)sprintf(text + at, "%lld,%d\n", ms, i);
    }
    folder_write(f, "a.csv", text, at);
    assert_true(import_keeping(f, "a.csv"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static char want[1 << 16];
        struct log_export_options o = {.from_ms = 1750000000000 + rows[i].from,
                                       .to_ms = 1750000000000 + rows[i].to};
        char *out;

        print_message("# %s\n", rows[i].why);
        memcpy(want, text, at + 1);
        keep_lines(want, o.from_ms, o.to_ms);
        unlink(folder_path(f, "out.csv"));
        assert_true(export(f, "history", "out.csv", o).ok);
        out = folder_read(f, "out.csv", NULL);
        assert_string_equal(out, want);
        free(out);
    }
}

/* Numbers of more than 18 digits in all are not read exactly: energies beyond 100 GWh. */
static void tame(struct gen_record *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        r->value[i].v %= 100000000000000000;
    }
}

/* Records as they come: schemas that change, resets, wild numbers, clocks that step back. */
static void out_in_and_out_again_is_the_same(void **state)
{
    struct folder *f = *state;
    struct log_import_options in = {.provenance = HWT_PROVENANCE_IMPORTED, .stream = "own_again"};
    struct log_import_result ri;
    static struct gen_schema schema;
    static struct gen_record record;
    char why[256], *one, *two;
    size_t n1, n2;
    struct log_dir *log = log_dir_open(f->dir, false, why, sizeof(why));
    int own;

    assert_non_null(log);
    own = hwt_tslog_stream(log_dir_tslog(log), HWT_TSLOG_OWN, HWT_PROVENANCE_MEASURED);
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t sequence;

        gen_schema(&schema, i / 1000);
        name_by_quantity(&schema);
        gen_record(&record, &schema.schema, i, 99);
        tame(&record, schema.schema.count);
        record.record.unix_ms = 1795000000000 + (i % 700) * 10000LL; /* falls each 700 records */
        assert_int_equal(
            hwt_tslog_append(log_dir_tslog(log), own, &schema.schema, &record.record, &sequence),
            0);
    }
    assert_int_equal(hwt_tslog_commit(log_dir_tslog(log)), 0);
    log_dir_close(log);
    assert_true(export(f, "own", "one.csv", (struct log_export_options){.from_ms = INT64_MIN}).ok);
    in.dir = f->dir;
    in.file = folder_path(f, "one.csv");
    in.csv.backward = CSV_BACKWARD_KEEP;
    if (!log_import(&in, &ri)) {
        print_message("# line %u: %s\n", ri.line, ri.why);
    }
    assert_true(ri.ok);
    assert_true(
        export(f, "own_again", "two.csv", (struct log_export_options){.from_ms = INT64_MIN}).ok);
    one = folder_read(f, "one.csv", &n1);
    two = folder_read(f, "two.csv", &n2);
    assert_int_equal(n1, n2);
    assert_memory_equal(one, two, n1);
    assert_true(n1 > 100000);
    free(one);
    free(two);
}

int main(void)
{
#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_goes_on_after_any_row),
        cmocka_unit_test(another_file_is_refused_where_it_differs),
        IN_FOLDER(other_columns_and_another_origin_are_refused),
        IN_FOLDER(without_a_name_the_last_import_is_resumed),
        IN_FOLDER(an_import_told_to_stop_keeps_what_it_has),
        IN_FOLDER(rows_on_a_damaged_page_are_passed_over_and_told),
        IN_FOLDER(an_export_goes_on_after_any_byte),
        IN_FOLDER(a_file_that_is_not_this_logs_is_refused_and_left_as_it_is),
        IN_FOLDER(a_file_is_never_overwritten_and_never_written_twice_at_once),
        IN_FOLDER(a_file_outlives_what_the_log_has_dropped),
        IN_FOLDER(series_choose_columns_and_their_order),
        IN_FOLDER(a_range_is_those_of_all_records_that_begin_in_it),
        IN_FOLDER(out_in_and_out_again_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

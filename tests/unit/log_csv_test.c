/* CSV into the log and out again. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/cli/log_cmd.h"
#include "daemon/store/csv.h"
#include "daemon/store/export.h"
#include "daemon/store/import.h"
#include "daemon/store/log_dir.h"
#include "tests/log/gen.h"

#define T "1500000000" /* before two digits: ms of the year 1974 */

struct fixture {
    char dir[64];
    char csv[96];
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    snprintf(f->dir, sizeof(f->dir), "%s/heatwatt-csv-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->csv, sizeof(f->csv), "%s/in.csv", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static void write_csv(const struct fixture *f, const char *text)
{
    FILE *out = fopen(f->csv, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* Runs the import; its message into text. */
static int import(const struct fixture *f, const char *stream, char *text, size_t n)
{
    FILE *errors = tmpfile();
    int result =
        log_import_csv(f->dir, f->csv, HWT_PROVENANCE_SIMULATED, stream, NULL, NULL, errors);
    size_t got;

    rewind(errors);
    got = fread(text, 1, n - 1, errors);
    text[got] = '\0';
    fclose(errors);
    return result;
}

static void dump(const struct fixture *f, const char *stream, int64_t from, int64_t to, char *text,
                 size_t n)
{
    char why[256] = "";
    struct log_dir *log = log_dir_open(f->dir, true, why, sizeof(why));
    struct log_export_options o;
    struct log_export_result r;
    FILE *out = tmpfile();
    size_t got;
    int s;

    assert_string_equal(why, "");
    s = log_dir_find(log, stream);
    assert_true(s >= 0);
    o = (struct log_export_options){
        .snapshot = log_dir_snapshot(log), .stream = s, .from_ms = from, .to_ms = to, .out = out};
    assert_true(log_export(&o, &r));
    log_dir_close(log);
    rewind(out);
    got = fread(text, 1, n - 1, out);
    text[got] = '\0';
    fclose(out);
}

static void what_goes_in_comes_out(void **state)
{
    static const char text[] = "time,hp_power,hp_import,heatmeter_flow_t,net_voltage,hp_cop\n"
                               "1795162430000,812.4,1336479.25,34.62,230.15,\n"
                               "1795162440000,,1336481.5,-0.05,,3.5\n"
                               "1795162450000,-12,1336483.75,0,231,\n"
                               "1795162500000,0.1,0.001,100,,-1\n";
    struct fixture *f = *state;
    char out[1024], why[256];

    write_csv(f, text);
    assert_int_equal(import(f, NULL, why, sizeof(why)), 0);
    dump(f, "import_1", INT64_MIN, INT64_MAX, out, sizeof(out));
    assert_string_equal(out, text);
    dump(f, "import_1", 1795162430000, 1795162440000, out, sizeof(out));
    assert_string_equal(out, "time,hp_power,hp_import,heatmeter_flow_t,net_voltage,hp_cop\n"
                             "1795162440000,,1336481.5,-0.05,,3.5\n");
}

static void spans_are_the_step_also_after_a_gap(void **state)
{
    static const char text[] =
        "\xEF\xBB\xBFtime,hp_power\r\n1500000060,1\r\n1500000120,1\r\n1500000180,1\r\n\r\n"
        "1500000900,1\r\n1500000960,1";
    static const struct {
        int64_t unix_ms;
        uint32_t span_ms;
    } want[] = {{1500000060000, 60000},
                {1500000120000, 60000},
                {1500000180000, 60000},
                {1500000900000, 60000},
                {1500000960000, 60000}};
    struct fixture *f = *state;
    static struct hwt_tslog_cursor cursor;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    struct log_dir *log;
    char why[256];
    uint64_t lost;
    size_t n = 0;

    write_csv(f, text);
    assert_int_equal(import(f, "history", why, sizeof(why)), 0);
    log = log_dir_open(f->dir, true, why, sizeof(why));
    assert_non_null(log);
    assert_int_equal(log_dir_find(log, "history"), 1); /* 0 is the own device's, always */
    assert_int_equal(hwt_tslog_cursor_open(&cursor, log_dir_snapshot(log), 1, 1), 0);
    while (hwt_tslog_cursor_next(&cursor, &schema, &record, &lost) == 1) {
        assert_true(n < 5);
        assert_int_equal(record->unix_ms, want[n].unix_ms);
        assert_int_equal(record->span_ms, want[n].span_ms);
        assert_int_equal(record->clock, HWT_CLOCK_PLANT);
        n++;
    }
    assert_int_equal(n, 5);
    log_dir_close(log);
}

static void bad_files_are_refused_with_line_and_column_and_leave_nothing(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "in.csv: empty"},
        {"\n\n", ":1:1: empty"},
        {"hp_power,time\n1,2\n", ":1:1: the first column must be 'time', not 'hp_power'"},
        {"time\n1\n", ":1:1: no channel"},
        {"time,hp_power\n", "in.csv: no rows"},
        {"time,hp power\n", ":1:8: a channel id is made of"},
        {"time,hp_power,\n", ":1:15: a channel id of 1 to 32"},
        {"time,hp_powers\n", ":1:6: 'hp_powers' does not end in _ and a quantity"},
        {"time,power\n", ":1:6: 'power' does not end in _ and a quantity"},
        {"time,hp_power,b_power,hp_power\n", ":1:23: channel 'hp_power' twice"},
        {"time,hp_power\n" T "10,2\nx,2\n", ":3:1: 'x' is no time"},
        {"time,hp_power\n150000000000.5,2\n", ":2:1: '150000000000.5' is no time"},
        {"time,hp_power\n,2\n", ":2:1: '' is no time"},
        {"time,hp_power\n99999999,2\n", ":2:1: 99999999 may be seconds or milliseconds"},
        {"time,hp_power\n-5,2\n", ":2:1: -5 may be seconds or milliseconds"},
        {"time,hp_power\n1500000000,2\n150000000100,2\n",
         ":3:1: 150000000100 looks like milliseconds, the first row like seconds"},
        {"time,hp_power\n1e300,2\n", ":2:1: 1e300 may be"},
        {"time,hp_power\n2026-11-20T14:05:00,2\n", ":2:1: '2026-11-20T14:05:00' has no zone"},
        {"time,hp_power\n2026-02-30T14:05:00Z,2\n", ":2:1: '2026-02-30T14:05:00Z' is no time"},
        {"time,hp_power\n20/11/2026 14:05:00,2\n", ":2:1: '20/11/2026 14:05:00' is no time"},
        {"time,hp_power\n" T "10,2\n" T "10,3\n", ":3:1: time 150000000010 does not rise"},
        {"time,hp_power\n" T "10,2\n" T "09,3\n", ":3:1: time 150000000009 does not rise"},
        {"Time, hp_power\r\n" T "10, 2\r\nLimit exceeded at 1500000020",
         ":3:1: the IoTaWatt stopped"},
        {"time,hp_power\n" T "10,2\n" T "20,1.2.3\n", ":3:14: '1.2.3' is no number (hp_power)"},
        {"time,hp_power\n" T "10,nan\n", ":2:14: 'nan' is no number"},
        {"time,hp_power\n" T "10,--1\n", ":2:14: '--1' is no number"},
        {"time,hp_power\n" T "10,1e\n", ":2:14: '1e' is no number"},
        {"time,hp_power\n" T "10,\"1\n", ":2:14: '\"1' is no number"},
        {"time,hp_power\n" T "10,\"1\"2\n", ":2:14: '\"1\"2' is no number"},
        {"time,hp_power\n" T "10,\"1,5\"\n",
         ":2:15: '1,5' is no number (hp_power): decimals need a point"},
        {"time;hp_power\n" T "10;1,5\n",
         ":2:14: '1,5' is no number (hp_power): decimals need a point"},
        {"time,hp_power\n" T "10,1e30\n", ":2:14: 1e30 is too large for hp_power"},
        {"time,hp_power\n" T "10,999999999999999999\n", ":2:14: 999999999999999999 is too large"},
        {"time,hp_power\n" T "10\n", ":2:13: 0 values, not 1"},
        {"time,hp_power\n" T "10,1,2\n",
         ":2:16: more values than the 1 channels (decimals need a point, not a comma)"},
    };
    struct fixture *f = *state;
    char why[512];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].message);
        write_csv(f, rows[i].text);
        assert_int_equal(import(f, NULL, why, sizeof(why)), 1);
        if (strstr(why, rows[i].message) == NULL) {
            print_message("# said: %s\n", why);
        }
        assert_non_null(strstr(why, rows[i].message));
        assert_non_null(strstr(why, f->csv));
        assert_null(log_dir_open(f->dir, true, why, sizeof(why))); /* no log was made */
    }
}

static void numbers_are_read_exactly_and_rounded_once(void **state)
{
    static const struct {
        const char *text;
        int64_t counts; /* of 0.1 W */
        const char *why;
    } rows[] = {
        {"1", 10, "whole"},
        {"+1.5", 15, "plus"},
        {"-0.05", -1, "half away from zero"},
        {"0.04", 0, "below the resolution"},
        {".5", 5, "no digit before the point"},
        {"5.", 50, "none behind it"},
        {"1e3", 10000, "exponent"},
        {"1.25E+2", 1250, "exponent with plus"},
        {"12e-1", 12, "negative exponent"},
        {"1e-400", 0, "below anything"},
        {"123456789012.34567890123456789", 1234567890123, "more digits than a counter has"},
        {"0.0000000000000000000000001", 0, "many zeros"},
        {" 7 ", 70, "spaces around"},
    };
    struct csv_error error;
    static struct csv c;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[128];

        print_message("# %s\n", rows[i].why);
        snprintf(text, sizeof(text), "time,hp_power\n" T "10,%s\n", rows[i].text);
        assert_int_equal(csv_open(&c, NULL, text, strlen(text), &error), 0);
        assert_int_equal(csv_next(&c, &error), 1);
        assert_int_equal(c.value[0].quality, HWT_QUALITY_GOOD);
        assert_int_equal(c.value[0].v, rows[i].counts);
        assert_int_equal(csv_next(&c, &error), 0);
    }
}

static void a_stream_is_imported_once(void **state)
{
    struct fixture *f = *state;
    char why[512];

    write_csv(f, "time,hp_power\n" T "10,1\n");
    assert_int_equal(import(f, "history", why, sizeof(why)), 0);
    assert_int_equal(import(f, "history", why, sizeof(why)), 1);
    assert_non_null(strstr(why, "has a stream 'history' already"));
    assert_int_equal(import(f, "own", why, sizeof(why)), 1);
    assert_int_equal(import(f, "No Name", why, sizeof(why)), 1);
    assert_int_equal(import(f, NULL, why, sizeof(why)), 0);
    assert_int_equal(import(f, NULL, why, sizeof(why)), 0); /* import_1, import_2 */
    dump(f, "import_2", INT64_MIN, INT64_MAX, why, sizeof(why));
    assert_string_equal(why, "time,hp_power\n" T "10,1\n");
}

/* Runs `heatwatt log ...` in a child; what it printed into text. Its exit status. */
static int run_command(char **argv, int argc, char *text, size_t n)
{
    FILE *out = tmpfile();
    int status;
    pid_t pid;
    size_t got;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(out), STDERR_FILENO);
        status = log_main(argc, argv);
        fflush(NULL);
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    rewind(out);
    got = fread(text, 1, n - 1, out);
    text[got] = '\0';
    fclose(out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_commands_say_what_is_in_a_log_and_what_is_damaged(void **state)
{
    struct fixture *f = *state;
    char *info[] = {"log", "info", f->dir}, *verify[] = {"log", "verify", f->dir};
    char *json[] = {"log", "info", f->dir, "--json"}, *pages[] = {"log", "info", f->dir, "--pages"};
    char *dump_own[] = {"log", "export", f->dir}, *none[] = {"log", "info", "/nonexistent"};
    char *bad[] = {"log", "export", f->dir, "--from", "noon"}, *usage[] = {"log", "verify"};
    char text[4096], path[128];
    FILE *file;

    write_csv(f, "time,hp_power\n" T "10,1\n" T "20,2\n");
    assert_int_equal(import(f, "history", text, sizeof(text)), 0);
    assert_int_equal(run_command(info, 3, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "history"));
    assert_non_null(strstr(text, "simulated"));
    assert_int_equal(run_command(json, 4, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "{\"name\":\"history\",\"provenance\":\"simulated\",\"first\":1,"
                                 "\"last\":2,\"from\":150000000010,\"to\":150000000020,"
                                 "\"records\":2,\"values\":2,"));
    assert_non_null(strstr(text, "\"damaged_pages\":0,\"lost_records\":0}]"));
    assert_int_equal(run_command(pages, 4, text, sizeof(text)), 0);
    assert_non_null(strstr(text, " 0 damaged"));
    assert_int_equal(run_command(verify, 3, text, sizeof(text)), 0);
    assert_non_null(strstr(text, " 0 damaged"));
    assert_int_equal(run_command(dump_own, 3, text, sizeof(text)), 0);
    assert_string_equal(text, "time\n");
    assert_int_equal(run_command(none, 3, text, sizeof(text)), 1);
    assert_non_null(strstr(text, "/nonexistent"));
    assert_int_equal(run_command(bad, 5, text, sizeof(text)), 2);
    assert_non_null(strstr(text, "--from noon"));
    assert_int_equal(run_command(usage, 2, text, sizeof(text)), 2);
    snprintf(path, sizeof(path), "%s/seg-00001.hwl", f->dir);
    file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 3000, SEEK_SET);
    fputc('x', file);
    fclose(file);
    assert_int_equal(run_command(verify, 3, text, sizeof(text)), 1);
    assert_non_null(strstr(text, "block 1 page 0: damaged"));
    assert_non_null(strstr(text, " 1 damaged"));
    assert_int_equal(run_command(json, 4, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "\"superseded\":0,\"damaged\":1}"));
}

static void a_month_of_rows_is_imported_whole(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {1};
    FILE *out = fopen(f->csv, "w");
    char *info[] = {"log", "info", f->dir, "--json"};
    char why[256], text[4096];

    fputs("time", out);
    for (int i = 0; i < 20; i++) {
        fprintf(out, ",c%d_power,c%d_import", i, i);
    }
    for (int64_t t = 1; t <= 43200; t++) {
        fprintf(out, "\n%lld", (long long)(1795000000000 + t * 60000));
        for (int i = 0; i < 20; i++) {
            uint32_t w = rng_below(&rng, 30000);

            fprintf(out, ",%u.%u,%lld.%03u", w / 10, w % 10, (long long)t * 13 + i, w % 1000);
        }
    }
    fclose(out);
    assert_int_equal(import(f, "history", why, sizeof(why)), 0);
    assert_int_equal(run_command(info, 4, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "\"last\":43200,"));
    assert_non_null(strstr(text, "\"records\":43200,\"values\":1728000,"));
    assert_non_null(strstr(text, "\"damaged_pages\":0,\"lost_records\":0}]"));
}

int main(void)
{
#define CSV_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CSV_TEST(what_goes_in_comes_out),
        CSV_TEST(spans_are_the_step_also_after_a_gap),
        CSV_TEST(bad_files_are_refused_with_line_and_column_and_leave_nothing),
        CSV_TEST(numbers_are_read_exactly_and_rounded_once),
        CSV_TEST(a_stream_is_imported_once),
        CSV_TEST(the_commands_say_what_is_in_a_log_and_what_is_damaged),
        CSV_TEST(a_month_of_rows_is_imported_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

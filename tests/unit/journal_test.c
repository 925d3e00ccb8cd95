/* daemon/store/journal: entries as lines, offsets over restarts, torn ends, rotation. */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/journal.h"

enum { PATH_BYTES = 512, SMALL_FILE = 4096 };

struct rig {
    char dir[64], current[PATH_BYTES], old[PATH_BYTES], new[PATH_BYTES];
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return -1;
    }
    strcpy(r->dir, "/tmp/heatwatt-journal-XXXXXX");
    if (mkdtemp(r->dir) == NULL) {
        free(r);
        return -1;
    }
    snprintf(r->current, PATH_BYTES, "%s/journal.jsonl", r->dir);
    snprintf(r->old, PATH_BYTES, "%s/journal.1.jsonl", r->dir);
    snprintf(r->new, PATH_BYTES, "%s/journal.new", r->dir);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    unlink(r->current);
    unlink(r->old);
    unlink(r->new);
    rmdir(r->dir);
    free(r);
    return 0;
}

static struct journal *open_with(const struct rig *r, size_t file_bytes, int (*flush)(int fd))
{
    const struct journal_options options = {
        .dir = r->dir, .file_bytes = file_bytes, .flush = flush, .retry_ms = 10};
    char error[256] = "";
    struct journal *j = journal_open(&options, error, sizeof(error));

    if (j == NULL) {
        fail_msg("%s", error);
    }
    return j;
}

static struct journal_entry event(const char *kind, int64_t unix_ms)
{
    struct journal_entry e = {.unix_ms = unix_ms};

    snprintf(e.kind, sizeof(e.kind), "%s", kind);
    snprintf(e.text, sizeof(e.text), "What happened at %lld.", (long long)unix_ms);
    return e;
}

static struct journal_entry swap(const char *source, int64_t unix_ms, int64_t offset)
{
    struct journal_entry e = event("register_swap", unix_ms);

    snprintf(e.source, sizeof(e.source), "%s", source);
    snprintf(e.feed, sizeof(e.feed), "%s", source);
    snprintf(e.channel, sizeof(e.channel), "%s_import", source);
    e.quantity = HWT_Q_IMPORT;
    e.before = 3600000;
    e.after = 7200000;
    e.offset = offset;
    return e;
}

static void put(struct journal *j, struct journal_entry e)
{
    journal_put(j, &e);
}

/* --- reading back ---------------------------------------------------------------------------- */

struct found {
    struct journal_entry entry[256];
    unsigned n;
};

static bool keep(void *ctx, const struct journal_entry *e, const char *p, size_t n)
{
    struct found *f = ctx;

    assert_true(n > 2 && p[0] == '{' && p[n - 1] == '}' && memchr(p, '\n', n) == NULL);
    f->entry[f->n++] = *e;
    return true;
}

static struct found find(const struct rig *r, int64_t from_ms, int64_t to_ms, const char *source,
                         unsigned limit)
{
    const struct journal_query query = {from_ms, to_ms, source, limit};
    struct found f = {.n = 0};
    int n = journal_read(r->dir, &query, keep, &f);

    assert_int_equal(n, f.n);
    return f;
}

static struct found find_all(const struct rig *r)
{
    return find(r, HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, NULL, 256);
}

static size_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void add_octets(const char *path, const char *text)
{
    FILE *f = fopen(path, "ab");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_line_is_read_back_whole_or_not_at_all(void **state)
{
    struct journal_entry e = swap("grid", INT64_C(1795162430123), -INT64_C(894990003600000)), got;
    char line[JOURNAL_LINE_MAX], cut[JOURNAL_LINE_MAX];
    size_t n;

    (void)state;
    e.seq = 7;
    snprintf(e.meter, sizeof(e.meter), "A \"quoted\" \\ \x01 meter");
    n = journal_line_write(&e, line);
    assert_int_equal(line[n - 1], '\n');
    assert_true(journal_line_read(line, n - 1, &got));
    assert_true(got.seq == 7 && got.unix_ms == e.unix_ms && got.offset == e.offset);
    assert_int_equal(got.quantity, HWT_Q_IMPORT);
    assert_string_equal(got.kind, e.kind);
    assert_string_equal(got.channel, e.channel);
    assert_string_equal(got.meter, e.meter);
    assert_string_equal(got.text, e.text);
    for (size_t i = 0; i + 1 < n; i++) {
        assert_false(journal_line_read(line, i, &got));
        memcpy(cut, line, n);
        memset(cut + i, 0, n - i); /* zeros, as some file systems leave them */
        assert_false(journal_line_read(cut, n - 1, &got));
    }
}

static void the_longest_entry_fits_a_line(void **state)
{
    struct journal_entry e = swap("x", INT64_MIN + 1, INT64_MIN + 1), got;
    char line[JOURNAL_LINE_MAX];
    size_t n;

    (void)state;
    e.seq = INT64_MAX;
    e.before = e.after = INT64_MAX;
    memset(e.meter, 1, sizeof(e.meter) - 1);
    memset(e.text, 1, sizeof(e.text) - 1);
    n = journal_line_write(&e, line);
    assert_true(journal_line_read(line, n - 1, &got));
    assert_string_equal(got.text, e.text);
}

static void entries_come_back_newest_first_by_time_and_source(void **state)
{
    static const struct {
        const char *why, *source;
        int64_t from_ms, to_ms;
        unsigned limit, n;
        uint64_t first; /* seq */
    } rows[] = {
        {"all", NULL, HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, 100, 5, 5},
        {"two", NULL, HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, 2, 2, 5},
        {"of a source", "grid", HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, 100, 2, 4},
        {"of none", "nosuch", HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, 100, 0, 0},
        {"from", NULL, 3000, HWT_TIME_UNKNOWN, 100, 3, 5},
        {"to", NULL, HWT_TIME_UNKNOWN, 3000, 100, 2, 2},
        {"a time unknown is that of the next", NULL, 2000, 2001, 100, 2, 2},
    };
    struct rig *r = *state;
    struct journal *j = open_with(r, 0, NULL);

    assert_int_equal(find_all(r).n, 0);
    put(j, event("started", HWT_TIME_UNKNOWN));
    put(j, swap("grid", 2000, 5));
    put(j, swap("solar", 3000, 6));
    put(j, swap("grid", 4000, 7));
    put(j, event("stopped", 5000));
    journal_close(j);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct found f = find(r, rows[i].from_ms, rows[i].to_ms, rows[i].source, rows[i].limit);

        print_message("# %s\n", rows[i].why);
        assert_int_equal(f.n, rows[i].n);
        assert_true(f.n == 0 || f.entry[0].seq == rows[i].first);
        for (unsigned k = 1; k < f.n; k++) {
            assert_true(f.entry[k].seq < f.entry[k - 1].seq);
        }
    }
}

static void offsets_meters_and_sources_are_known_at_the_next_start(void **state)
{
    struct rig *r = *state;
    struct journal *j = open_with(r, 0, NULL);
    struct journal_entry e = event("source_added", 1);
    struct journal_before before;
    char meter[JOURNAL_METER_MAX];
    int64_t offset;

    journal_before(j, &before);
    assert_false(before.any);
    put(j, event("started", 1));
    snprintf(e.source, sizeof(e.source), "grid");
    put(j, e);
    snprintf(e.source, sizeof(e.source), "old");
    put(j, e);
    put(j, swap("grid", 2, 40));
    e = swap("grid", 3, -50);
    snprintf(e.meter, sizeof(e.meter), "KAM 12345678");
    put(j, e);
    e = event("source_removed", 4);
    snprintf(e.source, sizeof(e.source), "old");
    put(j, e);
    journal_close(j);

    j = open_with(r, 0, NULL);
    journal_before(j, &before);
    assert_true(before.any && before.running && before.cut == 0 && before.unread == 0);
    assert_true(journal_offset(j, "grid_import", &offset));
    assert_int_equal(offset, -50);
    assert_false(journal_offset(j, "grid_export", &offset));
    assert_int_equal(offset, 0);
    assert_true(journal_meter(j, "grid", meter));
    assert_string_equal(meter, "KAM 12345678");
    assert_string_equal(journal_source(j, 0), "grid");
    assert_null(journal_source(j, 1));
    put(j, event("stopped", 5));
    journal_close(j);
    j = open_with(r, 0, NULL);
    journal_before(j, &before);
    assert_false(before.running);
    journal_close(j);
    assert_int_equal(find_all(r).entry[0].seq, 7);
}

/* A register that stands elsewhere may be another meter's, which did not say who it is. */
static void behind_a_step_the_meter_is_not_known_until_it_tells(void **state)
{
    struct rig *r = *state;
    struct journal *j = open_with(r, 0, NULL);
    struct journal_entry e = event("meter_found", 1);
    char meter[JOURNAL_METER_MAX];

    snprintf(e.source, sizeof(e.source), "grid");
    snprintf(e.meter, sizeof(e.meter), "SDM 1");
    put(j, e);
    put(j, swap("grid", 2, 5));
    journal_close(j);
    j = open_with(r, 0, NULL);
    assert_true(journal_meter(j, "grid", meter));
    assert_string_equal(meter, "");
    journal_close(j);
}

static void a_torn_end_is_cut_off_and_the_rest_is_kept(void **state)
{
    static const struct {
        const char *why, *torn;
        size_t cut, unread;
    } rows[] = {
        {"half a line", "{\"seq\":3,\"time\":17951", 21, 0},
        {"rubbish with an end", "{\"seq\":\n", 8, 1},
        {"an empty line", "\n", 1, 1},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct journal *j = open_with(r, 0, NULL);
        struct journal_before before;
        size_t whole;
        int64_t offset;

        print_message("# %s\n", rows[i].why);
        put(j, swap("grid", 1, (int64_t)i + 1));
        journal_close(j);
        whole = size_of(r->current);
        add_octets(r->current, rows[i].torn);
        assert_int_equal(find_all(r).n, i + 1); /* a reader passes it over */
        j = open_with(r, 0, NULL);
        journal_before(j, &before);
        assert_int_equal(before.cut, rows[i].cut);
        assert_int_equal(before.unread, rows[i].unread);
        assert_true(journal_offset(j, "grid_import", &offset));
        assert_int_equal(offset, i + 1);
        journal_close(j);
        assert_int_equal(size_of(r->current), whole);
    }
}

static void a_full_file_gives_way_and_what_must_be_known_goes_on(void **state)
{
    struct rig *r = *state;
    struct journal *j = open_with(r, SMALL_FILE, NULL);
    struct journal_entry e = event("source_added", 1);
    struct found f;
    char meter[JOURNAL_METER_MAX];
    int64_t offset;

    snprintf(e.source, sizeof(e.source), "grid");
    snprintf(e.meter, sizeof(e.meter), "KAM 1");
    put(j, e);
    e = swap("grid", 1, 77);
    snprintf(e.meter, sizeof(e.meter), "KAM 1");
    put(j, e);
    journal_close(j);
    for (unsigned k = 0; k < 10; k++) { /* several files full */
        j = open_with(r, SMALL_FILE, NULL);
        for (unsigned i = 0; i < 10; i++) {
            put(j, event("clock_step", 2 + k));
        }
        assert_true(journal_offset(j, "grid_import", &offset));
        assert_int_equal(offset, 77);
        assert_true(journal_meter(j, "grid", meter));
        assert_string_equal(meter, "KAM 1");
        assert_string_equal(journal_source(j, 0), "grid");
        journal_close(j);
        assert_in_range(size_of(r->current), 1, SMALL_FILE);
        assert_in_range(size_of(r->old), 0, SMALL_FILE);
    }
    f = find_all(r);
    assert_int_equal(f.entry[0].seq, 102);
    for (unsigned i = 0; i < f.n; i++) { /* none twice, none left out, nothing carried */
        assert_int_equal(f.entry[i].seq, 102 - i);
        assert_string_equal(f.entry[i].kind, "clock_step");
    }
    assert_true(f.n > 20);
}

/* The steps of a rotation: the new file is whole; the current one is renamed; the new one is. */
static void a_rotation_that_was_cut_is_finished(void **state)
{
    struct rig *r = *state;
    struct journal *j = open_with(r, 0, NULL);
    int64_t offset;

    put(j, swap("grid", 1, 5));
    journal_close(j);
    add_octets(r->new, "{\"seq\":0,"); /* cut while it was written */
    j = open_with(r, 0, NULL);
    journal_close(j);
    assert_int_equal(size_of(r->new), 0);
    assert_int_equal(rename(r->current, r->old), 0);
    assert_int_equal(link(r->old, r->new), 0); /* whole, and not yet in its place */
    j = open_with(r, 0, NULL);
    assert_true(journal_offset(j, "grid_import", &offset));
    assert_int_equal(offset, 5);
    journal_close(j);
    assert_true(size_of(r->current) > 0);
    assert_int_equal(size_of(r->new), 0);
}

static _Atomic int failures;

static int failing_flush(int fd)
{
    (void)fd;
    return failures > 0 && failures-- > 0 ? -1 : 0;
}

static void entries_wait_while_the_disk_fails_and_each_is_written_once(void **state)
{
    struct rig *r = *state;
    struct journal *j;
    struct found f;

    failures = 3;
    j = open_with(r, 0, failing_flush);
    for (unsigned i = 0; i < 5; i++) {
        put(j, event("clock_step", i));
    }
    for (unsigned i = 0; i < 200 && find_all(r).n < 5; i++) {
        usleep(10000);
    }
    journal_close(j);
    f = find_all(r);
    assert_int_equal(f.n, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(f.entry[i].seq, 5 - i);
        assert_int_equal(f.entry[i].unix_ms, 4 - i);
    }
}

static void entries_that_find_no_room_are_said_and_counted(void **state)
{
    struct rig *r = *state;
    int said[2], own = dup(STDERR_FILENO);
    char text[2048] = "";
    struct journal *j;

    assert_int_equal(pipe(said), 0);
    dup2(said[1], STDERR_FILENO);
    failures = INT_MAX;
    j = open_with(r, 0, failing_flush);
    for (unsigned i = 0; i < JOURNAL_QUEUE + 3; i++) {
        put(j, event("clock_step", i));
    }
    failures = 0;
    for (unsigned i = 0; i < 500 && find_all(r).n < JOURNAL_QUEUE; i++) {
        usleep(10000);
    }
    journal_close(j);
    dup2(own, STDERR_FILENO);
    close(own);
    close(said[1]);
    assert_true(read(said[0], text, sizeof(text) - 1) > 0);
    close(said[0]);
    assert_int_equal(find_all(r).n, JOURNAL_QUEUE);
    assert_non_null(strstr(text, "no room for more entries"));
    assert_null(strstr(strstr(text, "no room for more entries") + 1, "no room")); /* once */
    assert_non_null(strstr(text, "has room again lost=3\n"));
    assert_null(strstr(text, "entries lost"));
}

static void a_journal_that_cannot_be_opened_is_said(void **state)
{
    const struct journal_options options = {.dir = "/nonexistent/folder"};
    char error[256];

    (void)state;
    assert_null(journal_open(&options, error, sizeof(error)));
    assert_non_null(strstr(error, "/nonexistent/folder/journal.jsonl: "));
}

/* Killed at any moment, it holds all entries that were said to be durable, and is whole. */
static void a_kill_at_any_moment_loses_no_entry_that_was_written(void **state)
{
    struct rig *r = *state;

    for (unsigned k = 0; k < 20; k++) {
        uint64_t durable = 0, seq;
        struct found f;
        int pipes[2];
        pid_t child;

        assert_int_equal(pipe(pipes), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct journal *j = open_with(r, SMALL_FILE, NULL);

            for (int64_t i = 1;; i++) {
                put(j, swap("grid", i, i));
                f = find(r, HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, NULL, 1);
                if (f.n == 1 && write(pipes[1], &f.entry[0].seq, sizeof(uint64_t)) < 0) {
                    _exit(1);
                }
            }
        }
        close(pipes[1]);
        usleep(2000 + 1300 * k);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &seq, sizeof(seq)) == (ssize_t)sizeof(seq)) {
            durable = seq;
        }
        close(pipes[0]);
        journal_close(open_with(r, SMALL_FILE, NULL));
        f = find(r, HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, NULL, 5);
        assert_true(f.n == 0 || f.entry[0].seq >= durable);
        for (unsigned i = 1; i < f.n; i++) {
            assert_int_equal(f.entry[i].seq, f.entry[0].seq - i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_back_whole_or_not_at_all),
        cmocka_unit_test(the_longest_entry_fits_a_line),
        cmocka_unit_test_setup_teardown(entries_come_back_newest_first_by_time_and_source, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(offsets_meters_and_sources_are_known_at_the_next_start,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(behind_a_step_the_meter_is_not_known_until_it_tells, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_torn_end_is_cut_off_and_the_rest_is_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_file_gives_way_and_what_must_be_known_goes_on,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rotation_that_was_cut_is_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_wait_while_the_disk_fails_and_each_is_written_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_that_find_no_room_are_said_and_counted, set_up,
                                        tear_down),
        cmocka_unit_test(a_journal_that_cannot_be_opened_is_said),
        cmocka_unit_test_setup_teardown(a_kill_at_any_moment_loses_no_entry_that_was_written,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

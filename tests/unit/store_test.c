/* daemon/store: the log on real files, its thread, its bad days. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/log.h"
#include "daemon/store/store.h"
#include "tests/log/gen.h"

enum { KILLS = 20 };

static uint64_t seed;
static atomic_int write_errno, flush_errno, flush_sleep_ms;
static atomic_uint_fast64_t notified;

struct fixture {
    char dir[64];
    struct status *status;
    struct hwt_tslog_snapshot snapshot;
    struct hwt_tslog_cursor cursor;
    struct gen_schema schema;
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

    snprintf(f->dir, sizeof(f->dir), "%s/heatwatt-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->status = status_new("log", "log");
    gen_schema(&f->schema, 2);
    write_errno = flush_errno = flush_sleep_ms = 0;
    notified = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    status_free(f->status);
    free(f);
    return 0;
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static void on_committed(void *ctx, uint64_t durable)
{
    (void)ctx;
    notified = durable;
}

static ssize_t hooked_write(int fd, const void *buf, size_t n, off_t offset)
{
    if (write_errno != 0) {
        errno = write_errno;
        return -1;
    }
    return pwrite(fd, buf, n, offset);
}

static int hooked_flush(int fd)
{
    pause_ms(flush_sleep_ms);
    if (flush_errno != 0) {
        errno = flush_errno;
        return -1;
    }
    return fdatasync(fd);
}

static struct store_options options(const struct fixture *f)
{
    return (struct store_options){
        .data_dir = f->dir,
        .provenance = HWT_PROVENANCE_MEASURED,
        .max_mb = 16,
        .status = f->status,
        .committed = on_committed,
        .write_at = hooked_write,
        .flush = hooked_flush,
    };
}

static struct store *open_store(const struct fixture *f)
{
    struct store_options o = options(f);
    char error[256] = "";
    struct store *s = store_open(&o, error, sizeof(error));

    if (s == NULL) {
        print_message("# %s\n", error);
    }
    assert_non_null(s);
    return s;
}

static void push(const struct fixture *f, struct store *s, uint64_t from, uint64_t to)
{
    static struct gen_record r;

    for (uint64_t i = from; i <= to; i++) {
        gen_record(&r, &f->schema.schema, i, i * 7919);
        store_push(s, &f->schema.schema, &r.record);
    }
}

static void wait_durable(struct store *s, uint64_t sequence)
{
    struct store_counters c;

    for (int i = 0; i < 1000; i++) {
        store_counters(s, &c);
        if (c.durable >= sequence && notified >= sequence) {
            return;
        }
        pause_ms(10);
    }
    fail_msg("record %llu is not durable after 10 s", (unsigned long long)sequence);
}

/* All records 1..last are there, each with its values, and no more. */
static void check_records(struct fixture *f, struct store *s, uint64_t last)
{
    static struct gen_record want;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t n = 0, lost;

    store_snapshot(s, &f->snapshot);
    assert_int_equal(hwt_tslog_cursor_open(&f->cursor, &f->snapshot, 0, 1), 0);
    while (hwt_tslog_cursor_next(&f->cursor, &schema, &record, &lost) == 1) {
        n++;
        assert_int_equal(record->sequence, n);
        gen_record(&want, &f->schema.schema, n, n * 7919);
        assert_true(gen_equal(record, &want.record));
    }
    assert_int_equal(n, last);
}

static void wait_state(const struct fixture *f, enum status_state state, struct status_view *view)
{
    for (int i = 0; i < 500; i++) {
        status_get(f->status, view);
        if (view->state == state) {
            return;
        }
        pause_ms(10);
    }
    fail_msg("the log's state is %s", status_state_name(view->state));
}

static void records_are_durable_notified_and_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f);
    uint8_t uuid[16], again[16];

    assert_int_equal(store_boot(s), 1);
    store_uuid(s, uuid);
    assert_int_equal(uuid[6] >> 4, 4);
    push(f, s, 1, 500);
    wait_durable(s, 500);
    check_records(f, s, 500);
    push(f, s, 501, 600);
    store_close(s); /* commits what waits */
    s = open_store(f);
    assert_int_equal(store_boot(s), 2);
    store_uuid(s, again);
    assert_memory_equal(uuid, again, 16);
    check_records(f, s, 600);
    push(f, s, 601, 650);
    wait_durable(s, 650);
    check_records(f, s, 650);
    store_close(s);
}

static void full_pages_are_rolled_up_and_stay_so(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f);
    int tries = 0;

    push(f, s, 1, 2000);
    wait_durable(s, 2000);
    do {
        pause_ms(10);
        store_snapshot(s, &f->snapshot);
    } while (f->snapshot.roll.count == 0 && tries++ < 500);
    assert_true(f->snapshot.roll.count > 0);
    store_close(s);
    s = open_store(f);
    store_snapshot(s, &f->snapshot);
    assert_true(f->snapshot.roll.count > 0); /* at once */
    check_records(f, s, 2000);
    store_close(s);
}

static void a_commit_waits_for_the_window(void **state)
{
    struct fixture *f = *state;
    struct store_options o = options(f);
    struct store_counters c;
    char error[256];
    struct store *s;

    o.commit_s = 1;
    s = store_open(&o, error, sizeof(error));
    assert_non_null(s);
    push(f, s, 1, 3);
    pause_ms(300);
    store_counters(s, &c);
    assert_int_equal(c.durable, 0);
    wait_durable(s, 3); /* by real time, although nothing more is pushed */
    store_close(s);
}

static void a_second_daemon_is_told_that_the_log_is_in_use(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f);
    struct store_options o = options(f);
    char error[256] = "";

    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "another heatwatt"));
    assert_non_null(strstr(error, f->dir));
    store_close(s);
    store_close(open_store(f));
}

static void a_full_disk_is_said_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f);
    struct store_counters c;
    struct status_view view;

    push(f, s, 1, 100);
    wait_durable(s, 100);
    write_errno = ENOSPC;
    push(f, s, 101, 400);
    wait_state(f, STATUS_FAILED, &view);
    assert_non_null(strstr(view.cause, "no space left"));
    assert_non_null(strstr(view.cause, f->dir));
    assert_non_null(strstr(view.cause, "kB free"));
    check_records(f, s, 100);
    write_errno = 0;
    wait_durable(s, 400);
    wait_state(f, STATUS_OK, &view);
    check_records(f, s, 400);
    store_counters(s, &c);
    assert_int_equal(c.lost, 0);
    store_close(s);
}

static void records_beyond_the_queue_are_counted_as_lost(void **state)
{
    struct fixture *f = *state;
    struct store_options o = options(f);
    struct store_counters c;
    struct status_view view;
    char error[256];
    struct store *s;
    static struct gen_record r;

    o.queue_bytes = 64 * 1024;
    s = store_open(&o, error, sizeof(error));
    assert_non_null(s);
    write_errno = ENOSPC;
    for (int i = 0; i < 20000; i++) { /* more than tail and queue hold */
        gen_record(&r, &f->schema.schema, 1, 1);
        store_push(s, &f->schema.schema, &r.record);
    }
    store_counters(s, &c);
    assert_true(c.lost > 0);
    assert_true(c.waiting > 0);
    wait_state(f, STATUS_FAILED, &view);
    write_errno = 0;
    wait_state(f, STATUS_OK, &view);
    wait_durable(s, 20000 - c.lost);
    store_counters(s, &c);
    assert_int_equal(c.durable + c.lost, 20000);
    store_close(s);
}

static void a_failed_sync_is_tried_again_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f);
    struct status_view view;

    push(f, s, 1, 50);
    wait_durable(s, 50);
    flush_errno = EIO;
    push(f, s, 51, 900);
    wait_state(f, STATUS_FAILED, &view);
    assert_non_null(strstr(view.cause, "sync"));
    assert_non_null(strstr(view.cause, strerror(EIO)));
    flush_errno = 0;
    wait_durable(s, 900);
    store_close(s);
    s = open_store(f);
    check_records(f, s, 900);
    store_close(s);
}

static void a_slow_disk_delays_neither_records_nor_readers(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f);
    struct store_counters c;
    int64_t start, worst = 0;

    flush_sleep_ms = 700;
    push(f, s, 1, 1);
    pause_ms(100); /* the commit is under way */
    for (uint64_t i = 2; i <= 200; i++) {
        start = clock_real_us();
        push(f, s, i, i);
        store_snapshot(s, &f->snapshot);
        store_counters(s, &c);
        worst = clock_real_us() - start > worst ? clock_real_us() - start : worst;
    }
    assert_int_equal(c.durable, 0);
    assert_true(worst < 200000);
    flush_sleep_ms = 0;
    wait_durable(s, 200);
    check_records(f, s, 200);
    store_close(s);
}

/* Flips a bit in the newest slot of the own stream. */
static void spoil_tail(const struct fixture *f)
{
    char path[128];
    uint8_t page[2][HWT_TSLOG_PAGE];
    int newest, fd;

    snprintf(path, sizeof(path), "%s/log/control.hwl", f->dir);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, page, sizeof(page), 2 * HWT_TSLOG_PAGE), (ssize_t)sizeof(page));
    newest = page[1][24] > page[0][24]; /* generation */
    page[newest][200] ^= 0x10;
    assert_int_equal(pwrite(fd, page[newest], HWT_TSLOG_PAGE, (2 + newest) * HWT_TSLOG_PAGE),
                     HWT_TSLOG_PAGE);
    close(fd);
}

static void a_damaged_tail_is_said_and_the_rest_served(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f);
    struct store_counters c;
    struct status_view view;

    for (uint64_t i = 1; i <= 5; i++) {
        push(f, s, i * 10 - 9, i * 10);
        wait_durable(s, i * 10);
    }
    store_close(s);
    spoil_tail(f);
    s = open_store(f);
    store_counters(s, &c);
    assert_int_equal(c.bad_pages, 1);
    status_get(f->status, &view);
    assert_int_equal(view.state, STATUS_OK);
    assert_non_null(strstr(view.cause, "damaged pages of the log that are skipped: 1 "));
    assert_true(c.durable < 50);
    assert_true(c.durable >= 40);
    check_records(f, s, c.durable);
    push(f, s, c.durable + 1, 60);
    wait_durable(s, 60);
    check_records(f, s, 60);
    store_close(s);
}

static void what_cannot_be_opened_is_refused_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct store_options o = options(f);
    struct store *s = open_store(f);
    char error[256] = "", path[128];
    int fd;

    push(f, s, 1, 1);
    store_close(s);
    o.provenance = HWT_PROVENANCE_SIMULATED;
    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "holds measured data"));
    snprintf(path, sizeof(path), "%s/log/control.hwl", f->dir);
    fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    assert_int_equal(pwrite(fd, "x", 1, HWT_TSLOG_PAGE), 1);
    close(fd);
    o.provenance = HWT_PROVENANCE_MEASURED;
    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "control.hwl is damaged"));
    o.data_dir = "/proc/nowhere/at/all";
    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "/proc/nowhere"));
}

/* A control file that is gone or blank must not make a new log over the records of the old one. */
static void records_without_their_control_file_are_refused_not_overwritten(void **state)
{
    static const struct {
        bool gone;
        const char *why;
    } rows[] = {{true, "removed"}, {false, "blank"}};
    struct fixture *f = *state;
    struct store_options o = options(f);
    char path[128], away[160], error[512];
    struct store *s = open_store(f);

    push(f, s, 1, 60);
    store_close(s);
    snprintf(path, sizeof(path), "%s/log/control.hwl", f->dir);
    snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = rows[i].gone ? -1 : open(path, O_RDWR | O_CREAT, 0600);

        assert_true(rows[i].gone || (ftruncate(fd, 20 * HWT_TSLOG_PAGE) == 0 && close(fd) == 0));
        s = store_open(&o, error, sizeof(error));
        if (s != NULL || strstr(error, "control.hwl") == NULL) {
            fail_msg("%s: %s", rows[i].why, s != NULL ? "opened" : error);
        }
    }
    assert_int_equal(rename(away, path), 0);
    s = open_store(f);
    check_records(f, s, 60);
    store_close(s);
}

/* --- kill -9 --- */

static int child_pipe;

static void tell_parent(void *ctx, uint64_t durable)
{
    (void)ctx;
    if (write(child_pipe, &durable, sizeof(durable)) != sizeof(durable)) {
        _exit(1);
    }
}

static void write_for_ever(struct fixture *f, uint64_t from)
{
    struct store_options o = options(f);
    struct store_counters c = {.waiting = 0};
    char error[256];
    struct store *s;

    o.committed = tell_parent;
    s = store_open(&o, error, sizeof(error));
    if (s == NULL) {
        _exit(1);
    }
    for (uint64_t i = from;; i++) {
        push(f, s, i, i);
        do { /* on a slow disk the queue would run over */
            if (i % 50 == 0) {
                pause_ms(1);
                store_counters(s, &c);
            }
        } while (c.waiting > 500);
    }
}

static void killed_writers_lose_nothing_they_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed};
    uint64_t last = 0, most = 0;

    for (int i = 0; i < KILLS; i++) {
        uint64_t acknowledged = 0, told;
        int fds[2], status;
        struct store_counters c;
        struct store *s;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        if (pid == 0) {
            child_pipe = fds[1];
            write_for_ever(f, last + 1);
        }
        close(fds[1]);
        pause_ms(20 + rng_below(&rng, 100));
        kill(pid, SIGKILL);
        while (read(fds[0], &told, sizeof(told)) == sizeof(told)) {
            acknowledged = told;
        }
        close(fds[0]);
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        s = open_store(f);
        store_counters(s, &c);
        assert_true(c.durable >= acknowledged);
        assert_int_equal(c.bad_pages, 0);
        check_records(f, s, c.durable);
        store_close(s);
        most += c.durable - last;
        last = c.durable;
    }
    print_message("# %llu records in %d lives\n", (unsigned long long)most, KILLS);
    assert_true(most > KILLS);
}

int main(int argc, char **argv)
{
#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(records_are_durable_notified_and_there_after_a_restart),
        STORE_TEST(full_pages_are_rolled_up_and_stay_so),
        STORE_TEST(a_commit_waits_for_the_window),
        STORE_TEST(a_second_daemon_is_told_that_the_log_is_in_use),
        STORE_TEST(a_full_disk_is_said_and_nothing_is_lost),
        STORE_TEST(records_beyond_the_queue_are_counted_as_lost),
        STORE_TEST(a_failed_sync_is_tried_again_and_loses_nothing),
        STORE_TEST(a_slow_disk_delays_neither_records_nor_readers),
        STORE_TEST(a_damaged_tail_is_said_and_the_rest_served),
        STORE_TEST(what_cannot_be_opened_is_refused_with_a_reason),
        STORE_TEST(records_without_their_control_file_are_refused_not_overwritten),
        STORE_TEST(killed_writers_lose_nothing_they_acknowledged),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

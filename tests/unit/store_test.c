/* daemon/store: the log on a real disk, its thread, its bad days. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/log/store_rig.h"

static void records_are_durable_notified_and_there_after_a_restart(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    uint8_t uuid[16], again[16];

    assert_int_equal(store_boot(s), 1);
    store_uuid(s, uuid);
    assert_int_equal(uuid[6] >> 4, 4);
    rig_push(f, s, 1, 500);
    rig_wait_durable(s, 500);
    rig_check(f, s, 500);
    rig_push(f, s, 501, 600);
    store_close(s); /* commits what waits */
    s = rig_open(f);
    assert_int_equal(store_boot(s), 2);
    store_uuid(s, again);
    assert_memory_equal(uuid, again, 16);
    rig_check(f, s, 600);
    rig_push(f, s, 601, 650);
    rig_wait_durable(s, 650);
    rig_check(f, s, 650);
    store_close(s);
}

static void full_pages_are_rolled_up_and_stay_so(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    int tries = 0;

    rig_push(f, s, 1, 2000);
    rig_wait_durable(s, 2000);
    do {
        rig_pause_ms(10);
        store_snapshot(s, &f->snapshot);
    } while (f->snapshot.roll.count == 0 && tries++ < 500);
    assert_true(f->snapshot.roll.count > 0);
    store_close(s);
    s = rig_open(f);
    store_snapshot(s, &f->snapshot);
    assert_true(f->snapshot.roll.count > 0); /* at once */
    rig_check(f, s, 2000);
    store_close(s);
}

static void a_commit_waits_for_the_window(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    struct store_counters c;
    char error[256];
    struct store *s;

    o.commit_s = 1;
    s = store_open(&o, error, sizeof(error));
    assert_non_null(s);
    rig_stand_still();
    rig_push(f, s, 1, 3);
    rig_wait_taken(s);
    rig_pass_ms(990);
    rig_push(f, s, 4, 4); /* wakes it */
    rig_wait_taken(s);
    rig_pause_ms(50);
    store_counters(s, &c);
    assert_int_equal(c.durable, 0);
    rig_pass_ms(200);
    rig_wait_durable(s, 4); /* by real time, although nothing more is pushed */
    store_close(s);
}

/* Records each second at a window of a second: the second one, a little late, is in the commit. */
static void the_record_that_ends_a_window_is_in_its_commit(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    uint64_t flushes;
    struct store *s;

    o.commit_s = 60;
    rig_stand_still();
    s = rig_open_with(&o);
    rig_push(f, s, 1, 1); /* takes a block, which is synced */
    rig_wait_taken(s);
    rig_pass_ms(61000);
    rig_push(f, s, 2, 2);
    rig_wait_durable(s, 2);
    flushes = rig_flushes;
    rig_push(f, s, 3, 3);
    rig_wait_taken(s);
    rig_pass_ms(61000);
    rig_push(f, s, 4, 4);
    rig_wait_durable(s, 4);
    assert_int_equal(rig_flushes - flushes, 1);
    store_close(s);
}

static void a_second_daemon_is_told_that_the_log_is_in_use(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct store_options o = rig_options(f);
    char error[256] = "";

    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "another heatwatt"));
    assert_non_null(strstr(error, f->dir));
    store_close(s);
    store_close(rig_open(f));
}

static void a_full_disk_is_said_and_nothing_is_lost(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct store_counters c;
    struct status_view view;

    rig_push(f, s, 1, 100);
    rig_wait_durable(s, 100);
    rig_write_errno = ENOSPC;
    rig_push(f, s, 101, 400);
    rig_wait_state(f, STATUS_FAILED, &view);
    assert_non_null(strstr(view.cause, "no space left"));
    assert_non_null(strstr(view.cause, f->dir));
    assert_non_null(strstr(view.cause, "kB free"));
    rig_check(f, s, 100);
    rig_write_errno = 0;
    rig_wait_durable(s, 400);
    rig_wait_state(f, STATUS_OK, &view);
    rig_check(f, s, 400);
    store_counters(s, &c);
    assert_int_equal(c.lost, 0);
    store_close(s);
}

static void records_beyond_the_queue_are_counted_as_lost(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    struct store_counters c;
    struct status_view view;
    char error[256];
    struct store *s;
    static struct gen_record r;

    o.queue_bytes = 64 * 1024;
    s = store_open(&o, error, sizeof(error));
    assert_non_null(s);
    rig_write_errno = ENOSPC;
    for (int i = 0; i < 20000; i++) { /* more than tail and queue hold */
        gen_record(&r, &f->schema.schema, 1, 1);
        store_push(s, &f->schema.schema, &r.record);
    }
    store_counters(s, &c);
    assert_true(c.lost > 0);
    assert_true(c.waiting > 0);
    rig_wait_state(f, STATUS_FAILED, &view);
    rig_write_errno = 0;
    rig_wait_state(f, STATUS_OK, &view);
    rig_wait_durable(s, 20000 - c.lost);
    store_counters(s, &c);
    assert_int_equal(c.durable + c.lost, 20000);
    store_close(s);
}

static void a_failed_sync_is_tried_again_and_loses_nothing(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct status_view view;

    rig_push(f, s, 1, 50);
    rig_wait_durable(s, 50);
    rig_flush_errno = EIO;
    rig_push(f, s, 51, 900);
    rig_wait_state(f, STATUS_FAILED, &view);
    assert_non_null(strstr(view.cause, "sync"));
    assert_non_null(strstr(view.cause, strerror(EIO)));
    rig_flush_errno = 0;
    rig_wait_durable(s, 900);
    store_close(s);
    s = rig_open(f);
    rig_check(f, s, 900);
    store_close(s);
}

static void a_slow_disk_delays_neither_records_nor_readers(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct store_counters c;

    rig_hold();
    rig_push(f, s, 1, 1);
    rig_wait_held(); /* the commit is under way */
    for (uint64_t i = 2; i <= 200; i++) {
        rig_push(f, s, i, i);
        store_snapshot(s, &f->snapshot);
        store_counters(s, &c);
    }
    assert_int_equal(c.durable, 0);
    assert_true(rig_release());
    rig_wait_durable(s, 200);
    rig_check(f, s, 200);
    store_close(s);
}

/* Flips a bit in the newest slot of the own stream. */
static void spoil_tail(const struct rig *f)
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

/* All records are there but from..to, which are told as lost. */
static void check_but_for(struct rig *f, struct store *s, uint64_t from, uint64_t to)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost, all_lost = 0, n = 0;
    int got;

    rig_check_from(f, s, to + 1, to + 10);
    assert_int_equal(hwt_tslog_cursor_open(&f->cursor, &f->snapshot, 0, 1), 0);
    while ((got = hwt_tslog_cursor_next(&f->cursor, &schema, &record, &lost)) != 0) {
        assert_true(got == 1 || got == HWT_ERR_LOST);
        n += got == 1 && record->sequence < from;
        all_lost += got == HWT_ERR_LOST ? lost : 0;
    }
    assert_int_equal(n, from - 1);
    assert_int_equal(all_lost, to - from + 1);
}

static void a_damaged_tail_is_said_and_the_rest_served(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    struct store_counters c;
    struct status_view view;
    struct store *s;

    o.commit_s = 60;
    rig_stand_still();
    s = rig_open_with(&o);
    for (uint64_t i = 1; i <= 5; i++) { /* ten to a commit */
        rig_push(f, s, i * 10 - 9, i * 10 - 1);
        rig_wait_taken(s);
        rig_pass_ms(61000);
        rig_push(f, s, i * 10, i * 10);
        rig_wait_durable(s, i * 10);
    }
    store_close(s);
    spoil_tail(f);
    s = rig_open(f);
    store_counters(s, &c);
    assert_int_equal(c.bad_pages, 1);
    status_get(f->status, &view);
    assert_int_equal(view.state, STATUS_OK);
    assert_non_null(strstr(view.cause, "damaged pages of the log that are skipped: 1 "));
    assert_true(c.durable >= 50); /* no sequence is given twice */
    rig_push(f, s, c.durable + 1, c.durable + 10);
    rig_wait_durable(s, c.durable + 10);
    check_but_for(f, s, 41, c.durable);
    store_close(s);
}

static void what_cannot_be_opened_is_refused_with_a_reason(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    struct store *s = rig_open(f);
    char error[256] = "", path[128];
    int fd;

    rig_push(f, s, 1, 1);
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
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    char path[128], away[160], error[512];
    struct store *s = rig_open(f);

    rig_push(f, s, 1, 60);
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
    s = rig_open(f);
    rig_check(f, s, 60);
    store_close(s);
}

/* Beside a folder, these run on a partition. */
#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
#define PARTITION_TEST(f)                                                  \
    {                                                                      \
#f "_on_a_partition", (f), rig_setup_partition, rig_teardown, NULL \
    }
#define BOTH_TESTS(f) FOLDER_TEST(f), PARTITION_TEST(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(records_are_durable_notified_and_there_after_a_restart),
        BOTH_TESTS(full_pages_are_rolled_up_and_stay_so),
        BOTH_TESTS(a_commit_waits_for_the_window),
        FOLDER_TEST(the_record_that_ends_a_window_is_in_its_commit),
        FOLDER_TEST(a_second_daemon_is_told_that_the_log_is_in_use),
        FOLDER_TEST(a_full_disk_is_said_and_nothing_is_lost),
        BOTH_TESTS(records_beyond_the_queue_are_counted_as_lost),
        BOTH_TESTS(a_failed_sync_is_tried_again_and_loses_nothing),
        BOTH_TESTS(a_slow_disk_delays_neither_records_nor_readers),
        FOLDER_TEST(a_damaged_tail_is_said_and_the_rest_served),
        FOLDER_TEST(what_cannot_be_opened_is_refused_with_a_reason),
        FOLDER_TEST(records_without_their_control_file_are_refused_not_overwritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* daemon/store: where a log lies: partitions, and places that change under it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/part_format.h"
#include "tests/log/store_rig.h"

/* --- partitions --- */

static void a_commit_gives_a_partition_one_page(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    uint64_t written, flushes;

    rig_push(f, s, 1, 1); /* takes a block, which is blanked, and the schema's pages */
    rig_wait_durable(s, 1);
    rig_push(f, s, 2, 2);
    rig_wait_durable(s, 2);
    written = rig_written;
    flushes = rig_flushes;
    for (uint64_t i = 3; i <= 12; i++) {
        rig_push(f, s, i, i);
        rig_wait_durable(s, i);
    }
    assert_int_equal(rig_written - written, 10 * HWT_TSLOG_PAGE);
    assert_int_equal(rig_flushes - flushes, 10);
    store_close(s);
}

/* What was written before a flush that failed may be gone: nothing of it is taken for granted. */
static void what_a_failed_flush_lost_is_written_again(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct status_view view;

    rig_push(f, s, 1, 100);
    rig_wait_durable(s, 100);
    rig_forget = true;
    rig_flush_errno = EIO;
    rig_push(f, s, 101, 2000); /* several pages and a slot */
    rig_wait_state(f, STATUS_FAILED, &view);
    assert_non_null(strstr(view.cause, f->partition));
    assert_non_null(strstr(view.cause, strerror(EIO)));
    rig_forget = false;
    rig_flush_errno = 0;
    rig_wait_durable(s, 2000);
    rig_check(f, s, 2000);
    store_close(s);
    s = rig_open(f);
    rig_check(f, s, 2000);
    store_close(s);
}

static void the_oldest_records_go_when_a_partition_is_full(void **state)
{
    struct rig *f = *state;
    struct store *s;
    struct hwt_stream_info info = {.first = 1};
    struct store_counters c;
    uint64_t last = 0;

    gen_schema(&f->schema, 4); /* 256 wild channels: a page holds a few records */
    s = rig_open(f);
    while (info.first == 1 && last < 200000) {
        rig_push(f, s, last + 1, last + 100);
        last += 100;
        rig_wait_durable(s, last);
        store_snapshot(s, &f->snapshot);
        assert_int_equal(hwt_tslog_stream_info(&f->snapshot, 0, &info), 0);
    }
    assert_true(info.first > 1);
    rig_check_from(f, s, info.first, last);
    store_close(s);
    s = rig_open(f);
    rig_check_from(f, s, info.first, last);
    store_counters(s, &c);
    assert_int_equal(c.lost, 0);
    store_close(s);
}

static void put(const struct rig *f, off_t at, const char *bytes, size_t n)
{
    int fd = open(f->partition, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(ftruncate(fd, (off_t)RIG_PARTITION_MB << 20), 0);
    assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
    close(fd);
}

static void a_partition_that_holds_something_else_is_left_alone(void **state)
{
    static const struct {
        off_t at;
        const char *bytes;
        size_t n;
        const char *says, *why;
    } rows[] = {
        {0x438, "\x53\xEF", 2, "ext4", "superblock at 1024, magic at 56 of it"},
        {0, "XFSB", 4, "XFS", "big-endian, at the start"},
        {0x10040, "_BHRfS_M", 8, "Btrfs", "superblock at 64 KiB"},
        {512, "EFI PART", 8, "partition table (GPT)", "a whole disk with sectors of 512 bytes"},
        {510, "\x55\xAA", 2, "partition table", "a whole disk with an MBR"},
        {0, "LUKS\xBA\xBE", 6, "LUKS", "encrypted"},
        {4086, "SWAPSPACE2", 10, "swap", "pages of 4 KiB"},
        {70000, "x", 1, "unknown kind", "not blank, and nobody knows"},
        {0, "\0", 1, "`heatwatt log format` makes one", "blank: also a log is made only if asked"},
    };
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    char error[512];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char now[10] = "";
        struct store *s;
        int fd;

        put(f, rows[i].at, rows[i].bytes, rows[i].n);
        s = store_open(&o, error, sizeof(error));
        if (s != NULL || strstr(error, rows[i].says) == NULL ||
            strstr(error, f->partition) == NULL) {
            fail_msg("%s: %s", rows[i].why, s != NULL ? "opened" : error);
        }
        fd = open(f->partition, O_RDONLY);
        assert_int_equal(pread(fd, now, rows[i].n, rows[i].at), (ssize_t)rows[i].n);
        assert_memory_equal(now, rows[i].bytes, rows[i].n);
        close(fd);
    }
}

static void a_partition_that_cannot_be_used_is_refused_with_a_reason(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    struct store *s = rig_open(f);
    char error[512] = "";
    struct stat st;

    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "another heatwatt uses it"));
    store_close(s);
    assert_int_equal(stat(f->partition, &st), 0);
    assert_int_equal(truncate(f->partition, 15 << 20), 0);
    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "too small for a log: at least 16 MiB"));
    o.partition = "/dev/null";
    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "neither a block device nor a file"));
    o.partition = "/nowhere/part";
    assert_null(store_open(&o, error, sizeof(error)));
    assert_non_null(strstr(error, "/nowhere/part: No such file"));
}

/* Nothing of a log is found again once its partition was formatted. */
static void formatting_leaves_nothing_of_the_log_before(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    uint8_t before[16], after[16];
    struct part_facts facts;
    char error[512] = "";

    rig_push(f, s, 1, 3000);
    rig_wait_durable(s, 3000);
    store_uuid(s, before);
    store_close(s);
    assert_int_equal(part_facts(f->partition, &facts, error, sizeof(error)), 0);
    assert_int_equal(facts.content, PART_LOG);
    assert_int_equal(facts.mb, RIG_PARTITION_MB);
    assert_int_equal(part_format(f->partition, error, sizeof(error)), 0);
    s = rig_open(f);
    store_uuid(s, after);
    assert_memory_not_equal(before, after, 16);
    assert_int_equal(store_boot(s), 1);
    rig_notified = 0;
    rig_push(f, s, 1, 3000);
    rig_wait_durable(s, 3000);
    rig_check(f, s, 3000);
    store_close(s);
}

/* --- places that change under the store --- */

static void run_or_fail(const char *format, const char *a, const char *b)
{
    char command[512];

    snprintf(command, sizeof(command), format, a, b);
    assert_int_equal(system(command), 0);
}

static void place_of(const struct rig *f, char path[128])
{
    snprintf(path, 128, "%s%s", f->partition[0] != '\0' ? f->partition : f->dir,
             f->partition[0] != '\0' ? "" : "/log");
}

/* As a file system that turned read-only, was unmounted, mended and mounted again. */
static void a_log_that_was_mounted_anew_is_opened_again_and_lacks_nothing(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct status_view view;
    struct store_counters c;
    char here[128], away[160];

    place_of(f, here);
    snprintf(away, sizeof(away), "%s.away", here);
    rig_push(f, s, 1, 1000);
    rig_wait_durable(s, 1000);
    rig_write_errno = EROFS;
    rig_push(f, s, 1001, 1200);
    rig_wait_state(f, STATUS_FAILED, &view);
    assert_non_null(strstr(view.cause, strerror(EROFS)));
    assert_int_equal(rename(here, away), 0);
    rig_push(f, s, 1201, 1400);
    rig_pause_ms(3 * RIG_RETRY_MS); /* a try without a log */
    status_get(f->status, &view);
    assert_int_equal(view.state, STATUS_FAILED);
    assert_non_null(strstr(view.cause, "gone"));
    rig_check(f, s, 1000); /* readers still have what was opened */
    run_or_fail("cp -a '%s' '%s'", away, here);
    rig_write_errno = 0;
    rig_wait_durable(s, 1400);
    rig_wait_state(f, STATUS_OK, &view);
    rig_check(f, s, 1400);
    store_counters(s, &c);
    assert_int_equal(c.lost, 0);
    store_close(s);
    run_or_fail("rm -r '%s' # %s", away, "");
    s = rig_open(f);
    rig_check(f, s, 1400);
    store_close(s);
}

/* A snapshot with roll-ups, within 5 s, or the test fails. */
static void wait_rolled(struct store *s, struct hwt_tslog_snapshot *snapshot)
{
    for (int i = 0; i < 500; i++) {
        store_snapshot(s, snapshot);
        if (snapshot->roll.count > 0) {
            return;
        }
        rig_pause_ms(10);
    }
    fail_msg("nothing was rolled up");
}

static void read_sheet(const struct hwt_tslog_snapshot *snapshot, uint8_t page[HWT_TSLOG_PAGE])
{
    const struct hwt_bd *bd = &snapshot->roll.bd;
    const struct hwt_rollup_sheet *sheet = &snapshot->roll.sheet[0];

    assert_int_equal(
        bd->read(bd->ctx, sheet->block, sheet->page * HWT_TSLOG_PAGE, page, HWT_TSLOG_PAGE), 0);
}

/* Who reads while the log is opened again has a snapshot of before. */
static void readers_keep_their_roll_ups_while_the_log_is_opened_again(void **state)
{
    static struct hwt_tslog_snapshot before, after;
    static uint8_t was[HWT_TSLOG_PAGE], is[HWT_TSLOG_PAGE];
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct status_view view;
    char here[128], away[160], copy[160];

    place_of(f, here);
    snprintf(away, sizeof(away), "%s.away", here);
    snprintf(copy, sizeof(copy), "%s.copy", here);
    rig_push(f, s, 1, 3000);
    rig_wait_durable(s, 3000);
    wait_rolled(s, &before);
    read_sheet(&before, was);
    rig_write_errno = EROFS;
    rig_push(f, s, 3001, 3010);
    rig_wait_state(f, STATUS_FAILED, &view);
    run_or_fail("cp -a '%s' '%s'", here, copy);
    assert_int_equal(rename(here, away), 0);
    assert_int_equal(rename(copy, here), 0);
    rig_write_errno = 0;
    rig_wait_durable(s, 3010);
    read_sheet(&before, is);
    assert_memory_equal(is, was, sizeof(was));
    wait_rolled(s, &after);
    assert_ptr_equal(after.roll.bd.ctx, before.roll.bd.ctx);
    store_close(s);
    run_or_fail("rm -r '%s' # %s", away, "");
}

/* Without a place for them the log is opened all the same, and nobody is shown those of before. */
static void roll_ups_that_cannot_be_opened_again_are_done_without(void **state)
{
    static struct hwt_tslog_snapshot now;
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct status_view view;
    char here[128], away[160], copy[160];

    place_of(f, here);
    snprintf(away, sizeof(away), "%s.away", here);
    snprintf(copy, sizeof(copy), "%s.copy", here);
    rig_push(f, s, 1, 3000);
    rig_wait_durable(s, 3000);
    wait_rolled(s, &now);
    rig_write_errno = EROFS;
    rig_push(f, s, 3001, 3010);
    rig_wait_state(f, STATUS_FAILED, &view);
    run_or_fail("cp -a '%s' '%s'", here, copy);
    run_or_fail("cd '%s' && rm -r roll && touch roll # %s", copy, "");
    assert_int_equal(rename(here, away), 0);
    assert_int_equal(rename(copy, here), 0);
    rig_write_errno = 0;
    rig_wait_durable(s, 3010);
    rig_pause_ms(50);
    store_snapshot(s, &now);
    assert_int_equal(now.roll.count, 0);
    rig_check(f, s, 3010);
    store_close(s);
    run_or_fail("rm -r '%s' # %s", away, "");
}

/* Neither an empty folder, as under a mount that failed, nor another log is taken for the log. */
static void what_is_not_the_log_does_not_take_its_place(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    struct store *s = rig_open(f), *other;
    struct status_view view;
    char here[128], away[160], elsewhere[128], error[256];
    struct stat st;

    place_of(f, here);
    snprintf(away, sizeof(away), "%s.away", here);
    snprintf(elsewhere, sizeof(elsewhere), "%s/other", f->dir);
    o.data_dir = elsewhere;
    other = store_open(&o, error, sizeof(error));
    assert_non_null(other);
    store_close(other);
    rig_push(f, s, 1, 50);
    rig_wait_durable(s, 50);
    rig_write_errno = EIO;
    rig_push(f, s, 51, 60);
    rig_wait_state(f, STATUS_FAILED, &view);
    assert_int_equal(rename(here, away), 0);
    assert_int_equal(mkdir(here, 0700), 0);
    rig_write_errno = 0;
    rig_pause_ms(3 * RIG_RETRY_MS);
    status_get(f->status, &view);
    assert_int_equal(view.state, STATUS_FAILED);
    assert_non_null(strstr(view.cause, "there is no log"));
    snprintf(error, sizeof(error), "%s/control.hwl", here);
    assert_int_not_equal(stat(error, &st), 0);
    assert_int_equal(rmdir(here), 0);
    run_or_fail("cp -a '%s/log' '%s'", elsewhere, here);
    rig_pause_ms(3 * RIG_RETRY_MS);
    status_get(f->status, &view);
    assert_int_equal(view.state, STATUS_FAILED);
    assert_non_null(strstr(view.cause, "another log"));
    run_or_fail("rm -r '%s' # %s", here, "");
    assert_int_equal(rename(away, here), 0); /* the right one is back */
    rig_wait_durable(s, 60);
    rig_check(f, s, 60);
    store_close(s);
}

#define FOLDER_TEST(f)    cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
#define PARTITION_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup_partition, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTITION_TEST(a_commit_gives_a_partition_one_page),
        PARTITION_TEST(what_a_failed_flush_lost_is_written_again),
        PARTITION_TEST(the_oldest_records_go_when_a_partition_is_full),
        PARTITION_TEST(a_partition_that_holds_something_else_is_left_alone),
        PARTITION_TEST(a_partition_that_cannot_be_used_is_refused_with_a_reason),
        PARTITION_TEST(formatting_leaves_nothing_of_the_log_before),
        FOLDER_TEST(a_log_that_was_mounted_anew_is_opened_again_and_lacks_nothing),
        {"a_partition_that_was_plugged_in_anew_is_opened_again_and_lacks_nothing",
         a_log_that_was_mounted_anew_is_opened_again_and_lacks_nothing, rig_setup_partition,
         rig_teardown, NULL},
        FOLDER_TEST(readers_keep_their_roll_ups_while_the_log_is_opened_again),
        {"readers_of_a_partition_keep_their_roll_ups_while_the_log_is_opened_again",
         readers_keep_their_roll_ups_while_the_log_is_opened_again, rig_setup_partition,
         rig_teardown, NULL},
        FOLDER_TEST(roll_ups_that_cannot_be_opened_again_are_done_without),
        FOLDER_TEST(what_is_not_the_log_does_not_take_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

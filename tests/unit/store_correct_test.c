/* daemon/store: corrections go through the store's thread: durable before they are told, all or
 * none, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "tests/log/store_rig.h"

static void note_done(void *ctx, int err)
{
    atomic_store((atomic_int *)ctx, err == 0 ? 1 : err);
}

static int wait_done(atomic_int *done)
{
    for (int i = 0; i < 1000 && atomic_load(done) == 0; i++) {
        rig_pause_ms(5);
    }
    return atomic_load(done);
}

static struct hwt_correction shift(uint64_t first, uint64_t last)
{
    return (struct hwt_correction){.channel = "a_power",
                                   .first = first,
                                   .last = last,
                                   .gain_q30 = (int64_t)1 << 30,
                                   .offset = 1,
                                   .unix_ms = 1000};
}

static uint32_t revision(struct rig *f, struct store *s, uint64_t first, uint64_t last)
{
    store_snapshot(s, &f->snapshot);
    return hwt_tslog_revision(&f->snapshot, 0, first, last, false);
}

static void corrections_are_durable_before_they_are_told_and_all_or_none(void **state)
{
    static struct hwt_correction c[HWT_TSLOG_CORRECTIONS_MAX];
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    atomic_int done = 0;
    struct store *s;

    o.commit_s = 3600; /* no window would bring them */
    s = rig_open_with(&o);
    rig_push(f, s, 1, 5);
    for (size_t i = 0; i < HWT_TSLOG_CORRECTIONS_MAX; i++) {
        c[i] = shift(i + 1, i + 1);
    }
    assert_true(store_correct(s, c, 2, note_done, &done));
    assert_int_equal(wait_done(&done), 1);
    assert_int_not_equal(revision(f, s, 1, 2), 0);
    assert_int_equal(revision(f, s, 3, 5), 0);
    atomic_store(&done, 0);
    assert_true(store_correct(s, c, HWT_TSLOG_CORRECTIONS_MAX - 1, note_done, &done));
    assert_int_equal(wait_done(&done), HWT_ERR_SPACE);
    assert_int_equal(revision(f, s, 3, 5), 0);
    store_close(s);
    s = rig_open(f); /* and still there */
    assert_int_not_equal(revision(f, s, 1, 2), 0);
    store_close(s);
}

static void corrections_wait_for_a_disk_that_fails_and_come_once(void **state)
{
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct hwt_correction c = shift(1, 9);
    atomic_int done = 0;
    uint32_t once;

    rig_push(f, s, 1, 5);
    rig_wait_durable(s, 5);
    atomic_store(&rig_flush_errno, EIO);
    assert_true(store_correct(s, &c, 1, note_done, &done));
    assert_false(store_correct(s, &c, 1, note_done, &done)); /* one after the other */
    rig_pause_ms(3 * RIG_RETRY_MS);
    assert_int_equal(atomic_load(&done), 0);
    atomic_store(&rig_flush_errno, 0);
    assert_int_equal(wait_done(&done), 1);
    once = revision(f, s, 1, 5);
    assert_int_not_equal(once, 0);
    store_close(s);
    s = rig_open(f);
    assert_int_equal(revision(f, s, 1, 5), once);
    store_close(s);
}

static void a_commit_comes_soon_when_it_is_asked_for(void **state)
{
    struct rig *f = *state;
    struct store_options o = rig_options(f);
    struct store *s;

    o.commit_s = 3600;
    s = rig_open_with(&o);
    rig_push(f, s, 1, 5);
    store_commit_soon(s);
    rig_wait_durable(s, 5);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            corrections_are_durable_before_they_are_told_and_all_or_none, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(corrections_wait_for_a_disk_that_fails_and_come_once,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_commit_comes_soon_when_it_is_asked_for, rig_setup,
                                        rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

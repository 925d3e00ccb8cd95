/*
 * core/tslog: power cuts. A workload is run once to count its writes, then again and again with the
 * power going during write 1, 2, 3 …; after each cut the log is opened, checked against the model,
 * written on, cut again now and then. `-n N`: N workloads (default 2), every write of each; without
 * it a sample of the writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/log/model.h"

enum { BLOCK = 8 * HWT_TSLOG_PAGE, BLOCKS = 28, STEPS = 30 };

static uint64_t seed;
static unsigned workloads = 2;
static bool exhaustive;

static int run(struct model *m, struct rng *rng, unsigned steps)
{
    int err = model_open(m);

    for (unsigned i = 0; err == 0 && i < steps; i++) {
        err = model_step(m, rng);
    }
    return err;
}

/* Opens and checks; with a chance the power goes again while it opens. */
static void reopen(struct model *m, struct rng *rng)
{
    struct hwt_tslog_config config = {.bd = ramdev_bd(m->dev), .uuid = {7, 1, 3}};

    for (int again = 0; again < 2; again++) {
        if (rng_below(rng, 2) == 0) {
            ramdev_cut_at(m->dev, ramdev_ops(m->dev) + 1 + rng_below(rng, 4));
        }
        if (hwt_tslog_open(m->log, &config, &m->recovery) != 0) {
            ramdev_power_cycle(m->dev, rng);
        }
        ramdev_cut_at(m->dev, 0);
    }
    assert_int_equal(hwt_tslog_open(m->log, &config, &m->recovery), 0);
    assert_true(model_check(m));
    model_settle(m);
}

static void cut_once(uint64_t workload, uint64_t cut, uint8_t erased)
{
    struct model *m = model_new(BLOCK, BLOCKS, erased);
    struct rng rng = {workload}, chance = {workload ^ (cut << 20)};

    m->allow_pruned = true;
    ramdev_cut_at(m->dev, cut);
    assert_int_not_equal(run(m, &rng, STEPS), HWT_ERR_SANITY);
    for (int round = 0; round < 3; round++) {
        int err;

        ramdev_power_cycle(m->dev, &chance);
        reopen(m, &chance);
        ramdev_cut_at(m->dev, ramdev_ops(m->dev) + 1 + rng_below(&chance, 60));
        err = run(m, &chance, 8);
        assert_true(err == 0 || err == HWT_ERR_IO);
    }
    ramdev_power_cycle(m->dev, &chance);
    reopen(m, &chance);
    assert_int_equal(ramdev_breaches(m->dev), 0);
    model_free(m);
}

static void a_cut_at_any_write_loses_only_what_was_not_committed(void **state)
{
    (void)state;
    for (unsigned w = 0; w < workloads; w++) {
        struct model *m = model_new(BLOCK, BLOCKS, 0xFF);
        struct rng rng = {seed + w};
        uint64_t ops, step;

        m->allow_pruned = true;
        assert_int_equal(run(m, &rng, STEPS), 0);
        ops = ramdev_ops(m->dev);
        model_free(m);
        step = exhaustive ? 1 : 1 + ops / 80;
        for (uint64_t cut = 1; cut <= ops; cut += step) {
            print_message("# workload %u cut %u of %u\n", w, (unsigned)cut, (unsigned)ops);
            cut_once(seed + w, cut, cut % 2 == 0 ? 0xFF : 0x00);
        }
    }
}

static void a_cut_while_formatting_leaves_a_device_that_opens(void **state)
{
    (void)state;
    for (uint64_t cut = 1; cut < 12; cut++) {
        for (uint64_t draw = 0; draw < 20; draw++) {
            struct model *m = model_new(BLOCK, BLOCKS, 0xFF);
            struct rng rng = {seed ^ draw};

            ramdev_cut_at(m->dev, cut);
            if (model_open(m) == 0) {
                (void)!model_commit(m);
            }
            ramdev_power_cycle(m->dev, &rng);
            assert_int_equal(model_open(m), 0);
            assert_int_equal(model_append(m, 0, 1), 0);
            assert_int_equal(model_commit(m), 0);
            assert_true(model_check(m));
            model_free(m);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_at_any_write_loses_only_what_was_not_committed),
        cmocka_unit_test(a_cut_while_formatting_leaves_a_device_that_opens),
    };

    seed = gen_seed(argc, argv);
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-n") == 0) {
            workloads = (unsigned)strtoul(argv[i + 1], NULL, 0);
            exhaustive = true;
        }
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

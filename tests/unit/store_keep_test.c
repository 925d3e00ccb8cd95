/* daemon/store: how long records are kept, and how many fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/run/config_table.h"
#include "tests/log/store_rig.h"

#define DAY_MS   INT64_C(86400000)
#define BEGAN_MS INT64_C(1800000000000)

enum { HOUR_MS = 3600000, KEEP_DAYS = 30, BATCH = 50, DROPS = 5 };

/* Wild values of 256 channels, an hour apart: a block holds some days. */
static void push_hours(const struct rig *f, struct store *s, uint64_t from, uint64_t n,
                       enum hwt_clock_quality clock)
{
    static struct gen_record r;

    for (uint64_t i = from; i < from + n; i++) {
        gen_record(&r, &f->schema.schema, i, i * 7919);
        r.record.unix_ms = BEGAN_MS + (int64_t)i * HOUR_MS;
        r.record.span_ms = HOUR_MS;
        r.record.clock = (uint8_t)clock;
        store_push(s, &f->schema.schema, &r.record);
    }
}

static struct hwt_stream_info info_of(struct rig *f, struct store *s)
{
    struct hwt_stream_info info;

    store_snapshot(s, &f->snapshot);
    assert_int_equal(hwt_tslog_stream_info(&f->snapshot, 0, &info), 0);
    return info;
}

static struct store *open_keeping(struct rig *f)
{
    struct store_options o = rig_options(f);

    gen_schema(&f->schema, 4);
    o.keep_days = KEEP_DAYS;
    return rig_open_with(&o);
}

static void records_older_than_they_may_be_go_a_block_at_a_time(void **state)
{
    struct rig *f = *state;
    struct store *s = open_keeping(f);
    struct hwt_stream_info info = {.first = 1}, before = info;
    uint64_t most = 0, most_drop = 0; /* bytes written for a batch: without, with a block dropped */
    uint64_t last = 0;
    int drops = 0;

    while (drops < DROPS && last < 100000) {
        uint64_t written = rig_written;

        push_hours(f, s, last + 1, BATCH, HWT_CLOCK_SYNCED);
        last += BATCH;
        rig_wait_durable(s, last);
        written = rig_written - written;
        before = info;
        info = info_of(f, s);
        if (info.first > before.first) { /* by the commit of this or the one before */
            drops++;
            most_drop = written > most_drop ? written : most_drop;
            assert_true(info.first - before.first < 1000);
        } else {
            most = written > most ? written : most;
        }
        /* Nothing younger is gone, and what is there is at most a block older. */
        assert_true(info.first_ms <= info.last_ms - KEEP_DAYS * DAY_MS || info.first == 1);
    }
    assert_int_equal(drops, DROPS);
    assert_true(info.last_ms - info.first_ms < 2 * KEEP_DAYS * DAY_MS);
    print_message("# most written %llu, with a block dropped %llu\n", (unsigned long long)most,
                  (unsigned long long)most_drop);
    assert_true(most_drop <= most);                  /* nothing is moved to make room */
    push_hours(f, s, last + 1, 1, HWT_CLOCK_SYNCED); /* the next commit makes it durable, too */
    rig_wait_durable(s, last + 1);
    store_close(s);
    s = open_keeping(f);
    assert_true(info_of(f, s).first >= info.first); /* what is gone stays gone */
    assert_int_equal(info_of(f, s).last, last + 1);
    store_close(s);
}

/* A clock that steps into the future before it is synchronised must not cost the history. */
static void a_clock_not_known_to_be_right_removes_nothing(void **state)
{
    static const struct {
        enum hwt_clock_quality clock;
        bool removes;
        const char *why;
    } rows[] = {
        {HWT_CLOCK_UNSYNCED, false, "the system's clock, not synchronised"},
        {HWT_CLOCK_SYNCED, true, "synchronised"},
    };
    struct rig *f = *state;
    struct store *s = open_keeping(f);
    uint64_t last = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int n = 0; n < 40; n++) {
            push_hours(f, s, last + 1, BATCH, rows[i].clock);
            last += BATCH;
            rig_wait_durable(s, last);
        }
        if ((info_of(f, s).first > 1) != rows[i].removes) {
            fail_msg("%s: first %llu", rows[i].why, (unsigned long long)info_of(f, s).first);
        }
    }
    store_close(s);
}

/* --- ten years --- */

enum { CHANNELS = 30, STEP_S = 10, DAYS = 3, YEARS = 10 };

/* Half powers that waver by 40 W, half counters in mJ that follow them: as noisy as a house gets.
 */
static void push_house(struct store *s, struct rng *rng, uint64_t from, uint64_t n)
{
    static int64_t counter[CHANNELS];
    static struct hwt_channel channel[CHANNELS];
    struct hwt_schema schema = {channel, CHANNELS};

    for (int c = 0; c < CHANNELS; c++) {
        snprintf(channel[c].id, sizeof(channel[c].id), "c%d_%s", c / 2,
                 c % 2 == 0 ? "power" : "import");
        channel[c].quantity = c % 2 == 0 ? HWT_Q_POWER : HWT_Q_IMPORT;
    }
    for (uint64_t i = from; i < from + n; i++) {
        struct hwt_value value[CHANNELS];
        struct hwt_record r = {.mono_us = (int64_t)i * STEP_S * 1000000,
                               .unix_ms = BEGAN_MS + (int64_t)i * STEP_S * 1000,
                               .boot = 1,
                               .span_ms = STEP_S * 1000,
                               .clock = HWT_CLOCK_SYNCED,
                               .count = CHANNELS,
                               .value = value};

        for (int c = 0; c < CHANNELS; c += 2) {
            int64_t dw = 8000 + rng_below(rng, 400); /* tenths of a W */

            counter[c + 1] += dw * STEP_S * 100 + rng_below(rng, 1000); /* mJ */
            value[c] = (struct hwt_value){.v = dw, .quality = HWT_QUALITY_GOOD};
            value[c + 1] = (struct hwt_value){.v = counter[c + 1], .quality = HWT_QUALITY_GOOD};
        }
        store_push(s, &schema, &r);
    }
}

static void count_page(void *ctx, const struct hwt_tslog_page_report *page)
{
    *(uint64_t *)ctx += page->state == HWT_TSLOG_PAGE_GOOD;
}

static void the_default_size_holds_ten_years_of_a_noisy_house(void **state)
{
    const struct config_option *o = config_option_find(SECTION_LOG, "max_mb");
    const uint64_t records = DAYS * 86400 / STEP_S;
    struct rig *f = *state;
    struct store *s = rig_open(f);
    struct rng rng = {1};
    uint64_t pages = 0;
    double mb;

    for (uint64_t i = 1; i <= records; i += 480) {
        push_house(s, &rng, i, 480);
        rig_wait_durable(s, i + 479);
    }
    store_snapshot(s, &f->snapshot);
    assert_int_equal(hwt_tslog_verify(&f->snapshot, &f->cursor, count_page, &pages), 0);
    mb = (double)pages * HWT_TSLOG_PAGE / DAYS * 365.25 * YEARS / (1 << 20);
    print_message("# %.2f bytes a point, %d channels at %d s take %.0f MB in %d years\n",
                  (double)pages * HWT_TSLOG_PAGE / (double)(records * CHANNELS), CHANNELS, STEP_S,
                  mb, YEARS);
    assert_true(mb > 100);
    assert_true(mb < strtod(o->fallback, NULL));
    assert_string_equal(config_option_find(SECTION_LOG, "keep_days")->fallback, "0");
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"records_older_than_they_may_be_go_a_block_at_a_time_in_a_folder",
         records_older_than_they_may_be_go_a_block_at_a_time, rig_setup, rig_teardown, NULL},
        {"records_older_than_they_may_be_go_a_block_at_a_time_on_a_partition",
         records_older_than_they_may_be_go_a_block_at_a_time, rig_setup_partition, rig_teardown,
         NULL},
        cmocka_unit_test_setup_teardown(a_clock_not_known_to_be_right_removes_nothing, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(the_default_size_holds_ten_years_of_a_noisy_house,
                                        rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

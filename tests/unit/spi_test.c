/* daemon/drivers/spi_chip, spi_bus and sampler_spi on modelled converters (tests/spidev_model.c).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "daemon/drivers/sampler_spi.h"
#include "tests/spidev_clock.h"

#define MS_NS INT64_C(1000000)

enum { TURN_MS = 10, TURN_NS = TURN_MS * MS_NS };

struct fixture {
    char dir[64], path[96];
    struct spi_chip chip, other;
    struct sampler_spi *source; /* or NULL */
};

/* Faults and waves from now on; the file is replaced, so that it is never read half. */
static void tell_model(const struct fixture *f, const char *text)
{
    char next[128];
    FILE *out;

    snprintf(next, sizeof(next), "%s.next", f->path);
    out = fopen(next, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(rename(next, f->path), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->dir, sizeof(f->dir), "/tmp/spi_test.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/model", f->dir);
    setenv("SPIDEV_MODEL", f->path, 1);
    f->chip.fd = f->other.fd = -1;
    tell_model(f, "hz 50\n");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const files[] = {"", ".0.0", ".0.1", ".1.0"};
    struct fixture *f = *state;
    char path[128];

    sampler_spi_close(f->source, NULL); /* of a test that failed */
    spi_chip_close(&f->chip);
    spi_chip_close(&f->other);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", f->path, files[i]);
        unlink(path);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

/* Steady levels, a different one on each input: 2048 + 100 + 200 input. */
static const char steady[] = "hz 0\n"
                             "wave 0 0 100 -90\nwave 0 1 300 -90\nwave 0 2 500 -90\n"
                             "wave 0 3 700 -90\nwave 0 4 900 -90\nwave 0 5 1100 -90\n"
                             "wave 0 6 1300 -90\nwave 0 7 1500 -90\n";

static void each_input_gives_its_own_code(void **state)
{
    struct fixture *f = *state;
    uint16_t code[SPI_CHANNELS];
    struct spi_batch batch;

    tell_model(f, steady);
    assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev0.0", 1000000, 0xFF), 0);
    assert_int_equal(spi_chip_read(&f->chip, 16, &batch), 0);
    for (unsigned n = 0; n < 2; n++) {
        assert_true(spi_chip_scan(&f->chip, n, code));
        for (unsigned i = 0; i < SPI_CHANNELS; i++) {
            assert_int_equal(code[i], 2148 + 200 * i);
        }
    }
    spi_chip_close(&f->chip);
    assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev0.0", 1000000, 0xA2), 0); /* 1, 5, 7 */
    assert_int_equal(f->chip.channels, 3);
    assert_int_equal(spi_chip_read(&f->chip, 3, &batch), 0);
    assert_true(spi_chip_scan(&f->chip, 0, code));
    assert_int_equal(code[0], 2348);
    assert_int_equal(code[1], 3148);
    assert_int_equal(code[2], 3548);
}

/* What the model answers to words that are none: it must tell right from wrong, or nothing here
 * would mean anything. */
static void a_wrong_word_gives_a_wrong_answer(void **state)
{
    static const struct {
        const char *why;
        uint8_t word[3];
        int code;
    } rows[] = {
        {"right: input 5", {0x07, 0x40, 0}, 3148},
        {"no start bit", {0x00, 0x40, 0}, HWT_ERR_SANITY},
        {"start bit one clock early: the code's first bit for the null bit",
         {0x0E, 0x80, 0},
         HWT_ERR_SANITY},
        {"a pair: input 4 less input 5, below zero", {0x05, 0x00, 0}, 0},
        {"the pair the other way round", {0x05, 0x40, 0}, 200},
    };
    struct fixture *f = *state;

    tell_model(f, steady);
    assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev0.0", 1000000, 1), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t answer[3];
        struct spi_ioc_transfer t = {.tx_buf = (uintptr_t)rows[i].word,
                                     .rx_buf = (uintptr_t)answer,
                                     .len = 3,
                                     .speed_hz = 1000000};
        int code;

        assert_int_equal(ioctl(f->chip.fd, SPI_IOC_MESSAGE(1), &t), 3);
        code = hwt_mcp3208_code(answer);
        if (code != rows[i].code) {
            fail_msg("%s: %d", rows[i].why, code);
        }
    }
}

static void a_clock_above_the_supplys_limit_costs_bits(void **state)
{
    struct fixture *f = *state;
    char text[600];
    uint16_t code[SPI_CHANNELS];
    struct spi_batch batch;
    unsigned wrong = 0;

    snprintf(text, sizeof(text), "%svdd_mv 2700\n", steady);
    tell_model(f, text);
    assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev0.0", 2000000, 1), 0);
    assert_int_equal(spi_chip_read(&f->chip, 100, &batch), 0);
    for (unsigned n = 0; n < 100; n++) {
        assert_true(spi_chip_scan(&f->chip, n, code));
        wrong += code[0] != 2148;
    }
    assert_true(wrong > 50);
}

static void what_a_message_holds_is_found_and_its_pace_measured(void **state)
{
    static const struct {
        const char *why, *model;
        unsigned hz, transfers;
        int64_t conversion_ns;
    } rows[] = {
        {"the ioctl's own limit", "bufsiz 4096\nalign 1\n", 1000000, 511, 34700},
        {"a recent kernel on 32-bit ARM", "align 64\n", 1000000, 64, 34700},
        {"a recent kernel on 64-bit ARM", "align 128\n", 1000000, 32, 34700},
        {"and with a greater buffer", "align 128\nbufsiz 65536\n", 1000000, 511, 34700},
        {"each third message ends late", "late_us 400 3\n", 1000000, 511, 34700},
        {"2 MHz, and a driver without a delay", "select_ns 1000\n", 2000000, 511, 13000},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tell_model(f, rows[i].model);
        assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev0.0", rows[i].hz, 3), 0);
        if (f->chip.transfers_max != rows[i].transfers ||
            llabs(f->chip.conversion_ns - rows[i].conversion_ns) > rows[i].conversion_ns / 50) {
            fail_msg("%s: %u transfers, %lld ns", rows[i].why, f->chip.transfers_max,
                     (long long)f->chip.conversion_ns);
        }
        spi_chip_close(&f->chip);
    }
    tell_model(f, "align 128\nbufsiz 640\n"); /* five transfers */
    assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev0.0", 1000000, 0xFF), -EMSGSIZE);
}

static void errors_are_those_of_the_system(void **state)
{
    struct fixture *f = *state;
    struct spi_batch batch;

    assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev7.0", 1000000, 1), -ENOENT);
    assert_int_equal(spi_chip_open(&f->chip, "/dev/null", 1000000, 1), -ENOTTY);
    assert_int_equal(spi_chip_open(&f->chip, "/dev/spidev0.0", 1000000, 1), 0);
    assert_int_equal(spi_chip_open(&f->other, "/dev/spidev0.0", 1000000, 1), -EBUSY);
    tell_model(f, "eio 1\n");
    assert_int_equal(spi_chip_read(&f->chip, 10, &batch), -EIO);
    assert_int_equal(spi_chip_read(&f->chip, 10, &batch), 0);
    tell_model(f, "short 1\n");
    assert_int_equal(spi_chip_read(&f->chip, 10, &batch), -EIO);
    tell_model(f, "unplugged 1\n");
    assert_int_equal(spi_chip_read(&f->chip, 10, &batch), -ENODEV);
    tell_model(f, "silent 1\n");
    assert_int_equal(spi_chip_read(&f->chip, 1, &batch), 0);
    {
        uint16_t code[SPI_CHANNELS];

        assert_false(spi_chip_scan(&f->chip, 0, code));
    }
}

/* What blocks a source gave in some time. */
struct taken {
    unsigned blocks, gaps;
    uint64_t scans, dropped, first_us, end_us, period_ps;
    uint32_t sequence;
    double sum, squares; /* of slot 0 */
};

static void take(struct taken *t, const struct hwt_block *b)
{
    if (t->blocks == 0) {
        t->first_us = b->device_us;
        t->dropped = 0;
    } else {
        assert_int_equal(b->sequence, t->sequence + 1);
        assert_true(b->device_us + 1 >= t->end_us);
        t->dropped += b->dropped;
        t->gaps += b->dropped > 0;
        /* What is declared is what is missing, to a scan: to the us of the stamps. */
        assert_in_range(b->device_us - t->end_us,
                        b->dropped * t->period_ps / 1000000 - (b->dropped > 0),
                        b->dropped * t->period_ps / 1000000 + 2);
    }
    t->blocks++;
    t->scans += b->scans;
    t->sequence = b->sequence;
    t->period_ps = b->scan_period_ps;
    t->end_us = b->device_us + (uint64_t)b->scans * b->scan_period_ps / 1000000;
    for (unsigned n = 0; n < b->scans; n++) {
        double code = b->codes[n * b->slots];

        t->sum += code;
        t->squares += code * code;
    }
}

static struct taken read_for(struct sampler_spi *s, int ms)
{
    struct taken t = {0};
    unsigned chip;

    for (int i = 0; i < ms / TURN_MS; i++) {
        struct hwt_block b;

        spidev_clock_pass(TURN_NS);
        while (sampler_spi_next(s, &b)) {
            take(&t, &b);
        }
        assert_int_equal(sampler_spi_error(s, &chip), 0);
    }
    return t;
}

static struct sampler_spi *open_source(struct fixture *f, const char *first, const char *second)
{
    struct sampler_spi_options o = {.device = {first, second}, .hz = 1000000};
    struct sampler_spi_link link = {.sequence = 77};
    struct sampler_spi *s = NULL;
    unsigned chip;

    o.slot[0].kind = HWT_SLOT_VOLTAGE;
    o.slot[3].kind = HWT_SLOT_CURRENT;
    o.slot[8].kind = second != NULL ? HWT_SLOT_VOLTAGE : HWT_SLOT_UNUSED;
    o.slot[9].kind = second != NULL ? HWT_SLOT_CURRENT : HWT_SLOT_UNUSED;
    assert_int_equal(sampler_spi_open(&o, &link, &s, &chip), 0);
    f->source = s;
    return s;
}

static void close_source(struct fixture *f, struct sampler_spi_link *link_out)
{
    sampler_spi_close(f->source, link_out);
    f->source = NULL;
}

static void blocks_follow_each_other_and_hold_the_wave(void **state)
{
    static const struct {
        const char *why, *second;
        double least_hz;
    } rows[] = {
        {"one chip", NULL, 10000},
        {"two chips on two buses", "/dev/spidev1.0", 10000},
        {"two chips on one bus, in turn", "/dev/spidev0.1", 2000},
    };
    struct fixture *f = *state;

    tell_model(f, "hz 50\nnoise 0.8\nwave 0 0 1400 0\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sampler_spi *s = open_source(f, "/dev/spidev0.0", rows[i].second);
        struct taken t = read_for(s, 700);
        struct sampler_spi_view v;
        double mean = t.sum / (double)t.scans;
        double rms = sqrt(t.squares / (double)t.scans - mean * mean);

        sampler_spi_look(s, &v);
        close_source(f, NULL);
        if (t.scans < 500 || fabs(rms / (1400 / sqrt(2)) - 1) > 0.02 ||
            v.scans_per_s < rows[i].least_hz || v.bad != 0) {
            fail_msg("%s: %llu scans, rms %.1f, %u scans/s, %llu bad", rows[i].why,
                     (unsigned long long)t.scans, rms, v.scans_per_s, (unsigned long long)v.bad);
        }
        assert_true(v.told);
        /* The model's lead and tail, 23 us, less the 10.7 of a select: each conversion's time has
         * one, and the batch's last has none. */
        assert_in_range(v.pause.min_us, 11, 13);
        assert_true(v.pause.min_us <= v.pause.median_us);
        assert_true(v.pause.median_us <= v.pause.p99_us);
        assert_true(v.pause.p99_us <= v.pause.max_us);
        assert_in_range(v.pause.max_us, 11, 13);
    }
}

static void a_stall_is_a_gap_and_the_pauses_tell_it(void **state)
{
    struct fixture *f = *state;
    struct sampler_spi *s;
    struct sampler_spi_view v;
    struct taken t;

    s = open_source(f, "/dev/spidev0.0", NULL);
    tell_model(f, "stall_us 4000 10\n");
    t = read_for(s, 1000);
    sampler_spi_look(s, &v);
    close_source(f, NULL);
    assert_true(v.torn >= 2);
    assert_in_range(t.gaps, 2, 12);
    assert_true(t.dropped > 2 * 250);
    assert_true(v.pause.max_us >= 3900);
}

static void a_failed_batch_is_made_good_and_a_lost_device_ends_it(void **state)
{
    struct fixture *f = *state;
    struct sampler_spi *s = open_source(f, "/dev/spidev0.0", NULL);
    struct sampler_spi_link link;
    struct sampler_spi_view v;
    struct taken t;
    unsigned chip = 9;

    (void)read_for(s, 400);
    tell_model(f, "eio 2\n");
    t = read_for(s, 400);
    sampler_spi_look(s, &v);
    assert_int_equal(v.retried, 2);
    assert_true(t.gaps >= 1);
    tell_model(f, "unplugged 1\n");
    for (int i = 0; i < 100 && sampler_spi_error(s, &chip) == 0; i++) {
        spidev_clock_pass(TURN_NS);
    }
    assert_int_equal(sampler_spi_error(s, &chip), ENODEV);
    assert_int_equal(chip, 0);
    close_source(f, &link);
    assert_int_equal(link.sequence, t.sequence + 1);
    assert_in_range(link.end_us, t.end_us - 1, t.end_us + 100000);
}

static void a_bus_on_which_nobody_answers_is_told(void **state)
{
    struct fixture *f = *state;
    struct sampler_spi *s = open_source(f, "/dev/spidev0.0", "/dev/spidev1.0");
    unsigned chip = 9;

    tell_model(f, "silent 1\n");
    for (int i = 0; i < 300 && sampler_spi_error(s, &chip) == 0; i++) {
        spidev_clock_pass(TURN_NS);
    }
    assert_int_equal(sampler_spi_error(s, &chip), EREMOTEIO);
    close_source(f, NULL);
}

static void another_pace_of_the_bus_is_seen(void **state)
{
    struct fixture *f = *state;
    struct sampler_spi *s = open_source(f, "/dev/spidev0.0", NULL);
    unsigned chip = 9;

    tell_model(f, "select_ns 20000\n"); /* a core that was throttled */
    for (int i = 0; i < 600 && sampler_spi_error(s, &chip) == 0; i++) {
        spidev_clock_pass(TURN_NS);
    }
    assert_int_equal(sampler_spi_error(s, &chip), ESTALE);
    close_source(f, NULL);
}

/* Only root may have it; only with two cores is it asked for. */
static void a_thread_that_never_sleeps_gives_real_time_back(void **state)
{
    struct fixture *f = *state;
    struct sampler_spi *s = open_source(f, "/dev/spidev0.0", NULL);
    struct sampler_spi_view v;
    bool had;

    (void)read_for(s, 300);
    sampler_spi_look(s, &v);
    had = v.real_time;
    (void)read_for(s, 700); /* looked at after half a second */
    sampler_spi_look(s, &v);
    assert_int_equal(v.real_time, had); /* this one sleeps */
    close_source(f, NULL);
    tell_model(f, "poll 1\n");
    s = open_source(f, "/dev/spidev0.0", NULL);
    (void)read_for(s, 1000);
    sampler_spi_look(s, &v);
    close_source(f, NULL);
    assert_false(v.real_time);
    if (!had) {
        print_message("skipped: no real-time priority for this user\n");
        skip();
    }
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_input_gives_its_own_code),
        TEST(a_wrong_word_gives_a_wrong_answer),
        TEST(a_clock_above_the_supplys_limit_costs_bits),
        TEST(what_a_message_holds_is_found_and_its_pace_measured),
        TEST(errors_are_those_of_the_system),
        TEST(blocks_follow_each_other_and_hold_the_wave),
        TEST(a_stall_is_a_gap_and_the_pauses_tell_it),
        TEST(a_failed_batch_is_made_good_and_a_lost_device_ends_it),
        TEST(a_bus_on_which_nobody_answers_is_told),
        TEST(another_pace_of_the_bus_is_seen),
        TEST(a_thread_that_never_sleeps_gives_real_time_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sim/devices and sim/replay: telegrams, who answers what, replay files; sim/options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/devices/heat_telegram.h"
#include "sim/devices/mbus_bus.h"
#include "sim/devices/mbus_frame.h"
#include "sim/devices/mbus_meter.h"
#include "sim/options.h"
#include "sim/replay.h"

static struct heat_meter meter(void)
{
    return (struct heat_meter){
        .serial = 0x06855817,
        .display = {.energy = 3735100,
                    .negative = 1234,
                    .volume_l = 561080,
                    .hours = 985,
                    .power_w = -2700,
                    .flow_cdegc = 2890,
                    .return_cdegc = 3120,
                    .delta_ck = -230,
                    .flow_l_h = 1040,
                    .outside_cdegc = -312},
    };
}

/* Written out by hand from EN 13757-3. */
static const uint8_t telegram[] = {
    0x68, 0x57, 0x57, 0x68, 0x08, 0x11, 0x72,                         /* L = 87, address 17 */
    0x17, 0x58, 0x85, 0x06, 0x2D, 0x2C, 0x34, 0x04, 0x05, 0x00, 0, 0, /* KAM, heat outlet */
    0x0C, 0x78, 0x17, 0x58, 0x85, 0x06,                               /* 06855817 */
    0x04, 0x04, 0x3C, 0xFE, 0x38, 0x00,                               /* 3735100 x 10 Wh */
    0x04, 0x84, 0x3C, 0xD2, 0x04, 0x00, 0x00,                         /* 1234 x 10 Wh negative */
    0x04, 0x13, 0xB8, 0x8F, 0x08, 0x00,                               /* 561080 l */
    0x04, 0x22, 0xD9, 0x03, 0x00, 0x00,                               /* 985 h */
    0x02, 0x59, 0x4A, 0x0B,                                           /* 28.90 degC */
    0x02, 0x5D, 0x30, 0x0C,                                           /* 31.20 degC */
    0x02, 0x61, 0x1A, 0xFF,                                           /* -2.30 K */
    0x04, 0x2B, 0x74, 0xF5, 0xFF, 0xFF,                               /* -2700 W */
    0x04, 0x3B, 0x10, 0x04, 0x00, 0x00,                               /* 1040 l/h */
    0x02, 0x65, 0xC8, 0xFE,                                           /* -3.12 degC */
    0x04, 0x6D, 0x1A, 0x0F, 0x65, 0x11,                               /* 2011-01-05 15:26 */
    0x04, 0xFF, 0x22, 0x00, 0x00, 0x00, 0x00,                         /* no event */
};

#define AT_2011_01_05_15_26 1294241160

static uint8_t sum(const uint8_t *p, size_t len)
{
    unsigned s = 0;

    while (len-- > 0) {
        s += *p++;
    }
    return (uint8_t)s;
}

static void the_telegram_is_the_one_written_by_hand(void **state)
{
    struct heat_meter m = meter();
    struct mbus_frame f;

    (void)state;
    heat_telegram_build(&f, &m, 17, 5, AT_2011_01_05_15_26);
    assert_int_equal(f.len, sizeof(telegram) + 2);
    assert_memory_equal(f.bytes, telegram, sizeof(telegram));
    assert_int_equal(f.bytes[f.len - 2], sum(telegram + 4, sizeof(telegram) - 4));
    assert_int_equal(f.bytes[f.len - 1], 0x16);
    assert_int_equal(f.bytes[1], f.len - 6);
}

/* 1A 2F 65 11 of a Kamstrup 601 is 2011-01-05 15:26; bit 5 of the hour byte is not of the time. */
static void dates_are_type_f(void **state)
{
    (void)state;
    assert_int_equal(mbus_datetime(AT_2011_01_05_15_26) | 0x2000, 0x11652F1A);
    assert_int_equal(mbus_datetime(1798761599), 0x3C5F173B); /* 2026-12-31 23:59 */
}

static void a_record_that_does_not_fit_is_left_out(void **state)
{
    const struct mbus_identity who = {1, "KAM", 0, 4};
    const uint8_t head[] = {0x04, 0x04};
    struct mbus_frame f;

    (void)state;
    mbus_frame_begin(&f, 1, &who, 0, 0);
    for (int i = 0; i < 100; i++) {
        mbus_frame_record(&f, head, 2, i, 4);
    }
    mbus_frame_end(&f);
    assert_true(f.len <= MBUS_FRAME_MAX);
    assert_int_equal(f.bytes[1], f.len - 6);
    assert_int_equal((f.len - 2 - 19) % 6, 0);
}

static void the_meter_answers_its_address_and_254_and_nothing_else(void **state)
{
    static const uint8_t reset[] = {0x50}, other[] = {0x51};
    static const struct {
        struct mbus_request request;
        size_t reply; /* length */
        const char *why;
    } rows[] = {
        {{0x40, 1, NULL, 0}, 1, "SND_NKE"},
        {{0x5B, 1, NULL, 0}, sizeof(telegram) + 2, "REQ_UD2"},
        {{0x7B, 1, NULL, 0}, sizeof(telegram) + 2, "REQ_UD2 with the frame count bit"},
        {{0x5B, 254, NULL, 0}, sizeof(telegram) + 2, "the test address"},
        {{0x40, 254, NULL, 0}, 1, "SND_NKE to the test address"},
        {{0x53, 1, reset, 1}, 1, "application reset"},
        {{0x53, 1, other, 1}, 0, "data it does not take"},
        {{0x5B, 2, NULL, 0}, 0, "another's address"},
        {{0x5B, 255, NULL, 0}, 0, "broadcast without reply"},
        {{0x5A, 1, NULL, 0}, 0, "class 1 data it does not have"},
    };
    struct heat_meter m = meter();
    uint8_t reply[MBUS_FRAME_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mbus_meter slave = {.meter = &m, .address = 1};

        if (mbus_meter_answer(&slave, &rows[i].request, reply) != rows[i].reply) {
            fail_msg("%s", rows[i].why);
        }
        if (rows[i].reply == 1) {
            assert_int_equal(reply[0], 0xE5);
        }
    }
}

static void the_access_number_counts_and_the_last_telegram_is_remembered(void **state)
{
    const struct mbus_request request = {0x5B, 1, NULL, 0};
    struct heat_meter m = meter();
    struct mbus_meter slave = {.meter = &m, .address = 1, .access = 255, .now_s = 1000};
    uint8_t reply[MBUS_FRAME_MAX];

    (void)state;
    (void)mbus_meter_answer(&slave, &request, reply);
    assert_int_equal(reply[15], 255);
    (void)mbus_meter_answer(&slave, &request, reply);
    assert_int_equal(reply[15], 0);
    assert_int_equal(slave.sent.energy, 3735100);
    assert_int_equal(slave.sent_s, 1000);
}

#define A "68 04 04 68 08 11 72 AA 35 16"
#define B "6804046808 12\t72BB\r\n47 16"

static void replay_answers_in_turn_by_address(void **state)
{
    static const char text[] = A "\n\n" B " 68 04 04 68 08 11 72 CC 57 16";
    struct mbus_request nke = {0x40, 0x11, NULL, 0}, own = {0x5B, 0x11, NULL, 0},
                        any = {0x7B, 254, NULL, 0}, foreign = {0x5B, 3, NULL, 0};
    struct replay r;
    uint8_t reply[MBUS_FRAME_MAX];
    char error[200];

    (void)state;
    assert_int_equal(replay_parse(&r, text, sizeof(text) - 1, error), 0);
    assert_int_equal(r.count, 3);
    assert_int_equal(replay_answer(&r, &nke, reply), 1);
    assert_int_equal(reply[0], 0xE5);
    assert_int_equal(replay_answer(&r, &own, reply), 10);
    assert_int_equal(reply[7], 0xAA);
    assert_int_equal(replay_answer(&r, &own, reply), 10);
    assert_int_equal(reply[7], 0xCC);
    assert_int_equal(replay_answer(&r, &any, reply), 10);
    assert_int_equal(reply[7], 0xAA);
    assert_int_equal(replay_answer(&r, &any, reply), 10);
    assert_int_equal(reply[7], 0xBB);
    assert_int_equal(replay_answer(&r, &foreign, reply), 0);
    replay_deinit(&r);
}

static void replay_refuses_files_and_says_where(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "no telegram"},
        {" \n\t", "no telegram"},
        {A "\n6", "an odd number of hex digits"},
        {A "\nxyz", "line 2: byte 0x78 is not hex"},
        {A "\n68 04", "telegram 2 at octet 10 is not 68 L L 68 ... 16"},
        {A "\n68 04 05 68 08 11 72 CC 57 16", "telegram 2 at octet 10 is not 68 L L 68 ... 16"},
        {"68 04 04 68 08 11 72 AA 35 17", "telegram 1 at octet 0 is not 68 L L 68 ... 16"},
        {"E5", "telegram 1 at octet 0 is not 68 L L 68 ... 16"},
    };
    struct replay r;
    char error[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(replay_parse(&r, rows[i].text, strlen(rows[i].text), error), -1);
        assert_string_equal(error, rows[i].error);
        assert_null(r.telegram);
    }
}

static void options_name_what_is_wrong(void **state)
{
    static const struct {
        const char *arg[3];
        const char *error;
    } rows[] = {
        {{"--bogus"}, "--bogus: no such option (--help lists them)"},
        {{"--speed"}, "--speed needs X"},
        {{"--speed", "fast"}, "--speed: 'fast' is not a number from 0 to 10000"},
        {{"--speed", "-1"}, "--speed: '-1' is not a number from 0 to 10000"},
        {{"--seed", "1.5"}, "--seed: '1.5' is not a whole number from 0 to 1000000000000000"},
        {{"--pace", "slow"}, "--pace: 'slow' is neither lossless nor drop"},
        {{"--csv", "f"}, "--csv needs --history DAYS"},
        {{"--wait"}, "--wait needs --samples"},
        {{"--replay", "f"}, "--replay and --link need each other"},
        {{"--loads", "hp"}, "--loads: 'hp' is not ID=AMPS:WHAT"},
        {{"--loads", "grid=1:sine"},
         "--loads: no circuit 'grid' to load (the grid is the sum of the others)"},
        {{"--loads", "hp=x:sine"}, "--loads: 'x' is not a current up to 120 A"},
        {{"--loads", "hp=1:cube"}, "--loads: 'cube' is neither a kind of wave nor a power factor"},
        {{"--loads", "hp=1:1.2"}, "--loads: '1.2' is neither a kind of wave nor a power factor"},
    };
    struct options o;
    char error[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char words[2][32], *argv[3] = {words[0], NULL, NULL}, name[] = "heatwatt-sim";
        int argc = rows[i].arg[1] != NULL ? 3 : 2;

        argv[0] = name;
        for (int k = 0; k + 1 < argc; k++) {
            snprintf(words[k], sizeof(words[k]), "%s", rows[i].arg[k]);
            argv[k + 1] = words[k];
        }
        assert_int_equal(options_parse(&o, argc, argv, error), -1);
        assert_string_equal(error, rows[i].error);
    }
}

static void loads_take_kinds_and_power_factors(void **state)
{
    struct house_loads l;
    char error[200];

    (void)state;
    assert_int_equal(loads_parse(&l, "hp=8:pfc,hob=10:0.6,fan=10:-0.6,solar=-2:inverter", error),
                     0);
    assert_true(l.fixed);
    assert_true(l.amps[CIRCUIT_HP][WAVE_PFC] == 8.0);
    assert_true(l.amps[CIRCUIT_HOB][WAVE_SINE] == 6.0);
    assert_true(l.amps[CIRCUIT_HOB][WAVE_QUADRATURE] == 8.0);
    assert_true(l.amps[CIRCUIT_FAN][WAVE_QUADRATURE] == -8.0);
    assert_true(l.amps[CIRCUIT_SOLAR][WAVE_INVERTER] == -2.0);
}

/* --- several meters on one line -------------------------------------------------------------- */

struct line {
    struct heat_meter heat;
    struct mbus_meter first;
    struct house house;
    struct mbus_bus bus;
    uint8_t reply[MBUS_FRAME_MAX];
};

static void make_line(struct line *l, unsigned slaves)
{
    static struct waves waves;

    memset(l, 0, sizeof(*l));
    l->heat = meter();
    waves_init(&waves);
    house_init(&l->house, &waves, 1, AT_2011_01_05_15_26, 0, NULL);
    l->house.volts = 230.0;
    l->house.hz = 50.0;
    l->first = (struct mbus_meter){.meter = &l->heat, .address = 1};
    mbus_bus_init(&l->bus, &l->first, &l->house, slaves);
}

static size_t ask_line(struct line *l, uint8_t c, uint8_t a, const uint8_t *data, size_t n)
{
    const struct mbus_request request = {.c = c, .a = a, .data = data, .len = n};

    return mbus_bus_answer(&l->bus, &request, l->reply);
}

static bool is_whole(const struct line *l, size_t n)
{
    return n > 6 && l->reply[n - 2] == sum(l->reply + 4, n - 6);
}

static void a_selected_slave_answers_at_253_and_no_other_does(void **state)
{
    static const uint8_t second[] = {0x52, 0x02, 0x00, 0x00, 0x20, 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t none[] = {0x52, 0x09, 0x00, 0x00, 0x20, 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t tens[] = {0x52, 0x12, 0x00, 0x00, 0x20, 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t maker[] = {0x52, 0x02, 0x00, 0x00, 0x20, 0x2D, 0x2C, 0xFF, 0xFF};
    static const uint8_t any[] = {0x52, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    struct line l;
    size_t n;

    (void)state;
    make_line(&l, 3);
    assert_int_equal(ask_line(&l, 0x5B, 253, NULL, 0), 0);
    assert_int_equal(ask_line(&l, 0x73, 253, second, sizeof(second)), 1);
    n = ask_line(&l, 0x7B, 253, NULL, 0);
    assert_true(is_whole(&l, n));
    assert_int_equal(l.reply[5], 2);
    assert_int_equal(l.reply[7], 0x02);
    assert_int_equal(ask_line(&l, 0x40, 253, NULL, 0), 1); /* which deselects it */
    assert_int_equal(ask_line(&l, 0x7B, 253, NULL, 0), 0);
    assert_int_equal(ask_line(&l, 0x73, 253, second, sizeof(second)), 1);
    assert_int_equal(ask_line(&l, 0x73, 253, none, sizeof(none)), 0);
    assert_int_equal(ask_line(&l, 0x7B, 253, NULL, 0), 0);
    assert_int_equal(ask_line(&l, 0x73, 253, tens, sizeof(tens)), 0);
    assert_int_equal(ask_line(&l, 0x73, 253, maker, sizeof(maker)), 0);
    assert_int_equal(ask_line(&l, 0x73, 253, any, sizeof(any)), 1); /* three E5 at once are one */
    n = ask_line(&l, 0x7B, 253, NULL, 0);
    assert_true(n > 6 && !is_whole(&l, n));
    assert_int_equal(l.reply[7], 0x17 & 0x02 & 0x03); /* of two bits on the line the 0 wins */
}

static void the_chain_turns_with_the_frame_count_bit_and_repeats_without(void **state)
{
    static const uint8_t more = 0x1F;
    struct line l;
    size_t n;

    (void)state;
    make_line(&l, 3);
    assert_int_equal(ask_line(&l, 0x40, 3, NULL, 0), 1);
    for (int i = 0; i < 2; i++) { /* the same bit: the same telegram */
        n = ask_line(&l, 0x7B, 3, NULL, 0);
        assert_true(is_whole(&l, n));
        assert_int_equal(l.reply[n - 3], more);
    }
    n = ask_line(&l, 0x5B, 3, NULL, 0);
    assert_true(is_whole(&l, n));
    assert_int_not_equal(l.reply[n - 3], more);
    assert_int_equal(ask_line(&l, 0x40, 3, NULL, 0), 1);
    n = ask_line(&l, 0x7B, 3, NULL, 0);
    assert_int_equal(l.reply[n - 3], more);
}

static void an_electricity_meter_shows_instantaneous_values_once_after_b1(void **state)
{
    static const uint8_t instant[] = {0xB1}, others[] = {0xB0},
                         volts[] = {0x0B, 0xFD, 0x47, 0x00, 0x30, 0x02};
    struct line l;

    (void)state;
    make_line(&l, 2);
    (void)ask_line(&l, 0x7B, 2, NULL, 0);
    assert_int_equal(l.reply[19], 0x0C);
    (void)ask_line(&l, 0x53, 2, others, 1);
    (void)ask_line(&l, 0x5B, 2, NULL, 0);
    assert_int_equal(l.reply[19], 0x0C);
    assert_int_equal(ask_line(&l, 0x53, 2, instant, 1), 1);
    (void)ask_line(&l, 0x7B, 2, NULL, 0);
    assert_memory_equal(l.reply + 19, volts, sizeof(volts));
    (void)ask_line(&l, 0x5B, 2, NULL, 0);
    assert_int_equal(l.reply[19], 0x0C);
}

static void a_slave_takes_the_address_it_is_given(void **state)
{
    static const uint8_t order[] = {0x51, 0x01, 0x7A, 0x4D}, wide[] = {0x51, 0x02, 0x7A, 0x4D};
    struct line l;

    (void)state;
    make_line(&l, 2);
    (void)ask_line(&l, 0x53, 1, wide, sizeof(wide)); /* no address: it would have two octets */
    assert_int_equal(ask_line(&l, 0x40, 77, NULL, 0), 0);
    assert_int_equal(ask_line(&l, 0x53, 1, order, sizeof(order)), 1);
    assert_int_equal(ask_line(&l, 0x40, 1, NULL, 0), 0);
    assert_int_equal(ask_line(&l, 0x40, 77, NULL, 0), 1);
    assert_true(is_whole(&l, ask_line(&l, 0x7B, 77, NULL, 0)));
    assert_int_equal(l.reply[5], 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_selected_slave_answers_at_253_and_no_other_does),
        cmocka_unit_test(the_chain_turns_with_the_frame_count_bit_and_repeats_without),
        cmocka_unit_test(an_electricity_meter_shows_instantaneous_values_once_after_b1),
        cmocka_unit_test(a_slave_takes_the_address_it_is_given),
        cmocka_unit_test(the_telegram_is_the_one_written_by_hand),
        cmocka_unit_test(dates_are_type_f),
        cmocka_unit_test(a_record_that_does_not_fit_is_left_out),
        cmocka_unit_test(the_meter_answers_its_address_and_254_and_nothing_else),
        cmocka_unit_test(the_access_number_counts_and_the_last_telegram_is_remembered),
        cmocka_unit_test(replay_answers_in_turn_by_address),
        cmocka_unit_test(replay_refuses_files_and_says_where),
        cmocka_unit_test(options_name_what_is_wrong),
        cmocka_unit_test(loads_take_kinds_and_power_factors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* core/wire/ds18b20 (texts of w1_slave), and daemon/drivers/ds18b20 on a folder of files. */
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

#include "core/wire/ds18b20.h"
#include "daemon/drivers/ds18b20.h"
#include "tests/drivers/driver_rig.h"

#define WARM "b9 01 4b 46 7f ff 07 10 a7 "
#define GOOD WARM ": crc=a7 YES\n" WARM "t=27562\n"
#define S    INT64_C(1000000)

/* --- texts --- */

static const struct {
    const char *text;
    enum hwt_ds18b20_verdict verdict;
    int32_t mdegc;
    const char *why;
} texts[] = {
    {GOOD, HWT_DS18B20_GOOD, 27562, "as the kernel prints it"},
    {WARM ": crc=a7 YES\n" WARM "t=-10125\n", HWT_DS18B20_GOOD, -10125, "frost"},
    {WARM ": crc=a7 YES\n" WARM "t=-55000\n", HWT_DS18B20_GOOD, -55000, "the least"},
    {WARM ": crc=a7 YES\n" WARM "t=125000\n", HWT_DS18B20_GOOD, 125000, "the most"},
    {WARM ": crc=a7 YES\n" WARM "t=0\n", HWT_DS18B20_GOOD, 0, "0 is a temperature"},
    {WARM ": crc=00 NO\n" WARM "t=27562\n", HWT_DS18B20_CRC, 0,
     "the kernel's last good one is not"},
    {WARM ": crc=a7 YES\n" WARM "t=-127000\n", HWT_DS18B20_DISCONNECTED, 0, "no sensor"},
    {WARM ": crc=a7 YES\n" WARM "t=-55062\n", HWT_DS18B20_RANGE, 0, "too cold"},
    {WARM ": crc=a7 YES\n" WARM "t=125062\n", HWT_DS18B20_RANGE, 0, "too hot"},
    {WARM ": crc=a7 YES\n" WARM "t=85000\n", HWT_DS18B20_POWER_UP, 0, "alone"},
    {"00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n", HWT_DS18B20_ZEROS,
     0, "a shorted wire has the right sum"},
    {"", HWT_DS18B20_TEXT, 0, "nothing"},
    {WARM ": crc=a7 MAYBE\n", HWT_DS18B20_TEXT, 0, "neither"},
    {WARM ": crc=a7 YES\n", HWT_DS18B20_TEXT, 0, "half of it"},
    {WARM ": crc=a7 YES\n" WARM "t=\n", HWT_DS18B20_TEXT, 0, "no number"},
    {WARM ": crc=a7 YES\n" WARM "t=-\n", HWT_DS18B20_TEXT, 0, "a sign is none"},
    {WARM ": crc=a7 YES\n" WARM "t=99999999999\n", HWT_DS18B20_TEXT, 0, "too long for a number"},
    {"b9 01 4b 46 7f ff 07 10 : crc=a7 YES\n" WARM "t=1\n", HWT_DS18B20_TEXT, 0, "eight octets"},
};

static void each_text_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct hwt_ds18b20 s;
        int32_t mdegc = 4711;

        hwt_ds18b20_init(&s);
        print_message("%s\n", texts[i].why);
        assert_int_equal(hwt_ds18b20_take(&s, texts[i].text, strlen(texts[i].text), 0, &mdegc),
                         texts[i].verdict);
        assert_int_equal(mdegc, texts[i].verdict == HWT_DS18B20_GOOD ? texts[i].mdegc : 4711);
    }
}

static void a_text_cut_short_is_none(void **state)
{
    (void)state;
    for (size_t n = 0; n + 1 < sizeof(GOOD); n++) {
        struct hwt_ds18b20 s;
        int32_t mdegc;

        hwt_ds18b20_init(&s);
        assert_int_equal(hwt_ds18b20_take(&s, GOOD, n, 0, &mdegc), HWT_DS18B20_TEXT);
    }
}

static enum hwt_ds18b20_verdict take(struct hwt_ds18b20 *s, int mdegc, int64_t at_us)
{
    char text[128];
    int32_t out;
    int n = snprintf(text, sizeof(text), WARM ": crc=a7 YES\n" WARM "t=%d\n", mdegc);

    return hwt_ds18b20_take(s, text, (size_t)n, at_us, &out);
}

static void eighty_five_is_believed_if_it_was_about_as_warm(void **state)
{
    struct hwt_ds18b20 s;

    (void)state;
    hwt_ds18b20_init(&s);
    assert_int_equal(take(&s, 40000, 0), HWT_DS18B20_GOOD);
    assert_int_equal(take(&s, 85000, 10 * S), HWT_DS18B20_POWER_UP);
    assert_int_equal(take(&s, 85062, 20 * S), HWT_DS18B20_GOOD);
    assert_int_equal(take(&s, 85000, 30 * S), HWT_DS18B20_GOOD);
    assert_int_equal(take(&s, 81000, 40 * S), HWT_DS18B20_GOOD);
    assert_int_equal(take(&s, 85000, 640 * S), HWT_DS18B20_GOOD);
    assert_int_equal(take(&s, 85000, 1241 * S), HWT_DS18B20_POWER_UP); /* too long ago */
}

/* --- files --- */

struct rig {
    struct driver_rig base;
    struct status *status;
    struct ds18b20 *sensors;
    struct hwt_reading last[2];
    unsigned got[2];
};

static const char *const roms[2] = {"28-0316a2795bff", "28-0316a2796001"};

static void take_readings(void *ctx, const struct hwt_reading *r, size_t n)
{
    struct rig *rig = ctx;

    for (size_t i = 0; i < n; i++) {
        rig->last[r[i].source - 5] = r[i];
        rig->got[r[i].source - 5]++;
    }
}

static void put(struct rig *rig, int sensor, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", rig->base.dir, roms[sensor]);
    mkdir(path, 0700);
    strcat(path, "/w1_slave");
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void take_away(struct rig *rig, int sensor)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s/w1_slave", rig->base.dir, roms[sensor]);
    unlink(path);
    snprintf(path, sizeof(path), "%s/%s", rig->base.dir, roms[sensor]);
    rmdir(path);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct ds18b20_options o = {.id = "w",
                                .dir = rig->base.dir,
                                .sensor = {{"flow", roms[0], 5, HWT_Q_FLOW_T, 0.25},
                                           {"ret", roms[1], 6, HWT_Q_RETURN_T, 0}},
                                .sensors = 2,
                                .every_s = 10,
                                .status = rig->status = status_new("w", "ds18b20"),
                                .sink = take_readings,
                                .ctx = rig};

    driver_rig_open(&rig->base, HWT_TIME_UNKNOWN);
    rig->sensors = ds18b20_new(&rig->base.loop, rig->base.clock, &o);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    ds18b20_free(rig->sensors);
    take_away(rig, 0);
    take_away(rig, 1);
    driver_rig_close(&rig->base);
    status_free(rig->status);
    free(rig);
    return 0;
}

/* Ten seconds of the clock: all sensors are read once. */
static void next_round(struct rig *rig)
{
    driver_rig_pass(&rig->base, 10 * (uint64_t)S);
    ds18b20_tick(rig->sensors);
    uv_run(&rig->base.loop, UV_RUN_DEFAULT); /* until the worker is done */
}

static void temperatures_come_with_their_offset(void **state)
{
    struct rig *rig = *state;

    put(rig, 0, GOOD);
    put(rig, 1, WARM ": crc=a7 YES\n" WARM "t=-1687\n");
    next_round(rig);
    assert_int_equal(rig->last[0].value, 2781); /* 27.562 + 0.25, rounded */
    assert_int_equal(rig->last[0].quantity, HWT_Q_FLOW_T);
    assert_int_equal(rig->last[1].value, -169);
    assert_int_equal(driver_rig_counter(rig->status, "good", 0), 2);
    driver_rig_expect(rig->status, STATUS_OK, "");
    ds18b20_tick(rig->sensors); /* not yet due */
    uv_run(&rig->base.loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->got[0], 1);
}

static void a_sensor_that_goes_is_missing_and_comes_back(void **state)
{
    struct rig *rig = *state;

    put(rig, 0, GOOD);
    put(rig, 1, GOOD);
    next_round(rig);
    take_away(rig, 1);
    next_round(rig);
    driver_rig_expect(rig->status, STATUS_OK, ""); /* once may happen */
    next_round(rig);
    next_round(rig);
    driver_rig_expect(rig->status, STATUS_STALE,
                      "1 of 2 sensors: ret (28-0316a2796001): not there");
    assert_int_equal(rig->got[0], 4);
    assert_int_equal(rig->got[1], 1);
    assert_int_equal(driver_rig_counter(rig->status, "ABSENT", 0), 3);
    put(rig, 1, GOOD);
    next_round(rig);
    driver_rig_expect(rig->status, STATUS_OK, "");
    assert_int_equal(rig->got[1], 2);
}

static void readings_that_are_none_are_counted_by_reason(void **state)
{
    struct rig *rig = *state;

    put(rig, 0, WARM ": crc=a7 YES\n" WARM "t=85000\n");
    put(rig, 1, WARM ": crc=00 NO\n" WARM "t=20000\n");
    next_round(rig);
    put(rig, 0, WARM ": crc=a7 YES\n" WARM "t=-127000\n");
    put(rig, 1, "");
    next_round(rig);
    assert_int_equal(driver_rig_counter(rig->status, "POWER_UP", 0), 1);
    assert_int_equal(driver_rig_counter(rig->status, "CRC", 0), 1);
    assert_int_equal(driver_rig_counter(rig->status, "DISCONNECTED", 0), 1);
    assert_int_equal(driver_rig_counter(rig->status, "TEXT", 0), 1);
    assert_int_equal(rig->got[0] + rig->got[1], 0);
    driver_rig_expect(rig->status, STATUS_FAILED, "2 of 2 sensors: flow");
}

static void a_bus_that_is_not_there_is_said_so(void **state)
{
    struct rig *rig = *state;

    rmdir(rig->base.dir);
    next_round(rig);
    driver_rig_expect(rig->status, STATUS_FAILED, "w1-gpio");
}

static void it_can_be_freed_while_it_reads(void **state)
{
    struct rig *rig = *state;

    put(rig, 0, GOOD);
    driver_rig_pass(&rig->base, 10 * (uint64_t)S);
    ds18b20_tick(rig->sensors);
    ds18b20_free(rig->sensors);
    rig->sensors = NULL;
    uv_run(&rig->base.loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->got[0], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_is_judged),
        cmocka_unit_test(a_text_cut_short_is_none),
        cmocka_unit_test(eighty_five_is_believed_if_it_was_about_as_warm),
        TEST(temperatures_come_with_their_offset),
        TEST(a_sensor_that_goes_is_missing_and_comes_back),
        TEST(readings_that_are_none_are_counted_by_reason),
        TEST(a_bus_that_is_not_there_is_said_so),
        TEST(it_can_be_freed_while_it_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* daemon/drivers/mbus_profile and what profiles and the kind of meter make of records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/quantity.h"
#include "daemon/drivers/mbus_readings.h"
#include "daemon/drivers/tcp_port.h"

static const char *name_of(const struct mbus_profile *p)
{
    return p != NULL ? p->name : "none";
}

static void golden_meters_have_the_profile_of_their_model(void **state)
{
    static const struct {
        const char *frame, *profile;
    } rows[] = {
        {"kamstrup_303", "kamstrup_303"},  {"kamstrup_403", "kamstrup_403"},
        {"kamstrup_601", "kamstrup_601"},  {"sontex_supercal531", "sontex_531"},
        {"itron_cf55", "itron_cf"},        {"hydrometer_sharky775", "sharky_775"},
        {"landisgyr_t230", "landis_t230"}, {"techem_ultra_s3", "techem_ultra_s3"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *top = getenv("HEATWATT_TOP");
        struct hwt_mbus_telegram t;
        struct hwt_mbus_fault fault;
        struct hwt_mbus_frame f;
        uint8_t buf[HWT_MBUS_FRAME_MAX];
        char path[512];
        unsigned octet;
        size_t n = 0;
        FILE *in;

        snprintf(path, sizeof(path), "%s/tests/frames/%s.hex", top != NULL ? top : ".",
                 rows[i].frame);
        in = fopen(path, "r");
        assert_non_null(in);
        while (n < sizeof(buf) && fscanf(in, "%2x", &octet) == 1) {
            buf[n++] = (uint8_t)octet;
        }
        fclose(in);
        assert_int_equal(hwt_mbus_frame_check(buf, n, &f, &fault), 0);
        assert_int_equal(hwt_mbus_open(&f, &t, &fault), 0);
        assert_string_equal(name_of(mbus_profile_find(t.manufacturer, t.version, t.medium)),
                            rows[i].profile);
    }
}

static void the_row_with_fewer_wildcards_wins(void **state)
{
    enum { SON = 0x4DEE, KAM = 0x2C2D };

    (void)state;
    assert_string_equal(name_of(mbus_profile_find(SON, 0x0D, 4)), "sontex_531");
    assert_string_equal(name_of(mbus_profile_find(SON, 0x16, 4)), "sontex_789");
    assert_string_equal(name_of(mbus_profile_find(KAM, 0x77, 4)), "none");
    assert_string_equal(name_of(mbus_profile_named("sdm120")), "sdm120");
    assert_null(mbus_profile_named("nothing"));
}

static void every_profile_can_be(void **state)
{
    (void)state;
    assert_true(mbus_profile_count >= 18);
    for (size_t i = 0; i < mbus_profile_count; i++) {
        const struct mbus_profile *p = &mbus_profiles[i];

        assert_true(p->battery_s >= 60 && p->mains_s >= 1 && p->mains_s <= p->battery_s);
        assert_in_range(p->telegrams, 1, 8);
        assert_in_range(p->pages, 1, MBUS_PAGES_MAX);
        assert_ptr_equal(mbus_profile_named(p->name), p);
        for (unsigned k = 0; k < p->pages; k++) {
            assert_true(p->page[k].size <= HWT_MBUS_ORDER_MAX);
        }
    }
}

static size_t read_records(const uint8_t *records, size_t n, enum mbus_kind kind,
                           const struct mbus_profile *p, struct hwt_reading *out,
                           unsigned *implausible)
{
    static uint8_t buf[HWT_MBUS_FRAME_MAX];
    struct hwt_mbus_telegram t;
    struct hwt_mbus_frame f;
    struct hwt_mbus_fault fault;
    int size = hwt_mbus_long_encode(0x08, 1, 0x78, records, n, buf, sizeof(buf));

    assert_true(size > 0);
    assert_int_equal(hwt_mbus_frame_check(buf, (size_t)size, &f, &fault), 0);
    assert_int_equal(hwt_mbus_open(&f, &t, &fault), 0);
    assert_int_equal(hwt_mbus_verify(&t, &fault), 0);
    return mbus_readings(&t, kind, p, 7, 99, out, implausible);
}

struct want {
    uint8_t quantity;
    double value; /* in the quantity's unit */
};

static void check_readings(const struct hwt_reading *got, size_t n, const struct want *want,
                           size_t wanted)
{
    assert_int_equal(n, wanted);
    for (size_t i = 0; i < n; i++) {
        double value = (double)got[i].value / (double)hwt_quantity_get(got[i].quantity)->per_unit;

        if (got[i].quantity != want[i].quantity || value < want[i].value - 1e-6 ||
            value > want[i].value + 1e-6) {
            fail_msg("reading %zu: quantity %u is %f", i, got[i].quantity, value);
        }
    }
}

static void an_electricity_meter_has_import_export_and_the_mains(void **state)
{
    static const uint8_t records[] = {
        0x84, 0x40, 0x83, 0x3B, 1,    0,    0,    0,    /* of another subunit */
        0x84, 0x10, 0x83, 0x3B, 2,    0,    0,    0,    /* of a tariff */
        0x44, 0x83, 0x3B, 3,    0,    0,    0,          /* of the last billing date */
        0x14, 0x83, 0x3B, 4,    0,    0,    0,          /* a maximum */
        0x04, 0x83, 0xBB, 0xFC, 0x01, 5,    0,    0, 0, /* positive only, but of phase L1 */
        0x04, 0x83, 0x3B, 0x10, 0x27, 0x00, 0x00,       /* 10000 Wh, positive only */
        0x04, 0x03, 6,    0,    0,    0,                /* import again: the first one is taken */
        0x04, 0x83, 0x3C, 0xE8, 0x03, 0x00, 0x00,       /* 1000 Wh, negative only */
        0x02, 0xFD, 0xC8, 0xFC, 0x01, 0xF8, 0x08,       /* phase L1: not the whole meter's */
        0x02, 0xFD, 0x48, 0xFC, 0x08,                   /* 229.6 V */
        0x02, 0xFD, 0x59, 0x10, 0x27,                   /* 10 A */
        0x02, 0x2B, 0x00, 0x80,                         /* invalid */
        0x02, 0xFB, 0x2E, 0xF4, 0x01,                   /* 50.0 Hz */
        0x02, 0xFB, 0x14, 0x9C, 0xFF,                   /* -100 var */
        0x02, 0xFB, 0x35, 0xE6, 0x00,                   /* 2300 VA */
    };
    static const struct want want[] = {
        {HWT_Q_IMPORT, 10000},        {HWT_Q_EXPORT, 1000},  {HWT_Q_VOLTAGE, 230},
        {HWT_Q_CURRENT, 10},          {HWT_Q_FREQUENCY, 50}, {HWT_Q_REACTIVE_POWER, -100},
        {HWT_Q_APPARENT_POWER, 2300},
    };
    struct hwt_reading out[MBUS_READINGS_MAX];
    unsigned implausible;
    size_t n = read_records(records, sizeof(records), MBUS_ELECTRICITY, NULL, out, &implausible);

    (void)state;
    check_readings(out, n, want, sizeof(want) / sizeof(want[0]));
    assert_int_equal(implausible, 1);
    n = read_records(records, sizeof(records), MBUS_HEAT, NULL, out, &implausible);
    check_readings(out, n, &(struct want){HWT_Q_ENERGY, 10000}, 1); /* heat, not cold */
}

static void rules_say_what_a_vif_does_not(void **state)
{
    static const uint8_t records[] = {
        0x0B, 0xFD, 0x3A, 0x97, 0x00, 0x00, /* 0.97 */
        0x0B, 0xFD, 0x3A, 0x02, 0x50, 0x00, /* 50.02 */
        0x0B, 0xFD, 0x3A, 0x99, 0x99, 0x99, /* a third one: nothing */
    };
    static const struct want want[] = {{HWT_Q_POWER_FACTOR, 0.97}, {HWT_Q_FREQUENCY, 50.02}};
    struct hwt_reading out[MBUS_READINGS_MAX];
    unsigned implausible;
    size_t n = read_records(records, sizeof(records), MBUS_ELECTRICITY,
                            mbus_profile_named("sdm120"), out, &implausible);

    (void)state;
    check_readings(out, n, want, 2);
    n = read_records(records, sizeof(records), MBUS_ELECTRICITY, mbus_profile_named("sdm630"), out,
                     &implausible);
    assert_int_equal(n, 0);
    n = read_records(records, sizeof(records), MBUS_ELECTRICITY, NULL, out, &implausible);
    assert_int_equal(n, 0);
}

static void energies_of_all_units_are_converted(void **state)
{
    static const struct {
        uint8_t records[7];
        size_t n;
        double wh;
    } rows[] = {
        {{0x01, 0x06, 5}, 3, 5000},
        {{0x01, 0x0E, 36}, 3, 10000},
        {{0x01, 0xFB, 0x0D, 2}, 4, 2326}, /* 2 Mcal of 1.163 kWh */
        {{0x01, 0xFB, 0x8D, 0x7D, 2}, 5, 2326000},
        {{0x01, 0xFB, 0x00, 3}, 4, 300000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_reading out[MBUS_READINGS_MAX];
        unsigned implausible;
        size_t n = read_records(rows[i].records, rows[i].n, MBUS_HEAT, NULL, out, &implausible);

        check_readings(out, n, &(struct want){HWT_Q_ENERGY, rows[i].wh}, 1);
    }
}

static void gateways_are_written_as_host_and_port(void **state)
{
    static const struct {
        const char *text;
        uint16_t standard;
        const char *host; /* NULL: refused */
        uint16_t port;
    } rows[] = {
        {"gateway:10001", 0, "gateway", 10001},
        {"192.168.1.20:23", 0, "192.168.1.20", 23},
        {"[fe80::1]:4001", 0, "fe80::1", 4001},
        {"gateway:65535", 0, "gateway", 65535},
        {"meter", 502, "meter", 502},
        {"[fe80::1]", 502, "fe80::1", 502},
        {"meter:503", 502, "meter", 503},
        {"gateway", 0, NULL, 0},
        {"gateway:", 502, NULL, 0},
        {":10001", 0, NULL, 0},
        {"", 502, NULL, 0},
        {"gateway:0", 502, NULL, 0},
        {"gateway:65536", 0, NULL, 0},
        {"gateway:65537", 0, NULL, 0},
        {"gateway:000080", 0, NULL, 0},
        {"gateway:12a", 0, NULL, 0},
        {"gateway:-1", 0, NULL, 0},
        {"fe80::1:4001", 0, NULL, 0},
        {"::1", 502, NULL, 0},
        {"[]:4001", 0, NULL, 0},
        {"[fe80::1:4001", 0, NULL, 0},
        {"[fe80::1:4001", 502, NULL, 0},
        {"[fe80::1]4001", 502, NULL, 0},
        {"fe80]:4001", 0, NULL, 0},
        {"http://meter/", 502, NULL, 0},
        {"user@meter:80", 0, NULL, 0},
        {"me ter", 502, NULL, 0},
        {"meter?x", 502, NULL, 0},
        {"meter#x", 502, NULL, 0},
        {"/dev/ttyUSB0:1", 0, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char host[TCP_HOST_MAX] = "as before";
        uint16_t port = 7;
        bool good = tcp_host_split(rows[i].text, rows[i].standard, host, &port);

        if (good != (rows[i].host != NULL)) {
            fail_msg("%s", rows[i].text);
        }
        assert_string_equal(host, good ? rows[i].host : "as before");
        assert_int_equal(port, good ? rows[i].port : 7);
    }
}

static void a_host_may_be_as_long_as_its_buffer_takes(void **state)
{
    char text[TCP_HOST_MAX + 8], host[TCP_HOST_MAX];
    uint16_t port;

    (void)state;
    memset(text, 'a', sizeof(text));
    strcpy(text + TCP_HOST_MAX - 1, ":1");
    assert_true(tcp_host_split(text, 0, host, &port));
    assert_int_equal(strlen(host), TCP_HOST_MAX - 1);
    text[TCP_HOST_MAX - 1] = 'a';
    strcpy(text + TCP_HOST_MAX, ":1");
    assert_false(tcp_host_split(text, 0, host, &port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_meters_have_the_profile_of_their_model),
        cmocka_unit_test(the_row_with_fewer_wildcards_wins),
        cmocka_unit_test(every_profile_can_be),
        cmocka_unit_test(an_electricity_meter_has_import_export_and_the_mains),
        cmocka_unit_test(rules_say_what_a_vif_does_not),
        cmocka_unit_test(energies_of_all_units_are_converted),
        cmocka_unit_test(gateways_are_written_as_host_and_port),
        cmocka_unit_test(a_host_may_be_as_long_as_its_buffer_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

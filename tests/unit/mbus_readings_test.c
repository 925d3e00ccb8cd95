/* daemon/drivers/mbus_readings: which records become readings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/quantity.h"
#include "daemon/drivers/mbus_readings.h"

static size_t read_all(const uint8_t *records, size_t n, struct hwt_reading out[MBUS_READINGS_MAX],
                       unsigned *implausible)
{
    uint8_t buf[HWT_MBUS_FRAME_MAX];
    struct hwt_mbus_telegram t;
    struct hwt_mbus_frame f;
    struct hwt_mbus_fault fault;
    int size = hwt_mbus_long_encode(0x08, 1, 0x78, records, n, buf, sizeof(buf));

    assert_int_equal(hwt_mbus_frame_check(buf, (size_t)size, &f, &fault), 0);
    assert_int_equal(hwt_mbus_open(&f, &t, &fault), 0);
    assert_int_equal(hwt_mbus_verify(&t, &fault), 0);
    return mbus_readings(&t, MBUS_HEAT, NULL, 3, 42, out, implausible);
}

static void present_values_become_counts_of_their_quantity(void **state)
{
    static const struct {
        uint8_t octets[16];
        size_t n;
        uint8_t quantity; /* HWT_Q_NONE: no reading */
        int64_t value;
        unsigned implausible;
        const char *why;
    } rows[] = {
        {{0x04, 0x06, 0xE7, 0x91, 0, 0}, 6, HWT_Q_ENERGY, 37351LL * 3600000000, 0, "kWh"},
        {{0x04, 0x0E, 0x0A, 0, 0, 0}, 6, HWT_Q_ENERGY, 10000000000, 0, "10 MJ are 10^10 mJ"},
        {{0x01, 0xFB, 0x01, 2}, 4, HWT_Q_ENERGY, 7200000000000, 0, "2 MWh"},
        {{0x04, 0x86, 0x3B, 1, 0, 0, 0}, 7, HWT_Q_ENERGY, 3600000000, 0, "positive only"},
        {{0x04, 0x86, 0x3C, 1, 0, 0, 0}, 7, HWT_Q_NONE, 0, 0, "negative only is another register"},
        {{0x02, 0x90, 0x28, 1, 0}, 5, HWT_Q_NONE, 0, 0, "per pulse is a setting"},
        {{0x04, 0xA6, 0xFF, 0x21, 1, 0, 0, 0}, 8, HWT_Q_NONE, 0, 0, "the maker's variant"},
        {{0x02, 0x2D, 0x5B, 0x01}, 4, HWT_Q_POWER, 347000, 0, "34.7 kW in tenths of W"},
        {{0x0C, 0x2B, 0x87, 0x11, 0, 0xF0}, 6, HWT_Q_POWER, -11870, 0, "cooling: -1187 W"},
        {{0x01, 0x36, 36}, 3, HWT_Q_POWER, 100000, 0, "36 MJ/h are 10 kW"},
        {{0x05, 0x2E, 0xB1, 0xD1, 0x2E, 0xBE}, 6, HWT_Q_POWER, -1707, 0, "binary32 in kW"},
        {{0x01, 0x3B, 100}, 3, HWT_Q_FLOW_RATE, 1000, 0, "100 l/h in tenths"},
        {{0x01, 0x47, 1}, 3, HWT_Q_FLOW_RATE, 600000, 0, "1 m3/min"},
        {{0x02, 0x14, 0x08, 0xDB}, 4, HWT_Q_VOLUME, -94640000, 0, "negative, 10 l each"},
        {{0x02, 0x59, 0x3C, 0x19}, 4, HWT_Q_FLOW_T, 6460, 0, "64.60 degC"},
        {{0x01, 0x5E, 0x65}, 3, HWT_Q_RETURN_T, 1010, 0, "10.1 degC"},
        {{0x02, 0x60, 0x67, 0x2B}, 4, HWT_Q_DELTA_T, 1111, 0, "11.111 K, rounded"},
        {{0x01, 0x66, 0xF6}, 3, HWT_Q_OUTSIDE_T, -100, 0, "-1.0 degC"},
        {{0x02, 0x59, 0x00, 0x80}, 4, HWT_Q_NONE, 0, 1, "-327.68 degC: a sensor's filler"},
        {{0x03, 0x5B, 0xFF, 0xFF, 0x7F}, 5, HWT_Q_NONE, 0, 1, "8388607 degC"},
        {{0x07, 0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F},
         10,
         HWT_Q_NONE,
         0,
         1,
         "energy beyond all bounds"},
        {{0x0A, 0x59, 0xEE, 0xEE}, 4, HWT_Q_NONE, 0, 1, "invalid BCD"},
        {{0x12, 0x59, 1, 1}, 4, HWT_Q_NONE, 0, 0, "maximum"},
        {{0x22, 0x59, 1, 1}, 4, HWT_Q_NONE, 0, 0, "minimum"},
        {{0x32, 0x59, 1, 1}, 4, HWT_Q_NONE, 0, 0, "error state"},
        {{0x42, 0x59, 1, 1}, 4, HWT_Q_NONE, 0, 0, "last period"},
        {{0x82, 0x10, 0x59, 1, 1}, 5, HWT_Q_NONE, 0, 0, "tariff"},
        {{0x82, 0x40, 0x59, 1, 1}, 5, HWT_Q_NONE, 0, 0, "subunit"},
        {{0x02, 0xDA, 0x6F, 1, 1}, 5, HWT_Q_NONE, 0, 0, "the date of a maximum"},
        {{0x02, 0xFB, 0x59, 1, 1}, 5, HWT_Q_NONE, 0, 0, "Fahrenheit is not converted"},
        {{0x02, 0x22, 1, 1}, 4, HWT_Q_NONE, 0, 0, "on time"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_reading r[MBUS_READINGS_MAX];
        unsigned implausible;
        size_t n = read_all(rows[i].octets, rows[i].n, r, &implausible);

        if (n != (rows[i].quantity != HWT_Q_NONE) || implausible != rows[i].implausible ||
            (n == 1 && (r[0].quantity != rows[i].quantity || r[0].value != rows[i].value))) {
            fail_msg("%s: %zu readings, %lld", rows[i].why, n, n > 0 ? (long long)r[0].value : 0);
        }
        if (n == 1) {
            assert_int_equal(r[0].source, 3);
            assert_int_equal(r[0].mono_us, 42);
            assert_int_equal(r[0].quality, HWT_QUALITY_GOOD);
        }
    }
}

static void of_two_records_for_a_quantity_the_first_valid_one_counts(void **state)
{
    static const uint8_t octets[] = {0x0A, 0x5A, 0xFF, 0xFF, 0x02, 0x59,
                                     0x10, 0x00, 0x02, 0x59, 0x20, 0x00};
    struct hwt_reading r[MBUS_READINGS_MAX];
    unsigned implausible;

    (void)state;
    assert_int_equal(read_all(octets, sizeof(octets), r, &implausible), 1);
    assert_int_equal(r[0].value, 16);
}

static void the_list_of_quantities_is_ascending_and_holds_all_that_can_come(void **state)
{
    static const uint8_t octets[] = {0x01, 0x06, 1, 0x01, 0x2B, 1, 0x01, 0x13, 1, 0x01, 0x3B, 1,
                                     0x01, 0x5B, 1, 0x01, 0x5F, 1, 0x01, 0x63, 1, 0x01, 0x67, 1};
    struct hwt_reading r[MBUS_READINGS_MAX];
    const uint8_t *list;
    unsigned implausible;
    size_t count = mbus_quantities(MBUS_HEAT, &list),
           n = read_all(octets, sizeof(octets), r, &implausible);

    (void)state;
    assert_int_equal(n, count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(hwt_quantity_get(list[i]));
        assert_true(i == 0 || list[i] > list[i - 1]);
        assert_non_null(memchr(list, r[i].quantity, count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(present_values_become_counts_of_their_quantity),
        cmocka_unit_test(of_two_records_for_a_quantity_the_first_valid_one_counts),
        cmocka_unit_test(the_list_of_quantities_is_ascending_and_holds_all_that_can_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* core/base: checksums, fixed point, cursors, JSON, the quantity table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/err.h"
#include "core/base/fixed.h"
#include "core/base/json.h"
#include "core/base/quantity.h"

static uint32_t crc_bit_by_bit(const uint8_t *p, size_t n)
{
    uint32_t c = 0xFFFFFFFFu;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) {
            c = (c & 1) ? (c >> 1) ^ 0x82F63B78u : c >> 1;
        }
    }
    return ~c;
}

/* RFC 3720 B.4: 32 zero bytes, 32 bytes of ones, the check string. */
static void crc32c_gives_the_published_vectors(void **state)
{
    uint8_t zeros[32] = {0}, ones[32];

    (void)state;
    memset(ones, 0xFF, sizeof(ones));
    assert_int_equal(hwt_crc32c(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(hwt_crc32c(0, zeros, 32), 0x8A9136AAu);
    assert_int_equal(hwt_crc32c(0, ones, 32), 0x62A8AB43u);
}

static void crc32c_in_pieces_equals_whole_and_bitwise(void **state)
{
    uint8_t buf[2048];
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(buf); i++) {
        x = x * 1664525u + 1013904223u;
        buf[i] = (uint8_t)(x >> 24);
    }
    for (size_t n = 0; n < sizeof(buf); n += 7) {
        uint32_t whole = hwt_crc32c(0, buf, n);

        assert_int_equal(whole, crc_bit_by_bit(buf, n));
        assert_int_equal(whole, hwt_crc32c(hwt_crc32c(0, buf, n / 3), buf + n / 3, n - n / 3));
    }
}

static void mul_div_rounds_half_away_and_refuses_overflow(void **state)
{
    static const struct {
        int64_t a, b, den, result;
        bool fits;
        const char *why;
    } rows[] = {
        {7, 1, 2, 4, true, "3.5 rounds away from zero"},
        {-7, 1, 2, -4, true, "so does -3.5"},
        {5, 1, 4, 1, true, "1.25 rounds down"},
        {INT64_MAX, 1000, 1000, INT64_MAX, true, "128-bit product"},
        {INT64_MIN, 1, 1, INT64_MIN, true, "the most negative"},
        {INT64_MIN, -1, 1, 0, false, "its negation does not fit"},
        {INT64_MAX, 3, 2, 0, false, "half as much again does not fit"},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, true, "full width both ways"},
        {INT64_MAX, INT64_MAX, 1, 0, false, "quotient beyond 64 bits"},
        {123456789012345, 3600000, 1000000, 444444440444442, true, "a long division"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t out = 42;
        bool fits = hwt_mul_div(rows[i].a, rows[i].b, rows[i].den, &out);

        if (fits != rows[i].fits || (fits && out != rows[i].result) || (!fits && out != 42)) {
            fail_msg("%s: got %d %lld", rows[i].why, fits, (long long)out);
        }
    }
    assert_int_equal(hwt_div_round(15, 10), 2);
    assert_int_equal(hwt_div_round(-15, 10), -2);
    assert_int_equal(hwt_div_round(14, 10), 1);
}

static void reader_fails_for_good_past_the_end(void **state)
{
    const uint8_t b[] = {0x01, 0x02, 0x03, 0x84, 0x01};
    struct hwt_reader r;

    (void)state;
    hwt_reader_init(&r, b, sizeof(b));
    assert_int_equal(hwt_get_u16le(&r), 0x0201);
    assert_int_equal(hwt_get_be(&r, 1), 3);
    assert_int_equal(hwt_get_varint(&r), 132);
    assert_true(r.ok);
    assert_int_equal(hwt_get_u8(&r), 0);
    assert_false(r.ok);
    assert_int_equal(hwt_reader_left(&r), 0);
    assert_null(hwt_get_bytes(&r, 0));
}

static void varints_and_zigzag_round_trip(void **state)
{
    static const int64_t rows[] = {0, -1, 1, 63, -64, 64, INT32_MAX, INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t buf[10];
        struct hwt_writer w;
        struct hwt_reader r;

        hwt_writer_init(&w, buf, sizeof(buf));
        hwt_put_varint(&w, hwt_zigzag(rows[i]));
        assert_true(w.ok);
        hwt_reader_init(&r, buf, w.at);
        assert_true(hwt_unzigzag(hwt_get_varint(&r)) == rows[i]);
        assert_int_equal(hwt_reader_left(&r), 0);
        hwt_reader_init(&r, buf, w.at - 1);
        (void)hwt_get_varint(&r);
        assert_false(r.ok);
    }
}

static void json_writes_commas_escapes_and_decimals(void **state)
{
    char buf[400];
    struct hwt_json j;
    static const char want[] = "{\"a\":1,\"b\":[-2.5,null,true,\"q\\\"\\\\\\n\\u0001\"],\"c\":{},"
                               "\"d\":0.05,\"e\":1200,\"f\":-9223372036854775808,\"g\":1.334,"
                               "\"h\":\"\\u00e4\"}";

    (void)state;
    hwt_json_init(&j, buf, sizeof(buf));
    hwt_json_object(&j, NULL);
    hwt_json_int(&j, "a", 1);
    hwt_json_array(&j, "b");
    hwt_json_decimal(&j, NULL, -2500, -3);
    hwt_json_null(&j, NULL);
    hwt_json_bool(&j, NULL, true);
    hwt_json_string(&j, NULL, "q\"\\\n\x01");
    hwt_json_end_array(&j);
    hwt_json_object(&j, "c");
    hwt_json_end_object(&j);
    hwt_json_decimal(&j, "d", 5, -2);
    hwt_json_decimal(&j, "e", 12, 2);
    hwt_json_int(&j, "f", INT64_MIN);
    hwt_json_scaled(&j, "g", 4802000, 3600000, 3);
    hwt_json_bytes(&j, "h", "\xe4", 1);
    hwt_json_end_object(&j);
    assert_true(j.ok);
    assert_int_equal(j.at, sizeof(want) - 1);
    assert_memory_equal(buf, want, j.at);
    for (size_t n = 0; n < sizeof(want) - 1; n++) {
        hwt_json_init(&j, buf, n);
        hwt_json_object(&j, NULL);
        hwt_json_string(&j, "long", want);
        hwt_json_end_object(&j);
        assert_false(j.ok);
        assert_true(j.at <= n);
    }
}

static void every_quantity_is_whole_and_found_by_its_id(void **state)
{
    (void)state;
    assert_null(hwt_quantity_get(HWT_Q_NONE));
    assert_null(hwt_quantity_get(HWT_Q_COUNT));
    for (unsigned q = 1; q < HWT_Q_COUNT; q++) {
        const struct hwt_quantity_info *info = hwt_quantity_get(q);

        assert_non_null(info);
        assert_non_null(info->id);
        assert_true(info->per_unit > 0);
        assert_int_equal(hwt_quantity_find(info->id, strlen(info->id)), q);
    }
    assert_int_equal(hwt_quantity_find("powe", 4), HWT_Q_NONE);
}

static void quantities_scale_decimals_exactly(void **state)
{
    int64_t c = 0;

    (void)state;
    assert_true(hwt_quantity_from_decimal(HWT_Q_ENERGY, 37351, 3, &c)); /* 37351 kWh */
    assert_true(c == 37351LL * 1000 * 3600000);
    assert_true(hwt_quantity_from_decimal(HWT_Q_FLOW_T, 10169, -2, &c));
    assert_int_equal(c, 10169);
    assert_true(hwt_quantity_from_decimal(HWT_Q_POWER, 347, 2, &c));
    assert_int_equal(c, 347000);
    assert_false(hwt_quantity_from_decimal(HWT_Q_ENERGY, INT64_MAX, 0, &c));
    assert_int_equal(c, 347000);
}

static void errors_have_names(void **state)
{
    (void)state;
    assert_string_equal(hwt_err_name(HWT_ERR_CHECKSUM), "CHECKSUM");
    assert_string_equal(hwt_err_name(0), "OK");
    assert_string_equal(hwt_err_name(-HWT_ERR_KINDS), "?");
    for (int e = 1; e < HWT_ERR_KINDS; e++) {
        assert_non_null(hwt_err_name(-e));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_published_vectors),
        cmocka_unit_test(crc32c_in_pieces_equals_whole_and_bitwise),
        cmocka_unit_test(mul_div_rounds_half_away_and_refuses_overflow),
        cmocka_unit_test(reader_fails_for_good_past_the_end),
        cmocka_unit_test(varints_and_zigzag_round_trip),
        cmocka_unit_test(json_writes_commas_escapes_and_decimals),
        cmocka_unit_test(every_quantity_is_whole_and_found_by_its_id),
        cmocka_unit_test(quantities_scale_decimals_exactly),
        cmocka_unit_test(errors_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

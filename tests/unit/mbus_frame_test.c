/* core/wire/mbus: frames, headers, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire/mbus.h"

/* Frames printed in EN 13757 examples and computed by hand. */
static void requests_are_encoded_as_the_standard_prints_them(void **state)
{
    static const struct {
        uint8_t c, a, octets[HWT_MBUS_SHORT_SIZE];
        const char *why;
    } rows[] = {
        {0x40, 1, {0x10, 0x40, 0x01, 0x41, 0x16}, "SND_NKE to 1"},
        {0x40, 0xFE, {0x10, 0x40, 0xFE, 0x3E, 0x16}, "SND_NKE to all, the sum wraps"},
        {0x5B, 100, {0x10, 0x5B, 0x64, 0xBF, 0x16}, "REQ_UD2 to 100, FCB 0"},
        {0x7B, 0xFD, {0x10, 0x7B, 0xFD, 0x78, 0x16}, "REQ_UD2 to the selected meter, FCB 1"},
        {0x5B, 0, {0x10, 0x5B, 0x00, 0x5B, 0x16}, "address 0 is an octet like others"},
    };
    uint8_t out[HWT_MBUS_SHORT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(hwt_mbus_short_encode(rows[i].c, rows[i].a, out), 5);
        if (memcmp(out, rows[i].octets, 5) != 0) {
            fail_msg("%s", rows[i].why);
        }
    }
}

static void long_frames_are_encoded_and_checked_for_room(void **state)
{
    static const uint8_t page[] = {0x01, 0xFF, 0x08, 0x01};
    static const uint8_t want[] = {0x68, 0x07, 0x07, 0x68, 0x53, 0x64, 0x51,
                                   0x01, 0xFF, 0x08, 0x01, 0x11, 0x16};
    uint8_t out[HWT_MBUS_FRAME_MAX], data[253] = {0};

    (void)state;
    assert_int_equal(hwt_mbus_long_encode(0x53, 100, 0x51, page, 4, out, sizeof(out)), 13);
    assert_memory_equal(out, want, 13);
    assert_int_equal(hwt_mbus_long_encode(0x53, 100, 0x51, page, 4, out, 12), HWT_ERR_SPACE);
    assert_int_equal(hwt_mbus_long_encode(0x53, 1, 0x51, data, 252, out, sizeof(out)), 261);
    assert_int_equal(hwt_mbus_long_encode(0x53, 1, 0x51, data, 253, out, sizeof(out)),
                     HWT_ERR_ARGUMENT);
}

static void frames_are_checked_in_every_octet_that_is_redundant(void **state)
{
    static const struct {
        uint8_t p[12];
        size_t n;
        int err;
        size_t at;
        const char *why;
    } rows[] = {
        {{0xE5}, 1, 0, 0, "acknowledgement"},
        {{0x10, 0x08, 0x01, 0x09, 0x16}, 5, 0, 0, "short"},
        {{0x68, 3, 3, 0x68, 8, 1, 0x70, 0x79, 0x16}, 9, 0, 0, "long"},
        {{0x68, 3, 3, 0x68, 8, 1, 0x70, 0x79, 0x16, 0x10}, 10, 0, 0, "what follows is not ours"},
        {{0}, 0, HWT_ERR_AGAIN, 0, "nothing"},
        {{0x68, 3, 3, 0x68, 8, 1, 0x70, 0x79}, 8, HWT_ERR_AGAIN, 8, "stop missing"},
        {{0x10, 0x08, 0x01, 0x09}, 4, HWT_ERR_AGAIN, 4, "short, stop missing"},
        {{0x68, 3, 4, 0x68, 8, 1, 0x70, 0x79, 0x16}, 9, HWT_ERR_LENGTH, 2, "lengths differ"},
        {{0x68, 2, 2, 0x68, 8, 1, 0x09, 0x16}, 8, HWT_ERR_LENGTH, 1, "no room for C, A, CI"},
        {{0x68, 3, 3, 0x69, 8, 1, 0x70, 0x79, 0x16}, 9, HWT_ERR_SANITY, 3, "second start"},
        {{0x68, 3, 3, 0x68, 8, 1, 0x70, 0x78, 0x16}, 9, HWT_ERR_CHECKSUM, 7, "sum"},
        {{0x68, 3, 3, 0x68, 8, 2, 0x70, 0x79, 0x16}, 9, HWT_ERR_CHECKSUM, 7, "address"},
        {{0x68, 3, 3, 0x68, 8, 1, 0x70, 0x79, 0x17}, 9, HWT_ERR_SANITY, 8, "stop"},
        {{0x10, 0x08, 0x01, 0x0A, 0x16}, 5, HWT_ERR_CHECKSUM, 3, "short, sum"},
        {{0x10, 0x08, 0x01, 0x09, 0x61}, 5, HWT_ERR_SANITY, 4, "short, stop"},
        {{0x00, 0x68}, 2, HWT_ERR_SANITY, 0, "no start"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_mbus_frame f = {0};
        struct hwt_mbus_fault fault = {0};
        int err = hwt_mbus_frame_check(rows[i].p, rows[i].n, &f, &fault);

        if (err != rows[i].err || (err != 0 && fault.at != rows[i].at)) {
            fail_msg("%s: %s at %zu", rows[i].why, hwt_err_name(err), fault.at);
        }
    }
}

/* L = 68: the header reads 68 68 68 68, with one more 68 of noise before it. */
static void a_frame_is_found_behind_noise_even_if_its_length_is_68(void **state)
{
    uint8_t data[0x68 - 3], buf[300] = {0x68, 0x10, 0x68, 0x68};
    struct hwt_mbus_frame f;
    size_t skip;
    int n, why;

    (void)state;
    memset(data, 0x68, sizeof(data));
    n = hwt_mbus_long_encode(0x08, 61, 0x72, data, sizeof(data), buf + 4, sizeof(buf) - 4);
    assert_int_equal(n, 0x68 + 6);
    assert_int_equal(hwt_mbus_frame_find(buf, 4 + (size_t)n, true, &f, &skip, &why), 0);
    assert_int_equal(skip, 4);
    assert_int_equal(f.a, 61);
    assert_int_equal(f.data_size, sizeof(data));
    assert_int_not_equal(why, 0);
}

static void a_search_waits_for_a_beginning_and_drops_it_when_nothing_more_comes(void **state)
{
    static const uint8_t buf[] = {0xFF, 0x68, 0x09, 0x09, 0x68, 0x08, 0xE5};
    struct hwt_mbus_frame f;
    size_t skip;
    int why;

    (void)state;
    assert_int_equal(hwt_mbus_frame_find(buf, 7, false, &f, &skip, &why), HWT_ERR_AGAIN);
    assert_int_equal(skip, 1);
    assert_int_equal(why, HWT_ERR_SANITY);
    assert_int_equal(hwt_mbus_frame_find(buf, 7, true, &f, &skip, &why), 0);
    assert_int_equal(skip, 6);
    assert_int_equal(f.shape, HWT_MBUS_ACK);
    assert_int_equal(why, HWT_ERR_LENGTH);
    assert_int_equal(hwt_mbus_frame_find(buf, 6, true, &f, &skip, &why), HWT_ERR_AGAIN);
    assert_int_equal(skip, 6);
}

/* Opens C A CI data as a frame. */
static int open_reply(uint8_t c, uint8_t ci, const uint8_t *data, size_t n,
                      struct hwt_mbus_telegram *t, struct hwt_mbus_fault *fault)
{
    static uint8_t buf[HWT_MBUS_FRAME_MAX];
    struct hwt_mbus_frame f;
    int size = hwt_mbus_long_encode(c, 9, ci, data, n, buf, sizeof(buf));

    assert_true(size > 0);
    assert_int_equal(hwt_mbus_frame_check(buf, (size_t)size, &f, fault), 0);
    return hwt_mbus_open(&f, t, fault);
}

static void headers_are_read_in_all_their_forms(void **state)
{
    static const uint8_t head[] = {0x17, 0x58, 0x85, 0x06, 0x2D, 0x2C, 0x08, 0x04,
                                   0x04, 0x10, 0x00, 0x00, 0x01, 0x13, 0x07};
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;
    char maker[4];

    (void)state;
    assert_int_equal(open_reply(0x28, 0x72, head, sizeof(head), &t, &fault), 0);
    assert_int_equal(t.id, 0x06855817);
    hwt_mbus_manufacturer_name(t.manufacturer, maker);
    assert_string_equal(maker, "KAM");
    assert_int_equal(t.version, 8);
    assert_string_equal(hwt_mbus_medium_name(t.medium, t.fixed), "heat_outlet");
    assert_int_equal(t.access, 4);
    assert_int_equal(t.status, 0x10);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.at, 19);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 0);

    assert_int_equal(open_reply(0x08, 0x7A, head + 8, 7, &t, &fault), 0);
    assert_false(t.identified);
    assert_int_equal(t.access, 4);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);

    assert_int_equal(open_reply(0x08, 0x78, head + 12, 3, &t, &fault), 0);
    assert_false(t.has_status);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
}

static void what_is_no_reply_with_records_is_refused_with_its_reason(void **state)
{
    static const uint8_t zeros[20] = {0}, busy[] = {8}, unknown[] = {0x77};
    static const uint8_t secret[12] = {0, 0, 0, 0, 0x2D, 0x2C, 1, 4, 0, 0, 0x20, 0x05};
    static const struct {
        uint8_t c, ci;
        const uint8_t *data;
        size_t n;
        int err;
        const char *why;
    } rows[] = {
        {0x53, 0x51, zeros, 4, HWT_ERR_NOT_MINE, "a request to a meter"},
        {0x08, 0x70, busy, 1, HWT_ERR_APPLICATION, "error report"},
        {0x08, 0x70, zeros, 0, HWT_ERR_APPLICATION, "error report without code"},
        {0x08, 0x70, unknown, 1, HWT_ERR_APPLICATION, "error report with an odd code"},
        {0x08, 0x6E, zeros, 5, HWT_ERR_APPLICATION, "error report behind a short header"},
        {0x08, 0x71, busy, 1, HWT_ERR_APPLICATION, "alarm"},
        {0x08, 0x75, zeros, 13, HWT_ERR_APPLICATION, "alarm behind a long header"},
        {0x08, 0x69, zeros, 16, HWT_ERR_UNSUPPORTED, "format frame"},
        {0x08, 0x73, zeros, 17, HWT_ERR_UNSUPPORTED, "compact frame with long header"},
        {0x08, 0x79, zeros, 16, HWT_ERR_UNSUPPORTED, "compact frame"},
        {0x08, 0x7D, zeros, 16, HWT_ERR_UNSUPPORTED, "COSEM"},
        {0x08, 0xA5, zeros, 16, HWT_ERR_UNSUPPORTED, "the maker's own"},
        {0x08, 0x76, zeros, 11, HWT_ERR_LENGTH, "mode 2, header cut off"},
        {0x08, 0x77, zeros, 15, HWT_ERR_LENGTH, "mode 2, fixed structure cut off"},
        {0x08, 0x72, zeros, 11, HWT_ERR_LENGTH, "header cut off"},
        {0x08, 0x7A, zeros, 3, HWT_ERR_LENGTH, "short header cut off"},
        {0x08, 0x73, zeros, 15, HWT_ERR_LENGTH, "fixed structure cut off"},
        {0x08, 0x72, secret, 12, HWT_ERR_UNSUPPORTED, "encrypted"},
    };
    struct hwt_mbus_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_mbus_telegram t = {0};
        int err = open_reply(rows[i].c, rows[i].ci, rows[i].data, rows[i].n, &t, &fault);

        if (err != rows[i].err || fault.what == NULL) {
            fail_msg("%s: %s", rows[i].why, hwt_err_name(err));
        }
    }
}

static void error_reports_tell_the_meters_code_and_text(void **state)
{
    static const uint8_t busy[] = {8};
    struct hwt_mbus_telegram t = {0};
    struct hwt_mbus_fault fault;

    (void)state;
    assert_int_equal(open_reply(0x08, 0x70, busy, 1, &t, &fault), HWT_ERR_APPLICATION);
    assert_int_equal(t.report, 8);
    assert_string_equal(fault.what, "the meter reports: application busy");
    assert_int_equal(fault.at, 6);
    for (unsigned code = 0; code < 256; code++) { /* each known code has a text of its own */
        uint8_t behind[13] = {[12] = (uint8_t)code};
        bool known = code <= 6 || code == 8 || code == 9 || (code >= 0x10 && code <= 0x16);

        assert_int_equal(open_reply(0x08, 0x6F, behind, 13, &t, &fault), HWT_ERR_APPLICATION);
        assert_int_equal(t.report, code);
        assert_int_equal(strstr(fault.what, "not standard") == NULL, known);
    }
}

static void what_is_not_supported_is_refused_by_its_name(void **state)
{
    static const uint8_t zeros[20] = {0};
    static const struct {
        uint8_t ci;
        const char *word;
    } rows[] = {
        {0x61, "COSEM"},        {0x67, "selected application"},
        {0x69, "format frame"}, {0x6B, "format"},
        {0x73, "long header"},  {0x79, "compact frame"},
        {0x7B, "short"},        {0x7C, "COSEM"},
        {0x7F, "OBIS"},         {0x8A, "transport"},
        {0x8D, "link layer"},   {0x90, "authentication"},
        {0xA0, "manufacturer"}, {0xB7, "manufacturer"},
        {0xB8, "none of"},      {0x00, "none of"},
        {0x50, "none of"},
    };
    struct hwt_mbus_telegram t = {0};
    struct hwt_mbus_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int err = open_reply(0x08, rows[i].ci, zeros, sizeof(zeros), &t, &fault);

        if (err != HWT_ERR_UNSUPPORTED || strstr(fault.what, rows[i].word) == NULL) {
            fail_msg("%02X: %s %s", rows[i].ci, hwt_err_name(err), fault.what);
        }
    }
}

/* The telegram of "headers are read", every number turned round: nothing else differs. */
static void mode_2_sends_the_most_significant_octet_first(void **state)
{
    static const uint8_t records[] = {
        0x06, 0x85, 0x58, 0x17, 0x2C, 0x2D, 0x08, 0x04, 0x04, 0x10, 0x00, 0x00, /* header */
        0x04, 0x06, 0x00, 0x00, 0x91, 0xE7,                                     /* 37351 kWh */
        0x0B, 0x62, 0xF0, 0x00, 0x02,                                           /* -0.2 K, BCD */
        0x05, 0x5B, 0x41, 0xA8, 0x00, 0x00,                                     /* 21 degC, real */
        0x42, 0x6C, 0x1C, 0x5F,                                                 /* 2010-12-31 */
        0x0D, 0xFD, 0x0B, 0x03, 'a',  'b',  'c',
    };
    static const uint8_t fixed[] = {0x90, 0x91, 0x92, 0x93, 0x10, 0x01, 0x69, 0x05,
                                    0x00, 0x00, 0x19, 0x83, 0x00, 0x00, 0x00, 0x45};
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;
    char text[4] = "";

    (void)state;
    assert_int_equal(open_reply(0x08, 0x76, records, sizeof(records), &t, &fault), 0);
    assert_true(t.msb_first);
    assert_int_equal(t.id, 0x06855817);
    assert_int_equal(t.manufacturer, 0x2C2D);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.mantissa, 37351);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.kind, HWT_MBUS_NUMBER);
    assert_int_equal(r.mantissa, -2);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.real_bits, 0x41A80000);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.kind, HWT_MBUS_DATE);
    assert_int_equal(r.date.year, 2010);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(hwt_mbus_text(r.raw, r.raw_size, r.msb_first, text, 3), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 0);

    assert_int_equal(open_reply(0x08, 0x77, fixed, sizeof(fixed), &t, &fault), 0);
    assert_int_equal(t.id, 0x90919293);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.mantissa, 0x1983);
    assert_int_equal(r.unit, HWT_MBUS_U_WH);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.mantissa, 0x45);
    assert_int_equal(r.unit, HWT_MBUS_U_M3);
}

static void fixed_structures_give_two_counters_in_their_units(void **state)
{
    static const struct {
        uint8_t status, unit[2], counter[2][4];
        enum hwt_mbus_unit want_unit[2];
        int64_t want[2];
        int exponent[2];
        uint64_t storage[2];
        const char *medium, *why;
    } rows[] = {
        {0,
         {0x05, 0x69},
         {{0x31, 0x65, 0, 0}, {0x69, 0, 0, 0}},
         {HWT_MBUS_U_WH, HWT_MBUS_U_M3},
         {6531, 69},
         {3, -3},
         {0, 0},
         "heat",
         "BCD, kWh and litres"},
        {1,
         {0x0B, 0x2C},
         {{0x00, 0x01, 0, 0}, {0, 0, 0, 0xFF}},
         {HWT_MBUS_U_J, HWT_MBUS_U_M3},
         {256, 0xFF000000},
         {3, 0},
         {0, 0},
         "other",
         "binary is unsigned"},
        {2,
         {0x45, 0x7E},
         {{0x05, 0, 0, 0}, {0x04, 0, 0, 0}},
         {HWT_MBUS_U_WH, HWT_MBUS_U_WH},
         {5, 4},
         {3, 3},
         {1, 1},
         "steam",
         "3E: as the other, historic"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t data[16] = {0x93,           0x92, 0x91, 0x90, 0x10, rows[i].status, rows[i].unit[0],
                            rows[i].unit[1]};
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;

        memcpy(data + 8, rows[i].counter, 8);
        assert_int_equal(open_reply(0x08, 0x73, data, 16, &t, &fault), 0);
        assert_string_equal(hwt_mbus_medium_name(t.medium, t.fixed), rows[i].medium);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
            if (r.kind != HWT_MBUS_NUMBER || r.unit != rows[i].want_unit[k] ||
                r.mantissa != rows[i].want[k] || r.exponent != rows[i].exponent[k] ||
                r.storage != rows[i].storage[k]) {
                fail_msg("%s: counter %d is %lld e%d %s", rows[i].why, k, (long long)r.mantissa,
                         r.exponent, hwt_mbus_unit_name(r.unit));
            }
        }
        assert_int_equal(hwt_mbus_next(&t, &r, &fault), 0);
    }
}

static void manufacturers_are_three_letters_or_a_question_mark(void **state)
{
    char name[4];

    (void)state;
    hwt_mbus_manufacturer_name(0x4DEE, name);
    assert_string_equal(name, "SON");
    hwt_mbus_manufacturer_name(0x0000, name);
    assert_string_equal(name, "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_encoded_as_the_standard_prints_them),
        cmocka_unit_test(long_frames_are_encoded_and_checked_for_room),
        cmocka_unit_test(frames_are_checked_in_every_octet_that_is_redundant),
        cmocka_unit_test(a_frame_is_found_behind_noise_even_if_its_length_is_68),
        cmocka_unit_test(a_search_waits_for_a_beginning_and_drops_it_when_nothing_more_comes),
        cmocka_unit_test(headers_are_read_in_all_their_forms),
        cmocka_unit_test(what_is_no_reply_with_records_is_refused_with_its_reason),
        cmocka_unit_test(error_reports_tell_the_meters_code_and_text),
        cmocka_unit_test(what_is_not_supported_is_refused_by_its_name),
        cmocka_unit_test(mode_2_sends_the_most_significant_octet_first),
        cmocka_unit_test(fixed_structures_give_two_counters_in_their_units),
        cmocka_unit_test(manufacturers_are_three_letters_or_a_question_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

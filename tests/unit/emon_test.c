/* core/wire/emon: lines of emonTx and of radio receivers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire/emon.h"

static struct hwt_emon_message m;
static size_t at;

static int line(const char *text, const char *layout)
{
    return hwt_emon_line(text, strlen(text), layout, &m, &at);
}

static int64_t value(const char *name)
{
    for (size_t i = 0; i < m.count; i++) {
        if (strcmp(m.value[i].name, name) == 0 && !m.value[i].missing) {
            return m.value[i].milli;
        }
    }
    return INT64_MIN;
}

static void check_reference_message(void)
{
    static const struct {
        const char *name;
        int64_t milli;
    } rows[] = {
        {"MSG", 1234000}, {"Vrms", 239870},  {"P1", 500000},   {"P2", -25000}, {"P3", 0},
        {"P4", 1200000},  {"E1", 12345000},  {"E2", -10000},   {"E3", 0},      {"E4", 99999000},
        {"T1", 20500},    {"T2", INT64_MIN}, {"pulse", 77000},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].name);
        assert_true(value(rows[i].name) == rows[i].milli);
    }
}

/* The message of the firmware's documentation, in all its forms. */
static void one_message_is_read_in_every_form(void **state)
{
    static const uint8_t octets[40] = {0xD2, 0x04, 0x00, 0x00, 0xB3, 0x5D, 0xF4, 0x01, 0xE7, 0xFF,
                                       0x00, 0x00, 0xB0, 0x04, 0x39, 0x30, 0x00, 0x00, 0xF6, 0xFF,
                                       0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0x9F, 0x86, 0x01, 0x00,
                                       0x02, 0x08, 0x30, 0x75, 0x30, 0x75, 0x4D, 0x00, 0x00, 0x00};
    char text[400];

    (void)state;
    assert_int_equal(line("MSG:1234,Vrms:239.87,P1:500,P2:-25,P3:0,P4:1200,E1:12345,E2:-10,E3:0,"
                          "E4:99999,T1:20.50,pulse:77\r\n",
                          NULL),
                     0);
    check_reference_message();
    assert_int_equal(m.node, HWT_EMON_NODE_NONE);
    assert_int_equal(line("{\"MSG\":1234,\"Vrms\":239.87,\"P1\":500,\"P2\":-25, \"P3\" : 0,\"P4\":"
                          "1200,\"E1\":12345,\"E2\":-10,\"E3\":0,\"E4\":99999,\"T1\":20.5,"
                          "\"pulse\":77}",
                          NULL),
                     0);
    check_reference_message();
    for (unsigned mix = 0; mix < 2; mix++) {
        size_t n = (size_t)snprintf(text, sizeof(text), "OK 15");

        for (size_t i = 0; i < sizeof(octets); i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %u",
                                  (unsigned)(octets[i] ^ (mix ? 0x55 : 0)));
        }
        snprintf(text + n, sizeof(text) - n, " (-46)");
        assert_int_equal(line(text, NULL), 0);
        check_reference_message();
        assert_int_equal(m.node, 15);
        assert_int_equal(m.rssi, -46);
        assert_int_equal(line(text, mix ? "emontx3_cm" : "emontx3_cm_rf69n"), 0);
        check_reference_message();
    }
}

static void lines_that_are_no_message_say_why(void **state)
{
    static const struct {
        const char *text, *layout;
        int err;
        const char *why;
    } rows[] = {
        {"", NULL, HWT_ERR_NOT_MINE, "nothing"},
        {"|Continuous monitoring started", NULL, HWT_ERR_NOT_MINE, "for people"},
        {"> 4v", NULL, HWT_ERR_NOT_MINE, "an echo"},
        {"Band: 433 MHz", NULL, HWT_ERR_NOT_MINE, "a setting: a blank behind the colon"},
        {"P1:500,P2:", NULL, HWT_ERR_SANITY, "no number"},
        {"P1:500,P2:12x", NULL, HWT_ERR_SANITY, "something behind a number"},
        {"P1:5.", NULL, HWT_ERR_SANITY, "a point without digits"},
        {"P1:1234567890123456", NULL, HWT_ERR_SANITY, "too many digits"},
        {"P1:500P2:3", NULL, HWT_ERR_SANITY, "a comma is missing"},
        {"a_name_that_is_much_too_long:5", NULL, HWT_ERR_SANITY, "a name too long"},
        {"{\"P1\":500", NULL, HWT_ERR_SANITY, "cut"},
        {"{\"P1\":\"500\"}", NULL, HWT_ERR_SANITY, "a text for a number"},
        {"{\"P1\":500}x", NULL, HWT_ERR_SANITY, "more behind it"},
        {"{}", NULL, HWT_ERR_SANITY, "nothing in it"},
        {"OK 15 1 2 300", NULL, HWT_ERR_SANITY, "no octet"},
        {"OK 15 1 2 (-46", NULL, HWT_ERR_SANITY, "cut in the signal"},
        {"OK 15 1 2 3 4", NULL, HWT_ERR_UNSUPPORTED, "no layout of that length"},
        {"OK 3 1 2 3 4 5 6 7 8 9 10", NULL, HWT_ERR_UNSUPPORTED, "a length known, of another node"},
        {"OK 3 1 2 3 4 5 6 7 8 9 10", "emontx3_cm", HWT_ERR_LENGTH, "not that layout's length"},
        {"OK 3 1 2 3 4 5 6 7 8 9 10", "emontxshield", 0, "any node, if the layout is named"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].why);
        assert_int_equal(line(rows[i].text, rows[i].layout), rows[i].err);
    }
}

static void the_place_of_a_mistake_is_told(void **state)
{
    (void)state;
    assert_int_equal(line("P1:500,P2:x", NULL), HWT_ERR_SANITY);
    assert_int_equal(at, 11); /* "x" may be a name: its colon is missing */
}

static void null_in_json_is_a_value_that_is_missing(void **state)
{
    (void)state;
    assert_int_equal(line("{\"MSG\":1,\"T1\":null,\"T2\" : null}", NULL), 0);
    assert_int_equal(m.count, 3);
    assert_false(m.value[0].missing);
    assert_true(m.value[1].missing);
    assert_string_equal(m.value[2].name, "T2");
    assert_true(m.value[2].missing);
    assert_int_equal(line("{\"MSG\":nul}", NULL), HWT_ERR_SANITY);
    assert_int_equal(line("{\"MSG\":nullx}", NULL), HWT_ERR_SANITY);
    assert_int_equal(line("MSG:null", NULL), HWT_ERR_SANITY);
}

static void a_name_may_have_its_input_before_it(void **state)
{
    (void)state;
    assert_int_equal(line("ct1:P1:-500.1239,ct2:P2:7", NULL), 0);
    assert_int_equal(m.count, 2);
    assert_int_equal(value("P1"), -500123);
    assert_int_equal(value("P2"), 7000);
}

/* Each layout's fields fill its octets, and their names are as published. */
static void every_layout_is_whole(void **state)
{
    static const struct {
        const char *layout, *first, *last;
        size_t octets, count;
    } rows[] = {
        {"emonpi", "power1", "pulsecount", 24, 11},
        {"emonpi_cm", "Msg", "E2", 40, 15},
        {"emontxshield", "power1", "Vrms", 10, 5},
        {"emontx3_discreet", "power1", "pulse", 26, 12},
        {"emontx3_3phase", "powerL1", "pulse", 26, 12},
        {"emontx3_cm", "MSG", "pulse", 40, 14},
        {"emontx3_cm_rf69n", "MSG", "pulse", 40, 14},
        {"emontx4", "MSG", "pulse", 52, 18},
        {"emontx4_analog", "MSG", "analog", 54, 19},
        {"emontx6_3phase", "MSG", "E6", 46, 16},
        {"emontx6_temp_pulse", "MSG", "pulse3", 32, 12},
        {"emonth1", "temperature", "battery", 8, 4},
        {"emonth2", "temperature", "pulsecount", 12, 5},
        {"emontx4_3phase", "MSG", "pulse", 50, 17},
        {"emondb_6ct_1phase", "MSG", "pulse", 46, 15},
        {"emontx4db_rf1", "MSG", "analog", 52, 18},
        {"emontx4db_rf2", "MSG", "anaPulse", 52, 17},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[400] = "OK 99";

        assert_string_equal(hwt_emon_layout((unsigned)i), rows[i].layout);
        for (size_t k = 0; k < rows[i].octets; k++) { /* the last field alone is not 0 */
            bool mixed = strcmp(rows[i].layout, "emontx3_cm") == 0;
            unsigned plain = k + 2 == rows[i].octets ? 1 : 0;

            if (strcmp(rows[i].last, "Vrms") != 0 && strcmp(rows[i].last, "battery") != 0 &&
                strcmp(rows[i].last, "analog") != 0) {
                plain = k + 4 == rows[i].octets ? 1 : 0;
            }
            snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u",
                     mixed ? plain ^ 0x55 : plain);
        }
        print_message("# %s\n", rows[i].layout);
        assert_int_equal(line(text, rows[i].layout), 0);
        assert_int_equal(m.count, rows[i].count);
        assert_string_equal(m.value[0].name, rows[i].first);
        assert_string_equal(m.value[m.count - 1].name, rows[i].last);
        for (size_t k = 0; k < m.count; k++) {
            assert_int_equal(m.value[k].milli != 0, k + 1 == m.count);
        }
    }
    assert_null(hwt_emon_layout(sizeof(rows) / sizeof(rows[0])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_is_read_in_every_form),
        cmocka_unit_test(lines_that_are_no_message_say_why),
        cmocka_unit_test(the_place_of_a_mistake_is_told),
        cmocka_unit_test(null_in_json_is_a_value_that_is_missing),
        cmocka_unit_test(a_name_may_have_its_input_before_it),
        cmocka_unit_test(every_layout_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* core/wire/mcp3208.c against the bits of Microchip DS21298E, table 5-2 and figure 6-1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/wire/mcp3208.h"

static void an_input_is_asked_for_as_the_data_sheet_draws_it(void **state)
{
    static const uint8_t words[HWT_MCP3208_INPUTS][2] = {
        /* 00000 start S D2, D1 D0 xxxxxx */
        {0x06, 0x00}, {0x06, 0x40}, {0x06, 0x80}, {0x06, 0xC0},
        {0x07, 0x00}, {0x07, 0x40}, {0x07, 0x80}, {0x07, 0xC0},
    };

    (void)state;
    for (unsigned i = 0; i < HWT_MCP3208_INPUTS; i++) {
        uint8_t out[HWT_MCP3208_OCTETS] = {1, 1, 1};

        hwt_mcp3208_ask(i, out);
        assert_int_equal(out[0], words[i][0]);
        assert_int_equal(out[1], words[i][1]);
        assert_int_equal(out[2], 0);
    }
}

static void the_code_lies_behind_a_null_bit(void **state)
{
    static const struct {
        uint8_t answer[HWT_MCP3208_OCTETS];
        int code;
        const char *why;
    } rows[] = {
        {{0xFF, 0xE0, 0x00}, 0, "none; the line floats before the null bit"},
        {{0x00, 0x0F, 0xFF}, 4095, "all; the line is low before it"},
        {{0xFF, 0xE8, 0x01}, 2049, "both ends of the word"},
        {{0xFF, 0xE7, 0xFE}, 2046, "and all between"},
        {{0xFF, 0xFF, 0xFF}, HWT_ERR_SANITY, "nobody drives the line"},
        {{0x00, 0x10, 0x00}, HWT_ERR_SANITY, "a null bit that is set"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int code = hwt_mcp3208_code(rows[i].answer);

        if (code != rows[i].code) {
            fail_msg("%s: %d", rows[i].why, code);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_input_is_asked_for_as_the_data_sheet_draws_it),
        cmocka_unit_test(the_code_lies_behind_a_null_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

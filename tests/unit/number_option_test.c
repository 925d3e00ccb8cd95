/* daemon/cli/number_option: whole numbers and lists of speeds as options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cli/number_option.h"

static void numbers_are_digits_in_their_range(void **state)
{
    static const struct {
        const char *text;
        bool taken;
        unsigned value;
        const char *why;
    } rows[] = {
        {"20", true, 20, "the lowest"},
        {"60000", true, 60000, "the highest"},
        {"19", false, 0, "too low"},
        {"60001", false, 0, "too high"},
        {"99999999999999999999999", false, 0, "more than any integer holds"},
        {"", false, 0, "nothing"},
        {"-20", false, 0, "a sign"},
        {"+20", false, 0, "a sign"},
        {" 20", false, 0, "a space"},
        {"20ms", false, 0, "a unit"},
        {"0x20", false, 0, "another base"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned n = 0;

        if (number_option_take(rows[i].text, 20, 60000, &n) != rows[i].taken ||
            n != rows[i].value) {
            fail_msg("'%s' (%s) gives %u", rows[i].text, rows[i].why, n);
        }
    }
}

static void speeds_are_standard_ones_and_never_more_than_there_is_room(void **state)
{
    static const struct {
        const char *text;
        unsigned count; /* 0: refused */
        const char *why;
    } rows[] = {
        {"2400", 1, "one"},
        {"300,115200,9600", 3, "as many as there is room"},
        {"300,600,1200,2400", 0, "one too many"},
        {"2400,", 0, "an empty word"},
        {"2401", 0, "no standard speed"},
        {"2400 ", 0, "a space"},
        {"", 0, "nothing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned baud[4] = {0, 0, 0, 77}, count = 0;
        char text[32];

        strcpy(text, rows[i].text);
        if (number_option_speeds(text, 3, baud, &count) != (rows[i].count > 0) ||
            count != rows[i].count || baud[3] != 77) {
            fail_msg("'%s' (%s) gives %u", rows[i].text, rows[i].why, count);
        }
    }
}

static void a_second_list_of_speeds_takes_the_place_of_the_first(void **state)
{
    unsigned baud[3] = {0, 0, 77}, count = 0;
    char first[] = "300,600", second[] = "9600,19200";

    (void)state;
    assert_true(number_option_speeds(first, 2, baud, &count));
    assert_true(number_option_speeds(second, 2, baud, &count));
    assert_int_equal(count, 2);
    assert_int_equal(baud[0], 9600);
    assert_int_equal(baud[1], 19200);
    assert_int_equal(baud[2], 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_in_their_range),
        cmocka_unit_test(speeds_are_standard_ones_and_never_more_than_there_is_room),
        cmocka_unit_test(a_second_list_of_speeds_takes_the_place_of_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

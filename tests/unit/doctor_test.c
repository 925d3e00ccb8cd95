/* heatwatt doctor: what it reckons; what it looks at is tested in tests/system/test_doctor.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/cli/doctor_checks.h"

/* docs/LOG.md, "How often it is written": 16 values each 10 s, MB/h at the block layer. */
static void the_wear_is_reckoned_as_it_was_measured(void **state)
{
    static const struct {
        unsigned commit_s;
        bool partition;
        double measured_mb;
    } rows[] = {{10, false, 3.4}, {60, false, 1.1}, {600, false, 0.134},
                {10, true, 0.74}, {60, true, 0.22}, {600, true, 0.03}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double mb = doctor_bytes_an_hour(16, 10, rows[i].commit_s, rows[i].partition) / 1e6;

        print_message("# %u s: %.3f MB/h, measured %.3f\n", rows[i].commit_s, mb,
                      rows[i].measured_mb);
        assert_true(mb > rows[i].measured_mb * 0.8 && mb < rows[i].measured_mb * 1.25);
    }
}

static void findings_beyond_the_list_are_left_out(void **state)
{
    static struct doctor d;

    (void)state;
    for (int i = 0; i < DOCTOR_FINDINGS_MAX + 5; i++) {
        doctor_add(&d, DOCTOR_FAIL, "input", "advice", "number %d", i);
    }
    assert_int_equal(d.count, DOCTOR_FINDINGS_MAX);
    assert_string_equal(d.finding[DOCTOR_FINDINGS_MAX - 1].text, "number 127");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wear_is_reckoned_as_it_was_measured),
        cmocka_unit_test(findings_beyond_the_list_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

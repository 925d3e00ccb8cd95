/* daemon/http: query strings, numbers, Host and Origin, Accept-Encoding, If-None-Match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/http/assets.h"
#include "daemon/http/guard.h"
#include "daemon/http/query.h"

static void query_strings_are_split_and_decoded_once(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        const char *name, *value; /* of the last parameter */
        const char *why;
    } rows[] = {
        {"", 0, NULL, NULL, "nothing"},
        {"a=1", 1, "a", "1", "one"},
        {"a=1&b=2", 2, "b", "2", "two"},
        {"a=1&&b=2&", 2, "b", "2", "empty parts are skipped"},
        {"a", 1, "a", "", "a name alone"},
        {"a=", 1, "a", "", "an empty value"},
        {"a=b=c", 1, "a", "b=c", "the first '=' divides"},
        {"s=a%2Cb", 1, "s", "a,b", "an escaped comma is a comma"},
        {"s=%2541", 1, "s", "%41", "decoded once, not twice"},
        {"s=a+b%2Bc", 1, "s", "a b+c", "plus is a space, %2B a plus"},
        {"%66n=mean", 1, "fn", "mean", "names are decoded too"},
        {"a=%c3%A4", 1, "a", "\xc3\xa4", "either case of hex"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_query q;
        const char *why = "";
        char text[64];

        strcpy(text, rows[i].text);
        if (http_query_parse(&q, text, &why) != 0 || q.count != rows[i].count) {
            fail_msg("%s: '%s' gives %zu (%s)", rows[i].why, rows[i].text, q.count, why);
        }
        if (q.count > 0) {
            assert_string_equal(q.parameter[q.count - 1].name, rows[i].name);
            assert_string_equal(q.parameter[q.count - 1].value, rows[i].value);
            assert_ptr_equal(http_query_get(&q, rows[i].name), q.parameter[q.count - 1].value);
        }
        assert_null(http_query_get(&q, "none"));
    }
}

static void broken_query_strings_are_refused_whole(void **state)
{
    static const struct {
        const char *text;
        int err;
        const char *why;
    } rows[] = {
        {"a=%", HWT_ERR_SANITY, "an escape cut at once"},
        {"a=%4", HWT_ERR_SANITY, "an escape cut half way"},
        {"a=%4g", HWT_ERR_SANITY, "not hex"},
        {"a=%-1", HWT_ERR_SANITY, "a sign is not hex"},
        {"a=%00", HWT_ERR_SANITY, "a NUL would cut the value"},
        {"%00=1", HWT_ERR_SANITY, "or the name"},
        {"=1", HWT_ERR_SANITY, "a value without a name"},
        {"a=1&a=2", HWT_ERR_ARGUMENT, "twice: which one is meant?"},
        {"a=1&%61=2", HWT_ERR_ARGUMENT, "twice, one in disguise"},
        {"a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", HWT_ERR_SPACE, "seventeen"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_query q;
        const char *why = NULL;
        char text[64];
        int err;

        strcpy(text, rows[i].text);
        err = http_query_parse(&q, text, &why);
        if (err != rows[i].err || q.count != 0 || why == NULL) {
            fail_msg("%s: '%s' gives %d", rows[i].why, rows[i].text, err);
        }
    }
}

static void numbers_are_whole_and_in_range(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max, value;
        bool ok;
        const char *why;
    } rows[] = {
        {"0", 0, 9, 0, true, "zero"},
        {"007", 0, 9, 7, true, "leading zeros"},
        {"-12", -20, 0, -12, true, "negative"},
        {"9223372036854775807", 0, INT64_MAX, INT64_MAX, true, "the largest"},
        {"-9223372036854775808", INT64_MIN, 0, INT64_MIN, true, "the smallest"},
        {"9223372036854775808", INT64_MIN, INT64_MAX, 0, false, "one beyond the largest"},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, 0, false, "one below the smallest"},
        {"99999999999999999999", INT64_MIN, INT64_MAX, 0, false, "far beyond"},
        {"10", 0, 9, 0, false, "above max"},
        {"-1", 0, 9, 0, false, "below min"},
        {"", 0, 9, 0, false, "empty"},
        {"-", -9, 9, 0, false, "a sign alone"},
        {"+1", 0, 9, 0, false, "plus"},
        {" 1", 0, 9, 0, false, "a space before"},
        {"1 ", 0, 9, 0, false, "a space behind"},
        {"1e3", 0, 9999, 0, false, "an exponent"},
        {"1.0", 0, 9, 0, false, "a point"},
        {"0x1", 0, 9, 0, false, "hex"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t v = 42;
        bool ok = http_number(rows[i].text, rows[i].min, rows[i].max, &v);

        if (ok != rows[i].ok || v != (ok ? rows[i].value : 42)) {
            fail_msg("%s: '%s' gives %d %lld", rows[i].why, rows[i].text, ok, (long long)v);
        }
    }
}

static void only_our_names_are_served(void **state)
{
    static const char *const hosts[] = {"heat.example", "[fd00::7]"};
    static const struct {
        const char *host;
        bool served;
        const char *why;
    } rows[] = {
        {"localhost", true, "always"},
        {"localhost:8080", true, "with a port"},
        {"LocalHost", true, "names have no case"},
        {"127.0.0.1", true, "always"},
        {"127.0.0.1:1", true, "with a port"},
        {"[::1]", true, "always"},
        {"[::1]:8080", true, "with a port"},
        {"heat.example", true, "configured"},
        {"HEAT.example:443", true, "configured, with a port"},
        {"[FD00::7]:80", true, "configured IPv6"},
        {"", false, "empty"},
        {":80", false, "a port alone"},
        {"evil.example", false, "foreign"},
        {"localhost.evil.example", false, "begins like ours"},
        {"evil-localhost", false, "ends like ours"},
        {"localhos", false, "too short"},
        {"localhost.", false, "a root dot is another name"},
        {"localhost:", true, "an empty port (RFC 3986 3.2.3)"},
        {"localhost:80x", false, "not a port"},
        {"localhost:123456", false, "longer than any port"},
        {"localhost:80:80", false, "two ports"},
        {"localhost@evil.example", false, "user information"},
        {"[::1", false, "bracket not closed"},
        {"[::1]x", false, "text behind the bracket"},
        {"::1", false, "IPv6 without brackets"},
        {"127.0.0.2", false, "another loopback address is not configured"},
        {"127.1", false, "other spellings of it neither"},
        {"xheat.example", false, "ends like a configured one"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char origin[80];

        if (http_host_served(rows[i].host, hosts, 2) != rows[i].served) {
            fail_msg("host '%s': %s", rows[i].host, rows[i].why);
        }
        snprintf(origin, sizeof(origin), "http%s://%s", i % 2 ? "s" : "", rows[i].host);
        if (http_origin_served(origin, hosts, 2) != rows[i].served) {
            fail_msg("origin '%s': %s", origin, rows[i].why);
        }
    }
    assert_false(http_host_served("heat.example", hosts, 0));
    assert_false(http_origin_served("null", hosts, 2)); /* a sandboxed page or a file */
    assert_false(http_origin_served("localhost", hosts, 2));
    assert_false(http_origin_served("ftp://localhost", hosts, 2));
    assert_false(http_origin_served("http://localhost/path", hosts, 2));
}

static void gzip_is_sent_only_to_those_who_take_it(void **state)
{
    static const struct {
        const char *header;
        bool accepted;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZip", true},
        {"x-gzip", true},
        {"gzip, deflate, br, zstd", true},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
        {"deflate,gzip", true},
        {"identity", false},
        {"gzipped", false},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.001", true},
        {"*", true},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"gzip;q=0, *", false},
        {"deflate;q=0, gzip", true},
        {",,", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (http_accepts_gzip(rows[i].header) != rows[i].accepted) {
            fail_msg("Accept-Encoding '%s'", rows[i].header);
        }
    }
}

static void entity_tags_compare_weakly_and_whole(void **state)
{
    static const struct {
        const char *header;
        bool matches;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"\"5eed\"", true},
        {"W/\"5eed\"", true},
        {"\"a\", W/\"5eed\"", true},
        {"\"a\",\"5eed\",\"b\"", true},
        {"*", true},
        {"\"5eed", false},
        {"\"5eedx\"", false},
        {"\"5ee\"", false},
        {"5eed", false},
        {"\"x5eed\"", false},
        {"W/", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (http_etag_matches(rows[i].header, "5eed") != rows[i].matches) {
            fail_msg("If-None-Match '%s'", rows[i].header);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_strings_are_split_and_decoded_once),
        cmocka_unit_test(broken_query_strings_are_refused_whole),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(only_our_names_are_served),
        cmocka_unit_test(gzip_is_sent_only_to_those_who_take_it),
        cmocka_unit_test(entity_tags_compare_weakly_and_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

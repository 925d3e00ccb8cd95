/* daemon/base/file: a file is replaced as a whole, and what fails says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/file.h"

struct rig {
    char dir[64], path[96], beside[104];
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return -1;
    }
    strcpy(r->dir, "/tmp/heatwatt-file-XXXXXX");
    if (mkdtemp(r->dir) == NULL) {
        free(r);
        return -1;
    }
    snprintf(r->path, sizeof(r->path), "%s/text", r->dir);
    snprintf(r->beside, sizeof(r->beside), "%s.new", r->path);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    unlink(r->path);
    unlink(r->beside);
    rmdir(r->beside);
    rmdir(r->dir);
    free(r);
    return 0;
}

static void assert_holds(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(text, expected);
}

static void a_file_is_replaced_and_nothing_is_left_beside(void **state)
{
    const struct rig *r = *state;
    struct stat st;

    assert_true(file_replace(r->path, 0600, "a longer one", 12));
    assert_holds(r->path, "a longer one");
    assert_int_equal(stat(r->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(file_replace(r->path, 0600, "short", 5));
    assert_holds(r->path, "short");
    assert_int_equal(access(r->beside, F_OK), -1);
    assert_true(file_sync_folder(r->dir));
}

static void what_a_power_cut_left_beside_is_in_nobodys_way(void **state)
{
    const struct rig *r = *state;

    assert_true(file_replace(r->beside, 0600, "torn, and longer than the new one", 33));
    assert_true(file_replace(r->path, 0600, "new", 3));
    assert_holds(r->path, "new");
}

static void a_file_that_cannot_be_replaced_stays_as_it_was(void **state)
{
    const struct rig *r = *state;

    assert_true(file_replace(r->path, 0600, "old", 3));
    assert_int_equal(mkdir(r->beside, 0700), 0);
    errno = 0;
    assert_false(file_replace(r->path, 0600, "new", 3));
    assert_int_equal(errno, EISDIR);
    assert_holds(r->path, "old");
}

static void a_path_too_long_for_one_beside_it_is_refused(void **state)
{
    char path[PATH_MAX];

    (void)state;
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - sizeof(".new")] = '\0'; /* one byte too long */
    assert_false(file_replace(path, 0600, "", 0));
    assert_int_equal(errno, ENAMETOOLONG);
}

static void writing_and_syncing_say_why_they_failed(void **state)
{
    const struct rig *r = *state;

    assert_false(file_write_all(-1, "x", 1));
    assert_int_equal(errno, EBADF);
    assert_true(file_write_all(-1, "", 0));
    assert_false(file_sync_folder(r->path));
    assert_int_equal(errno, ENOENT);
    assert_true(file_replace(r->path, 0600, "", 0));
    assert_false(file_sync_folder(r->path));
    assert_int_equal(errno, ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_replaced_and_nothing_is_left_beside, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_power_cut_left_beside_is_in_nobodys_way, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_replaced_stays_as_it_was, set_up,
                                        tear_down),
        cmocka_unit_test(a_path_too_long_for_one_beside_it_is_refused),
        cmocka_unit_test_setup_teardown(writing_and_syncing_say_why_they_failed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

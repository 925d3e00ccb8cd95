/* daemon/run/config, with files: secrets, the time zone, the examples, the printed reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/run/config.h"
#include "daemon/run/config_table.h"
#include "daemon/run/config_tree.h"

#define V1      "version: 1\n"
#define METER   "sources:\n  - {id: hm, type: mbus, port: /dev/u, address: 1}\n" /* lines 2, 3 */
#define PUBLISH "publish:\n  - {id: e, type: emoncms, key_secret: k, url: "

static char *read_whole(const char *path)
{
    static char text[CONFIG_FILE_MAX];
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL) {
        fail_msg("cannot open %s", path);
        return NULL;
    }
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static const char *top(void)
{
    const char *dir = getenv("HEATWATT_TOP");

    return dir == NULL ? "." : dir;
}

static void the_reference_page_is_the_table(void **state)
{
    char path[512], *printed = NULL;
    size_t n;
    FILE *out = open_memstream(&printed, &n);

    (void)state;
    config_write_reference(out);
    fclose(out);
    snprintf(path, sizeof(path), "%s/docs/CONFIG.md", top());
    if (strcmp(read_whole(path), printed) != 0) {
        fail_msg("docs/CONFIG.md is not what `heatwatt config reference` prints: print it again");
    }
    for (size_t i = 0; i < config_option_count; i++) {
        char key[64];

        snprintf(key, sizeof(key), "| `%s` |", config_options[i].name);
        assert_non_null(strstr(printed, key));
    }
    free(printed);
}

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/heatwatt-config-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"f.yaml", "secrets.yaml", "dir"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
    return rmdir(folder);
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    static char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    remove(path);
    f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static const char with_secrets[] = V1 METER "secrets: secrets.yaml\n" PUBLISH "https://h/}\n";

static char *load(const char *text, struct config **c_out)
{
    static char printed[4096];
    FILE *out;

    memset(printed, 0, sizeof(printed));
    out = fmemopen(printed, sizeof(printed) - 1, "w");
    *c_out = config_load(write_file("f.yaml", text, 0644), out);
    fclose(out);
    return printed;
}

static void a_key_comes_from_the_secrets_file(void **state)
{
    struct config *c;

    (void)state;
    write_file("secrets.yaml", "# keys\nother: zzz\nk: 0123456789abcdef\n", 0600);
    assert_string_equal(load(with_secrets, &c), "");
    assert_non_null(c);
    assert_string_equal(c->publisher[0].key, "0123456789abcdef");
    config_free(c);
    write_file("secrets.yaml", "k: \"quoted 1\"\n", 0600);
    assert_non_null(strstr(load(with_secrets, &c), "secrets.yaml:1: k: must be one value"));
    assert_null(c);
    write_file("secrets.yaml", "k: 12345678\n", 0400);
    load(with_secrets, &c);
    assert_non_null(c);
    config_free(c);
}

static void a_secrets_file_others_can_touch_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666};

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const char *path = write_file("secrets.yaml", "k: SECRETVALUE\n", modes[i]);
        char expected[256], *printed;
        struct config *c;

        snprintf(expected, sizeof(expected),
                 "%s: can be read or written by others (mode %04o): chmod 600 %s\n", path,
                 (unsigned)modes[i], path);
        printed = load(with_secrets, &c);
        assert_null(c);
        assert_string_equal(printed, expected);
    }
}

static void a_secrets_file_of_another_user_is_refused(void **state)
{
    const char *path = write_file("secrets.yaml", "k: SECRETVALUE\n", 0600);
    struct config *c;

    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give a file away\n");
        skip();
    }
    assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
    assert_non_null(strstr(load(with_secrets, &c), "belongs to user 12345"));
    assert_null(c);
}

static void a_secrets_file_that_is_none_is_refused(void **state)
{
    char path[128];
    struct config *c;

    (void)state;
    snprintf(path, sizeof(path), "%s/secrets.yaml", folder);
    remove(path);
    assert_non_null(strstr(load(with_secrets, &c), "f.yaml:4: secrets: cannot open "));
    assert_null(c);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_non_null(strstr(load(with_secrets, &c), "secrets.yaml: is not a regular file"));
    assert_null(c);
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_non_null(strstr(load(with_secrets, &c), "secrets.yaml: is not a regular file"));
    assert_null(c);
}

/* What is in the secrets file, or was meant for it, is in no message. */
static void messages_never_hold_a_secret(void **state)
{
    static const struct {
        const char *secrets, *says, *why;
    } rows[] = {
        {"SECRETVALUE\n", "must hold lines \"name: value\"", "no name"},
        {"k: [SECRETVALUE]\n", "k: must be one value", "a list"},
        {"k: SECRETVALUE x\n", "k: must be one value", "a blank"},
        {"k: SECRETVALUE\xc3\xa4\n", "k: must be one value", "not ASCII"},
        {"k: SECRETVALUE\nk: SECRETVALUE\n", "is given twice", "duplicate"},
        {"k: !x SECRETVALUE\n", "has a tag", "tag"},
        {"k: \"SECRETVALUE\\n\"\n", "line break", "control character"},
        {"k: \"SECRETVALUE\n", "is not valid YAML", "quote"},
        {"kk: SECRETVALUE\n", "key_secret: is no name in ", "another name"},
        {"kk: SECRETVALUE\n", "which has: kk\n", "another name"},
    };
    struct config *c;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *printed;

        write_file("secrets.yaml", rows[i].secrets, 0600);
        printed = load(with_secrets, &c);
        if (c != NULL || strstr(printed, rows[i].says) == NULL ||
            strstr(printed, "SECRET") != NULL) {
            fail_msg("%s: %s", rows[i].why, printed);
        }
    }
    write_file("secrets.yaml", "k: 1\n", 0600);
    assert_null(strstr(load(V1 METER "secrets: secrets.yaml\npublish: [{id: e, type: emoncms, "
                                     "url: 'https://u:SECRET@h/', key_secret: SECRET}]\n",
                            &c),
                       "SECRET"));
    assert_null(c);
    assert_null(strstr(load(V1 METER "secrets: secrets.yaml\npublish: [{id: e, type: emoncms, "
                                     "url: 'https://h/', key_secret: abcdef0123}]\n",
                            &c),
                       "abcdef"));
    assert_null(c);
}

static void the_zone_must_be_in_the_database(void **state)
{
    static const char *const wrong[] = {"Europe/Lundon", "europe/london", "Europe/../Europe/London",
                                        "Europe",        "/etc/passwd",   "zone.tab"};
    char text[256];
    struct config *c;

    (void)state;
    if (access("/usr/share/zoneinfo/Europe/London", R_OK) != 0) {
        print_message("skipped: tzdata is not installed\n");
        skip();
    }
    assert_string_equal(load(V1 METER "site: {timezone: Europe/London}\n", &c), "");
    config_free(c);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text), V1 METER "site: {timezone: %s}\n", wrong[i]);
        assert_non_null(strstr(load(text, &c), "f.yaml:4: site.timezone: \""));
        assert_null(c);
    }
    setenv("TZDIR", "/nonexistent", 1);
    assert_non_null(strstr(load(V1 METER "site: {timezone: Europe/London}\n", &c),
                           "install the package tzdata"));
    assert_null(c);
    load(V1 METER, &c); /* UTC is known without the database */
    assert_non_null(c);
    config_free(c);
    unsetenv("TZDIR");
}

static void a_file_that_cannot_be_read_is_said_so(void **state)
{
    char printed[512] = "";
    FILE *out = fmemopen(printed, sizeof(printed) - 1, "w");

    (void)state;
    assert_null(config_load("/nonexistent/f.yaml", out));
    assert_null(config_load("/tmp", out));
    fclose(out);
    assert_string_equal(printed, "/nonexistent/f.yaml: cannot be read: No such file or directory\n"
                                 "/tmp: cannot be read: Is a directory\n");
}

/* Each example as it is in the tree, with a secrets file made for it. */
static void every_example_is_right(void **state)
{
    char dir[512], path[1024];
    struct dirent **entry;
    unsigned done = 0;
    int n;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/examples", top());
    n = scandir(dir, &entry, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        const char *end = strrchr(entry[i]->d_name, '.');
        struct config *c;

        if (end != NULL && strcmp(end, ".yaml") == 0) {
            snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
            write_file("secrets.yaml", "emoncms_key: 0123456789abcdef\n", 0600);
            if (strcmp(load(read_whole(path), &c), "") != 0) {
                fail_msg("%s: %s", path, load(read_whole(path), &c));
            }
            config_free(c);
            done++;
        }
        free(entry[i]);
    }
    free(entry);
    assert_true(done >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_page_is_the_table),
        cmocka_unit_test_setup_teardown(a_key_comes_from_the_secrets_file, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_secrets_file_others_can_touch_is_refused, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_secrets_file_of_another_user_is_refused, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_secrets_file_that_is_none_is_refused, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(messages_never_hold_a_secret, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_zone_must_be_in_the_database, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_file_that_cannot_be_read_is_said_so),
        cmocka_unit_test_setup_teardown(every_example_is_right, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

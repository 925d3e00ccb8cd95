/* daemon/run/config_edit, config_item, config_save, config_add: what is added is there, and nothing
 * else moved. */
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
#include "daemon/run/config_add.h"
#include "daemon/run/config_edit.h"
#include "daemon/run/config_item.h"
#include "daemon/run/config_save.h"
#include "daemon/run/config_tree.h"

#define NEW "- id: n\n  type: mbus\n"

/* --- config_edit --- */

static void sources_are_added_behind_the_others_and_nothing_else_moves(void **state)
{
    static const struct {
        const char *before, *item, *after;
        const char *why;
    } rows[] = {
        {"sources:\n  - id: a\n", NEW, "sources:\n  - id: a\n  - id: n\n    type: mbus\n",
         "the usual"},
        {"sources:\n- id: a\nroles: {}\n", NEW,
         "sources:\n- id: a\n- id: n\n  type: mbus\nroles: {}\n", "not indented"},
        {"sources:\n        - id: a\n", NEW,
         "sources:\n        - id: a\n        - id: n\n          type: mbus\n", "far indented"},
        {"sources:\n  - id: a\n", "      - id: n\n        type: mbus\n",
         "sources:\n  - id: a\n  - id: n\n    type: mbus\n", "an item from elsewhere"},
        {"sources:\n  - id: a", NEW, "sources:\n  - id: a\n  - id: n\n    type: mbus\n",
         "no line end at the end"},
        {"sources:\r\n  - id: a\r\nroles: {}\r\n", NEW,
         "sources:\r\n  - id: a\r\n  - id: n\r\n    type: mbus\r\nroles: {}\r\n",
         "line ends of another world"},
        {"sources:\n  - id: a  # \xc3\xa4 last\n\n\n# roles\nroles: {}\n", NEW,
         "sources:\n  - id: a  # \xc3\xa4 last\n  - id: n\n    type: mbus\n\n\n# roles\nroles: "
         "{}\n",
         "blank lines and what is at the left edge belong to what follows"},
        {"sources:\n  - id: a\n    # b was:\n  # - id: b\n\n  # c\n# end\n", NEW,
         "sources:\n  - id: a\n    # b was:\n  # - id: b\n\n  # c\n  - id: n\n    type: mbus\n# "
         "end\n",
         "indented comments belong to the list"},
        {"# \xe2\x82\xac\xf0\x9f\x8c\xa1\nsite: {name: \"\xc3\xbc\xc3\xbc\"}\nsources:\n  - {id: "
         "a, "
         "type: b}\nx: 1\n",
         NEW,
         "# \xe2\x82\xac\xf0\x9f\x8c\xa1\nsite: {name: \"\xc3\xbc\xc3\xbc\"}\nsources:\n  - {id: "
         "a, "
         "type: b}\n  - id: n\n    type: mbus\nx: 1\n",
         "characters of several bytes before"},
        {"sources:\n  - {id: a,\n     type: b}  # c\nx: 1\n", NEW,
         "sources:\n  - {id: a,\n     type: b}  # c\n  - id: n\n    type: mbus\nx: 1\n",
         "the last in braces over two lines"},
        {"sources:\n  - id: a\n    list:\n      - b: 1\n      - c\nx: 1\n", NEW,
         "sources:\n  - id: a\n    list:\n      - b: 1\n      - c\n  - id: n\n    type: mbus\nx: "
         "1\n",
         "the last ends with a list of its own"},
        {"sources:\n  - id: a\n    label: |-\n      text\n\nx: 1\n", NEW,
         "sources:\n  - id: a\n    label: |-\n      text\n\n  - id: n\n    type: mbus\nx: 1\n",
         "the last ends with a block of text"},
        {"sources:\n  - id: a\n    label:\nx: 1\n", NEW,
         "sources:\n  - id: a\n    label:\n  - id: n\n    type: mbus\nx: 1\n",
         "the last ends with an empty value"},
        {"sources:\n  - id: a\n    label: \"# no: comment\"\nx: 1\n", NEW,
         "sources:\n  - id: a\n    label: \"# no: comment\"\n  - id: n\n    type: mbus\nx: 1\n",
         "a hash in quotes"},
        {"sources: []\nx: 1\n", NEW, "sources:\n  - id: n\n    type: mbus\nx: 1\n", "empty"},
        {"sources: [ ]  # none yet\nx: 1\n", NEW,
         "sources:  # none yet\n  - id: n\n    type: mbus\nx: 1\n", "empty, with a comment"},
        {"sources:\n  []\n", NEW, "sources:\n\n  - id: n\n    type: mbus\n",
         "empty, on a line of its own"},
        {"sources:\nx: 1\n", NEW, "sources:\n  - id: n\n    type: mbus\nx: 1\n", "nothing at all"},
        {"x: 1\n# end\n", NEW, "x: 1\n# end\nsources:\n  - id: n\n    type: mbus\n", "no such key"},
        {"x: 1", NEW, "x: 1\nsources:\n  - id: n\n    type: mbus\n", "no such key, no line end"},
        {"---\nx: 1\n...\n", NEW, "---\nx: 1\nsources:\n  - id: n\n    type: mbus\n...\n",
         "no such key, the end is marked"},
        {"---\nsources:\n- id: a\n...\n", NEW,
         "---\nsources:\n- id: a\n- id: n\n  type: mbus\n...\n", "the end is marked"},
        {"x:\n  sources:\n    - id: a\nsources:\n  - id: b\n", NEW,
         "x:\n  sources:\n    - id: a\nsources:\n  - id: b\n  - id: n\n    type: mbus\n",
         "another of that name deeper"},
        {"sources:\n  - id: a\n", "# found\n\n  - id: n   # x\n    # y\n    a: [1,\n      2]\n\n\n",
         "sources:\n  - id: a\n  # found\n\n  - id: n   # x\n    # y\n    a: [1,\n      2]\n",
         "an item with comments"},
        {"sources:\n  - id: a\n", "- id: n\n- id: m\n  x: 1\n",
         "sources:\n  - id: a\n  - id: n\n  - id: m\n    x: 1\n", "two at a time"},
        {"sources:\n  - id: a\n", "- id: n\r\n  b: c\r\n",
         "sources:\n  - id: a\n  - id: n\n    b: c\n", "an item with other line ends"},
        {"sources:\n  - ? id\nx: 1\n", NEW, "sources:\n  - ? id\n  - id: n\n    type: mbus\nx: 1\n",
         "a key of the long form"},
        {"? sources\n: - id: a\nx: 1\n", NEW,
         "? sources\n: - id: a\n  - id: n\n    type: mbus\nx: 1\n", "sources in the long form"},
        {"sources:\n  - id: a\n", "- {id: n}", "sources:\n  - id: a\n  - {id: n}\n",
         "an item in braces"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_problems problems;
        char *after = NULL;
        size_t n = 0;

        config_problems_init(&problems);
        if (config_edit_add(rows[i].before, strlen(rows[i].before), "f", rows[i].item,
                            strlen(rows[i].item), "item", &problems, &after,
                            &n) != CONFIG_EDIT_OK) {
            fail_msg("%s: %s", rows[i].why, problems.item[0].text);
        }
        if (n != strlen(rows[i].after) || memcmp(after, rows[i].after, n) != 0) {
            fail_msg("%s: gives\n%.*s", rows[i].why, (int)n, after);
        }
        free(after);
        config_problems_free(&problems);
    }
}

static void what_cannot_be_added_to_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *before, *item;
        enum config_edit_result result;
        const char *file, *says;
        const char *why;
    } rows[] = {
        {"sources: [{id: a}]\n", NEW, CONFIG_EDIT_FILE, "f", "list in brackets", "flow list"},
        {"sources: [{id: a}, ]\n", NEW, CONFIG_EDIT_FILE, "f", "list in brackets", "flow list"},
        {"sources: [ # none\n  ]\n", NEW, CONFIG_EDIT_FILE, "f", "something between them",
         "a comment in it would be lost"},
        {"{version: 1}\n", NEW, CONFIG_EDIT_FILE, "f", "in braces", "all in braces"},
        {"sources: none\n", NEW, CONFIG_EDIT_FILE, "f", "is not a list", "a word"},
        {"sources: \"\"\n", NEW, CONFIG_EDIT_FILE, "f", "is not a list", "an empty text"},
        {"sources: {a: 1}\n", NEW, CONFIG_EDIT_FILE, "f", "is not a list", "a mapping"},
        {"- a\n", NEW, CONFIG_EDIT_FILE, "f", "is not a configuration", "a list"},
        {"", NEW, CONFIG_EDIT_FILE, "f", "is empty", "nothing"},
        {"a: 1\na: 2\n", NEW, CONFIG_EDIT_FILE, "f", "twice", "a mistake of its own"},
        {"a: [\n", NEW, CONFIG_EDIT_FILE, "f", "not valid YAML", "no YAML"},
        {"a: 1\n", "", CONFIG_EDIT_ITEM, "item", "is empty", "no item"},
        {"a: 1\n", "id: n\n", CONFIG_EDIT_ITEM, "item", "is not a source", "no list"},
        {"a: 1\n", "- n\n", CONFIG_EDIT_ITEM, "item", "is not a source", "no mapping"},
        {"a: 1\n", "- id: n\n- m\n", CONFIG_EDIT_ITEM, "item", "is not a source",
         "the second is none"},
        {"a: 1\n", "[]\n", CONFIG_EDIT_ITEM, "item", "is not a source", "an empty list"},
        {"a: 1\n", "[{id: n}]\n", CONFIG_EDIT_FILE, "f", "must begin with \"- \"", "in brackets"},
        {"a: 1\n", "--- [{id: n}]\n", CONFIG_EDIT_FILE, "f", "without changing the rest", "marked"},
        {"a: 1\n", "- id: &x n\n", CONFIG_EDIT_ITEM, "item", "anchor", "an anchor"},
        {"a: 1\n", "- id: n\n...\n", CONFIG_EDIT_FILE, "f", "without changing the rest",
         "an end in the midst"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_problems problems;
        char *after = NULL;
        size_t n = 0;
        enum config_edit_result result;

        config_problems_init(&problems);
        result = config_edit_add(rows[i].before, strlen(rows[i].before), "f", rows[i].item,
                                 strlen(rows[i].item), "item", &problems, &after, &n);
        if (result != rows[i].result || after != NULL || problems.count == 0) {
            fail_msg("%s: result %d, gives\n%.*s", rows[i].why, (int)result, (int)n,
                     after != NULL ? after : "");
        }
        if (strcmp(problems.item[0].file, rows[i].file) != 0 ||
            strstr(problems.item[0].text, rows[i].says) == NULL) {
            fail_msg("%s: %s says %s", rows[i].why, problems.item[0].file, problems.item[0].text);
        }
        config_problems_free(&problems);
    }
}

/* --- config_item --- */

static void json_becomes_lines_that_mean_the_same(void **state)
{
    static const struct {
        const char *json, *text;
        const char *why;
    } rows[] = {
        {"{\"id\":\"m\",\"address\":5,\"x\":true,\"z\":0.25}",
         "- id: m\n  address: 5\n  x: true\n  z: 0.25\n", "plain"},
        {"{\"port\":\"/dev/serial/by-id/usb-FTDI_FT232R-if00-port0\",\"tcp\":\"gw.lan:10001\"}",
         "- port: /dev/serial/by-id/usb-FTDI_FT232R-if00-port0\n  tcp: gw.lan:10001\n", "paths"},
        {"{\"a\":null,\"b\":1}", "- b: 1\n", "null is left out"},
        {"{\"a\":null}", "- {}\n", "nothing is left"},
        {"{\"a\":\"5\",\"b\":\"\",\"c\":\"Yes\",\"d\":\"~\",\"e\":\"-1\",\"f\":\".5\"}",
         "- a: \"5\"\n  b: \"\"\n  c: \"Yes\"\n  d: \"~\"\n  e: \"-1\"\n  f: \".5\"\n",
         "texts stay texts"},
        {"{\"a\":\"Heat meter 2\",\"b\":\" x\",\"c\":\"x \",\"d\":\"a: b\",\"e\":\"a:\"}",
         "- a: Heat meter 2\n  b: \" x\"\n  c: \"x \"\n  d: \"a: b\"\n  e: \"a:\"\n",
         "blanks, colons"},
        {"{\"a\":\"x # y\",\"b\":\"{}\",\"c\":\"*a\",\"d\":\"a\\\"b\\\\c\",\"e\":\"W\u00e4rme\"}",
         "- a: \"x # y\"\n  b: \"{}\"\n  c: \"*a\"\n  d: \"a\\\"b\\\\c\"\n  e: \"W\xc3\xa4rme\"\n",
         "signs that mean something"},
        {"{\"a\":\"x\\n- id: evil\",\"b\":\"\\u2028\\u0085\\u0007\"}",
         "- a: \"x\\x0A- id: evil\"\n  b: \"\\L\\N\\x07\"\n", "line ends stay inside"},
        {"{\"a b\":1,\"c: d\":2}", "- a b: 1\n  \"c: d\": 2\n", "keys too"},
        {"{\"l\":[{\"id\":\"a\",\"k\":1},{\"id\":\"b\"}],\"e\":[],\"o\":{},\"p\":[1,[2]]}",
         "- l:\n    - id: a\n      k: 1\n    - id: b\n  e: []\n  o: {}\n  p:\n    - 1\n    -\n     "
         " - "
         "2\n",
         "lists and mappings in it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        struct config_problems problems;
        struct config_tree *tree;
        size_t n;
        char *text;

        assert_non_null(json);
        text = config_item_text(json, &n);
        assert_non_null(text);
        if (n != strlen(rows[i].text) || memcmp(text, rows[i].text, n) != 0) {
            fail_msg("%s: gives\n%s", rows[i].why, text);
        }
        config_problems_init(&problems);
        tree = config_tree_parse(text, n, "f", &problems);
        if (tree == NULL || tree->root->kind != NODE_LIST || tree->root->first->next != NULL) {
            fail_msg("%s: is not one item: %s", rows[i].why, problems.item[0].text);
        }
        config_tree_free(tree);
        config_problems_free(&problems);
        free(text);
        json_decref(json);
    }
}

static void json_that_nests_too_deep_is_refused(void **state)
{
    json_t *json = json_loads("{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", 0, NULL);
    size_t n;

    (void)state;
    assert_null(config_item_text(json, &n));
    json_decref(json);
    json = json_loads("{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":1}]}]}]}]}]}", 0, NULL);
    assert_null(config_item_text(json, &n));
    json_decref(json);
}

/* --- config_save, config_add --- */

static char folder[64], file[96], backup[128];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/heatwatt-edit-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    snprintf(file, sizeof(file), "%s/f.yaml", folder);
    snprintf(backup, sizeof(backup), "%s.bak", file);
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"f.yaml", "link.yaml"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)unlink(backup);
    (void)rmdir(backup);
    return rmdir(folder); /* fails when something was left behind */
}

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void assert_holds(const char *path, const char *text)
{
    char got[512];
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL) {
        fail_msg("%s is not there", path);
        return;
    }
    n = fread(got, 1, sizeof(got) - 1, f);
    fclose(f);
    got[n] = '\0';
    assert_string_equal(got, text);
}

static bool save(const char *path, const char *seen, const char *text, char *why, size_t why_n)
{
    struct config_problems problems;
    bool ok;

    config_problems_init(&problems);
    ok = config_save(path, seen, strlen(seen), text, strlen(text), &problems);
    snprintf(why, why_n, "%s", problems.count > 0 ? problems.item[0].text : "");
    config_problems_free(&problems);
    return ok;
}

static void a_saved_file_keeps_its_mode_owner_and_the_text_before(void **state)
{
    struct stat st;
    char why[400];

    (void)state;
    put(file, "old\n", 0640);
    if (geteuid() == 0) {
        assert_int_equal(chown(file, 12345, 54321), 0);
    }
    assert_true(save(file, "old\n", "new\n", why, sizeof(why)));
    assert_holds(file, "new\n");
    assert_holds(backup, "old\n");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_true(geteuid() != 0 || (st.st_uid == 12345 && st.st_gid == 54321));
    assert_int_equal(stat(backup, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void a_link_stays_and_leads_to_the_new_text(void **state)
{
    char link_path[128], why[400];
    struct stat st;

    (void)state;
    put(file, "old\n", 0600);
    snprintf(link_path, sizeof(link_path), "%s/link.yaml", folder);
    assert_int_equal(symlink("f.yaml", link_path), 0);
    assert_true(save(link_path, "old\n", "new\n", why, sizeof(why)));
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_holds(file, "new\n");
    assert_holds(backup, "old\n");
}

static void a_file_that_was_changed_meanwhile_stays_as_it_is(void **state)
{
    char why[400];

    (void)state;
    put(file, "theirs\n", 0600);
    assert_false(save(file, "old\n", "new\n", why, sizeof(why)));
    assert_non_null(strstr(why, "changed by another"));
    assert_holds(file, "theirs\n");
    assert_int_equal(access(backup, F_OK), -1);
}

static void a_file_that_cannot_be_exchanged_stays_and_nothing_is_left_behind(void **state)
{
    char why[400];

    (void)state;
    put(file, "old\n", 0600);
    assert_int_equal(mkdir(backup, 0700), 0); /* no file can take its place */
    assert_false(save(file, "old\n", "new\n", why, sizeof(why)));
    assert_non_null(strstr(why, "cannot be written"));
    assert_holds(file, "old\n");
    assert_false(save("/tmp/heatwatt-edit-none/f.yaml", "", "new\n", why, sizeof(why)));
    assert_non_null(strstr(why, "No such file"));
}

#define METER "  - {id: hm, type: mbus, port: /dev/u, address: 1}\n"

static void a_source_that_is_not_right_is_refused_and_nothing_is_written(void **state)
{
    static const struct {
        const char *file, *item;
        enum config_add_result result;
        const char *field, *says;
        const char *why;
    } rows[] = {
        {"version: 1\nsources:\n" METER, "- {id: b, type: mbus, port: /dev/u, address: 2}\n",
         CONFIG_ADD_OK, "", "", "right"},
        {"version: 1\nsources: []\n", "- {id: b, type: mbus, port: /dev/u, address: 2}\n",
         CONFIG_ADD_OK, "", "", "the first"},
        {"version: 1\n", "- {id: b, type: mbus, port: /dev/u, address: 2}\n", CONFIG_ADD_OK, "", "",
         "the first, without a list"},
        {"version: 1\n", "- {id: b, type: mbus, port: /dev/u, address: 900}\n", CONFIG_ADD_WRONG,
         "sources[0].address", "above the maximum", "the first is wrong"},
        {"version: 1\nsources:\n" METER, "- {id: b, type: mbus, port: /dev/u, address: 1}\n",
         CONFIG_ADD_WRONG, "sources[1].address", "", "wrong beside another"},
        {"version: 1\nsources:\n" METER, "- {id: b, type: mbus, port: /dev/u, adress: 2}\n",
         CONFIG_ADD_WRONG, "sources[1].adress", "", "misspelt"},
        {"version: 1\nsources:\n" METER, "- {id: hm, type: mbus, port: /dev/u, address: 2}\n",
         CONFIG_ADD_TAKEN, "id", "\"hm\" is taken", "the id is taken"},
        {"version: 1\nrecord: {interval_s: 0}\nsources:\n" METER,
         "- {id: b, type: mbus, port: /dev/u, address: 2}\n", CONFIG_ADD_FILE, "record.interval_s",
         "", "the file has an error of its own"},
        {"version: 1\nsources: [{id: hm, type: mbus, port: /dev/u, address: 1}]\n",
         "- {id: b, type: mbus, port: /dev/u, address: 2}\n", CONFIG_ADD_FILE, "sources",
         "brackets", "nothing can be added"},
        {"version: 1\n", "b\n", CONFIG_ADD_WRONG, "", "is not a source", "no item"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int check_only = 1; check_only >= 0; check_only--) {
            struct config_problems problems;
            struct config *c;
            enum config_add_result result;

            put(file, rows[i].file, 0600);
            (void)unlink(backup);
            config_problems_init(&problems);
            result =
                config_add(file, rows[i].item, strlen(rows[i].item), check_only != 0, &problems);
            if (result != rows[i].result) {
                fail_msg("%s: result %d: %s", rows[i].why, (int)result,
                         problems.count > 0 ? problems.item[0].text : "");
            }
            if (result == CONFIG_ADD_OK && !check_only) {
                assert_int_equal(problems.count, 0);
                assert_holds(backup, rows[i].file);
                c = config_load_problems(file, &problems);
                assert_non_null(c);
                assert_string_equal(c->source[c->source_count - 1].id, "b");
                config_free(c);
            } else {
                assert_holds(file, rows[i].file);
                assert_int_equal(access(backup, F_OK), -1);
            }
            if (result != CONFIG_ADD_OK && (strcmp(problems.item[0].field, rows[i].field) != 0 ||
                                            strstr(problems.item[0].text, rows[i].says) == NULL)) {
                fail_msg("%s: says %s: %s", rows[i].why, problems.item[0].field,
                         problems.item[0].text);
            }
            config_problems_free(&problems);
        }
    }
}

/* Every example takes one more source, and is then itself and that. */
static void all_examples_can_be_added_to(void **state)
{
    static const char item[] =
        "- {id: added_last, type: pulses, events: /run/added, per_unit: 1000}\n";
    static char text[CONFIG_FILE_MAX];
    const char *top = getenv("HEATWATT_TOP");
    char path[512];
    struct dirent *entry;
    unsigned count = 0;
    DIR *dir;

    (void)state;
    snprintf(path, sizeof(path), "%s/examples", top == NULL ? "." : top);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');
        struct config_problems problems;
        struct config *before, *after;
        char *edited;
        size_t n, edited_n, same = 0;
        FILE *f;

        if (dot == NULL || strcmp(dot, ".yaml") != 0) {
            continue;
        }
        snprintf(path, sizeof(path), "%s/examples/%s", top == NULL ? "." : top, entry->d_name);
        f = fopen(path, "rb");
        assert_non_null(f);
        n = fread(text, 1, sizeof(text), f);
        fclose(f);
        config_problems_init(&problems);
        before = config_parse(text, n, path, &problems);
        if (before == NULL) { /* a Modbus map */
            config_problems_free(&problems);
            continue;
        }
        if (config_edit_add(text, n, path, item, sizeof(item) - 1, "item", &problems, &edited,
                            &edited_n) != CONFIG_EDIT_OK) {
            fail_msg("%s: %s", path, problems.item[0].text);
        }
        after = config_parse(edited, edited_n, path, &problems);
        if (after == NULL) {
            fail_msg("%s: %s", path, problems.item[0].text);
        }
        assert_int_equal(after->source_count, before->source_count + 1);
        assert_string_equal(after->source[after->source_count - 1].id, "added_last");
        while (same < n && text[same] == edited[same]) {
            same++;
        }
        assert_memory_equal(text + same, edited + edited_n - (n - same), n - same);
        free(edited);
        config_free(before);
        config_free(after);
        config_problems_free(&problems);
        count++;
    }
    closedir(dir);
    assert_true(count >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_are_added_behind_the_others_and_nothing_else_moves),
        cmocka_unit_test(what_cannot_be_added_to_is_refused_with_a_reason),
        cmocka_unit_test(json_becomes_lines_that_mean_the_same),
        cmocka_unit_test(json_that_nests_too_deep_is_refused),
        cmocka_unit_test_setup_teardown(a_saved_file_keeps_its_mode_owner_and_the_text_before,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_link_stays_and_leads_to_the_new_text, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_file_that_was_changed_meanwhile_stays_as_it_is,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(
            a_file_that_cannot_be_exchanged_stays_and_nothing_is_left_behind, make_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(
            a_source_that_is_not_right_is_refused_and_nothing_is_written, make_folder,
            remove_folder),
        cmocka_unit_test(all_examples_can_be_added_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

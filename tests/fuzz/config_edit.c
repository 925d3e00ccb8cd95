/*
 * Any octets as a configuration and, behind a line of five "=", as what is to be added: refused
 * with a reason, or the result holds every source that was there and those that were added, and
 * only at one place another octet than before. What is to be added is also taken as JSON: the lines
 * made of it are one item.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/run/config_edit.h"
#include "daemon/run/config_item.h"
#include "daemon/run/config_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char divider[] = "\n=====\n";
static const char usual[] = "- id: added\n  type: mbus\n";

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static unsigned children(const struct config_node *node)
{
    unsigned n = 0;

    for (node = node != NULL ? node->first : NULL; node != NULL; node = node->next) {
        n++;
    }
    return n;
}

/* Children of the root, or of `sources` in it. */
static unsigned count(const char *text, size_t n, int of_sources)
{
    struct config_problems problems;
    struct config_tree *tree;
    unsigned found;

    config_problems_init(&problems);
    tree = config_tree_parse(text, n, "f", &problems);
    must(tree != NULL && problems.count == 0);
    found = children(of_sources ? config_tree_get(tree->root, "sources") : tree->root);
    config_tree_free(tree);
    config_problems_free(&problems);
    return found;
}

/* All octets of `old` are there still, in their order, but for blanks and brackets. */
static void check_octets(const char *old, size_t n, const char *new, size_t new_n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (old[i] == '\0' || strchr(" \t\r[]", old[i]) == NULL) {
            while (at < new_n && new[at] != old[i]) {
                at++;
            }
            must(at < new_n);
            at++;
        }
    }
}

static void check_edit(const char *text, size_t n, const char *item, size_t item_n)
{
    struct config_problems problems;
    char *edited = NULL;
    size_t edited_n = 0;

    config_problems_init(&problems);
    if (config_edit_add(text, n, "f", item, item_n, "item", &problems, &edited, &edited_n) ==
        CONFIG_EDIT_OK) {
        must(edited != NULL && problems.count == 0);
        must(count(edited, edited_n, 1) == count(text, n, 1) + count(item, item_n, 0));
        must(count(edited, edited_n, 0) - count(text, n, 0) <= 1);
        check_octets(text, n, edited, edited_n);
        free(edited);
    } else {
        must(edited == NULL && problems.count > 0);
    }
    config_problems_free(&problems);
}

static void check_json(const char *text, size_t n)
{
    json_t *json = json_loadb(text, n, 0, NULL);
    struct config_problems problems;
    struct config_tree *tree;
    size_t item_n;
    char *item;

    item = json_is_object(json) ? config_item_text(json, &item_n) : NULL;
    if (item != NULL) {
        config_problems_init(&problems);
        tree = config_tree_parse(item, item_n, "item", &problems);
        must(tree != NULL || problems.count > 0);
        must(tree == NULL || (tree->root->kind == NODE_LIST && children(tree->root) == 1));
        config_tree_free(tree);
        config_problems_free(&problems);
        check_edit("version: 1\n", 11, item, item_n);
        free(item);
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *mark = memmem(text, size, divider, sizeof(divider) - 1);
    size_t n = mark != NULL ? (size_t)(mark - text) + 1 : size;
    const char *item = mark != NULL ? mark + sizeof(divider) - 1 : usual;
    size_t item_n = mark != NULL ? (size_t)(text + size - item) : sizeof(usual) - 1;

    check_edit(text, n, item, item_n);
    check_json(item, item_n);
    return 0;
}

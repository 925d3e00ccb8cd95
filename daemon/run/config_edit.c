#include "daemon/run/config_edit.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/run/config_place.h"
#include "daemon/run/config_tree.h"

/* --- the item, in the list's indentation --- */

static size_t line_length(const char *text, size_t n)
{
    const char *end = memchr(text, '\n', n);

    return end != NULL ? (size_t)(end - text) : n;
}

/* Without what ends it, and blanks before that. */
static size_t trimmed(const char *line, size_t n)
{
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r')) {
        n--;
    }
    return n;
}

static size_t spaces(const char *line, size_t n)
{
    size_t i = 0;

    while (i < n && line[i] == ' ') {
        i++;
    }
    return i;
}

/* The column of the first "-"; false: there is another thing first. */
static bool find_dash(const char *item, size_t n, size_t *column_out)
{
    for (size_t at = 0; at < n; at += line_length(item + at, n - at) + 1) {
        size_t length = trimmed(item + at, line_length(item + at, n - at));
        size_t column = spaces(item + at, length);

        if (column < length && item[at + column] != '#') {
            *column_out = column;
            return item[at + column] == '-';
        }
    }
    return false;
}

/* Writes the item's lines; what is left of the dash's column is a comment, or comes out as what the
 * comparison refuses. */
static void put_item(FILE *out, const char *item, size_t n, size_t dash, size_t indent,
                     const char *line_end)
{
    unsigned blank = 0;

    for (size_t at = 0; at < n; at += line_length(item + at, n - at) + 1) {
        const char *line = item + at;
        size_t length = trimmed(line, line_length(line, n - at));
        size_t skip = spaces(line, length);

        skip = skip < dash ? skip : dash;
        if (length == 0) {
            blank++;
            continue;
        }
        for (; blank > 0; blank--) { /* blank lines at the end are left out */
            fputs(line_end, out);
        }
        fprintf(out, "%*s", (int)indent, "");
        fwrite(line + skip, 1, length - skip, out);
        fputs(line_end, out);
    }
}

/* --- the result --- */

static bool same_word(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_node(const struct config_node *a, const struct config_node *b);

/* Those from `was` on are those from *is on; which then is what follows. */
static bool same_run(const struct config_node *was, const struct config_node **is)
{
    for (; was != NULL; was = was->next, *is = (*is)->next) {
        if (*is == NULL || !same_node(was, *is)) {
            return false;
        }
    }
    return true;
}

/* The children of a (NULL: none), then those of `more` (or NULL), are those of b. */
static bool same_children(const struct config_node *a, const struct config_node *more,
                          const struct config_node *b)
{
    const struct config_node *is = b->first;

    return (a == NULL || same_run(a->first, &is)) && (more == NULL || same_run(more->first, &is)) &&
           is == NULL;
}

/* At most CONFIG_DEPTH_MAX levels. */
static bool same_node(const struct config_node *a, const struct config_node *b)
{
    return a->kind == b->kind && a->quoted == b->quoted && same_word(a->key, b->key) &&
           same_word(a->text, b->text) && same_children(a, NULL, b);
}

static bool is_sources(const struct config_node *node)
{
    return strcmp(node->key, "sources") == 0;
}

/* b is a with these items more. */
static bool same_but_items(const struct config_node *a, const struct config_node *items,
                           const struct config_node *b)
{
    const struct config_node *was = a->first, *is = b->first;

    for (; is != NULL; is = is->next) {
        if (is_sources(is)) {
            const struct config_node *before = was != NULL && is_sources(was) ? was : NULL;

            if (is->kind != NODE_LIST || !same_children(before, items, is) ||
                (before == NULL && config_tree_get(a, "sources") != NULL)) {
                return false;
            }
            was = before != NULL ? was->next : was;
        } else {
            if (was == NULL || !same_node(was, is)) {
                return false;
            }
            was = was->next;
        }
    }
    return was == NULL && config_tree_get(b, "sources") != NULL;
}

/* --- all together --- */

static struct config_tree *parse_clean(const char *text, size_t n, const char *file,
                                       struct config_problems *problems)
{
    size_t before = problems->count + problems->left_out;
    struct config_tree *tree = config_tree_parse(text, n, file, problems);

    if (problems->count + problems->left_out > before) {
        config_tree_free(tree);
        return NULL;
    }
    return tree;
}

static struct config_tree *parse_item(const char *item, size_t n, const char *name,
                                      struct config_problems *problems)
{
    struct config_tree *tree = parse_clean(item, n, name, problems);
    bool ok = tree != NULL && tree->root->kind == NODE_LIST && tree->root->first != NULL;

    for (const struct config_node *e = ok ? tree->root->first : NULL; e != NULL; e = e->next) {
        ok = ok && e->kind == NODE_MAP;
    }
    if (tree != NULL && !ok) {
        config_problems_add(problems, name, tree->root->line, NULL,
                            "is not a source as it stands in a configuration: \"- id: …\", and "
                            "below it the other options");
        config_tree_free(tree);
        return NULL;
    }
    return tree;
}

/* NULL: out of memory. */
static char *compose(const char *text, size_t n, const struct config_place *place, const char *item,
                     size_t item_n, size_t dash, size_t *n_out)
{
    const char *first = memchr(text, '\n', n);
    const char *line_end = first != NULL && first > text && first[-1] == '\r' ? "\r\n" : "\n";
    char *result = NULL;
    FILE *out = open_memstream(&result, n_out);
    bool ok;

    if (out == NULL) {
        return NULL;
    }
    fwrite(text, 1, place->cut, out);
    fwrite(text + place->keep, 1, place->at - place->keep, out);
    if (place->breaks) {
        fputs(line_end, out);
    }
    if (!place->has_key) {
        fprintf(out, "%*ssources:%s", (int)place->indent - 2, "", line_end);
    }
    put_item(out, item, item_n, dash, place->indent, line_end);
    fwrite(text + place->at, 1, n - place->at, out);
    ok = ferror(out) == 0;
    if (fclose(out) != 0 || !ok) {
        free(result);
        return NULL;
    }
    return result;
}

/* The new text, if it is what it should be. */
static char *edit(const char *text, size_t n, const char *file, const struct config_tree *before,
                  const char *item, size_t item_n, const struct config_tree *items,
                  struct config_problems *problems, size_t *n_out)
{
    struct config_place place;
    const char *why = config_place_find(text, n, &place);
    struct config_tree *after = NULL;
    char *result = NULL;
    size_t dash = 0, count;

    if (why == NULL && !find_dash(item, item_n, &dash)) {
        why = "cannot take the new source: its first line must begin with \"- \"";
    }
    if (why == NULL) {
        result = compose(text, n, &place, item, item_n, dash, n_out);
        why = result == NULL ? "cannot be added to: out of memory" : NULL;
    }
    count = problems->count;
    if (why == NULL && *n_out > CONFIG_FILE_MAX) {
        why = "has no room for more: the file would be larger than 131072 bytes";
    } else if (why == NULL) {
        after = parse_clean(result, *n_out, file, problems);
        if (after == NULL || !same_but_items(before->root, items->root, after->root)) {
            problems->count = count; /* of a text that nobody will see */
            why = "is written in a way to which nothing can be added without changing the rest";
        }
    }
    config_tree_free(after);
    if (why != NULL) {
        config_problems_add(problems, file, 0, "sources", "%s", why);
        free(result);
        return NULL;
    }
    return result;
}

enum config_edit_result config_edit_add(const char *text, size_t n, const char *file,
                                        const char *item, size_t item_n, const char *item_name,
                                        struct config_problems *problems, char **text_out,
                                        size_t *n_out)
{
    enum config_edit_result result = CONFIG_EDIT_FILE;
    struct config_tree *before = parse_clean(text, n, file, problems), *items;
    size_t edited_n = 0;
    char *edited;

    if (before == NULL) {
        return CONFIG_EDIT_FILE;
    }
    if (before->root->kind != NODE_MAP) {
        config_problems_add(problems, file, before->root->line, NULL,
                            "is not a configuration: it must be lines \"key: value\"");
        config_tree_free(before);
        return CONFIG_EDIT_FILE;
    }
    items = parse_item(item, item_n, item_name, problems);
    if (items == NULL) {
        config_tree_free(before);
        return CONFIG_EDIT_ITEM;
    }
    edited = edit(text, n, file, before, item, item_n, items, problems, &edited_n);
    if (edited != NULL) {
        *text_out = edited;
        *n_out = edited_n;
        result = CONFIG_EDIT_OK;
    }
    config_tree_free(items);
    config_tree_free(before);
    return result;
}

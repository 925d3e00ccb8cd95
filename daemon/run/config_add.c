#include "daemon/run/config_add.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/run/config.h"
#include "daemon/run/config_edit.h"
#include "daemon/run/config_files.h"
#include "daemon/run/config_save.h"
#include "daemon/run/config_tree.h"

static const char item_name[] = "new source";

static bool read_path(const char *path, char **text_out, size_t *n_out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), why;
    bool ok = fd >= 0 && config_read_file(fd, text_out, n_out);

    why = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = why;
    return ok;
}

static void move_problems(struct config_problems *from, struct config_problems *to)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct config_problem *p = &from->item[i];

        config_problems_add(to, p->file, p->line, p->field, "%s", p->text);
    }
    to->left_out += from->left_out;
}

/* Whether a source, or what one delivers, already has the id of one of the items. */
static bool id_taken(const struct config *c, const char *item, size_t item_n,
                     struct config_problems *problems)
{
    struct config_problems ignored;
    struct config_tree *tree;
    struct config_point point;
    bool taken = false;

    config_problems_init(&ignored);
    tree = config_tree_parse(item, item_n, item_name, &ignored);
    config_problems_free(&ignored);
    for (const struct config_node *e = tree != NULL ? tree->root->first : NULL; e != NULL;
         e = e->next) {
        const struct config_node *id = config_tree_get(e, "id");
        bool found = false;

        if (id == NULL || id->kind != NODE_SCALAR || id->broken) {
            continue;
        }
        found = config_point_find(c, id->text, &point);
        for (unsigned i = 0; i < c->source_count; i++) {
            found |= strcmp(c->source[i].id, id->text) == 0;
        }
        if (found) {
            config_problems_add(problems, c->path, 0, "id", "\"%.32s\" is taken: choose another",
                                id->text);
        }
        taken |= found;
    }
    config_tree_free(tree);
    return taken;
}

/* The new text is not right, for `errors`. Whose fault is it? */
static enum config_add_result blame(const char *path, const char *text, size_t n, const char *item,
                                    size_t item_n, struct config_problems *errors,
                                    struct config_problems *problems)
{
    struct config_problems own;
    struct config *before;
    enum config_add_result result = CONFIG_ADD_WRONG;

    config_problems_init(&own);
    before = config_parse_files(text, n, path, &own);
    if (before != NULL) {
        if (id_taken(before, item, item_n, problems)) {
            result = CONFIG_ADD_TAKEN;
        }
    } else if (own.count != 1 || strcmp(own.item[0].field, "sources") != 0) {
        result = CONFIG_ADD_FILE; /* other than that it has no sources yet */
    }
    if (result == CONFIG_ADD_WRONG) {
        move_problems(errors, problems);
    } else if (result == CONFIG_ADD_FILE) {
        move_problems(&own, problems);
    }
    config_free(before);
    config_problems_free(&own);
    return result;
}

static enum config_add_result add_to(const char *path, const char *text, size_t n, const char *item,
                                     size_t item_n, bool check_only,
                                     struct config_problems *problems)
{
    enum config_add_result result = CONFIG_ADD_OK;
    struct config_problems errors;
    struct config *after;
    char *edited;
    size_t edited_n;

    switch (config_edit_add(text, n, path, item, item_n, item_name, problems, &edited, &edited_n)) {
    case CONFIG_EDIT_ITEM:
        return CONFIG_ADD_WRONG;
    case CONFIG_EDIT_FILE:
        return CONFIG_ADD_FILE;
    case CONFIG_EDIT_OK:
    default:
        break;
    }
    config_problems_init(&errors);
    after = config_parse_files(edited, edited_n, path, &errors);
    if (after == NULL) {
        result = blame(path, text, n, item, item_n, &errors, problems);
    } else if (!check_only && !config_save(path, text, n, edited, edited_n, problems)) {
        result = CONFIG_ADD_FAILED;
    }
    config_free(after);
    config_problems_free(&errors);
    free(edited);
    return result;
}

enum config_add_result config_add(const char *path, const char *item, size_t item_n,
                                  bool check_only, struct config_problems *problems)
{
    enum config_add_result result;
    char *text;
    size_t n;

    if (!read_path(path, &text, &n)) {
        config_problems_add(problems, path, 0, NULL, "cannot be read: %s", strerror(errno));
        return CONFIG_ADD_FAILED;
    }
    result = add_to(path, text, n, item, item_n, check_only, problems);
    free(text);
    return result;
}

#include "daemon/run/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/run/config_bind.h"
#include "daemon/run/config_files.h"
#include "daemon/run/config_map.h"

/* Of another version nothing else can be said. True: go on. */
static bool check_version(struct config_build *b)
{
    const struct config_node *v = config_tree_get(b->tree->root, "version");

    if (v == NULL || v->kind != NODE_SCALAR || v->broken || v->quoted || v->text[0] == '\0' ||
        strspn(v->text, "0123456789") != strlen(v->text) || strcmp(v->text, "1") == 0) {
        return true;
    }
    config_problems_add(b->problems, b->file, v->line, "version",
                        "%.20s is not known: this program reads version %d", v->text,
                        CONFIG_VERSION);
    return false;
}

static void build(struct config_build *b)
{
    if (!check_version(b)) {
        return;
    }
    config_bind(b);
    if (b->tree->root->kind != NODE_MAP) {
        return;
    }
    config_check(b);
    config_check_roles(b);
    if (b->files) {
        config_check_zone(b);
        config_check_secrets(b);
    }
}

static struct config *parse(const char *text, size_t n, const char *path, bool files,
                            struct config_problems *problems)
{
    struct config_build b = {.problems = problems, .file = path, .files = files};
    size_t before = problems->count + problems->left_out;
    struct config_tree *tree = config_tree_parse(text, n, path, problems);

    if (tree == NULL) {
        return NULL;
    }
    b.tree = tree;
    b.c = calloc(1, sizeof(*b.c));
    if (b.c == NULL) {
        config_problems_add(problems, path, 0, NULL, "cannot be read: out of memory");
    } else {
        config_clip(b.c->path, sizeof(b.c->path), path);
        build(&b);
    }
    config_tree_free(tree);
    config_problems_sort(problems);
    if (problems->count + problems->left_out > before) {
        config_free(b.c);
        return NULL;
    }
    return b.c;
}

struct config *config_parse(const char *text, size_t n, const char *path,
                            struct config_problems *problems)
{
    return parse(text, n, path, false, problems);
}

struct config *config_parse_files(const char *text, size_t n, const char *path,
                                  struct config_problems *problems)
{
    return parse(text, n, path, true, problems);
}

struct config *config_load_problems(const char *path, struct config_problems *problems)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct config *c = NULL;
    char *text;
    size_t n;

    if (strlen(path) >= CONFIG_TEXT_MAX) {
        config_problems_add(problems, path, 0, NULL, "has too long a path: at most %d bytes",
                            CONFIG_TEXT_MAX - 1);
    } else if (fd < 0 || !config_read_file(fd, &text, &n)) {
        config_problems_add(problems, path, 0, NULL, "cannot be read: %s", strerror(errno));
    } else {
        c = parse(text, n, path, true, problems);
        free(text);
    }
    if (fd >= 0) {
        close(fd);
    }
    return c;
}

struct config *config_load(const char *path, FILE *errors)
{
    struct config_problems problems;
    struct config *c;

    config_problems_init(&problems);
    c = config_load_problems(path, &problems);
    config_problems_write(&problems, errors);
    config_problems_free(&problems);
    return c;
}

void config_free(struct config *c)
{
    if (c != NULL) {
        for (unsigned i = 0; i < CONFIG_SOURCES_MAX; i++) {
            free((void *)(uintptr_t)c->source[i].map);
        }
        explicit_bzero(c->publisher, sizeof(c->publisher));
        free(c);
    }
}

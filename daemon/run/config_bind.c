#include "daemon/run/config_bind.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/run/config_table.h"
#include "daemon/run/config_value.h"

/* The node that holds the member most closely. */
static const struct config_node *find_node(const struct config_build *b, const void *member)
{
    const struct config_node *best = NULL;
    uintptr_t want = (uintptr_t)member;

    for (const struct config_node *n = b->tree->newest; n != NULL; n = n->older) {
        uintptr_t at = (uintptr_t)n->at;

        if (n->at != NULL && want >= at && want - at < n->size &&
            (best == NULL || n->size < best->size)) {
            best = n;
        }
    }
    return best;
}

static void report(const struct config_build *b, const struct config_node *node, const char *name,
                   const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void report(const struct config_build *b, const struct config_node *node, const char *name,
                   const char *format, va_list args)
{
    char path[CONFIG_PATH_MAX];

    config_tree_path(node, name, path);
    config_problems_addv(b->problems, b->file, node->line, path, format, args);
}

void config_complain(const struct config_build *b, const void *member, const char *name,
                     const char *format, ...)
{
    const struct config_node *node = find_node(b, member);
    va_list args;

    if (node == NULL) {
        node = b->tree->root;
    }
    va_start(args, format);
    report(b, node, node->at == member && node->kind != NODE_MAP ? NULL : name, format, args);
    va_end(args);
}

bool config_given(const struct config_build *b, const void *member)
{
    const struct config_node *node = find_node(b, member);

    return node != NULL && node->at == member && node->kind != NODE_MAP && !node->broken;
}

bool config_mentioned(const struct config_build *b, const void *member)
{
    const struct config_node *node = find_node(b, member);

    return node != NULL && node->at == member && node->kind != NODE_MAP;
}

/* Reports and marks the node, so that no later check builds on its value. */
__attribute__((format(printf, 4, 5))) static void refuse(const struct config_build *b,
                                                         struct config_node *node, const char *name,
                                                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(b, node, name, format, args);
    va_end(args);
    if (name == NULL) {
        node->broken = true;
    }
}

static bool is_empty(const struct config_node *node)
{
    return node->kind == NODE_SCALAR && !node->quoted &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}

static void bind_scalar(struct config_build *b, const struct config_option *o,
                        struct config_node *node, void *member, size_t size)
{
    char why[CONFIG_WHY_MAX];

    node->at = member;
    node->size = size;
    if (node->broken) {
        return;
    }
    if (node->kind != NODE_SCALAR) {
        refuse(b, node, NULL, "is a %s, but takes one value",
               node->kind == NODE_LIST ? "list" : "group of keys");
    } else if (is_empty(node)) {
        refuse(b, node, NULL, "has no value");
    } else if (!config_value_set(o, node->text, node->quoted, b->file, member, size, why)) {
        refuse(b, node, NULL, "%s", why);
    }
}

static void set_count(const struct config_option *o, void *base, unsigned count)
{
    memcpy((char *)base + o->count_at, &count, sizeof(count));
}

/* True if the node is a list to go through. */
static bool open_list(struct config_build *b, const struct config_option *o,
                      struct config_node *node)
{
    if (node->broken) {
        return false;
    }
    if (is_empty(node) || (node->kind == NODE_LIST && node->first == NULL)) {
        if (o->required) {
            refuse(b, node, NULL, "is empty: at least one is needed");
        }
        return false;
    }
    if (node->kind != NODE_LIST) {
        refuse(b, node, NULL, "must be a list, even if of one: lines that begin with \"-\"");
        return false;
    }
    return true;
}

static bool has_room(struct config_build *b, const struct config_option *o,
                     struct config_node *element, unsigned count)
{
    if (count == o->count_max) {
        refuse(b, element, NULL, "is one too many: at most %u are possible", o->count_max);
        return false;
    }
    return true;
}

static void bind_texts(struct config_build *b, const struct config_option *o,
                       struct config_node *node, void *base)
{
    size_t size = o->size / o->count_max;
    unsigned count = 0;

    if (!open_list(b, o, node)) {
        return;
    }
    for (struct config_node *e = node->first; e != NULL && has_room(b, o, e, count); e = e->next) {
        bind_scalar(b, o, e, (char *)base + o->offset + size * count, size);
        count++;
    }
    set_count(o, base, count);
}

static void bind_section(struct config_build *b, enum config_section section,
                         struct config_node *node, struct config_node *holder, void *base);

/* Which of the list's sections the element's `type` selects; SECTION_ROOT: none, said. */
static enum config_section section_of(struct config_build *b, const struct config_option *o,
                                      struct config_node *element)
{
    struct config_node *type = config_tree_get(element, "type");
    struct config_nearest nearest;
    char known[128] = "";

    if (config_sections[o->child[0]].type == NULL) {
        return o->child[0];
    }
    if (type != NULL && type->broken) {
        return SECTION_ROOT;
    }
    config_nearest_init(&nearest, type != NULL && type->kind == NODE_SCALAR ? type->text : "");
    for (size_t i = 0; i < CONFIG_TYPES_MAX && o->child[i] != SECTION_ROOT; i++) {
        const char *name = config_sections[o->child[i]].type;

        if (strcmp(nearest.word, name) == 0) {
            return o->child[i];
        }
        config_nearest_offer(&nearest, name);
        snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
                 known[0] != '\0' ? ", " : "", name);
    }
    if (type == NULL) {
        refuse(b, element, "type", "is required: one of %s", known);
    } else {
        char word[48];

        config_clip(word, sizeof(word), nearest.word);
        refuse(b, type, NULL, "\"%s\" is not known%s%s: one of %s", word,
               nearest.best != NULL ? ", did you mean " : "",
               nearest.best != NULL ? nearest.best : "", known);
    }
    return SECTION_ROOT;
}

static void bind_element(struct config_build *b, enum config_section section,
                         struct config_node *element, void *base)
{
    const struct config_section_info *info = &config_sections[section];

    element->at = base;
    element->size = info->size;
    memcpy((char *)base + info->line_at, &element->line, sizeof(element->line));
    bind_section(b, section, element, element, base);
}

static void bind_list(struct config_build *b, const struct config_option *o,
                      struct config_node *node, void *base)
{
    size_t size = o->size / o->count_max;
    unsigned count = 0;

    if (!open_list(b, o, node)) {
        return;
    }
    for (struct config_node *e = node->first; e != NULL && has_room(b, o, e, count); e = e->next) {
        enum config_section section = SECTION_ROOT;

        if (e->kind != NODE_MAP) {
            if (!e->broken) {
                refuse(b, e, NULL, "must be a group of keys, such as \"id: ...\"");
            }
        } else {
            section = section_of(b, o, e);
        }
        if (section == SECTION_ROOT) {
            b->unsure = true;
            continue;
        }
        bind_element(b, section, e, (char *)base + o->offset + size * count);
        count++;
    }
    set_count(o, base, count);
}

static void bind_map(struct config_build *b, const struct config_option *o,
                     struct config_node *node, struct config_node *holder, void *base)
{
    if (node != NULL && !node->broken && !is_empty(node) && node->kind != NODE_MAP) {
        refuse(b, node, NULL, "must be a group of keys, each on a line below it");
    }
    bind_section(b, o->child[0], node != NULL && node->kind == NODE_MAP ? node : NULL, holder,
                 base);
}

static void bind_option(struct config_build *b, const struct config_option *o,
                        struct config_node *node, struct config_node *holder, void *base)
{
    switch (o->kind) {
    case CONFIG_KIND_MAP:
        bind_map(b, o, node, holder, base);
        break;
    case CONFIG_KIND_LIST:
        bind_list(b, o, node, base);
        break;
    case CONFIG_KIND_TEXTS:
        bind_texts(b, o, node, base);
        break;
    case CONFIG_KIND_TEXT:
    case CONFIG_KIND_ID:
    case CONFIG_KIND_PATH:
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_NUMBER:
    case CONFIG_KIND_BOOL:
    case CONFIG_KIND_CHOICE:
    default:
        bind_scalar(b, o, node, (char *)base + o->offset, o->size);
        break;
    }
}

/* The other section of the same path that knows this key, as mbus knows `address`. */
static const char *type_that_has(enum config_section section, const char *name)
{
    for (unsigned s = 0; s < SECTION_COUNT; s++) {
        if (s != section && config_sections[s].type != NULL &&
            strcmp(config_sections[s].path, config_sections[section].path) == 0 &&
            config_option_find((enum config_section)s, name) != NULL) {
            return config_sections[s].type;
        }
    }
    return NULL;
}

static void refuse_unknown(struct config_build *b, enum config_section section,
                           struct config_node *node)
{
    struct config_nearest nearest;
    char known[256] = "";
    const char *type = type_that_has(section, node->key);

    config_nearest_init(&nearest, node->key);
    for (size_t i = 0; i < config_option_count; i++) {
        if (config_options[i].section == section) {
            config_nearest_offer(&nearest, config_options[i].name);
            snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
                     known[0] != '\0' ? ", " : "", config_options[i].name);
        }
    }
    if (type != NULL) {
        refuse(b, node, NULL, "is a key of type %s, not of %s", type,
               config_sections[section].type);
    } else if (nearest.best != NULL) {
        refuse(b, node, NULL, "is not a known key, did you mean %s?", nearest.best);
    } else {
        refuse(b, node, NULL, "is not a known key; here are: %s", known);
    }
}

static void set_default(const struct config_build *b, const struct config_option *o, void *base)
{
    char why[CONFIG_WHY_MAX];

    if (o->fallback != NULL &&
        !config_value_set(o, o->fallback, false, b->file, (char *)base + o->offset, o->size, why)) {
        abort(); /* a wrong row of the table; the test that reads an empty file would meet it */
    }
}

/* node NULL: the section is not in the file; its required keys are then missed at the holder. */
static void bind_section(struct config_build *b, enum config_section section,
                         struct config_node *node, struct config_node *holder, void *base)
{
    for (size_t i = 0; i < config_option_count; i++) {
        const struct config_option *o = &config_options[i];
        struct config_node *child = config_tree_get(node, o->name);

        if (o->section != section) {
            continue;
        }
        set_default(b, o, base);
        if (child != NULL || o->kind == CONFIG_KIND_MAP) {
            bind_option(b, o, child, holder, base);
        } else if (o->required) {
            refuse(b, node != NULL ? node : holder, o->name, "is required: %s", o->text);
        }
    }
    for (struct config_node *n = node == NULL ? NULL : node->first; n != NULL; n = n->next) {
        if (config_option_find(section, n->key) == NULL) {
            refuse_unknown(b, section, n);
        }
    }
}

void config_bind_root(struct config_build *b, enum config_section section, void *base)
{
    struct config_node *root = b->tree->root;

    if (root->kind != NODE_MAP) {
        refuse(b, root, NULL, "is not a configuration: expected lines such as \"version: 1\"");
        return;
    }
    root->at = base;
    root->size = config_sections[section].size;
    bind_section(b, section, root, root, base);
}

void config_bind(struct config_build *b)
{
    config_bind_root(b, SECTION_ROOT, b->c);
}

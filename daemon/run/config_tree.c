#include "daemon/run/config_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
    struct config_tree *tree;
    struct config_problems *problems;
    const char *file;
    const char *text;
    size_t n;
    struct config_node *open[CONFIG_DEPTH_MAX]; /* containers, outermost first */
    unsigned depth;
    char *key; /* read, its value not yet */
    unsigned key_line;
    unsigned documents;
    bool failed; /* reading on makes no sense */
};

static unsigned line_of(const yaml_event_t *e)
{
    return (unsigned)e->start_mark.line + 1;
}

__attribute__((format(printf, 4, 5))) static void
complain(struct builder *b, unsigned line, const struct config_node *node, const char *format, ...)
{
    char path[CONFIG_PATH_MAX] = "";
    va_list args;

    if (node != NULL) {
        config_tree_path(node, NULL, path);
    }
    va_start(args, format);
    config_problems_addv(b->problems, b->file, line, path, format, args);
    va_end(args);
}

static struct config_node *make_node(struct builder *b, enum config_node_kind kind, unsigned line)
{
    struct config_node *node = NULL;

    if (b->tree->nodes < CONFIG_NODES_MAX) {
        node = calloc(1, sizeof(*node));
    }
    if (node == NULL) {
        complain(b, line, NULL, "has more than %d values, which is too many", CONFIG_NODES_MAX);
        b->failed = true;
        return NULL;
    }
    node->kind = kind;
    node->line = line;
    node->older = b->tree->newest;
    b->tree->newest = node;
    b->tree->nodes++;
    return node;
}

static void link_node(struct config_node *parent, struct config_node *node)
{
    node->parent = parent;
    if (parent->last == NULL) {
        parent->first = node;
    } else {
        node->index = parent->last->index + 1;
        parent->last->next = node;
    }
    parent->last = node;
}

/* The open container that what comes next belongs to; NULL outside of all. */
static struct config_node *innermost(const struct builder *b)
{
    return b->depth > 0 ? b->open[b->depth - 1] : NULL;
}

/* Puts a new node where the document stands: root, next list element, value of the pending key. A
 * duplicate is reported and stays outside. */
static void place_node(struct builder *b, struct config_node *node)
{
    struct config_node *parent = innermost(b);

    if (parent == NULL) {
        b->tree->root = node;
        return;
    }
    if (parent->kind == NODE_MAP) {
        const struct config_node *before = config_tree_get(parent, b->key);

        node->key = b->key;
        node->line = b->key_line;
        b->key = NULL;
        if (before != NULL) {
            complain(b, node->line, before, "is given twice, first in line %u: remove one",
                     before->line);
            node->parent = parent;
            return;
        }
    }
    link_node(parent, node);
}

static void refuse_extras(struct builder *b, struct config_node *node, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor != NULL) {
        complain(b, node->line, node, "has an anchor (&): anchors and aliases are not supported");
    }
    if (tag != NULL) {
        complain(b, node->line, node,
                 "has a tag (!): tags are not supported, write the value only");
    }
}

static bool has_controls(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) {
            return true;
        }
    }
    return false;
}

static char *copy_text(struct builder *b, const yaml_char_t *text, size_t n)
{
    char *copy = malloc(n + 1);

    if (copy == NULL) {
        complain(b, 0, NULL, "is too large: out of memory");
        b->failed = true;
        return NULL;
    }
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

static void take_key(struct builder *b, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t n = e->data.scalar.length;

    if (n == 0 || has_controls(text, n)) {
        complain(b, line_of(e), innermost(b), "has a key that is not a plain word");
        b->failed = true;
        return;
    }
    b->key = copy_text(b, e->data.scalar.value, n);
    b->key_line = line_of(e);
    if (e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL) {
        complain(b, b->key_line, innermost(b),
                 "has a key with an anchor (&) or tag (!): they are not supported");
    }
}

static bool expects_key(const struct builder *b)
{
    const struct config_node *in = innermost(b);

    return in != NULL && in->kind == NODE_MAP && b->key == NULL;
}

static void take_scalar(struct builder *b, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t n = e->data.scalar.length;
    struct config_node *node;

    if (expects_key(b)) {
        take_key(b, e);
        return;
    }
    node = make_node(b, NODE_SCALAR, line_of(e));
    if (node == NULL) {
        return;
    }
    place_node(b, node);
    refuse_extras(b, node, e->data.scalar.anchor, e->data.scalar.tag);
    node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (has_controls(text, n)) {
        complain(b, node->line, node, "holds a line break or control character");
        node->broken = true;
        n = 0;
    }
    node->text = copy_text(b, e->data.scalar.value, n);
}

static void take_alias(struct builder *b, const yaml_event_t *e)
{
    struct config_node *node;

    if (expects_key(b)) {
        complain(b, line_of(e), innermost(b), "has an alias (*) as a key");
        b->failed = true;
        return;
    }
    node = make_node(b, NODE_ALIAS, line_of(e));
    if (node != NULL) {
        node->broken = true;
        place_node(b, node);
        complain(b, node->line, node, "is an alias (*): anchors and aliases are not supported");
    }
}

static void open_container(struct builder *b, const yaml_event_t *e, enum config_node_kind kind,
                           const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct config_node *node;

    if (expects_key(b)) {
        complain(b, line_of(e), innermost(b), "has a key that is not a plain word");
        b->failed = true;
        return;
    }
    if (b->depth == CONFIG_DEPTH_MAX) {
        complain(b, line_of(e), NULL, "nests deeper than %d levels", CONFIG_DEPTH_MAX);
        b->failed = true;
        return;
    }
    node = make_node(b, kind, line_of(e));
    if (node != NULL) {
        place_node(b, node);
        refuse_extras(b, node, anchor, tag);
        b->open[b->depth++] = node;
    }
}

static void start_document(struct builder *b, const yaml_event_t *e)
{
    if (b->documents++ > 0) {
        complain(b, line_of(e), NULL, "a second document begins here (---): a file holds one");
        b->failed = true;
    }
}

static void take_event(struct builder *b, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        start_document(b, e);
        break;
    case YAML_SCALAR_EVENT:
        take_scalar(b, e);
        break;
    case YAML_ALIAS_EVENT:
        take_alias(b, e);
        break;
    case YAML_MAPPING_START_EVENT:
        open_container(b, e, NODE_MAP, e->data.mapping_start.anchor, e->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_START_EVENT:
        open_container(b, e, NODE_LIST, e->data.sequence_start.anchor, e->data.sequence_start.tag);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    default:
        break;
    }
}

/* The line that holds the byte at `offset`, from 1. */
static unsigned line_at(const char *text, size_t n, size_t offset)
{
    unsigned line = 1;

    for (size_t i = 0; i < n && i < offset; i++) {
        line += text[i] == '\n';
    }
    return line;
}

static bool indented_by_tab(const char *text, size_t n, unsigned line)
{
    size_t i = 0;

    while (i < n && line > 1) {
        line -= text[i++] == '\n';
    }
    while (i < n && text[i] == ' ') {
        i++;
    }
    return i < n && text[i] == '\t';
}

static void refuse_syntax(struct builder *b, const yaml_parser_t *parser)
{
    unsigned line = (unsigned)parser->problem_mark.line + 1;
    const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;

    if (parser->error == YAML_READER_ERROR) {
        line = line_at(b->text, b->n, parser->problem_offset);
    }
    if (indented_by_tab(b->text, b->n, line)) {
        complain(b, line, NULL, "is indented by a tab: use spaces");
    } else if (parser->context != NULL && parser->context_mark.line + 1 != line) {
        complain(b, line, NULL, "is not valid YAML: %s (%s from line %u on)", problem,
                 parser->context, (unsigned)parser->context_mark.line + 1);
    } else {
        complain(b, line, NULL, "is not valid YAML: %s", problem);
    }
    b->failed = true;
}

static void read_events(struct builder *b, yaml_parser_t *parser)
{
    bool end = false;

    while (!end && !b->failed) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event)) {
            refuse_syntax(b, parser);
            return;
        }
        take_event(b, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    if (!b->failed && b->tree->root == NULL) {
        complain(b, 0, NULL, "is empty");
        b->failed = true;
    }
}

struct config_tree *config_tree_parse(const char *text, size_t n, const char *file,
                                      struct config_problems *problems)
{
    struct builder b = {.problems = problems, .file = file, .text = text, .n = n};
    yaml_parser_t parser;

    if (n > CONFIG_FILE_MAX) {
        config_problems_add(problems, file, 0, NULL, "is larger than %d bytes", CONFIG_FILE_MAX);
        return NULL;
    }
    b.tree = calloc(1, sizeof(*b.tree));
    if (b.tree == NULL || !yaml_parser_initialize(&parser)) {
        config_problems_add(problems, file, 0, NULL, "cannot be read: out of memory");
        free(b.tree);
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    read_events(&b, &parser);
    yaml_parser_delete(&parser);
    free(b.key);
    if (b.failed) {
        config_tree_free(b.tree);
        return NULL;
    }
    return b.tree;
}

void config_tree_free(struct config_tree *t)
{
    if (t == NULL) {
        return;
    }
    while (t->newest != NULL) {
        struct config_node *node = t->newest;

        t->newest = node->older;
        if (node->text != NULL) {
            explicit_bzero(node->text, strlen(node->text));
        }
        free(node->text);
        free(node->key);
        free(node);
    }
    free(t);
}

struct config_node *config_tree_get(const struct config_node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP) {
        return NULL;
    }
    for (struct config_node *node = map->first; node != NULL; node = node->next) {
        if (strcmp(node->key, key) == 0) {
            return node;
        }
    }
    return NULL;
}

void config_tree_path(const struct config_node *node, const char *name, char *out)
{
    const struct config_node *chain[CONFIG_DEPTH_MAX + 1];
    unsigned depth = 0;
    size_t at = 0;
    char part[64]; /* CONFIG_PATH_MAX is (sizeof(part) + 1 dot) for each level and the name */

    out[0] = '\0';
    for (; node != NULL && node->parent != NULL && depth <= CONFIG_DEPTH_MAX; node = node->parent) {
        chain[depth++] = node;
    }
    while (depth > 0) {
        const struct config_node *step = chain[--depth];

        if (step->key != NULL) {
            config_clip(part, sizeof(part), step->key);
            at += (size_t)sprintf(out + at, "%s%s", at > 0 ? "." : "", part);
        } else {
            at += (size_t)sprintf(out + at, "[%u]", step->index);
        }
    }
    if (name != NULL) {
        config_clip(part, sizeof(part), name);
        sprintf(out + at, "%s%s", at > 0 ? "." : "", part);
    }
}

/*
 * config_tree.h: a strict subset of YAML as a tree whose nodes know their line.
 *
 *   sources:                 map ─ "sources" ▶ list ─▶ map ─ "id" ▶ scalar "clamps"
 *     - id: clamps
 *
 * One document of mappings, lists and one-line scalars. Refused, each with its line: anchors,
 * aliases, tags, further documents, duplicate keys, keys that are not plain text, control
 * characters, UTF-16, and what goes beyond the limits below. What a scalar means is not decided
 * here: all are text.
 */
#ifndef DAEMON_RUN_CONFIG_TREE_H
#define DAEMON_RUN_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/run/config_problems.h"

enum {
    CONFIG_FILE_MAX = 128 * 1024, /* bytes */
    CONFIG_DEPTH_MAX = 8,         /* nested mappings and lists */
    CONFIG_NODES_MAX = 4096,
    CONFIG_PATH_MAX = 640 /* bytes that hold any path of config_tree_path() */
};

enum config_node_kind { NODE_MAP, NODE_LIST, NODE_SCALAR, NODE_ALIAS };

struct config_node {
    enum config_node_kind kind;
    unsigned line;              /* of a map's value: its key's line */
    char *key;                  /* in a map, else NULL */
    char *text;                 /* scalars */
    bool quoted;                /* scalars: in '' or "", or a block */
    bool broken;                /* something was said about it: do not use its value */
    unsigned index;             /* in its map or list, from 0 */
    struct config_node *parent; /* NULL: the root */
    struct config_node *first, *last, *next;
    struct config_node *older; /* the one made before, for freeing */
    /* Filled by config_bind: the member of struct config this went to. */
    const void *at;
    size_t size;
};

struct config_tree {
    struct config_node *root;
    struct config_node *newest;
    unsigned nodes;
};

/*
 * NULL, with at least one problem, if the text cannot be read to its end or holds nothing. A tree
 * may come with problems too; its nodes concerned are `broken`.
 */
struct config_tree *config_tree_parse(const char *text, size_t n, const char *file,
                                      struct config_problems *problems);
/* Wipes texts: they may be secrets. NULL is fine. */
void config_tree_free(struct config_tree *t);

/* The value of a map's key; NULL if there is none, or map is NULL or no map. */
struct config_node *config_tree_get(const struct config_node *map, const char *key);
/* "sources[1].poll_s"; "" for the root. name, or NULL: a key of this map that is not there. Long
 * keys are cut. out holds CONFIG_PATH_MAX bytes. */
void config_tree_path(const struct config_node *node, const char *name, char *out);

#endif

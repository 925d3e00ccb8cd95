/*
 * config_place.h: where in the text of a configuration a further source is to stand.
 */
#ifndef DAEMON_RUN_CONFIG_PLACE_H
#define DAEMON_RUN_CONFIG_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct config_place {
    bool has_key;     /* there is a `sources:`; else the line is to be written too */
    size_t cut, keep; /* bytes from cut on, up to keep, go: the [] of an empty list; or equal */
    size_t at;        /* the items go before this byte: the begin of a line, or the end */
    bool breaks;      /* a line end is to be written first: the last line has none */
    size_t indent;    /* spaces before the "-" */
};

/* The text is one that config_tree_parse took. NULL, or why there is no such place, as what is said
 * of the field `sources`. */
const char *config_place_find(const char *text, size_t n, struct config_place *place_out);

#endif

#include "daemon/run/lines.h"

#include <stdlib.h>

#include "daemon/base/log.h"

struct lines {
    const struct line_kind *kind;
    unsigned count;
    struct {
        const struct config_source *first; /* the device that named it first */
        void *line;
    } line[CONFIG_SOURCES_MAX];
};

/* The line of a source, opened if it is the first on it; NULL if that fails. */
static void *line_of(struct lines *l, const struct buses_options *options,
                     const struct config_source *c)
{
    void *line;

    for (unsigned i = 0; i < l->count; i++) {
        if (config_same_line(l->line[i].first, c)) {
            return l->line[i].line;
        }
    }
    line = l->kind->open(options, c);
    if (line != NULL) {
        l->line[l->count].first = c;
        l->line[l->count++].line = line;
    }
    return line;
}

struct lines *lines_new(const struct line_kind *kind, const struct buses_options *options)
{
    const struct config *config = options->site->config;
    struct lines *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        return NULL;
    }
    l->kind = kind;
    for (unsigned i = 0; i < config->source_count; i++) {
        const struct config_source *c = &config->source[i];
        void *line = c->type == kind->type ? line_of(l, options, c) : NULL;

        if (c->type == kind->type && (line == NULL || !kind->add(line, options, i))) {
            LOG(LOG_ERROR, c->id, "no line: out of memory or devices");
            lines_free(l);
            return NULL;
        }
    }
    return l;
}

void lines_start(struct lines *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        l->kind->start(l->line[i].line);
    }
}

void lines_tick(struct lines *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        l->kind->tick(l->line[i].line);
    }
}

void lines_pause(struct lines *l, const struct buses_pause *which)
{
    for (unsigned i = 0; i < l->count; i++) {
        if (!which->uses(which->ctx, l->line[i].first)) {
            continue;
        }
        if (which->cause != NULL) {
            l->kind->pause(l->line[i].line, which->cause);
        } else {
            l->kind->resume(l->line[i].line);
        }
    }
}

void lines_free(struct lines *l)
{
    for (unsigned i = 0; l != NULL && i < l->count; i++) {
        l->kind->free(l->line[i].line);
    }
    free(l);
}

enum serial_framing line_framing(const struct config_source *c)
{
    if (c->stop_bits == 2) {
        return SERIAL_8N2;
    }
    return c->parity == PARITY_EVEN  ? SERIAL_8E1
           : c->parity == PARITY_ODD ? SERIAL_8O1
                                     : SERIAL_8N1;
}

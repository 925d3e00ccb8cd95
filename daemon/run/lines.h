/*
 * lines.h: the lines of one kind of bus in a configuration: one for each serial port and each TCP
 * host and port, with the devices that name it. What the kind does differently is a table:
 *
 *   each source of kind->type ──▶ its line: opened by the first that names it ──▶ kind->add
 */
#ifndef DAEMON_RUN_LINES_H
#define DAEMON_RUN_LINES_H

#include <stdbool.h>

#include "daemon/drivers/serial.h"
#include "daemon/run/buses.h"
#include "daemon/run/config.h"

/* `line` is what open returned. */
struct line_kind {
    enum config_source_type type;
    /* NULL: out of memory, or a line that cannot be */
    void *(*open)(const struct buses_options *options, const struct config_source *first);
    /* the device of config->source[config]; false: out of memory or of devices */
    bool (*add)(void *line, const struct buses_options *options, unsigned config);
    void (*start)(void *line);
    void (*pause)(void *line, const char *cause); /* the devices are stale with it, until */
    void (*resume)(void *line);
    void (*tick)(void *line);
    void (*free)(void *line);
};

extern const struct line_kind line_of_mbus, line_of_modbus, line_of_emon;

struct lines; /* opaque */

/* `kind` must outlive it. NULL: out of memory, or a device that cannot be (it was logged). */
struct lines *lines_new(const struct line_kind *kind, const struct buses_options *options);
void lines_start(struct lines *l);
/* The clock has advanced. */
void lines_tick(struct lines *l);
/* Pauses the lines that `uses` says yes to, or lets them go on. */
void lines_pause(struct lines *l, const struct buses_pause *which);
/* Closes; the loop must run until the close callbacks have run. NULL is fine. */
void lines_free(struct lines *l);

/* The framing that a configuration without problems asks for. */
enum serial_framing line_framing(const struct config_source *c);

#endif

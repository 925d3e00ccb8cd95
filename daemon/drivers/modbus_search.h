/*
 * modbus_search.h: finds the devices of a Modbus line, serial or TCP, on the event loop, and says
 * what each is. Reads only.
 *
 *   new ─▶ start ─▶ on_found … on_progress … on_problem … ─▶ on_done ─▶ free
 *
 * A device is known by any answer to a harmless read that is whole and of its unit: registers, or
 * an exception. Serial: units 1 to 16 at every speed and framing first, then the rest of from..to,
 * only at those where something answered (every_line: at all). An answer that is damaged each time
 * is told as a collision: two devices of one unit, or one that sends no Modbus. Two devices whose
 * answers overlap to the bit can add up to one of them; that no master can see.
 *
 * TCP: exceptions of a gateway that say that nobody is there are no devices. A device that answers
 * whatever unit is asked is told once.
 */
#ifndef DAEMON_DRIVERS_MODBUS_SEARCH_H
#define DAEMON_DRIVERS_MODBUS_SEARCH_H

#include <uv.h>

#include "core/wire/modbus_identity.h"
#include "daemon/drivers/serial.h"

struct modbus_search; /* opaque */

enum {
    MODBUS_SEARCH_SPEEDS_MAX = 8,
    MODBUS_SEARCH_FRAMINGS_MAX = 4,
    MODBUS_FOUND_TEXT = 64,
    MODBUS_FOUND_VALUES = 3
};

/* A model that can be told: a Modbus map. */
struct modbus_kind {
    const char *map;                            /* "sdm120", as `map:` of a source names it */
    const char *name;                           /* "Eastron SDM120" */
    const struct hwt_modbus_map *rows;          /* some of them are read of what is found */
    const struct hwt_modbus_identity *identity; /* how it is told */
};

struct modbus_found {
    unsigned baud;               /* serial */
    enum serial_framing framing; /* serial */
    uint8_t unit;
    bool any_unit;  /* TCP: it answers whatever unit is asked */
    bool collision; /* what answers is damaged each time: nothing below but `damage` is known */
    enum hwt_modbus_reason damage;
    uint8_t exception; /* it refused the first read with this; 0: it did not */
    /* Of its own identification (function 2B); "" where it has none. */
    char vendor[MODBUS_FOUND_TEXT], product[MODBUS_FOUND_TEXT], revision[MODBUS_FOUND_TEXT],
        model[MODBUS_FOUND_TEXT];
    const struct modbus_kind *kind;    /* or NULL: no map's marks fit */
    char serial[HWT_MODBUS_TEXT_SIZE]; /* "": not known */
    struct {                           /* of power, import and voltage what it has */
        uint8_t quantity;              /* enum hwt_quantity */
        int64_t counts;
    } value[MODBUS_FOUND_VALUES];
    unsigned values;
};

struct modbus_search_progress {
    unsigned baud;               /* serial: asked now, and */
    enum serial_framing framing; /* so */
    unsigned unit;
    unsigned done, total; /* units asked for, of all to ask at all speeds; total may fall */
    unsigned found;       /* collisions included */
    unsigned sends;       /* requests begun in all */
    unsigned echoes;      /* of the own requests: an adapter that hears itself */
};

struct modbus_search_options {
    const char *port, *tcp;                  /* one of the two; tcp is "host:port"; copied */
    bool rtu_over_tcp;                       /* RTU frames through a transparent gateway */
    unsigned baud[MODBUS_SEARCH_SPEEDS_MAX]; /* serial */
    unsigned speeds;
    enum serial_framing framing[MODBUS_SEARCH_FRAMINGS_MAX]; /* serial: each at each speed */
    unsigned framings;
    bool every_line;                /* see above */
    uint8_t from, to;               /* units; both 0: 1..247, and by TCP 255 */
    unsigned timeout_ms;            /* real ms to a reply; 0: by the speed, by TCP 1000 */
    const struct modbus_kind *kind; /* must outlive it */
    unsigned kinds;
    void (*on_found)(void *ctx, const struct modbus_found *found);          /* borrowed */
    void (*on_progress)(void *ctx, const struct modbus_search_progress *p); /* or NULL */
    void (*on_problem)(void *ctx, const char *what); /* or NULL; a sentence; borrowed */
    void (*on_done)(void *ctx, const char *why);     /* NULL: through; else why it ended early */
    void *ctx;
};

/* NULL when out of memory, or when the host, a speed or the range of units cannot be. */
struct modbus_search *modbus_search_new(uv_loop_t *loop,
                                        const struct modbus_search_options *options);
/* Callbacks may come before it returns. */
void modbus_search_start(struct modbus_search *s);
/* real us to an answer, with this timeout_ms of the options; baud 0: TCP. */
int64_t modbus_search_timeout_us(unsigned timeout_ms, unsigned baud);
/* Ends it: no callback comes after this; the memory goes when the loop has run. NULL is fine. */
void modbus_search_free(struct modbus_search *s);

#endif

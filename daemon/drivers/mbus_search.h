/*
 * mbus_search.h: finds the meters of an M-Bus, on the event loop: by secondary address (wildcard
 * search, whatever primary addresses they have), by primary address (0 to 250), or both, at one
 * speed after the other. Reads, and changes nothing.
 *
 *   new ─▶ start ─▶ on_found … on_progress … ─▶ on_done ─▶ free
 */
#ifndef DAEMON_DRIVERS_MBUS_SEARCH_H
#define DAEMON_DRIVERS_MBUS_SEARCH_H

#include <uv.h>

#include "daemon/drivers/mbus_profile.h"

struct mbus_search; /* opaque */

enum { MBUS_SPEEDS_MAX = 8 };

struct mbus_found {
    unsigned baud;
    bool secondary;  /* found by its secondary address; else by the primary one */
    uint8_t address; /* the primary address it answers with */
    bool collision;  /* several meters answer here: nothing below is known */
    bool identified; /* its header has id, maker, version and medium */
    uint8_t select[HWT_MBUS_SELECT_SIZE]; /* its secondary address, as sent */
    uint32_t id;                          /* eight BCD digits, as %08X prints them */
    char maker[4];
    uint16_t maker_code;
    uint8_t version, medium;
    const struct mbus_profile *profile;       /* or NULL */
    const struct hwt_mbus_telegram *telegram; /* what it answered, verified; or NULL. Borrowed */
};

struct mbus_search_progress {
    unsigned baud;
    bool secondary;
    unsigned done, total; /* primary: addresses; secondary: masks tried, total 0: not known */
    unsigned found;
    unsigned sends; /* frames sent in all */
};

struct mbus_search_options {
    const char *port, *tcp; /* one of the two; copied */
    unsigned baud[MBUS_SPEEDS_MAX];
    unsigned speeds;     /* how many of baud[] */
    bool every_speed;    /* false: end with the first speed at which something was found */
    bool secondary;      /* search by secondary address */
    bool primary;        /* ask each address from..to */
    uint8_t from, to;    /* 0..250; or both 254, which each meter answers */
    unsigned timeout_ms; /* real ms to the first octet; 0: what the standard asks for */
    void (*on_found)(void *ctx, const struct mbus_found *found);          /* borrowed */
    void (*on_progress)(void *ctx, const struct mbus_search_progress *p); /* or NULL */
    void (*on_done)(void *ctx, const char *why); /* NULL: through; else why it ended early */
    void *ctx;
};

/* NULL when out of memory, or when the host or a speed cannot be. */
struct mbus_search *mbus_search_new(uv_loop_t *loop, const struct mbus_search_options *options);
/* Callbacks may come before it returns. */
void mbus_search_start(struct mbus_search *s);
/* real us to the first octet of an answer, with this timeout_ms of the options; without the lag of
 * a network. */
int64_t mbus_search_timeout_us(unsigned timeout_ms, unsigned baud);
/* Ends it: no callback comes after this; the memory goes when the loop has run. NULL is fine. */
void mbus_search_free(struct mbus_search *s);

#endif

/*
 * line_feed.h: edges of an input line, as the kernel's GPIO character device reports them, on a
 * unix socket: struct gpio_v2_line_event after struct gpio_v2_line_event (linux/gpio.h).
 *
 * One reader at a time. What it does not take in time is lost, as with the kernel: the numbers of
 * the edges tell. Time stamps are the plant's.
 */
#ifndef SIM_DEVICES_LINE_FEED_H
#define SIM_DEVICES_LINE_FEED_H

#include <linux/gpio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_FEED_ROOM 8192

struct line_feed {
    const char *path; /* NULL: no such line; every call then does nothing */
    int listener;     /* -1: unplugged */
    int client;       /* -1: none */
    uint32_t lose;    /* fault: so many of the next edges are lost */

    uint32_t seqno;        /* private from here */
    size_t from, to, sent; /* events that wait; octets of the first that went */
    struct gpio_v2_line_event event[LINE_FEED_ROOM];
};

/* path NULL: none. 0, or -1 with errno. */
int line_feed_init(struct line_feed *f, const char *path);
void line_feed_deinit(struct line_feed *f);
/* Takes a reader and sends what waits. */
void line_feed_serve(struct line_feed *f);
void line_feed_put(struct line_feed *f, int64_t t_ns, bool active);
/* Ends the connection and listens no more; and begins again. 0, or -1 with errno. */
int line_feed_unplug(struct line_feed *f);
int line_feed_plug(struct line_feed *f);

#endif

/*
 * line_events.h: edges of an input line with the kernel's time stamps.
 *
 *   /dev/gpiochipN ──GPIO_V2_GET_LINE_IOCTL──▶ struct gpio_v2_line_event … ──▶ on_edge
 *   socket or FIFO ─────────────────────────▶ the same structs, as octets ─▶ on_edge
 *
 * The kernel stamps each edge where it happens, so that a reader that comes late makes no
 * difference, and numbers the edges of a line: a gap in the numbers is edges it had no room for,
 * told with the edge after them. Source: linux/gpio.h, GPIO character device uAPI v2 (Linux 5.10).
 *
 * A path that is a Unix socket or a FIFO brings the same structs from another program: the virtual
 * plant, a recording. What cannot be opened, or ends, is opened again after 1, 2, 4 … 30 s of real
 * time. All calls on the loop's thread; nothing blocks.
 */
#ifndef DAEMON_DRIVERS_LINE_EVENTS_H
#define DAEMON_DRIVERS_LINE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

enum line_bias { LINE_BIAS_AS_IS, LINE_BIAS_PULL_UP, LINE_BIAS_PULL_DOWN, LINE_BIAS_NONE };

struct line_edge {
    int64_t t_ns;  /* of the event's own clock, which does not step */
    bool active;   /* became active; else inactive */
    uint32_t lost; /* edges missing just before it */
};

struct line_events_options {
    const char *chip;   /* character device, or NULL; copied */
    const char *events; /* socket or FIFO, if chip is NULL; copied */
    unsigned line;      /* offset on the chip */
    bool active_low;    /* of the chip: the line is active when low */
    enum line_bias bias;
    bool both; /* of the chip: edges to inactive too */
    void (*on_open)(void *ctx);
    void (*on_edge)(void *ctx, const struct line_edge *edge);
    void (*on_fail)(void *ctx, const char *why); /* one sentence with the path; borrowed */
    void *ctx;
};

struct line_events; /* opaque */

/* NULL when out of memory. */
struct line_events *line_events_new(uv_loop_t *loop, const struct line_events_options *options);
/* The first attempt to open; on_open or on_fail may come before it returns. */
void line_events_start(struct line_events *l);
bool line_events_is_open(const struct line_events *l);
/* No callback comes after this; the memory goes when the loop has run. NULL is fine. */
void line_events_free(struct line_events *l);

#endif

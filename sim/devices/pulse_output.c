#include "sim/devices/pulse_output.h"

#include <string.h>

#define SECONDS_PER_H 3600.0
#define WIDTH_NS      50000000 /* the LED of an A100C */
#define BOUNCE_NS     1500000
#define BOUNCES       3

/* A contact closes, or opens, at t_ns and settles a little later. */
static void contact(struct pulse_output *p, int64_t t_ns, bool closed, bool bounces)
{
    for (int i = 0; bounces && i < BOUNCES; i++) {
        line_feed_put(&p->feed, t_ns + (2 * i) * BOUNCE_NS, closed);
        line_feed_put(&p->feed, t_ns + (2 * i + 1) * BOUNCE_NS, !closed);
    }
    line_feed_put(&p->feed, t_ns + (bounces ? 2 * BOUNCES * BOUNCE_NS : 0), closed);
}

static void pulse(struct pulse_output *p, int64_t t_ns)
{
    bool bounces = p->bounce > 0;

    p->bounce -= bounces;
    p->pulses++;
    p->unheard += p->feed.client < 0;
    contact(p, t_ns, true, bounces);
    contact(p, t_ns + WIDTH_NS, false, bounces);
}

void pulse_output_add(struct pulse_output *p, double watts, int64_t t_ns)
{
    double wh = watts > 0.0 ? watts / SECONDS_PER_H : 0.0, before = p->wh;

    p->wh += wh;
    for (int k = 1; p->wh >= 1.0 && p->waiting < PULSE_OUTPUT_WAITING; k++) {
        p->due_ns[p->waiting++] = t_ns + (int64_t)((k - before) / wh * 1e9);
        p->wh -= 1.0;
    }
}

void pulse_output_serve(struct pulse_output *p, int64_t t_ns)
{
    unsigned n = 0;

    for (; n < p->waiting && p->due_ns[n] <= t_ns; n++) {
        pulse(p, p->due_ns[n]);
    }
    p->waiting -= n;
    memmove(p->due_ns, p->due_ns + n, p->waiting * sizeof(p->due_ns[0]));
    line_feed_serve(&p->feed);
}

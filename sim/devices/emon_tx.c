#include "sim/devices/emon_tx.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PERIOD_S   9.8
#define GAIN_ERROR 0.01
#define TURN_WH    4294967296.0
#define BELOW_TURN 2147483548.0 /* some messages of the heat pump below 2^31 */

enum { NODE = 15, OCTETS = 40, ABSENT = 30000 /* hundredths of a degree: no sensor */ };

static const enum circuit clamps[EMON_CLAMPS] = {CIRCUIT_HP, CIRCUIT_GRID, CIRCUIT_SOLAR,
                                                 CIRCUIT_HOB};

int emon_form_find(const char *name)
{
    static const char *const names[EMON_FORMS] = {"pairs", "json", "radio"};

    for (int i = 0; i < EMON_FORMS; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

int emon_tx_init(struct emon_tx *e, const char *link, enum emon_form form, uint64_t seed)
{
    memset(e, 0, sizeof(*e));
    e->form = form;
    rng_init(&e->rng, seed, 12);
    for (int i = 0; i < EMON_CLAMPS; i++) {
        e->gain[i] = 1.0 + rng_between(&e->rng, -GAIN_ERROR, GAIN_ERROR);
    }
    e->next_s = PERIOD_S;
    return pty_open(&e->pty, link);
}

void emon_tx_deinit(struct emon_tx *e)
{
    pty_close(&e->pty);
}

/* --- a message ------------------------------------------------------------------------------- */

/* As the firmware's int32 shows it. */
static int32_t shown(double wh)
{
    double v = floor(fabs(wh)) * (wh < 0.0 ? -1.0 : 1.0);

    return (int32_t)(uint32_t)(int64_t)fmod(v, TURN_WH);
}

static size_t text(const struct emon_tx *e, char *out)
{
    const char *q = e->form == EMON_JSON ? "\"" : "";
    size_t n = (size_t)snprintf(out, EMON_LINE, "%s%sMSG%s:%u,%sVrms%s:%.2f",
                                e->form == EMON_JSON ? "{" : "", q, q, e->message, q, q, e->volts);

    for (int i = 0; i < EMON_CLAMPS; i++) {
        n += (size_t)snprintf(out + n, EMON_LINE - n, ",%sP%d%s:%.0f", q, i + 1, q, e->watts[i]);
    }
    for (int i = 0; i < EMON_CLAMPS; i++) {
        n += (size_t)snprintf(out + n, EMON_LINE - n, ",%sE%d%s:%d", q, i + 1, q,
                              (int)shown(e->wh[i]));
    }
    n += (size_t)snprintf(out + n, EMON_LINE - n, ",%sT1%s:%.2f,%sT2%s:%.2f,%spulse%s:%.0f%s\r\n",
                          q, q, e->flow_degc, q, q, e->return_degc, q, q, floor(e->pulses),
                          e->form == EMON_JSON ? "}" : "");
    return n;
}

static uint8_t *put(uint8_t *p, int64_t v, int octets)
{
    for (int i = 0; i < octets; i++) {
        *p++ = (uint8_t)((uint64_t)v >> (8 * i));
    }
    return p;
}

/* EmonTxV3CM's packet: number u32, V/100 i16, P 4 x i16, E 4 x i32, T/100 3 x i16, pulses u32. */
static size_t radio(const struct emon_tx *e, char *out)
{
    uint8_t octets[OCTETS], *p = octets;
    size_t n = (size_t)snprintf(out, EMON_LINE, "OK %d", NODE);

    p = put(p, e->message, 4);
    p = put(p, lround(e->volts * 100.0), 2);
    for (int i = 0; i < EMON_CLAMPS; i++) {
        p = put(p, lround(e->watts[i]), 2);
    }
    for (int i = 0; i < EMON_CLAMPS; i++) {
        p = put(p, shown(e->wh[i]), 4);
    }
    p = put(p, lround(e->flow_degc * 100.0), 2);
    p = put(p, lround(e->return_degc * 100.0), 2);
    p = put(p, ABSENT, 2);
    put(p, (int64_t)e->pulses, 4);
    for (int i = 0; i < OCTETS; i++) {
        n += (size_t)snprintf(out + n, EMON_LINE - n, " %u", (unsigned)octets[i]);
    }
    return n + (size_t)snprintf(out + n, EMON_LINE - n, " (-46)\r\n");
}

/* Writes the line of the next message, with its end; returns its length. */
static size_t encode(const struct emon_tx *e, char out[EMON_LINE])
{
    return e->form == EMON_RADIO ? radio(e, out) : text(e, out);
}

/* --- sending --------------------------------------------------------------------------------- */

/* What nobody reads is lost, as on a wire. */
static void send(struct emon_tx *e, const char *line, size_t n)
{
    ssize_t written = e->pty.master >= 0 ? write(e->pty.master, line, n) : 0;

    (void)written;
}

static bool count_down(uint32_t *left)
{
    if (*left == 0) {
        return false;
    }
    --*left;
    return true;
}

static void send_garbage(struct emon_tx *e)
{
    char noise[40];

    for (size_t i = 0; i < sizeof(noise); i++) {
        noise[i] = (char)(uint8_t)rng_between(&e->rng, 1.0, 255.0);
    }
    noise[sizeof(noise) - 1] = '\n';
    send(e, noise, sizeof(noise));
}

static void send_message(struct emon_tx *e)
{
    char line[EMON_LINE];
    size_t n;

    for (int i = 0; i < EMON_CLAMPS; i++) {
        e->watts[i] = e->joules[i] / e->seconds;
        e->joules[i] = 0.0;
    }
    e->seconds = 0;
    e->message++;
    n = encode(e, line);
    if (count_down(&e->silent)) {
        return;
    }
    if (count_down(&e->garbage)) {
        send_garbage(e);
    }
    if (count_down(&e->cut)) {
        n /= 2;
        line[n - 1] = '\n';
    }
    send(e, line, n);
}

void emon_tx_add(struct emon_tx *e, const struct house *h)
{
    if (e->pty.link == NULL) {
        return;
    }
    for (int i = 0; i < EMON_CLAMPS; i++) {
        double w = house_power(h, clamps[i]) * e->gain[i];

        e->joules[i] += w;
        e->wh[i] += w / 3600.0;
        e->true_wh[i] += fmax(0.0, w) / 3600.0;
    }
    e->pulses += fmax(0.0, house_power(h, CIRCUIT_HP)) / 3600.0;
    e->volts = h->volts;
    e->flow_degc = h->heatpump.flow_degc;
    e->return_degc = h->heatpump.return_degc;
    e->seconds++;
    e->now_s += 1.0;
    if (e->now_s >= e->next_s) {
        e->next_s += PERIOD_S;
        send_message(e);
    }
}

/* --- faults ---------------------------------------------------------------------------------- */

void emon_tx_reset(struct emon_tx *e)
{
    memset(e->wh, 0, sizeof(e->wh));
    e->pulses = 0.0;
    e->message = 0;
}

void emon_tx_swap(struct emon_tx *e)
{
    for (int i = 0; i < EMON_CLAMPS; i++) {
        e->wh[i] += 1e6 * (i + 1);
    }
    e->pulses += 1e6;
    e->message = 0;
}

void emon_tx_turn(struct emon_tx *e)
{
    e->wh[0] = BELOW_TURN;
}

int emon_tx_unplug(struct emon_tx *e)
{
    pty_close(&e->pty);
    return 0;
}

int emon_tx_plug(struct emon_tx *e)
{
    return e->pty.master >= 0 ? 0 : pty_open(&e->pty, e->pty.link);
}

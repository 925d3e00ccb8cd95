#include "core/heat/pair.h"

#include <stddef.h>

#include "core/base/fixed.h"

#define MINUTE_US INT64_C(60000000)

enum { POINT_SPACING_US = 1000000, WINDOW_MINUTES = 30, COP_PER_UNIT = 1000 };

void hwt_pair_init(struct hwt_pair *p, const struct hwt_pair_sums *start)
{
    *p = (struct hwt_pair){.sums = *start};
    for (unsigned i = 0; i < HWT_PAIR_MINUTES; i++) {
        p->slot[i].minute = -1;
    }
}

static struct hwt_pair_point *point(struct hwt_pair *p, unsigned i)
{
    return &p->point[(p->first + i) % HWT_PAIR_POINTS];
}

/*
 * Electricity at t. 1: filled. 0: not known yet. -1: it never will be: before the oldest point or
 * inside a gap.
 */
static int look_up(struct hwt_pair *p, int64_t t, struct hwt_pair_point *out)
{
    unsigned i = p->points;
    const struct hwt_pair_point *a, *b;
    int64_t part;

    if (p->points == 0 || t > point(p, p->points - 1)->at_us) {
        return 0;
    }
    do {
        i--; /* the newest first: heat is seldom late */
    } while (i > 0 && point(p, i)->at_us > t);
    a = point(p, i);
    if (a->at_us == t) {
        *out = *a;
        return 1;
    }
    b = point(p, i + 1);
    if (a->at_us > t || a->run != b->run ||
        !hwt_mul_div(b->elec_mj - a->elec_mj, t - a->at_us, b->at_us - a->at_us, &part)) {
        return -1;
    }
    *out = (struct hwt_pair_point){.at_us = t, .elec_mj = a->elec_mj + part, .run = a->run};
    return 1;
}

static void add(struct hwt_pair_sums *to, const struct hwt_pair_sums *s)
{
    to->elec_mj += s->elec_mj;
    to->positive_mj += s->positive_mj;
    to->negative_mj += s->negative_mj;
}

static void book(struct hwt_pair *p, const struct hwt_pair_span *s, int64_t elec_mj)
{
    struct hwt_pair_sums more = {elec_mj, s->positive_mj, s->negative_mj};
    int64_t minute = s->end_us / MINUTE_US;
    unsigned i = (unsigned)(minute % HWT_PAIR_MINUTES);

    add(&p->sums, &more);
    if (p->slot[i].minute > minute) {
        return; /* settled so late that the window has passed it */
    }
    if (p->slot[i].minute < minute) {
        p->slot[i].minute = minute;
        p->slot[i].sums = (struct hwt_pair_sums){0, 0, 0};
    }
    add(&p->slot[i].sums, &more);
}

/* Judges the spans whose end electricity has passed. */
static void settle(struct hwt_pair *p)
{
    unsigned done = 0;

    while (done < p->spans) {
        const struct hwt_pair_span *s = &p->span[done];
        struct hwt_pair_point end;
        int known = look_up(p, s->end_us, &end);

        if (known == 0) {
            break;
        }
        if (s->continuous) {
            if (known > 0 && p->marked && end.run == p->mark.run) {
                book(p, s, end.elec_mj - p->mark.elec_mj);
            } else {
                p->unpaired++;
            }
        }
        p->marked = known > 0;
        p->mark = known > 0 ? end : p->mark;
        p->settled++;
        done++;
    }
    p->spans -= done;
    for (unsigned i = 0; done > 0 && i < p->spans; i++) {
        p->span[i] = p->span[i + done];
    }
}

void hwt_pair_elec(struct hwt_pair *p, int64_t at_us, int64_t total_mj, bool continuous)
{
    struct hwt_pair_point *last = p->points > 0 ? point(p, p->points - 1) : NULL;
    struct hwt_pair_point *before = p->points > 1 ? point(p, p->points - 2) : NULL;

    if (last != NULL && at_us <= last->at_us) {
        last->elec_mj = total_mj;
        return;
    }
    if (!continuous) {
        p->run++;
    } else if (before != NULL && before->run == p->run &&
               at_us - before->at_us < POINT_SPACING_US) {
        last->at_us = at_us; /* the newest point moves until it is far enough from the one before */
        last->elec_mj = total_mj;
        settle(p);
        return;
    }
    if (p->points == HWT_PAIR_POINTS) {
        p->first = (p->first + 1) % HWT_PAIR_POINTS;
        p->points--;
    }
    p->points++;
    *point(p, p->points - 1) = (struct hwt_pair_point){at_us, total_mj, p->run};
    settle(p);
}

void hwt_pair_heat(struct hwt_pair *p, int64_t end_us, int64_t positive_mj, int64_t negative_mj,
                   bool continuous)
{
    struct hwt_pair_span *s;

    if (p->spans == HWT_PAIR_SPANS) { /* electricity is far behind: two spans become one */
        s = &p->span[p->spans - 1];
        s->end_us = end_us;
        s->positive_mj += positive_mj;
        s->negative_mj += negative_mj;
        s->continuous = s->continuous && continuous;
        return;
    }
    s = &p->span[p->spans++];
    *s = (struct hwt_pair_span){end_us, positive_mj, negative_mj, continuous};
    settle(p);
}

bool hwt_pair_cop(const struct hwt_pair *p, int64_t now_us, int64_t *cop_out)
{
    int64_t now_minute = now_us / MINUTE_US;
    struct hwt_pair_sums s = {0, 0, 0};

    for (unsigned i = 0; i < HWT_PAIR_MINUTES; i++) {
        if (p->slot[i].minute >= 0 && p->slot[i].minute >= now_minute - WINDOW_MINUTES) {
            add(&s, &p->slot[i].sums);
        }
    }
    return s.elec_mj > 0 &&
           hwt_mul_div(s.positive_mj - s.negative_mj, COP_PER_UNIT, s.elec_mj, cop_out);
}

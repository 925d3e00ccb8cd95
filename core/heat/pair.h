/*
 * pair.h: electricity and heat over the same measured time: what a COP may be made of.
 *
 *   electricity  |.|.|.|.|.|.|.|.|   gap   |.|.|.|.|.|      a reading each 200 ms .. 60 s
 *   heat         |-----|-----|-----|-----|-----|-----|      a span from poll to poll
 *   paired         yes   yes   yes    no    no   yes
 *
 * A span of heat counts if it was measured without a gap and electricity was too, from its start to
 * its end; then both go into the paired sums, else neither. Electricity at the instants of the
 * polls is interpolated in its running total, so adjoining spans share their boundary and nothing
 * is counted twice or lost. Either side may be the slower one; spans wait until electricity has
 * passed their end.
 *
 * Energies are mJ, instants monotonic us.
 */
#ifndef HWT_CORE_HEAT_PAIR_H
#define HWT_CORE_HEAT_PAIR_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HWT_PAIR_POINTS = 64, /* of electricity, at least 1 s apart: how late heat may come */
    HWT_PAIR_SPANS = 32,  /* of heat waiting for electricity */
    HWT_PAIR_MINUTES = 32 /* slots of the COP window */
};

struct hwt_pair_point {
    int64_t at_us;
    int64_t elec_mj; /* running total */
    uint32_t run;    /* equal: no gap in between */
};

struct hwt_pair_span {
    int64_t end_us;
    int64_t positive_mj;
    int64_t negative_mj;
    bool continuous; /* measured since the end of the span before */
};

struct hwt_pair_sums {
    int64_t elec_mj;
    int64_t positive_mj;
    int64_t negative_mj; /* magnitude */
};

struct hwt_pair {
    struct hwt_pair_sums sums; /* of all paired spans */
    uint32_t settled;          /* spans judged, modulo 2^32 */
    uint32_t unpaired;         /* measured spans left out of both sums */
    /* private: */
    struct hwt_pair_point point[HWT_PAIR_POINTS]; /* ring, oldest at `first` */
    unsigned first, points;
    uint32_t run;
    struct hwt_pair_span span[HWT_PAIR_SPANS]; /* oldest first */
    unsigned spans;
    struct hwt_pair_point mark; /* electricity at the end of the newest settled span */
    bool marked;
    struct {
        int64_t minute; /* of mono_us; a slot of another minute is empty */
        struct hwt_pair_sums sums;
    } slot[HWT_PAIR_MINUTES];
};

void hwt_pair_init(struct hwt_pair *p, const struct hwt_pair_sums *start);
/* Electricity's running total, which never falls. continuous: measured since the point before.
 * at_us must not fall; the same instant again replaces the total. */
void hwt_pair_elec(struct hwt_pair *p, int64_t at_us, int64_t total_mj, bool continuous);
/* Heat of the span that ends at end_us, which must rise, and began where the one before ended. Not
 * continuous: only marks where the next span begins. */
void hwt_pair_heat(struct hwt_pair *p, int64_t end_us, int64_t positive_mj, int64_t negative_mj,
                   bool continuous);
/* (heat - negative heat) / electricity of the last 30 minutes before now_us, in thousandths. False
 * if no electricity was paired in them. */
bool hwt_pair_cop(const struct hwt_pair *p, int64_t now_us, int64_t *cop_out);

#endif

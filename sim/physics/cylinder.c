#include "sim/physics/cylinder.h"

#define DAY_S        86400
#define CYLINDER_J_K (200.0 * 4180.0)
#define LOSS_W_K     1.7
#define COLD_DEGC    10.0
#define TAP_J_S_K    (0.105 * 4180.0) /* drawn from the cylinder per K, a shower's flow */

/* When people draw water: mean start and spread in minutes, length in seconds. */
static const struct {
    int start_min, spread_min, shortest_s, longest_s, percent;
} habits[CYLINDER_DRAWS] = {
    {6 * 60 + 50, 25, 240, 480, 95},  /* first shower */
    {7 * 60 + 30, 25, 200, 420, 80},  /* second shower */
    {12 * 60 + 40, 40, 30, 90, 60},   /* washing up */
    {18 * 60 + 50, 30, 60, 150, 90},  /* washing up */
    {20 * 60 + 10, 40, 300, 560, 35}, /* a bath */
    {22 * 60 + 20, 30, 40, 120, 85},  /* evening wash */
};

void cylinder_init(struct cylinder *c, uint64_t seed)
{
    *c = (struct cylinder){.water_degc = 47.0, .day = -1};
    rng_init(&c->rng, seed, 2);
}

static void plan_day(struct cylinder *c, int64_t day)
{
    c->day = day;
    for (int i = 0; i < CYLINDER_DRAWS; i++) {
        double start = habits[i].start_min + habits[i].spread_min * rng_gauss(&c->rng);
        double length = rng_between(&c->rng, habits[i].shortest_s, habits[i].longest_s);

        c->draw[i].start_s = (int32_t)(start * 60.0);
        c->draw[i].length_s = rng_uniform(&c->rng) * 100 < habits[i].percent ? (int32_t)length : 0;
    }
}

void cylinder_step(struct cylinder *c, int64_t unix_s, double heat_w, double room_degc)
{
    int32_t now_s = (int32_t)(unix_s % DAY_S);
    double loss_w = LOSS_W_K * (c->water_degc - room_degc);

    if (unix_s / DAY_S != c->day) {
        plan_day(c, unix_s / DAY_S);
    }
    for (int i = 0; i < CYLINDER_DRAWS; i++) {
        if (now_s >= c->draw[i].start_s && now_s < c->draw[i].start_s + c->draw[i].length_s) {
            loss_w += TAP_J_S_K * (c->water_degc - COLD_DEGC);
        }
    }
    c->water_degc += (heat_w - loss_w) / CYLINDER_J_K;
}

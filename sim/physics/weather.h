/*
 * weather.h: outside temperature and sunshine, by season, hour and chance.
 *
 * Latitude 51.5 degrees, longitude 0, solar time = UTC. The slow part is computed each minute; the
 * temperature glides in between.
 */
#ifndef SIM_PHYSICS_WEATHER_H
#define SIM_PHYSICS_WEATHER_H

#include <stdint.h>

#include "sim/physics/rng.h"

struct weather {
    double outside_degc;
    double panel_w_m2; /* irradiance on the tilted panels, clouds included */
    double daylight;   /* 0 night ... 1 full day, for the lights */

    struct rng rng;       /* private from here */
    int64_t season_s;     /* s, by which the season is ahead of the date */
    double glide_degc;    /* K, change per second until the next minute */
    double synoptic_degc; /* K, passing weather, some days long */
    double cloud_slow;    /* 0 clear ... 1 overcast, hours */
    double cloud_fast;    /* minutes */
    int64_t minute;       /* of the last slow update */
};

/* season_s: s by which the season is ahead of the date. */
void weather_init(struct weather *w, uint64_t seed, int64_t unix_s, int64_t season_s);

/* Moves on by one second, to unix_s. */
void weather_step(struct weather *w, int64_t unix_s);

#endif

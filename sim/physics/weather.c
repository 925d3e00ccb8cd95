#include "sim/physics/weather.h"

#include <math.h>

#define PI           3.14159265358979323846
#define DAY_S        86400
#define YEAR_S       31556952.0 /* mean Gregorian year */
#define LATITUDE_RAD (51.5 * PI / 180.0)
#define TILT_RAD     (35.0 * PI / 180.0) /* panels face south */

/* A first-order random walk that forgets over `tau` minutes and has a standard deviation of `sd`.
 */
static double wander(struct rng *r, double x, double tau, double sd)
{
    double keep = exp(-1.0 / tau);

    return x * keep + sd * sqrt(1.0 - keep * keep) * rng_gauss(r);
}

static double year_angle(int64_t unix_s)
{
    return 2.0 * PI * fmod((double)unix_s, YEAR_S) / YEAR_S;
}

static double day_angle(int64_t unix_s)
{
    return 2.0 * PI * (double)(unix_s % DAY_S) / DAY_S;
}

/* 10.2 degC in the mean; coldest in mid January and two hours before sunrise. */
static double climate_degc(const struct weather *w, int64_t unix_s)
{
    return 10.2 - 6.6 * cos(year_angle(unix_s + w->season_s) - 0.28) -
           3.2 * cos(day_angle(unix_s) - 1.0);
}

static void sun(struct weather *w, int64_t unix_s)
{
    double declination = -0.4091 * cos(year_angle(unix_s + w->season_s) + 0.172);
    double hour = day_angle(unix_s) - PI;
    double sine =
        sin(LATITUDE_RAD) * sin(declination) + cos(LATITUDE_RAD) * cos(declination) * cos(hour);
    double incidence = sin(LATITUDE_RAD - TILT_RAD) * sin(declination) +
                       cos(LATITUDE_RAD - TILT_RAD) * cos(declination) * cos(hour);
    double cloud = w->cloud_slow + w->cloud_fast;
    double clear, direct, diffuse;

    w->daylight = sine < -0.1 ? 0.0 : sine > 0.15 ? 1.0 : (sine + 0.1) / 0.25;
    if (sine <= 0.01) {
        w->panel_w_m2 = 0;
        return;
    }
    clear = cloud < 0 ? 1.0 : cloud > 1 ? 0.0 : 1.0 - cloud;
    direct = 1100.0 * exp(-0.16 / sine) * clear * (incidence > 0 ? incidence : 0.0);
    diffuse = 230.0 * sine * (1.0 - 0.45 * clear);
    w->panel_w_m2 = direct + diffuse;
}

static void slow_update(struct weather *w, int64_t unix_s)
{
    double next;

    w->synoptic_degc = wander(&w->rng, w->synoptic_degc, 3 * 1440.0, 3.4);
    w->cloud_slow = 0.55 + wander(&w->rng, w->cloud_slow - 0.55, 240.0, 0.33);
    w->cloud_fast = wander(&w->rng, w->cloud_fast, 6.0, 0.12);
    sun(w, unix_s);
    next = climate_degc(w, unix_s + 60) + w->synoptic_degc;
    w->glide_degc = (next - w->outside_degc) / 60.0;
}

void weather_init(struct weather *w, uint64_t seed, int64_t unix_s, int64_t season_s)
{
    *w = (struct weather){.season_s = season_s, .cloud_slow = 0.5};
    rng_init(&w->rng, seed, 1);
    w->synoptic_degc = 3.0 * rng_gauss(&w->rng);
    w->outside_degc = climate_degc(w, unix_s) + w->synoptic_degc;
    w->minute = unix_s / 60;
    slow_update(w, unix_s);
}

void weather_step(struct weather *w, int64_t unix_s)
{
    w->outside_degc += w->glide_degc;
    if (unix_s / 60 != w->minute) {
        w->minute = unix_s / 60;
        slow_update(w, unix_s);
    }
}

/* --loads: constant currents instead of the household's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/options.h"

#define AMPS_MAX 120.0

static int find_kind(const char *name)
{
    for (int k = 0; k < WAVE_KINDS; k++) {
        if (strcmp(wave_kind_names[k], name) == 0) {
            return k;
        }
    }
    return -1;
}

/* A sinusoidal current of a power factor: a part in phase, a part 90 degrees behind or ahead. */
static int set_power_factor(double *amps, double total, const char *text)
{
    char *end;
    double pf = strtod(text, &end);

    if (end == text || *end != '\0' || !(fabs(pf) <= 1.0)) {
        return -1;
    }
    amps[WAVE_SINE] = total * fabs(pf);
    amps[WAVE_QUADRATURE] = copysign(total * sqrt(1.0 - pf * pf), pf * total);
    return 0;
}

static int parse_one(struct house_loads *l, char *item, char *error)
{
    char *equals = strchr(item, '='), *colon = equals != NULL ? strchr(equals, ':') : NULL, *end;
    double amps;
    int c, kind;

    if (colon == NULL) {
        snprintf(error, 200, "--loads: '%s' is not ID=AMPS:WHAT", item);
        return -1;
    }
    *equals = *colon = '\0';
    c = circuit_find(item);
    if (c <= CIRCUIT_GRID) {
        snprintf(error, 200, "--loads: no circuit '%s' to load (the grid is the sum of the others)",
                 item);
        return -1;
    }
    amps = strtod(equals + 1, &end);
    if (end == equals + 1 || *end != '\0' || !(fabs(amps) <= AMPS_MAX)) {
        snprintf(error, 200, "--loads: '%s' is not a current up to %.0f A", equals + 1, AMPS_MAX);
        return -1;
    }
    kind = find_kind(colon + 1);
    if (kind >= 0) {
        l->amps[c][kind] = amps;
    } else if (set_power_factor(l->amps[c], amps, colon + 1) != 0) {
        snprintf(error, 200, "--loads: '%s' is neither a kind of wave nor a power factor",
                 colon + 1);
        return -1;
    }
    return 0;
}

int loads_parse(struct house_loads *l, const char *text, char *error)
{
    char *copy = strdup(text), *save = NULL;
    int rc = 0;

    *l = (struct house_loads){.fixed = true};
    if (copy == NULL) {
        snprintf(error, 200, "--loads: no memory");
        return -1;
    }
    for (char *item = strtok_r(copy, ",", &save); item != NULL && rc == 0;
         item = strtok_r(NULL, ",", &save)) {
        rc = parse_one(l, item, error);
    }
    free(copy);
    return rc;
}

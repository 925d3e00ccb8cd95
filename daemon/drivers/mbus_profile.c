#include "daemon/drivers/mbus_profile.h"

#include <string.h>

const struct mbus_profile *mbus_profile_find(uint16_t maker, uint8_t version, uint8_t medium)
{
    const struct mbus_profile *best = NULL;
    int best_fit = -1;

    for (size_t i = 0; i < mbus_profile_count; i++) {
        const struct mbus_profile *p = &mbus_profiles[i];
        int fit = 2 * (p->version >= 0) + (p->medium >= 0);

        if (p->maker == maker && (p->version < 0 || p->version == version) &&
            (p->medium < 0 || p->medium == medium) && fit > best_fit) {
            best = p;
            best_fit = fit;
        }
    }
    return best;
}

const struct mbus_profile *mbus_profile_named(const char *name)
{
    for (size_t i = 0; i < mbus_profile_count; i++) {
        if (strcmp(mbus_profiles[i].name, name) == 0) {
            return &mbus_profiles[i];
        }
    }
    return NULL;
}

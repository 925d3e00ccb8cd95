#include "daemon/drivers/sampler_trims.h"

#include <string.h>

void sampler_trims_init(struct sampler_trims *t)
{
    memset(t->trim, 0, sizeof(t->trim));
    atomic_init(&t->any, false);
    pthread_mutex_init(&t->lock, NULL);
}

void sampler_trims_deinit(struct sampler_trims *t)
{
    pthread_mutex_destroy(&t->lock);
}

void sampler_trims_put(struct sampler_trims *t, unsigned slot, struct sampler_trim trim)
{
    pthread_mutex_lock(&t->lock);
    t->trim[slot] = trim;
    atomic_store(&t->any, true);
    pthread_mutex_unlock(&t->lock);
}

bool sampler_trims_take(struct sampler_trims *t, struct sampler_trim trim_out[HWT_SLOTS_MAX])
{
    if (!atomic_load(&t->any) || pthread_mutex_trylock(&t->lock) != 0) {
        return false;
    }
    memcpy(trim_out, t->trim, sizeof(t->trim));
    memset(t->trim, 0, sizeof(t->trim));
    atomic_store(&t->any, false);
    pthread_mutex_unlock(&t->lock);
    return true;
}

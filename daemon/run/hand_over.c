#include "daemon/run/hand_over.h"

void hand_over_put(struct hand_over *h, const struct hwt_reading *readings, size_t n)
{
    size_t put = atomic_load_explicit(&h->put, memory_order_relaxed);
    size_t taken = atomic_load_explicit(&h->taken, memory_order_acquire);

    if (n > HAND_OVER_READINGS - (put - taken)) {
        atomic_fetch_add_explicit(&h->lost, n, memory_order_relaxed);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        h->ring[(put + i) % HAND_OVER_READINGS] = readings[i];
    }
    atomic_store_explicit(&h->put, put + n, memory_order_release);
}

const struct hwt_reading *hand_over_peek(struct hand_over *h, size_t *n_out)
{
    size_t taken = atomic_load_explicit(&h->taken, memory_order_relaxed);
    size_t ready = atomic_load_explicit(&h->put, memory_order_acquire) - taken;
    size_t to_end = HAND_OVER_READINGS - taken % HAND_OVER_READINGS;

    *n_out = ready < to_end ? ready : to_end;
    return ready > 0 ? &h->ring[taken % HAND_OVER_READINGS] : NULL;
}

void hand_over_done(struct hand_over *h, size_t n)
{
    atomic_fetch_add_explicit(&h->taken, n, memory_order_release);
}

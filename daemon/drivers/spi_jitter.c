#include "daemon/drivers/spi_jitter.h"

#include <string.h>

enum { LINEAR = 64, OCTAVE = 32 };

void spi_jitter_reset(struct spi_jitter *j)
{
    memset(j, 0, sizeof(*j));
}

static unsigned bin_of(int64_t us)
{
    unsigned shift = 0;

    if (us < LINEAR) {
        return us > 0 ? (unsigned)us : 0;
    }
    while (us >> shift >= LINEAR) {
        shift++;
    }
    us = LINEAR + (shift - 1) * (int64_t)OCTAVE + ((us >> shift) - OCTAVE);
    return us < SPI_JITTER_BINS ? (unsigned)us : SPI_JITTER_BINS - 1;
}

static uint32_t lower_bound(unsigned bin)
{
    unsigned octave = (bin - LINEAR) / OCTAVE + 1;

    return bin < LINEAR ? bin : ((bin - LINEAR) % OCTAVE + OCTAVE) << octave;
}

void spi_jitter_add(struct spi_jitter *j, int64_t us)
{
    us = us > 0 ? us : 0;
    j->min_us = j->count == 0 || us < j->min_us ? us : j->min_us;
    j->max_us = us > j->max_us ? us : j->max_us;
    j->bin[bin_of(us)]++;
    j->count++;
}

/* The value that `rank` of the values lie below. */
static uint32_t at_rank(const struct spi_jitter *j, uint32_t rank)
{
    uint32_t below = 0;

    for (unsigned i = 0; i < SPI_JITTER_BINS; i++) {
        below += j->bin[i];
        if (below > rank) {
            return lower_bound(i);
        }
    }
    return 0;
}

struct spi_jitter_summary spi_jitter_get(const struct spi_jitter *j)
{
    return (struct spi_jitter_summary){
        .min_us = (uint32_t)j->min_us,
        .median_us = at_rank(j, j->count / 2),
        .p99_us = at_rank(j, (uint32_t)((uint64_t)j->count * 99 / 100)),
        .max_us = j->max_us < UINT32_MAX ? (uint32_t)j->max_us : UINT32_MAX,
    };
}

#include "core/wire/flash.h"

enum { NS_PER_S = 1000000000, STOP_BIT = 9, CHARACTER_BITS = 10 };

void hwt_flash_init(struct hwt_flash *f, unsigned baud)
{
    *f = (struct hwt_flash){.bit_ns = NS_PER_S / (int64_t)baud};
}

static void begin(struct hwt_flash *f, int64_t t_ns)
{
    f->start_ns = t_ns;
    f->zeros = 0;
    f->open = true;
}

static struct hwt_flash_char finished(const struct hwt_flash *f)
{
    return (struct hwt_flash_char){.start_ns = f->start_ns, .value = (uint8_t)~f->zeros};
}

int hwt_flash_edge(struct hwt_flash *f, int64_t t_ns, struct hwt_flash_char *char_out)
{
    int64_t since, bit;

    if (!f->open) {
        begin(f, t_ns);
        return 0;
    }
    if (__builtin_sub_overflow(t_ns, f->start_ns, &since) || since < 0) {
        begin(f, t_ns);
        return HWT_ERR_SANITY;
    }
    bit = since > CHARACTER_BITS * f->bit_ns ? CHARACTER_BITS : (since + f->bit_ns / 2) / f->bit_ns;
    if (bit >= CHARACTER_BITS) {
        *char_out = finished(f);
        begin(f, t_ns);
        return 1;
    }
    if (bit == STOP_BIT) {
        begin(f, t_ns);
        return HWT_ERR_SANITY;
    }
    if (bit > 0) { /* 0: the start bit's flash seen twice */
        f->zeros |= (uint16_t)(1u << (bit - 1));
    }
    return 0;
}

bool hwt_flash_idle(struct hwt_flash *f, int64_t t_ns, struct hwt_flash_char *char_out)
{
    if (!f->open || t_ns < hwt_flash_deadline(f)) {
        return false;
    }
    *char_out = finished(f);
    f->open = false;
    return true;
}

int64_t hwt_flash_deadline(const struct hwt_flash *f)
{
    int64_t at;

    if (!f->open ||
        __builtin_add_overflow(f->start_ns, (2 * CHARACTER_BITS + 1) * f->bit_ns / 2, &at)) {
        return INT64_MAX;
    }
    return at;
}

#include "sim/devices/crc32c.h"

#define POLYNOMIAL 0x82F63B78u /* 0x1EDC6F41, bits reversed */

void crc32c_init(struct crc32c *c)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t r = i;

        for (int bit = 0; bit < 8; bit++) {
            r = (r >> 1) ^ ((r & 1) != 0 ? POLYNOMIAL : 0);
        }
        c->table[0][i] = r;
    }
    for (int t = 1; t < 8; t++) {
        for (int i = 0; i < 256; i++) {
            uint32_t r = c->table[t - 1][i];

            c->table[t][i] = (r >> 8) ^ c->table[0][r & 0xFF];
        }
    }
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32c_get(const struct crc32c *c, const uint8_t *data, size_t len)
{
    uint32_t r = 0xFFFFFFFFu;

    for (; len >= 8; data += 8, len -= 8) {
        uint32_t a = r ^ le32(data), b = le32(data + 4);

        r = c->table[7][a & 0xFF] ^ c->table[6][a >> 8 & 0xFF] ^ c->table[5][a >> 16 & 0xFF] ^
            c->table[4][a >> 24] ^ c->table[3][b & 0xFF] ^ c->table[2][b >> 8 & 0xFF] ^
            c->table[1][b >> 16 & 0xFF] ^ c->table[0][b >> 24];
    }
    for (; len > 0; data++, len--) {
        r = (r >> 8) ^ c->table[0][(r ^ *data) & 0xFF];
    }
    return ~r;
}

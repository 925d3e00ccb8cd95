/*
 * crc32c.h: CRC-32C (Castagnoli, reflected, initial and final 0xFFFFFFFF), the plant's own.
 */
#ifndef SIM_DEVICES_CRC32C_H
#define SIM_DEVICES_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Eight tables for eight bytes a step; filled by init, then constant. */
struct crc32c {
    uint32_t table[8][256];
};

void crc32c_init(struct crc32c *c);
uint32_t crc32c_get(const struct crc32c *c, const uint8_t *data, size_t len);

#endif

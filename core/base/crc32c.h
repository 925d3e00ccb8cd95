/*
 * crc32c.h: CRC-32C (Castagnoli): polynomial 0x1EDC6F41 reflected, initial value and final xor
 * 0xFFFFFFFF (RFC 3720 appendix B.4). "123456789" gives 0xE3069283.
 */
#ifndef HWT_CORE_BASE_CRC32C_H
#define HWT_CORE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of the n bytes at p, going on from crc; 0 to start. */
uint32_t hwt_crc32c(uint32_t crc, const void *p, size_t n);

#endif

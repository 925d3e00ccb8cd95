#include "core/wire/mcp3208.h"

enum { START = 0x04, SINGLE_ENDED = 0x02, NULL_BIT = 0x10 };

void hwt_mcp3208_ask(unsigned input, uint8_t out[HWT_MCP3208_OCTETS])
{
    out[0] = (uint8_t)(START | SINGLE_ENDED | (input >> 2 & 1));
    out[1] = (uint8_t)((input & 3) << 6);
    out[2] = 0;
}

int hwt_mcp3208_code(const uint8_t answer[HWT_MCP3208_OCTETS])
{
    if ((answer[1] & NULL_BIT) != 0) {
        return HWT_ERR_SANITY;
    }
    return (answer[1] & 0x0F) << 8 | answer[2];
}

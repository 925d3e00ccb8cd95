/* `heatwatt decode` alone, for tests/system/test_decode.py. */
#include "daemon/cli/decode.h"

int main(int argc, char **argv)
{
    return decode_main(argc, argv);
}

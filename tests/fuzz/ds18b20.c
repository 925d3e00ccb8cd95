/*
 * ds18b20.c: fuzz target of what a sensor's file tells.
 *
 * Properties: nothing is read outside the text; what is believed lies in the sensor's range; what
 * is not leaves the output as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "core/wire/ds18b20.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct hwt_ds18b20 s;

    require(copy != NULL);
    memcpy(copy, data, size);
    hwt_ds18b20_init(&s);
    for (size_t n = 0; n <= size && n <= 256; n++) { /* cut anywhere */
        int32_t mdegc = -999999;
        enum hwt_ds18b20_verdict verdict = hwt_ds18b20_take(&s, copy, n, (int64_t)n, &mdegc);

        require(verdict < HWT_DS18B20_VERDICTS);
        require(verdict == HWT_DS18B20_GOOD ? mdegc >= -55000 && mdegc <= 125000
                                            : mdegc == -999999);
    }
    free(copy);
    return 0;
}

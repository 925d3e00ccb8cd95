/* log_csv.c: any text as a CSV file for the log. */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/store/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv c;
    struct csv_error error = {.line = 0};
    int got = csv_open(&c, NULL, (const char *)data, size, &error);
    int64_t before = INT64_MIN;

    while (got == 0 && (got = csv_next(&c, &error)) == 1) {
        if (c.unix_ms <= before) {
            abort();
        }
        before = c.unix_ms;
        got = 0;
    }
    if (got < 0 && (error.line == 0 || error.column == 0 || error.text[0] == '\0')) {
        abort();
    }
    return 0;
}

#include "daemon/cli/number_option.h"

#include <stdlib.h>

#include "daemon/cli/list_option.h"
#include "daemon/drivers/serial.h"

bool number_option_take(const char *text, unsigned low, unsigned high, unsigned *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || n < low || n > high) {
        return false;
    }
    *out = (unsigned)n;
    return true;
}

bool number_option_speeds(char *text, unsigned room, unsigned *out, unsigned *count_out)
{
    const char *word[LIST_MAX];
    size_t n = 0;

    if (!list_add_words(word, &n, text) || n > room) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!number_option_take(word[i], 1, 115200, &out[i]) || !serial_baud_is_standard(out[i])) {
            return false;
        }
    }
    *count_out = (unsigned)n;
    return true;
}

/*
 * emon.c: fuzz target of the lines of emonTx and radio receivers.
 *
 * Properties: nothing is read outside the line; what is taken has names and a count within bounds;
 * the same line gives the same message, whatever follows it in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "core/wire/emon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check(const struct hwt_emon_message *m, int err)
{
    require(m->count <= HWT_EMON_VALUES_MAX);
    require(err != 0 || m->count > 0);
    for (size_t i = 0; err == 0 && i < m->count; i++) {
        size_t n = strlen(m->value[i].name);

        require(n >= 1 && n <= HWT_EMON_NAME_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hwt_emon_message m, again;
    char *copy = malloc(size + 1);
    const char *layout = NULL;
    size_t at, at_again;
    int err;

    require(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '7';
    if (size > 0 && (data[size - 1] & 1) != 0) {
        layout = hwt_emon_layout(data[size - 1] >> 1 & 15);
    }
    err = hwt_emon_line((const char *)data, size, layout, &m, &at);
    check(&m, err);
    require(at <= size);
    require(hwt_emon_line(copy, size, layout, &again, &at_again) == err && at_again == at);
    require(again.count == m.count);
    free(copy);
    return 0;
}

/*
 * A publisher's cursor file, of any content; once as it is and once with the checksum it should
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/crc32c.h"
#include "daemon/publish/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void load(const void *text, size_t n)
{
    static int fd = -1;
    static char path[64];
    struct cursor c, untouched;
    int err;

    if (fd < 0) {
        fd = memfd_create("cursor", 0);
        require(fd >= 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    require(ftruncate(fd, 0) == 0 && pwrite(fd, text, n, 0) == (ssize_t)n);
    memset(&c, 0x5A, sizeof(c));
    untouched = c;
    err = cursor_load(path, &c);
    if (err != 0) {
        require(err == HWT_ERR_CORRUPT && memcmp(&c, &untouched, sizeof(c)) == 0);
        return;
    }
    require(memchr(c.stream, '\0', sizeof(c.stream)) != NULL && c.stream[0] != '\0');
    require(n > 16 && memcmp(text, "heatwatt cursor ", 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *summed = malloc(size + 32);

    load(data, size);
    if (summed != NULL && size > 0) {
        memcpy(summed, data, size);
        int n = snprintf(summed + size, 32, "crc32c %08" PRIx32 "\n", hwt_crc32c(0, data, size));

        load(summed, size + (size_t)n);
    }
    free(summed);
    return 0;
}

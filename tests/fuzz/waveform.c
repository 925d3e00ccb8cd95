/*
 * Any octets as a recording: refused with a reason, or read whole: finite numbers, as many of v as
 * of i. The file is one in memory; what is said against it goes nowhere.
 */
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/cli/waveform_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check(struct waveform *w, int good)
{
    must(good || (w->v == NULL && w->i == NULL));
    for (size_t k = 0; good && k < w->n; k++) {
        must(isfinite(w->v[k]) && isfinite(w->i[k]));
    }
    waveform_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("waveform", MFD_CLOEXEC);
    int said = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct waveform w;
    char path[64];

    must(fd >= 0 && said >= 0 && nowhere >= 0);
    must(write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    dup2(nowhere, STDERR_FILENO);
    check(&w, waveform_read_csv(path, &w));
    check(&w, waveform_read_pair(path, path, 0, &w));
    check(&w, waveform_read_pair(path, path, 1, &w));
    dup2(said, STDERR_FILENO);
    close(said);
    close(nowhere);
    close(fd);
    return 0;
}

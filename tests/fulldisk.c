/*
 * fulldisk.c: preloaded into the daemon by a system test: while the file named by FULLDISK_WHEN
 * exists, every write to a file answers "no space left on device".
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int is_full(void)
{
    const char *path = getenv("FULLDISK_WHEN");

    return path != NULL && access(path, F_OK) == 0;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)
{
    return pwrite64(fd, buf, n, offset);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off64_t);

    if (is_full()) {
        errno = ENOSPC;
        return -1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    return real(fd, buf, n, offset);
}

int posix_fallocate(int fd, off_t offset, off_t n)
{
    return posix_fallocate64(fd, offset, n);
}

int posix_fallocate64(int fd, off64_t offset, off64_t n)
{
    int (*real)(int, off64_t, off64_t);

    if (is_full()) {
        return ENOSPC;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "posix_fallocate64");
    return real(fd, offset, n);
}

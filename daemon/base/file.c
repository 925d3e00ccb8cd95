#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool file_write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);

        if (put < 0 && errno != EINTR) {
            return false;
        }
        p += put > 0 ? put : 0;
        n -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

bool file_replace(const char *path, mode_t mode, const char *p, size_t n)
{
    char beside[PATH_MAX];
    int fd, why;

    if (strlen(path) + sizeof(".new") > sizeof(beside)) {
        errno = ENAMETOOLONG;
        return false;
    }
    snprintf(beside, sizeof(beside), "%s.new", path);
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return false;
    }
    if (!file_write_all(fd, p, n) || fsync(fd) != 0) {
        why = errno;
        close(fd);
        errno = why;
        return false;
    }
    return close(fd) == 0 && rename(beside, path) == 0;
}

bool file_sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), why;
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = fsync(fd) == 0;
    why = errno;
    close(fd);
    errno = why;
    return ok;
}

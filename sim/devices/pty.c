#include "sim/devices/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int make_link(const char *target, const char *link)
{
    struct stat st;

    if (lstat(link, &st) == 0) {
        if (!S_ISLNK(st.st_mode)) {
            errno = EEXIST;
            return -1;
        }
        if (unlink(link) != 0) {
            return -1;
        }
    }
    return symlink(target, link);
}

int pty_open(struct pty *p, const char *link)
{
    char name[PATH_MAX];
    struct termios tio;
    int err;

    p->link = link;
    p->slave = -1;
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->master < 0) {
        return -1;
    }
    if (grantpt(p->master) != 0 || unlockpt(p->master) != 0 ||
        ptsname_r(p->master, name, sizeof(name)) != 0) {
        goto fail;
    }
    p->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->slave < 0 || tcgetattr(p->slave, &tio) != 0) {
        goto fail;
    }
    cfmakeraw(&tio);
    if (tcsetattr(p->slave, TCSANOW, &tio) != 0 || make_link(name, link) != 0) {
        goto fail;
    }
    return 0;

fail:
    err = errno;
    if (p->slave >= 0) {
        close(p->slave);
    }
    close(p->master);
    p->master = p->slave = -1;
    errno = err;
    return -1;
}

void pty_close(struct pty *p)
{
    if (p->master < 0) {
        return;
    }
    unlink(p->link);
    close(p->slave);
    close(p->master);
    p->master = p->slave = -1;
}

#include "daemon/drivers/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static const struct {
    unsigned baud;
    speed_t speed;
} speeds[] = {
    {300, B300},   {600, B600},     {1200, B1200},   {2400, B2400},   {4800, B4800},
    {9600, B9600}, {19200, B19200}, {38400, B38400}, {57600, B57600}, {115200, B115200},
};

static bool find_speed(unsigned baud, speed_t *speed_out)
{
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        if (speeds[i].baud == baud) {
            *speed_out = speeds[i].speed;
            return true;
        }
    }
    return false;
}

bool serial_baud_is_standard(unsigned baud)
{
    speed_t speed;

    return find_speed(baud, &speed);
}

/* Writes "PORT: WHAT failed: REASON (hint)" and returns -1. */
static int tell(char *why, const char *path, const char *what, int error)
{
    const char *hint = error == EACCES                          ? " (is the user in group dialout?)"
                       : error == EBUSY || error == EWOULDBLOCK ? " (another program uses it)"
                       : error == ENOENT                        ? " (unplugged?)"
                                                                : "";

    snprintf(why, SERIAL_WHY_MAX, "%.80s: %s: %s%s", path, what, strerror(error), hint);
    return -1;
}

static bool is_pseudo_terminal(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && major(st.st_rdev) >= 136 && major(st.st_rdev) <= 143;
}

/*
 * An advisory lock always. The terminal's own exclusive flag not on a pseudo-terminal: there it
 * outlives a killed process as long as the other end stays, and would lock out its successor.
 */
static int claim(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return errno;
    }
    if (!is_pseudo_terminal(fd)) {
        (void)ioctl(fd, TIOCEXCL); /* not every driver has it */
    }
    return 0;
}

static int set_raw(int fd, speed_t speed, enum serial_framing framing)
{
    struct termios t;

    if (tcgetattr(fd, &t) != 0) {
        return errno;
    }
    cfmakeraw(&t); /* 8 bits, no parity, no translation */
    t.c_iflag &= ~(tcflag_t)(INPCK | IXOFF);
    t.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS | PARODD);
    t.c_cflag |= CLOCAL | CREAD;
    t.c_cflag &= ~(tcflag_t)PARENB;
    t.c_cflag |= framing == SERIAL_8N2 ? CSTOPB : 0;
    if (!is_pseudo_terminal(fd)) { /* that has no parity, and says EINVAL */
        t.c_cflag |= framing == SERIAL_8E1 ? PARENB : framing == SERIAL_8O1 ? PARENB | PARODD : 0;
    }
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    if (cfsetispeed(&t, speed) != 0 || cfsetospeed(&t, speed) != 0 ||
        tcsetattr(fd, TCSANOW, &t) != 0) {
        return errno;
    }
    return 0;
}

bool serial_set_line(int fd, unsigned baud, enum serial_framing framing)
{
    speed_t speed;

    return find_speed(baud, &speed) && set_raw(fd, speed, framing) == 0;
}

int serial_open(const char *path, unsigned baud, enum serial_framing framing,
                char why_out[SERIAL_WHY_MAX])
{
    const char *what = "cannot claim";
    speed_t speed;
    int fd, error;

    if (!find_speed(baud, &speed)) {
        snprintf(why_out, SERIAL_WHY_MAX, "%.80s: %u baud is not a standard speed", path, baud);
        return -1;
    }
    fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return tell(why_out, path, "cannot open", errno);
    }
    error = claim(fd);
    if (error == 0) {
        what = "cannot set up as a serial port";
        error = set_raw(fd, speed, framing);
        (void)tcflush(fd, TCIOFLUSH);
    }
    if (error != 0) {
        close(fd);
        return tell(why_out, path, what, error);
    }
    return fd;
}

/* What the names given as ports are, and which speeds are tried on them. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/drivers/scan_step.h"
#include "daemon/drivers/tcp_port.h"

static const char *const names[SCAN_PROTOCOLS] = {
    [SCAN_MBUS] = "mbus", [SCAN_MODBUS] = "modbus",   [SCAN_ELSTER] = "elster",
    [SCAN_EMON] = "emon", [SCAN_DS18B20] = "ds18b20", [SCAN_ANALOG] = "analog",
};

const char *scan_protocol_name(enum scan_protocol protocol)
{
    return protocol < SCAN_PROTOCOLS ? names[protocol] : "?";
}

enum scan_protocol scan_protocol_find(const char *name)
{
    unsigned p = 0;

    while (p < SCAN_PROTOCOLS && strcmp(names[p], name) != 0) {
        p++;
    }
    return (enum scan_protocol)p;
}

/* --- targets --------------------------------------------------------------------------------- */

bool scan_chip_split(const char *port, char chip_out[SCAN_PORT_MAX], unsigned *line_out)
{
    static const char begin[] = "/dev/gpiochip";
    const char *colon = strrchr(port, ':');
    unsigned long line;
    char *end;

    if (strncmp(port, begin, sizeof(begin) - 1) != 0 || colon == NULL || colon[1] < '0' ||
        colon[1] > '9' || colon - port >= SCAN_PORT_MAX) {
        return false;
    }
    line = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || line > 1023) {
        return false;
    }
    memcpy(chip_out, port, (size_t)(colon - port));
    chip_out[colon - port] = '\0';
    *line_out = (unsigned)line;
    return true;
}

/* Who may use the file, where this user may not. */
static void tell_group(const char *port, const struct stat *st, char detail[SCAN_DETAIL_MAX])
{
    const struct group *g = getgrgid(st->st_gid);

    if (g != NULL && st->st_gid != 0 && (st->st_mode & S_IRGRP) != 0) {
        snprintf(detail, SCAN_DETAIL_MAX,
                 "%.80s: this user may not open it: add it to the group %s (sudo usermod -aG %s "
                 "$USER, then log in again)",
                 port, g->gr_name, g->gr_name);
    } else {
        snprintf(detail, SCAN_DETAIL_MAX,
                 "%.80s: this user may not open it, and no group it could be added to may", port);
    }
}

/* A character device of the kernel's terminals: others may do things when they are opened. */
static bool is_terminal(const struct stat *st)
{
    char path[64], subsystem[PATH_MAX];
    const char *name;

    if (major(st->st_rdev) >= 136 && major(st->st_rdev) <= 143) { /* pseudo-terminals */
        return true;
    }
    snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem", major(st->st_rdev),
             minor(st->st_rdev));
    if (realpath(path, subsystem) == NULL) {
        return false;
    }
    name = strrchr(subsystem, '/');
    return name != NULL && strcmp(name, "/tty") == 0;
}

static enum scan_target file_target(const char *port, char detail[SCAN_DETAIL_MAX])
{
    struct stat st;

    if (stat(port, &st) != 0) {
        snprintf(detail, SCAN_DETAIL_MAX, "%.80s: %s%s", port, strerror(errno),
                 errno == ENOENT ? ": is it plugged in? heatwatt scan without a port lists those "
                                   "that are"
                                 : "");
        return SCAN_TARGET_NONE;
    }
    if (access(port, S_ISDIR(st.st_mode) ? R_OK | X_OK : R_OK | W_OK) != 0 && errno == EACCES) {
        tell_group(port, &st, detail);
        return SCAN_TARGET_NONE;
    }
    if (S_ISCHR(st.st_mode) && is_terminal(&st)) {
        return SCAN_TARGET_SERIAL;
    }
    if (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode)) {
        return SCAN_TARGET_EVENTS;
    }
    if (S_ISDIR(st.st_mode)) {
        return strstr(port, "iio") != NULL ? SCAN_TARGET_IIO : SCAN_TARGET_W1;
    }
    snprintf(detail, SCAN_DETAIL_MAX, "%.80s: not a serial port but a %s", port,
             S_ISREG(st.st_mode) ? "file" : "device of another kind");
    return SCAN_TARGET_NONE;
}

enum scan_target scan_target_of(const char *port, char detail_out[SCAN_DETAIL_MAX])
{
    char host[TCP_HOST_MAX], chip[SCAN_PORT_MAX];
    uint16_t tcp;
    unsigned line;

    if (strcmp(port, "w1") == 0) {
        return SCAN_TARGET_W1;
    }
    if (strcmp(port, "iio") == 0) {
        return SCAN_TARGET_IIO;
    }
    if (scan_chip_split(port, chip, &line)) {
        return SCAN_TARGET_CHIP;
    }
    if (port[0] != '/' && tcp_host_split(port, 0, host, &tcp)) {
        return SCAN_TARGET_TCP;
    }
    return file_target(port, detail_out);
}

/* --- speeds ---------------------------------------------------------------------------------- */

static bool is_in(const unsigned *list, unsigned n, unsigned baud)
{
    for (unsigned i = 0; i < n; i++) {
        if (list[i] == baud) {
            return true;
        }
    }
    return false;
}

/* In the order of what is usual for the protocol, whatever order was given. */
unsigned scan_speeds(const struct scan_options *o, const unsigned *usual, unsigned n, bool strict,
                     unsigned out[SCAN_SPEEDS_MAX])
{
    unsigned count = 0;

    for (unsigned i = 0; i < n && count < SCAN_SPEEDS_MAX; i++) {
        if (o->speeds == 0 || is_in(o->baud, o->speeds, usual[i])) {
            out[count++] = usual[i];
        }
    }
    for (unsigned i = 0; i < o->speeds && !strict && count < SCAN_SPEEDS_MAX; i++) {
        if (serial_baud_is_standard(o->baud[i]) && !is_in(usual, n, o->baud[i])) {
            out[count++] = o->baud[i];
        }
    }
    return count;
}

struct scan_found scan_find(const struct scan_task *task, enum scan_protocol protocol)
{
    struct scan_found f = {.protocol = protocol, .target = task->target, .address = -1};

    snprintf(f.port, sizeof(f.port), "%s", task->port);
    return f;
}

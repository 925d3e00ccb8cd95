#include "daemon/cli/doctor_checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <unistd.h>

/* docs/BENCH.md, "device writes": 18 to 23 KB of the journal's and our own for each commit. */
#define COMMIT_BYTES 20000.0
/* The same, raw with its roll-ups; a value of a noisy counter takes twice as much. */
#define VALUE_BYTES 0.5
/* A year of the default on a memory card is beyond this, a window of 60 s is not. */
#define CARD_GB_A_YEAR 25.0

enum { TMPFS = 0x01021994 /* statfs(2) */, HOURS_A_YEAR = 8766, PATH_ROOM = 1200 };

void doctor_add(struct doctor *d, enum doctor_verdict verdict, const char *check,
                const char *advice, const char *format, ...)
{
    struct doctor_finding *f;
    va_list args;

    if (d->count == DOCTOR_FINDINGS_MAX) {
        return;
    }
    f = &d->finding[d->count++];
    f->verdict = verdict;
    f->check = check;
    snprintf(f->advice, sizeof(f->advice), "%s", advice);
    va_start(args, format);
    vsnprintf(f->text, sizeof(f->text), format, args);
    va_end(args);
}

static const char *user_name(void)
{
    const struct passwd *user = getpwuid(geteuid());

    return user != NULL ? user->pw_name : "this user";
}

/* --- the folder --- */

/* The folder, or the nearest above it that is there. */
static void nearest(const char *dir, char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, "%s", dir);
    while (access(path, F_OK) != 0) {
        char *slash = strrchr(path, '/');

        if (slash == NULL || slash == path) {
            snprintf(path, PATH_ROOM, "%s", slash == path ? "/" : ".");
            return;
        }
        *slash = '\0';
    }
}

void doctor_check_folder(struct doctor *d, const struct config *c)
{
    char path[PATH_ROOM], log[PATH_ROOM], advice[PATH_ROOM + 64];
    struct stat st;
    struct statfs fs;

    nearest(c->data_dir, path);
    snprintf(advice, sizeof(advice), "sudo install -d -o %s %.200s", user_name(), c->data_dir);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        doctor_add(d, DOCTOR_FAIL, "folder", "choose another data_dir", "%s: not a folder", path);
        return;
    }
    if (access(path, W_OK | X_OK) != 0) {
        doctor_add(d, DOCTOR_FAIL, "folder", advice, "%s: %s may not write there", path,
                   user_name());
        return;
    }
    snprintf(log, sizeof(log), "%.1000s/log/control.hwl", c->data_dir);
    if (access(log, F_OK) == 0 && access(log, R_OK | W_OK) != 0) {
        doctor_add(d, DOCTOR_FAIL, "folder",
                   "run as the user whose log it is, or give it to this one with chown",
                   "%s: %s may not write it", log, user_name());
        return;
    }
    if (statfs(path, &fs) == 0 && (long)fs.f_type == TMPFS) {
        doctor_add(d, DOCTOR_WARN, "folder", "choose a data_dir on a disk",
                   "%s is in memory: all is lost when the power goes", c->data_dir);
        return;
    }
    doctor_add(d, DOCTOR_OK, "folder", "", "%s: %s may write there%s", c->data_dir, user_name(),
               strcmp(path, c->data_dir) == 0 ? "" : "; it will be made");
}

/* --- space and wear --- */

static double years_of(const struct config *c)
{
    double values_a_year =
        (double)config_channel_count(c) * 3600.0 * HOURS_A_YEAR / (double)c->record_s;

    return (double)c->log_max_mb * 1e6 / (values_a_year * VALUE_BYTES);
}

static uint64_t bytes_of_log(const struct config *c)
{
    char pattern[PATH_ROOM];
    glob_t found;
    uint64_t bytes = 0;

    snprintf(pattern, sizeof(pattern), "%.1000s/log/*.hwl", c->data_dir);
    if (glob(pattern, 0, NULL, &found) != 0) {
        return 0;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat st;

        bytes += stat(found.gl_pathv[i], &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
    }
    globfree(&found);
    return bytes;
}

void doctor_check_space(struct doctor *d, const struct config *c)
{
    char path[PATH_ROOM], advice[160];
    struct statvfs fs;
    double free_mb, has_mb = (double)bytes_of_log(c) / 1e6, needed_mb;

    nearest(c->data_dir, path);
    if (statvfs(path, &fs) != 0) {
        doctor_add(d, DOCTOR_FAIL, "space", "", "%s: %s", path, strerror(errno));
        return;
    }
    free_mb = (double)fs.f_bavail * (double)fs.f_frsize / 1e6;
    needed_mb = (double)c->log_max_mb > has_mb ? (double)c->log_max_mb - has_mb : 0;
    if (free_mb < needed_mb) {
        snprintf(advice, sizeof(advice), "free some space, or set log.max_mb to %.0f",
                 has_mb + free_mb * 0.9);
        doctor_add(d, free_mb < 64 ? DOCTOR_FAIL : DOCTOR_WARN, "space", advice,
                   "%.0f MB free, but the log may grow by %.0f MB (log.max_mb: %.0f)", free_mb,
                   needed_mb, (double)c->log_max_mb);
        return;
    }
    doctor_add(
        d, DOCTOR_OK, "space", "",
        "%.0f MB free; the log has %.0f MB of %.0f, about %.1f years of %zu channels at %u s",
        free_mb, has_mb, (double)c->log_max_mb, years_of(c), config_channel_count(c), c->record_s);
}

double doctor_bytes_an_hour(size_t channels, unsigned record_s, unsigned commit_s)
{
    /* a commit comes with the first record after the window */
    unsigned period_s = (commit_s / record_s + 1) * record_s;

    return 3600.0 / period_s * COMMIT_BYTES + (double)channels * 3600.0 / record_s * VALUE_BYTES;
}

/* Whether the folder is on a memory card or an eMMC: such devices are called mmcblk. */
static bool on_a_card(const char *dir)
{
    char path[PATH_ROOM], link[64], target[PATH_ROOM];
    struct stat st;
    ssize_t n;

    nearest(dir, path);
    if (stat(path, &st) != 0) {
        return false;
    }
    snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
    n = readlink(link, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = '\0';
    return strstr(target, "mmcblk") != NULL;
}

void doctor_check_wear(struct doctor *d, const struct config *c)
{
    double bytes = doctor_bytes_an_hour(config_channel_count(c), c->record_s, c->commit_s);
    double slow = doctor_bytes_an_hour(config_channel_count(c), c->record_s, 60);
    double gb_a_year = bytes * HOURS_A_YEAR / 1e9;
    bool card = on_a_card(c->data_dir);
    char advice[160] = "";

    if (card && gb_a_year > CARD_GB_A_YEAR && c->commit_s < 60) {
        snprintf(advice, sizeof(advice),
                 "log.commit_s: 60 writes %.1f MB/h; a power cut then loses up to a minute",
                 slow / 1e6);
    }
    doctor_add(d, advice[0] != '\0' ? DOCTOR_WARN : DOCTOR_OK, "wear", advice,
               "the log writes about %.1f MB/h, %.0f GB a year (log.commit_s: %u)%s", bytes / 1e6,
               gb_a_year, c->commit_s, card ? ", to a memory card" : "");
}

/* --- the clock --- */

void doctor_check_clock(struct doctor *d, const struct config *c)
{
    struct timex t = {.modes = 0};
    int state = adjtimex(&t);

    if (c->clock_trust == CLOCK_TRUST_PLANT) {
        doctor_add(d, DOCTOR_OK, "clock", "", "the virtual plant's (clock.trust: plant)");
    } else if (state >= 0 && state != TIME_ERROR) {
        doctor_add(d, DOCTOR_OK, "clock", "", "synchronised, to about %ld ms", t.maxerror / 1000);
    } else if (c->clock_trust == CLOCK_TRUST_ALWAYS) {
        doctor_add(d, DOCTOR_OK, "clock", "", "taken as right (clock.trust: always)");
    } else {
        doctor_add(d, DOCTOR_WARN, "clock",
                   "sudo timedatectl set-ntp true, or install chrony; clock.trust: always if "
                   "another program sets it",
                   "not known to be synchronised: records are marked so");
    }
}

/* --- ports and sockets --- */

/* "; there are /dev/serial/by-id/…": of the ports that are there, up to three. */
static void name_ports(char *text, size_t n)
{
    glob_t found;
    size_t at;

    text[0] = '\0';
    if (glob("/dev/serial/by-id/*", 0, NULL, &found) != 0 &&
        glob("/dev/tty{USB,ACM}*", GLOB_BRACE, NULL, &found) != 0) {
        snprintf(text, n, "plug the adapter in; no USB serial port is there");
        return;
    }
    snprintf(text, n, "plug the adapter in, or use a port that is there:");
    for (size_t i = 0; i < found.gl_pathc && i < 3; i++) {
        at = strlen(text);
        snprintf(text + at, n - at, " %s", found.gl_pathv[i]);
    }
    globfree(&found);
}

/* Such a device is for its group; the group may be one that nobody should be added to. */
static void refused(struct doctor *d, const struct config_source *s, const struct stat *st)
{
    const struct group *group = st->st_gid != 0 ? getgrgid(st->st_gid) : NULL;
    char advice[300];

    if (group != NULL && (st->st_mode & (S_IRGRP | S_IWGRP)) == (S_IRGRP | S_IWGRP)) {
        snprintf(advice, sizeof(advice), "sudo usermod -aG %s %s, then log in anew", group->gr_name,
                 user_name());
    } else {
        snprintf(advice, sizeof(advice),
                 "give it to group dialout, mode 0660, by a udev rule, and %s to that group",
                 user_name());
    }
    doctor_add(d, DOCTOR_FAIL, "input", advice, "%s: %s: %s may not use it", s->id, s->port,
               user_name());
}

static void check_serial(struct doctor *d, const struct config_source *s)
{
    char advice[300];
    struct stat st;

    if (stat(s->port, &st) != 0) {
        int err = errno;

        name_ports(advice, sizeof(advice));
        doctor_add(d, DOCTOR_FAIL, "input", advice, "%s: %s: %s", s->id, s->port, strerror(err));
    } else if (!S_ISCHR(st.st_mode)) {
        doctor_add(d, DOCTOR_FAIL, "input", "a port is a device such as /dev/ttyUSB0",
                   "%s: %s: not a serial port", s->id, s->port);
    } else if (access(s->port, R_OK | W_OK) != 0) {
        refused(d, s, &st);
    } else {
        doctor_add(d, DOCTOR_OK, "input", "", "%s: %s", s->id, s->port);
    }
}

static void check_socket(struct doctor *d, const struct config_source *s)
{
    struct stat st;

    if (stat(s->socket, &st) != 0) {
        doctor_add(d, DOCTOR_FAIL, "input", "start the program that sends the samples",
                   "%s: %s: %s", s->id, s->socket, strerror(errno));
    } else if (!S_ISSOCK(st.st_mode)) {
        doctor_add(d, DOCTOR_FAIL, "input", "", "%s: %s: not a socket", s->id, s->socket);
    } else if (access(s->socket, R_OK | W_OK) != 0) {
        doctor_add(d, DOCTOR_FAIL, "input", "let this user use it, by its group or mode",
                   "%s: %s: %s may not use it: %s", s->id, s->socket, user_name(), strerror(errno));
    } else {
        doctor_add(d, DOCTOR_OK, "input", "", "%s: %s", s->id, s->socket);
    }
}

void doctor_check_inputs(struct doctor *d, const struct config *c)
{
    for (unsigned i = 0; i < c->source_count; i++) {
        if (c->source[i].port[0] != '\0') {
            check_serial(d, &c->source[i]);
        } else if (c->source[i].socket[0] != '\0') {
            check_socket(d, &c->source[i]);
        }
    }
}

/* --- the page --- */

/* 0, or the error of binding to it. */
static int try_to_bind(const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    int fd, err = 0, on = 1;

    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) {
        return EADDRNOTAVAIL;
    }
    fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
             is_v4 ? sizeof(v4) : sizeof(v6)) != 0) {
        err = errno;
    }
    close(fd);
    return err;
}

void doctor_check_page(struct doctor *d, const struct config *c)
{
    int err = c->port == 0 ? 0 : try_to_bind(c->listen, c->port);

    if (c->port == 0) {
        doctor_add(d, DOCTOR_OK, "page", "", "%s, any free port", c->listen);
    } else if (err == EADDRINUSE) {
        doctor_add(d, DOCTOR_WARN, "page", "if it is not heatwatt that runs there, set http.port",
                   "%s port %u is in use", c->listen, (unsigned)c->port);
    } else if (err != 0) {
        doctor_add(d, DOCTOR_FAIL, "page",
                   err == EACCES ? "choose http.port from 1024 on" : "choose another http.listen",
                   "%s port %u: %s", c->listen, (unsigned)c->port, strerror(err));
    } else {
        doctor_add(d, DOCTOR_OK, "page", "", "%s port %u is free", c->listen, (unsigned)c->port);
    }
}

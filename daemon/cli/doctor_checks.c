#include "daemon/cli/doctor_checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

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

const char *doctor_user_name(void)
{
    const struct passwd *user = getpwuid(geteuid());

    return user != NULL ? user->pw_name : "this user";
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
                 doctor_user_name());
    } else {
        snprintf(advice, sizeof(advice),
                 "give it to group dialout, mode 0660, by a udev rule, and %s to that group",
                 doctor_user_name());
    }
    doctor_add(d, DOCTOR_FAIL, "input", advice, "%s: %s: %s may not use it", s->id, s->port,
               doctor_user_name());
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
                   "%s: %s: %s may not use it: %s", s->id, s->socket, doctor_user_name(),
                   strerror(errno));
    } else {
        doctor_add(d, DOCTOR_OK, "input", "", "%s: %s", s->id, s->socket);
    }
}

/* Only the name: many devices take one connection, and that may be the daemon's. */
static void check_host(struct doctor *d, const struct config_source *s)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int err = getaddrinfo(s->host, NULL, &hints, &found);

    if (err != 0) {
        doctor_add(d, DOCTOR_FAIL, "input", "give its address, or see to the name server",
                   "%s: %s: %s", s->id, s->host, gai_strerror(err));
        return;
    }
    freeaddrinfo(found);
    doctor_add(d, DOCTOR_OK, "input", "", "%s: %s port %u (not connected to)", s->id, s->host,
               s->tcp_port);
}

void doctor_check_inputs(struct doctor *d, const struct config *c)
{
    for (unsigned i = 0; i < c->source_count; i++) {
        if (c->source[i].port[0] != '\0') {
            check_serial(d, &c->source[i]);
        } else if (c->source[i].socket[0] != '\0') {
            check_socket(d, &c->source[i]);
        } else if (c->source[i].host[0] != '\0') {
            check_host(d, &c->source[i]);
        } else if (c->source[i].spidev[0] != '\0') {
            doctor_check_spi(d, &c->source[i]);
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

/*
 * doctor_checks.h: the single checks of `heatwatt doctor`. They look, and change nothing: no port
 * is opened, no file made. Converters on SPI that nobody reads are read for a second or two; a
 * heatwatt that runs is asked.
 */
#ifndef DAEMON_CLI_DOCTOR_CHECKS_H
#define DAEMON_CLI_DOCTOR_CHECKS_H

#include <stddef.h>

#include "daemon/run/config.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_VERDICTS };

struct doctor_finding {
    enum doctor_verdict verdict;
    const char *check; /* "folder"; static text */
    char text[300];    /* what is */
    char advice[300];  /* what to do; "": nothing */
};

enum { DOCTOR_FINDINGS_MAX = 128 };

struct doctor {
    struct doctor_finding finding[DOCTOR_FINDINGS_MAX]; /* further ones are left out */
    size_t count;
};

void doctor_add(struct doctor *d, enum doctor_verdict verdict, const char *check,
                const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The user whose rights count: this process's. */
const char *doctor_user_name(void);

/* The folder of the data: there, or can be made; writable by this user; not in memory. */
void doctor_check_folder(struct doctor *d, const struct config *c);
/* The partition of the log, if it has one: it holds a log that this user may write. */
void doctor_check_partition(struct doctor *d, const struct config *c);
/* Free space for what the log may grow to, and how long that lasts. */
void doctor_check_space(struct doctor *d, const struct config *c);
/* What the log writes, against what a card bears. */
void doctor_check_wear(struct doctor *d, const struct config *c);
void doctor_check_clock(struct doctor *d, const struct config *c);
/* The serial port, socket, host or converters of each source. */
void doctor_check_inputs(struct doctor *d, const struct config *c);
/* Of converters on SPI: what can be sampled, and how evenly. */
void doctor_check_spi(struct doctor *d, const struct config_source *s);
/* Of samplers, what only the heatwatt that runs knows: their clocks, their jitter. Nothing if none
 * answers at the page's port. */
void doctor_check_running(struct doctor *d, const struct config *c);
/* The port of the page. */
void doctor_check_page(struct doctor *d, const struct config *c);

/* Bytes an hour that reach the device: of that many channels, with a commit each commit_s, in a
 * folder or on a partition. */
double doctor_bytes_an_hour(size_t channels, unsigned record_s, unsigned commit_s, bool partition);

#endif

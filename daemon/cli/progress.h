/*
 * progress.h: the bar of a long import, on stderr, if that is a terminal.
 */
#ifndef DAEMON_CLI_PROGRESS_H
#define DAEMON_CLI_PROGRESS_H

#include <stdint.h>

typedef void (*progress_bar)(void *label, uint64_t done, uint64_t all);

/* The function that draws, its context a text to stand before the bar (may be NULL); NULL if nobody
 * looks. */
progress_bar progress_to_terminal(void);

#endif

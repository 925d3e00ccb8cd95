/*
 * interrupt.h: Ctrl-C as a flag, for commands that put their work down safely.
 */
#ifndef DAEMON_CLI_INTERRUPT_H
#define DAEMON_CLI_INTERRUPT_H

#include <signal.h>

/* From now on SIGINT and SIGTERM set the flag; a second one ends the process. */
const volatile sig_atomic_t *interrupt_catch(void);

#endif

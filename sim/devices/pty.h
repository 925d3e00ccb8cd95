/*
 * pty.h: a pseudo-terminal pair with a symbolic link to its slave side: a serial port for others.
 */
#ifndef SIM_DEVICES_PTY_H
#define SIM_DEVICES_PTY_H

struct pty {
    int master;       /* non-blocking; -1: unplugged */
    int slave;        /* kept open, so that the master sees no hang-up between two readers */
    const char *link; /* borrowed */
};

/* Opens the pair in raw mode and makes the link; a link left behind by another run is replaced, a
 * file of another kind is not. 0, or -1 with errno. */
int pty_open(struct pty *p, const char *link);

/* Closes both sides (readers of the slave see a hang-up) and removes the link. Idempotent. */
void pty_close(struct pty *p);

#endif

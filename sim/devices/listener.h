/*
 * listener.h: a listening unix stream socket at a path.
 */
#ifndef SIM_DEVICES_LISTENER_H
#define SIM_DEVICES_LISTENER_H

/* Non-blocking; a socket left behind at the path is replaced, another kind of file is not. The
 * descriptor, or -1 with errno. */
int listener_open(const char *path);

/* Closes it and removes the path; fd -1 does nothing. */
void listener_close(int fd, const char *path);

#endif

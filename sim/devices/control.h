/*
 * control.h: a line of text in, a line of text out, on a unix stream socket: the fault menu's
 * transport. At most four clients; a line is at most 255 bytes.
 */
#ifndef SIM_DEVICES_CONTROL_H
#define SIM_DEVICES_CONTROL_H

#include <poll.h>
#include <stddef.h>

#define CONTROL_CLIENTS 4
#define CONTROL_LINE    256

/* Obeys a line (no newline) and writes the answer, without newline, into reply[CONTROL_LINE]. */
typedef void (*control_obey)(void *ctx, const char *line, char *reply);

struct control {
    int listener; /* -1: none */

    const char *path; /* private from here */
    control_obey obey;
    void *ctx;
    struct control_client {
        int fd; /* -1: free */
        size_t len;
        char line[CONTROL_LINE];
    } client[CONTROL_CLIENTS];
};

/* 0, or -1 with errno. path NULL: no control; every other call then does nothing. */
int control_init(struct control *c, const char *path, control_obey obey, void *ctx);
void control_deinit(struct control *c);

/* Fills fds (room for 1 + CONTROL_CLIENTS) and returns how many. */
size_t control_pollfds(const struct control *c, struct pollfd *fds);

/* Takes clients, reads lines, answers. */
void control_serve(struct control *c);

#endif

/*
 * replay.h: captured telegrams, answered in turn on a pseudo-terminal.
 *
 * The file is hex in free white space, any number of telegrams one after the other, each as long as
 * its own length field says. REQ_UD2 to a telegram's own primary address, or to 254, brings the
 * next of them (round and round); SND_NKE brings E5. Nothing in a telegram is checked beyond its
 * frame: what a meter sent is what the daemon must cope with.
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/devices/mbus_port.h"
#include "sim/options.h"

struct replay_telegram {
    uint8_t bytes[MBUS_FRAME_MAX];
    size_t len;
};

struct replay {
    struct replay_telegram *telegram;
    size_t count;
    size_t next;
};

/* Reads hex text. 0, or -1 with a sentence that names the place in error[200]. */
int replay_parse(struct replay *r, const char *text, size_t len, char *error);
void replay_deinit(struct replay *r);

/* A mbus_answer; ctx is a struct replay. */
size_t replay_answer(void *ctx, const struct mbus_request *request, uint8_t *reply);

/* --replay: the program until *stop. An exit status. */
int replay_run(const struct options *o, const volatile sig_atomic_t *stop, const sigset_t *mask);

#endif

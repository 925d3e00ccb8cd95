/* waveforms.h: the sampler's newest cycles of a clamp on their way to http. */
#ifndef DAEMON_RUN_WAVEFORMS_H
#define DAEMON_RUN_WAVEFORMS_H

#include "daemon/http/http.h"
#include "daemon/run/installation.h"
#include "daemon/run/streams.h"

/* As the hook of struct http_hooks; streams may be NULL: not started yet. */
HWT_MUST_CHECK int waveforms_get(const struct installation *site, struct streams *streams,
                                 const char *channel, unsigned cycles, struct http_waveform *out,
                                 char detail_out[HTTP_DETAIL]);

#endif

/*
 * scan_result.h: what a scan has told so far: for the API, `heatwatt scan --json` and its table.
 */
#ifndef DAEMON_RUN_SCAN_RESULT_H
#define DAEMON_RUN_SCAN_RESULT_H

#include "daemon/run/scan_item.h"

enum { SCAN_PROBLEMS_MAX = 32 };
enum scan_state { SCAN_IDLE, SCAN_RUNNING, SCAN_DONE, SCAN_STOPPED }; /* IDLE: none was yet */

struct scan_result {
    unsigned id;
    enum scan_state state;
    int64_t started_ms, ended_ms; /* unix ms; 0: not yet, or not known */
    char port[SCAN_PORTS_MAX][SCAN_PORT_MAX];
    unsigned ports;
    bool protocol[SCAN_PROTOCOLS];
    struct scan_progress progress; /* its port: one of `port`, or NULL */
    struct scan_item *item;
    unsigned items, room;
    struct {
        char port[SCAN_PORT_MAX], detail[SCAN_DETAIL_MAX];
    } problem[SCAN_PROBLEMS_MAX];
    unsigned problems;
    const struct config *config; /* for ids and what is configured; or NULL. Must outlive it */
};

/* The scan that `options` asks for begins. */
void scan_result_init(struct scan_result *r, const struct scan_options *options,
                      const struct config *config);
void scan_result_deinit(struct scan_result *r);
/* The item that was made of it; NULL: out of memory. */
const struct scan_item *scan_result_add(struct scan_result *r, const struct scan_found *found);
void scan_result_progress(struct scan_result *r, const struct scan_progress *progress);
void scan_result_problem(struct scan_result *r, const char *port, const char *detail);
/* The scan object of docs/HTTP_API.md, as text on one line, to be freed; *n_out its length. NULL:
 * out of memory. */
char *scan_result_json(const struct scan_result *r, size_t *n_out);

#endif

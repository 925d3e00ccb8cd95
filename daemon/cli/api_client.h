/* api_client.h: one request to the running daemon's API, waited for. */
#ifndef DAEMON_CLI_API_CLIENT_H
#define DAEMON_CLI_API_CLIENT_H

#include <jansson.h>

/*
 * method is GET, POST or DELETE; body NULL: none. Returns the status and the answer, to be
 * json_decref'ed (NULL if it was not JSON), or 0 and in error_out (256 bytes) why there was none.
 */
long api_request(const char *url, const char *method, const json_t *body, json_t **answer_out,
                 char *error_out);

#endif

/*
 * list_option.h: options that come several times or hold several words, "--series a,b --series c".
 */
#ifndef DAEMON_CLI_LIST_OPTION_H
#define DAEMON_CLI_LIST_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/csv.h"

enum { LIST_MAX = 256 };

/* Both cut up `text`, which they go on using. False: more than LIST_MAX in all, or an empty word, a
 * pair without '=' or with nothing on one side of it. */
bool list_add_words(const char *list[LIST_MAX], size_t *count, char *text);
/* "NAME=VALUE"; the last '=' parts them. */
bool list_add_pair(struct csv_pair list[LIST_MAX], size_t *count, char *text);

#endif

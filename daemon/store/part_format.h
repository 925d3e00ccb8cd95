/*
 * part_format.h: makes a log on a partition, over whatever is there.
 */
#ifndef DAEMON_STORE_PART_FORMAT_H
#define DAEMON_STORE_PART_FORMAT_H

#include <stdint.h>

#include "core/base/err.h"
#include "daemon/store/part_look.h"

struct part_facts {
    uint32_t mb;                /* MiB that a log would use */
    int content;                /* enum part_content */
    char what[PART_WHAT_BYTES]; /* of PART_FOREIGN: "an XFS file system" */
};

/* Changes nothing. 0, or IO with `error` in one sentence: not there, too small, not to be read. */
HWT_MUST_CHECK int part_facts(const char *path, struct part_facts *facts_out, char *error,
                              size_t n);
/*
 * Blanks the first page of each block, so that nothing of a log before is found again, tells the
 * device that its content is not needed, and makes an empty log. Refuses what is mounted or in use,
 * and nothing else: who calls has asked. 0, or IO with `error`.
 */
HWT_MUST_CHECK int part_format(const char *path, char *error, size_t n);

#endif

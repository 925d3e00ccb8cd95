/*
 * import.h: a CSV file becomes a stream of the log.
 */
#ifndef DAEMON_STORE_IMPORT_H
#define DAEMON_STORE_IMPORT_H

#include <stdint.h>
#include <stdio.h>

#include "core/flow.h"

/*
 * Reads the CSV file (daemon/store/csv.h) twice: first it is checked to its end, then its rows are
 * appended to a new stream of the log in folder `dir` (made if it is not there) and committed at
 * once: all of the file or nothing. Takes the log's lock.
 *
 * A row's interval ends at its time and begins at the row before; where that is more than twice the
 * file's shortest step, there is a gap and the interval is the shortest step long. `name` NULL: the
 * first of import_1, import_2 … that is not there. `progress` (may be NULL) gets bytes done of all
 * in the second pass. 0, or 1 after one line to `errors`.
 */
int log_import_csv(const char *dir, const char *csv, enum hwt_provenance provenance,
                   const char *name, void (*progress)(void *ctx, uint64_t done, uint64_t all),
                   void *ctx, FILE *errors);

#endif

/*
 * import.h: a CSV file becomes a stream of the log.
 *
 * The file (daemon/store/csv.h) is read twice: first it is checked to its end, so that a file with
 * an error leaves nothing; then its rows are appended to a stream of their own, with a commit each
 * 262144 values. An import that is cut short leaves the first rows of the file, durable; resumed,
 * it reads the file beside what the stream has, value by value, and goes on behind the last record.
 * What lies on damaged pages of the log is passed over, but at the stream's end it is imported
 * again.
 */
#ifndef DAEMON_STORE_IMPORT_H
#define DAEMON_STORE_IMPORT_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "core/flow.h"
#include "daemon/store/csv.h"

struct log_import_options {
    const char *dir;  /* the log's; made if it is not there. Its lock is taken */
    const char *file; /* CSV */
    enum hwt_provenance provenance;
    /* the stream's name; NULL: the first of import_1, import_2 … that has no records. To resume:
     * the last of them that has */
    const char *stream;
    bool resume;   /* go on with the stream, if it has records; else it must have none */
    bool by_start; /* rows are labelled by the start of their interval (import_rows.h) */
    struct csv_options csv;
    void (*progress)(void *ctx, uint64_t done, uint64_t all); /* bytes; may be NULL */
    void *ctx;
    const volatile sig_atomic_t *stop; /* turns true: commit and end; may be NULL */
};

struct log_import_result {
    bool ok, stopped;
    char stream[HWT_ID_MAX + 1]; /* "": not known yet */
    uint64_t before;             /* rows the stream had when it began */
    uint64_t rows;               /* rows of the file that are in the stream now, durable */
    uint64_t gone;               /* rows that lie on damaged pages */
    uint64_t skipped;            /* rows left out because time does not rise */
    int64_t first_ms, last_ms;   /* ends of the intervals of the first and the last of `rows` */
    unsigned channels;
    char why[512];         /* if not ok: in one line, without the file's name if `line` is set */
    unsigned line, column; /* of the file, 0: the error is not in it */
};

/* True: all of the file is in. */
bool log_import(const struct log_import_options *options, struct log_import_result *result_out);

/* The same for a file of our own, from the start; 0, or 1 after one line to `errors`. */
int log_import_csv(const char *dir, const char *csv, enum hwt_provenance provenance,
                   const char *name, void (*progress)(void *ctx, uint64_t done, uint64_t all),
                   void *ctx, FILE *errors);

#endif

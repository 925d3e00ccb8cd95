/*
 * engine.h: what the bench asks of an engine that runs inside it: ours, SQLite, a flat file.
 */
#ifndef BENCH_ENGINES_ENGINE_H
#define BENCH_ENGINES_ENGINE_H

#include "bench/engines/data.h"

/* All functions end the program with a message when they fail. */
struct engine {
    const char *name;
    /* Makes the data base in folder `dir` and puts all rows into it; durable on return. */
    void (*import)(const char *dir, const struct data *d);
    void (*roll)(const char *dir); /* makes what queries of long ranges take; NULL: nothing */
    void *(*open)(const char *dir);
    void (*close)(void *e);
    /* `d` gives the number of rows only. */
    void (*query[QUERIES])(void *e, const struct data *d, struct answer *a);
    /* Appends the first `rows` rows to a new data base in `dir`, each on its own. Returns the
     * seconds it took; durable: each is on the disk before the next, else only at the end, which is
     * not in the time. */
    double (*append)(const char *dir, const struct data *d, size_t rows, bool durable);
};

extern const struct engine engine_truth, engine_ours, engine_ours_unrolled, engine_flat,
    engine_sqlite_full, engine_sqlite_normal;

#endif

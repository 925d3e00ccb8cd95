/*
 * sqlite.c: SQLite with one row a record, values as whole numbers: its smallest and fastest form.
 * Write-ahead log; FULL syncs each transaction, NORMAL only checkpoints.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/engines/engine.h"
#include "bench/engines/live.h"

enum { TRANSACTION_ROWS = 8640 };

struct base {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static void run(sqlite3 *db, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        die("sqlite: %s: %s", sql, error);
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        die("sqlite: %s: %s", sql, sqlite3_errmsg(db));
    }
    return s;
}

static sqlite3 *open_file(const char *dir)
{
    char path[4096];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/log.sqlite", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        die("sqlite: %s: %s", path, sqlite3_errmsg(db));
    }
    return db;
}

/* "CREATE TABLE ..." or "INSERT ..." with a word for each series. */
static void make_sql(char *sql, size_t n, const char *head, const char *each, const char *tail)
{
    size_t at = (size_t)snprintf(sql, n, "%s", head);

    for (unsigned c = 0; c < YEAR_SERIES; c++) {
        char column[24];

        snprintf(column, sizeof(column), each, c);
        at += (size_t)snprintf(sql + at, n - at, ",%s", column);
    }
    snprintf(sql + at, n - at, "%s", tail);
}

static struct base *make(const char *dir, bool full)
{
    struct base *b = calloc(1, sizeof(*b));
    char sql[1024];

    if (b == NULL) {
        die("out of memory");
    }
    b->db = open_file(dir);
    run(b->db, "PRAGMA journal_mode=WAL");
    run(b->db, full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    make_sql(sql, sizeof(sql), "CREATE TABLE log(t INTEGER PRIMARY KEY", "c%u INTEGER", ")");
    run(b->db, sql);
    make_sql(sql, sizeof(sql), "INSERT INTO log VALUES(?", "?", ")");
    b->insert = prepare(b->db, sql);
    return b;
}

static void insert(struct base *b, const int32_t *row, size_t number)
{
    sqlite3_bind_int64(b->insert, 1, YEAR_FROM_S + (int64_t)number * YEAR_STEP_S);
    for (int c = 0; c < YEAR_SERIES; c++) {
        sqlite3_bind_int(b->insert, c + 2, row[c]);
    }
    if (sqlite3_step(b->insert) != SQLITE_DONE) {
        die("sqlite: %s", sqlite3_errmsg(b->db));
    }
    sqlite3_reset(b->insert);
}

static void close_base(void *e)
{
    struct base *b = e;

    sqlite3_finalize(b->insert);
    if (sqlite3_close(b->db) != SQLITE_OK) {
        die("sqlite: a statement is left open");
    }
    free(b);
}

static void import(const char *dir, const struct data *d, bool full)
{
    struct base *b = make(dir, full);

    for (size_t r = 0; r < d->rows; r++) {
        if (r % TRANSACTION_ROWS == 0) {
            run(b->db, r == 0 ? "BEGIN" : "COMMIT; BEGIN");
        }
        insert(b, d->row[r], r);
    }
    run(b->db, "COMMIT");
    run(b->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    close_base(b);
}

static void import_full(const char *dir, const struct data *d)
{
    import(dir, d, true);
}

static void import_normal(const char *dir, const struct data *d)
{
    import(dir, d, false);
}

static void *open_base(const char *dir)
{
    struct base *b = calloc(1, sizeof(*b));

    if (b == NULL) {
        die("out of memory");
    }
    b->db = open_file(dir);
    return b;
}

/* --- questions --- */

static bool step(sqlite3_stmt *s)
{
    int r = sqlite3_step(s);

    if (r != SQLITE_ROW && r != SQLITE_DONE) {
        die("sqlite: %s", sqlite3_errmsg(sqlite3_db_handle(s)));
    }
    return r == SQLITE_ROW;
}

static void q1(void *e, const struct data *d, struct answer *a)
{
    struct base *b = e;
    char sql[128];
    sqlite3_stmt *s;

    (void)d;
    snprintf(sql, sizeof(sql), "SELECT avg(c%d) FROM log GROUP BY t/3600", Q1_SERIES);
    s = prepare(b->db, sql);
    while (step(s)) {
        answer_put(a, sqlite3_column_double(s, 0) / data_scale(Q1_SERIES));
    }
    sqlite3_finalize(s);
}

static void q2(void *e, const struct data *d, struct answer *a)
{
    struct base *b = e;
    sqlite3_stmt *s = prepare(b->db, "SELECT * FROM log WHERE t>=? AND t<? ORDER BY t");
    int64_t from = YEAR_FROM_S + (int64_t)data_q2_row(d) * YEAR_STEP_S;

    sqlite3_bind_int64(s, 1, from);
    sqlite3_bind_int64(s, 2, from + 86400);
    for (size_t i = 0; i < YEAR_SERIES * YEAR_ROWS_A_DAY; i++) {
        answer_put(a, 0);
    }
    for (size_t r = 0; r < YEAR_ROWS_A_DAY && step(s); r++) {
        for (int c = 0; c < YEAR_SERIES; c++) {
            a->v[(size_t)c * YEAR_ROWS_A_DAY + r] =
                sqlite3_column_int(s, c + 1) / data_scale((size_t)c);
        }
    }
    sqlite3_finalize(s);
}

/* By looking up the last value of each day: ten times as fast as GROUP BY. */
static void q3(void *e, const struct data *d, struct answer *a)
{
    struct base *b = e;
    char sql[128];
    sqlite3_stmt *s;
    int64_t before = 0;

    snprintf(sql, sizeof(sql), "SELECT c%d FROM log WHERE t=?", Q3_SERIES);
    s = prepare(b->db, sql);
    for (size_t r = YEAR_ROWS_A_DAY; r <= d->rows; r += YEAR_ROWS_A_DAY) {
        int64_t now;

        sqlite3_bind_int64(s, 1, YEAR_FROM_S + ((int64_t)r - 1) * YEAR_STEP_S);
        if (!step(s)) {
            die("sqlite: a row is missing");
        }
        now = sqlite3_column_int64(s, 0);
        if (r > YEAR_ROWS_A_DAY) {
            answer_put(a, (double)(now - before) / data_scale(Q3_SERIES));
        }
        before = now;
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
}

static void q4(void *e, const struct data *d, struct answer *a)
{
    struct base *b = e;
    sqlite3_stmt *s = prepare(b->db, "SELECT * FROM log ORDER BY t DESC LIMIT 1");

    (void)d;
    if (!step(s)) {
        die("sqlite: no rows");
    }
    for (int c = 0; c < YEAR_SERIES; c++) {
        answer_put(a, sqlite3_column_int(s, c + 1) / data_scale((size_t)c));
    }
    sqlite3_finalize(s);
}

static void q5(void *e, const struct data *d, struct answer *a)
{
    struct base *b = e;
    size_t parts = data_q5_parts(d);
    char sql[512];
    size_t at = 0;
    sqlite3_stmt *s;

    for (size_t i = 0; i < Q5_SERIES; i++) {
        int c = (int)q5_series[i];

        at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s avg(c%d),min(c%d),max(c%d)",
                               i == 0 ? "SELECT" : ",", c, c, c);
    }
    snprintf(sql + at, sizeof(sql) - at, " FROM log GROUP BY (t-%lld)*1000/%lld",
             (long long)YEAR_FROM_S, (long long)data_q5_step_ms(d));
    for (size_t i = 0; i < Q5_SERIES * 3 * parts; i++) {
        answer_put(a, 0);
    }
    s = prepare(b->db, sql);
    for (size_t part = 0; part < parts && step(s); part++) {
        for (int i = 0; i < Q5_SERIES * 3; i++) {
            a->v[(size_t)i * parts + part] =
                sqlite3_column_double(s, i) / data_scale(q5_series[i / 3]);
        }
    }
    sqlite3_finalize(s);
}

static double append(const char *dir, const struct data *d, size_t rows, bool durable)
{
    struct base *b = make(dir, durable);
    double began = now_s(), took;

    for (size_t r = 0; r < rows; r++) {
        insert(b, d->row[r], r); /* a transaction of its own */
    }
    took = now_s() - began;
    close_base(b);
    return took;
}

#define QUERIES_OF_ALL \
    .open = open_base, .close = close_base, .query = {q1, q2, q3, q4, q5}, .append = append

const struct engine engine_sqlite_full = {
    .name = "sqlite-full", .import = import_full, QUERIES_OF_ALL};
const struct engine engine_sqlite_normal = {
    .name = "sqlite-normal", .import = import_normal, QUERIES_OF_ALL};

void live_sqlite(const char *dir, const struct data *d, bool full)
{
    struct base *b = make(dir, full);

    for (size_t r = 0;; r++) {
        insert(b, d->row[r % d->rows], r);
        live_wait(r + 1);
    }
}

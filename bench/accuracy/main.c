/*
 * accuracy: the metering core against exact integrals: one table, exit status 1 if a limit is
 * missed.
 *
 * usage: accuracy [--seeds N] [--only PREFIX] [--no-peers] [--full] [--recordings DIR] [--mistell
 * PPM]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"

static const char usage[] =
    "usage: accuracy [--seeds N] [--only PREFIX] [--no-peers] [--full] [--recordings DIR] "
    "[--mistell PPM]\n"
    "Measures known signals through sensors, converter, sample stream and meter; each row shows "
    "the\n"
    "worst of N seeds (8) at 12 and at 16 bits, its limit, and whether it is met. The columns "
    "under\n"
    "\"our model of the method\" are models of other firmwares' methods on the same signals.\n"
    "--recordings DIR: CSV files (# rate_hz=..., then v,i in volts and amperes) as points R1.\n"
    "--full: 10 years of D3. --mistell PPM: tells the meter a wrong ratio, so that limits are "
    "missed.\n";

bool bench_wants(const struct bench *b, const char *id)
{
    size_t n = b->only != NULL ? strlen(b->only) : 0;

    return b->only == NULL ||
           (strncmp(id, b->only, n) == 0 && (id[n] < '0' || id[n] > '9' || n == 1));
}

struct row bench_start(const char *id, const char *text, const char *unit)
{
    struct row row = {.id = id, .unit = unit};

    snprintf(row.text, sizeof(row.text), "%s", text);
    row.bits12 = row.bits16 = (struct result){(double)NAN, (double)NAN};
    for (int k = 0; k < PEER_COUNT; k++) {
        row.peer[k] = (double)NAN;
    }
    return row;
}

void bench_take(struct result *r, double value, double limit)
{
    /* The limit of the worst: relative to it. */
    double before = isnan(r->limit) ? fabs(r->worst) : fabs(r->worst) / r->limit;
    double now = isnan(limit) ? fabs(value) : fabs(value) / limit;

    if (isnan(r->worst) || isnan(value) || now > before) {
        r->worst = isnan(value) ? HUGE_VAL : value;
        r->limit = limit;
    }
}

static void print_result(const struct result *r)
{
    if (isnan(r->worst)) {
        printf("  %9s %8s %-4s", "", "", "");
    } else if (isnan(r->limit)) {
        printf("  %+9.4f %8s %-4s", r->worst, "", "info");
    } else {
        printf("  %+9.4f %8.4g %-4s", r->worst, r->limit,
               fabs(r->worst) <= r->limit ? "ok" : "MISS");
    }
}

void bench_row(struct bench *b, const struct row *row)
{
    printf("%-5s %-50s %-4s", row->id, row->text, row->unit);
    print_result(&row->bits12);
    print_result(&row->bits16);
    for (int k = 0; k < PEER_COUNT && b->peers; k++) {
        if (isnan(row->peer[k])) {
            printf(" %10s", "");
        } else {
            printf(" %+10.3f", row->peer[k]);
        }
    }
    printf("\n");
    fflush(stdout);
    b->rows++;
    b->missed += fabs(row->bits12.worst) > row->bits12.limit;
    b->missed += fabs(row->bits16.worst) > row->bits16.limit;
}

static void print_head(const struct bench *b)
{
    printf(
        "Worst of %u seeds. Limits are those of the method with its noise, not of a standard.\n\n",
        b->seeds);
    printf("%-5s %-50s %-4s  %-24s%-24s%s\n", "", "", "", "  12 bits", "  16 bits",
           b->peers ? "  our model of the method" : "");
    printf("%-5s %-50s %-4s", "point", "what", "unit");
    printf("  %9s %8s %-4s  %9s %8s %-4s", "worst", "limit", "", "worst", "limit", "");
    for (int k = 0; k < PEER_COUNT && b->peers; k++) {
        printf(" %10s", peer_names[k]);
    }
    printf("\n");
}

static bool parse(int argc, char **argv, struct bench *b, const char **recordings)
{
    for (int k = 1; k < argc; k++) {
        bool more = k + 1 < argc;

        if (strcmp(argv[k], "--seeds") == 0 && more) {
            b->seeds = (unsigned)strtoul(argv[++k], NULL, 10);
        } else if (strcmp(argv[k], "--only") == 0 && more) {
            b->only = argv[++k];
        } else if (strcmp(argv[k], "--recordings") == 0 && more) {
            *recordings = argv[++k];
        } else if (strcmp(argv[k], "--mistell") == 0 && more) {
            chain_mistold_ppm = strtod(argv[++k], NULL);
        } else if (strcmp(argv[k], "--no-peers") == 0) {
            b->peers = false;
        } else if (strcmp(argv[k], "--full") == 0) {
            b->full = true;
        } else {
            return false;
        }
    }
    return b->seeds > 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.seeds = 8, .peers = true};
    const char *recordings = NULL;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!parse(argc, argv, &b, &recordings)) {
        fputs(usage, stderr);
        return 2;
    }
    print_head(&b);
    points_power(&b);
    points_faults(&b);
    points_sensors(&b);
    points_phases(&b);
    points_registers(&b);
    points_values(&b);
    points_recordings(&b, recordings);
    printf("\n%u rows, %u limits missed\n", b.rows, b.missed);
    return b.missed > 0 || b.rows == 0 ? 1 : 0;
}

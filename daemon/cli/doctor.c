#include "daemon/cli/doctor.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/json.h"
#include "daemon/cli/doctor_checks.h"

/* Findings of 600 bytes, each of which may be escaped to six. */
enum { JSON_MAX = 1 << 19 };

static const char usage[] =
    "usage: heatwatt doctor --config FILE [--json]\n"
    "\n"
    "Checks an installation: the configuration, the data folder and its space, what the log "
    "writes\n"
    "to the disk, the clock, each serial port, socket and host, the page's port; says what to do. "
    "Run "
    "it\n"
    "as the user that heatwatt runs as. It changes nothing. Exit: 0 nothing failed, 1 something.\n";

static const char *const verdicts[DOCTOR_VERDICTS] = {"ok", "warn", "FAIL"};

static void add_problems(struct doctor *d, const struct config_problems *p)
{
    for (size_t i = 0; i < p->count; i++) {
        doctor_add(d, DOCTOR_FAIL, "configuration", "", "%s:%u: %s: %s", p->item[i].file,
                   p->item[i].line, p->item[i].field, p->item[i].text);
    }
    if (p->left_out > 0) {
        doctor_add(d, DOCTOR_FAIL, "configuration", "", "and %zu more", (size_t)p->left_out);
    }
}

static void examine(struct doctor *d, const char *path)
{
    struct config_problems problems;
    struct config *c;

    config_problems_init(&problems);
    c = config_load_problems(path, &problems);
    if (c == NULL) {
        add_problems(d, &problems);
    } else {
        doctor_add(d, DOCTOR_OK, "configuration", "", "%s: %u sources, %zu channels", c->path,
                   c->source_count, config_channel_count(c));
        doctor_check_folder(d, c);
        doctor_check_partition(d, c);
        doctor_check_space(d, c);
        doctor_check_wear(d, c);
        doctor_check_clock(d, c);
        doctor_check_inputs(d, c);
        doctor_check_running(d, c);
        doctor_check_page(d, c);
    }
    config_free(c);
    config_problems_free(&problems);
}

static size_t count(const struct doctor *d, enum doctor_verdict verdict)
{
    size_t n = 0;

    for (size_t i = 0; i < d->count; i++) {
        n += d->finding[i].verdict == verdict;
    }
    return n;
}

static void print_text(const struct doctor *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_finding *f = &d->finding[i];

        printf("%-4s  %-13s  %s\n", verdicts[f->verdict], f->check, f->text);
        if (f->advice[0] != '\0') {
            printf("%-4s  %-13s  -> %s\n", "", "", f->advice);
        }
    }
    printf("%zu failed, %zu to look at\n", count(d, DOCTOR_FAIL), count(d, DOCTOR_WARN));
}

static bool print_json(const struct doctor *d)
{
    static const char *const names[DOCTOR_VERDICTS] = {"ok", "warn", "fail"};
    char *text = malloc(JSON_MAX);
    struct hwt_json j;
    bool ok;

    if (text == NULL) {
        return false;
    }
    hwt_json_init(&j, text, JSON_MAX);
    hwt_json_object(&j, NULL);
    hwt_json_bool(&j, "ok", count(d, DOCTOR_FAIL) == 0);
    hwt_json_array(&j, "checks");
    for (size_t i = 0; i < d->count; i++) {
        hwt_json_object(&j, NULL);
        hwt_json_string(&j, "check", d->finding[i].check);
        hwt_json_string(&j, "verdict", names[d->finding[i].verdict]);
        hwt_json_string(&j, "text", d->finding[i].text);
        hwt_json_string(&j, "advice",
                        d->finding[i].advice[0] != '\0' ? d->finding[i].advice : NULL);
        hwt_json_end_object(&j);
    }
    hwt_json_end_array(&j);
    hwt_json_end_object(&j);
    ok = j.ok;
    if (ok) {
        printf("%.*s\n", (int)j.at, text);
    }
    free(text);
    return ok;
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(const char **path, bool *json, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(usage, stdout);
            return 1;
        }
        if (c == 'c') {
            *path = optarg;
        } else if (c == 'j') {
            *json = true;
        } else {
            return 2;
        }
    }
    if (*path == NULL || optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}

int doctor_main(int argc, char **argv)
{
    const char *path = NULL;
    bool json = false, printed = true;
    int status = parse(&path, &json, argc, argv);
    struct doctor *d;

    if (status != 0) {
        return status == 1 ? 0 : status;
    }
    d = calloc(1, sizeof(*d));
    if (d == NULL) {
        fputs("heatwatt doctor: out of memory\n", stderr);
        return 1;
    }
    examine(d, path);
    if (json) {
        printed = print_json(d);
    } else {
        print_text(d);
    }
    status = printed && count(d, DOCTOR_FAIL) == 0 ? 0 : 1;
    free(d);
    return status;
}

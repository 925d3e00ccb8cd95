#include "daemon/cli/calibrate_cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/time_text.h"
#include "daemon/cli/api_client.h"
#include "daemon/run/config.h"

static const char usage[] =
    "usage: heatwatt calibrate [options] show\n"
    "       heatwatt calibrate [options] reading INPUT VALUE\n"
    "       heatwatt calibrate [options] resistive CLAMP\n"
    "       heatwatt calibrate [options] meter CLAMP METER\n"
    "       heatwatt calibrate [options] sum MAIN CIRCUIT...\n"
    "       heatwatt calibrate [options] back NUMBER\n"
    "\n"
    "Asks the running daemon; docs/CALIBRATION.md tells which method is for what.\n"
    "\n"
    "show       what counts for each input, and the history\n"
    "reading    gain: an instrument at the input shows VALUE now (V, A, or W with --of power)\n"
    "resistive  phase: a kettle or heater, and nothing else, is on that clamp now\n"
    "meter      gain and phase, from the records of a clamp and of a meter on the same circuit: a\n"
    "           source, such as sdm, or one channel of it\n"
    "sum        gain of each circuit, so that together they are what the main clamp measures;\n"
    "           -- before circuits with - in front, which feed in: sum grid -- hp hob -solar\n"
    "back       takes a calibration back, from the past too\n"
    "\n"
    "  --of power            reading: VALUE is in W\n"
    "  --uncertainty U       what the instrument, meter or main clamp is good for, in % (1), or\n"
    "                        how resistive the load is, in degrees (0.1)\n"
    "  --average S           reading, resistive: of the last S seconds, 1 to 60 (10)\n"
    "  --from T              meter, sum: from records since T (a week, as far as the sensor is\n"
    "                        the same)\n"
    "  --since T             corrects what was recorded since T, too\n"
    "  --check               tells what would be found, and keeps nothing\n"
    "  --json                prints the answer as it came\n"
    "  --config FILE         the daemon's configuration, for its address\n"
    "  --url URL             its address (http://127.0.0.1:8080)\n"
    "\n"
    "T is 2026-11-20T14:05:00Z, unix ms, now-90m or -7d (s m h d w).\n";

enum { URL_MAX = 200, FAULT_MAX = 256 };

struct calibrate {
    char url[URL_MAX];
    const char *of, *uncertainty, *average, *from, *since;
    bool check, json;
};

/* --- asking --- */

/* The answer, or NULL after a sentence on stderr. */
static json_t *ask(const struct calibrate *c, const char *method, const char *path,
                   const json_t *body)
{
    char url[URL_MAX + 64], error[FAULT_MAX];
    json_t *answer;
    long status;

    snprintf(url, sizeof(url), "%s/api/v1/%s", c->url, path);
    status = api_request(url, method, body, &answer, error);
    if (status == 0) {
        fprintf(stderr, "heatwatt calibrate: no answer from %s: %s; is the daemon running?\n",
                c->url, error);
    } else if (status != 200 || answer == NULL) {
        const char *detail = json_string_value(json_object_get(answer, "detail"));

        fprintf(stderr, "heatwatt calibrate: %s\n", detail != NULL ? detail : "a strange answer");
    }
    if (status == 200 && answer != NULL) {
        return answer;
    }
    json_decref(answer);
    return NULL;
}

/* A time of the command line against the daemon's clock, which the plant may have elsewhere. */
static bool set_time(const struct calibrate *c, json_t *body, const char *name, const char *text)
{
    json_t *live;
    int64_t now_ms, ms;

    if (text == NULL) {
        return true;
    }
    live = ask(c, "GET", "live", NULL);
    now_ms = (int64_t)json_integer_value(json_object_get(live, "time"));
    json_decref(live);
    if (live == NULL) {
        return false;
    }
    if (!time_text_instant(text, now_ms, NULL, NULL, &ms)) {
        fprintf(stderr, "heatwatt calibrate: --%s %s is not a time\n", name, text);
        return false;
    }
    return json_object_set_new(body, name, json_integer(ms)) == 0;
}

static bool set_number(json_t *body, const char *name, const char *text)
{
    char *end;
    double v;

    if (text == NULL) {
        return true;
    }
    v = strtod(text, &end);
    if (end == text || *end != '\0') {
        fprintf(stderr, "heatwatt calibrate: '%s' is not a number\n", text);
        return false;
    }
    return json_object_set_new(body, name, json_real(v)) == 0;
}

static bool set_text(json_t *body, const char *name, const char *text)
{
    return text == NULL || json_object_set_new(body, name, json_string(text)) == 0;
}

/* --- telling --- */

static void print_found(const json_t *e)
{
    const json_t *gain = json_object_get(e, "gain"), *phase = json_object_get(e, "phase_deg");
    const json_t *number = json_object_get(e, "number");
    char time[TIME_TEXT_MAX];

    if (json_is_integer(number)) {
        printf("%4lld  ", (long long)json_integer_value(number));
    }
    printf("%-18s", json_string_value(json_object_get(e, "input")));
    if (json_is_number(gain)) {
        printf(" gain %.6f +-%.2f %%", json_number_value(gain),
               json_number_value(json_object_get(e, "gain_pct")));
    }
    if (json_is_number(phase)) {
        printf(" phase %+.3f +-%.3f degrees", json_number_value(phase),
               json_number_value(json_object_get(e, "phase_half_deg")));
    }
    printf("\n      %s, %s: %s\n",
           time_text_print((int64_t)json_integer_value(json_object_get(e, "time")), time),
           json_string_value(json_object_get(e, "method")),
           json_string_value(json_object_get(e, "note")));
}

static void print_history(const json_t *e)
{
    const json_t *back = json_object_get(e, "taken_back"), *since = json_object_get(e, "since");
    char time[TIME_TEXT_MAX];

    print_found(e);
    if (json_is_integer(since)) {
        printf("      the past corrected since %s\n",
               time_text_print((int64_t)json_integer_value(since), time));
    }
    if (json_is_integer(back)) {
        printf("      taken back %s\n", time_text_print((int64_t)json_integer_value(back), time));
    } else if (!json_is_true(json_object_get(e, "counts"))) {
        printf("      does not count any more\n");
    }
}

static void print_answer(const json_t *answer, bool back)
{
    const json_t *corrections = json_object_get(answer, "corrections");
    const json_t *list = json_object_get(answer, "calibrations"), *e;
    size_t i;

    json_array_foreach(list, i, e)
    {
        print_found(e);
    }
    puts(back                                            ? "taken back"
         : json_is_true(json_object_get(answer, "kept")) ? "kept, and applied at once"
                                                         : "only checked, not kept");
    if (json_is_integer(corrections)) {
        printf("the past is corrected (%lld corrections)\n",
               (long long)json_integer_value(corrections));
    }
}

static void print_state(const json_t *answer)
{
    const json_t *e;
    size_t i;

    printf("%-18s %10s %8s %10s %8s\n", "input", "gain", "+-%", "phase", "+-deg");
    json_array_foreach(json_object_get(answer, "inputs"), i, e)
    {
        const json_t *pct = json_object_get(e, "gain_pct");
        const json_t *half = json_object_get(e, "phase_half_deg");

        printf("%-18s %10.6f", json_string_value(json_object_get(e, "id")),
               json_number_value(json_object_get(e, "gain")));
        if (json_is_number(pct)) {
            printf(" %8.2f", json_number_value(pct));
        } else {
            printf(" %8s", "nominal");
        }
        printf(" %+10.3f", json_number_value(json_object_get(e, "phase_deg")));
        if (json_is_number(half)) {
            printf(" %8.3f\n", json_number_value(half));
        } else {
            printf(" %8s\n", "nominal");
        }
    }
    json_array_foreach(json_object_get(answer, "history"), i, e)
    {
        if (i == 0) {
            puts("\nhistory");
        }
        print_history(e);
    }
}

static int tell(const struct calibrate *c, json_t *answer, void (*print)(const json_t *))
{
    if (answer == NULL) {
        return 1;
    }
    if (c->json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        print(answer);
    }
    json_decref(answer);
    return 0;
}

static void print_kept(const json_t *answer)
{
    print_answer(answer, false);
}

static void print_back(const json_t *answer)
{
    print_answer(answer, true);
}

/* --- commands --- */

static int post(const struct calibrate *c, json_t *body, const char *uncertainty)
{
    int status = 1;

    if (body != NULL && set_number(body, uncertainty, c->uncertainty) &&
        set_number(body, "average_s", c->average) && set_text(body, "quantity", c->of) &&
        set_time(c, body, "from", c->from) && set_time(c, body, "since", c->since) &&
        (!c->check || json_object_set_new(body, "check", json_true()) == 0)) {
        status = tell(c, ask(c, "POST", "calibration", body), print_kept);
    }
    json_decref(body);
    return status;
}

static json_t *new_body(const char *method, const char *input)
{
    return json_pack("{s:s, s:s}", "method", method, "input", input);
}

static int run_show(const struct calibrate *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return tell(c, ask(c, "GET", "calibration", NULL), print_state);
}

static int run_reading(const struct calibrate *c, int argc, char **argv)
{
    json_t *body = new_body("reading", argv[0]);

    (void)argc;
    if (!set_number(body, "value", argv[1])) {
        json_decref(body);
        return 2;
    }
    return post(c, body, "uncertainty_pct");
}

static int run_resistive(const struct calibrate *c, int argc, char **argv)
{
    (void)argc;
    return post(c, new_body("resistive", argv[0]), "uncertainty_deg");
}

static int run_meter(const struct calibrate *c, int argc, char **argv)
{
    json_t *body = new_body("meter", argv[0]);

    (void)argc;
    (void)set_text(body, "meter", argv[1]);
    return post(c, body, "uncertainty_pct");
}

static int run_sum(const struct calibrate *c, int argc, char **argv)
{
    json_t *body = new_body("sum", argv[0]), *circuits = json_array();

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") != 0) {
            json_array_append_new(circuits, json_string(argv[i]));
        }
    }
    json_object_set_new(body, "circuits", circuits);
    return post(c, body, "uncertainty_pct");
}

static int run_back(const struct calibrate *c, int argc, char **argv)
{
    char path[64];

    (void)argc;
    if (argv[0][0] == '\0' || strspn(argv[0], "0123456789") != strlen(argv[0]) ||
        strlen(argv[0]) > 9) {
        fprintf(stderr, "heatwatt calibrate: '%.40s' is not a number of the history\n", argv[0]);
        return 2;
    }
    snprintf(path, sizeof(path), "calibration/%s", argv[0]);
    return tell(c, ask(c, "DELETE", path, NULL), print_back);
}

static const struct {
    const char *name;
    int least, most; /* words behind it */
    int (*run)(const struct calibrate *c, int argc, char **argv);
} commands[] = {
    {"show", 0, 0, run_show},   {"reading", 2, 2, run_reading}, {"resistive", 1, 1, run_resistive},
    {"meter", 2, 2, run_meter}, {"sum", 2, 99, run_sum},        {"back", 1, 1, run_back},
};

static bool take_config(struct calibrate *c, const char *path)
{
    struct config *config = config_load(path, stderr);

    if (config != NULL) {
        snprintf(c->url, sizeof(c->url),
                 strchr(config->listen, ':') != NULL ? "http://[%s]:%u" : "http://%s:%u",
                 config->listen, (unsigned)config->port);
    }
    config_free(config);
    return config != NULL;
}

/* False: the usage was wrong, or a file; *status says so. */
static bool take_options(struct calibrate *c, int argc, char **argv, int *status)
{
    static const struct option options[] = {
        {"of", required_argument, NULL, 'o'},
        {"uncertainty", required_argument, NULL, 'u'},
        {"average", required_argument, NULL, 'a'},
        {"from", required_argument, NULL, 'f'},
        {"since", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'k'},
        {"json", no_argument, NULL, 'j'},
        {"config", required_argument, NULL, 'c'},
        {"url", required_argument, NULL, 'U'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int o;

    *status = 2;
    while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        const char **text = o == 'o'   ? &c->of
                            : o == 'u' ? &c->uncertainty
                            : o == 'a' ? &c->average
                            : o == 'f' ? &c->from
                            : o == 's' ? &c->since
                                       : NULL;

        if (text != NULL) {
            *text = optarg;
        } else if (o == 'k' || o == 'j') {
            *(o == 'k' ? &c->check : &c->json) = true;
        } else if (o == 'c' && !take_config(c, optarg)) {
            *status = 1;
            return false;
        } else if (o == 'U') {
            snprintf(c->url, sizeof(c->url), "%s", optarg);
            c->url[strcspn(c->url, "\n")] = '\0';
        } else if (o == 'h') {
            fputs(usage, stdout);
            *status = 0;
            return false;
        } else if (o == '?') {
            fputs(usage, stderr);
            return false;
        }
    }
    return true;
}

int calibrate_main(int argc, char **argv)
{
    struct calibrate c = {.url = "http://127.0.0.1:8080"};
    int status;

    if (!take_options(&c, argc, argv, &status)) {
        return status;
    }
    if (strlen(c.url) > 0 && c.url[strlen(c.url) - 1] == '/') {
        c.url[strlen(c.url) - 1] = '\0';
    }
    for (size_t i = 0; optind < argc && i < sizeof(commands) / sizeof(commands[0]); i++) {
        int words = argc - optind - 1;

        if (strcmp(argv[optind], commands[i].name) == 0 && words >= commands[i].least &&
            words <= commands[i].most) {
            return commands[i].run(&c, words, argv + optind + 1);
        }
    }
    fputs(usage, stderr);
    if (optind == argc) {
        fputs("heatwatt calibrate: what is to be done?\n", stderr);
    }
    return 2;
}

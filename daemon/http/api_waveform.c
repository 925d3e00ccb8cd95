/*
 * api_waveform.c: GET /api/v1/waveform: the newest cycles of a clamp and its voltage, as JSON or as
 * binary columns (the container of sheet.c).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/json.h"
#include "core/base/quantity.h"
#include "daemon/http/api.h"
#include "daemon/http/plan.h"
#include "daemon/http/sheet.h"

enum {
    CYCLES_DEFAULT = 2,
    HEAD_ROOM =
        16384,        /* bytes of JSON beside samples: 160 numbers of harmonics, and what is said */
    SAMPLE_ROOM = 48, /* two values of 16 bytes, and two places in the lists of clipped samples */
    COLUMNS = 6,
    COLUMNS_HEAD = 16,
    BLOCK_HEAD = 8
};

struct side { /* one of the two traces */
    const struct hwt_meter_trace *trace;
    const char *key, *quantity, *unit, *source;
    unsigned digits; /* of its values */
};

static void put_number(struct hwt_json *j, const char *key, double v, unsigned digits)
{
    static const int64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

    hwt_json_scaled(j, key, llround(v * (double)tens[digits]), tens[digits], digits);
}

static void put_if(struct hwt_json *j, const char *key, bool known, double v, unsigned digits)
{
    if (known) {
        put_number(j, key, v, digits);
    } else {
        hwt_json_null(j, key);
    }
}

static void put_list(struct hwt_json *j, const char *key, const double *v, size_t n,
                     unsigned digits)
{
    hwt_json_array(j, key);
    for (size_t i = 0; i < n; i++) {
        put_number(j, NULL, v[i], digits);
    }
    hwt_json_end_array(j);
}

static void put_harmonics(struct hwt_json *j, const struct http_waveform *w, const struct side *s)
{
    if (w->scope.hz <= 0) {
        hwt_json_null(j, "harmonics");
        return;
    }
    hwt_json_object(j, "harmonics");
    put_list(j, "rms", s->trace->harmonic, HWT_METER_HARMONICS, s->digits);
    put_list(j, "angle_deg", s->trace->angle_deg, HWT_METER_HARMONICS, 1);
    hwt_json_end_object(j);
}

static void put_clipped(struct hwt_json *j, const struct hwt_meter_trace *t, uint32_t samples)
{
    hwt_json_array(j, "clipped");
    for (uint32_t k = 0; k < samples; k++) {
        if (t->clipped[k] != 0) {
            hwt_json_uint(j, NULL, k);
        }
    }
    hwt_json_end_array(j);
}

static void put_side(struct hwt_json *j, const struct http_waveform *w, const struct side *s,
                     bool values)
{
    const struct hwt_meter_trace *t = s->trace;
    bool clamp = t == &w->scope.current;

    hwt_json_object(j, s->key);
    hwt_json_string(j, "source", s->source);
    hwt_json_string(j, "unit", s->unit);
    put_number(j, "first_us", t->first_us, 3);
    put_number(j, "rms", t->rms, s->digits);
    put_if(j, "fundamental", w->scope.hz > 0, t->harmonic[0], s->digits);
    put_if(j, "thd", t->thd_known, t->thd, 4);
    put_number(j, "lsb", t->ratio, 6);
    put_number(j, "offset_lsb", t->offset, 2);
    put_number(j, "residue", t->residue, s->digits);
    if (clamp) {
        put_if(j, "noise_lsb", w->noise >= 0, w->noise, 3);
        put_if(j, "noise", w->noise >= 0, w->noise * t->ratio, 5);
    }
    put_clipped(j, t, w->scope.samples);
    put_harmonics(j, w, s);
    if (values) {
        put_list(j, "values", t->value, w->scope.samples, s->digits);
    }
    hwt_json_end_object(j);
}

static unsigned sides_of(const struct http_waveform *w, struct side out[2])
{
    unsigned n = 0;

    if (w->voltage != NULL) {
        out[n++] = (struct side){&w->scope.voltage, "voltage", "voltage", "V", w->voltage, 3};
    }
    out[n++] = (struct side){&w->scope.current, "current", "current", "A", w->source, 5};
    return n;
}

static void put_head(struct hwt_json *j, const struct http_waveform *w, unsigned cycles)
{
    bool whole = w->scope.hz > 0;

    hwt_json_string(j, "source", w->source);
    hwt_json_string(j, "label", w->label);
    if (w->unix_ms == HWT_TIME_UNKNOWN) {
        hwt_json_null(j, "time");
    } else {
        hwt_json_int(j, "time", w->unix_ms);
    }
    hwt_json_string(j, "provenance", hwt_provenance_name(w->provenance));
    hwt_json_uint(j, "cycles", cycles);
    put_if(j, "frequency", whole, w->scope.hz, 3);
    hwt_json_uint(j, "samples", w->scope.samples);
    put_number(j, "step_us", w->scope.step_us, 6);
    hwt_json_uint(j, "bits", w->bits);
    hwt_json_string(j, "minus", w->minus);
    put_number(j, "shift_deg", w->shift_deg, 2);
}

/* All but what closes the object. */
static void put_waveform(struct hwt_json *j, const struct http_waveform *w, unsigned cycles,
                         bool values)
{
    struct side side[2];
    unsigned sides = sides_of(w, side);

    hwt_json_object(j, NULL);
    put_head(j, w, cycles);
    if (w->voltage == NULL) {
        hwt_json_null(j, "voltage");
    }
    for (unsigned i = 0; i < sides; i++) {
        put_side(j, w, &side[i], values);
    }
}

/* --- binary --- */

static void put_column(struct hwt_json *j, const struct side *s, const char *fn, const char *unit)
{
    char id[2 * HWT_ID_MAX];

    snprintf(id, sizeof(id), "%s_%s", s->source, s->quantity);
    hwt_json_object(j, NULL);
    hwt_json_string(j, "series", id);
    hwt_json_string(j, "fn", fn);
    hwt_json_string(j, "unit", unit);
    hwt_json_end_object(j);
}

static void put_doubles(struct hwt_writer *w, double first, double step, const double *v,
                        const uint8_t *flag, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        double x = v != NULL ? v[k] : flag != NULL ? flag[k] : first + step * k;
        uint64_t bits;

        memcpy(&bits, &x, sizeof(bits));
        hwt_put_u64le(w, bits);
    }
}

static size_t columns(const struct http_waveform *w, unsigned cycles, char *p, size_t room)
{
    static const char magic[8] = {'h', 'e', 'a', 't', 'w', 'a', 't', 't'};
    struct side side[2];
    unsigned sides = sides_of(w, side);
    struct hwt_writer out;
    struct hwt_json j;

    hwt_json_init(&j, p + COLUMNS_HEAD, HEAD_ROOM + (size_t)w->scope.samples * SAMPLE_ROOM);
    put_waveform(&j, w, cycles, false);
    hwt_json_array(&j, "fixed");
    hwt_json_end_array(&j);
    hwt_json_array(&j, "columns");
    for (unsigned i = 0; i < sides; i++) {
        put_column(&j, &side[i], "time", "us");
        put_column(&j, &side[i], "value", side[i].unit);
        put_column(&j, &side[i], "clipped", "1");
    }
    hwt_json_end_array(&j);
    hwt_json_end_object(&j);
    while (j.ok && j.at % 8 != 0) {
        p[COLUMNS_HEAD + j.at++] = ' ';
    }
    hwt_writer_init(&out, p, room);
    hwt_put_bytes(&out, magic, sizeof(magic));
    hwt_put_u32le(&out, 1);
    hwt_put_u32le(&out, (uint32_t)j.at);
    out.at += j.at;
    hwt_put_u32le(&out, w->scope.samples);
    hwt_put_u32le(&out, 0);
    for (unsigned i = 0; i < sides; i++) {
        const struct hwt_meter_trace *t = side[i].trace;

        put_doubles(&out, t->first_us, w->scope.step_us, NULL, NULL, w->scope.samples);
        put_doubles(&out, 0, 0, t->value, NULL, w->scope.samples);
        put_doubles(&out, 0, 0, NULL, t->clipped, w->scope.samples);
    }
    hwt_put_u32le(&out, 0); /* the block without rows: the end, and whole */
    hwt_put_u32le(&out, 0);
    return j.ok && out.ok ? out.at : 0;
}

static size_t json(const struct http_waveform *w, unsigned cycles, char *p, size_t room)
{
    struct hwt_json j;

    hwt_json_init(&j, p, room);
    put_waveform(&j, w, cycles, true);
    hwt_json_end_object(&j);
    return j.ok ? j.at : 0;
}

/* --- the request --- */

static struct http_reply *wrong(unsigned status, const char *parameter, const char *detail)
{
    struct http_problem problem;

    http_problem_set(&problem, status, parameter, "%s: %s", parameter, detail);
    return http_problem_reply(&problem);
}

static bool read_cycles(const struct http_query *query, unsigned *out)
{
    const char *text = http_query_get(query, "cycles");
    int64_t v = CYCLES_DEFAULT;

    if (text != NULL && !http_number(text, 1, HWT_METER_SCOPE_CYCLES_MAX, &v)) {
        return false;
    }
    *out = (unsigned)v;
    return true;
}

/* Binary or not; false: neither. */
static bool read_format(const struct http_request *request, const struct http_query *query,
                        bool *binary_out)
{
    const char *text = http_query_get(query, "format");

    if (text == NULL) {
        *binary_out = plan_format_accepted(request->header[HTTP_ACCEPT]) == PLAN_COLUMNS;
        return true;
    }
    *binary_out = strcmp(text, "binary") == 0;
    return *binary_out || strcmp(text, "json") == 0;
}

static struct http_reply *answer(const struct http_waveform *w, unsigned cycles, bool binary)
{
    size_t n = w->scope.samples;
    size_t room = COLUMNS_HEAD + HEAD_ROOM + n * SAMPLE_ROOM + n * COLUMNS * 8 + 2 * BLOCK_HEAD;
    char *p = malloc(room);
    struct http_reply *reply;

    if (p == NULL) {
        return NULL;
    }
    n = binary ? columns(w, cycles, p, room) : json(w, cycles, p, room);
    if (n == 0) {
        free(p);
        return http_problem(500, "the answer is too long");
    }
    reply = http_reply_lend(200, sheet_type(binary ? PLAN_COLUMNS : PLAN_JSON), p, n, free, p);
    if (reply != NULL && (!http_reply_header(reply, "Cache-Control", "no-store") ||
                          !http_reply_header(reply, "Vary", "Accept"))) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

struct http_reply *api_waveform(struct http *h, struct http_request *request,
                                const struct http_query *query)
{
    const char *channel = http_query_get(query, "channel");
    char detail[HTTP_DETAIL];
    struct http_waveform w;
    struct http_reply *reply;
    unsigned cycles;
    bool binary;
    int err;

    if (channel == NULL) {
        return wrong(400, "channel", "is missing; the id of a clamp, or of one of its channels");
    }
    if (!read_cycles(query, &cycles)) {
        return wrong(400, "cycles", "not right; a whole number from 1 to 10");
    }
    if (!read_format(request, query, &binary)) {
        return wrong(400, "format", "not right; json or binary");
    }
    err = h->hooks.waveform == NULL ? HWT_ERR_UNSUPPORTED
                                    : h->hooks.waveform(h->hooks.ctx, channel, cycles, &w, detail);
    if (err == HWT_ERR_ARGUMENT) {
        return wrong(400, "channel", detail);
    }
    if (err != 0) {
        return http_problem(503, "%s", err == HWT_ERR_AGAIN ? detail : hwt_err_name(err));
    }
    reply = answer(&w, cycles, binary);
    free(w.memory);
    return reply;
}

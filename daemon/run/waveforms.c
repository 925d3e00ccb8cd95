#include "daemon/run/waveforms.h"

#include <stdio.h>
#include <string.h>

/* The index of the source that the name is, or one of whose channels it is; -1: none. */
static int find(const struct installation *site, const char *name)
{
    for (unsigned i = 0; i < site->source_count; i++) {
        if (strcmp(site->source[i].id, name) == 0) {
            return (int)i;
        }
    }
    for (unsigned i = 0; i < site->schema.count; i++) {
        if (strcmp(site->channel[i].id, name) == 0) {
            return site->column[i].source;
        }
    }
    return -1;
}

/* "; the clamps are grid, hp" behind what is there, as far as there is room. */
static void list_clamps(const struct installation *site, char *out, size_t n)
{
    size_t at = strlen(out);
    const char *before = "; the clamps are ";

    for (unsigned i = 0; i < site->source_count; i++) {
        if (site->source[i].kind != SOURCE_IS_CLAMP) {
            continue;
        }
        if (at + strlen(before) + strlen(site->source[i].id) + sizeof(", ...") > n) {
            snprintf(out + at, n - at, ", ...");
            return;
        }
        at += (size_t)snprintf(out + at, n - at, "%s%s", before, site->source[i].id);
        before = ", ";
    }
    if (before[0] == ';') {
        snprintf(out + at, n - at, "; no clamp is configured");
    }
}

static void describe(const struct installation *site, unsigned source,
                     const struct sampler_view *view, struct http_waveform *out)
{
    const struct site_source *s = &site->source[source];
    const struct config_input *in = &site->config->source[s->config].clamps[s->input];

    *out = (struct http_waveform){
        .scope = view->scope,
        .memory = view->memory,
        .source = s->id,
        .label = s->label,
        .voltage = view->scope.has_voltage ? in->voltage_id : NULL,
        .minus = in->minus_id[0] != '\0' ? in->minus_id : NULL,
        .shift_deg = in->shift_deg,
        .noise = view->noise,
        .unix_ms = view->unix_ms,
        .bits = view->bits,
        .provenance = site->config->simulated ? HWT_PROVENANCE_SIMULATED : HWT_PROVENANCE_MEASURED,
    };
}

int waveforms_get(const struct installation *site, struct streams *streams, const char *channel,
                  unsigned cycles, struct http_waveform *out, char detail_out[HTTP_DETAIL])
{
    int source = find(site, channel);
    struct sampler_view view;
    int err;

    if (source < 0 || site->source[source].kind != SOURCE_IS_CLAMP) {
        snprintf(detail_out, HTTP_DETAIL,
                 source < 0 ? "'%.70s' is not configured" : "'%.70s' is not of a clamp", channel);
        list_clamps(site, detail_out, HTTP_DETAIL);
        return HWT_ERR_ARGUMENT;
    }
    err = streams == NULL ? HWT_ERR_AGAIN : streams_scope(streams, (unsigned)source, cycles, &view);
    if (err == HWT_ERR_AGAIN || err == HWT_ERR_ARGUMENT) { /* the latter: a stream of other slots */
        snprintf(detail_out, HTTP_DETAIL,
                 "no samples of '%s' now: less than %u cycles since the "
                 "stream began, or it has stopped",
                 site->source[source].id, cycles);
        return HWT_ERR_AGAIN;
    }
    if (err == 0) {
        describe(site, (unsigned)source, &view, out);
    }
    return err;
}

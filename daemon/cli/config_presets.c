#include "daemon/cli/config_presets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "daemon/run/config_models.h"

enum { JSON_MAX = 256 * 1024 };

/* "2000 A : 1 A", "30 A : 1 V", "20 V : 1 V" */
static void print_ratio(const struct config_sensor_model *m, bool clamp, char *out, size_t n)
{
    snprintf(out, n, "%.6g %s : 1 %s", m->ratio, clamp ? "A" : "V",
             clamp && m->output == OUTPUT_CURRENT ? "A" : "V");
}

static void print_lead(const struct config_sensor_model *m, char *out, size_t n)
{
    double least, most;

    if (!config_model_lead(m, &least, &most)) {
        snprintf(out, n, "not known");
    } else if (most - least < 0.005) {
        snprintf(out, n, "%.2f", most);
    } else {
        snprintf(out, n, "%.2f to %.2f", least, most);
    }
}

static void print_line(const struct config_sensor_model *m, bool clamp)
{
    char ratio[48], lead[48];

    print_ratio(m, clamp, ratio, sizeof(ratio));
    print_lead(m, lead, sizeof(lead));
    printf("%-32s %-16s %-14s %s\n", m->name, ratio, lead, m->class_text);
}

static void print_all_of(const struct config_sensor_model *m, bool clamp)
{
    char ratio[48], lead[48];

    print_ratio(m, clamp, ratio, sizeof(ratio));
    print_lead(m, lead, sizeof(lead));
    printf("%s: \"%s\"\n  ratio   %s\n", clamp ? "ct" : "vt", m->name, ratio);
    if (m->rated_a > 0) {
        printf("  rated   %g A\n", m->rated_a);
    }
    printf("  leads   %s degrees at 50 Hz\n", lead);
    for (unsigned k = 0; k < m->curve_count; k++) {
        printf("          %.2f degrees, ratio x %g at %g %s\n", m->curve[k].phase_deg,
               m->curve[k].factor, m->curve[k].level, clamp ? "A" : "V");
    }
    printf("  class   %s\n  source  %s\n", m->class_text[0] != '\0' ? m->class_text : "not stated",
           m->source);
    fputs("Typical of the model, not measured by us.\n", stdout);
}

static void put_number(struct hwt_json *j, const char *key, double v)
{
    hwt_json_scaled(j, key, (int64_t)(v * 1e6 + (v < 0 ? -0.5 : 0.5)), 1000000, 6);
}

static void put_model(struct hwt_json *j, const struct config_sensor_model *m, bool clamp)
{
    hwt_json_object(j, NULL);
    hwt_json_string(j, "name", m->name);
    if (clamp) {
        hwt_json_string(j, "output", m->output == OUTPUT_CURRENT ? "current" : "voltage");
    }
    put_number(j, "ratio", m->ratio);
    if (m->rated_a > 0) {
        put_number(j, "rated_a", m->rated_a);
    }
    hwt_json_string(j, "class", m->class_text[0] != '\0' ? m->class_text : NULL);
    if (m->phase_known && m->curve_count == 0) {
        put_number(j, "phase_deg", m->phase_deg);
    } else if (!m->phase_known) {
        hwt_json_null(j, "phase_deg");
    }
    hwt_json_array(j, "curve");
    for (unsigned k = 0; k < m->curve_count; k++) {
        hwt_json_object(j, NULL);
        put_number(j, "level", m->curve[k].level);
        put_number(j, "factor", m->curve[k].factor);
        put_number(j, "phase_deg", m->curve[k].phase_deg);
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
    hwt_json_string(j, "source", m->source);
    hwt_json_end_object(j);
}

static int print_json(const struct config_models *all, const char *name)
{
    char *text = malloc(JSON_MAX);
    struct hwt_json j;

    if (text == NULL) {
        fputs("heatwatt config presets: out of memory\n", stderr);
        return 1;
    }
    hwt_json_init(&j, text, JSON_MAX);
    hwt_json_object(&j, NULL);
    hwt_json_array(&j, "ct_models");
    for (unsigned i = 0; i < all->ct_count; i++) {
        if (name == NULL || strcmp(all->ct[i].name, name) == 0) {
            put_model(&j, &all->ct[i], true);
        }
    }
    hwt_json_end_array(&j);
    hwt_json_array(&j, "vt_models");
    for (unsigned i = 0; i < all->vt_count; i++) {
        if (name == NULL || strcmp(all->vt[i].name, name) == 0) {
            put_model(&j, &all->vt[i], false);
        }
    }
    hwt_json_end_array(&j);
    hwt_json_end_object(&j);
    if (j.ok) {
        printf("%.*s\n", (int)j.at, text);
    }
    free(text);
    return j.ok ? 0 : 1;
}

static void print_list(const struct config_models *all)
{
    printf("%-32s %-16s %-14s %s\n", "ct: clamps", "ratio", "leads, degrees", "class");
    for (unsigned i = 0; i < all->ct_count; i++) {
        print_line(&all->ct[i], true);
    }
    printf("\n%-32s %-16s %s\n", "vt: voltage sensors", "ratio", "leads, degrees");
    for (unsigned i = 0; i < all->vt_count; i++) {
        print_line(&all->vt[i], false);
    }
    fputs("\nTypical of the model, not measured by us; leads at 50 Hz. `heatwatt config presets "
          "NAME` "
          "tells all of one, with its source.\n",
          stdout);
}

static int print_text(const struct config_models *all, const char *name)
{
    const struct config_sensor_model *m;

    if (name == NULL) {
        print_list(all);
        return 0;
    }
    m = config_model_find(NULL, all, true, name);
    if (m != NULL) {
        print_all_of(m, true);
        return 0;
    }
    m = config_model_find(NULL, all, false, name);
    if (m == NULL) {
        fprintf(stderr, "heatwatt config presets: no model \"%s\"; without a name all are listed\n",
                name);
        return 1;
    }
    print_all_of(m, false);
    return 0;
}

int config_presets(const char *name, bool json)
{
    struct config_models *all = config_models_built_in();
    int status;

    if (all == NULL) {
        fputs("heatwatt config presets: out of memory\n", stderr);
        return 1;
    }
    status = json ? print_json(all, name) : print_text(all, name);
    free(all);
    return status;
}

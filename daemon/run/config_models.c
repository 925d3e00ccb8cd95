#include "daemon/run/config_models.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/run/config_bind.h"
#include "daemon/run/config_map.h"

#define DEGREE (3.14159265358979323846 / 180.0)

enum { NEAR_MAX = 4, NEAR_RUN_MIN = 3 };

static const struct config_sensor_model *find_in(const struct config_models *set, bool clamp,
                                                 const char *name)
{
    const struct config_sensor_model *m = set == NULL ? NULL : clamp ? set->ct : set->vt;
    unsigned n = set == NULL ? 0 : clamp ? set->ct_count : set->vt_count;

    for (unsigned i = 0; i < n; i++) {
        if (strcmp(m[i].name, name) == 0) {
            return &m[i];
        }
    }
    return NULL;
}

const struct config_sensor_model *config_model_find(const struct config_models *own,
                                                    const struct config_models *built_in,
                                                    bool clamp, const char *name)
{
    const struct config_sensor_model *m = find_in(own, clamp, name);

    return m != NULL ? m : find_in(built_in, clamp, name);
}

bool config_model_lead(const struct config_sensor_model *m, double *least_out, double *most_out)
{
    if (!m->phase_known) {
        return false;
    }
    *least_out = m->curve_count > 0 ? m->curve[0].phase_deg : 0;
    *most_out = *least_out;
    for (unsigned k = 1; k < m->curve_count; k++) {
        *least_out = fmin(*least_out, m->curve[k].phase_deg);
        *most_out = fmax(*most_out, m->curve[k].phase_deg);
    }
    *least_out += m->phase_deg;
    *most_out += m->phase_deg;
    return true;
}

/* A lead at one frequency as it is at 50 Hz, by the law of a first-order high pass. */
static double at_50_hz(double lead_deg, unsigned hz)
{
    return hz == 50 ? lead_deg : atan(tan(lead_deg * DEGREE) * hz / 50.0) / DEGREE;
}

/* Its phases at 50 Hz; with a curve all of them stand there. */
static void settle(const struct config_build *b, struct config_sensor_model *m)
{
    double own = m->phase_deg;

    m->phase_known = config_given(b, &m->phase_deg);
    for (unsigned k = 0; k < m->curve_count; k++) {
        m->phase_known |= config_given(b, &m->curve[k].phase_deg);
        m->curve[k].phase_deg = at_50_hz(own + m->curve[k].phase_deg, m->phase_hz);
    }
    m->phase_deg = m->curve_count > 0 ? 0 : at_50_hz(own, m->phase_hz);
}

static void check_set(const struct config_build *b, struct config_sensor_model *m, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < i; k++) {
            if (m[i].name[0] != '\0' && strcmp(m[i].name, m[k].name) == 0) {
                config_complain(b, m[i].name, "name", "\"%s\" is already in line %u", m[i].name,
                                m[k].line);
                break;
            }
        }
        config_check_curve(b, m[i].curve, m[i].curve_count);
        settle(b, &m[i]);
    }
}

struct config_models *config_models_built_in(void)
{
    struct config_models *m = calloc(1, sizeof(*m)), *file = calloc(1, sizeof(*m));
    struct config_problems problems;

    config_problems_init(&problems);
    for (size_t i = 0; m != NULL && file != NULL && i < config_model_file_count; i++) {
        const struct config_map_file *f = &config_model_files[i];
        struct config_tree *tree = config_tree_parse(f->text, f->size, f->name, &problems);
        struct config_build b = {.tree = tree, .problems = &problems, .file = f->name};

        if (tree == NULL) {
            break;
        }
        memset(file, 0, sizeof(*file));
        config_bind_root(&b, SECTION_MODELS, file);
        check_set(&b, file->ct, file->ct_count);
        check_set(&b, file->vt, file->vt_count);
        for (unsigned k = 0; k < file->ct_count && m->ct_count < CONFIG_MODELS_MAX; k++) {
            m->ct[m->ct_count++] = file->ct[k];
        }
        for (unsigned k = 0; k < file->vt_count && m->vt_count < CONFIG_MODELS_MAX; k++) {
            m->vt[m->vt_count++] = file->vt[k];
        }
        config_tree_free(tree);
    }
    if (problems.count > 0) {
        config_problems_write(&problems, stderr);
        abort(); /* a wrong row of data/; the test that reads them would meet it */
    }
    config_problems_free(&problems);
    free(file);
    return m;
}

/* Letters and digits alone, small. */
static void fold(const char *name, char out[CONFIG_MODEL_NAME_MAX])
{
    size_t n = 0;

    for (; *name != '\0' && n + 1 < CONFIG_MODEL_NAME_MAX; name++) {
        if (isalnum((unsigned char)*name)) {
            out[n++] = (char)tolower((unsigned char)*name);
        }
    }
    out[n] = '\0';
}

/* Letters and digits in a row that both have. */
static unsigned common_run(const char *a, const char *b)
{
    unsigned best = 0;

    for (; *a != '\0'; a++) {
        for (const char *at = b; *at != '\0'; at++) {
            unsigned n = 0;

            while (a[n] != '\0' && a[n] == at[n]) {
                n++;
            }
            best = n > best ? n : best;
        }
    }
    return best;
}

/* The names that share the longest runs with the one given, best first. */
struct near_names {
    const char *name[NEAR_MAX];
    unsigned run[NEAR_MAX];
    unsigned count;
};

static void offer(struct near_names *near, const char *folded, const char *name)
{
    char other[CONFIG_MODEL_NAME_MAX];
    unsigned run, at;

    fold(name, other);
    run = common_run(folded, other);
    for (at = near->count; at > 0 && near->run[at - 1] < run; at--) {
        if (at < NEAR_MAX) {
            near->name[at] = near->name[at - 1];
            near->run[at] = near->run[at - 1];
        }
    }
    if (run >= NEAR_RUN_MIN && at < NEAR_MAX) {
        near->name[at] = name;
        near->run[at] = run;
        near->count += near->count < NEAR_MAX;
    }
}

static void offer_all(struct near_names *near, const char *folded, const struct config_models *set,
                      bool clamp)
{
    const struct config_sensor_model *m = clamp ? set->ct : set->vt;

    for (unsigned i = 0; i < (clamp ? set->ct_count : set->vt_count); i++) {
        offer(near, folded, m[i].name);
    }
}

static void refuse_model(const struct config_build *b, const struct config_input *in, bool clamp,
                         const struct config_models *built_in)
{
    struct near_names near = {.count = 0};
    char folded[CONFIG_MODEL_NAME_MAX], list[NEAR_MAX * (CONFIG_MODEL_NAME_MAX + 4)] = "";

    fold(in->model, folded);
    offer_all(&near, folded, &b->c->models, clamp);
    offer_all(&near, folded, built_in, clamp);
    for (unsigned i = 0; i < near.count; i++) {
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s\"%s\"", i > 0 ? ", " : "",
                 near.name[i]);
    }
    config_complain(b, in->model, clamp ? "ct" : "vt",
                    "\"%s\" is not a known %s%s%s; `heatwatt config presets` lists them, %s adds "
                    "yours",
                    in->model, clamp ? "clamp" : "voltage sensor",
                    near.count > 0 ? "; near are " : "", list, clamp ? "ct_models" : "vt_models");
}

/* V or A for a volt at the converter; 0: cannot be told, which was said. */
static double per_volt(const struct config_build *b, const struct config_source *s,
                       const struct config_input *in, const struct config_sensor_model *m,
                       bool clamp)
{
    double burden = in->burden_ohm > 0 ? in->burden_ohm : s->burden_ohm;

    if (!clamp) {
        return m->ratio * in->divider;
    }
    if (m->output == OUTPUT_VOLTAGE) {
        if (config_given(b, &in->burden_ohm)) {
            config_complain(b, &in->burden_ohm, "burden_ohm", "is built into a %s: leave it out",
                            m->name);
        }
        return m->ratio;
    }
    if (!(burden > 0)) {
        config_complain(b, &in->burden_ohm, "burden_ohm",
                        "is required, here or at the sampler: a %s delivers a current", m->name);
        return 0;
    }
    return m->ratio / burden;
}

static void take_ratio(const struct config_build *b, const struct config_source *s,
                       struct config_input *in, const struct config_sensor_model *m, bool clamp)
{
    double volt = per_volt(b, s, in, m, clamp);

    if (!(s->step_v > 0)) {
        config_complain(b, &s->step_v, "step_v",
                        "is required, as %s names a model: volts for each step of the converter",
                        in->id);
        return;
    }
    in->ratio = volt * s->step_v;
    if (volt > 0 && !(in->ratio >= 1e-6 && in->ratio <= 1e4)) {
        config_complain(b, in->model, clamp ? "ct" : "vt",
                        "gives %g %s for each step of the converter, which cannot be", in->ratio,
                        clamp ? "A" : "V");
    }
}

/* A phase written beside the model counts instead of its phases, a curve instead of its curve. */
static void take_phase(const struct config_build *b, struct config_input *in,
                       const struct config_sensor_model *m)
{
    bool own_phase = config_given(b, &in->phase_deg);

    if (in->curve_count == 0) {
        memcpy(in->curve, m->curve, sizeof(in->curve));
        in->curve_count = m->curve_count;
        for (unsigned k = 0; own_phase && k < in->curve_count; k++) {
            in->curve[k].phase_deg = 0;
        }
        in->phase_deg = own_phase ? in->phase_deg : m->phase_deg;
    }
}

static void take_model(const struct config_build *b, const struct config_source *s,
                       struct config_input *in, bool clamp, const struct config_models *built_in)
{
    const struct config_sensor_model *m =
        config_model_find(&b->c->models, built_in, clamp, in->model);

    if (m == NULL) {
        refuse_model(b, in, clamp, built_in);
        return;
    }
    strcpy(in->class_text, m->class_text);
    in->rated_a = m->rated_a;
    if (!config_given(b, &in->ratio)) {
        take_ratio(b, s, in, m, clamp);
    }
    take_phase(b, in, m);
}

static void check_input(const struct config_build *b, const struct config_source *s,
                        struct config_input *in, bool clamp, const struct config_models *built_in)
{
    if (in->model[0] != '\0') {
        take_model(b, s, in, clamp, built_in);
    } else if (!config_mentioned(b, &in->ratio) && !config_mentioned(b, in->model)) {
        config_complain(b, &in->ratio, "ratio", "or %s is required", clamp ? "ct" : "vt");
    }
}

void config_check_models(struct config_build *b)
{
    struct config_models *built_in = config_models_built_in();

    check_set(b, b->c->models.ct, b->c->models.ct_count);
    check_set(b, b->c->models.vt, b->c->models.vt_count);
    if (built_in == NULL) {
        config_problems_add(b->problems, b->file, 0, NULL, "cannot be read: out of memory");
        return;
    }
    for (unsigned i = 0; i < b->c->source_count; i++) {
        struct config_source *s = &b->c->source[i];

        for (unsigned k = 0; k < s->voltage_count; k++) {
            check_input(b, s, &s->voltages[k], false, built_in);
        }
        for (unsigned k = 0; k < s->clamp_count; k++) {
            check_input(b, s, &s->clamps[k], true, built_in);
        }
    }
    free(built_in);
}

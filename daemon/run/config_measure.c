/* What voltages and clamps measure beyond what all of them do; groups of clamps. */
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/run/config_bind.h"

enum { CLAMP = 1, VOLTAGE = 2 };

/* A word of `measure` and the quantities it stands for. */
struct word {
    const char *text; /* NULL: the first quantity's id */
    uint8_t first, last;
    uint8_t of; /* CLAMP, VOLTAGE */
};

static const struct word words[] = {
    {NULL, HWT_Q_THD, HWT_Q_THD, CLAMP | VOLTAGE},
    {NULL, HWT_Q_COS_PHI, HWT_Q_COS_PHI, CLAMP},
    {NULL, HWT_Q_REACTIVE_Q1, HWT_Q_REACTIVE_Q1, CLAMP},
    {NULL, HWT_Q_REACTIVE_Q2, HWT_Q_REACTIVE_Q2, CLAMP},
    {NULL, HWT_Q_REACTIVE_Q3, HWT_Q_REACTIVE_Q3, CLAMP},
    {NULL, HWT_Q_REACTIVE_Q4, HWT_Q_REACTIVE_Q4, CLAMP},
    {"reactive_energy", HWT_Q_REACTIVE_Q1, HWT_Q_REACTIVE_Q4, CLAMP},
    {"harmonics", HWT_Q_HARMONIC_2, HWT_Q_HARMONIC_40, CLAMP | VOLTAGE},
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

_Static_assert(CONFIG_INPUT_QUANTITIES >= 7 + 6 + HWT_Q_HARMONIC_40 - HWT_Q_HARMONIC_2 + 1,
               "a clamp has room for all");

static bool is_harmonic(uint8_t quantity)
{
    return quantity >= HWT_Q_HARMONIC_2 && quantity <= HWT_Q_HARMONIC_40;
}

/* What the text stands for; false: nothing that such an input has. */
static bool find_word(const char *text, uint8_t of, struct word *out)
{
    enum hwt_quantity q = hwt_quantity_find(text, strlen(text));

    for (size_t i = 0; i < WORDS; i++) {
        bool this = words[i].text != NULL ? strcmp(words[i].text, text) == 0 : words[i].first == q;

        if (this) {
            *out = words[i];
            return (words[i].of & of) != 0;
        }
    }
    *out = (struct word){text, (uint8_t)q, (uint8_t)q, CLAMP | VOLTAGE};
    return is_harmonic((uint8_t)q);
}

static void refuse_word(const struct config_build *b, const char *text, uint8_t of)
{
    struct config_nearest nearest;

    config_nearest_init(&nearest, text);
    for (size_t i = 0; i < WORDS; i++) {
        if ((words[i].of & of) != 0) {
            config_nearest_offer(&nearest, words[i].text != NULL
                                               ? words[i].text
                                               : hwt_quantity_get(words[i].first)->id);
        }
    }
    for (unsigned q = HWT_Q_HARMONIC_2; q <= HWT_Q_HARMONIC_40; q++) {
        config_nearest_offer(&nearest, hwt_quantity_get(q)->id);
    }
    if (nearest.best != NULL) {
        config_complain(b, text, "measure", "\"%s\" is not known here, did you mean %s?", text,
                        nearest.best);
    } else {
        config_complain(b, text, "measure", "\"%s\" is not known here: %s", text,
                        of == CLAMP ? "thd, cos_phi, reactive_energy, harmonics or harmonic_3"
                                    : "thd, harmonics or harmonic_3");
    }
}

/* False: the input has it already. */
static bool add_quantity(struct config_input *in, uint8_t quantity)
{
    if (memchr(in->delivers, quantity, in->quantities) != NULL) {
        return false;
    }
    in->delivers[in->quantities++] = quantity;
    in->more++;
    in->harmonics |= is_harmonic(quantity);
    return true;
}

static void make_input(const struct config_build *b, struct config_input *in,
                       enum config_point_kind kind)
{
    uint8_t of = kind == POINT_CLAMP ? CLAMP : VOLTAGE;
    const uint8_t *own;

    in->quantities = (unsigned)config_quantities(kind, &own);
    memcpy(in->delivers, own, in->quantities);
    for (unsigned i = 0; i < in->measure_count; i++) {
        bool fresh = true;
        struct word w;

        if (!config_given(b, in->measure[i])) {
            continue; /* reported */
        }
        if (!find_word(in->measure[i], of, &w)) {
            refuse_word(b, in->measure[i], of);
            continue;
        }
        for (uint8_t q = w.first; q <= w.last; q++) {
            fresh &= add_quantity(in, q);
        }
        if (!fresh) {
            config_complain(b, in->measure[i], "measure", "\"%s\" is there twice", in->measure[i]);
        }
    }
}

/* The meter analyses one slot at a time, and its reference with it. */
static void check_harmonics(const struct config_build *b, const struct config_source *s)
{
    const struct config_input *first = NULL;

    for (unsigned i = 0; i < s->clamp_count; i++) {
        const struct config_input *in = &s->clamps[i];

        if (in->harmonics && first != NULL) {
            config_complain(b, in->measure, "measure",
                            "has harmonics, and so has \"%s\": one clamp of a sampler can be "
                            "analysed",
                            first->id);
        }
        first = in->harmonics && first == NULL ? in : first;
    }
    for (unsigned i = 0; i < s->voltage_count; i++) {
        const struct config_input *in = &s->voltages[i];

        if (in->harmonics && first != NULL && strcmp(first->voltage_id, in->id) != 0 &&
            !(first->voltage_id[0] == '\0' && s->voltage_count == 1)) {
            config_complain(b, in->measure, "measure",
                            "has harmonics, and so has \"%s\", whose voltage it is not", first->id);
        }
        first = in->harmonics && first == NULL ? in : first;
    }
}

static void refuse_clamp(const struct config_build *b, const struct config_source *s,
                         const char *id)
{
    struct config_nearest nearest;

    config_nearest_init(&nearest, id);
    for (unsigned i = 0; i < s->clamp_count; i++) {
        config_nearest_offer(&nearest, s->clamps[i].id);
    }
    config_complain(b, id, "clamps", "\"%s\" is none of this sampler's clamps%s%s", id,
                    nearest.best != NULL ? ", did you mean " : "",
                    nearest.best != NULL ? nearest.best : "");
}

static void make_group(const struct config_build *b, const struct config_source *s,
                       struct config_group *g)
{
    for (unsigned k = 0; k < g->clamp_count; k++) {
        unsigned i = 0;

        if (!config_given(b, g->clamps[k])) {
            continue; /* reported */
        }
        while (i < s->clamp_count && strcmp(s->clamps[i].id, g->clamps[k]) != 0) {
            i++;
        }
        if (i == s->clamp_count) {
            refuse_clamp(b, s, g->clamps[k]);
        } else if ((g->inputs >> i & 1) != 0) {
            config_complain(b, g->clamps[k], "clamps", "\"%s\" is there twice", g->clamps[k]);
        } else {
            g->inputs |= (uint32_t)1 << i;
        }
    }
    if (g->clamp_count == 1) {
        config_complain(b, g->clamps, "clamps", "\"%s\" is alone: a group is of two at least",
                        g->clamps[0]);
    }
}

void config_check_measures(struct config_build *b)
{
    for (unsigned k = 0; k < b->c->source_count; k++) {
        struct config_source *s = &b->c->source[k];

        for (unsigned i = 0; i < s->voltage_count; i++) {
            make_input(b, &s->voltages[i], POINT_VOLTAGE);
        }
        for (unsigned i = 0; i < s->clamp_count; i++) {
            make_input(b, &s->clamps[i], POINT_CLAMP);
        }
        for (unsigned i = 0; i < s->group_count; i++) {
            make_group(b, s, &s->groups[i]);
        }
        check_harmonics(b, s);
    }
}

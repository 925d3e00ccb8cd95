#include "daemon/run/buses.h"

#include <stdlib.h>

#include "daemon/run/analogs.h"
#include "daemon/run/inputs.h"
#include "daemon/run/lines.h"

static const struct line_kind *const kinds[] = {&line_of_mbus, &line_of_modbus, &line_of_emon};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct buses {
    struct lines *lines[KINDS];
    struct inputs *inputs;
    struct analogs *analogs;
};

struct buses *buses_new(const struct buses_options *options)
{
    struct buses *b = calloc(1, sizeof(*b));
    bool complete = b != NULL;

    for (unsigned k = 0; complete && k < KINDS; k++) {
        b->lines[k] = lines_new(kinds[k], options);
        complete = b->lines[k] != NULL;
    }
    if (complete) {
        b->inputs = inputs_new(options);
        b->analogs = analogs_new(options);
        complete = b->inputs != NULL && b->analogs != NULL;
    }
    if (!complete) {
        buses_free(b);
        return NULL;
    }
    return b;
}

void buses_start(struct buses *b)
{
    for (unsigned k = 0; k < KINDS; k++) {
        lines_start(b->lines[k]);
    }
    inputs_start(b->inputs);
}

void buses_tick(struct buses *b)
{
    for (unsigned k = 0; k < KINDS; k++) {
        lines_tick(b->lines[k]);
    }
    inputs_tick(b->inputs);
    analogs_tick(b->analogs);
}

void buses_pause(struct buses *b, const struct buses_pause *which)
{
    for (unsigned k = 0; k < KINDS; k++) {
        lines_pause(b->lines[k], which);
    }
    inputs_pause(b->inputs, which);
}

void buses_free(struct buses *b)
{
    for (unsigned k = 0; b != NULL && k < KINDS; k++) {
        lines_free(b->lines[k]);
    }
    if (b != NULL) {
        inputs_free(b->inputs);
        analogs_free(b->analogs);
    }
    free(b);
}

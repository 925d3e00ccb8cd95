#include "daemon/run/map_kinds.h"

#include <stdlib.h>

static struct config_map *read_map(const struct config_map_file *f)
{
    struct config_problems problems;
    struct config_map *m;

    config_problems_init(&problems);
    m = config_map_parse(f->text, f->size, f->name, &problems); /* right, as a test says */
    config_problems_free(&problems);
    return m;
}

static bool fill(struct map_kinds *k)
{
    k->map = calloc(config_map_file_count, sizeof(struct config_map *));
    k->kind = calloc(config_map_file_count, sizeof(k->kind[0]));
    for (size_t i = 0; k->map != NULL && k->kind != NULL && i < config_map_file_count; i++) {
        struct config_map *m = read_map(&config_map_files[i]);

        if (m == NULL) {
            return false;
        }
        k->map[i] = m;
        k->kind[k->count++] = (struct modbus_kind){.map = config_map_files[i].name,
                                                   .name = m->name,
                                                   .rows = &m->wire,
                                                   .identity = &m->identity};
    }
    return k->count == config_map_file_count;
}

struct map_kinds *map_kinds_new(void)
{
    struct map_kinds *k = calloc(1, sizeof(*k));

    if (k != NULL && !fill(k)) {
        map_kinds_free(k);
        return NULL;
    }
    return k;
}

void map_kinds_free(struct map_kinds *k)
{
    if (k != NULL) {
        for (unsigned i = 0; i < k->count; i++) {
            free(k->map[i]);
        }
        free(k->map);
        free(k->kind);
        free(k);
    }
}

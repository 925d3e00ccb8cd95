#include "daemon/run/config_map.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/quantity.h"
#include "daemon/run/config_bind.h"
#include "daemon/run/config_files.h"

const struct config_map_file *config_map_file_find(const char *name)
{
    for (size_t i = 0; i < config_map_file_count; i++) {
        if (strcmp(config_map_files[i].name, name) == 0) {
            return &config_map_files[i];
        }
    }
    return NULL;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && strcmp(text + n - m, end) == 0;
}

bool config_map_is_path(const char *name)
{
    return strchr(name, '/') != NULL || ends_in(name, ".yaml") || ends_in(name, ".yml");
}

/* v = scale x 10^exponent with at most nine decimals and nine digits or so; false if it is not. */
static bool to_decimal(double v, int32_t *scale_out, int8_t *exponent_out)
{
    double power = 1;

    for (int8_t e = 0; e <= 9; e++, power *= 10) {
        double whole = round(v * power);

        if (fabs(whole) > 2e9) {
            break;
        }
        if (whole != 0 && fabs(v * power - whole) <= 1e-12 * fabs(whole)) {
            *scale_out = (int32_t)whole;
            *exponent_out = (int8_t)-e;
            return true;
        }
    }
    return false;
}

/* A quantity that a device may deliver: not the ledger's own. */
static enum hwt_quantity find_quantity(const char *id)
{
    enum hwt_quantity q = hwt_quantity_find(id, strlen(id));

    return q >= HWT_Q_ELEC_POWER && q <= HWT_Q_GAP ? HWT_Q_NONE : q;
}

static void refuse_quantity(struct config_build *b, const struct config_map_row *row)
{
    struct config_nearest nearest;

    config_nearest_init(&nearest, row->quantity);
    for (unsigned q = 1; q < HWT_Q_ELEC_POWER; q++) {
        config_nearest_offer(&nearest, hwt_quantity_get(q)->id);
    }
    config_complain(b, row->quantity, "quantity", "\"%s\" is not a quantity%s%s%s", row->quantity,
                    nearest.best != NULL ? ", did you mean " : " such as power, voltage, import",
                    nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "?" : "");
}

/* Of two rows of one quantity and part, the second is refused. */
static void check_twins(struct config_build *b, const struct config_map *m, unsigned i)
{
    const struct config_map_row *row = &m->row[i];

    for (unsigned k = 0; k < i; k++) {
        if (m->row[k].part == row->part && strcmp(m->row[k].quantity, row->quantity) == 0) {
            config_complain(b, row->quantity, "quantity", "\"%s\" of %s is already in line %u",
                            row->quantity, hwt_modbus_part_name(row->part), m->row[k].line);
            return;
        }
    }
}

static void check_row(struct config_build *b, struct config_map *m, unsigned i)
{
    struct config_map_row *row = &m->row[i];
    struct hwt_modbus_row *wire = &m->wire.row[i];
    enum hwt_quantity quantity = find_quantity(row->quantity);
    unsigned registers;

    row->function = config_given(b, &row->function) ? row->function : m->function;
    row->type = config_given(b, &row->type) ? row->type : m->type;
    row->order = config_given(b, &row->order) ? row->order : m->order;
    registers = hwt_modbus_type_registers(row->type);
    *wire = (struct hwt_modbus_row){
        .address = (uint16_t)row->address,
        .function = (uint8_t)(HWT_MODBUS_READ_HOLDING + row->function),
        .type = (uint8_t)row->type,
        .order = (uint8_t)row->order,
        .quantity = (uint8_t)quantity,
        .part = (uint8_t)row->part,
    };
    if (config_given(b, row->quantity) && quantity == HWT_Q_NONE) {
        refuse_quantity(b, row);
    }
    if (!to_decimal(row->scale, &wire->scale, &wire->exponent)) {
        config_complain(b, &row->scale, "scale",
                        "%.12g is 0, or has more than nine decimals or digits", row->scale);
    }
    if (row->address + registers > 0x10000) {
        config_complain(b, &row->address, "address", "%u and %u registers reach beyond 65535",
                        row->address, registers);
    }
    if (registers > m->registers_max) {
        config_complain(b, &row->type, "type", "has %u registers, more than registers_max",
                        registers);
    }
    check_twins(b, m, i);
}

static void check_map(struct config_build *b, struct config_map *m)
{
    m->wire.rows = m->rows;
    m->wire.registers_max = (uint16_t)m->registers_max;
    m->wire.gap_max = (uint16_t)m->gap_max;
    for (unsigned i = 0; i < m->rows; i++) {
        uint8_t part = (uint8_t)m->row[i].part;

        check_row(b, m, i);
        m->quantity[part][m->quantities[part]++] = m->wire.row[i].quantity;
    }
    config_map_check_identity(b, m);
}

struct config_map *config_map_parse(const char *text, size_t n, const char *file,
                                    struct config_problems *problems)
{
    size_t before = problems->count + problems->left_out;
    struct config_tree *tree = config_tree_parse(text, n, file, problems);
    struct config_map *m = tree != NULL ? calloc(1, sizeof(*m)) : NULL;
    struct config_build b = {.tree = tree, .problems = problems, .file = file};

    if (m != NULL) {
        config_bind_root(&b, SECTION_MAP, m);
        if (tree->root->kind == NODE_MAP) {
            check_map(&b, m);
        }
    } else if (tree != NULL) {
        config_problems_add(problems, file, 0, NULL, "cannot be read: out of memory");
    }
    config_tree_free(tree);
    if (problems->count + problems->left_out > before) {
        free(m);
        return NULL;
    }
    return m;
}

struct config_map *config_map_load(const char *path, struct config_problems *problems)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct config_map *m = NULL;
    char *text;
    size_t n;

    if (fd < 0 || !config_read_file(fd, &text, &n)) {
        config_problems_add(problems, path, 0, NULL, "cannot be read: %s", strerror(errno));
    } else {
        m = config_map_parse(text, n, path, problems);
        free(text);
    }
    if (fd >= 0) {
        close(fd);
    }
    return m;
}

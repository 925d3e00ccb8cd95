#include "daemon/run/emon_lines.h"

#include <stdlib.h>

#include "core/wire/emon.h"
#include "daemon/base/log.h"
#include "daemon/drivers/emon.h"
#include "daemon/run/hub.h"

_Static_assert((int)CONFIG_EMON_INPUTS_MAX == (int)EMON_INPUTS_MAX, "each input has its place");

struct emon_lines {
    struct buses_options options;
    unsigned count;
    struct {
        const struct config_source *first; /* the device that named it first */
        struct emon_line *line;
    } line[CONFIG_SOURCES_MAX];
};

static enum serial_framing framing_of(const struct config_source *c)
{
    if (c->stop_bits == 2) {
        return SERIAL_8N2;
    }
    return c->parity == PARITY_EVEN  ? SERIAL_8E1
           : c->parity == PARITY_ODD ? SERIAL_8O1
                                     : SERIAL_8N1;
}

static struct emon_line *line_of(struct emon_lines *m, const struct config_source *c)
{
    const struct emon_line_options options = {.port = c->port[0] != '\0' ? c->port : NULL,
                                              .baud = c->baud,
                                              .framing = framing_of(c),
                                              .host = c->host,
                                              .tcp_port = (uint16_t)c->tcp_port};

    for (unsigned i = 0; i < m->count; i++) {
        if (config_same_line(m->line[i].first, c)) {
            return m->line[i].line;
        }
    }
    m->line[m->count].first = c;
    m->line[m->count].line = emon_line_new(m->options.loop, m->options.clock, &options);
    return m->line[m->count].line != NULL ? m->line[m->count++].line : NULL;
}

/* Where the log left the input's counters. */
static void set_start(const struct emon_lines *m, struct emon_input *in)
{
    bool power = in->energy_key[0] != '\0';
    enum hwt_quantity up = power ? HWT_Q_IMPORT : in->quantity;

    in->has_start =
        hub_counter_start(m->options.hub, (unsigned)in->source, up, &in->start_up, &in->start_us);
    if (power) {
        int64_t since_us;

        (void)hub_counter_start(m->options.hub, (unsigned)in->source, HWT_Q_EXPORT, &in->start_down,
                                &since_us);
    }
}

static int source_of(const struct installation *site, unsigned config, unsigned input)
{
    for (unsigned i = 0; i < site->source_count; i++) {
        if (site->source[i].kind == SOURCE_IS_METER && site->source[i].config == config &&
            site->source[i].input == input) {
            return (int)i;
        }
    }
    return -1;
}

static bool add_device(struct emon_lines *m, unsigned config)
{
    const struct config_source *c = &m->options.site->config->source[config];
    struct emon_line *line = line_of(m, c);
    struct emon_device_options device = {
        .id = c->id,
        .node = c->node == CONFIG_EMON_NODE_NONE ? HWT_EMON_NODE_NONE : (int)c->node,
        .layout = c->layout[0] != '\0' ? c->layout : NULL,
        .interval_s = c->poll_s,
        .inputs = c->emon_count,
        .status = m->options.status[config],
        .sink = m->options.sink,
        .ctx = m->options.ctx,
    };

    for (unsigned i = 0; i < c->emon_count; i++) {
        const struct config_emon_input *in = &c->emon[i];

        device.input[i] = (struct emon_input){
            .source = source_of(m->options.site, config, i),
            .id = in->id,
            .key = in->key,
            .energy_key = in->energy_key,
            .quantity = (enum hwt_quantity)in->delivers[0],
            .num = in->num,
            .den = in->den,
            .energy_num = in->energy_num,
            .energy_den = in->energy_den,
        };
        set_start(m, &device.input[i]);
    }
    return line != NULL && emon_line_add(line, &device) == 0;
}

struct emon_lines *emon_lines_new(const struct buses_options *options)
{
    const struct config *config = options->site->config;
    struct emon_lines *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        return NULL;
    }
    m->options = *options;
    for (unsigned i = 0; i < config->source_count; i++) {
        if (config->source[i].type == CONFIG_EMON && !add_device(m, i)) {
            LOG(LOG_ERROR, config->source[i].id, "no line: out of memory or devices");
            emon_lines_free(m);
            return NULL;
        }
    }
    return m;
}

void emon_lines_start(struct emon_lines *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        emon_line_start(m->line[i].line);
    }
}

void emon_lines_tick(struct emon_lines *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        emon_line_tick(m->line[i].line);
    }
}

void emon_lines_free(struct emon_lines *m)
{
    for (unsigned i = 0; m != NULL && i < m->count; i++) {
        emon_line_free(m->line[i].line);
    }
    free(m);
}

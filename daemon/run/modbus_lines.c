#include "daemon/run/modbus_lines.h"

#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/drivers/modbus.h"
#include "daemon/run/config_map.h"

struct modbus_lines {
    struct buses_options options;
    unsigned count;
    struct {
        const struct config_source *first; /* the device that named it first */
        struct modbus_line *line;
    } line[CONFIG_SOURCES_MAX];
};

static struct modbus_line *line_of(struct modbus_lines *m, const struct config_source *c)
{
    struct modbus_line_options options = {.port = c->port[0] != '\0' ? c->port : NULL,
                                          .host = c->host,
                                          .tcp_port = (uint16_t)c->tcp_port,
                                          .rtu_over_tcp = c->tcp_framing == TCP_RTU};

    for (unsigned i = 0; i < m->count; i++) {
        if (config_same_line(m->line[i].first, c)) {
            return m->line[i].line;
        }
    }
    m->line[m->count].first = c;
    m->line[m->count].line = modbus_line_new(m->options.loop, m->options.clock, &options);
    return m->line[m->count].line != NULL ? m->line[m->count++].line : NULL;
}

static enum serial_framing framing_of(const struct config_source *c)
{
    if (c->stop_bits == 2) {
        return SERIAL_8N2;
    }
    return c->parity == PARITY_EVEN  ? SERIAL_8E1
           : c->parity == PARITY_ODD ? SERIAL_8O1
                                     : SERIAL_8N1;
}

static bool add_device(struct modbus_lines *m, unsigned config)
{
    const struct installation *site = m->options.site;
    const struct config_source *c = &site->config->source[config];
    struct modbus_line *line = line_of(m, c);
    struct modbus_device_options device = {
        .id = c->id,
        .source = {-1, -1, -1, -1},
        .unit = (uint8_t)c->unit,
        .baud = c->baud,
        .framing = framing_of(c),
        .map = &c->map->wire,
        .poll_s = c->poll_s,
        .timeout_ms = c->timeout_ms,
        .retries = c->retries,
        .status = m->options.status[config],
        .sink = m->options.sink,
        .ctx = m->options.ctx,
    };

    for (unsigned i = 0; i < site->source_count; i++) {
        if (site->source[i].kind == SOURCE_IS_METER && site->source[i].config == config) {
            device.source[site->source[i].input] = (int)i;
        }
    }
    return line != NULL && modbus_line_add(line, &device) == 0;
}

struct modbus_lines *modbus_lines_new(const struct buses_options *options)
{
    const struct config *config = options->site->config;
    struct modbus_lines *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        return NULL;
    }
    m->options = *options;
    for (unsigned i = 0; i < config->source_count; i++) {
        if (config->source[i].type == CONFIG_MODBUS && !add_device(m, i)) {
            LOG(LOG_ERROR, config->source[i].id, "no line: out of memory or devices");
            modbus_lines_free(m);
            return NULL;
        }
    }
    return m;
}

void modbus_lines_start(struct modbus_lines *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        modbus_line_start(m->line[i].line);
    }
}

void modbus_lines_tick(struct modbus_lines *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        modbus_line_tick(m->line[i].line);
    }
}

void modbus_lines_free(struct modbus_lines *m)
{
    for (unsigned i = 0; m != NULL && i < m->count; i++) {
        modbus_line_free(m->line[i].line);
    }
    free(m);
}

/* Lines of Modbus, serial and TCP. */
#include "daemon/drivers/modbus.h"
#include "daemon/run/config_map.h"
#include "daemon/run/lines.h"

static void *open_line(const struct buses_options *o, const struct config_source *c)
{
    const struct modbus_line_options options = {.port = c->port[0] != '\0' ? c->port : NULL,
                                                .host = c->host,
                                                .tcp_port = (uint16_t)c->tcp_port,
                                                .rtu_over_tcp = c->tcp_framing == TCP_RTU};

    return modbus_line_new(o->loop, o->clock, &options);
}

static bool add_device(void *line, const struct buses_options *o, unsigned config)
{
    const struct config_source *c = &o->site->config->source[config];
    struct modbus_device_options device = {
        .id = c->id,
        .unit = (uint8_t)c->unit,
        .baud = c->baud,
        .framing = line_framing(c),
        .map = &c->map->wire,
        .model = c->map->name,
        .serial = &c->map->identity.serial,
        .poll_s = c->poll_s,
        .timeout_ms = c->timeout_ms,
        .retries = c->retries,
        .status = o->status[config],
        .sink = o->sink,
        .news = o->news,
        .ctx = o->ctx,
    };

    for (unsigned part = 0; part < HWT_MODBUS_PART_COUNT; part++) {
        device.source[part] = installation_source(o->site, config, part);
    }
    return modbus_line_add(line, &device) == 0;
}

static void start(void *line)
{
    modbus_line_start(line);
}

static void pause_line(void *line, const char *cause)
{
    modbus_line_pause(line, cause);
}

static void resume(void *line)
{
    modbus_line_resume(line);
}

static void tick(void *line)
{
    modbus_line_tick(line);
}

static void close_line(void *line)
{
    modbus_line_free(line);
}

const struct line_kind line_of_modbus = {
    .type = CONFIG_MODBUS,
    .open = open_line,
    .add = add_device,
    .start = start,
    .pause = pause_line,
    .resume = resume,
    .tick = tick,
    .free = close_line,
};

/* M-Bus lines. */
#include "daemon/drivers/mbus.h"
#include "daemon/run/lines.h"

static void *open_line(const struct buses_options *o, const struct config_source *c)
{
    bool remote = c->tcp[0] != '\0';
    const struct mbus_bus_options options = {.port = remote ? NULL : c->port,
                                             .tcp = remote ? c->tcp : NULL};

    return mbus_bus_new(o->loop, o->clock, &options);
}

static bool add_device(void *bus, const struct buses_options *o, unsigned config)
{
    const struct config_source *c = &o->site->config->source[config];
    struct mbus_meter_options meter = {
        .id = c->id,
        .source = (uint16_t)installation_source(o->site, config, 0),
        .address = (uint8_t)c->address,
        .baud = c->baud,
        .kind = c->measures == CONFIG_ELECTRICITY ? MBUS_ELECTRICITY : MBUS_HEAT,
        .profile = mbus_profile_named(c->profile),
        .mains_powered = c->mains_powered,
        .poll_s = c->poll_s,
        .timeout_ms = c->timeout_ms,
        .retries = c->retries,
        .status = o->status[config],
        .sink = o->sink,
        .news = o->news,
        .ctx = o->ctx,
    };

    return (c->secondary[0] == '\0' || mbus_select_parse(c->secondary, meter.select)) &&
           mbus_bus_add(bus, &meter) == 0;
}

static void start(void *line)
{
    mbus_bus_start(line);
}

static void pause_line(void *line, const char *cause)
{
    mbus_bus_pause(line, cause);
}

static void resume(void *line)
{
    mbus_bus_resume(line);
}

static void tick(void *line)
{
    mbus_bus_tick(line);
}

static void close_line(void *line)
{
    mbus_bus_free(line);
}

const struct line_kind line_of_mbus = {
    .type = CONFIG_MBUS,
    .open = open_line,
    .add = add_device,
    .start = start,
    .pause = pause_line,
    .resume = resume,
    .tick = tick,
    .free = close_line,
};

/* Lines on which emonTx and their kin send. */
#include "core/wire/emon.h"
#include "daemon/drivers/emon.h"
#include "daemon/run/lines.h"

_Static_assert((int)CONFIG_EMON_INPUTS_MAX == (int)EMON_INPUTS_MAX, "each input has its place");

static void *open_line(const struct buses_options *o, const struct config_source *c)
{
    const struct emon_line_options options = {.port = c->port[0] != '\0' ? c->port : NULL,
                                              .baud = c->baud,
                                              .framing = line_framing(c),
                                              .host = c->host,
                                              .tcp_port = (uint16_t)c->tcp_port};

    return emon_line_new(o->loop, o->clock, &options);
}

static bool add_device(void *line, const struct buses_options *o, unsigned config)
{
    const struct config_source *c = &o->site->config->source[config];
    struct emon_device_options device = {
        .id = c->id,
        .node = c->node == CONFIG_EMON_NODE_NONE ? HWT_EMON_NODE_NONE : (int)c->node,
        .layout = c->layout[0] != '\0' ? c->layout : NULL,
        .interval_s = c->poll_s,
        .inputs = c->emon_count,
        .status = o->status[config],
        .sink = o->sink,
        .news = o->news,
        .ctx = o->ctx,
    };

    for (unsigned i = 0; i < c->emon_count; i++) {
        const struct config_emon_input *in = &c->emon[i];

        device.input[i] = (struct emon_input){
            .source = installation_source(o->site, config, i),
            .id = in->id,
            .key = in->key,
            .energy_key = in->energy_key,
            .quantity = (enum hwt_quantity)in->delivers[0],
            .num = in->num,
            .den = in->den,
            .energy_num = in->energy_num,
            .energy_den = in->energy_den,
        };
    }
    return emon_line_add(line, &device) == 0;
}

static void start(void *line)
{
    emon_line_start(line);
}

static void pause_line(void *line, const char *cause)
{
    emon_line_pause(line, cause);
}

static void resume(void *line)
{
    emon_line_resume(line);
}

static void tick(void *line)
{
    emon_line_tick(line);
}

static void close_line(void *line)
{
    emon_line_free(line);
}

const struct line_kind line_of_emon = {
    .type = CONFIG_EMON,
    .open = open_line,
    .add = add_device,
    .start = start,
    .pause = pause_line,
    .resume = resume,
    .tick = tick,
    .free = close_line,
};

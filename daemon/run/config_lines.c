/* Checks of the lines that sources are on: serial port or network, and who shares them. */
#include <string.h>

#include "daemon/drivers/tcp_port.h"
#include "daemon/run/config_bind.h"

_Static_assert(sizeof(((struct config_source *)0)->host) == TCP_HOST_MAX,
               "tcp_host_split fills it");

bool config_check_either(struct config_build *b, const void *one, const char *one_name,
                         bool one_given, const void *other, const char *other_name,
                         bool other_given)
{
    if (one_given && other_given) {
        config_complain(b, other, other_name, "and %s exclude each other", one_name);
    } else if (!one_given && !other_given && !b->unsure) {
        config_complain(b, one, one_name, "is required, or %s", other_name);
    }
    return one_given != other_given;
}

void config_check_line(struct config_build *b, struct config_source *s, uint16_t standard_port)
{
    uint16_t port;

    (void)config_check_either(b, s->port, "port", config_given(b, s->port), s->tcp, "tcp",
                              config_given(b, s->tcp));
    if (!config_given(b, s->tcp)) {
        return;
    }
    if (tcp_host_split(s->tcp, standard_port, s->host, &port)) {
        s->tcp_port = port;
    } else {
        config_complain(b, s->tcp, "tcp",
                        "\"%.60s\" is not host:port, such as 192.168.1.20:%u or [fe80::1]:%u",
                        s->tcp, standard_port > 0 ? standard_port : 10001U,
                        standard_port > 0 ? standard_port : 10001U);
    }
}

bool config_same_line(const struct config_source *a, const struct config_source *b)
{
    return (a->port[0] != '\0' && strcmp(a->port, b->port) == 0) ||
           (a->host[0] != '\0' && strcmp(a->host, b->host) == 0 && a->tcp_port == b->tcp_port);
}

static const char *line_name(enum config_source_type type)
{
    return type == CONFIG_MBUS     ? "M-Bus"
           : type == CONFIG_MODBUS ? "Modbus"
                                   : config_source_type_name(type);
}

/* Has its port for itself. */
static bool is_alone(const struct config_source *s)
{
    return s->type == CONFIG_SAMPLES || s->type == CONFIG_ELSTER;
}

/* Two sources that share a line. */
static void check_neighbours(struct config_build *b, const struct config_source *s,
                             const struct config_source *other)
{
    bool port = s->port[0] != '\0';
    const char *member = port ? s->port : s->tcp, *key = port ? "port" : "tcp";

    if (is_alone(s) || is_alone(other)) {
        config_complain(b, member, key, "is already that of \"%s\" in line %u", other->id,
                        other->line);
    } else if (s->type != other->type) {
        config_complain(b, member, key,
                        "is already that of \"%s\" in line %u, which is of type %s: %s and "
                        "%s cannot share a line, they differ in wires and frames",
                        other->id, other->line, config_source_type_name(other->type),
                        line_name(s->type < other->type ? s->type : other->type),
                        line_name(s->type < other->type ? other->type : s->type));
    } else if (s->type == CONFIG_MODBUS) {
        config_check_modbus_neighbours(b, s, other);
    } else if (s->type == CONFIG_EMON) {
        config_check_emon_neighbours(b, s, other);
    } else {
        config_check_mbus_neighbours(b, s, other);
    }
}

/* Two meters may share a bus, all else has its port for itself. */
void config_check_ports(struct config_build *b, const struct config_source *s,
                        const struct config_source *other)
{
    if (s->socket[0] != '\0' && strcmp(s->socket, other->socket) == 0) {
        config_complain(b, s->socket, "socket", "is already that of \"%s\" in line %u", other->id,
                        other->line);
    }
    if (s->chip[0] != '\0' && strcmp(s->chip, other->chip) == 0 && s->gpio == other->gpio) {
        config_complain(b, &s->gpio, "line", "%u of this chip is already that of \"%s\" in line %u",
                        s->gpio, other->id, other->line);
    }
    if (s->events[0] != '\0' && strcmp(s->events, other->events) == 0) {
        config_complain(b, s->events, "events", "is already that of \"%s\" in line %u", other->id,
                        other->line);
    }
    if (config_same_line(s, other)) {
        check_neighbours(b, s, other);
    }
}

/* Checks between options: what one row of the options table cannot say. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "daemon/drivers/mbus.h"
#include "daemon/drivers/tcp_port.h"
#include "daemon/run/config_bind.h"

enum {
    BATTERY_POLL_S = 60, /* about what the D cell of a Kamstrup 403 stands for its whole life */
    MAINS_POLL_S = 10
};

static void check_slots(struct config_build *b, const struct config_source *s)
{
    const struct config_input *taken[HWT_SLOTS_MAX] = {NULL};

    for (unsigned i = 0; i < s->voltage_count + s->clamp_count; i++) {
        const struct config_input *in =
            i < s->voltage_count ? &s->voltages[i] : &s->clamps[i - s->voltage_count];

        if (!config_given(b, &in->slot)) {
            continue;
        }
        if (taken[in->slot] != NULL) {
            config_complain(b, &in->slot, "slot", "%u is already that of \"%s\" in line %u",
                            in->slot, taken[in->slot]->id, taken[in->slot]->line);
        } else {
            taken[in->slot] = in;
        }
    }
}

static void resolve_voltage(struct config_build *b, const struct config_source *s,
                            struct config_input *clamp)
{
    struct config_nearest nearest;

    if (!config_given(b, clamp->voltage_id)) {
        if (s->voltage_count > 1 && clamp->voltage_id[0] == '\0') {
            config_complain(b, clamp->voltage_id, "voltage",
                            "is required, as the sampler has %u voltages", s->voltage_count);
        } else if (s->voltage_count == 1) {
            strcpy(clamp->voltage_id, s->voltages[0].id);
        }
        return;
    }
    config_nearest_init(&nearest, clamp->voltage_id);
    for (unsigned v = 0; v < s->voltage_count; v++) {
        if (strcmp(s->voltages[v].id, clamp->voltage_id) == 0) {
            clamp->voltage = v;
            return;
        }
        if (s->voltages[v].id[0] == '\0') {
            return; /* unreadable, and reported: it may be the one */
        }
        config_nearest_offer(&nearest, s->voltages[v].id);
    }
    if (s->voltage_count > 0) {
        config_complain(b, clamp->voltage_id, "voltage",
                        "\"%s\" is none of this sampler's voltages, did you mean %s?",
                        clamp->voltage_id, nearest.best != NULL ? nearest.best : s->voltages[0].id);
    }
}

static void check_samples(struct config_build *b, struct config_source *s)
{
    bool socket = s->socket[0] != '\0', port = s->port[0] != '\0';

    if (socket && port) {
        config_complain(b, s->port, "port", "and socket exclude each other: remove one");
    } else if (!socket && !port) {
        config_complain(b, s->socket, "socket", "or port is required: where the samples come from");
    } else if (socket && config_given(b, &s->baud)) {
        config_complain(b, &s->baud, "baud", "is for a serial port, but here is a socket");
    }
    if (strlen(s->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        config_complain(b, s->socket, "socket", "is too long: at most %zu bytes with its folder",
                        sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    }
    check_slots(b, s);
    for (unsigned i = 0; i < s->clamp_count; i++) {
        resolve_voltage(b, s, &s->clamps[i]);
    }
}

/* Exactly one of two keys. */
static bool check_either(struct config_build *b, const void *one, const char *one_name,
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

static void check_mbus_line(struct config_build *b, struct config_source *s)
{
    char host[TCP_HOST_MAX], port[8];

    (void)check_either(b, s->port, "port", config_given(b, s->port), s->tcp, "tcp",
                       config_given(b, s->tcp));
    if (config_given(b, s->tcp) && !tcp_host_split(s->tcp, host, port)) {
        config_complain(b, s->tcp, "tcp",
                        "\"%.60s\" is not host:port, such as 192.168.1.20:10001 or [fe80::1]:10001",
                        s->tcp);
    }
    if (config_given(b, s->tcp) && s->baud == 0) {
        config_complain(b, &s->baud, "baud", "0 cannot be found through a gateway: set it there");
    }
}

static void check_mbus_address(struct config_build *b, struct config_source *s)
{
    uint8_t select[HWT_MBUS_SELECT_SIZE];

    if (!check_either(b, &s->address, "address", config_given(b, &s->address), s->secondary,
                      "secondary", config_given(b, s->secondary))) {
        return;
    }
    if (config_given(b, s->secondary)) {
        s->address = HWT_MBUS_ADDRESS_SELECTED;
        if (!mbus_select_parse(s->secondary, select)) {
            config_complain(b, s->secondary, "secondary",
                            "\"%.40s\" is not a secondary address: 8 digits (F fits any), or 16 "
                            "hex digits",
                            s->secondary);
        }
    } else if (s->address > 250 && s->address != 254) {
        config_complain(b, &s->address, "address",
                        "%u is no meter's address: 0 to 250, or 254 for a single meter",
                        s->address);
    }
}

static void check_mbus(struct config_build *b, struct config_source *s)
{
    check_mbus_line(b, s);
    check_mbus_address(b, s);
    if (config_given(b, s->profile) && mbus_profile_named(s->profile) == NULL) {
        config_complain(b, s->profile, "profile", "\"%.40s\" is no row of data/mbus/profiles.txt",
                        s->profile);
    }
    if (s->mains_powered && !config_given(b, &s->poll_s)) {
        s->poll_s = MAINS_POLL_S;
    }
    if (!s->mains_powered && s->poll_s < BATTERY_POLL_S) {
        config_complain(b, &s->poll_s, "poll_s",
                        "%u is below the minimum %d s of battery meters; if the meter has a mains "
                        "supply, add mains_powered: true",
                        s->poll_s, BATTERY_POLL_S);
    }
}

static bool is_same_line(const struct config_source *s, const struct config_source *other)
{
    return (s->port[0] != '\0' && strcmp(s->port, other->port) == 0) ||
           (s->tcp[0] != '\0' && strcmp(s->tcp, other->tcp) == 0);
}

/* Two meters may share a bus, all else has its port for itself. */
static void check_ports(struct config_build *b, const struct config_source *s,
                        const struct config_source *other)
{
    if (s->socket[0] != '\0' && strcmp(s->socket, other->socket) == 0) {
        config_complain(b, s->socket, "socket", "is already that of \"%s\" in line %u", other->id,
                        other->line);
    }
    if (!is_same_line(s, other)) {
        return;
    }
    if (s->type != CONFIG_MBUS || other->type != CONFIG_MBUS) {
        config_complain(b, s->port, "port", "is already that of \"%s\" in line %u", other->id,
                        other->line);
    } else if (config_given(b, s->secondary) && strcmp(s->secondary, other->secondary) == 0) {
        config_complain(b, s->secondary, "secondary",
                        "%.20s on this line is already \"%s\" in line %u", s->secondary, other->id,
                        other->line);
    } else if (s->address == other->address && config_given(b, &s->address)) {
        config_complain(b, &s->address, "address", "%u on this port is already \"%s\" in line %u",
                        s->address, other->id, other->line);
    } else if (s->address == 254 || other->address == 254) {
        config_complain(b, s->address == 254 ? &s->address : &other->address, "address",
                        "254 is answered by all meters, and this port has several");
    } else if (s->tcp[0] != '\0' && s->baud != other->baud) {
        config_complain(b, &s->baud, "baud",
                        "is not that of \"%s\" behind the same gateway, %u, which cannot change it",
                        other->id, other->baud);
    }
}

static void check_sources(struct config_build *b)
{
    for (unsigned i = 0; i < b->c->source_count; i++) {
        struct config_source *s = &b->c->source[i];

        if (s->type == CONFIG_SAMPLES) {
            check_samples(b, s);
        } else {
            check_mbus(b, s);
        }
        for (unsigned k = 0; k < i; k++) {
            check_ports(b, s, &b->c->source[k]);
        }
    }
}

static void check_clock(struct config_build *b)
{
    bool samples = b->unsure;

    for (unsigned i = 0; i < b->c->source_count; i++) {
        samples |= b->c->source[i].type == CONFIG_SAMPLES;
    }
    b->c->simulated = b->c->clock_trust == CLOCK_TRUST_PLANT;
    if (b->c->simulated && !samples) {
        config_complain(b, &b->c->clock_trust, "clock.trust",
                        "plant takes the clock of a sample stream, but no source is of type "
                        "samples");
    }
}

/* The page and publishers. */

static void check_listen(struct config_build *b)
{
    struct in_addr v4;
    struct in6_addr v6;
    bool loopback = false, address = true;

    if (inet_pton(AF_INET, b->c->listen, &v4) == 1) {
        loopback = ntohl(v4.s_addr) >> 24 == 127;
    } else if (inet_pton(AF_INET6, b->c->listen, &v6) == 1) {
        loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    } else {
        address = false;
    }
    if (!address) {
        config_complain(b, b->c->listen, "http.listen",
                        "\"%s\" is not an IP address: write 127.0.0.1 or ::1", b->c->listen);
    } else if (!loopback) {
        config_complain(b, b->c->listen, "http.listen",
                        "%s can be reached from outside, which needs a password, and passwords are "
                        "not supported yet: write 127.0.0.1 or ::1 and put a reverse proxy in "
                        "front",
                        b->c->listen);
    }
}

static void check_hosts(struct config_build *b)
{
    for (unsigned i = 0; i < b->c->host_count; i++) {
        const char *host = b->c->hosts[i];
        size_t n = strlen(host);

        if (config_given(b, host) &&
            strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n) {
            config_complain(b, host, "http.hosts",
                            "\"%.60s\" is not a host name: letters, digits, - and . only, without "
                            "http:// and port",
                            host);
        }
    }
}

static void check_url(struct config_build *b, const struct config_publisher *p)
{
    bool clear = strncmp(p->url, "http://", 7) == 0;
    const char *host = p->url + (clear ? 7 : 8);
    size_t length;

    if (!config_given(b, p->url)) {
        return;
    }
    if (!clear && strncmp(p->url, "https://", 8) != 0) {
        config_complain(b, p->url, "url", "must begin with https://, or http://");
        return;
    }
    length = strcspn(host, "/?#");
    if (length == 0 || host[0] == ':') {
        config_complain(b, p->url, "url", "names no host");
    } else if (memchr(host, '@', length) != NULL) {
        config_complain(b, p->url, "url", "must not hold a user or password");
    } else if (strpbrk(p->url, "?# \"<>\\^`{|}") != NULL) {
        config_complain(b, p->url, "url",
                        "must be an address only, without blanks, ? and #; keys go to the secrets "
                        "file");
    }
    if (clear && !p->allow_cleartext) {
        config_complain(b, p->url, "url",
                        "is http://, so that all on the way could read the key: use https://, or "
                        "add allow_cleartext: true");
    }
}

static void check_publishers(struct config_build *b)
{
    for (unsigned i = 0; i < b->c->publisher_count; i++) {
        const struct config_publisher *p = &b->c->publisher[i];

        check_url(b, p);
        for (unsigned k = 0; k < i && p->id[0] != '\0'; k++) {
            if (strcmp(p->id, b->c->publisher[k].id) == 0) {
                config_complain(b, p->id, "id", "\"%s\" is already the publisher of line %u", p->id,
                                b->c->publisher[k].line);
            }
        }
        if (config_given(b, p->key_secret) && b->c->secrets[0] == '\0') {
            config_complain(b, p->key_secret, "key_secret",
                            "needs the secrets file: add secrets: secrets.yaml at the top level");
        }
    }
}

static void set_label(char label[CONFIG_TEXT_MAX], const char *id)
{
    if (label[0] == '\0') {
        strcpy(label, id);
    }
}

static void set_labels(struct config *c)
{
    for (unsigned s = 0; s < c->source_count; s++) {
        struct config_source *source = &c->source[s];

        set_label(source->label, source->id);
        for (unsigned i = 0; i < source->voltage_count; i++) {
            set_label(source->voltages[i].label, source->voltages[i].id);
        }
        for (unsigned i = 0; i < source->clamp_count; i++) {
            set_label(source->clamps[i].label, source->clamps[i].id);
        }
    }
}

void config_check(struct config_build *b)
{
    set_labels(b->c);
    config_check_ids(b);
    check_sources(b);
    check_clock(b);
    check_listen(b);
    check_hosts(b);
    check_publishers(b);
}

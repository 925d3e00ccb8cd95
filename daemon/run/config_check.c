/* Checks between options: what one row of the options table cannot say. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "daemon/run/config_bind.h"

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

/* Index of the voltage of this id, or of one that could not be read; -1: none, reported. */
static int find_voltage(const struct config_build *b, const struct config_source *s, const char *id,
                        const char *key)
{
    struct config_nearest nearest;

    config_nearest_init(&nearest, id);
    for (unsigned v = 0; v < s->voltage_count; v++) {
        if (strcmp(s->voltages[v].id, id) == 0 || s->voltages[v].id[0] == '\0') {
            return (int)v; /* unreadable, and reported: it may be the one */
        }
        config_nearest_offer(&nearest, s->voltages[v].id);
    }
    if (s->voltage_count > 0) {
        config_complain(b, id, key, "\"%s\" is none of this sampler's voltages, did you mean %s?",
                        id, nearest.best != NULL ? nearest.best : s->voltages[0].id);
    }
    return -1;
}

void config_check_curve(const struct config_build *b, const struct config_curve_point *curve,
                        unsigned count)
{
    for (unsigned k = 1; k < count; k++) {
        const struct config_curve_point *p = &curve[k];

        if (config_given(b, &p->level) && p->level <= p[-1].level) {
            config_complain(b, &p->level, "level", "%g does not rise above the point before, %g",
                            p->level, p[-1].level);
        }
    }
}

/* A load between two phases; a phase without a voltage. */
static void check_supply(const struct config_build *b, const struct config_source *s,
                         struct config_input *clamp)
{
    int minus;

    if (!config_given(b, clamp->minus_id)) {
        return;
    }
    minus = find_voltage(b, s, clamp->minus_id, "minus");
    clamp->minus = minus < 0 ? 0 : (unsigned)minus;
    if (minus >= 0 && clamp->minus == clamp->voltage) {
        config_complain(b, clamp->minus_id, "minus", "is the same voltage as at this end");
    }
    if (clamp->shift_deg < 0 || clamp->shift_deg > 0) {
        config_complain(b, &clamp->shift_deg, "shift_deg",
                        "and minus exclude each other: remove one");
    }
}

static void resolve_voltage(struct config_build *b, const struct config_source *s,
                            struct config_input *clamp)
{
    int found;

    if (!config_given(b, clamp->voltage_id)) {
        if (s->voltage_count > 1 && clamp->voltage_id[0] == '\0') {
            config_complain(b, clamp->voltage_id, "voltage",
                            "is required, as the sampler has %u voltages", s->voltage_count);
        } else if (s->voltage_count == 1) {
            strcpy(clamp->voltage_id, s->voltages[0].id);
        }
        return;
    }
    found = find_voltage(b, s, clamp->voltage_id, "voltage");
    clamp->voltage = found < 0 ? 0 : (unsigned)found;
}

static void check_samples(struct config_build *b, struct config_source *s)
{
    bool socket = s->socket[0] != '\0', port = s->port[0] != '\0', spi = s->spidev[0] != '\0';

    if (socket && port) {
        config_complain(b, s->port, "port", "and socket exclude each other: remove one");
    } else if (spi && (socket || port)) {
        config_complain(b, s->spidev, "spidev", "and %s exclude each other: remove one",
                        socket ? "socket" : "port");
    } else if (!socket && !port && !spi) {
        config_complain(b, s->socket, "socket",
                        "or port or spidev is required: where the samples come from");
    } else if (!port && config_given(b, &s->baud)) {
        config_complain(b, &s->baud, "baud", "is for a serial port, but here is a %s",
                        socket ? "socket" : "converter");
    }
    config_check_spi(b, s);
    if (strlen(s->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        config_complain(b, s->socket, "socket", "is too long: at most %zu bytes with its folder",
                        sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    }
    check_slots(b, s);
    for (unsigned i = 0; i < s->clamp_count; i++) {
        resolve_voltage(b, s, &s->clamps[i]);
        check_supply(b, s, &s->clamps[i]);
        config_check_curve(b, s->clamps[i].curve, s->clamps[i].curve_count);
    }
    for (unsigned i = 0; i < s->voltage_count; i++) {
        config_check_curve(b, s->voltages[i].curve, s->voltages[i].curve_count);
    }
}

static void check_sources(struct config_build *b)
{
    for (unsigned i = 0; i < b->c->source_count; i++) {
        struct config_source *s = &b->c->source[i];

        switch (s->type) {
        case CONFIG_SAMPLES:
            check_samples(b, s);
            break;
        case CONFIG_MBUS:
            config_check_mbus(b, s);
            break;
        case CONFIG_MODBUS:
            config_check_modbus(b, s);
            break;
        case CONFIG_EMON:
            config_check_emon(b, s);
            break;
        case CONFIG_ANALOG:
            config_check_analog(b, s);
            break;
        case CONFIG_HEAT_FLOW:
            config_check_heat_flow(b, s);
            break;
        case CONFIG_PULSES:
            config_check_pulses(b, s);
            break;
        case CONFIG_ELSTER:
            config_check_elster(b, s);
            break;
        case CONFIG_DS18B20:
            config_check_ds18b20(b, s);
            break;
        }
        for (unsigned k = 0; k < i; k++) {
            config_check_ports(b, s, &b->c->source[k]);
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

static void check_log(struct config_build *b)
{
    static const unsigned commit_s[LOG_PROFILES] = {
        [LOG_NORMAL] = 10, [LOG_LOW_WEAR] = 60, [LOG_LOWEST_WEAR] = 600};
    struct config *c = b->c;

    if (!config_given(b, &c->commit_s)) {
        c->commit_s = commit_s[c->log_profile];
    }
    if (c->log_partition[0] != '\0' && !config_given(b, &c->log_max_mb)) {
        c->log_max_mb = 0;
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
        for (unsigned i = 0; i < source->group_count; i++) {
            set_label(source->groups[i].label, source->groups[i].id);
        }
        for (unsigned i = 0; i < source->emon_count; i++) {
            set_label(source->emon[i].label, source->emon[i].id);
        }
        for (unsigned i = 0; i < source->sensor_count; i++) {
            set_label(source->sensors[i].label, source->sensors[i].id);
        }
    }
}

void config_check(struct config_build *b)
{
    set_labels(b->c);
    config_check_maps(b);
    config_check_emon_inputs(b);
    config_check_sensors(b);
    config_check_measures(b);
    config_check_ids(b);
    check_sources(b);
    config_check_models(b);
    check_clock(b);
    check_listen(b);
    check_hosts(b);
    check_log(b);
    check_publishers(b);
}

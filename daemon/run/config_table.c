#include "daemon/run/config_table.h"

#include <string.h>

#include "daemon/run/config.h"

#define IN(type, member) \
    .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define ELEMENTS(type, member, counter, limit) \
    IN(type, member), .count_at = offsetof(struct type, counter), .count_max = (limit)

/* clang-format off */
const struct config_section_info config_sections[SECTION_COUNT] = {
    [SECTION_ROOT] = {"", NULL, sizeof(struct config), 0, "Top level."},
    [SECTION_SITE] = {"site", NULL, 0, 0, "The house."},
    [SECTION_CLOCK] = {"clock", NULL, 0, 0, "Where wall time comes from."},
    [SECTION_HTTP] = {"http", NULL, 0, 0, "The page and the API."},
    [SECTION_RECORD] = {"record", NULL, 0, 0, "What is kept."},
    [SECTION_LOG] = {"log", NULL, 0, 0, "How it is kept."},
    [SECTION_SAMPLES] = {"sources[]", "samples", sizeof(struct config_source), offsetof(struct config_source, line),
        "A sampler that sends mains waveforms (docs/SAMPLE_STREAM.md), over a socket or a serial port: exactly one "
        "of `socket` and `port`. The entry itself delivers nothing; its voltages and clamps do."},
    [SECTION_VOLTAGE] = {"sources[].voltages[]", NULL, sizeof(struct config_input), offsetof(struct config_input, line),
        "A voltage reference of a sampler. Delivers `<id>_voltage`, `<id>_frequency`."},
    [SECTION_CLAMP] = {"sources[].clamps[]", NULL, sizeof(struct config_input), offsetof(struct config_input, line),
        "A current clamp of a sampler. Delivers `<id>_power`, `<id>_current`, `<id>_apparent_power`, "
        "`<id>_reactive_power`, `<id>_power_factor`, `<id>_import`, `<id>_export`."},
    [SECTION_MBUS] = {"sources[]", "mbus", sizeof(struct config_source), offsetof(struct config_source, line),
        "A meter on wired M-Bus, behind a serial port or a TCP gateway: exactly one of `port` and `tcp`, exactly one of "
        "`address` and `secondary`. A heat meter delivers, as far as it sends them, `<id>_power`, `<id>_energy`, "
        "`<id>_volume`, `<id>_flow_rate`, `<id>_flow_t`, `<id>_return_t`, `<id>_delta_t`, `<id>_outside_t`; an "
        "electricity meter `<id>_power`, `<id>_import`, `<id>_export`, `<id>_voltage`, `<id>_current`, "
        "`<id>_frequency`, `<id>_apparent_power`, `<id>_reactive_power`, `<id>_power_factor`. Several meters may share "
        "a line if each has its own address; each may have its own speed."},
    [SECTION_ROLES] = {"roles", NULL, 0, 0,
        "Which source is what: nothing is guessed from names. A role names a source (`hp`, `heatmeter`) or one "
        "channel of a source (`heatmeter_flow_t`). Left out: not known."},
    [SECTION_EMONCMS] = {"publish[]", "emoncms", sizeof(struct config_publisher), offsetof(struct config_publisher, line),
        "Sends the records to Emoncms. What could not be sent waits in the log and follows later."},
};

const struct config_option config_options[] = {
    {SECTION_ROOT, "version", CONFIG_KIND_INTEGER, IN(config, version), .min = CONFIG_VERSION, .max = CONFIG_VERSION, .required = true,
     .text = "Version of this format: 1."},
    {SECTION_ROOT, "site", CONFIG_KIND_MAP, .child = {SECTION_SITE}, .text = "The house."},
    {SECTION_ROOT, "data_dir", CONFIG_KIND_PATH, IN(config, data_dir), .fallback = "/var/lib/heatwatt",
     .text = "Folder of the log."},
    {SECTION_ROOT, "secrets", CONFIG_KIND_PATH, IN(config, secrets),
     .text = "File of lines `name: value`, such as keys. Nobody else may read it: `chmod 600`."},
    {SECTION_ROOT, "clock", CONFIG_KIND_MAP, .child = {SECTION_CLOCK}, .text = "Where wall time comes from."},
    {SECTION_ROOT, "http", CONFIG_KIND_MAP, .child = {SECTION_HTTP}, .text = "The page and the API."},
    {SECTION_ROOT, "record", CONFIG_KIND_MAP, .child = {SECTION_RECORD}, .text = "What is kept."},
    {SECTION_ROOT, "log", CONFIG_KIND_MAP, .child = {SECTION_LOG}, .text = "How it is kept."},
    {SECTION_ROOT, "sources", CONFIG_KIND_LIST, ELEMENTS(config, source, source_count, CONFIG_SOURCES_MAX),
     .child = {SECTION_SAMPLES, SECTION_MBUS}, .required = true, .text = "Samplers and meters."},
    {SECTION_ROOT, "roles", CONFIG_KIND_MAP, .child = {SECTION_ROLES}, .text = "Which source is what."},
    {SECTION_ROOT, "publish", CONFIG_KIND_LIST, ELEMENTS(config, publisher, publisher_count, CONFIG_PUBLISHERS_MAX),
     .child = {SECTION_EMONCMS}, .text = "Where records are sent to."},

    {SECTION_SITE, "name", CONFIG_KIND_TEXT, IN(config, site), .fallback = "Home", .text = "Shown on the page."},
    {SECTION_SITE, "timezone", CONFIG_KIND_TEXT, IN(config, timezone), .fallback = "UTC",
     .text = "Name in the time zone database, such as `Europe/London`: where days begin."},

    {SECTION_CLOCK, "trust", CONFIG_KIND_CHOICE, IN(config, clock_trust), .choices = "auto always plant", .fallback = "auto",
     .text = "`auto`: the system's clock, synchronised when the kernel says so. `always`: the system's clock, taken as "
             "synchronised. `plant`: the clock of the sample stream, for the virtual plant only; what is recorded is "
             "then marked as simulated."},

    {SECTION_HTTP, "listen", CONFIG_KIND_TEXT, IN(config, listen), .fallback = "127.0.0.1",
     .text = "IP address to listen on. Only loopback addresses (`127.0.0.1`, `::1`) for now."},
    {SECTION_HTTP, "port", CONFIG_KIND_INTEGER, IN(config, port), .min = 0, .max = 65535, .fallback = "8080",
     .text = "0 takes any free one."},
    {SECTION_HTTP, "hosts", CONFIG_KIND_TEXTS, ELEMENTS(config, hosts, host_count, CONFIG_HOSTS_MAX),
     .text = "Host names under which the page may be asked for, beside the address itself; without port. Needed behind a "
             "reverse proxy."},

    {SECTION_RECORD, "interval_s", CONFIG_KIND_INTEGER, IN(config, record_s), .min = 1, .max = 60, .unit = "s", .fallback = "10",
     .text = "One record of all channels in this time."},

    {SECTION_LOG, "commit_s", CONFIG_KIND_INTEGER, IN(config, commit_s), .min = 1, .max = 600, .unit = "s", .fallback = "10",
     .text = "Records are made safe on the disk this often; a power cut loses at most this."},
    {SECTION_LOG, "max_mb", CONFIG_KIND_INTEGER, IN(config, log_max_mb), .min = 16, .max = 4096, .unit = "MB",
     .fallback = "2048", .text = "The oldest records go when the log is larger."},

    {SECTION_SAMPLES, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "Name in messages. Letters a-z, digits, `_`."},
    {SECTION_SAMPLES, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = "samples mbus", .required = true,
     .text = "`samples`."},
    {SECTION_SAMPLES, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_SAMPLES, "socket", CONFIG_KIND_PATH, IN(config_source, socket), .text = "Path of a stream socket to connect to."},
    {SECTION_SAMPLES, "port", CONFIG_KIND_PATH, IN(config_source, port), .text = "Serial port, such as `/dev/ttyACM0`."},
    {SECTION_SAMPLES, "baud", CONFIG_KIND_INTEGER, IN(config_source, baud), .unit = "Bd", .fallback = "921600",
     .choices = "115200 230400 460800 500000 576000 921600 1000000 1152000 1500000 2000000 2500000 3000000 3500000 4000000",
     .text = "Of `port`. USB devices of class CDC take any."},
    {SECTION_SAMPLES, "voltages", CONFIG_KIND_LIST, ELEMENTS(config_source, voltages, voltage_count, CONFIG_VOLTAGES_MAX),
     .child = {SECTION_VOLTAGE}, .required = true, .text = "Voltage references."},
    {SECTION_SAMPLES, "clamps", CONFIG_KIND_LIST, ELEMENTS(config_source, clamps, clamp_count, HWT_SLOTS_MAX),
     .child = {SECTION_CLAMP}, .text = "Current clamps."},

    {SECTION_VOLTAGE, "id", CONFIG_KIND_ID, IN(config_input, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 22."},
    {SECTION_VOLTAGE, "label", CONFIG_KIND_TEXT, IN(config_input, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_VOLTAGE, "slot", CONFIG_KIND_INTEGER, IN(config_input, slot), .min = 0, .max = HWT_SLOTS_MAX - 1, .required = true,
     .text = "Its slot in the sample stream."},
    {SECTION_VOLTAGE, "ratio", CONFIG_KIND_NUMBER, IN(config_input, ratio), .min = 1e-6, .max = 1e4, .unit = "V", .required = true,
     .text = "Volts for each step of the converter."},
    {SECTION_VOLTAGE, "phase_deg", CONFIG_KIND_NUMBER, IN(config_input, phase_deg), .min = -30, .max = 30, .unit = "degrees",
     .fallback = "0", .text = "How far the sensor leads, at 50 Hz."},

    {SECTION_CLAMP, "id", CONFIG_KIND_ID, IN(config_input, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 17."},
    {SECTION_CLAMP, "label", CONFIG_KIND_TEXT, IN(config_input, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_CLAMP, "slot", CONFIG_KIND_INTEGER, IN(config_input, slot), .min = 0, .max = HWT_SLOTS_MAX - 1, .required = true,
     .text = "Its slot in the sample stream."},
    {SECTION_CLAMP, "voltage", CONFIG_KIND_ID, IN(config_input, voltage_id), .fallback_note = "the sampler's only voltage",
     .text = "Id of the voltage of its phase."},
    {SECTION_CLAMP, "ratio", CONFIG_KIND_NUMBER, IN(config_input, ratio), .min = 1e-6, .max = 1e4, .unit = "A", .required = true,
     .text = "Amperes for each step of the converter."},
    {SECTION_CLAMP, "phase_deg", CONFIG_KIND_NUMBER, IN(config_input, phase_deg), .min = -30, .max = 30, .unit = "degrees",
     .fallback = "0", .text = "How far the sensor leads, at 50 Hz."},
    {SECTION_CLAMP, "reversed", CONFIG_KIND_BOOL, IN(config_input, reversed), .fallback = "false",
     .text = "The clamp is turned round: import and export change places."},

    {SECTION_MBUS, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 22."},
    {SECTION_MBUS, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = "samples mbus", .required = true,
     .text = "`mbus`."},
    {SECTION_MBUS, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_MBUS, "measures", CONFIG_KIND_CHOICE, IN(config_source, measures), .choices = "heat electricity", .fallback = "heat",
     .text = "What it measures: decides which channels it has."},
    {SECTION_MBUS, "port", CONFIG_KIND_PATH, IN(config_source, port),
     .text = "Serial port of the level converter, such as `/dev/ttyUSB0`."},
    {SECTION_MBUS, "tcp", CONFIG_KIND_TEXT, IN(config_source, tcp),
     .text = "`host:port` of a transparent gateway (serial device server) in front of the level converter. The speed is set there."},
    {SECTION_MBUS, "baud", CONFIG_KIND_INTEGER, IN(config_source, baud), .unit = "Bd", .fallback = "2400",
     .choices = "0 300 600 1200 2400 4800 9600 19200 38400",
     .text = "Always 8 data bits, even parity, 1 stop bit. 0: found by trying 2400, 9600, 300, 4800, 1200 and 600."},
    {SECTION_MBUS, "address", CONFIG_KIND_INTEGER, IN(config_source, address), .min = 0, .max = 254,
     .text = "Primary address, 0 to 250; 254 is answered by every meter: for a single one on the bus."},
    {SECTION_MBUS, "secondary", CONFIG_KIND_TEXT, IN(config_source, secondary),
     .text = "Secondary address: the 8 digits of the identification, `F` fits any; or 16 hex digits with manufacturer, "
             "version and device type behind. In quotes, so that a leading 0 stays."},
    {SECTION_MBUS, "profile", CONFIG_KIND_TEXT, IN(config_source, profile), .fallback_note = "what the meter says of itself",
     .text = "Name of a row of `data/mbus/profiles.txt`, such as `sdm120`: for meters that are not recognised."},
    {SECTION_MBUS, "mains_powered", CONFIG_KIND_BOOL, IN(config_source, mains_powered), .fallback = "false",
     .text = "The meter has a mains supply. Reading drains a battery: without one, `poll_s` is at least 60."},
    {SECTION_MBUS, "poll_s", CONFIG_KIND_INTEGER, IN(config_source, poll_s), .min = 2, .max = 86400, .unit = "s",
     .fallback = "60", .fallback_note = "60; 10 if `mains_powered`", .text = "Read the meter this often."},
    {SECTION_MBUS, "timeout_ms", CONFIG_KIND_INTEGER, IN(config_source, timeout_ms), .min = 50, .max = 10000, .unit = "ms",
     .fallback = "1000", .text = "Wait this long for the first octet of a reply."},
    {SECTION_MBUS, "retries", CONFIG_KIND_INTEGER, IN(config_source, retries), .min = 0, .max = 10, .fallback = "2",
     .text = "Further attempts when no good reply came."},

#define CONFIG_X(role_, id_, kind_, text_) \
    {SECTION_ROLES, (id_), CONFIG_KIND_ID, IN(config, role[ROLE_##role_]), .text = (text_)},
    CONFIG_ROLES(CONFIG_X)
#undef CONFIG_X

    {SECTION_EMONCMS, "id", CONFIG_KIND_ID, IN(config_publisher, id), .required = true,
     .text = "Names its place in the queue: never change it later. Letters a-z, digits, `_`."},
    {SECTION_EMONCMS, "type", CONFIG_KIND_CHOICE, IN(config_publisher, type), .choices = "emoncms", .required = true,
     .text = "`emoncms`."},
    {SECTION_EMONCMS, "url", CONFIG_KIND_TEXT, IN(config_publisher, url), .required = true, .secret = true,
     .text = "Address of Emoncms, such as `https://emoncms.example/`, without keys."},
    {SECTION_EMONCMS, "allow_cleartext", CONFIG_KIND_BOOL, IN(config_publisher, allow_cleartext), .fallback = "false",
     .text = "Allow an `http://` address: the key then travels readable by all on the way."},
    {SECTION_EMONCMS, "node", CONFIG_KIND_ID, IN(config_publisher, node), .fallback = "heatwatt",
     .text = "Node under which the inputs appear. emoncms.org takes at most 16 characters."},
    {SECTION_EMONCMS, "key_secret", CONFIG_KIND_ID, IN(config_publisher, key_secret), .required = true, .secret = true,
     .text = "Name, in the secrets file, of the account's write key."},
    {SECTION_EMONCMS, "interval_s", CONFIG_KIND_INTEGER, IN(config_publisher, interval_s), .min = 1, .max = 3600, .unit = "s",
     .fallback = "30", .text = "Send this often."},
    {SECTION_EMONCMS, "batch", CONFIG_KIND_INTEGER, IN(config_publisher, batch), .min = 1, .max = 2000, .fallback = "500",
     .text = "Records a request, at most."},
};
/* clang-format on */

const size_t config_option_count = sizeof(config_options) / sizeof(config_options[0]);

const struct config_option *config_option_find(enum config_section section, const char *name)
{
    for (size_t i = 0; i < config_option_count; i++) {
        if (config_options[i].section == section && strcmp(config_options[i].name, name) == 0) {
            return &config_options[i];
        }
    }
    return NULL;
}

bool config_choice_next(const char *choices, size_t *at, char *word_out, size_t n)
{
    const char *word = choices + *at;
    size_t length = strcspn(word, " ");

    if (length == 0 || length >= n) {
        return false;
    }
    memcpy(word_out, word, length);
    word_out[length] = '\0';
    *at += length + (word[length] == ' ');
    return true;
}

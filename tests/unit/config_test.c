/* daemon/run/config: the right file gives the right struct, the wrong one tells all that is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/run/config.h"
#include "daemon/run/config_table.h"
#include "daemon/run/config_tree.h"

#define V1    "version: 1\n"
#define METER "sources:\n  - {id: hm, type: mbus, port: /dev/u, address: 1}\n" /* lines 2, 3 */
/* Lines 2 to 9; a further clamp would be line 10. */
#define SPI           "sources:\n  - id: s\n    type: samples\n    spidev: /dev/spidev0.0\n"
#define VOLTAGE(slot) "    voltages: [{id: l1, slot: " slot ", ratio: 1}]\n"
#define SAMPLER                                                                                \
    "sources:\n  - id: s\n    type: samples\n    socket: /run/s\n    voltages:\n"              \
    "      - {id: mains, slot: 0, ratio: 0.2}\n    clamps:\n      - {id: hp, slot: 1, ratio: " \
    "0.1}\n"
#define ANALOG   "sources:\n  - {id: v, type: analog, " /* lines 2, 3 */
#define HEATFLOW "  - {id: hf, type: heat_from_flow, "
#define EMON     "sources:\n  - {id: e, type: emon, port: x, "          /* lines 2, 3 */
#define PULSES   "sources:\n  - {id: p, type: pulses, per_unit: 1000, " /* lines 2, 3 */
#define ELSTER   "sources:\n  - {id: e, type: elster, "                 /* lines 2, 3 */
#define SENSORS  "sources:\n  - {id: w, type: ds18b20, sensors: "       /* lines 2, 3 */
#define MODBUS   "sources:\n  - {id: m, type: modbus, "                 /* lines 2, 3 */
#define PUBLISH  "publish:\n  - {id: e, type: emoncms, key_secret: k, url: "

struct row {
    const char *text;
    unsigned line;
    const char *field;
    const char *says; /* part of the text */
    unsigned count;   /* problems in all; 0: one */
    const char *why;
};

static const struct row broken[] = {
    /* YAML and its strict part */
    {"", 0, "", "is empty", 0, "nothing at all"},
    {"# only a comment\n", 0, "", "is empty", 0, "no document"},
    {"hello\n", 1, "", "expected lines such as \"version: 1\"", 0, "a text is no configuration"},
    {"- version: 1\n", 1, "", "expected lines such as", 0, "a list is no configuration"},
    {V1 "site: {name: Home\n" METER, 3, "", "is not valid YAML", 0, "a brace never closed"},
    {V1 "site:\n\tname: Home\n" METER, 3, "", "indented by a tab", 0, "tab indent"},
    {V1 "site:\n  name: \xff\xfe\n" METER, 3, "", "is not valid YAML", 0, "not UTF-8"},
    {V1 "site: &here {name: Home}\n" METER, 2, "site", "anchor", 0, "anchor"},
    {V1 METER "site:\n  name: *here\n", 5, "site.name", "is an alias", 0, "alias"},
    {V1 METER "site:\n  name: !!str Home\n", 5, "site.name", "has a tag", 0, "tag"},
    {V1 METER "---\nversion: 1\n", 4, "", "second document", 0, "two documents"},
    {V1 METER "site: {name: A}\nsite: {name: B}\n", 5, "site", "twice, first in line 4", 0,
     "duplicate section"},
    {V1 METER "http: {port: 1,\n  port: 2}\n", 5, "http.port", "twice, first in line 4", 0,
     "duplicate key"},
    {V1 METER "? [a, b]\n: c\n", 4, "", "a key that is not a plain word", 0, "complex key"},
    {V1 METER "site: {name: \"a\\x07b\"}\n", 4, "site.name", "control character", 0, "bell"},
    {V1 METER "site: {name: \"a\\0b\"}\n", 4, "site.name", "control character", 0, "NUL"},
    {V1 METER "site: {name: |\n", 4, "", "is not valid YAML", 0, "block text in a flow map"},
    {"a: [[[[[[[[[[[[]]]]]]]]]]]]\n", 1, "", "deeper than 8", 0, "deep nesting"},

    /* the table: keys */
    {METER, 1, "version", "is required", 0, "no version"},
    {"version: 2\nstrange: 1\n", 1, "version", "this program reads version 1", 0,
     "of a later version nothing else is judged"},
    {"version: \"1\"\n" METER, 1, "version", "is in quotes", 0, "quoted version"},
    {V1, 1, "sources", "is required", 0, "no sources"},
    {V1 "sources: []\n", 2, "sources", "at least one", 0, "empty sources"},
    {V1 "sources:\n", 2, "sources", "at least one", 0, "sources without a value"},
    {V1 "sources: {id: a}\n", 2, "sources", "must be a list", 0, "a map for a list"},
    {V1 "sources: [clamps]\n", 2, "sources[0]", "must be a group of keys", 0, "a text for a map"},
    {V1 METER "sites: {name: A}\n", 4, "sites", "did you mean site?", 0, "near a known section"},
    {V1 METER "http:\n  prot: 80\n", 5, "http.prot", "did you mean port?", 0, "near a known key"},
    {V1 METER "http: {colour: red}\n", 4, "http.colour", "here are: listen, port, hosts", 0,
     "far from all keys"},
    {V1 METER "site: Home\n", 4, "site", "must be a group of keys", 0, "a text for a section"},
    {V1 METER "site: {name: [a]}\n", 4, "site.name", "is a list, but takes one value", 0, "list"},
    {V1 METER "site: {name: }\n", 4, "site.name", "has no value", 0, "no value"},
    {V1 METER "site: {name: ~}\n", 4, "site.name", "has no value", 0, "null"},
    {V1 METER "site: {name: \"\"}\n", 4, "site.name", "is empty", 0, "empty text"},
    {V1 "sources:\n  - {id: a}\n", 3, "sources[0].type", "one of samples, mbus", 0, "no type"},
    {V1 "sources:\n  - {id: a, type: mbuss}\n", 3, "sources[0].type", "did you mean mbus", 0,
     "near type"},
    {V1 "sources:\n  - {id: a, type: modbus_tcp_x}\n", 3, "sources[0].type", "one of samples, mbus",
     0, "unknown type"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, socket: y}\n", 3,
     "sources[0].socket", "is a key of type samples, not of mbus", 0, "the other type's key"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x}\n", 3, "sources[0].address", "is required", 0,
     "a required key"},

    /* the table: values */
    {V1 METER "http: {port: 65536}\n", 4, "http.port", "65536 is above the maximum 65535", 0,
     "above"},
    {V1 METER "http: {port: 99999999999999999999999}\n", 4, "http.port", "above the maximum", 0,
     "beyond 64 bits"},
    {V1 METER "http: {port: -1}\n", 4, "http.port", "-1 is below the minimum 0", 0, "negative"},
    {V1 METER "http: {port: 8e3}\n", 4, "http.port", "is not a whole number", 0, "exponent"},
    {V1 METER "http: {port: 010}\n", 4, "http.port", "is not a whole number", 0, "octal?"},
    {V1 METER "record: {interval_s: 0}\n", 4, "record.interval_s", "0 is below the minimum 1 s", 0,
     "below"},
    {V1 METER "record: {interval_s: 10s}\n", 4, "record.interval_s",
     "\"10s\" is not a whole number (of s)", 0, "unit in the value"},
    {V1 METER "log: {max_mb: 15}\n", 4, "log.max_mb", "below the minimum 16 MB", 0, "small log"},
    {V1 METER "log: {profile: no_wear}\n", 4, "log.profile", "one of normal low_wear lowest_wear",
     0, "no such profile"},
    {V1 METER "log: {keep_days: -1}\n", 4, "log.keep_days", "below the minimum 0 days", 0,
     "negative age"},
    {V1 METER "clock: {trust: never}\n", 4, "clock.trust", "one of auto always plant", 0, "choice"},
    {V1 METER "data_dir: ~/log\n", 4, "data_dir", "begins with ~", 0, "shell path"},
    {V1 "sources:\n  - {id: A-1, type: mbus, port: x, address: 1}\n", 3, "sources[0].id",
     "\"A-1\" is not an id", 0, "id characters"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, baud: 1000}\n", 3,
     "sources[0].baud", "one of 0 300 600 1200", 0, "no such speed"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, mains_powered: yes}\n", 3,
     "sources[0].mains_powered", "\"yes\" is neither true nor false", 0, "YAML 1.1 yes"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: nan}\n", 10, "sources[0].clamps[1].ratio",
     "is not a number", 0, "not a number"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 0}\n", 10, "sources[0].clamps[1].ratio",
     "below the minimum 1e-06 A", 0, "no ratio"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 0x1}\n", 10, "sources[0].clamps[1].ratio",
     "is not a number", 0, "hexadecimal"},
    {V1 SAMPLER "      - {id: b, slot: 24, ratio: 1}\n", 10, "sources[0].clamps[1].slot",
     "24 is above the maximum 23", 0, "no such slot"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, phase_deg: -31}\n", 10,
     "sources[0].clamps[1].phase_deg", "below the minimum -30 degrees", 0, "negative bound"},

    /* models of sensors */
    {V1 SAMPLER "      - {id: b, slot: 2}\n", 10, "sources[0].clamps[1].ratio", "or ct is required",
     0, "neither ratio nor model"},
    {V1 SAMPLER "      - {id: b, slot: 2, ct: SCT-013-00}\n", 10, "sources[0].clamps[1].ct",
     "near are \"YHDC SCT-013-000\", \"YHDC SCT-013-000V\", \"YHDC SCT-013-005\"", 0,
     "an unknown clamp names those near"},
    {V1 SAMPLER "      - {id: b, slot: 2, ct: YHDC sct-013-000}\n", 10, "sources[0].clamps[1].ct",
     "near are \"YHDC SCT-013-000\"", 0, "names are exact"},
    {V1 SAMPLER "      - {id: b, slot: 2, ct: Mascot 9580}\n", 10, "sources[0].clamps[1].ct",
     "is not a known clamp", 0, "a voltage sensor is no clamp"},
    {V1 SAMPLER "      - {id: b, slot: 2, ct: YHDC SCT-013-030}\n", 3, "sources[0].step_v",
     "is required, as b names a model", 0, "steps of what?"},
    {V1 "sources:\n  - {id: s, type: samples, socket: x, step_v: 0.001,\n     voltages: [{id: v, "
        "slot: 0, ratio: 1}],\n     clamps: [{id: c, slot: 1, ct: YHDC SCT-013-000}]}\n",
     5, "sources[0].clamps[0].burden_ohm", "is required, here or at the sampler", 0,
     "a current through what?"},
    {V1 "sources:\n  - {id: s, type: samples, socket: x, step_v: 0.001,\n     voltages: [{id: v, "
        "slot: 0, ratio: 1}],\n     clamps: [{id: c, slot: 1, ct: YHDC SCT-013-030, burden_ohm: "
        "9}]}\n",
     5, "sources[0].clamps[0].burden_ohm", "is built into a YHDC SCT-013-030", 0, "two burdens"},
    {V1 "sources:\n  - {id: s, type: samples, socket: x, step_v: 1.0e-9,\n     voltages: [{id: v, "
        "slot: 0, vt: Mascot 9580}]}\n",
     4, "sources[0].voltages[0].vt", "gives 2.143e-08 V for each step", 0, "a step of nothing"},
    {V1 METER "vt_models: [{name: a, ratio: 1}, {name: a, ratio: 2}]\n", 4, "vt_models[1].name",
     "is already in line 4", 0, "one model twice"},
    {V1 METER "ct_models: [{name: a, ratio: 1, phase_hz: 55}]\n", 4, "ct_models[0].phase_hz",
     "one of 50 60", 0, "no such mains"},
    {V1 METER "ct_models: [{name: a, ratio: 1, curve: [{level: 2}, {level: 1}]}]\n", 4,
     "ct_models[0].curve[1].level", "does not rise", 0, "a model's curve"},

    /* between keys */
    {V1 SAMPLER "      - {id: hp, slot: 2, ratio: 1}\n", 10, "sources[0].clamps[1].id",
     "is already the clamp of line 9", 0, "same id"},
    {V1 SAMPLER "      - {id: mains, slot: 2, ratio: 1}\n", 10, "sources[0].clamps[1].id",
     "is already the voltage of line 7", 0, "ids are one space"},
    {V1 SAMPLER "      - {id: s, slot: 2, ratio: 1}\n", 10, "sources[0].clamps[1].id",
     "is already the source of line 3", 0, "the sampler's id too"},
    {V1 SAMPLER "      - {id: heatpump, slot: 2, ratio: 1}\n", 10, "sources[0].clamps[1].id",
     "is kept for heatwatt's own", 0, "reserved"},
    {V1 SAMPLER "      - {id: device, slot: 2, ratio: 1}\n", 10, "sources[0].clamps[1].id",
     "is kept for heatwatt's own", 0, "reserved"},
    {V1 SAMPLER "      - {id: heatpump_elec, slot: 2, ratio: 1}\n", 10, "sources[0].clamps[1].id",
     "channel heatpump_elec_power, and so does \"heatpump\"", 0, "would be heatwatt's own channel"},
    {V1 SAMPLER "      - {id: hp_apparent, slot: 2, ratio: 1}\n", 10, "sources[0].clamps[1].id",
     "channel hp_apparent_power, and so does \"hp\"", 0, "two sources, one channel id"},
    {V1 SAMPLER "      - {id: a23456789012345678, slot: 2, ratio: 1}\n", 10,
     "sources[0].clamps[1].id", "has 18 characters: at most 17", 0, "<id>_reactive_power"},
    {V1 "sources:\n  - {id: a2345678901234567890123, type: mbus, port: x, address: 1}\n", 3,
     "sources[0].id", "has 23 characters: at most 22", 0, "<id>_flow_rate"},
    {V1 SAMPLER "      - {id: b, slot: 1, ratio: 1}\n", 10, "sources[0].clamps[1].slot",
     "1 is already that of \"hp\" in line 9", 0, "same slot"},
    {V1 SAMPLER "      - {id: b, slot: 0, ratio: 1}\n", 10, "sources[0].clamps[1].slot",
     "0 is already that of \"mains\" in line 7", 0, "the voltage's slot"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, voltage: main}\n", 10,
     "sources[0].clamps[1].voltage", "did you mean mains?", 0, "no such voltage"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: a\n    voltages:\n"
        "      - {id: l1, slot: 0, ratio: 1}\n      - {id: l2, slot: 1, ratio: 1}\n"
        "    clamps:\n      - {id: c, slot: 2, ratio: 1}\n",
     10, "sources[0].clamps[0].voltage", "is required, as the sampler has 2", 0, "which phase?"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, measure: [cos_pi]}\n", 10,
     "sources[0].clamps[1].measure[0]", "did you mean cos_phi?", 0, "a typing error"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, measure: [power]}\n", 10,
     "sources[0].clamps[1].measure[0]", "not known here", 0, "every clamp has it"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, measure: [harmonic_41]}\n", 10,
     "sources[0].clamps[1].measure[0]", "did you mean harmonic_4", 0, "beyond the 40th"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, measure: [reactive_q2, reactive_energy]}\n", 10,
     "sources[0].clamps[1].measure[1]", "\"reactive_energy\" is there twice", 0, "a part and all"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, measure: thd}\n", 10,
     "sources[0].clamps[1].measure", "must be a list", 0, "a word for a list"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, measure: [harmonic_3]}\n"
                "      - {id: c, slot: 3, ratio: 1, measure: [harmonics]}\n",
     11, "sources[0].clamps[2].measure[0]", "so has \"b\": one clamp of a sampler", 0,
     "one is analysed"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: x\n    voltages:\n"
        "      - {id: l1, slot: 0, ratio: 1, measure: [cos_phi]}\n",
     7, "sources[0].voltages[0].measure[0]", "not known here", 0, "a voltage has no power"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: x\n    voltages:\n"
        "      - {id: l1, slot: 0, ratio: 1}\n"
        "      - {id: l2, slot: 1, ratio: 1, measure: [harmonics]}\n    clamps:\n"
        "      - {id: c, slot: 2, ratio: 1, voltage: l1, measure: [harmonic_5]}\n",
     8, "sources[0].voltages[1].measure[0]", "and so has \"c\", whose voltage it is not", 0,
     "only its own voltage comes with a clamp"},
    {V1 SAMPLER "    groups:\n      - {id: g, clamps: [hp, nosuch]}\n", 11,
     "sources[0].groups[0].clamps[1]", "\"nosuch\" is none of this sampler's clamps", 0,
     "no such clamp"},
    {V1 SAMPLER "    groups:\n      - {id: g, clamps: [hp]}\n", 11,
     "sources[0].groups[0].clamps[0]", "\"hp\" is alone", 0, "one is no group"},
    {V1 SAMPLER "    groups:\n      - {id: g, clamps: [hp, hp]}\n", 11,
     "sources[0].groups[0].clamps[1]", "\"hp\" is there twice", 0, "counted twice"},
    {V1 SAMPLER "    groups:\n      - {id: hp, clamps: [hp, hp2]}\n", 11, "sources[0].groups[0].id",
     "is already the clamp of line 9", 2, "an id twice"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, minus: min}\n", 10,
     "sources[0].clamps[1].minus", "did you mean mains?", 0, "no such voltage at the other end"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, minus: mains}\n", 10,
     "sources[0].clamps[1].minus", "is the same voltage", 0, "the same at both ends"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: a\n    voltages:\n"
        "      - {id: l1, slot: 0, ratio: 1, phase: 1}\n      - {id: l2, slot: 1, ratio: 1}\n"
        "    clamps:\n"
        "      - {id: c, slot: 2, ratio: 1, voltage: l1, minus: l2, shift_deg: 120}\n",
     10, "sources[0].clamps[0].shift_deg", "exclude each other", 0, "derived between two"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1,\n         curve: [{level: 1}, {level: 1}]}\n",
     11, "sources[0].clamps[1].curve[1].level", "does not rise", 0, "a curve that stands"},
    {V1 SAMPLER "      - {id: b, slot: 2, ratio: 1, curve: [{phase_deg: 1}]}\n", 10,
     "sources[0].clamps[1].curve[0].level", "is required", 0, "a point of nowhere"},
    {V1 "sources:\n  - id: s\n    type: samples\n    voltages: [{id: l1, slot: 0, ratio: 1}]\n", 3,
     "sources[0].socket", "or port or spidev is required", 0, "nothing to read"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: a\n    port: b\n"
        "    voltages: [{id: l1, slot: 0, ratio: 1}]\n",
     6, "sources[0].port", "exclude each other", 0, "both"},
    {V1 SPI "    socket: a\n" VOLTAGE("0"), 5, "sources[0].spidev", "and socket exclude each other",
     0, "a stream and a converter"},
    {V1 SPI "    baud: 921600\n" VOLTAGE("0"), 6, "sources[0].baud", "but here is a converter", 0,
     "a port's key"},
    {V1 SPI VOLTAGE("8"), 6, "sources[0].voltages[0].slot", "one converter has 0 to 7", 0,
     "a channel that is not there"},
    {V1 SPI "    spidev_2: /dev/spidev0.1\n" VOLTAGE("0"), 6, "sources[0].spidev_2",
     "give one a slot of 8 to 15", 0, "a converter of which nothing is read"},
    {V1 SPI "    spidev_2: /dev/spidev0.0\n" VOLTAGE("0"), 6, "sources[0].spidev_2",
     "is the same device", 0, "one device twice"},
    {V1 SPI "    spi_hz: 3600000\n" VOLTAGE("0"), 6, "sources[0].spi_hz", "2000000", 0, "too fast"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: a\n    spi_hz: 1000000\n" VOLTAGE("0"),
     6, "sources[0].spi_hz", "is for converters", 0, "a converter's key"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: a\n    spidev_2: "
        "/dev/spidev0.1\n" VOLTAGE("0"),
     6, "sources[0].spidev_2", "needs a first converter", 0, "a second without a first"},
    {V1 SPI VOLTAGE("0") "  - id: t\n    type: samples\n    spidev: /dev/spidev0.0\n"
                         "    voltages: [{id: l2, slot: 0, ratio: 1}]\n",
     9, "sources[1].spidev", "is already that of \"s\" in line 3", 0, "two readers of a converter"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: a\n    baud: 115200\n"
        "    voltages: [{id: l1, slot: 0, ratio: 1}]\n",
     6, "sources[0].baud", "here is a socket", 0, "baud of a socket"},
    {V1 "sources:\n  - id: s\n    type: samples\n    socket: a\n", 3, "sources[0].voltages",
     "is required", 0, "no voltage"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 251}\n", 3, "sources[0].address",
     "251 is no meter's address", 0, "reserved address"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, poll_s: 30}\n", 3,
     "sources[0].poll_s", "below the minimum 60 s of battery meters", 0, "drains the battery"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, mains_powered: true, poll_s: 1}\n",
     3, "sources[0].poll_s", "1 is below the minimum 2 s", 0, "too fast even with mains"},
    {V1 METER "  - {id: b, type: mbus, port: /dev/u, address: 1}\n", 4, "sources[1].address",
     "is already \"hm\" in line 3", 0, "same meter twice"},
    {V1 METER "  - {id: b, type: mbus, port: /dev/u, address: 254}\n", 4, "sources[1].address",
     "254 is answered by all", 0, "254 on a shared bus"},
    {V1 "sources:\n  - {id: a, type: mbus, tcp: \"h:1\", address: 1}\n"
        "  - {id: b, type: mbus, tcp: \"h:1\", address: 2, baud: 300}\n",
     4, "sources[1].baud", "is not that of \"a\" behind the same gateway", 0,
     "a gateway, one speed"},
    {V1 "sources:\n  - {id: a, type: mbus, address: 1}\n", 3, "sources[0].port",
     "is required, or tcp", 0, "no line"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, tcp: \"h:1\", address: 1}\n", 3,
     "sources[0].tcp", "and port exclude each other", 0, "two lines"},
    {V1 "sources:\n  - {id: a, type: mbus, tcp: gateway, address: 1}\n", 3, "sources[0].tcp",
     "is not host:port", 0, "no port number"},
    {V1 "sources:\n  - {id: a, type: mbus, tcp: \"h:1\", baud: 0, address: 1}\n", 3,
     "sources[0].baud", "cannot be found through a gateway", 0, "no speed to find"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, secondary: \"12345678\"}\n", 3,
     "sources[0].secondary", "and address exclude each other", 0, "two addresses"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, secondary: \"1234567\"}\n", 3,
     "sources[0].secondary", "is not a secondary address", 0, "seven digits"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, secondary: \"12345678\"}\n"
        "  - {id: b, type: mbus, port: x, secondary: \"12345678\"}\n",
     4, "sources[1].secondary", "is already \"a\" in line 3", 0, "a secondary address twice"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, secondary: \"72337193 2D2C 40 04\"}\n"
        "  - {id: b, type: mbus, port: x, secondary: \"723371932d2c4004\"}\n",
     4, "sources[1].secondary", "is already \"a\" in line 3", 0, "however it is written"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, profile: sharky}\n", 3,
     "sources[0].profile", "is no row of", 0, "unknown profile"},
    {V1 "sources:\n  - {id: a, type: mbus, port: x, address: 1, measures: gas}\n", 3,
     "sources[0].measures", "one of heat electricity", 0, "not measured here"},
    {V1 METER "  - {id: s, type: samples, port: /dev/u, voltages: [{id: l, slot: 0, ratio: 1}]}\n",
     4, "sources[1].port", "is already that of \"hm\" in line 3", 0, "port taken"},
    {V1 METER "clock: {trust: plant}\n", 4, "clock.trust", "no source is of type samples", 0,
     "plant clock without plant"},

    /* Modbus */
    {V1 MODBUS "map: sdm12, port: x}\n", 3, "sources[0].map",
     "did you mean sdm120: one of abb_b21, abb_b23, em111, em340, sdm120, sdm230, sdm630, sdm72, "
     "sdm72v2, shelly_pro_3em, or a file",
     0, "an unknown map lists the known ones"},
    {V1 MODBUS "map: a/b.yaml, port: x}\nroles: {elec: m}\n", 3, "sources[0].map",
     "is a file, and none is opened here", 0, "a text alone has no folder"},
    {V1 MODBUS "port: x}\n", 3, "sources[0].map", "is required", 0, "no map"},
    {V1 MODBUS "map: sdm120}\n", 3, "sources[0].port", "is required, or tcp", 0, "nowhere"},
    {V1 MODBUS "map: sdm120, port: x, tcp: h}\n", 3, "sources[0].tcp", "exclude each other", 0,
     "both"},
    {V1 MODBUS "map: sdm120, tcp: \"h:0\"}\n", 3, "sources[0].tcp", "is not host:port", 0,
     "port 0"},
    {V1 MODBUS "map: sdm120, tcp: \"h:5x\"}\n", 3, "sources[0].tcp", "is not host:port", 0,
     "not a port"},
    {V1 MODBUS "map: sdm120, tcp: \"http://h/\"}\n", 3, "sources[0].tcp", "is not host:port", 0,
     "an address of the web"},
    {V1 MODBUS "map: sdm120, tcp: \"::1\"}\n", 3, "sources[0].tcp", "is not host:port", 0,
     "IPv6 without brackets"},
    {V1 MODBUS "map: sdm120, tcp: h, parity: even}\n", 3, "sources[0].parity",
     "is for a serial port", 0, "parity of a network"},
    {V1 MODBUS "map: sdm120, port: x, framing: rtu}\n", 3, "sources[0].framing", "is for tcp", 0,
     "framing of a serial port"},
    {V1 MODBUS "map: sdm120, port: x, parity: odd, stop_bits: 2}\n", 3, "sources[0].stop_bits",
     "only possible without parity", 0, "twelve bits"},
    {V1 MODBUS "map: sdm120, port: x, unit: 0}\n", 3, "sources[0].unit", "1 to 247", 0,
     "broadcast"},
    {V1 MODBUS "map: sdm120, tcp: h, framing: rtu, unit: 255}\n", 3, "sources[0].unit", "1 to 247",
     0, "a serial line behind a gateway"},
    {V1 MODBUS "map: shelly_pro_3em, port: x, poll_s: 0}\n", 3, "sources[0].poll_s",
     "below the minimum 1 s", 0, "too often"},
    {V1 MODBUS "map: sdm120, port: x}\n  - {id: b, type: modbus, map: sdm630, port: x}\n", 4,
     "sources[1].unit", "1 on this port is already \"m\" in line 3", 0, "one unit twice"},
    {V1 MODBUS "map: sdm120, tcp: h}\n  - {id: b, type: modbus, map: sdm630, tcp: \"h:502\"}\n", 4,
     "sources[1].unit", "1 of this host is already \"m\" in line 3", 0, "502 is meant"},
    {V1 MODBUS "map: sdm120, port: x}\n  - {id: hm, type: mbus, address: 1, port: x}\n", 4,
     "sources[1].port", "M-Bus and Modbus cannot share a line", 0, "two buses on one port"},
    {V1 "sources:\n  - {id: hm, type: mbus, address: 1, port: x}\n"
        "  - {id: m, type: modbus, map: sdm120, port: x}\n",
     4, "sources[1].port", "M-Bus and Modbus cannot share a line", 0, "in the other order too"},
    {V1 "sources:\n  - {id: a, type: mbus, tcp: \"h:502\", address: 1}\n"
        "  - {id: m, type: modbus, map: sdm120, tcp: h}\n",
     4, "sources[1].tcp", "M-Bus and Modbus cannot share a line", 0, "nor a gateway"},
    {V1 MODBUS "map: sdm120, tcp: \"h:4001\"}\n"
               "  - {id: a, type: mbus, tcp: \"h:4001\", address: 1}\n",
     4, "sources[1].tcp", "\"m\" in line 3, which is of type modbus", 0, "which one it is"},
    {V1 PULSES "chip: c, line: 1, events: e}\n", 3, "sources[0].events", "and chip exclude", 0,
     "one line, two places"},
    {V1 PULSES "max_w: 9000}\n", 3, "sources[0].chip", "is required, or events", 0, "no line"},
    {V1 PULSES "chip: c}\n", 3, "sources[0].line", "which line of the chip", 0, "a chip has many"},
    {V1 PULSES "events: e, bias: pull_up}\n", 3, "sources[0].bias", "is for a chip", 0,
     "a socket has no resistors"},
    {V1 PULSES "events: e, water: true, max_w: 9000}\n", 3, "sources[0].max_w",
     "not of a water meter", 0, "litres are no watts"},
    {V1 PULSES "chip: c, line: 3}\n  - {id: q, type: pulses, per_unit: 1, chip: c, line: 3}\n", 4,
     "sources[1].line", "3 of this chip is already that of \"p\" in line 3", 0, "one line twice"},
    {V1 PULSES "events: e}\n  - {id: q, type: pulses, per_unit: 1, events: e}\n", 4,
     "sources[1].events", "is already that of \"p\"", 0, "one socket twice"},
    {V1 PULSES "events: e, water: true}\nroles: {elec: p}\n", 4, "roles.elec",
     "\"p\" is a water meter, but this role needs", 0, "water is no electricity"},
    {V1 ELSTER "port: x, events: e}\n", 3, "sources[0].events", "and port exclude", 0,
     "two places"},
    {V1 ELSTER "port: x, chip: c, line: 1}\n", 3, "sources[0].port", "and chip exclude", 0,
     "two places again"},
    {V1 ELSTER "baud: 2400}\n", 3, "sources[0].chip", "is required, or events or port", 0, "none"},
    {V1 ELSTER "port: x, line: 4}\n", 3, "sources[0].line", "is for a chip", 0,
     "a port has no lines"},
    {V1 ELSTER "port: x, baud: 1200}\n", 3, "sources[0].baud", "1200", 0, "no Elster sends so"},
    {V1 ELSTER "port: x}\n  - {id: m, type: modbus, map: sdm120, port: x}\n", 4, "sources[1].port",
     "is already that of \"e\" in line 3", 0, "light shares no line"},
    {V1 ELSTER "port: x}\n  - {id: f, type: elster, port: x}\n", 4, "sources[1].port",
     "is already that of \"e\" in line 3", 0, "nor with another light"},
    {V1 SENSORS "[]}\n", 3, "sources[0].sensors", "at least one", 0, "a bus without sensors"},
    {V1 SENSORS "[{id: a, rom: 28-0316A2795BFF}]}\n", 3, "sources[0].sensors[0].rom",
     "is no sensor's id", 0, "folders are in small letters"},
    {V1 SENSORS "[{id: a, rom: 28-0316a2795bffa}]}\n", 3, "sources[0].sensors[0].rom",
     "is no sensor's id", 0, "a digit too many"},
    {V1 SENSORS "[{id: a, rom: 2g-0316a2795bff}]}\n", 3, "sources[0].sensors[0].rom",
     "is no sensor's id", 0, "no digit of a family"},
    {V1 SENSORS "[{id: a, rom: 28_0316a2795bff}]}\n", 3, "sources[0].sensors[0].rom",
     "is no sensor's id", 0, "another mark between"},
    {V1 SENSORS "[{id: a, rom: 28-0316a2795bff}, {id: b, rom: 28-0316a2795bff}]}\n", 3,
     "sources[0].sensors[1].rom", "is already that of \"a\"", 0, "one sensor twice"},
    {V1 SENSORS "[{id: a, rom: 28-0316a2795bff}, {id: w, rom: 28-0316a2795b00}]}\n", 3,
     "sources[0].sensors[1].id", "is already the source", 0, "an id twice"},
    {V1 SENSORS "[{id: a, rom: 28-0316a2795bff}]}\nroles: {elec: a}\n", 4, "roles.elec",
     "\"a\" is a temperature sensor", 0, "warmth is no electricity"},
    {V1 SENSORS "[{id: a, rom: 28-0316a2795bff}]}\nroles: {flow_t: a}\n", 4, "roles.flow_t",
     "is a source: name one of its channels", 0, "a role of a channel"},
    {V1 "sources:\n  - {id: a234567890123456, type: modbus, map: sdm630, port: x}\n", 3,
     "sources[0].id", "at most 14 are possible here, as its channel <id>_l1_apparent_power", 0,
     "room for the phases"},
    {V1 MODBUS "map: sdm630, port: x}\n  - {id: m_l2, type: mbus, address: 1, port: y}\n", 4,
     "sources[1].id", "is already the phase of line 3", 0, "the phase's id is taken"},
    {V1 MODBUS "map: sdm120, port: x}\nroles: {heat: m}\n", 4, "roles.heat",
     "is an electricity meter, but this role needs a heat", 0, "no heat in it"},
    {V1 MODBUS "map: sdm120, port: x}\nroles: {elec: m_l1}\n", 4, "roles.elec", "is not a source",
     0, "this meter has no phases"},

    /* emon */
    {V1 EMON "}\n", 3, "sources[0].inputs", "is required", 0, "nothing is taken"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: pwer}]}\n", 3, "sources[0].inputs[0].quantity",
     "is not what an input can be, did you mean power", 0, "a slip"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: cop}]}\n", 3, "sources[0].inputs[0].quantity",
     "is not what an input can be", 0, "of our own making"},
    {V1 EMON "inputs: [{id: a, key: T1, quantity: room_t, energy_key: E1}]}\n", 3,
     "sources[0].inputs[0].energy_key", "is for quantity: power; \"a\" is room_t", 0,
     "energy of a temperature"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power, scale: 0}]}\n", 3,
     "sources[0].inputs[0].scale", "is 0, or too long", 0, "nothing is left"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power}, {id: a, key: P2, quantity: power}]}\n", 3,
     "sources[0].inputs[1].id", "is already the input of line 3", 0, "one id twice"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power}, {id: b, key: P1, quantity: power}]}\n", 3,
     "sources[0].inputs[1].key", "is already taken by \"a\" in line 3", 0, "one key twice"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power, energy_key: E1}, {id: b, key: E1, "
             "quantity: import}]}\n",
     3, "sources[0].inputs[1].key", "is already taken by \"a\" in line 3", 0, "the energy's key"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power}, {id: b, key: P2, quantity: power, "
             "energy_key: P1}]}\n",
     3, "sources[0].inputs[1].energy_key", "is already taken by \"a\" in line 3", 0,
     "a key as the energy's"},
    {V1 "sources:\n  - {id: e, type: emon, tcp: \"h:1\", baud: 9600, inputs: [{id: a, key: P1, "
        "quantity: power}]}\n",
     3, "sources[0].tcp", "excludes baud, parity and stop_bits", 0, "speed of a network"},
    {V1 EMON "parity: even, stop_bits: 2, inputs: [{id: a, key: P1, quantity: power}]}\n", 3,
     "sources[0].stop_bits", "only possible without parity", 0, "twelve bits of a message"},
    {V1 EMON "layout: emontx4, inputs: [{id: a, key: P1, quantity: power}]}\n", 3,
     "sources[0].layout", "is for radio messages: add node:", 0, "a layout without a node"},
    {V1 EMON "node: 15, layout: emontx, inputs: [{id: a, key: P1, quantity: power}]}\n", 3,
     "sources[0].layout", "is not a known layout, did you mean emontx4", 0, "an unknown layout"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power}]}\n"
             "  - {id: f, type: emon, port: x, inputs: [{id: b, key: P1, quantity: power}]}\n",
     4, "sources[1].node", "is required, as \"e\" in line 3", 0, "two on a line without nodes"},
    {V1 EMON "node: 15, inputs: [{id: a, key: P1, quantity: power}]}\n"
             "  - {id: f, type: emon, port: x, node: 15, inputs: [{id: b, key: P1, quantity: "
             "power}]}\n",
     4, "sources[1].node", "is already that of \"e\" in line 3", 0, "one node twice"},
    {V1 EMON "node: 15, inputs: [{id: a, key: P1, quantity: power}]}\n"
             "  - {id: f, type: emon, port: x, node: 16, baud: 38400, inputs: [{id: b, key: P1, "
             "quantity: power}]}\n",
     4, "sources[1].port", "has another speed or framing at \"e\"", 0, "two speeds"},
    {V1 EMON "node: 15, inputs: [{id: a, key: P1, quantity: power}]}\n"
             "  - {id: f, type: emon, port: x, node: 16, parity: even, inputs: [{id: b, key: P1, "
             "quantity: power}]}\n",
     4, "sources[1].port", "has another speed or framing at \"e\"", 0, "two parities"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power}]}\n"
             "  - {id: hm, type: mbus, address: 1, port: x}\n",
     4, "sources[1].port", "M-Bus and emon cannot share a line", 0, "two kinds on one port"},
    {V1 EMON "inputs: [{id: a, key: P1, quantity: power}]}\n"
             "  - {id: l, type: elster, port: x}\n",
     4, "sources[1].port", "is already that of \"e\" in line 3", 0, "light and lines on one port"},
    {V1 EMON "inputs: [{id: a, key: T1, quantity: room_t}]}\n"
             "  - {id: w, type: ds18b20, sensors: [{id: a, rom: 28-0316a2795bff}]}\n",
     4, "sources[1].sensors[0].id", "is already the", 0, "an input and a sensor of one name"},
    {V1 EMON "inputs: [{id: a, key: T1, quantity: room_t}]}\nroles: {elec: a}\n", 4, "roles.elec",
     "is an input of another kind, but this role needs", 0, "no electricity in it"},

    /* analog */
    {V1 ANALOG "sensor: vfs_2_40}\n", 3, "sources[0].flow", "is required, or temperature", 0,
     "nothing to read"},
    {V1 ANALOG "sensor: vfs_2_4, flow: x}\n", 3, "sources[0].sensor", "did you mean vfs_2_40", 0,
     "an unknown sensor"},
    {V1 ANALOG "sensor: vfs_2_40, flow: x, temperature: x}\n", 3, "sources[0].temperature",
     "is the same file as flow", 0, "one file twice"},
    {V1 ANALOG "sensor: vfs_2_40, flow: x, flow_calibration: [{reads: 1, is: 2}]}\n", 3,
     "sources[0].flow_calibration[0].reads", "a calibration needs two", 0, "one point is no line"},
    {V1 ANALOG "sensor: vfs_2_40, flow: x, flow_calibration: [{reads: 1, is: 2}, {reads: 1, is: "
               "3}]}\n",
     3, "sources[0].flow_calibration[1].reads", "does not rise", 0, "nor are two on one place"},

    /* heat_from_flow */
    {V1 METER HEATFLOW "flow_rate: hm_flow_rat, flow_t: hm_flow_t, return_t: hm_return_t}\n", 4,
     "sources[1].flow_rate", "is not a channel of any source", 0, "a slip"},
    {V1 METER HEATFLOW "flow_rate: hm_flow_t, flow_t: hm_flow_t, return_t: hm_return_t}\n", 4,
     "sources[1].flow_rate", "is in degC, but here it must be l/h", 0, "another unit"},
    {V1 SENSORS "[{id: a, rom: 28-0316a2795bff, quantity: flow_t}, {id: b, rom: "
                "28-0316a2795b00}]}\n" HEATFLOW
                "flow_rate: a_flow_t, flow_t: a_flow_t, return_t: b_temperature}\n",
     4, "sources[1].flow_rate", "is in degC, but here it must be l/h", 0,
     "sensors deliver temperatures, which the other two take"},
    {V1 METER HEATFLOW "flow_rate: hm_flow_rate, flow_t: hm_flow_t, return_t: hm_flow_t}\n", 4,
     "sources[1].return_t", "is the same channel as flow_t", 0, "no difference"},
    {V1 METER HEATFLOW "flow_rate: hm_flow_rate, flow_t: hm_flow_t, return_t: hm_return_t, "
                       "percent: 25}\n",
     4, "sources[1].percent", "of what?", 0, "percent of nothing"},
    {V1 METER HEATFLOW "flow_rate: hm_flow_rate, flow_t: hm_flow_t, return_t: hm_return_t, "
                       "glycol: ethylene}\n",
     4, "sources[1].percent", "is required with glycol", 0, "how much of it"},
    {V1 METER HEATFLOW "flow_rate: hm_flow_rate, flow_t: hm_flow_t, return_t: hm_return_t}\n"
                       "roles: {elec: hf}\n",
     5, "roles.elec", "is heat from flow, but this role needs", 0, "heat is no electricity"},
    {V1 METER "http: {listen: 0.0.0.0}\n", 4, "http.listen", "needs a password", 0, "open"},
    {V1 METER "http: {listen: 192.168.1.2}\n", 4, "http.listen", "needs a password", 0, "open"},
    {V1 METER "http: {listen: \"::\"}\n", 4, "http.listen", "needs a password", 0, "open, IPv6"},
    {V1 METER "http: {listen: localhost}\n", 4, "http.listen", "is not an IP address", 0, "name"},
    {V1 METER "http: {hosts: [ok.example, \"a b\"]}\n", 4, "http.hosts[1]", "is not a host name", 0,
     "blank in a host"},
    {V1 METER "http: {hosts: [a, a, a, a, a, a, a, a, a]}\n", 4, "http.hosts[8]", "at most 8", 0,
     "too many"},

    /* roles */
    {V1 METER "roles: {heat: hmm}\n", 4, "roles.heat", "did you mean hm?", 0, "near source"},
    {V1 METER "roles: {heat: boiler}\n", 4, "roles.heat", "is not a source of this file", 0, "far"},
    {V1 METER "roles: {heat: hm_power}\n", 4, "roles.heat", "is a channel: name its source, hm", 0,
     "channel for a source"},
    {V1 METER "roles: {flow_t: hm}\n", 4, "roles.flow_t", "such as hm_flow_t", 0,
     "source for a channel"},
    {V1 METER "roles: {flow_t: hm_flow_tt}\n", 4, "roles.flow_t", "did you mean hm_flow_t?", 0,
     "near channel"},
    {V1 METER "roles: {flow_t: hm_room_t}\n", 4, "roles.flow_t", "is not a channel of any source",
     0, "a quantity this meter cannot have"},
    {V1 METER "roles: {flow_t: hm_power}\n", 4, "roles.flow_t", "is in W, but this role needs degC",
     0, "wrong unit"},
    {V1 METER "roles: {flow_rate: hm_volume}\n", 4, "roles.flow_rate", "needs l/h", 0,
     "wrong unit"},
    {V1 SAMPLER "roles: {heat: hp}\n", 10, "roles.heat", "is a clamp, but this role needs a heat",
     0, "wrong kind"},
    {V1 SAMPLER "roles: {elec: mains}\n", 10, "roles.elec", "is a voltage", 0, "wrong kind"},
    {V1 SAMPLER "roles: {elec: s}\n", 10, "roles.elec", "name one of its clamps", 0, "sampler"},
    {V1 METER "roles: {eelc: hm}\n", 4, "roles.eelc", "did you mean elec?", 0, "no such role"},

    /* publishers */
    {V1 METER "secrets: x\n" PUBLISH "http://h/}\n", 6, "publish[0].url", "allow_cleartext: true",
     0, "cleartext"},
    {V1 METER "secrets: x\n" PUBLISH "ftp://h/}\n", 6, "publish[0].url", "must begin with https", 0,
     "scheme"},
    {V1 METER "secrets: x\n" PUBLISH "https:///}\n", 6, "publish[0].url", "names no host", 0,
     "host"},
    {V1 METER "secrets: x\n" PUBLISH "https://u:p@h/}\n", 6, "publish[0].url", "user or password",
     0, "credentials"},
    {V1 METER "secrets: x\n" PUBLISH "\"https://h/?apikey=1\"}\n", 6, "publish[0].url",
     "keys go to the secrets", 0, "key in the URL"},
    {V1 METER PUBLISH "https://h/}\n", 5, "publish[0].key_secret", "add secrets:", 0,
     "no secrets file"},
    {V1 METER "secrets: x\n" PUBLISH "https://h/}\n  - {id: e, type: emoncms, key_secret: k, url: "
              "https://i/}\n",
     7, "publish[1].id", "is already the publisher of line 6", 0, "same id"},
    {V1 METER "secrets: x\npublish: [{id: e, type: emoncms, url: https://h/}]\n", 5,
     "publish[0].key_secret", "is required", 0, "no key"},
    {V1 METER "secrets: x\npublish: [{id: e, type: mqtt}]\n", 5, "publish[0].type",
     "one of emoncms", 0, "unknown publisher"},
};

static void list_problems(const char *why, const struct config_problems *p)
{
    fprintf(stderr, "%s: these problems are not those expected:\n", why);
    config_problems_write(p, stderr);
}

static bool says(const struct config_problems *p, const struct row *r)
{
    for (size_t k = 0; k < p->count; k++) {
        if (p->item[k].line == r->line && strcmp(p->item[k].field, r->field) == 0 &&
            strstr(p->item[k].text, r->says) != NULL) {
            return true;
        }
    }
    return false;
}

static void each_mistake_is_named_with_its_line_field_and_cure(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        const struct row *r = &broken[i];
        struct config_problems p;
        struct config *c;

        config_problems_init(&p);
        c = config_parse(r->text, strlen(r->text), "f.yaml", &p);
        if (c != NULL || !says(&p, r) || p.count != (r->count == 0 ? 1 : r->count)) {
            list_problems(r->why, &p);
            wrong++;
        }
        config_free(c);
        config_problems_free(&p);
    }
    assert_int_equal(wrong, 0);
}

static char *print_problems(const char *text, size_t *count_out)
{
    struct config_problems p;
    char *printed = NULL;
    size_t n;
    FILE *out = open_memstream(&printed, &n);

    config_problems_init(&p);
    assert_null(config_parse(text, strlen(text), "dir/f.yaml", &p));
    config_problems_write(&p, out);
    *count_out = p.count + p.left_out;
    config_problems_free(&p);
    fclose(out);
    return printed;
}

static void all_mistakes_of_a_file_are_told_in_the_order_of_its_lines(void **state)
{
    size_t count;
    char *printed = print_problems("version: 1\n"
                                   "http: {port: 99999, listen: 1.2.3.4}\n"
                                   "sources:\n"
                                   "  - {id: hm, type: mbus, port: x, address: 1, poll_s: 1}\n"
                                   "  - id: hm\n"
                                   "    type: mbus\n"
                                   "    colour: red\n"
                                   "    port: y\n"
                                   "roles: {elec: zzzz, flow_t: hm_power}\n"
                                   "record: {interval_s: 61}\n",
                                   &count);
    static const char *const starts[] = {
        "dir/f.yaml:2: http.port: 99999 is above the maximum 65535\n",
        "dir/f.yaml:2: http.listen: 1.2.3.4 can be reached from outside",
        "dir/f.yaml:4: sources[0].poll_s: 1 is below the minimum 2 s\n",
        "dir/f.yaml:5: sources[1].id: \"hm\" is already the source of line 4\n",
        "dir/f.yaml:5: sources[1].address: is required, or secondary",
        "dir/f.yaml:7: sources[1].colour: is not a known key; here are: id, type, label, ",
        "dir/f.yaml:9: roles.elec: \"zzzz\" is not a source of this file\n",
        "dir/f.yaml:9: roles.flow_t: \"hm_power\" is in W, but this role needs degC\n",
        "dir/f.yaml:10: record.interval_s: 61 is above the maximum 60 s\n",
    };
    const char *at = printed;

    (void)state;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (strncmp(at, starts[i], strlen(starts[i])) != 0) {
            fail_msg("expected %s\ngot:\n%s", starts[i], at);
        }
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
    assert_int_equal(count, sizeof(starts) / sizeof(starts[0]));
    free(printed);
}

static void unreadable_sources_do_not_make_their_references_wrong(void **state)
{
    size_t count;
    char *printed = print_problems(V1 "sources:\n  - {id: HM, type: mbus, port: x, address: 1}\n"
                                      "roles: {heat: hm, flow_t: hm_flow_t}\n",
                                   &count);

    (void)state;
    assert_int_equal(count, 1);
    free(printed);
    printed = print_problems(V1 "sources:\n  - {id: hm, type: mbsu, port: x, address: 1}\n"
                                "roles: {heat: hm}\nclock: {trust: plant}\n",
                             &count);
    assert_int_equal(count, 1);
    free(printed);
}

static void more_mistakes_than_are_kept_are_counted(void **state)
{
    char text[8192] = V1 METER "http:\n";
    size_t count;
    char *printed;

    (void)state;
    for (unsigned i = 0; i < CONFIG_PROBLEMS_MAX + 20; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "  unknown%u: 1\n", i);
    }
    printed = print_problems(text, &count);
    assert_int_equal(count, CONFIG_PROBLEMS_MAX + 20);
    assert_non_null(strstr(printed, "\nand 20 more\n"));
    free(printed);
}

static void values_in_messages_are_cut_between_characters(void **state)
{
    char out[9];

    (void)state;
    config_clip(out, sizeof(out), "12345678");
    assert_string_equal(out, "12345678");
    config_clip(out, sizeof(out), "123456789");
    assert_string_equal(out, "12345...");
    config_clip(out, sizeof(out), "1234\xc3\xa4\xc3\xa4\xc3\xa4");
    assert_string_equal(out, "1234...");
    config_clip(out, sizeof(out), "1\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
    assert_string_equal(out, "1\xe2\x82\xac...");
}

static struct config *parse_good(const char *text, const char *path)
{
    struct config_problems p;
    struct config *c;

    config_problems_init(&p);
    c = config_parse(text, strlen(text), path, &p);
    if (c == NULL || p.count > 0) {
        list_problems("a right file", &p);
        fail();
    }
    config_problems_free(&p);
    return c;
}

static void the_smallest_file_gives_the_defaults(void **state)
{
    struct config *c = parse_good(V1 METER, "f.yaml");
    const struct config_source *s = &c->source[0];

    (void)state;
    assert_string_equal(c->path, "f.yaml");
    assert_int_equal(c->version, 1);
    assert_string_equal(c->site, "Home");
    assert_string_equal(c->timezone, "UTC");
    assert_string_equal(c->data_dir, "/var/lib/heatwatt");
    assert_string_equal(c->secrets, "");
    assert_int_equal(c->clock_trust, CLOCK_TRUST_AUTO);
    assert_false(c->simulated);
    assert_string_equal(c->listen, "127.0.0.1");
    assert_int_equal(c->port, 8080);
    assert_int_equal(c->host_count, 0);
    assert_int_equal(c->record_s, 10);
    assert_int_equal(c->commit_s, 10);
    assert_int_equal(c->log_max_mb, 2048);
    assert_string_equal(c->log_partition, "");
    assert_int_equal(c->log_keep_days, 0);
    assert_int_equal(c->publisher_count, 0);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        assert_string_equal(c->role[r], "");
    }
    assert_int_equal(c->source_count, 1);
    assert_int_equal(s->type, CONFIG_MBUS);
    assert_string_equal(s->id, "hm");
    assert_string_equal(s->label, "hm");
    assert_string_equal(s->port, "/dev/u");
    assert_int_equal(s->baud, 2400);
    assert_int_equal(s->address, 1);
    assert_false(s->mains_powered);
    assert_int_equal(s->poll_s, 60);
    assert_int_equal(s->timeout_ms, 1000);
    assert_int_equal(s->retries, 2);
    assert_int_equal(s->line, 3);
    config_free(c);
}

static const char full[] = "version: 1\n"
                           "site: {name: 'Haus Süd', timezone: Europe/Berlin}\n"
                           "data_dir: ./data\n"
                           "secrets: private/keys.yaml\n"
                           "clock: {trust: plant}\n"
                           "http: {listen: '::1', port: 0, hosts: [heat.example, pi]}\n"
                           "record: {interval_s: 60}\n"
                           "log: {commit_s: 1, max_mb: 4096, keep_days: 36500,\n"
                           "      partition: /dev/disk/by-partuuid/1-2}\n"
                           "sources:\n"
                           "  - id: s\n"
                           "    type: samples\n"
                           "    label: Three phases\n"
                           "    port: /dev/ttyACM0\n"
                           "    baud: 2000000\n"
                           "    voltages:\n"
                           "      - {id: l1, slot: 0, ratio: 0.2090909, phase_deg: 0.3}\n"
                           "      - {id: l2, label: Phase 2, slot: 1, ratio: 2e-1}\n"
                           "    clamps:\n"
                           "      - {id: hp, label: Heat pump, slot: 23, voltage: l2,\n"
                           "         ratio: 0.0847458, phase_deg: -2.5, reversed: true}\n"
                           "      - {id: pv, slot: 2, voltage: l1, ratio: 1}\n"
                           "  - id: hm\n"
                           "    type: mbus\n"
                           "    port: tty\n"
                           "    baud: 9600\n"
                           "    address: 250\n"
                           "    mains_powered: true\n"
                           "    timeout_ms: 50\n"
                           "    retries: 0\n"
                           "  - {id: slow, type: mbus, port: tty, baud: 9600, address: 0,\n"
                           "     poll_s: 86400}\n"
                           "roles:\n"
                           "  elec: hp\n"
                           "  heat: hm\n"
                           "  flow_t: hm_flow_t\n"
                           "  outside_t: slow_outside_t\n"
                           "  solar: pv\n"
                           "publish:\n"
                           "  - id: e\n"
                           "    type: emoncms\n"
                           "    url: http://10.0.0.1:8080/emoncms\n"
                           "    allow_cleartext: true\n"
                           "    node: house\n"
                           "    key_secret: my_key\n"
                           "    interval_s: 3600\n"
                           "    batch: 1\n";

static void the_commit_window_and_the_size_follow_profile_and_place(void **state)
{
    static const struct {
        const char *log, *why;
        unsigned commit_s, max_mb;
    } rows[] = {
        {"{profile: normal}", "as without", 10, 2048},
        {"{profile: low_wear}", "a minute", 60, 2048},
        {"{profile: lowest_wear}", "ten", 600, 2048},
        {"{profile: low_wear, commit_s: 10}", "the number wins, though it is the default", 10,
         2048},
        {"{partition: part}", "all of the partition", 10, 0},
        {"{partition: part, max_mb: 100}", "a part of it", 10, 100},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c;

        snprintf(text, sizeof(text), V1 METER "log: %s\n", rows[i].log);
        c = parse_good(text, "/etc/heatwatt/f.yaml");
        if (c->commit_s != rows[i].commit_s || c->log_max_mb != rows[i].max_mb) {
            fail_msg("%s (%s): %u s, %u MB", rows[i].log, rows[i].why, c->commit_s,
                     (unsigned)c->log_max_mb);
        }
        assert_string_equal(c->log_partition, i >= 4 ? "/etc/heatwatt/part" : "");
        config_free(c);
    }
}

static void a_full_file_gives_exactly_its_values(void **state)
{
    struct config *c = parse_good(full, "/etc/heatwatt/f.yaml");
    const struct config_source *s = &c->source[0], *hm = &c->source[1];
    const struct config_publisher *e = &c->publisher[0];

    (void)state;
    assert_string_equal(c->site, "Haus Süd");
    assert_string_equal(c->timezone, "Europe/Berlin");
    assert_string_equal(c->data_dir, "/etc/heatwatt/data");
    assert_string_equal(c->secrets, "/etc/heatwatt/private/keys.yaml");
    assert_int_equal(c->clock_trust, CLOCK_TRUST_PLANT);
    assert_true(c->simulated);
    assert_string_equal(c->listen, "::1");
    assert_int_equal(c->port, 0);
    assert_int_equal(c->host_count, 2);
    assert_string_equal(c->hosts[0], "heat.example");
    assert_string_equal(c->hosts[1], "pi");
    assert_int_equal(c->record_s, 60);
    assert_int_equal(c->commit_s, 1);
    assert_int_equal(c->log_max_mb, 4096);
    assert_int_equal(c->log_keep_days, 36500);
    assert_string_equal(c->log_partition, "/dev/disk/by-partuuid/1-2");

    assert_int_equal(c->source_count, 3);
    assert_int_equal(s->type, CONFIG_SAMPLES);
    assert_string_equal(s->label, "Three phases");
    assert_string_equal(s->socket, "");
    assert_string_equal(s->port, "/dev/ttyACM0");
    assert_int_equal(s->baud, 2000000);
    assert_int_equal(s->line, 11);
    assert_int_equal(s->voltage_count, 2);
    assert_string_equal(s->voltages[0].label, "l1");
    assert_true(s->voltages[0].ratio == 0.2090909);
    assert_true(s->voltages[0].phase_deg == 0.3);
    assert_int_equal(s->voltages[1].slot, 1);
    assert_true(s->voltages[1].ratio == 0.2);
    assert_true(s->voltages[1].phase_deg == 0.0);
    assert_int_equal(s->clamp_count, 2);
    assert_string_equal(s->clamps[0].id, "hp");
    assert_string_equal(s->clamps[0].label, "Heat pump");
    assert_int_equal(s->clamps[0].slot, 23);
    assert_int_equal(s->clamps[0].voltage, 1);
    assert_true(s->clamps[0].ratio == 0.0847458);
    assert_true(s->clamps[0].phase_deg == -2.5);
    assert_true(s->clamps[0].reversed);
    assert_int_equal(s->clamps[0].line, 20);
    assert_int_equal(s->clamps[1].voltage, 0);
    assert_false(s->clamps[1].reversed);

    assert_string_equal(hm->port, "/etc/heatwatt/tty");
    assert_int_equal(hm->baud, 9600);
    assert_int_equal(hm->address, 250);
    assert_true(hm->mains_powered);
    assert_int_equal(hm->poll_s, 10);
    assert_int_equal(hm->timeout_ms, 50);
    assert_int_equal(hm->retries, 0);
    assert_int_equal(c->source[2].poll_s, 86400);

    assert_string_equal(c->role[ROLE_ELEC], "hp");
    assert_string_equal(c->role[ROLE_FLOW_T], "hm_flow_t");
    assert_string_equal(c->role[ROLE_OUTSIDE_T], "slow_outside_t");
    assert_string_equal(c->role[ROLE_GRID], "");

    assert_int_equal(c->publisher_count, 1);
    assert_int_equal(e->type, CONFIG_EMONCMS);
    assert_string_equal(e->url, "http://10.0.0.1:8080/emoncms");
    assert_true(e->allow_cleartext);
    assert_string_equal(e->node, "house");
    assert_string_equal(e->key_secret, "my_key");
    assert_string_equal(e->key, "");
    assert_int_equal(e->interval_s, 3600);
    assert_int_equal(e->batch, 1);
    config_free(c);
}

static void a_clamp_without_voltage_takes_the_only_one(void **state)
{
    struct config *c = parse_good(V1 SAMPLER, "f.yaml");

    (void)state;
    assert_string_equal(c->source[0].clamps[0].voltage_id, "mains");
    assert_int_equal(c->source[0].clamps[0].voltage, 0);
    assert_string_equal(c->source[0].socket, "/run/s");
    assert_int_equal(c->source[0].baud, 921600);
    config_free(c);
}

static void empty_groups_and_lists_are_as_if_left_out(void **state)
{
    struct config *c = parse_good(V1 METER "http:\nroles:\npublish:\nlog: {}\n", "f.yaml");

    (void)state;
    assert_int_equal(c->port, 8080);
    assert_int_equal(c->publisher_count, 0);
    assert_int_equal(c->log_max_mb, 2048);
    config_free(c);
}

static void points_are_the_voltages_clamps_and_meters_in_file_order(void **state)
{
    static const struct {
        const char *id;
        enum config_point_kind kind;
        unsigned source, input;
    } rows[] = {
        {"l1", POINT_VOLTAGE, 0, 0}, {"l2", POINT_VOLTAGE, 0, 1}, {"hp", POINT_CLAMP, 0, 0},
        {"pv", POINT_CLAMP, 0, 1},   {"hm", POINT_MBUS, 1, 0},    {"slow", POINT_MBUS, 2, 0},
    };
    struct config *c = parse_good(full, "f.yaml");
    struct config_point p;
    const uint8_t *q;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        assert_true(config_point_get(c, i, &p));
        assert_string_equal(p.id, rows[i].id);
        assert_int_equal(p.kind, rows[i].kind);
        assert_int_equal(p.source, rows[i].source);
        assert_int_equal(p.input, rows[i].input);
        assert_true(config_point_find(c, rows[i].id, &p));
        assert_int_equal(p.source, rows[i].source);
    }
    assert_false(config_point_get(c, 6, &p));
    assert_false(config_point_find(c, "s", &p)); /* the sampler itself delivers nothing */
    assert_int_equal(config_channel_count(c), 2 * 2 + 2 * 7 + 2 * 8);
    assert_int_equal(config_quantities(POINT_CLAMP, &q), 7);
    assert_int_equal(q[0], HWT_Q_POWER);
    config_free(c);
}

static void what_is_measured_on_request_comes_behind_what_all_have(void **state)
{
    static const uint8_t want[] = {HWT_Q_THD,         HWT_Q_REACTIVE_Q1, HWT_Q_REACTIVE_Q2,
                                   HWT_Q_REACTIVE_Q3, HWT_Q_REACTIVE_Q4, HWT_Q_HARMONIC_5};
    struct config *c = parse_good(
        V1 SAMPLER
        "      - {id: b, slot: 2, ratio: 1, measure: [thd, reactive_energy, harmonic_5]}\n"
        "    groups:\n      - {id: g, clamps: [b, hp]}\nroles: {elec: g}\n",
        "f.yaml");
    struct config_point p;

    (void)state;
    assert_true(config_point_find(c, "b", &p));
    assert_int_equal(p.quantities, 7 + sizeof(want));
    assert_int_equal(p.quantity[0], HWT_Q_POWER);
    assert_memory_equal(p.quantity + 7, want, sizeof(want));
    assert_int_equal(c->source[0].clamps[1].more, sizeof(want));
    assert_true(c->source[0].clamps[1].harmonics);
    assert_false(c->source[0].clamps[0].harmonics);
    assert_true(config_point_find(c, "hp", &p));
    assert_int_equal(p.quantities, 7);
    assert_true(config_point_find(c, "g", &p));
    assert_int_equal(p.kind, POINT_GROUP);
    assert_int_equal(p.quantities, 8);
    assert_int_equal(c->source[0].groups[0].inputs, 3);
    config_free(c);
}

/* 32 samplers of 1 voltage and 1 clamp are 288 channels. */
static void more_channels_than_a_record_holds_are_refused(void **state)
{
    char text[8192] = V1 "sources:\n";
    size_t count;
    char *printed;

    (void)state;
    for (unsigned i = 0; i < CONFIG_SOURCES_MAX; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "  - {id: s%u, type: samples, socket: x%u, voltages: [{id: v%u, slot: 0, "
                 "ratio: 1}], clamps: [{id: c%u, slot: 1, ratio: 1}]}\n",
                 i, i, i, i);
    }
    printed = print_problems(text, &count);
    assert_int_equal(count, 1);
    assert_non_null(strstr(printed, "sources: have 288 channels together: at most 240"));
    free(printed);
    strcat(text, "  - {id: last, type: mbus, port: x, address: 1}\n");
    printed = print_problems(text, &count);
    assert_int_equal(count, 2);
    assert_non_null(strstr(printed, ":35: sources[32]: is one too many: at most 32"));
    free(printed);
}

static void limits_on_size_and_values_hold(void **state)
{
    static char text[CONFIG_FILE_MAX + 2];
    size_t count;
    char *printed;

    (void)state;
    memset(text, '#', CONFIG_FILE_MAX + 1);
    printed = print_problems(text, &count);
    assert_non_null(strstr(printed, "dir/f.yaml: is larger than 131072 bytes"));
    free(printed);
    strcpy(text, "a:\n");
    for (unsigned i = 0; i < CONFIG_NODES_MAX; i++) {
        strcpy(text + 3 + 4 * i, "- 1\n");
    }
    printed = print_problems(text, &count);
    assert_int_equal(count, 1);
    assert_non_null(strstr(printed, "has more than 4096 values"));
    free(printed);
}

/* A right file cut anywhere is refused with a reason, or right by itself. */
static void every_beginning_of_a_file_is_answered(void **state)
{
    unsigned right = 0;

    (void)state;
    for (size_t n = 0; n < strlen(full); n++) {
        struct config_problems p;
        char *cut = malloc(n + 1); /* its own block: sanitizers see a read past the end */
        struct config *c;

        memcpy(cut, full, n);
        config_problems_init(&p);
        c = config_parse(cut, n, "f.yaml", &p);
        assert_true((c == NULL) == (p.count > 0));
        right += c != NULL;
        config_free(c);
        config_problems_free(&p);
        free(cut);
    }
    assert_in_range(right, 1, strlen(full) / 2); /* as after whole entries of roles */
}

/* The table. */

static void the_table_is_whole_and_without_overlap(void **state)
{
    (void)state;
    assert_true(sizeof(enum clock_trust) == sizeof(unsigned)); /* CHOICE stores an unsigned */
    for (size_t i = 0; i < config_option_count; i++) {
        const struct config_option *o = &config_options[i];

        if (config_option_find(o->section, o->name) != o) {
            fail_msg("%s stands twice in its section", o->name);
        }
        if (o->text == NULL || o->text[0] == '\0') {
            fail_msg("%s has no text", o->name);
        }
        if (o->required && o->fallback != NULL) {
            fail_msg("%s is required and has a default", o->name);
        }
        if (o->kind == CONFIG_KIND_INTEGER && o->choices == NULL &&
            (o->min < 0 || o->max < o->min)) {
            fail_msg("%s has no range", o->name);
        }
        if (o->kind == CONFIG_KIND_INTEGER && o->size != 2 && o->size != 4 && o->size != 8) {
            fail_msg("%s has a size nobody stores", o->name);
        }
        if (o->kind == CONFIG_KIND_NUMBER && (o->size != sizeof(double) || o->max <= o->min)) {
            fail_msg("%s is not a double with a range", o->name);
        }
        if (i > 0 && o->section < config_options[i - 1].section) {
            fail_msg("%s stands behind a later section", o->name);
        }
    }
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        const char *name = config_role_name((enum config_role)r);
        const struct config_option *o = config_option_find(SECTION_ROLES, name);

        assert_non_null(o);
        assert_int_equal(o->offset,
                         offsetof(struct config, role) + r * sizeof(((struct config *)0)->role[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_named_with_its_line_field_and_cure),
        cmocka_unit_test(all_mistakes_of_a_file_are_told_in_the_order_of_its_lines),
        cmocka_unit_test(unreadable_sources_do_not_make_their_references_wrong),
        cmocka_unit_test(more_mistakes_than_are_kept_are_counted),
        cmocka_unit_test(values_in_messages_are_cut_between_characters),
        cmocka_unit_test(the_smallest_file_gives_the_defaults),
        cmocka_unit_test(the_commit_window_and_the_size_follow_profile_and_place),
        cmocka_unit_test(a_full_file_gives_exactly_its_values),
        cmocka_unit_test(a_clamp_without_voltage_takes_the_only_one),
        cmocka_unit_test(empty_groups_and_lists_are_as_if_left_out),
        cmocka_unit_test(points_are_the_voltages_clamps_and_meters_in_file_order),
        cmocka_unit_test(what_is_measured_on_request_comes_behind_what_all_have),
        cmocka_unit_test(more_channels_than_a_record_holds_are_refused),
        cmocka_unit_test(limits_on_size_and_values_hold),
        cmocka_unit_test(every_beginning_of_a_file_is_answered),
        cmocka_unit_test(the_table_is_whole_and_without_overlap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "daemon/run/config_table.h"

#include <string.h>

#include "daemon/run/config.h"
#include "daemon/run/config_map.h"

#define WORD(name, id) id " "
#define SOURCE_TYPES   CONFIG_SOURCE_TYPES(WORD)
#define BIASES         "as_is pull_up pull_down none" /* in the order of enum config_bias */
#define MAP_TYPES      "u16 s16 u32 s32 u64 s64 f32 f64"

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
        "A sampler of mains waveforms: one that sends them (docs/SAMPLE_STREAM.md) over a socket or a serial port, or converters "
        "MCP3208 on this computer's SPI (docs/HARDWARE.md): exactly one of `socket`, `port` and `spidev`. The entry itself delivers "
        "nothing; its voltages and clamps do."},
    [SECTION_VOLTAGE] = {"sources[].voltages[]", NULL, sizeof(struct config_input), offsetof(struct config_input, line),
        "A voltage reference of a sampler. Delivers `<id>_voltage`, `<id>_frequency`, and what `measure` adds."},
    [SECTION_CLAMP] = {"sources[].clamps[]", NULL, sizeof(struct config_input), offsetof(struct config_input, line),
        "A current clamp of a sampler. Delivers `<id>_power`, `<id>_current`, `<id>_apparent_power`, "
        "`<id>_reactive_power`, `<id>_power_factor`, `<id>_import`, `<id>_export`, and what `measure` adds."},
    [SECTION_CURVE] = {"sources[].voltages[].curve[], sources[].clamps[].curve[], ct_models[].curve[], vt_models[].curve[]", NULL, sizeof(struct config_curve_point), offsetof(struct config_curve_point, line),
        "A point of how a sensor's ratio and phase change with its level, from its data sheet or its calibration; levels "
        "rise from point to point. Between points straight, for clamps against the logarithm of the current."},
    [SECTION_GROUP] = {"sources[].groups[]", NULL, sizeof(struct config_group), offsetof(struct config_group, line),
        "Clamps of one supply, taken together: three of a wye, two of a delta or of a split phase. Delivers `<id>_power`, `<id>_apparent_power` "
        "(effective), `<id>_reactive_power`, `<id>_power_factor`; the registers `<id>_import` and `<id>_export`, by vector: the phases netted, as a "
        "utility's meter does; and `<id>_summed_import` and `<id>_summed_export`, the sums of the clamps' own."},
    [SECTION_MBUS] = {"sources[]", "mbus", sizeof(struct config_source), offsetof(struct config_source, line),
        "A meter on wired M-Bus, behind a serial port or a TCP gateway: exactly one of `port` and `tcp`, exactly one of "
        "`address` and `secondary`. A heat meter delivers, as far as it sends them, `<id>_power`, `<id>_energy`, "
        "`<id>_volume`, `<id>_flow_rate`, `<id>_flow_t`, `<id>_return_t`, `<id>_delta_t`, `<id>_outside_t`; an "
        "electricity meter `<id>_power`, `<id>_import`, `<id>_export`, `<id>_voltage`, `<id>_current`, "
        "`<id>_frequency`, `<id>_apparent_power`, `<id>_reactive_power`, `<id>_power_factor`. Several meters may share "
        "a line, at different speeds too, if each has its own address; Modbus needs another line."},
    [SECTION_MODBUS] = {"sources[]", "modbus", sizeof(struct config_source), offsetof(struct config_source, line),
        "An electricity meter, or another device, read over Modbus RTU on a serial line, or TCP: exactly one of `port` and "
        "`tcp`. Delivers what its map lists: `<id>_power`, `<id>_import` …, and of each phase `<id>_l1_power`, "
        "`<id>_l1_voltage` …. Several devices may share a port, at different speeds too, if each has its own unit; M-Bus "
        "needs another line. Nothing is ever written to a device."},
    [SECTION_EMON] = {"sources[]", "emon", sizeof(struct config_source), offsetof(struct config_source, line),
        "An emonTx, emonPi, EmonTH or another device that sends its values by itself, as lines over a serial port or a TCP "
        "gateway: `MSG:1,Vrms:239.8,P1:500`, JSON, or what a radio receiver (RFM69Pi, RFM2Pi) passes on, `OK 15 210 4 …`. Exactly one of "
        "`port` and `tcp`. The entry itself delivers nothing; its inputs do. Several entries may share a receiver if each has its own `node`."},
    [SECTION_EMON_INPUT] = {"sources[].inputs[]", NULL, sizeof(struct config_emon_input), offsetof(struct config_emon_input, line),
        "A number of the messages that becomes a source. Delivers `<id>_<quantity>`, and with `energy_key` `<id>_import` and "
        "`<id>_export`, which never step, whatever the device's register does."},
    [SECTION_HEAT_FLOW] = {"sources[]", "heat_from_flow", sizeof(struct config_source), offsetof(struct config_source, line),
        "Heat worked out from a flow and two temperatures of other sources, where there is no heat meter (docs/HEAT.md). Delivers "
        "`<id>_power`, and may play the role `heat`. While one of the three is missing, so is the power."},
    [SECTION_PULSES] = {"sources[]", "pulses", sizeof(struct config_source), offsetof(struct config_source, line),
        "A meter's pulse output (S0, LED or reed contact) on an input line: exactly one of `chip` with `line`, and `events`. "
        "Delivers `<id>_power` and `<id>_import`, or of a water meter `<id>_flow_rate` and `<id>_volume`. The count goes on "
        "from the log after a restart."},
    [SECTION_ELSTER] = {"sources[]", "elster", sizeof(struct config_source), offsetof(struct config_source, line),
        "The optical output of an Elster A100C or A1100 electricity meter, through a photo transistor on an input line (`chip` with "
        "`line`, or `events`) or, behind a pulse stretcher, a serial port (`port`): exactly one of the three. Delivers "
        "`<id>_power`, signed, `<id>_import`, `<id>_export`."},
    [SECTION_DS18B20] = {"sources[]", "ds18b20", sizeof(struct config_source), offsetof(struct config_source, line),
        "DS18B20 temperature sensors (DS18S20, DS1822, DS1825 too) on a 1-Wire bus of the kernel. The entry itself delivers "
        "nothing; its sensors do."},
    [SECTION_SENSOR] = {"sources[].sensors[]", NULL, sizeof(struct config_sensor), offsetof(struct config_sensor, line),
        "A sensor. Delivers `<id>_temperature`, or what `quantity` says."},
    [SECTION_ANALOG] = {"sources[]", "analog", sizeof(struct config_source), offsetof(struct config_source, line),
        "A flow and temperature sensor with voltages (SIKA or Grundfos VFS) on a converter that Linux reads, as files of the industrial I/O "
        "subsystem or of hwmon. Delivers `<id>_flow_rate` and `<id>_flow_t`, or as `temperature_is` says."},
    [SECTION_CALIBRATION] = {"sources[].flow_calibration[], sources[].temperature_calibration[]", NULL, sizeof(struct config_calibration), offsetof(struct config_calibration, line),
        "One of two points between which a calibration is straight."},
    [SECTION_ROLES] = {"roles", NULL, 0, 0,
        "Which source is what: nothing is guessed from names. A role names a source (`hp`, `heatmeter`) or one "
        "channel of a source (`heatmeter_flow_t`). Left out: not known."},
    [SECTION_EMONCMS] = {"publish[]", "emoncms", sizeof(struct config_publisher), offsetof(struct config_publisher, line),
        "Sends the records to Emoncms. What could not be sent waits in the log and follows later."},
    [SECTION_CT_MODEL] = {"ct_models[]", NULL, sizeof(struct config_sensor_model), offsetof(struct config_sensor_model, line),
        "A model of a clamp that does not come with heatwatt: `ct` of a clamp names it. `heatwatt config presets` lists those that do come."},
    [SECTION_VT_MODEL] = {"vt_models[]", NULL, sizeof(struct config_sensor_model), offsetof(struct config_sensor_model, line),
        "A model of a voltage sensor, or of an AC adaptor used as one: `vt` of a voltage names it."},
    [SECTION_MODELS] = {"Sensor models", NULL, sizeof(struct config_models), 0,
        "The files `data/ct/clamps.yaml` and `data/vt/adaptors.yaml`, of the same shape as `ct_models` and `vt_models` of a configuration."},
    [SECTION_MAP] = {"Modbus map", NULL, sizeof(struct config_map), 0,
        "A file of its own that says which registers of a device hold what; `map:` of a source names it. Those that come "
        "with heatwatt are in `data/modbus` and printed by `heatwatt config map NAME`; docs/PROTOCOLS.md tells how to "
        "write one."},
    [SECTION_MAP_ROW] = {"Modbus map: registers[]", NULL, sizeof(struct config_map_row), offsetof(struct config_map_row, line),
        "One value. No quantity stands twice for one part."},
    [SECTION_MAP_MARK] = {"Modbus map: identify[]", NULL, sizeof(struct config_map_mark), offsetof(struct config_map_mark, line),
        "Registers that tell the model: `heatwatt` looks there when it searches a line. If there are several entries, all "
        "must fit."},
    [SECTION_MAP_SERIAL] = {"Modbus map: serial", NULL, 0, 0,
        "Where the meter's serial number is. It is read when the connection is made and shown in the source's status; "
        "another number is another meter, which is told as such. Left out: not known."},
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
     .child = {SECTION_SAMPLES, SECTION_MBUS, SECTION_MODBUS, SECTION_EMON, SECTION_HEAT_FLOW, SECTION_PULSES, SECTION_ELSTER,
               SECTION_DS18B20, SECTION_ANALOG},
     .required = true, .text = "Samplers and meters."},
    {SECTION_ROOT, "ct_models", CONFIG_KIND_LIST, ELEMENTS(config, models.ct, models.ct_count, CONFIG_MODELS_MAX),
     .child = {SECTION_CT_MODEL}, .text = "Clamps that heatwatt does not know."},
    {SECTION_ROOT, "vt_models", CONFIG_KIND_LIST, ELEMENTS(config, models.vt, models.vt_count, CONFIG_MODELS_MAX),
     .child = {SECTION_VT_MODEL}, .text = "Voltage sensors that heatwatt does not know."},
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
    {SECTION_HTTP, "changes", CONFIG_KIND_CHOICE, IN(config, changes), .choices = "local always never", .fallback = "local",
     .text = "Who may change something by the page or the API, such as add a meter. `local`: whoever asks from this device "
             "itself; what a reverse proxy passes on (`Forwarded`, `X-Forwarded-For`) is not. `always`: everybody who is served, so "
             "only behind a proxy that asks for a password. `never`: nobody."},

    {SECTION_RECORD, "interval_s", CONFIG_KIND_INTEGER, IN(config, record_s), .min = 1, .max = 60, .unit = "s", .fallback = "10",
     .text = "One record of all channels in this time."},

    {SECTION_LOG, "profile", CONFIG_KIND_CHOICE, IN(config, log_profile), .choices = "normal low_wear lowest_wear",
     .fallback = "normal",
     .text = "How often records are made safe on the disk: `normal` each 10 s; `low_wear`, for an SD card, each 60 s: a "
             "fifth of the writes; `lowest_wear` each 600 s. A power cut loses at most what was measured since."},
    {SECTION_LOG, "commit_s", CONFIG_KIND_INTEGER, IN(config, commit_s), .min = 1, .max = 600, .unit = "s", .fallback = "10",
     .fallback_note = "as `profile` says", .text = "The same as a number, before what `profile` says."},
    {SECTION_LOG, "partition", CONFIG_KIND_PATH, IN(config, log_partition),
     .text = "A partition without a file system for the log, such as `/dev/disk/by-partuuid/…`, made by `heatwatt log "
             "format`: the fewest writes there can be. `data_dir` then holds only what is small: how far publishers are, and summaries that can be made again."},
    {SECTION_LOG, "max_mb", CONFIG_KIND_INTEGER, IN(config, log_max_mb), .min = 16, .max = 4096, .unit = "MB",
     .fallback = "2048", .fallback_note = "2048; on a partition its size",
     .text = "The oldest records go when the log is larger. 2048 hold 30 channels at 10 s for 28 to 54 years, or 11 if nearly all is noise."},
    {SECTION_LOG, "keep_days", CONFIG_KIND_INTEGER, IN(config, log_keep_days), .min = 0, .max = 36500, .unit = "days",
     .fallback = "0", .text = "Records older than this go, a MB at a time. 0: they stay as long as `max_mb` allows."},

    {SECTION_SAMPLES, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "Name in messages. Letters a-z, digits, `_`."},
    {SECTION_SAMPLES, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`samples`."},
    {SECTION_SAMPLES, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_SAMPLES, "socket", CONFIG_KIND_PATH, IN(config_source, socket), .text = "Path of a stream socket to connect to."},
    {SECTION_SAMPLES, "port", CONFIG_KIND_PATH, IN(config_source, port), .text = "Serial port, such as `/dev/ttyACM0`."},
    {SECTION_SAMPLES, "baud", CONFIG_KIND_INTEGER, IN(config_source, baud), .unit = "Bd", .fallback = "921600",
     .choices = "115200 230400 460800 500000 576000 921600 1000000 1152000 1500000 2000000 2500000 3000000 3500000 4000000",
     .text = "Of `port`. USB devices of class CDC take any."},
    {SECTION_SAMPLES, "spidev", CONFIG_KIND_PATH, IN(config_source, spidev),
     .text = "An MCP3208, such as `/dev/spidev0.0`: its channels are slots 0 to 7."},
    {SECTION_SAMPLES, "spidev_2", CONFIG_KIND_PATH, IN(config_source, spidev_2),
     .text = "A second one, on the same bus or another: its channels are slots 8 to 15."},
    {SECTION_SAMPLES, "spi_hz", CONFIG_KIND_INTEGER, IN(config_source, spi_hz), .min = 200000, .max = 2000000, .unit = "Hz",
     .fallback = "1000000", .text = "Clock of the bus; an MCP3208 takes 2 MHz at 5 V, 1 MHz at 2.7 V."},
    {SECTION_SAMPLES, "step_v", CONFIG_KIND_NUMBER, IN(config_source, step_v), .min = 1e-9, .max = 1, .unit = "V",
     .fallback_note = "none", .text = "Volts at the converter's input for each step of it, such as 0.00025 (1.024 V, 12 bits): for inputs that name a `ct` or `vt`."},
    {SECTION_SAMPLES, "burden_ohm", CONFIG_KIND_NUMBER, IN(config_source, burden_ohm), .min = 0.01, .max = 10000, .unit = "Ω",
     .fallback_note = "none", .text = "Burden resistor of clamps that deliver a current, where they do not name their own."},
    {SECTION_SAMPLES, "voltages", CONFIG_KIND_LIST, ELEMENTS(config_source, voltages, voltage_count, CONFIG_VOLTAGES_MAX),
     .child = {SECTION_VOLTAGE}, .required = true, .text = "Voltage references."},
    {SECTION_SAMPLES, "clamps", CONFIG_KIND_LIST, ELEMENTS(config_source, clamps, clamp_count, HWT_SLOTS_MAX),
     .child = {SECTION_CLAMP}, .text = "Current clamps."},
    {SECTION_SAMPLES, "groups", CONFIG_KIND_LIST, ELEMENTS(config_source, groups, group_count, CONFIG_GROUPS_MAX),
     .child = {SECTION_GROUP}, .text = "Clamps taken together, such as those of three phases."},

    {SECTION_VOLTAGE, "id", CONFIG_KIND_ID, IN(config_input, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 22."},
    {SECTION_VOLTAGE, "label", CONFIG_KIND_TEXT, IN(config_input, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_VOLTAGE, "slot", CONFIG_KIND_INTEGER, IN(config_input, slot), .min = 0, .max = HWT_SLOTS_MAX - 1, .required = true,
     .text = "Its slot in the sample stream, or channel of the converter."},
    {SECTION_VOLTAGE, "vt", CONFIG_KIND_TEXT, IN(config_input, model),
     .text = "Model of the sensor, by its exact name: `heatwatt config presets` lists them. Gives `ratio`, `phase_deg` and `curve`; what is "
             "written beside it counts instead of the model's."},
    {SECTION_VOLTAGE, "divider", CONFIG_KIND_NUMBER, IN(config_input, divider), .min = 0.001, .max = 1e5, .fallback = "1",
     .text = "With `vt`: volts of the sensor for a volt at the converter, where resistors divide it."},
    {SECTION_VOLTAGE, "ratio", CONFIG_KIND_NUMBER, IN(config_input, ratio), .min = 1e-6, .max = 1e4, .unit = "V", .fallback_note = "by `vt`",
     .text = "Volts for each step of the converter."},
    {SECTION_VOLTAGE, "phase_deg", CONFIG_KIND_NUMBER, IN(config_input, phase_deg), .min = -30, .max = 30, .unit = "degrees",
     .fallback = "0", .fallback_note = "0, or by `vt`", .text = "How far the sensor leads, at 50 Hz."},

    {SECTION_VOLTAGE, "phase", CONFIG_KIND_INTEGER, IN(config_input, phase), .min = 0, .max = 3, .fallback = "0",
     .text = "1, 2 or 3 of a three-phase system, whose order and losses are watched; 0: of none."},
    {SECTION_VOLTAGE, "curve", CONFIG_KIND_LIST, ELEMENTS(config_input, curve, curve_count, CONFIG_CURVE_POINTS_MAX),
     .child = {SECTION_CURVE}, .text = "Ratio and phase against the voltage."},
    {SECTION_VOLTAGE, "measure", CONFIG_KIND_TEXTS, ELEMENTS(config_input, measure, measure_count, CONFIG_MEASURE_MAX),
     .text = "Further channels: `thd`; and of the one voltage of a sampler whose harmonics are analysed, alone or with its clamp, "
             "`harmonic_2` to `harmonic_40` in % of the fundamental, or all of them, `harmonics`."},

    {SECTION_CLAMP, "id", CONFIG_KIND_ID, IN(config_input, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 17."},
    {SECTION_CLAMP, "label", CONFIG_KIND_TEXT, IN(config_input, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_CLAMP, "slot", CONFIG_KIND_INTEGER, IN(config_input, slot), .min = 0, .max = HWT_SLOTS_MAX - 1, .required = true,
     .text = "Its slot in the sample stream, or channel of the converter."},
    {SECTION_CLAMP, "voltage", CONFIG_KIND_ID, IN(config_input, voltage_id), .fallback_note = "the sampler's only voltage",
     .text = "Id of the voltage of its phase."},
    {SECTION_CLAMP, "ct", CONFIG_KIND_TEXT, IN(config_input, model),
     .text = "Model of the clamp, by its exact name, such as `YHDC SCT-013-000`: `heatwatt config presets` lists them. Gives `ratio`, "
             "`phase_deg` and `curve`; what is written beside it counts instead of the model's."},
    {SECTION_CLAMP, "burden_ohm", CONFIG_KIND_NUMBER, IN(config_input, burden_ohm), .min = 0.01, .max = 10000, .unit = "Ω",
     .fallback_note = "the sampler's", .text = "With a `ct` that delivers a current: its burden resistor."},
    {SECTION_CLAMP, "ratio", CONFIG_KIND_NUMBER, IN(config_input, ratio), .min = 1e-6, .max = 1e4, .unit = "A", .fallback_note = "by `ct`",
     .text = "Amperes for each step of the converter."},
    {SECTION_CLAMP, "phase_deg", CONFIG_KIND_NUMBER, IN(config_input, phase_deg), .min = -30, .max = 30, .unit = "degrees",
     .fallback = "0", .fallback_note = "0, or by `ct`", .text = "How far the sensor leads, at 50 Hz."},
    {SECTION_CLAMP, "reversed", CONFIG_KIND_BOOL, IN(config_input, reversed), .fallback = "false",
     .text = "The clamp is turned round: import and export change places."},
    {SECTION_CLAMP, "consumer", CONFIG_KIND_BOOL, IN(config_input, consumer), .fallback = "false",
     .text = "What it measures never feeds back: if it seems to, the clamp is reported as turned round."},
    {SECTION_CLAMP, "minus", CONFIG_KIND_ID, IN(config_input, minus_id), .fallback_note = "neutral",
     .text = "Id of the voltage at the other end of a load between two phases."},
    {SECTION_CLAMP, "shift_deg", CONFIG_KIND_NUMBER, IN(config_input, shift_deg), .min = -180, .max = 180, .unit = "degrees",
     .fallback = "0", .text = "Its phase has no voltage of its own and lags `voltage` by so much (120, -120 or 180): power of the "
     "fundamental only, marked suspect."},
    {SECTION_CLAMP, "no_load_w", CONFIG_KIND_NUMBER, IN(config_input, no_load_w), .min = 0, .max = 1000, .unit = "W",
     .fallback = "0.5", .text = "A mean power of a minute below this is not counted as energy; 0: all is."},
    {SECTION_CLAMP, "curve", CONFIG_KIND_LIST, ELEMENTS(config_input, curve, curve_count, CONFIG_CURVE_POINTS_MAX),
     .child = {SECTION_CURVE}, .text = "Ratio and phase against the current."},
    {SECTION_CLAMP, "measure", CONFIG_KIND_TEXTS, ELEMENTS(config_input, measure, measure_count, CONFIG_MEASURE_MAX),
     .text = "Further channels: `thd`, the distortion; `cos_phi`, the displacement power factor; `reactive_q1` to `reactive_q4`, reactive "
             "energy by quadrant, or all four, `reactive_energy`; and of one clamp of a sampler `harmonic_2` to `harmonic_40` in % of the fundamental, "
             "or all of them, `harmonics`."},

    {SECTION_CURVE, "level", CONFIG_KIND_NUMBER, IN(config_curve_point, level), .min = 1e-3, .max = 1e5, .unit = "A or V", .required = true,
     .text = "RMS of the fundamental."},
    {SECTION_CURVE, "factor", CONFIG_KIND_NUMBER, IN(config_curve_point, factor), .min = 0.5, .max = 2, .fallback = "1",
     .text = "Multiplies `ratio`."},
    {SECTION_CURVE, "phase_deg", CONFIG_KIND_NUMBER, IN(config_curve_point, phase_deg), .min = -45, .max = 45, .unit = "degrees", .fallback = "0",
     .text = "Added to the sensor's `phase_deg`."},

    {SECTION_GROUP, "id", CONFIG_KIND_ID, IN(config_group, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 17."},
    {SECTION_GROUP, "label", CONFIG_KIND_TEXT, IN(config_group, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_GROUP, "clamps", CONFIG_KIND_TEXTS, ELEMENTS(config_group, clamps, clamp_count, HWT_SLOTS_MAX), .required = true,
     .text = "Ids of clamps of this sampler, two at least."},

    {SECTION_MBUS, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 22."},
    {SECTION_MBUS, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
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

    {SECTION_MODBUS, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 17, or 14 with "
             "phases."},
    {SECTION_MODBUS, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`modbus`."},
    {SECTION_MODBUS, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_MODBUS, "map", CONFIG_KIND_TEXT, IN(config_source, map_name), .required = true,
     .text = "What the registers hold: a map that comes with heatwatt, such as `sdm120` (`heatwatt config map` lists them), "
             "or a file of your own, `my-meter.yaml`."},
    {SECTION_MODBUS, "port", CONFIG_KIND_PATH, IN(config_source, port), .text = "Serial port of the RS485 adapter, such as `/dev/ttyUSB0`."},
    {SECTION_MODBUS, "tcp", CONFIG_KIND_TEXT, IN(config_source, tcp),
     .text = "Host and port of a device or gateway, such as `192.168.1.20:502`; the port may be left out."},
    {SECTION_MODBUS, "framing", CONFIG_KIND_CHOICE, IN(config_source, tcp_framing), .choices = "mbap rtu", .fallback = "mbap",
     .text = "Of `tcp`. `mbap`: Modbus TCP. `rtu`: a gateway that only passes the octets of a serial line on."},
    {SECTION_MODBUS, "baud", CONFIG_KIND_INTEGER, IN(config_source, baud), .unit = "Bd", .fallback_note = "the map's",
     .choices = "300 600 1200 2400 4800 9600 19200 38400 57600 115200", .text = "Of `port`, as set in the device."},
    {SECTION_MODBUS, "parity", CONFIG_KIND_CHOICE, IN(config_source, parity), .choices = "none even odd", .fallback_note = "the map's",
     .text = "Of `port`, as set in the device."},
    {SECTION_MODBUS, "stop_bits", CONFIG_KIND_INTEGER, IN(config_source, stop_bits), .min = 1, .max = 2, .fallback = "1",
     .text = "Of `port`. 2 only without parity."},
    {SECTION_MODBUS, "unit", CONFIG_KIND_INTEGER, IN(config_source, unit), .min = 0, .max = 255, .fallback = "1",
     .text = "The device's number, 1 to 247; over TCP 0 and 255 may stand for the device itself."},
    {SECTION_MODBUS, "phases", CONFIG_KIND_BOOL, IN(config_source, phases), .fallback = "true",
     .text = "`false`: only the totals are read, not each phase."},
    {SECTION_MODBUS, "poll_s", CONFIG_KIND_INTEGER, IN(config_source, poll_s), .min = 1, .max = 86400, .unit = "s", .fallback = "10",
     .text = "Read the device this often."},
    {SECTION_MODBUS, "timeout_ms", CONFIG_KIND_INTEGER, IN(config_source, timeout_ms), .min = 20, .max = 10000, .unit = "ms",
     .fallback = "1000", .text = "Wait this long for a reply."},
    {SECTION_MODBUS, "retries", CONFIG_KIND_INTEGER, IN(config_source, retries), .min = 0, .max = 10, .fallback = "2",
     .text = "Further attempts when no good reply came."},

    {SECTION_EMON, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "Name in messages. Letters a-z, digits, `_`."},
    {SECTION_EMON, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`emon`."},
    {SECTION_EMON, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_EMON, "port", CONFIG_KIND_PATH, IN(config_source, port), .text = "Serial port, such as `/dev/ttyUSB0` or `/dev/ttyAMA0`."},
    {SECTION_EMON, "tcp", CONFIG_KIND_TEXT, IN(config_source, tcp),
     .text = "`host:port` of a gateway that passes the lines on, such as ser2net."},
    {SECTION_EMON, "baud", CONFIG_KIND_INTEGER, IN(config_source, baud), .unit = "Bd", .fallback = "115200",
     .choices = "300 600 1200 2400 4800 9600 19200 38400 57600 115200", .text = "Of `port`. RFM2Pi and RFM69Pi: 38400."},
    {SECTION_EMON, "parity", CONFIG_KIND_CHOICE, IN(config_source, parity), .choices = "none even odd", .fallback = "none",
     .text = "Of `port`."},
    {SECTION_EMON, "stop_bits", CONFIG_KIND_INTEGER, IN(config_source, stop_bits), .min = 1, .max = 2, .fallback = "1",
     .text = "Of `port`. 2 only without parity."},
    {SECTION_EMON, "node", CONFIG_KIND_INTEGER, IN(config_source, node), .min = 0, .max = 255, .fallback_note = "lines without a node",
     .text = "Number of the device in the radio network: only messages of this node are taken."},
    {SECTION_EMON, "layout", CONFIG_KIND_TEXT, IN(config_source, layout), .fallback_note = "by node and length",
     .text = "Name of the layout of its radio messages, such as `emontx4`; docs/PROTOCOLS.md lists them."},
    {SECTION_EMON, "interval_s", CONFIG_KIND_INTEGER, IN(config_source, poll_s), .min = 1, .max = 3600, .unit = "s", .fallback = "10",
     .text = "It sends about this often; after three times as long without a message it is stale. EmonTH: 60."},
    {SECTION_EMON, "inputs", CONFIG_KIND_LIST, ELEMENTS(config_source, emon, emon_count, CONFIG_EMON_INPUTS_MAX),
     .child = {SECTION_EMON_INPUT}, .required = true, .text = "What is taken of the messages."},

    {SECTION_EMON_INPUT, "id", CONFIG_KIND_ID, IN(config_emon_input, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`."},
    {SECTION_EMON_INPUT, "label", CONFIG_KIND_TEXT, IN(config_emon_input, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_EMON_INPUT, "key", CONFIG_KIND_TEXT, IN(config_emon_input, key), .required = true,
     .text = "The number's name in the messages, such as `P1`, or in the layout. `heatwatt decode emon` prints them."},
    {SECTION_EMON_INPUT, "quantity", CONFIG_KIND_ID, IN(config_emon_input, quantity), .required = true,
     .text = "What it is: `power`, `voltage`, `temperature`, `humidity`, `flow_t`, `import`, `energy`, `volume` …"},
    {SECTION_EMON_INPUT, "scale", CONFIG_KIND_NUMBER, IN(config_emon_input, scale), .min = -1e6, .max = 1e6, .fallback = "1",
     .text = "The number times this is in the API's unit (W, V, A, Wh, degC, %, l …). -1 turns a clamp round."},
    {SECTION_EMON_INPUT, "per_unit", CONFIG_KIND_NUMBER, IN(config_emon_input, per_unit), .min = 1e-6, .max = 1e6, .fallback = "1",
     .text = "For counts of pulses: so many make one of the API's unit. A meter with 1000 pulses a kWh has 1 a Wh; one with 800, 0.8."},
    {SECTION_EMON_INPUT, "energy_key", CONFIG_KIND_TEXT, IN(config_emon_input, energy_key),
     .text = "Of `quantity: power`: name of the register of the same input, in Wh, such as `E1`."},

    {SECTION_HEAT_FLOW, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "First part of its channel's id: never change it later. Letters a-z, digits, `_`."},
    {SECTION_HEAT_FLOW, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`heat_from_flow`."},
    {SECTION_HEAT_FLOW, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_HEAT_FLOW, "flow_rate", CONFIG_KIND_ID, IN(config_source, flow_rate), .required = true,
     .text = "Channel of the volume flow, such as `vfs_flow_rate`."},
    {SECTION_HEAT_FLOW, "flow_t", CONFIG_KIND_ID, IN(config_source, flow_t), .required = true,
     .text = "Channel of the temperature to the house."},
    {SECTION_HEAT_FLOW, "return_t", CONFIG_KIND_ID, IN(config_source, return_t), .required = true,
     .text = "Channel of the temperature from the house."},
    {SECTION_HEAT_FLOW, "glycol", CONFIG_KIND_CHOICE, IN(config_source, glycol), .choices = "none propylene ethylene", .fallback = "none",
     .text = "What is in the water against frost."},
    {SECTION_HEAT_FLOW, "percent", CONFIG_KIND_NUMBER, IN(config_source, percent), .min = 0, .max = 60, .unit = "% of mass", .fallback = "0",
     .text = "How much of it."},
    {SECTION_HEAT_FLOW, "sensor_in", CONFIG_KIND_CHOICE, IN(config_source, sensor_in), .choices = "return flow", .fallback = "return",
     .text = "The pipe with the flow sensor: its temperature decides the density."},
    {SECTION_HEAT_FLOW, "interval_s", CONFIG_KIND_INTEGER, IN(config_source, poll_s), .min = 1, .max = 3600, .unit = "s", .fallback = "10",
     .text = "The slowest of the three comes about this often; a reading older than three times that counts as missing."},

    {SECTION_PULSES, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 21."},
    {SECTION_PULSES, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`pulses`."},
    {SECTION_PULSES, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_PULSES, "chip", CONFIG_KIND_PATH, IN(config_source, chip), .text = "GPIO chip, such as `/dev/gpiochip0`."},
    {SECTION_PULSES, "line", CONFIG_KIND_INTEGER, IN(config_source, gpio), .min = 0, .max = 1023,
     .text = "Line of `chip`: on a Raspberry Pi the GPIO number."},
    {SECTION_PULSES, "active_low", CONFIG_KIND_BOOL, IN(config_source, active_low), .fallback = "false",
     .text = "Of `chip`: a pulse pulls the line low, as an open collector or a contact to ground does."},
    {SECTION_PULSES, "bias", CONFIG_KIND_CHOICE, IN(config_source, bias), .choices = BIASES, .fallback = "as_is",
     .text = "Of `chip`: its resistor to the supply or to ground. An S0 output wants about 1 kΩ, which a chip does not have."},
    {SECTION_PULSES, "events", CONFIG_KIND_PATH, IN(config_source, events),
     .text = "A Unix socket or FIFO that brings the kernel's `struct gpio_v2_line_event`, as the virtual plant's does."},
    {SECTION_PULSES, "water", CONFIG_KIND_BOOL, IN(config_source, volume), .fallback = "false",
     .text = "`true`: a water meter, `per_unit` in litres a pulse."},
    {SECTION_PULSES, "per_unit", CONFIG_KIND_NUMBER, IN(config_source, per_unit), .min = 0.001, .max = 1e6, .required = true,
     .text = "Pulses for each kWh, as printed on the meter (1000 imp/kWh); of a water meter litres for each pulse."},
    {SECTION_PULSES, "active_ms", CONFIG_KIND_INTEGER, IN(config_source, active_ms), .min = 0, .max = 10000, .unit = "ms", .fallback = "20",
     .text = "A shorter pulse is a bounce. S0 pulses last 30 ms at least."},
    {SECTION_PULSES, "inactive_ms", CONFIG_KIND_INTEGER, IN(config_source, inactive_ms), .min = 0, .max = 10000, .unit = "ms", .fallback = "20",
     .text = "A shorter pause between two pulses is a bounce."},
    {SECTION_PULSES, "max_w", CONFIG_KIND_INTEGER, IN(config_source, max_w), .min = 100, .max = 10000000, .unit = "W", .fallback = "25000",
     .text = "What the supply can deliver at most: pulses that come faster are not counted. Not of a water meter."},
    {SECTION_PULSES, "min_period_ms", CONFIG_KIND_INTEGER, IN(config_source, period_ms), .min = 0, .max = 600000, .unit = "ms", .fallback = "0",
     .fallback_note = "as `max_w` says", .text = "The same as a time: a pulse sooner than this after the one before is not counted."},
    {SECTION_PULSES, "zero_s", CONFIG_KIND_INTEGER, IN(config_source, zero_s), .min = 10, .max = 86400, .unit = "s", .fallback = "600",
     .text = "So long after a pulse the power, or flow rate, is 0."},

    {SECTION_ELSTER, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`; at most 25."},
    {SECTION_ELSTER, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`elster`."},
    {SECTION_ELSTER, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_ELSTER, "chip", CONFIG_KIND_PATH, IN(config_source, chip), .text = "GPIO chip, such as `/dev/gpiochip0`."},
    {SECTION_ELSTER, "line", CONFIG_KIND_INTEGER, IN(config_source, gpio), .min = 0, .max = 1023,
     .text = "Line of `chip`: on a Raspberry Pi the GPIO number."},
    {SECTION_ELSTER, "active_low", CONFIG_KIND_BOOL, IN(config_source, active_low), .fallback = "false",
     .text = "Of `chip`: the line is low when there is light, as of most infra-red modules."},
    {SECTION_ELSTER, "bias", CONFIG_KIND_CHOICE, IN(config_source, bias), .choices = BIASES, .fallback = "as_is",
     .text = "Of `chip`: its resistor to the supply or to ground."},
    {SECTION_ELSTER, "events", CONFIG_KIND_PATH, IN(config_source, events),
     .text = "A Unix socket or FIFO that brings the kernel's `struct gpio_v2_line_event`, as the virtual plant's does."},
    {SECTION_ELSTER, "port", CONFIG_KIND_PATH, IN(config_source, port),
     .text = "Serial port whose receiver sees each flash stretched to a bit, such as `/dev/ttyUSB0`: 8 data bits, no parity."},
    {SECTION_ELSTER, "baud", CONFIG_KIND_INTEGER, IN(config_source, baud), .unit = "Bd", .choices = "0 2400 4800 9600", .fallback = "0",
     .text = "Of the meter; most send at 2400. 0: found."},
    {SECTION_ELSTER, "max_w", CONFIG_KIND_INTEGER, IN(config_source, max_w), .min = 100, .max = 1000000, .unit = "W", .fallback = "25000",
     .text = "What the supply can deliver at most, of all phases: packets whose registers rise faster are not believed."},
    {SECTION_ELSTER, "zero_s", CONFIG_KIND_INTEGER, IN(config_source, zero_s), .min = 10, .max = 86400, .unit = "s", .fallback = "600",
     .text = "So long after a step of 1 Wh the power is 0; of a meter that counts hundreds a hundred times as long, a day at most."},

    {SECTION_DS18B20, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "Name in messages. Letters a-z, digits, `_`."},
    {SECTION_DS18B20, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`ds18b20`."},
    {SECTION_DS18B20, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_DS18B20, "w1", CONFIG_KIND_PATH, IN(config_source, w1), .fallback = "/sys/bus/w1/devices",
     .text = "Folder that holds a folder for each sensor."},
    {SECTION_DS18B20, "poll_s", CONFIG_KIND_INTEGER, IN(config_source, poll_s), .min = 1, .max = 3600, .unit = "s", .fallback = "10",
     .text = "Read all sensors this often; each takes 0.75 s."},
    {SECTION_DS18B20, "sensors", CONFIG_KIND_LIST, ELEMENTS(config_source, sensors, sensor_count, CONFIG_SENSORS_MAX),
     .child = {SECTION_SENSOR}, .required = true, .text = "The sensors."},

    {SECTION_SENSOR, "id", CONFIG_KIND_ID, IN(config_sensor, id), .required = true,
     .text = "First part of its channel's id: never change it later. Letters a-z, digits, `_`; at most 20 with `temperature`."},
    {SECTION_SENSOR, "label", CONFIG_KIND_TEXT, IN(config_sensor, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_SENSOR, "rom", CONFIG_KIND_TEXT, IN(config_sensor, rom), .required = true,
     .text = "Its whole id, as its folder is named: `28-0316a2795bff`."},
    {SECTION_SENSOR, "quantity", CONFIG_KIND_CHOICE, IN(config_sensor, quantity),
     .choices = "temperature flow_t return_t outside_t room_t dhw_t", .fallback = "temperature",
     .text = "What its temperature is, as the channel names it. Roles go by the channel, not by this."},
    {SECTION_SENSOR, "offset_k", CONFIG_KIND_NUMBER, IN(config_sensor, offset_k), .min = -10, .max = 10, .unit = "K", .fallback = "0",
     .text = "Added to what it tells. Sensors of a pair are within 0.5 K each: find it with both on one pipe."},
    {SECTION_ANALOG, "id", CONFIG_KIND_ID, IN(config_source, id), .required = true,
     .text = "First part of its channels' ids: never change it later. Letters a-z, digits, `_`."},
    {SECTION_ANALOG, "type", CONFIG_KIND_CHOICE, IN(config_source, type), .choices = SOURCE_TYPES, .required = true,
     .text = "`analog`."},
    {SECTION_ANALOG, "label", CONFIG_KIND_TEXT, IN(config_source, label), .fallback_note = "the id", .text = "Shown on the page."},
    {SECTION_ANALOG, "sensor", CONFIG_KIND_TEXT, IN(config_source, analog_sensor), .required = true,
     .text = "`vfs_1_12`, `vfs_1_20`, `vfs_2_40`, `vfs_5_100`, `vfs_10_200` or `vfs_20_400`: a row of `data/vfs/sensors.txt`."},
    {SECTION_ANALOG, "flow", CONFIG_KIND_PATH, IN(config_source, analog_flow),
     .text = "File of the flow's voltage, such as `/sys/bus/iio/devices/iio:device0/in_voltage2_raw` or `/sys/class/hwmon/hwmon1/in2_input`."},
    {SECTION_ANALOG, "temperature", CONFIG_KIND_PATH, IN(config_source, analog_t), .text = "File of the temperature's voltage."},
    {SECTION_ANALOG, "temperature_is", CONFIG_KIND_CHOICE, IN(config_source, analog_t_is), .choices = "flow_t return_t temperature",
     .fallback = "flow_t", .text = "The pipe it is in: the channel's quantity."},
    {SECTION_ANALOG, "flow_v_per_step", CONFIG_KIND_NUMBER, IN(config_source, analog_flow_v), .min = 1e-9, .max = 10, .unit = "V",
     .fallback_note = "the `_scale` file beside it", .text = "V at the converter for each step of the flow's file."},
    {SECTION_ANALOG, "temperature_v_per_step", CONFIG_KIND_NUMBER, IN(config_source, analog_t_v), .min = 1e-9, .max = 10, .unit = "V",
     .fallback_note = "the `_scale` file beside it", .text = "The same of the temperature's."},
    {SECTION_ANALOG, "divider", CONFIG_KIND_NUMBER, IN(config_source, analog_divider), .min = 0.1, .max = 100, .fallback = "1",
     .text = "V at the sensor for a V at the converter, where resistors divide it."},
    {SECTION_ANALOG, "flow_calibration", CONFIG_KIND_LIST, ELEMENTS(config_source, flow_points, flow_point_count, 2),
     .child = {SECTION_CALIBRATION}, .text = "Two points, in l/h."},
    {SECTION_ANALOG, "temperature_calibration", CONFIG_KIND_LIST, ELEMENTS(config_source, t_points, t_point_count, 2),
     .child = {SECTION_CALIBRATION}, .text = "Two points, in degC."},
    {SECTION_ANALOG, "poll_s", CONFIG_KIND_INTEGER, IN(config_source, poll_s), .min = 1, .max = 3600, .unit = "s", .fallback = "2",
     .text = "Read the files this often."},

    {SECTION_CALIBRATION, "reads", CONFIG_KIND_NUMBER, IN(config_calibration, reads), .min = -1e6, .max = 1e6, .required = true,
     .text = "What it shows without calibration."},
    {SECTION_CALIBRATION, "is", CONFIG_KIND_NUMBER, IN(config_calibration, is), .min = -1e6, .max = 1e6, .required = true,
     .text = "What it is."},

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

#define MODEL(section, what, unit_)                                                                                          \
    {section, "name", CONFIG_KIND_TEXT, IN(config_sensor_model, name), .required = true, .text = "Its name, exact."},        \
    {section, "ratio", CONFIG_KIND_NUMBER, IN(config_sensor_model, ratio), .min = 1e-3, .max = 1e6, .unit = unit_,           \
     .required = true, .text = what}

#define MODEL_PHASE(section)                                                                                                 \
    {section, "class", CONFIG_KIND_TEXT, IN(config_sensor_model, class_text),                                                \
     .text = "Its accuracy as its maker states it."},                                                                        \
    {section, "phase_deg", CONFIG_KIND_NUMBER, IN(config_sensor_model, phase_deg), .min = -30, .max = 30,                    \
     .unit = "degrees", .fallback_note = "not known: 0", .text = "How far it leads."},                                       \
    {section, "phase_hz", CONFIG_KIND_INTEGER, IN(config_sensor_model, phase_hz), .choices = "50 60", .unit = "Hz",          \
     .fallback = "50", .text = "Where its phases were measured; they are carried over to 50 Hz."},                           \
    {section, "curve", CONFIG_KIND_LIST, ELEMENTS(config_sensor_model, curve, curve_count, CONFIG_CURVE_POINTS_MAX),         \
     .child = {SECTION_CURVE}, .text = "Ratio and phase against the level."},                                                \
    {section, "source", CONFIG_KIND_TEXT, IN(config_sensor_model, source), .text = "Who says so."}

    MODEL(SECTION_CT_MODEL, "Amperes in the wire for an ampere, or with `output: voltage` for a volt, that it delivers.", "A"),
    {SECTION_CT_MODEL, "output", CONFIG_KIND_CHOICE, IN(config_sensor_model, output), .choices = "current voltage",
     .fallback = "current", .text = "`voltage`: its burden is built in."},
    {SECTION_CT_MODEL, "rated_a", CONFIG_KIND_NUMBER, IN(config_sensor_model, rated_a), .min = 0.1, .max = 1e5, .unit = "A",
     .fallback_note = "not known", .text = "Its rated current."},
    MODEL_PHASE(SECTION_CT_MODEL),
    MODEL(SECTION_VT_MODEL, "Volts of the mains for a volt that it delivers.", "V"),
    MODEL_PHASE(SECTION_VT_MODEL),

    {SECTION_MODELS, "version", CONFIG_KIND_INTEGER, IN(config_models, version), .min = CONFIG_VERSION, .max = CONFIG_VERSION,
     .required = true, .text = "Version of this format: 1."},
    {SECTION_MODELS, "ct_models", CONFIG_KIND_LIST, ELEMENTS(config_models, ct, ct_count, CONFIG_MODELS_MAX),
     .child = {SECTION_CT_MODEL}, .text = "Clamps."},
    {SECTION_MODELS, "vt_models", CONFIG_KIND_LIST, ELEMENTS(config_models, vt, vt_count, CONFIG_MODELS_MAX),
     .child = {SECTION_VT_MODEL}, .text = "Voltage sensors."},

    {SECTION_MAP, "version", CONFIG_KIND_INTEGER, IN(config_map, version), .min = 1, .max = 1, .required = true,
     .text = "Version of this format: 1."},
    {SECTION_MAP, "name", CONFIG_KIND_TEXT, IN(config_map, name), .required = true, .text = "Maker and model."},
    {SECTION_MAP, "source", CONFIG_KIND_TEXT, IN(config_map, source), .text = "Where the rows are from: data sheet, its version."},
    {SECTION_MAP, "baud", CONFIG_KIND_INTEGER, IN(config_map, baud), .unit = "Bd", .fallback = "9600",
     .choices = "300 600 1200 2400 4800 9600 19200 38400 57600 115200", .text = "As the device leaves the factory."},
    {SECTION_MAP, "parity", CONFIG_KIND_CHOICE, IN(config_map, parity), .choices = "none even odd", .fallback = "none",
     .text = "As the device leaves the factory."},
    {SECTION_MAP, "function", CONFIG_KIND_CHOICE, IN(config_map, function), .choices = "holding input", .fallback = "input",
     .text = "Which registers the rows are of that do not say: holding registers are read by function 3, input registers by 4."},
    {SECTION_MAP, "type", CONFIG_KIND_CHOICE, IN(config_map, type), .choices = MAP_TYPES, .fallback = "f32",
     .text = "How numbers stand in the registers, of rows that do not say: `u` unsigned, `s` signed, `f` floating point, and bits."},
    {SECTION_MAP, "order", CONFIG_KIND_CHOICE, IN(config_map, order), .choices = "ABCD CDAB BADC DCBA", .fallback = "ABCD",
     .text = "Order of a number's octets, most significant first being `ABCD`; `CDAB` is low register first."},
    {SECTION_MAP, "registers_max", CONFIG_KIND_INTEGER, IN(config_map, registers_max), .min = 1, .max = HWT_MODBUS_REGISTERS_MAX,
     .fallback = "125", .text = "The device answers requests of at most so many registers."},
    {SECTION_MAP, "gap_max", CONFIG_KIND_INTEGER, IN(config_map, gap_max), .min = 0, .max = HWT_MODBUS_REGISTERS_MAX, .fallback = "0",
     .text = "So many registers between two rows may be read along, to need fewer requests. 0 for a device that refuses "
             "registers it does not have."},
    {SECTION_MAP, "registers", CONFIG_KIND_LIST, ELEMENTS(config_map, row, rows, HWT_MODBUS_ROWS_MAX), .child = {SECTION_MAP_ROW},
     .required = true, .text = "What is read."},
    {SECTION_MAP, "identify", CONFIG_KIND_LIST, ELEMENTS(config_map, mark, marks, HWT_MODBUS_MARKS_MAX), .child = {SECTION_MAP_MARK},
     .text = "How a search tells the device."},
    {SECTION_MAP, "serial", CONFIG_KIND_MAP, .child = {SECTION_MAP_SERIAL}, .text = "Its serial number."},

    {SECTION_MAP_ROW, "quantity", CONFIG_KIND_ID, IN(config_map_row, quantity), .required = true,
     .text = "`voltage`, `current`, `power`, `apparent_power`, `reactive_power`, `power_factor`, `frequency`, `import`, `export` "
             "…: a quantity of the API."},
    {SECTION_MAP_ROW, "part", CONFIG_KIND_CHOICE, IN(config_map_row, part), .choices = "total l1 l2 l3", .fallback = "total",
     .text = "The whole installation, channel `<id>_<quantity>`, or a phase, `<id>_l1_<quantity>`."},
    {SECTION_MAP_ROW, "address", CONFIG_KIND_INTEGER, IN(config_map_row, address), .min = 0, .max = 65535, .hex = true, .required = true,
     .text = "Of the first register, from 0 as on the wire: 30001 or 40001 of many data sheets is 0. Hexadecimal as `0x5B00`."},
    {SECTION_MAP_ROW, "function", CONFIG_KIND_CHOICE, IN(config_map_row, function), .choices = "holding input", .fallback_note = "the map's",
     .text = "As above."},
    {SECTION_MAP_ROW, "type", CONFIG_KIND_CHOICE, IN(config_map_row, type), .choices = MAP_TYPES, .fallback_note = "the map's",
     .text = "As above."},
    {SECTION_MAP_ROW, "order", CONFIG_KIND_CHOICE, IN(config_map_row, order), .choices = "ABCD CDAB BADC DCBA", .fallback_note = "the map's",
     .text = "As above."},
    {SECTION_MAP_ROW, "scale", CONFIG_KIND_NUMBER, IN(config_map_row, scale), .min = -1e9, .max = 1e9, .fallback = "1",
     .text = "The number times this is the value in the API's unit (V, A, W, VA, var, Hz, Wh, 1 …): 1000 for a register in kWh."},
    {SECTION_MAP_ROW, "source", CONFIG_KIND_TEXT, IN(config_map_row, source), .text = "Where the row is from."},

    {SECTION_MAP_MARK, "address", CONFIG_KIND_INTEGER, IN(config_map_mark, field.address), .min = 0, .max = 65535, .hex = true, .required = true,
     .text = "Of the first register, from 0 as on the wire."},
    {SECTION_MAP_MARK, "function", CONFIG_KIND_CHOICE, IN(config_map_mark, field.function), .choices = "holding input", .fallback_note = "the map's",
     .text = "As above."},
    {SECTION_MAP_MARK, "type", CONFIG_KIND_CHOICE, IN(config_map_mark, field.type), .choices = MAP_TYPES, .fallback_note = "the map's",
     .text = "Of a number. A float is rounded."},
    {SECTION_MAP_MARK, "order", CONFIG_KIND_CHOICE, IN(config_map_mark, field.order), .choices = "ABCD CDAB BADC DCBA", .fallback_note = "the map's",
     .text = "As above. A text with its characters swapped in each register is `BADC`."},
    {SECTION_MAP_MARK, "length", CONFIG_KIND_INTEGER, IN(config_map_mark, field.length), .min = 1, .max = HWT_MODBUS_TEXT_REGISTERS_MAX, .fallback_note = "a number",
     .text = "Registers of a text; zeros in it are left out."},
    {SECTION_MAP_MARK, "values", CONFIG_KIND_TEXTS, ELEMENTS(config_map_mark, value, values, HWT_MODBUS_EXPECTED_MAX), .required = true,
     .text = "What it holds, one of these: numbers as `32`, `0x20` or `100..104`; of a text its beginning."},
    {SECTION_MAP_MARK, "source", CONFIG_KIND_TEXT, IN(config_map_mark, field.source), .text = "Where the entry is from."},

    {SECTION_MAP_SERIAL, "address", CONFIG_KIND_INTEGER, IN(config_map, serial.address), .min = 0, .max = 65535, .hex = true,
     .text = "Of the first register, from 0 as on the wire."},
    {SECTION_MAP_SERIAL, "function", CONFIG_KIND_CHOICE, IN(config_map, serial.function), .choices = "holding input", .fallback_note = "the map's",
     .text = "As above."},
    {SECTION_MAP_SERIAL, "type", CONFIG_KIND_CHOICE, IN(config_map, serial.type), .choices = MAP_TYPES, .fallback_note = "the map's",
     .text = "Of a number. A float is rounded."},
    {SECTION_MAP_SERIAL, "order", CONFIG_KIND_CHOICE, IN(config_map, serial.order), .choices = "ABCD CDAB BADC DCBA", .fallback_note = "the map's",
     .text = "As above. A text with its characters swapped in each register is `BADC`."},
    {SECTION_MAP_SERIAL, "length", CONFIG_KIND_INTEGER, IN(config_map, serial.length), .min = 1, .max = HWT_MODBUS_TEXT_REGISTERS_MAX, .fallback_note = "a number",
     .text = "Registers of a text; zeros in it are left out."},
    {SECTION_MAP_SERIAL, "source", CONFIG_KIND_TEXT, IN(config_map, serial.source), .text = "Where this is from."},
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

/* The options table as Markdown. */
#include <string.h>

#include "daemon/run/config.h"
#include "daemon/run/config_table.h"

static void write_range(const struct config_option *o, FILE *out)
{
    if (o->choices != NULL) {
        char word[32];
        size_t at = 0;

        for (bool more = false; config_choice_next(o->choices, &at, word, sizeof(word));
             more = true) {
            fprintf(out, "%s`%s`", more ? ", " : "", word);
        }
    } else if (o->min == o->max) {
        fprintf(out, "%.10g", o->min);
    } else {
        fprintf(out, "%s %.10g to %.10g", o->kind == CONFIG_KIND_NUMBER ? "number" : "integer",
                o->min, o->max);
    }
    if (o->unit != NULL) {
        fprintf(out, " %s", o->unit);
    }
}

static void write_kind(const struct config_option *o, FILE *out)
{
    static const char *const names[] = {
        [CONFIG_KIND_TEXT] = "text",        [CONFIG_KIND_ID] = "id",
        [CONFIG_KIND_PATH] = "path",        [CONFIG_KIND_INTEGER] = NULL,
        [CONFIG_KIND_NUMBER] = NULL,        [CONFIG_KIND_BOOL] = "`true`, `false`",
        [CONFIG_KIND_CHOICE] = NULL,        [CONFIG_KIND_TEXTS] = "list of texts",
        [CONFIG_KIND_MAP] = "group, below", [CONFIG_KIND_LIST] = "list, below",
    };

    if (config_sections[o->section].type != NULL && strcmp(o->name, "type") == 0) {
        fprintf(out, "`%s`", config_sections[o->section].type);
    } else if (names[o->kind] == NULL) {
        write_range(o, out);
    } else {
        fputs(names[o->kind], out);
    }
    if (o->count_max > 0) {
        fprintf(out, ", at most %u", o->count_max);
    }
}

static void write_option(const struct config_option *o, FILE *out)
{
    fprintf(out, "| `%s` | ", o->name);
    write_kind(o, out);
    if (o->required) {
        fputs(" | **required**", out);
    } else if (o->fallback_note != NULL) {
        fprintf(out, " | %s", o->fallback_note);
    } else if (o->fallback != NULL) {
        fprintf(out, " | `%s`", o->fallback);
    } else {
        fputs(o->kind == CONFIG_KIND_MAP ? " |" : " | none", out);
    }
    fprintf(out, " | %s |\n", o->text);
}

static void write_section(enum config_section section, FILE *out)
{
    const struct config_section_info *info = &config_sections[section];

    if (section == SECTION_ROOT) {
        fputs("\n## Top level\n", out);
    } else if (info->type != NULL) {
        fprintf(out, "\n## %s, type %s\n\n%s\n", info->path, info->type, info->text);
    } else {
        fprintf(out, "\n## %s\n\n%s\n", info->path, info->text);
    }
    fputs("\n| key | takes | default | meaning |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < config_option_count; i++) {
        if (config_options[i].section == section) {
            write_option(&config_options[i], out);
        }
    }
}

void config_write_reference(FILE *out)
{
    fputs(
        "# Configuration\n"
        "\n"
        "<!-- Printed by `heatwatt config reference` from daemon/run/config_table.c; do not edit "
        "here. -->\n"
        "\n"
        "One YAML file, read when the daemon starts, and again on the signal HUP: if it is right, "
        "the daemon starts anew\n"
        "with it in its process, within a second or two; else it goes on as it was, and its log "
        "says what is wrong.\n"
        "`heatwatt config check FILE` lists everything that is wrong with it, with line and key. "
        "`heatwatt config add\n"
        "FILE SOURCE` adds a source, as the page does, without touching the rest. Complete files "
        "are in `examples/`.\n"
        "\n"
        "A strict part of YAML: one document, no anchors, aliases or tags, no key twice; numbers "
        "and `true`, `false`\n"
        "without quotes. Unknown keys are errors. Paths that do not begin with `/` start from "
        "the folder of the file.\n"
        "\n"
        "Ids are made of `a-z`, `0-9` and `_`. No two sources, voltages or clamps share one; "
        "`heatpump` and `device` are\n"
        "taken. A channel is called `<id>_<quantity>`, has at most 32 characters, and keeps that "
        "name for good.\n",
        out);
    for (unsigned s = 0; s < SECTION_COUNT; s++) {
        write_section((enum config_section)s, out);
    }
    fputs("\n## The secrets file\n"
          "\n"
          "Lines `name: value`. It must be a regular file of the user the daemon runs as, or of "
          "root, that nobody else may\n"
          "read or write (`chmod 600`). The values are never printed or logged.\n"
          "\n"
          "```yaml\n"
          "emoncms_key: 0123456789abcdef0123456789abcdef\n"
          "```\n",
          out);
}

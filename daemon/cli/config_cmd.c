#include "daemon/cli/config_cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "daemon/cli/config_add_cmd.h"
#include "daemon/cli/config_presets.h"
#include "daemon/run/config.h"
#include "daemon/run/config_map.h"

/* An object of CONFIG_PROBLEMS_MAX problems, or of all sources and roles, all escaped. */
enum { JSON_MAX = 1 << 20 };

static const char usage[] =
    "usage: heatwatt config check [--json] FILE\n"
    "       heatwatt config add [--check] FILE SOURCE\n"
    "       heatwatt config map [NAME]\n"
    "       heatwatt config presets [--json] [NAME]\n"
    "       heatwatt config reference\n"
    "\n"
    "check      lists everything that is wrong with a configuration file\n"
    "add        adds a source to a configuration file (add --help)\n"
    "map        lists the Modbus maps that are built in, or prints one, as a\n"
    "           start for your own\n"
    "presets    lists the models of clamps and voltage sensors that are known, or\n"
    "           tells all of one\n"
    "reference  prints all options as Markdown (docs/CONFIG.md)\n";

static size_t channels_of(const struct config *c, unsigned source)
{
    struct config_point point;
    size_t count = 0;

    for (unsigned i = 0; config_point_get(c, i, &point); i++) {
        count += point.source == source ? point.quantities : 0;
    }
    return count;
}

/* What it is read from. */
static const char *where_of(const struct config_source *s)
{
    const char *const places[] = {s->port,        s->tcp,      s->socket,
                                  s->analog_flow, s->analog_t, s->flow_rate};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i][0] != '\0') {
            return places[i];
        }
    }
    return "?";
}

static void print_summary(const struct config *c, FILE *out)
{
    fprintf(out, "%s: no errors\n", c->path);
    fprintf(out, "site: %s, %s%s\n", c->site, c->timezone, c->simulated ? ", simulated" : "");
    fprintf(out, "data: %s, a record each %u s, safe on the disk each %u s\n", c->data_dir,
            c->record_s, c->commit_s);
    if (c->log_partition[0] != '\0') {
        fprintf(out, "log: %s\n", c->log_partition);
    }
    fprintf(out, "page: %s port %u\n", c->listen, (unsigned)c->port);
    fprintf(out, "sources: %u, channels: %zu\n", c->source_count, config_channel_count(c));
    for (unsigned i = 0; i < c->source_count; i++) {
        const struct config_source *s = &c->source[i];

        fprintf(out, "  %s (%s) on %s: %zu channels\n", s->id, config_source_type_name(s->type),
                where_of(s), channels_of(c, i));
    }
    fputs("roles:", out);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        if (c->role[r][0] != '\0') {
            fprintf(out, " %s=%s", config_role_name((enum config_role)r), c->role[r]);
        }
    }
    fprintf(out, "\npublishers: %u\n", c->publisher_count);
    for (unsigned i = 0; i < c->publisher_count; i++) {
        fprintf(out, "  %s to %s each %u s\n", c->publisher[i].id, c->publisher[i].url,
                c->publisher[i].interval_s);
    }
}

static void put_summary(struct hwt_json *j, const struct config *c)
{
    hwt_json_string(j, "file", c->path);
    hwt_json_string(j, "site", c->site);
    hwt_json_string(j, "timezone", c->timezone);
    hwt_json_string(j, "data_dir", c->data_dir);
    hwt_json_uint(j, "commit_s", c->commit_s);
    if (c->log_partition[0] != '\0') {
        hwt_json_string(j, "log_partition", c->log_partition);
    }
    hwt_json_uint(j, "channels", config_channel_count(c));
    hwt_json_array(j, "sources");
    for (unsigned i = 0; i < c->source_count; i++) {
        hwt_json_object(j, NULL);
        hwt_json_string(j, "id", c->source[i].id);
        hwt_json_string(j, "type", config_source_type_name(c->source[i].type));
        hwt_json_uint(j, "channels", channels_of(c, i));
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
    hwt_json_object(j, "roles");
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        if (c->role[r][0] != '\0') {
            hwt_json_string(j, config_role_name((enum config_role)r), c->role[r]);
        }
    }
    hwt_json_end_object(j);
    hwt_json_array(j, "publishers");
    for (unsigned i = 0; i < c->publisher_count; i++) {
        hwt_json_object(j, NULL);
        hwt_json_string(j, "id", c->publisher[i].id);
        hwt_json_string(j, "url", c->publisher[i].url);
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
}

static void put_problems(struct hwt_json *j, const struct config_problems *p)
{
    hwt_json_array(j, "errors");
    for (size_t i = 0; i < p->count; i++) {
        hwt_json_object(j, NULL);
        hwt_json_string(j, "file", p->item[i].file);
        hwt_json_uint(j, "line", p->item[i].line);
        hwt_json_string(j, "field", p->item[i].field);
        hwt_json_string(j, "text", p->item[i].text);
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
    hwt_json_uint(j, "left_out", p->left_out);
}

static int print_json(const struct config *c, const struct config_problems *p)
{
    char *text = malloc(JSON_MAX);
    struct hwt_json j;

    if (text == NULL) {
        fputs("heatwatt config check: out of memory\n", stderr);
        return 1;
    }
    hwt_json_init(&j, text, JSON_MAX);
    hwt_json_object(&j, NULL);
    hwt_json_bool(&j, "ok", c != NULL);
    if (c != NULL) {
        put_summary(&j, c);
    } else {
        put_problems(&j, p);
    }
    hwt_json_end_object(&j);
    if (j.ok) {
        printf("%.*s\n", (int)j.at, text);
    }
    free(text);
    return c != NULL && j.ok ? 0 : 1;
}

static int check(const char *path, bool json)
{
    struct config_problems problems;
    struct config *c;
    int status;

    config_problems_init(&problems);
    c = config_load_problems(path, &problems);
    status = c != NULL ? 0 : 1;
    if (json) {
        status = print_json(c, &problems);
    } else if (c != NULL) {
        print_summary(c, stdout);
    } else {
        config_problems_write(&problems, stderr);
    }
    config_free(c);
    config_problems_free(&problems);
    return status;
}

/* "# Eastron SDM120...: one phase." of a map's first line. */
static void print_map_line(const struct config_map_file *f)
{
    int n = (int)strcspn(f->text, "\n");

    printf("%-16s %.*s\n", f->name, n > 2 ? n - 2 : 0, f->text + 2);
}

static int print_map(const char *name)
{
    const struct config_map_file *f;

    if (name == NULL) {
        for (size_t i = 0; i < config_map_file_count; i++) {
            print_map_line(&config_map_files[i]);
        }
        return 0;
    }
    f = config_map_file_find(name);
    if (f == NULL) {
        fprintf(stderr, "heatwatt config map: no map \"%s\"; without a name all are listed\n",
                name);
        return 1;
    }
    fwrite(f->text, 1, f->size, stdout);
    return 0;
}

int config_main(int argc, char **argv)
{
    const char *path = NULL;
    bool json = false;

    if (argc == 2 && strcmp(argv[1], "reference") == 0) {
        config_write_reference(stdout);
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "add") == 0) {
        return config_add_main(argc - 1, argv + 1);
    }
    if ((argc == 2 || argc == 3) && strcmp(argv[1], "map") == 0) {
        return print_map(argc == 3 ? argv[2] : NULL);
    }
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (path == NULL && argv[i][0] != '-') {
            path = argv[i];
        } else {
            fprintf(stderr, "heatwatt config: what is \"%s\"?\n%s", argv[i], usage);
            return 2;
        }
    }
    if (argc >= 2 && strcmp(argv[1], "presets") == 0) {
        return config_presets(path, json);
    }
    if (path == NULL || strcmp(argv[1], "check") != 0) {
        fputs(usage, stderr);
        return 2;
    }
    return check(path, json);
}

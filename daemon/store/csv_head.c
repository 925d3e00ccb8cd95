/* csv_head.c: the first line of a CSV file: which column is which channel. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/quantity.h"
#include "daemon/store/csv_line.h"
#include "daemon/store/csv_units.h"

enum { OPTIONS_MAX = 2 * HWT_CHANNELS_MAX };

/* While the first line is read. */
struct head {
    struct csv *c;
    struct csv_line *l;
    struct csv_error *error;
    bool used[OPTIONS_MAX]; /* rows of the map */
};

static bool is(const struct csv_field *f, const char *text)
{
    return strlen(text) == (size_t)(f->end - f->p) && memcmp(text, f->p, strlen(text)) == 0;
}

/* What the map says of that name; all: "*" is any name. NULL: nothing. */
static const char *mapped(struct head *h, const struct csv_field *f, bool all)
{
    const struct csv_options *o = h->c->options;
    const char *rest = NULL;

    for (size_t i = 0; i < o->maps; i++) {
        if (is(f, o->map[i].name)) {
            h->used[i] = true;
            return o->map[i].value;
        }
        if (all && strcmp(o->map[i].name, "*") == 0) {
            rest = o->map[i].value;
        }
    }
    return rest;
}

static int find_channel(const struct csv *c, const char *id)
{
    for (int i = 0; i < c->schema.count; i++) {
        if (strcmp(c->channel[i].id, id) == 0) {
            return i;
        }
    }
    return -1;
}

static int check_id(const struct head *h, const struct csv_field *shown, const char *id, size_t n)
{
    bool own = id == shown->p;

    if (n < 1 || n > HWT_ID_MAX) {
        return csv_refuse(h->c, h->l, shown->p, h->error,
                          "a channel id of 1 to %d characters is needed", HWT_ID_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= '0' && id[i] <= '9') || id[i] == '_')) {
            return csv_refuse(h->c, h->l, own ? id + i : shown->p, h->error,
                              "a channel id is made of a-z, 0-9 and _%s",
                              own ? ": --map 'ITS NAME=CHANNEL' gives a column another name" : "");
        }
    }
    return 0;
}

static int add_channel(struct head *h, const struct csv_field *f, const char *id, size_t n)
{
    struct csv *c = h->c;
    struct hwt_channel *channel = &c->channel[c->schema.count];
    int err;

    if (c->schema.count == HWT_CHANNELS_MAX) {
        return csv_refuse(c, h->l, f->p, h->error, "more than %d channels", HWT_CHANNELS_MAX);
    }
    err = check_id(h, f, id, n);
    if (err != 0) {
        return err;
    }
    memset(channel, 0, sizeof(*channel));
    memcpy(channel->id, id, n);
    channel->quantity = (uint8_t)hwt_quantity_of_channel(channel->id);
    if (channel->quantity == HWT_Q_NONE) {
        return csv_refuse(c, h->l, f->p, h->error, "'%s' does not end in _ and a quantity",
                          channel->id);
    }
    if (find_channel(c, channel->id) >= 0) {
        return csv_refuse(c, h->l, f->p, h->error, "channel '%s' twice", channel->id);
    }
    (void)csv_unit_scale(channel->quantity, NULL, &c->scale[c->schema.count]);
    c->schema.count++;
    return 0;
}

static int add_column(struct head *h, const struct csv_field *f)
{
    struct csv *c = h->c;
    const char *to = mapped(h, f, true);
    int err;

    if (c->columns == CSV_COLUMNS_MAX) {
        return csv_refuse(c, h->l, f->p, h->error, "more than %d columns", CSV_COLUMNS_MAX);
    }
    if (to != NULL && strcmp(to, "-") == 0) {
        c->place[c->columns++] = -1;
        return 0;
    }
    err = add_channel(h, f, to != NULL ? to : f->p,
                      to != NULL ? strlen(to) : (size_t)(f->end - f->p));
    if (err == 0) {
        c->place[c->columns++] = (int16_t)(c->schema.count - 1);
    }
    return err;
}

static int read_names(struct head *h)
{
    struct csv_field f;
    const char *to;
    int err = 0;

    if (!csv_next_field(h->l, &f)) {
        return csv_refuse(h->c, h->l, h->l->start, h->error, "no column");
    }
    to = mapped(h, &f, false);
    if (to != NULL ? strcmp(to, "time") != 0
                   : f.end - f.p != 4 || strncasecmp(f.p, "time", 4) != 0) {
        return csv_refuse(h->c, h->l, h->l->start, h->error,
                          "the first column must be 'time', not '%.*s'", csv_shown(&f), f.p);
    }
    while (err == 0 && csv_next_field(h->l, &f)) {
        err = add_column(h, &f);
    }
    if (err == 0 && h->c->schema.count == 0) {
        return csv_refuse(h->c, h->l, h->l->start, h->error, "no channel");
    }
    return err;
}

/* --- options that name a column or a channel which is not there are typing errors --- */

static int set_units(struct head *h)
{
    const struct csv_options *o = h->c->options;

    for (size_t i = 0; i < o->units; i++) {
        int k = find_channel(h->c, o->unit[i].name);
        char names[128];

        if (k < 0) {
            return csv_refuse(h->c, h->l, h->l->start, h->error, "no channel '%s' for unit %s",
                              o->unit[i].name, o->unit[i].value);
        }
        if (!csv_unit_scale(h->c->channel[k].quantity, o->unit[i].value, &h->c->scale[k])) {
            csv_unit_names(h->c->channel[k].quantity, names, sizeof(names));
            return csv_refuse(h->c, h->l, h->l->start, h->error, "unit %s for '%s': one of %s",
                              o->unit[i].value, h->c->channel[k].id, names);
        }
    }
    return 0;
}

static int set_sums(struct head *h)
{
    const struct csv_options *o = h->c->options;

    for (size_t i = 0; i < o->sums; i++) {
        int k = find_channel(h->c, o->sum[i]);

        if (k < 0) {
            return csv_refuse(h->c, h->l, h->l->start, h->error, "no channel '%s' to sum up",
                              o->sum[i]);
        }
        if (hwt_quantity_get(h->c->channel[k].quantity)->kind != HWT_COUNTER) {
            return csv_refuse(h->c, h->l, h->l->start, h->error,
                              "'%s' is no counter: nothing to sum up", o->sum[i]);
        }
        h->c->sum[k] = true;
    }
    return 0;
}

static int check_map(struct head *h)
{
    const struct csv_options *o = h->c->options;

    for (size_t i = 0; i < o->maps; i++) {
        if (!h->used[i] && strcmp(o->map[i].name, "*") != 0) {
            return csv_refuse(h->c, h->l, h->l->start, h->error, "no column '%s'", o->map[i].name);
        }
    }
    return 0;
}

/* --- the separator --- */

static bool has(const struct csv_line *l, char c)
{
    bool inside = false;

    for (const char *p = l->start; p < l->end; p++) {
        inside ^= *p == '"';
        if (*p == c && !inside) {
            return true;
        }
    }
    return false;
}

static char find_separator(const struct csv_line *l)
{
    return has(l, ';') ? ';' : has(l, '\t') ? '\t' : ',';
}

/* Leaves the file's first line unread. */
static void names_from_options(struct csv *c, struct csv_line *l)
{
    const char *names = c->options->columns;

    c->at = l->start;
    c->line = 0;
    *l = (struct csv_line){
        .start = names, .at = names, .end = names + strlen(names), .separator = ',', .more = true};
}

int csv_open(struct csv *c, const struct csv_options *options, const char *text, size_t n,
             struct csv_error *error_out)
{
    static const struct csv_options none;
    static const char mark[] = "\xEF\xBB\xBF"; /* UTF-8 byte order mark */
    struct csv_line l = {.start = text};
    struct head h = {.c = c, .l = &l, .error = error_out};
    unsigned first;
    int err;

    memset(c, 0, sizeof(*c));
    c->options = options != NULL ? options : &none;
    c->time = (uint8_t)c->options->time;
    c->begin = c->at = text;
    c->end = text + n;
    c->unix_ms = HWT_TIME_UNKNOWN;
    c->schema.channel = c->channel;
    if (n >= 3 && memcmp(text, mark, 3) == 0) {
        c->at += 3;
    }
    if (!csv_next_line(c, &l)) {
        c->line = 1;
        return csv_refuse(c, &l, l.start, error_out, "empty: a line time,CHANNEL,... is needed");
    }
    if (c->options->maps > OPTIONS_MAX) {
        return csv_refuse(c, &l, l.start, error_out, "more than %d names mapped", OPTIONS_MAX);
    }
    c->separator = l.separator = find_separator(&l);
    first = c->line;
    if (c->options->columns != NULL) {
        names_from_options(c, &l);
    }
    err = read_names(&h);
    err = err == 0 ? check_map(&h) : err;
    err = err == 0 ? set_units(&h) : err;
    err = err == 0 ? set_sums(&h) : err;
    c->line = c->options->columns != NULL ? first - 1 : first; /* 0 was for errors */
    return err;
}

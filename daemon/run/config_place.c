/*
 * The marks of libyaml count characters; a block's end is marked where the next token begins,
 * behind blank lines and comments. So the end of a block is that of the last scalar or bracket in
 * it.
 */
#include "daemon/run/config_place.h"

#include <string.h>
#include <yaml.h>

enum value { VALUE_NONE, VALUE_EMPTY, VALUE_BLOCK, VALUE_BRACKETS, VALUE_OTHER };

struct finder {
    unsigned depth;    /* open containers */
    bool flow_root;    /* the whole file is in braces */
    bool is_key;       /* in the root, a key comes next */
    bool in_sources;   /* the value of `sources` is being read */
    bool explicit_end; /* a line "..." */
    size_t end;        /* characters up to the end of what was read */
    size_t root_column;
    /* of the value of `sources` */
    enum value value;
    size_t column, begin, value_end; /* characters */
    unsigned items;
};

static void begin_value(struct finder *f, enum value value, const yaml_event_t *e)
{
    f->value = value;
    f->begin = e->start_mark.index;
    f->column = e->start_mark.column;
}

static void end_value(struct finder *f)
{
    if (f->in_sources) {
        f->value_end = f->end;
        f->in_sources = false;
    }
    f->is_key = true;
}

static void see_start(struct finder *f, const yaml_event_t *e, bool list, bool flow)
{
    if (f->depth == 0) {
        f->flow_root = flow;
        f->is_key = true;
        f->root_column = e->start_mark.column;
    } else if (f->depth == 1) {
        f->is_key = false;
        if (f->in_sources) {
            begin_value(f, !list ? VALUE_OTHER : flow ? VALUE_BRACKETS : VALUE_BLOCK, e);
        }
    } else if (f->depth == 2) {
        f->items += f->in_sources;
    }
    f->depth++;
}

static void see_end(struct finder *f, const yaml_event_t *e)
{
    if (e->end_mark.index > e->start_mark.index) { /* a bracket; of a block there is nothing */
        f->end = e->end_mark.index;
    }
    f->depth--;
    if (f->depth == 1) {
        end_value(f);
    }
}

static void see_scalar(struct finder *f, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;

    f->end = e->end_mark.index;
    if (f->depth == 2) {
        f->items += f->in_sources;
    }
    if (f->depth != 1) {
        return;
    }
    if (f->is_key) {
        f->in_sources = strcmp(text, "sources") == 0;
        f->is_key = false;
        return;
    }
    if (f->in_sources) {
        begin_value(f,
                    text[0] == '\0' && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                        ? VALUE_EMPTY
                        : VALUE_OTHER,
                    e);
    }
    end_value(f);
}

static void see(struct finder *f, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        see_scalar(f, e);
        break;
    case YAML_MAPPING_START_EVENT:
        see_start(f, e, false, e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
        break;
    case YAML_SEQUENCE_START_EVENT:
        see_start(f, e, true, e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        see_end(f, e);
        break;
    case YAML_DOCUMENT_END_EVENT:
        f->explicit_end = !e->data.document_end.implicit;
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_ALIAS_EVENT: /* config_tree refused it */
    default:
        break;
    }
}

static bool read_marks(struct finder *f, const char *text, size_t n)
{
    yaml_parser_t parser;
    bool ok, end = false;

    if (!yaml_parser_initialize(&parser)) {
        return false;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    do {
        yaml_event_t event;

        ok = yaml_parser_parse(&parser, &event);
        if (ok) {
            see(f, &event);
            end = event.type == YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
        }
    } while (ok && !end);
    yaml_parser_delete(&parser);
    return ok;
}

/* The byte at which a character begins. */
static size_t byte_of(const char *text, size_t n, size_t character)
{
    size_t i = 0;

    while (i < n && character > 0) {
        i++;
        while (i < n && ((unsigned char)text[i] & 0xC0) == 0x80) {
            i++;
        }
        character--;
    }
    return i;
}

static size_t line_begin(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* Behind its line end, or at the end of the text. */
static size_t line_end(const char *text, size_t n, size_t at)
{
    while (at < n && text[at] != '\n') {
        at++;
    }
    return at + (at < n);
}

static size_t blanks(const char *text, size_t n, size_t at)
{
    size_t i = at;

    while (i < n && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r')) {
        i++;
    }
    return i - at;
}

/*
 * The begin of the line behind a block that ends at `at`. Comments below it that are indented like
 * the block or more belong to it; those at the left edge belong to what follows.
 */
static size_t line_behind(const char *text, size_t n, size_t at, size_t indent)
{
    size_t begin = line_begin(text, at), behind, look;

    /* A text in several lines ("|") ends where the next line begins. */
    behind = at > begin && blanks(text, at, begin) < at - begin ? line_end(text, n, at) : begin;
    for (look = behind; look < n; look = line_end(text, n, look)) {
        size_t column = blanks(text, n, look);

        if (look + column < n && text[look + column] == '#' && column > 0 && column >= indent) {
            behind = line_end(text, n, look);
        } else if (look + column < n && text[look + column] != '\n') {
            break;
        }
    }
    return behind;
}

/* Of "[]" and what stands before it on its line. False: there is more than blanks in it. */
static bool cut_brackets(const char *text, size_t n, const struct finder *f,
                         struct config_place *place)
{
    size_t open = byte_of(text, n, f->begin), close = byte_of(text, n, f->value_end);

    if (close < open + 2 || blanks(text, close - 1, open + 1) != close - open - 2) {
        return false;
    }
    place->cut = open;
    place->keep = close;
    while (place->cut > 0 && text[place->cut - 1] == ' ') {
        place->cut--;
    }
    return true;
}

const char *config_place_find(const char *text, size_t n, struct config_place *place_out)
{
    struct finder f = {0};
    struct config_place place = {0};
    size_t end;

    if (!read_marks(&f, text, n) || f.flow_root) {
        return "cannot be added to, as the whole file is in braces {}: write it in lines, without "
               "them";
    }
    if (f.value == VALUE_OTHER) {
        return "is not a list: nothing can be added to it";
    }
    if (f.value == VALUE_BRACKETS && f.items > 0) {
        return "is a list in brackets []: write each source in lines of its own behind a \"- \", "
               "then more can be added";
    }
    place.has_key = f.value != VALUE_NONE;
    place.indent = f.value == VALUE_BLOCK ? f.column : f.root_column + 2;
    end = byte_of(text, n, f.value == VALUE_NONE ? f.end : f.value_end);
    if (f.value == VALUE_BRACKETS && !cut_brackets(text, n, &f, &place)) {
        return "is an empty list in brackets with something between them: write \"sources: []\"";
    }
    place.at = f.value == VALUE_NONE && !f.explicit_end
                   ? n
                   : line_behind(text, n, end, f.value == VALUE_BLOCK ? f.column : 1);
    place.breaks = place.at > 0 && text[place.at - 1] != '\n';
    *place_out = place;
    return NULL;
}

#include "daemon/run/config_item.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/run/config_tree.h"

enum { STEP = 2 /* spaces of a level */ };

/* Words that YAML, of one version or another, takes for a truth value or nothing. */
static bool is_special(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no",  "on",
                                        "off",  "y",     "n",   "null"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Needs no quotes: a word or several, a path, an address. */
static bool is_plain(const char *text, size_t n)
{
    static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "_./:@+- ";

    if (n == 0 || strspn(text, inside) != n || is_special(text)) {
        return false;
    }
    if (strchr("0123456789_.:@+- ", text[0]) != NULL) { /* a number, or looks like one */
        return false;
    }
    return text[n - 1] != ' ' && text[n - 1] != ':' && strstr(text, ": ") == NULL;
}

/* YAML's double quotes. NEL, LS and PS are line ends to YAML 1.1: they are escaped, too. */
static void put_quoted(FILE *out, const char *text, size_t n)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *escape;
    } ends[] = {{"\xC2\x85", 2, "\\N"}, {"\xE2\x80\xA8", 3, "\\L"}, {"\xE2\x80\xA9", 3, "\\P"}};

    fputc('"', out);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool written = false;

        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]) && !written; k++) {
            if (n - i >= ends[k].n && memcmp(text + i, ends[k].bytes, ends[k].n) == 0) {
                fputs(ends[k].escape, out);
                i += ends[k].n - 1;
                written = true;
            }
        }
        if (written) {
            continue;
        }
        if (c < 0x20 || c == 0x7F) {
            fprintf(out, "\\x%02X", c);
        } else {
            fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
        }
    }
    fputc('"', out);
}

static void put_text(FILE *out, const char *text, size_t n)
{
    if (is_plain(text, n)) {
        fwrite(text, 1, n, out);
    } else {
        put_quoted(out, text, n);
    }
}

static bool put_scalar(FILE *out, const json_t *value)
{
    char *number;

    if (json_is_string(value)) {
        put_text(out, json_string_value(value), json_string_length(value));
        return true;
    }
    number = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (number == NULL) {
        return false;
    }
    fputs(number, out);
    free(number);
    return true;
}

static bool is_container(const json_t *value)
{
    return (json_is_object(value) && json_object_size(value) > 0) ||
           (json_is_array(value) && json_array_size(value) > 0);
}

static bool put_block(FILE *out, const json_t *value, unsigned indent, unsigned depth);

/* Behind "key:" or "-". */
static bool put_value(FILE *out, const json_t *value, unsigned indent, unsigned depth)
{
    if (is_container(value)) {
        fputc('\n', out);
        return put_block(out, value, indent, depth);
    }
    fputc(' ', out);
    if (!put_scalar(out, value)) {
        return false;
    }
    fputc('\n', out);
    return true;
}

/* Members in lines of their own; the first where the line already is, if `begun`. */
static bool put_members(FILE *out, const json_t *object, unsigned indent, unsigned depth,
                        bool begun)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_null(value)) {
            continue;
        }
        fprintf(out, "%*s", begun ? 0 : (int)indent, "");
        put_text(out, key, strlen(key));
        fputc(':', out);
        if (!put_value(out, value, indent + STEP, depth + 1)) {
            return false;
        }
        begun = false;
    }
    if (begun) { /* all were null */
        fputs("{}\n", out);
    }
    return true;
}

static bool put_items(FILE *out, const json_t *list, unsigned indent, unsigned depth)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        bool ok;

        fprintf(out, "%*s-", (int)indent, "");
        if (json_is_object(value) && json_object_size(value) > 0) {
            fputc(' ', out);
            ok =
                depth < CONFIG_DEPTH_MAX && put_members(out, value, indent + STEP, depth + 1, true);
        } else {
            ok = put_value(out, value, indent + STEP, depth + 1);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool put_block(FILE *out, const json_t *value, unsigned indent, unsigned depth)
{
    if (depth >= CONFIG_DEPTH_MAX) {
        return false;
    }
    return json_is_object(value) ? put_members(out, value, indent, depth, false)
                                 : put_items(out, value, indent, depth);
}

char *config_item_text(const json_t *source, size_t *n_out)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, n_out);
    bool ok;

    if (out == NULL) {
        return NULL;
    }
    fputs("- ", out);
    ok = put_members(out, source, STEP, 0, true) && ferror(out) == 0;
    if (fclose(out) != 0 || !ok) {
        free(text);
        return NULL;
    }
    return text;
}

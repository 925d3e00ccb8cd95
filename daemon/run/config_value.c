#include "daemon/run/config_value.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/flow.h"
#include "daemon/run/config_bind.h"
#include "daemon/run/config_problems.h"

__attribute__((format(printf, 2, 3))) static bool because(char *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, CONFIG_WHY_MAX, format, args);
    va_end(args);
    return false;
}

/* The value in quotes, for messages; a secret's is not shown. */
static const char *shown(const struct config_option *o, const char *text, char *out, size_t n)
{
    char clipped[48];

    if (o->secret) {
        return "this value";
    }
    config_clip(clipped, sizeof(clipped), text);
    snprintf(out, n, "\"%s\"", clipped);
    return out;
}

static bool set_text(const struct config_option *o, const char *text, void *member, size_t size,
                     char *why)
{
    (void)o;
    if (text[0] == '\0') {
        return because(why, "is empty: give it a text or leave the key out");
    }
    if (strlen(text) >= size) {
        return because(why, "is too long: at most %zu bytes", size - 1);
    }
    strcpy(member, text);
    return true;
}

static bool set_id(const struct config_option *o, const char *text, void *member, size_t size,
                   char *why)
{
    char word[64];
    size_t n = strlen(text);

    if (n == 0 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") != n) {
        return because(why, "%s is not an id: lower-case letters a-z, digits and _ only",
                       shown(o, text, word, sizeof(word)));
    }
    if (n > HWT_ID_MAX || n >= size) {
        return because(why, "has %zu characters: at most %d are possible", n, HWT_ID_MAX);
    }
    strcpy(member, text);
    return true;
}

static bool set_path(const char *text, const char *file, void *member, size_t size, char *why)
{
    if (text[0] == '\0') {
        return because(why, "is empty: give it a path or leave the key out");
    }
    if (text[0] == '~') {
        return because(why, "begins with ~, which only shells know: write the whole path");
    }
    if (!config_resolve(file, text, member, size)) {
        return because(why, "is too long: at most %zu bytes with its folder", size - 1);
    }
    return true;
}

/* 0x and one to eight digits, as registers are numbered in data sheets. */
static bool read_hex(const char *text, uint64_t *v_out)
{
    size_t n = strlen(text);

    if (n < 3 || n > 10 || text[0] != '0' || text[1] != 'x' ||
        strspn(text + 2, "0123456789abcdefABCDEF") != n - 2) {
        return false;
    }
    *v_out = strtoull(text + 2, NULL, 16);
    return true;
}

/* Digits only, one 0 only alone: YAML 1.1 would read 010 as 8. */
static bool read_integer(const char *text, uint64_t *v_out)
{
    uint64_t v = 0;
    size_t n = strlen(text);

    if (n == 0 || strspn(text, "0123456789") != n || (text[0] == '0' && n > 1)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        v = v > UINT64_MAX / 10 - 1 ? UINT64_MAX / 10 - 1 : v * 10 + (uint64_t)(text[i] - '0');
    }
    *v_out = v;
    return true;
}

static bool is_choice(const char *choices, const char *text, unsigned *place_out)
{
    char word[32];
    size_t at = 0;

    *place_out = 0;
    while (config_choice_next(choices, &at, word, sizeof(word))) {
        if (strcmp(word, text) == 0) {
            return true;
        }
        (*place_out)++;
    }
    return false;
}

static bool in_range(const struct config_option *o, double v, const char *text, char *why)
{
    const char *unit = o->unit == NULL ? "" : o->unit, *space = o->unit == NULL ? "" : " ";
    char clipped[32];

    config_clip(clipped, sizeof(clipped), text);
    if (v < o->min) {
        return because(why, "%s is below the minimum %.10g%s%s", clipped, o->min, space, unit);
    }
    if (v > o->max) {
        return because(why, "%s is above the maximum %.10g%s%s", clipped, o->max, space, unit);
    }
    return true;
}

static void store_unsigned(void *member, size_t size, uint64_t v)
{
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;

    if (size == sizeof(v16)) {
        memcpy(member, &v16, size);
    } else if (size == sizeof(v32)) {
        memcpy(member, &v32, size);
    } else {
        memcpy(member, &v, sizeof(v));
    }
}

static bool set_integer(const struct config_option *o, const char *text, void *member, size_t size,
                        char *why)
{
    char word[64];
    bool negative = text[0] == '-';
    unsigned place;
    uint64_t v;

    if (!(o->hex && read_hex(text, &v)) && !read_integer(text + negative, &v)) {
        return because(why, "%s is not a whole number%s%s%s", shown(o, text, word, sizeof(word)),
                       o->unit != NULL ? " (of " : "", o->unit != NULL ? o->unit : "",
                       o->unit != NULL ? ")" : "");
    }
    if (o->choices != NULL) {
        if (!is_choice(o->choices, text, &place)) {
            return because(why, "%s is not possible: one of %s", shown(o, text, word, sizeof(word)),
                           o->choices);
        }
    } else if (!in_range(o, negative ? -(double)v : (double)v, text, why)) {
        return false;
    }
    store_unsigned(member, size, v);
    return true;
}

/* Decimal only: strtod alone would take "nan", "0x1p3" and "infinity". */
static bool set_number(const struct config_option *o, const char *text, void *member, char *why)
{
    char word[64], *end;
    double v = strtod(text, &end);

    if (strspn(text, "0123456789+-.eE") != strlen(text) || *end != '\0' || end == text ||
        !isfinite(v)) {
        return because(why, "%s is not a number%s%s%s", shown(o, text, word, sizeof(word)),
                       o->unit != NULL ? " (of " : "", o->unit != NULL ? o->unit : "",
                       o->unit != NULL ? ")" : "");
    }
    if (!in_range(o, v, text, why)) {
        return false;
    }
    memcpy(member, &v, sizeof(v));
    return true;
}

static bool set_bool(const struct config_option *o, const char *text, void *member, char *why)
{
    char word[64];
    bool v = strcmp(text, "true") == 0;

    if (!v && strcmp(text, "false") != 0) {
        return because(why, "%s is neither true nor false", shown(o, text, word, sizeof(word)));
    }
    memcpy(member, &v, sizeof(v));
    return true;
}

static bool set_choice(const struct config_option *o, const char *text, void *member, char *why)
{
    char word[64];
    unsigned place;

    if (!is_choice(o->choices, text, &place)) {
        return because(why, "%s is not possible: one of %s", shown(o, text, word, sizeof(word)),
                       o->choices);
    }
    memcpy(member, &place, sizeof(place)); /* enums of the table are unsigned int wide (tested) */
    return true;
}

static bool takes_text(enum config_kind kind)
{
    return kind == CONFIG_KIND_TEXT || kind == CONFIG_KIND_TEXTS || kind == CONFIG_KIND_PATH ||
           kind == CONFIG_KIND_ID || kind == CONFIG_KIND_CHOICE;
}

bool config_value_set(const struct config_option *o, const char *text, bool quoted,
                      const char *file, void *member, size_t size, char *why_out)
{
    if (quoted && !takes_text(o->kind)) {
        return because(why_out, "is in quotes, but must be a %s: write it without quotes",
                       o->kind == CONFIG_KIND_BOOL ? "true or false" : "number");
    }
    switch (o->kind) {
    case CONFIG_KIND_TEXT:
    case CONFIG_KIND_TEXTS:
        return set_text(o, text, member, size, why_out);
    case CONFIG_KIND_ID:
        return set_id(o, text, member, size, why_out);
    case CONFIG_KIND_PATH:
        return set_path(text, file, member, size, why_out);
    case CONFIG_KIND_INTEGER:
        return set_integer(o, text, member, size, why_out);
    case CONFIG_KIND_NUMBER:
        return set_number(o, text, member, why_out);
    case CONFIG_KIND_BOOL:
        return set_bool(o, text, member, why_out);
    case CONFIG_KIND_CHOICE:
        return set_choice(o, text, member, why_out);
    case CONFIG_KIND_MAP:
    case CONFIG_KIND_LIST:
    default:
        return because(why_out, "takes no single value");
    }
}

bool config_resolve(const char *from, const char *path, char *out, size_t n)
{
    const char *slash = strrchr(from, '/');
    size_t folder = path[0] == '/' || slash == NULL ? 0 : (size_t)(slash - from) + 1;

    while (path[0] == '.' && path[1] == '/') {
        path += 2;
        path += strspn(path, "/"); /* ".//a" is "a" in the same folder, not "/a" */
    }
    if (folder + strlen(path) >= n || path[0] == '\0') {
        return false;
    }
    memcpy(out, from, folder);
    strcpy(out + folder, path);
    return true;
}

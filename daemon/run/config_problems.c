#include "daemon/run/config_problems.h"

#include <stdlib.h>
#include <string.h>

void config_problems_init(struct config_problems *p)
{
    memset(p, 0, sizeof(*p));
}

void config_problems_free(struct config_problems *p)
{
    free(p->item);
    config_problems_init(p);
}

void config_clip(char *out, size_t n, const char *text)
{
    size_t length = strlen(text);

    if (length < n) {
        memcpy(out, text, length + 1);
        return;
    }
    length = n - 4;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--; /* text[length] goes on a character: cut before it began */
    }
    memcpy(out, text, length);
    memcpy(out + length, "...", 4);
}

static struct config_problem *add_room(struct config_problems *p)
{
    if (p->count == p->room && p->room < CONFIG_PROBLEMS_MAX) {
        size_t room = p->room == 0 ? 8 : p->room * 2;
        struct config_problem *item;

        room = room > CONFIG_PROBLEMS_MAX ? CONFIG_PROBLEMS_MAX : room;
        item = realloc(p->item, room * sizeof(*item));
        if (item != NULL) {
            p->item = item;
            p->room = room;
        }
    }
    if (p->count == p->room) {
        p->left_out++;
        return NULL;
    }
    return &p->item[p->count++];
}

void config_problems_addv(struct config_problems *p, const char *file, unsigned line,
                          const char *field, const char *format, va_list args)
{
    struct config_problem *problem = add_room(p);
    char text[1024];

    if (problem == NULL) {
        return;
    }
    vsnprintf(text, sizeof(text), format, args);
    config_clip(problem->file, sizeof(problem->file), file);
    config_clip(problem->field, sizeof(problem->field), field == NULL ? "" : field);
    config_clip(problem->text, sizeof(problem->text), text);
    problem->line = line;
}

void config_problems_add(struct config_problems *p, const char *file, unsigned line,
                         const char *field, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    config_problems_addv(p, file, line, field, format, args);
    va_end(args);
}

static size_t file_rank(const struct config_problems *p, const char *file)
{
    size_t i = 0;

    while (i < p->count && strcmp(p->item[i].file, file) != 0) {
        i++;
    }
    return i;
}

/* Insertion sort: stable, and at most CONFIG_PROBLEMS_MAX of them. */
void config_problems_sort(struct config_problems *p)
{
    size_t rank[CONFIG_PROBLEMS_MAX];

    for (size_t i = 0; i < p->count; i++) {
        rank[i] = file_rank(p, p->item[i].file);
    }
    for (size_t i = 1; i < p->count; i++) {
        struct config_problem moved = p->item[i];
        size_t moved_rank = rank[i], k = i;

        while (k > 0 && (rank[k - 1] > moved_rank ||
                         (rank[k - 1] == moved_rank && p->item[k - 1].line > moved.line))) {
            p->item[k] = p->item[k - 1];
            rank[k] = rank[k - 1];
            k--;
        }
        p->item[k] = moved;
        rank[k] = moved_rank;
    }
}

void config_problems_write(const struct config_problems *p, FILE *out)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct config_problem *problem = &p->item[i];

        fputs(problem->file, out);
        if (problem->line > 0) {
            fprintf(out, ":%u", problem->line);
        }
        if (problem->field[0] != '\0') {
            fprintf(out, ": %s", problem->field);
        }
        fprintf(out, ": %s\n", problem->text);
    }
    if (p->left_out > 0) {
        fprintf(out, "and %zu more\n", p->left_out);
    }
}

enum { WORD_MAX = 40 };

/* Levenshtein's distance; words longer than WORD_MAX are far from everything. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t k = 0; k <= lb; k++) {
        row[k] = (unsigned)k;
    }
    for (size_t i = 1; i <= la; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t k = 1; k <= lb; k++) {
            unsigned best = diagonal + (a[i - 1] != b[k - 1]);

            diagonal = row[k];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            row[k] = best;
        }
    }
    return row[lb];
}

/* Near is: a letter or two wrong, in longer words one in three. */
void config_nearest_init(struct config_nearest *s, const char *word)
{
    size_t n = strlen(word);

    s->word = word;
    s->best = NULL;
    s->distance = 1 + (n < 4 ? 1 : n < 9 ? 2 : (unsigned)n / 3);
}

void config_nearest_offer(struct config_nearest *s, const char *candidate)
{
    unsigned d = distance(s->word, candidate);

    if (d < s->distance && d < strlen(candidate)) {
        s->best = candidate;
        s->distance = d;
    }
}

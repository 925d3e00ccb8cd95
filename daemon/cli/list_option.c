#include "daemon/cli/list_option.h"

#include <string.h>

bool list_add_words(const char *list[LIST_MAX], size_t *count, char *text)
{
    while (text != NULL) {
        char *comma = strchr(text, ',');

        if (comma != NULL) {
            *comma++ = '\0';
        }
        if (text[0] == '\0' || *count == LIST_MAX) {
            return false;
        }
        list[(*count)++] = text;
        text = comma;
    }
    return true;
}

bool list_add_pair(struct csv_pair list[LIST_MAX], size_t *count, char *text)
{
    char *equals = strrchr(text, '=');

    if (equals == NULL || equals == text || equals[1] == '\0' || *count == LIST_MAX) {
        return false;
    }
    *equals = '\0';
    list[(*count)++] = (struct csv_pair){text, equals + 1};
    return true;
}

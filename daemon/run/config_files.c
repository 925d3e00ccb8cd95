/* What a configuration names in the file system: the time zone and the secrets file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/run/config_bind.h"
#include "daemon/run/config_files.h"

bool config_read_file(int fd, char **text_out, size_t *n_out)
{
    char *text = malloc(CONFIG_FILE_MAX + 1);
    size_t n = 0;

    while (text != NULL && n <= CONFIG_FILE_MAX) {
        ssize_t got = read(fd, text + n, CONFIG_FILE_MAX + 1 - n);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            if (got == 0) {
                *text_out = text;
                *n_out = n;
                return true;
            }
            free(text);
            return false;
        }
        n += (size_t)got;
    }
    *text_out = text; /* one byte more than is allowed: config_tree_parse refuses it */
    *n_out = n;
    return text != NULL;
}

static bool begins_with(const char *path, const char *magic, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char head[8];
    bool same;

    if (fd < 0) {
        return false;
    }
    same = read(fd, head, n) == (ssize_t)n && memcmp(head, magic, n) == 0;
    close(fd);
    return same;
}

void config_check_zone(struct config_build *b)
{
    const char *zone = b->c->timezone, *folder = getenv("TZDIR"); /* as the C library looks */
    char path[512];
    struct stat st;

    if (strcmp(zone, "UTC") == 0) {
        return; /* known without the database */
    }
    if (folder == NULL || folder[0] == '\0') {
        folder = "/usr/share/zoneinfo";
    }
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) {
        config_complain(b, zone, "site.timezone",
                        "\"%s\" cannot be looked up, as %s is not there: install the package "
                        "tzdata",
                        zone, folder);
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", folder, zone);
    /* RFC 8536: a zone's file begins with "TZif" */
    if (zone[0] == '/' || strstr(zone, "..") != NULL || !begins_with(path, "TZif", 4)) {
        config_complain(b, zone, "site.timezone",
                        "\"%s\" is not in %s: a name such as Europe/London, capitals included",
                        zone, folder);
    }
}

/* The permissions are those of the open file: nobody can exchange it between look and read. */
static bool may_use(struct config_build *b, int fd)
{
    const char *file = b->c->secrets;
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        config_problems_add(b->problems, file, 0, NULL, "is not a regular file");
        return false;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        config_problems_add(b->problems, file, 0, NULL,
                            "belongs to user %u: it must belong to the user heatwatt runs as (%u), "
                            "or to root",
                            (unsigned)st.st_uid, (unsigned)geteuid());
        return false;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        config_problems_add(b->problems, file, 0, NULL,
                            "can be read or written by others (mode %04o): chmod 600 %s",
                            (unsigned)st.st_mode & 07777, file);
        return false;
    }
    return true;
}

static bool is_key(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return n > 0 && n < CONFIG_TEXT_MAX;
}

static void take_key(struct config_build *b, const struct config_tree *secrets,
                     struct config_publisher *p)
{
    const struct config_node *node = config_tree_get(secrets->root, p->key_secret);
    char names[128] = "";

    if (node != NULL) {
        if (!node->broken) { /* then check_values() found it to be a key */
            strcpy(p->key, node->text);
        }
        return;
    }
    for (node = secrets->root->first; node != NULL && strlen(names) < 64; node = node->next) {
        char name[48];

        config_clip(name, sizeof(name), node->key);
        strcat(strcat(names, names[0] != '\0' ? ", " : ""), name);
    }
    /* What was written is not shown: it may be the key itself, put in the wrong place. */
    config_complain(b, p->key_secret, "key_secret", "is no name in %.100s, which has: %s",
                    b->c->secrets, names);
}

static void check_values(struct config_build *b, const struct config_tree *secrets)
{
    for (struct config_node *n = secrets->root->first; n != NULL; n = n->next) {
        if (!n->broken && (n->kind != NODE_SCALAR || !is_key(n->text))) {
            config_problems_add(b->problems, b->c->secrets, n->line, n->key,
                                "must be one value of 1 to %d printable characters without blanks",
                                CONFIG_TEXT_MAX - 1);
            n->broken = true;
        }
    }
}

static void read_secrets(struct config_build *b, int fd)
{
    struct config_tree *secrets;
    char *text;
    size_t n;

    if (!config_read_file(fd, &text, &n)) {
        config_problems_add(b->problems, b->c->secrets, 0, NULL, "cannot be read: %s",
                            strerror(errno));
        return;
    }
    secrets = config_tree_parse(text, n, b->c->secrets, b->problems);
    explicit_bzero(text, n);
    free(text);
    if (secrets == NULL) {
        return;
    }
    if (secrets->root->kind != NODE_MAP) {
        config_problems_add(b->problems, b->c->secrets, secrets->root->line, NULL,
                            "must hold lines \"name: value\"");
    } else {
        check_values(b, secrets);
        for (unsigned i = 0; i < b->c->publisher_count; i++) {
            if (config_given(b, b->c->publisher[i].key_secret)) {
                take_key(b, secrets, &b->c->publisher[i]);
            }
        }
    }
    config_tree_free(secrets);
}

void config_check_secrets(struct config_build *b)
{
    int fd;

    if (b->c->secrets[0] == '\0') {
        return;
    }
    fd = open(b->c->secrets, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        config_complain(b, b->c->secrets, "secrets", "cannot open %.150s: %s", b->c->secrets,
                        strerror(errno));
        return;
    }
    if (may_use(b, fd)) {
        read_secrets(b, fd);
    }
    close(fd);
}

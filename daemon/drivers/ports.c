#include "daemon/drivers/ports.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

/* A tty with hardware: one of a driver's device, and not a serial 8250 without a chip (type 0). */
static bool has_hardware(const char *root, const char *tty)
{
    char path[PATH_MAX];
    FILE *f;
    int type = 1;

    snprintf(path, sizeof(path), "%s/sys/class/tty/%s/device", root, tty);
    if (access(path, F_OK) != 0) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/sys/class/tty/%s/type", root, tty);
    f = fopen(path, "re");
    if (f != NULL) {
        if (fscanf(f, "%d", &type) != 1) {
            type = 1;
        }
        fclose(f);
    }
    return type != 0;
}

/* The name under /dev/serial/by-id that leads to the device, or the device itself. */
static void find_name(const char *root, const char *device, char out[PORT_PATH_MAX])
{
    struct dirent **entry = NULL;
    char dir[PATH_MAX], path[PATH_MAX + 256], at[PATH_MAX], want[PATH_MAX];
    int n;

    snprintf(out, PORT_PATH_MAX, "%s", device);
    snprintf(path, sizeof(path), "%s%s", root, device);
    snprintf(dir, sizeof(dir), "%s/dev/serial/by-id", root);
    if (realpath(path, want) == NULL) {
        return;
    }
    n = scandir(dir, &entry, NULL, by_name);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
        if (realpath(path, at) != NULL && strcmp(at, want) == 0) {
            snprintf(out, PORT_PATH_MAX, "/dev/serial/by-id/%.200s", entry[i]->d_name);
        }
        free(entry[i]);
    }
    free(entry);
}

static void add(struct port_entry out[PORTS_MAX], size_t *n, const char *port, const char *device)
{
    if (*n < PORTS_MAX) {
        snprintf(out[*n].port, PORT_PATH_MAX, "%s", port);
        snprintf(out[*n].device, PORT_PATH_MAX, "%s", device);
        (*n)++;
    }
}

/* Whether the folder has an entry that begins so. */
static bool has_entry(const char *root, const char *dir, const char *begin)
{
    char path[PATH_MAX];
    struct dirent *entry;
    bool any = false;
    DIR *d;

    snprintf(path, sizeof(path), "%s%s", root, dir);
    d = opendir(path);
    while (d != NULL && !any && (entry = readdir(d)) != NULL) {
        any = strncmp(entry->d_name, begin, strlen(begin)) == 0;
    }
    if (d != NULL) {
        closedir(d);
    }
    return any;
}

size_t ports_list(const char *root, struct port_entry out[PORTS_MAX])
{
    char path[PATH_MAX], device[PORT_PATH_MAX], name[PORT_PATH_MAX];
    struct dirent **entry = NULL;
    size_t count = 0;
    int n;

    snprintf(path, sizeof(path), "%s/sys/class/tty", root);
    n = scandir(path, &entry, NULL, by_name);
    for (int i = 0; i < n; i++) {
        if (entry[i]->d_name[0] != '.' && has_hardware(root, entry[i]->d_name)) {
            snprintf(device, sizeof(device), "/dev/%.200s", entry[i]->d_name);
            find_name(root, device, name);
            add(out, &count, name, device);
        }
        free(entry[i]);
    }
    free(entry);
    if (has_entry(root, "/sys/bus/w1/devices", "28-")) {
        add(out, &count, "w1", "/sys/bus/w1/devices");
    }
    if (has_entry(root, "/sys/bus/iio/devices", "iio:device")) {
        add(out, &count, "iio", "/sys/bus/iio/devices");
    }
    return count;
}

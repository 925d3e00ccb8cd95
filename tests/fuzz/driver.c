/*
 * driver.c: replays files through a fuzz target without a fuzzer, so that the corpus and every
 * crash ever found are regression tests under any compiler. Arguments: files or folders. Output:
 * TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

static int run_file(const char *path, int number)
{
    static uint8_t data[INPUT_MAX];
    FILE *f = fopen(path, "rb");
    uint8_t *exact;
    size_t n;

    if (f == NULL) {
        return 0;
    }
    n = fread(data, 1, sizeof(data), f);
    fclose(f);
    exact = malloc(n > 0 ? n : 1); /* its own block: sanitizers see a read past the end */
    if (exact == NULL) {
        return 0;
    }
    memcpy(exact, data, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    printf("ok %d - %s\n", number, path);
    return 1;
}

int main(int argc, char **argv)
{
    int done = 0;

    for (int i = 1; i < argc; i++) {
        struct dirent **entry;
        int n = scandir(argv[i], &entry, NULL, alphasort);

        for (int k = 0; k < n; k++) {
            char path[4096];

            if (entry[k]->d_name[0] != '.') {
                snprintf(path, sizeof(path), "%s/%s", argv[i], entry[k]->d_name);
                done += run_file(path, done + 1);
            }
            free(entry[k]);
        }
        if (n >= 0) {
            free(entry);
        } else {
            done += run_file(argv[i], done + 1);
        }
    }
    printf("1..%d\n", done);
    return 0;
}

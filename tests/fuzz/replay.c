/* SPDX-License-Identifier: MIT
 *
 * replay: a main() for a fuzz target without libFuzzer. Runs every file of the given folders
 * through the target, and each also cut at several lengths; prints TAP. Built with the sanitizers
 * this is what `make check` runs on the shipped corpora.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return 1;
    static uint8_t bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file); /* was only read */
    for (size_t cut = 0; cut < 9; cut++) {
        size_t n = size * cut / 8;
        uint8_t *exact = malloc(n ? n : 1); /* so that one byte too far is seen */
        if (!exact)
            return 1;
        memcpy(exact, bytes, n);
        (void)LLVMFuzzerTestOneInput(exact, n); /* always 0 by libFuzzer's contract */
        free(exact);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int count = 0, failed = 0;

    for (int i = 1; i < argc; i++) {
        struct dirent **entries = NULL;
        int n = scandir(argv[i], &entries, NULL, alphasort);
        for (int k = 0; k < n; k++) {
            char path[4096];
            if (entries[k]->d_name[0] != '.' &&
                snprintf(path, sizeof path, "%s/%s", argv[i], entries[k]->d_name) > 0) {
                int bad = run_file(path);
                failed += bad;
                printf("%sok %d - %s\n", bad ? "not " : "", ++count, entries[k]->d_name);
            }
            free(entries[k]);
        }
        free(entries);
    }
    if (count == 0)
        printf("not ok 1 - the corpus is missing\n");
    printf("1..%d\n", count ? count : 1);
    return failed || count == 0;
}

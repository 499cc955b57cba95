/* Runs a fuzz harness over stored seeds, for compilers without libFuzzer: every file of the folders
 * given, whole and cut at each length up to 4096 bytes. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replay(const char *path)
{
    static uint8_t seed[1 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(seed, 1, sizeof(seed), file);
    (void)fclose(file);
    for (size_t cut = size < 4096 ? size : 4096;; cut--) {
        uint8_t *copy =
            malloc(cut + 1); /* of its own size, so that AddressSanitizer sees its end */
        if (copy == NULL) {
            return 0;
        }
        memcpy(copy, seed, cut);
        (void)LLVMFuzzerTestOneInput(copy, cut);
        free(copy);
        if (cut == 0) {
            break;
        }
    }
    (void)LLVMFuzzerTestOneInput(seed, size);
    return 1;
}

int main(int argc, char **argv)
{
    size_t seeds = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        const struct dirent *entry;
        while (folder != NULL && (entry = readdir(folder)) != NULL) {
            char path[1024];
            (void)snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            seeds += entry->d_name[0] != '.' ? replay(path) : 0;
        }
        if (folder != NULL) {
            (void)closedir(folder);
        }
    }
    printf("%zu seeds replayed\n", seeds);
    return seeds > 0 ? 0 : 1;
}

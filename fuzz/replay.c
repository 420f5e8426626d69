// SPDX-License-Identifier: Apache-2.0
/* Feeds each file of the folders and files given to a fuzz target, once; then every prefix of the small ones. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(const uint8_t *data, size_t size)
{
    /* An exact copy, so that a sanitizer sees a read beyond the end. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return 1;
    if (size) memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int feed_file(const char *path)
{
    static uint8_t bytes[1 << 22];
    FILE *f = fopen(path, "rb");
    if (!f) return 1;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    int failed = feed(bytes, n);
    for (size_t cut = 0; !failed && n <= 4096 && cut < n; cut++) failed = feed(bytes, cut);
    return failed;
}

static int feed_path(const char *path, unsigned *count)
{
    struct stat st;
    if (stat(path, &st)) return 1;
    if (!S_ISDIR(st.st_mode)) {
        ++*count;
        return feed_file(path);
    }
    DIR *dir = opendir(path);
    if (!dir) return 1;
    int failed = 0;
    for (struct dirent *e; !failed && (e = readdir(dir));) {
        char below[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        failed = feed_path(below, count);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++) {
        if (feed_path(argv[i], &count)) {
            fprintf(stderr, "cannot replay %s\n", argv[i]);
            return 1;
        }
    }
    printf("%u inputs replayed\n", count);
    return count ? 0 : 1;
}

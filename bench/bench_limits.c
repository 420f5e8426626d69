// SPDX-License-Identifier: Apache-2.0
/* The limits of the machine that other rows stand beside: copying memory, and writing blocks of 4 MiB into a file of the folder. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

enum { BLOCK = 4 << 20, ROUNDS = 7 };

static double copy_mb_s(uint8_t *to, const uint8_t *from, size_t n)
{
    double begun = measure_now_s();
    memcpy(to, from, n);
    /* Else the copy, which nobody reads, might be left out. */
    __asm__ volatile("" : : "r"(to) : "memory");
    return (double)n / 1e6 / (measure_now_s() - begun);
}

static double write_mb_s(const char *path, const uint8_t *from, size_t n_blocks)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return -1;
    double begun = measure_now_s();
    for (size_t i = 0; i < n_blocks; i++) {
        if (pwrite(fd, from, BLOCK, (off_t)(i * BLOCK)) != BLOCK) {
            close(fd);
            return -1;
        }
    }
    int failed = fdatasync(fd);
    double seconds = measure_now_s() - begun;
    return close(fd) || failed ? -1 : (double)(n_blocks * BLOCK) / 1e6 / seconds;
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    size_t n_blocks = (size_t)(64 * strtod(argv[2], NULL)) + 1;
    size_t n = 16 * (size_t)BLOCK;
    uint8_t *from = malloc(n), *to = malloc(n);
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/blocks", argv[1]);
    if (!from || !to || length < 0 || (size_t)length >= sizeof path) return 1;
    for (size_t i = 0; i < n; i++) from[i] = (uint8_t)(i * 167 >> 3);
    memset(to, 0, n);
    double copied[ROUNDS], written[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        copied[round] = copy_mb_s(to, from, n);
        written[round] = write_mb_s(path, from, n_blocks);
        if (written[round] < 0) {
            perror(path);
            return 1;
        }
    }
    measure_row("memcpy of 64 MiB", measure_median(copied, ROUNDS), "MB/s");
    measure_row("pwrite in blocks of 4 MiB, with fdatasync", measure_median(written, ROUNDS), "MB/s");
    free(from);
    free(to);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Whole files: every column as vectors and as f64, all rows and a part, must be read or refused with a message. Where a read succeeds, the part
 * must equal the whole. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "interchange/parquet_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ROWS = 1 << 16, MAX_COLUMNS = 64 };

static void check_f64(shf_parquet *file, size_t column, size_t n)
{
    sheaf_error err;
    size_t first = n / 3, some = n / 4;
    double *all = malloc((n + 1) * sizeof *all), *part = malloc((some + 1) * sizeof *part);
    if (!all || !part) abort();
    sheaf_status whole = shf_parquet_read_f64(file, column, 0, n, all, &err);
    if (whole != SHEAF_OK && !err.message[0]) abort();
    sheaf_status cut = shf_parquet_read_f64(file, column, first, some, part, &err);
    if (cut != SHEAF_OK && !err.message[0]) abort();
    if (whole == SHEAF_OK && cut == SHEAF_OK && memcmp(all + first, part, some * sizeof *part) != 0) abort();
    free(all);
    free(part);
}

static void check_vector(const shf_parquet_vector *vector, size_t n)
{
    if (vector->n_rows != n || vector->n_nulls > n || (vector->n_nulls > 0) != (vector->valid != NULL)) abort();
    if (!vector->offsets) return;
    for (size_t i = 0; i < n; i++)
        if (vector->offsets[i] > vector->offsets[i + 1]) abort();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < vector->offsets[n]; i++) sum += vector->bytes[i];
    if (sum == UINT64_MAX) abort();
}

static void check_column(shf_parquet *file, size_t column)
{
    sheaf_error err;
    shf_parquet_column info;
    shf_pq_statistics statistics;
    char path[64];
    size_t n = (size_t)shf_parquet_rows(file), found;
    if (shf_parquet_column_info(file, column, &info, &err) != SHEAF_OK) abort();
    shf_parquet_column_path(file, column, path, sizeof path);
    if (shf_parquet_find(file, path, &found, &err) != SHEAF_OK && !err.message[0]) abort();
    if (shf_parquet_groups(file) && shf_parquet_statistics(file, 0, column, &statistics, &err) != SHEAF_OK && !err.message[0]) abort();
    shf_parquet_vector vector;
    if (shf_parquet_read(file, column, 0, n, &vector, &err) != SHEAF_OK) {
        if (!err.message[0]) abort();
    } else {
        check_vector(&vector, n);
    }
    shf_parquet_vector_free(&vector);
    check_f64(file, column, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sheaf_error err;
    shf_parquet *file;
    char path[64];
    int fd = memfd_create("parquet", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    sheaf_status status = shf_parquet_open(path, &file, &err);
    if (status != SHEAF_OK && !err.message[0]) abort();
    if (status == SHEAF_OK && shf_parquet_rows(file) <= MAX_ROWS)
        for (size_t c = 0; c < shf_parquet_columns(file) && c < MAX_COLUMNS; c++) check_column(file, c);
    if (status == SHEAF_OK) shf_parquet_free(file);
    close(fd);
    return 0;
}

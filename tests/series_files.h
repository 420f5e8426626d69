// SPDX-License-Identifier: Apache-2.0
/* Helpers for tests of series: files in the folder of the program. Include after cmocka.h. */
#ifndef SERIES_FILES_H
#define SERIES_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "io/file.h"
#include "sheaf/series.h"

static void write_file(const char *name, const void *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

/* rows × columns of value(row, column) = row * 1000 + column + 0.25, separated and ended as asked. */
static inline void write_table(const char *name, int rows, int columns, const char *separator, const char *line_end)
{
    char *text = malloc((size_t)rows * (size_t)columns * 24 + 1), *to = text;
    assert_non_null(text);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) to += sprintf(to, "%d.25%s", i * 1000 + j, j + 1 < columns ? separator : line_end);
    write_file(name, text, (size_t)(to - text));
    free(text);
}

static inline double table_value(int64_t row, int64_t column)
{
    return (double)(row * 1000 + column) + 0.25;
}

static inline sheaf_series *open_series(const char *name, sheaf_series_kind kind)
{
    sheaf_series *series = NULL;
    sheaf_error err;
    if (sheaf_series_open(folder, name, kind, &series, &err) != SHEAF_OK) fail_msg("%s", err.message);
    return series;
}

#endif

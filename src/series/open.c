// SPDX-License-Identifier: Apache-2.0
/* Where series come from: a file of a folder, a number, values in memory, a URI. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "io/file.h"
#include "series/series.h"
#include "series/sources.h"

static const struct {
    const char *suffix;
    sheaf_status (*open)(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err);
} formats[] = {
    /* in the order of preference */
    {".parquet", shf_parquet_open_source},
    {".txt", shf_text_open_blank},
    {".tsv", shf_text_open_tab},
    {".csv", shf_text_open_comma},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

sheaf_status shf_source_open(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    shf_path_kind kind;
    uint64_t size = 0;
    SHF_TRY(shf_path_stat(path, &kind, &size, err));
    if (kind == SHF_PATH_NONE) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "%s: no such file", path);
    if (kind != SHF_PATH_FILE) return shf_fail_at(err, SHEAF_ERR_INPUT, path, NULL, -1, -1, "%s: not a file", path);
    if (size == 0) return shf_fail_at(err, SHEAF_ERR_INPUT, path, NULL, -1, 0, "%s: the file is empty (0 bytes)", path);
    for (size_t i = 0; i < N_FORMATS; i++)
        if (ends_with(path, formats[i].suffix)) return formats[i].open(path, ops, state, err);
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "%s: series end in .parquet, .txt, .tsv or .csv", path);
}

/* The path of the series' file; the whole name counts, dots included. */
static sheaf_status find_file(const char *folder, const char *name, char **path, sheaf_error *err)
{
    shf_buf file = {0};
    *path = NULL;
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < N_FORMATS && status == SHEAF_OK && !*path; i++) {
        shf_path_kind kind = SHF_PATH_NONE;
        uint64_t size;
        file.size = 0;
        status = shf_buf_printf(&file, err, "%s/%s%s", folder, name, formats[i].suffix);
        if (status == SHEAF_OK) status = shf_path_stat((const char *)file.data, &kind, &size, err);
        if (status != SHEAF_OK || kind == SHF_PATH_NONE) continue;
        *path = shf_strdup((const char *)file.data);
        if (!*path) status = shf_fail_memory(err, file.size, "a path");
    }
    shf_buf_free(&file);
    if (status != SHEAF_OK || *path) return status;
    return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, folder, NULL, -1, -1, "series '%.80s': neither %.80s.parquet nor .txt, .tsv or .csv in %s",
                       name, name, folder);
}

static sheaf_status check_name(const char *folder, const char *name, sheaf_error *err)
{
    if (!folder || !folder[0]) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the folder of series has no name");
    if (!name || !name[0]) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a series without a name in %s", folder);
    if (strchr(name, '/')) return shf_fail(err, SHEAF_ERR_ARGUMENT, "series '%.80s': a name has no '/'", name);
    return SHEAF_OK;
}

/* Makes the series over a file; takes path over in every case. */
static sheaf_status open_file(char *path, const char *name, sheaf_series_kind kind, sheaf_series **out, sheaf_error *err)
{
    sheaf_series *series = NULL;
    sheaf_status status = shf_series_make(name, kind, &series, err);
    if (status != SHEAF_OK) {
        shf_free(path);
        return status;
    }
    series->path = path;
    char *absolute = shf_path_absolute(path);
    series->uri = absolute ? shf_uri_of_file(absolute, kind) : NULL;
    shf_free(absolute);
    if (!series->uri) status = shf_fail_memory(err, strlen(path), "the URI of a series");
    if (status == SHEAF_OK) status = shf_source_open(path, &series->ops, &series->state, err);
    if (status == SHEAF_OK) *out = series;
    else sheaf_series_free(&series);
    return status;
}

sheaf_status sheaf_series_open(const char *folder, const char *name, sheaf_series_kind kind, sheaf_series **out, sheaf_error *err)
{
    *out = NULL;
    SHF_TRY(check_name(folder, name, err));
    if (kind == SHEAF_SERIES_CONSTANT)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "series '%.80s': a constant is no file (see sheaf_series_constant)", name);
    char *path = NULL;
    SHF_TRY(find_file(folder, name, &path, err));
    return open_file(path, name, kind, out, err);
}

sheaf_status sheaf_series_constant(double value, sheaf_series **out, sheaf_error *err)
{
    sheaf_series *series = NULL;
    *out = NULL;
    SHF_TRY(shf_series_make("", SHEAF_SERIES_CONSTANT, &series, err));
    series->constant = value;
    series->uri = shf_uri_of_constant(value);
    if (!series->uri) {
        sheaf_series_free(&series);
        return shf_fail_memory(err, 64, "the URI of a series");
    }
    *out = series;
    return SHEAF_OK;
}

static sheaf_status copy_values(sheaf_series *series, const double *values, int64_t n_times, int64_t n_scenarios, sheaf_error *err)
{
    size_t rows = (size_t)n_times, columns = (size_t)n_scenarios, count, bytes;
    if (!shf_mul_size(rows, columns, &count) || !shf_mul_size(count, sizeof(double), &bytes))
        return shf_fail(err, SHEAF_ERR_RANGE, "series '%.80s': %zu x %zu values are too many", series->name, rows, columns);
    double *copy = shf_malloc_aligned(bytes);
    if (!copy) return shf_fail_memory(err, bytes, "the values of a series");
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) copy[j * rows + i] = values[i * columns + j];
    series->loaded = (shf_loaded){.values = copy, .n_times = n_times, .n_columns = n_scenarios, .n_loaded = n_scenarios};
    return SHEAF_OK;
}

sheaf_status sheaf_series_from_values(const char *name, sheaf_series_kind kind, const double *values, int64_t n_times, int64_t n_scenarios,
                                      sheaf_series **out, sheaf_error *err)
{
    sheaf_series *series = NULL;
    *out = NULL;
    if (n_times < 0 || n_scenarios < 0 || kind == SHEAF_SERIES_CONSTANT)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "series '%.80s': %" PRId64 " x %" PRId64 " values of kind %s", name ? name : "", n_times,
                        n_scenarios, sheaf_series_kind_name(kind));
    SHF_TRY(shf_series_make(name, kind, &series, err));
    sheaf_status status = shf_series_check_shape(series, n_times, n_scenarios, err);
    if (status == SHEAF_OK) status = copy_values(series, values, n_times, n_scenarios, err);
    if (status == SHEAF_OK) *out = series;
    else sheaf_series_free(&series);
    return status;
}

/* Name of a series by its file: without the folder and the suffix of the format. */
static char *name_of_path(const char *path)
{
    const char *base = shf_path_base(path);
    char *name = shf_strdup(base);
    for (size_t i = 0; name && i < N_FORMATS; i++) {
        if (!ends_with(name, formats[i].suffix)) continue;
        name[strlen(name) - strlen(formats[i].suffix)] = '\0';
        break;
    }
    return name;
}

static sheaf_status open_uri_file(const char *uri, sheaf_series **out, sheaf_error *err)
{
    char *path = NULL;
    sheaf_series_kind kind;
    SHF_TRY(shf_uri_parse_file(uri, &path, &kind, err));
    char *name = name_of_path(path);
    if (!name) {
        shf_free(path);
        return shf_fail_memory(err, 64, "the name of a series");
    }
    sheaf_status status = open_file(path, name, kind, out, err);
    shf_free(name);
    return status;
}

sheaf_status sheaf_series_open_uri(const char *uri, const int64_t *columns, size_t n_columns, sheaf_series **out, sheaf_error *err)
{
    *out = NULL;
    double value;
    if (shf_uri_parse_constant(uri, &value)) return sheaf_series_constant(value, out, err);
    sheaf_series *lazy = NULL;
    SHF_TRY(open_uri_file(uri, &lazy, err));
    if (!columns) {
        *out = lazy;
        return SHEAF_OK;
    }
    sheaf_status status = sheaf_series_load(lazy, columns, n_columns, out, err);
    sheaf_series_free(&lazy);
    return status;
}

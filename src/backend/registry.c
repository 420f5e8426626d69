// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "io/file.h"
#include "sheaf/store.h"

static const shf_backend_ops *const g_backends[] = {
    &shf_zarr_ops,
#ifdef SHEAF_WITH_HDF5
    &shf_hdf5_ops,
#endif
    &shf_npy_ops,
    &shf_mem_ops,
};
#define N_BACKENDS (sizeof g_backends / sizeof g_backends[0])

const shf_backend_ops *shf_backend_at(size_t i)
{
    return i < N_BACKENDS ? g_backends[i] : NULL;
}

const char *sheaf_format_name(size_t i)
{
    return i < N_BACKENDS ? g_backends[i]->name : NULL;
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    while (n > 1 && path[n - 1] == '/') n--;
    return n > m && !strncmp(path + n - m, suffix, m);
}

static const shf_backend_ops *by_suffix(const char *path)
{
    for (size_t i = 0; i < N_BACKENDS; i++)
        // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no element is null
        for (const char *const *s = g_backends[i]->suffixes; *s; s++)
            if (has_suffix(path, *s)) return g_backends[i];
    return NULL;
}

static const shf_backend_ops *by_content(const char *path)
{
    shf_path_kind kind;
    if (shf_path_stat(path, &kind, NULL, NULL) != SHEAF_OK || kind == SHF_PATH_NONE) return NULL;
    for (size_t i = 0; i < N_BACKENDS; i++)
        if (g_backends[i]->probe && g_backends[i]->probe(path)) return g_backends[i];
    return NULL;
}

static sheaf_status unknown(const char *what, const char *value, sheaf_error *err)
{
    char known[128] = "";
    for (size_t i = 0; i < N_BACKENDS; i++) {
        size_t used = strlen(known);
        // NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", g_backends[i]->name);
    }
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, value, NULL, -1, -1, "%s \"%.200s\"; known: %s (by suffix: .zarr, .h5, .hdf5, .npyd)",
                       what, value, known);
}

sheaf_status shf_backend_find(const char *format, const char *path, const shf_backend_ops **out, sheaf_error *err)
{
    *out = NULL;
    if (!path || !*path) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the store's path is empty");
    if (!format) {
        *out = by_content(path);
        if (!*out) *out = by_suffix(path);
        return *out ? SHEAF_OK : unknown("no format is known for", path, err);
    }
    for (size_t i = 0; i < N_BACKENDS; i++)
        if (!strcmp(g_backends[i]->name, format)) *out = g_backends[i];
    return *out ? SHEAF_OK : unknown("unknown format", format, err);
}

// SPDX-License-Identifier: Apache-2.0
/* The folder of JSON and raw files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "interchange/storage.h"
#include "io/file.h"

enum { MOST_JSON = 1 << 16, MOST_PATH = 4096 };

typedef struct files {
    const char *folder;
    shf_storage storage;
    size_t capacity;
    const char *suffix; /* of the folder being listed */
} files;

static sheaf_status path_of(const files *f, const char *sub, int64_t id, const char *suffix, char *path, sheaf_error *err)
{
    int n = snprintf(path, MOST_PATH, "%s/%s/sim_%lld%s", f->folder, sub, (long long)id, suffix);
    return n > 0 && n < MOST_PATH ? SHEAF_OK : shf_fail(err, SHEAF_ERR_ARGUMENT, "the path of the folder is too long");
}

/* ---- JSON with what Python adds to it ---- */

/* NaN, Infinity and -Infinity, which JSON does not have, become strings. */
static sheaf_status quote_nonfinite(const shf_buf *in, shf_buf *out, sheaf_error *err)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    bool quoted = false;
    for (size_t i = 0; i < in->size;) {
        const char *p = (const char *)in->data + i;
        size_t taken = 0;
        for (size_t w = 0; !quoted && w < 3 && !taken; w++) {
            size_t n = strlen(words[w]);
            if (in->size - i >= n && memcmp(p, words[w], n) == 0) taken = n;
        }
        if (taken) {
            SHF_TRY(shf_buf_printf(out, err, "\"%.*s\"", (int)taken, p));
            i += taken;
            continue;
        }
        if (*p == '\\' && quoted && i + 1 < in->size) SHF_TRY(shf_buf_append(out, in->data + i++, 1, err));
        else if (*p == '"') quoted = !quoted;
        SHF_TRY(shf_buf_append(out, in->data + i++, 1, err));
    }
    return SHEAF_OK;
}

static bool number_of(const json_t *value, double *out)
{
    const char *text = json_string_value(value);
    if (json_is_number(value)) *out = json_number_value(value);
    else if (json_is_boolean(value)) *out = json_is_true(value);
    else if (text && strcmp(text, "NaN") == 0) *out = NAN;
    else if (text && strcmp(text, "Infinity") == 0) *out = INFINITY;
    else if (text && strcmp(text, "-Infinity") == 0) *out = -INFINITY;
    else return false;
    return true;
}

static sheaf_status take_summary(const json_t *j, const char *path, int64_t id, shf_storage_one *one, sheaf_error *err)
{
    const json_t *stored = json_object_get(j, "sim_id");
    if (!json_is_integer(stored) || json_integer_value(stored) != id)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, NULL, -1, -1, "the file is named after simulation %lld, but its sim_id is %lld",
                           (long long)id, (long long)json_integer_value(stored));
    for (int i = 0; i < SHF_N_STORAGE; i++) {
        const json_t *value = json_object_get(j, shf_storage_names[i]);
        bool absent = json_is_null(value) || (!value && (i == SHF_STORAGE_RUIN_YEAR || i == SHF_STORAGE_VOLATILITY));
        if (absent && i == SHF_STORAGE_RUIN_YEAR) one->summary[i] = NAN;
        else if (absent && i == SHF_STORAGE_VOLATILITY) one->summary[i] = 0; /* what became null there was 0.0 */
        else if (!number_of(value, &one->summary[i]))
            return shf_fail_at(err, SHEAF_ERR_INPUT, path, NULL, -1, -1, "\"%s\" is no number", shf_storage_names[i]);
    }
    one->has_summary = true;
    return SHEAF_OK;
}

static sheaf_status read_summary(const files *f, int64_t id, shf_storage_one *one, sheaf_error *err)
{
    char path[MOST_PATH];
    shf_path_kind kind;
    shf_buf text = {0}, clean = {0};
    SHF_TRY(path_of(f, "summaries", id, ".json", path, err));
    SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    if (kind == SHF_PATH_NONE) return SHEAF_OK;
    sheaf_status status = shf_path_read(path, MOST_JSON, &text, err);
    if (status == SHEAF_OK) status = quote_nonfinite(&text, &clean, err);
    if (status == SHEAF_OK) {
        json_error_t problem;
        json_t *j = json_loadb((const char *)clean.data, clean.size, 0, &problem);
        status = json_is_object(j) ? take_summary(j, path, id, one, err)
                                   : shf_fail_at(err, SHEAF_ERR_INPUT, path, NULL, -1, -1, "line %d, column %d: %s", j ? 1 : problem.line,
                                                 j ? 1 : problem.column, j ? "no object" : problem.text);
        json_decref(j);
    }
    shf_buf_free(&text);
    shf_buf_free(&clean);
    return status;
}

/* ---- the storage ---- */

static sheaf_status look(void *context, int64_t id, shf_storage_one *one, sheaf_error *err)
{
    const files *f = context;
    char path[MOST_PATH];
    shf_path_kind kind;
    uint64_t size = 0;
    SHF_TRY(read_summary(f, id, one, err));
    SHF_TRY(path_of(f, "time_series", id, ".dat", path, err));
    SHF_TRY(shf_path_stat(path, &kind, &size, err));
    one->has_series = kind == SHF_PATH_FILE;
    if (one->has_series && (size == 0 || size % (SHF_STORAGE_N_SERIES * 4)))
        return shf_fail_at(err, SHEAF_ERR_INPUT, path, NULL, -1, -1, "%llu bytes are not three rows of equal length: the file is cut off",
                           (unsigned long long)size);
    one->series_bytes = (size_t)size;
    return SHEAF_OK;
}

static sheaf_status read_series(void *context, int64_t id, sheaf_dtype dtype, size_t n_samples, void *to, sheaf_error *err)
{
    const files *f = context;
    char path[MOST_PATH];
    shf_file file = SHF_FILE_CLOSED;
    SHF_TRY(path_of(f, "time_series", id, ".dat", path, err));
    SHF_TRY(shf_file_open(&file, path, SHF_OPEN_READ, err));
    sheaf_status status = shf_file_read(&file, to, SHF_STORAGE_N_SERIES * n_samples * sheaf_dtype_size(dtype), 0, err);
    sheaf_status closed = shf_file_close(&file, status == SHEAF_OK ? err : NULL);
    return status != SHEAF_OK ? status : closed;
}

static sheaf_status take_name(void *context, const char *name, sheaf_error *err)
{
    files *f = context;
    int64_t id;
    return shf_storage_id(name, f->suffix, &id) ? shf_storage_add(&f->storage, &f->capacity, id, err) : SHEAF_OK;
}

static sheaf_status list(files *f, const char *sub, const char *suffix, sheaf_error *err)
{
    char *folder = shf_path_join(f->folder, sub);
    shf_path_kind kind;
    if (!folder) return shf_fail_memory(err, strlen(f->folder), "a path");
    f->suffix = suffix;
    sheaf_status status = shf_path_stat(folder, &kind, NULL, err);
    if (status == SHEAF_OK && kind == SHF_PATH_FOLDER) status = shf_path_list(folder, take_name, f, err);
    shf_free(folder);
    return status;
}

sheaf_status shf_storage_import_files(const char *path, shf_importer *in, sheaf_error *err)
{
    files f = {.folder = path};
    f.storage = (shf_storage){.path = path, .context = &f, .look = look, .read = read_series};
    sheaf_status status = list(&f, "summaries", ".json", err);
    if (status == SHEAF_OK) status = list(&f, "time_series", ".dat", err);
    shf_storage_sort(&f.storage);
    if (status == SHEAF_OK) status = shf_storage_import(&f.storage, in, err);
    shf_free(f.storage.ids);
    return status;
}

/* ---- either kind ---- */

#ifndef SHEAF_WITH_HDF5
bool shf_storage_is_hdf5(const char *path)
{
    (void)path;
    return false;
}

sheaf_status shf_storage_import_hdf5(const char *path, shf_importer *in, sheaf_error *err)
{
    (void)in;
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "this build has no HDF5");
}
#endif

static bool has(const char *folder, const char *name, shf_path_kind wanted)
{
    shf_path_kind kind = SHF_PATH_NONE;
    char *path = shf_path_join(folder, name);
    bool is = path && shf_path_stat(path, &kind, NULL, NULL) == SHEAF_OK && kind == wanted;
    shf_free(path);
    return is;
}

bool shf_is_storage(const char *path)
{
    shf_path_kind kind;
    if (shf_path_stat(path, &kind, NULL, NULL) != SHEAF_OK) return false;
    if (kind == SHF_PATH_FILE) {
        size_t n = strlen(path);
        bool named = (n > 3 && strcmp(path + n - 3, ".h5") == 0) || (n > 5 && strcmp(path + n - 5, ".hdf5") == 0);
        return named && shf_storage_is_hdf5(path);
    }
    if (kind != SHF_PATH_FOLDER || has(path, "zarr.json", SHF_PATH_FILE) || has(path, ".zgroup", SHF_PATH_FILE)) return false;
    return has(path, "summaries", SHF_PATH_FOLDER) || has(path, "time_series", SHF_PATH_FOLDER) ||
           has(path, "trajectories.h5", SHF_PATH_FILE);
}

sheaf_status shf_import_storage(const char *path, shf_importer *in, sheaf_error *err)
{
    shf_path_kind kind;
    SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    bool inside = kind == SHF_PATH_FOLDER && has(path, "trajectories.h5", SHF_PATH_FILE);
    if (kind == SHF_PATH_FOLDER && !inside) return shf_storage_import_files(path, in, err);
    char *file = inside ? shf_path_join(path, "trajectories.h5") : shf_strdup(path);
    if (!file) return shf_fail_memory(err, strlen(path), "a path");
    sheaf_status status = shf_storage_import_hdf5(file, in, err);
    shf_free(file);
    return status;
}

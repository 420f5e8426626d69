// SPDX-License-Identifier: Apache-2.0
/* A store as compressed .npz. An ensemble stored by step with one variable (time, d, N) is laid out as SDE storages do it: `time` (M,) and `data`
 * (d, N, M), its bytes in column-major order, so that rows go out as they come. Other stores: one member per array. */
#include <string.h>

#include <stdio.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/npy.h"
#include "format/zip.h"
#include "interchange/convert.h"
#include "interchange/export.h"

typedef struct npz {
    shf_file *file;
    shf_zip_writer *zip;
} npz;

static sheaf_status write_at(void *context, uint64_t offset, const void *bytes, size_t n, sheaf_error *err)
{
    const npz *z = context;
    return shf_file_write(z->file, bytes, n, offset, err);
}

static sheaf_status put(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    const npz *z = context;
    return shf_zip_writer_add(z->zip, bytes, n, err);
}

static sheaf_status begin_member(npz *z, const char *name, sheaf_error *err)
{
    char member[SHEAF_MAX_NAME + 8];
    snprintf(member, sizeof member, "%.*s.npy", SHEAF_MAX_NAME, name);
    return shf_zip_writer_begin(z->zip, member, SHF_ZIP_DEFLATED, 1, err);
}

static sheaf_status write_array(npz *z, sheaf_store *store, const sheaf_array_info *info, const char *name, sheaf_error *err)
{
    const shf_bytes_sink sink = {put, z};
    SHF_TRY(begin_member(z, name, err));
    SHF_TRY(shf_export_npy_array(store, info, &sink, err));
    return shf_zip_writer_end(z->zip, err);
}

/* ---- (time, d, N) as (d, N, M) ---- */

/* One step (d, N) with d varying fastest. */
static void turn_step(const uint8_t *step, size_t d, size_t n, size_t size, uint8_t *to)
{
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < d; i++) memcpy(to + (j * d + i) * size, step + (i * n + j) * size, size);
}

static sheaf_status write_steps(npz *z, sheaf_store *store, const sheaf_array_info *info, size_t d, size_t n, sheaf_error *err)
{
    size_t size = sheaf_dtype_size(info->dtype), row = d * n * size;
    size_t block = (size_t)shf_max_u64(1, shf_min_u64(((size_t)4 << 20) / row, shf_max_u64(info->shape[0], 1)));
    uint8_t *values = shf_malloc(block * row), *turned = shf_malloc(row);
    sheaf_status status = values && turned ? SHEAF_OK : shf_fail_memory(err, block * row, "steps");
    for (uint64_t at = 0; at < info->shape[0] && status == SHEAF_OK; at += block) {
        size_t rows = (size_t)shf_min_u64(block, info->shape[0] - at);
        sheaf_selection s[3] = {sheaf_select_range(at, at + rows, 1), sheaf_select_all(), sheaf_select_all()};
        status = sheaf_store_read(store, info->name, s, values, rows * row, err);
        if (d == 1 && status == SHEAF_OK) status = shf_zip_writer_add(z->zip, values, rows * row, err);
        for (size_t r = 0; d > 1 && r < rows && status == SHEAF_OK; r++) {
            turn_step(values + r * row, d, n, size, turned);
            status = shf_zip_writer_add(z->zip, turned, row, err);
        }
    }
    shf_free(values);
    shf_free(turned);
    return status;
}

static sheaf_status write_data(npz *z, sheaf_store *store, const sheaf_array_info *info, sheaf_error *err)
{
    uint64_t d = info->ndim == 3 ? info->shape[1] : 1, n = info->shape[info->ndim - 1];
    shf_npy_header h = {.dtype = info->dtype, .ndim = 3, .fortran_order = true, .shape = {d, n, info->shape[0]}};
    uint8_t header[SHF_NPY_HEADER_SIZE];
    SHF_TRY(shf_npy_format(&h, header, sizeof header, err));
    SHF_TRY(begin_member(z, "data", err));
    SHF_TRY(shf_zip_writer_add(z->zip, header, sizeof header, err));
    SHF_TRY(write_steps(z, store, info, (size_t)d, (size_t)n, err));
    return shf_zip_writer_end(z->zip, err);
}

/* The only variable of an ensemble by step that has trajectories, when there is just one; its time comes with it. */
static bool find_steps(sheaf_store *store, const char *what, sheaf_array_info *variable, sheaf_array_info *time)
{
    json_t *attributes = NULL;
    size_t n = 0;
    bool steps = shf_attributes_read(store, NULL, &attributes, NULL) == SHEAF_OK && shf_attributes_are_steps(attributes);
    const char *record = sheaf_store_record_name(store, 0);
    json_decref(attributes);
    if (!steps || !record || sheaf_store_array(store, record, time, NULL) != SHEAF_OK) return false;
    for (size_t i = 0; i < sheaf_store_n_arrays(store); i++) {
        sheaf_array_info info;
        if (sheaf_store_array_at(store, i, &info, NULL) != SHEAF_OK) return false;
        if (!info.grows || strcmp(info.name, record) == 0) continue;
        *variable = info;
        n++;
    }
    if (n != 1 || (strcmp(what, "all") != 0 && strcmp(what, variable->name) != 0)) return false;
    return variable->ndim == 2 || variable->ndim == 3;
}

/* ---- all of it ---- */

static bool is_summary(const sheaf_array_info *info)
{
    return info->grows && strcmp(info->dimensions[0], "trajectory") == 0 && (info->ndim < 2 || strcmp(info->dimensions[1], "time") != 0);
}

static sheaf_status write_members(npz *z, sheaf_store *store, const char *what, uint64_t *n_rows, sheaf_error *err)
{
    sheaf_array_info info, time;
    if (find_steps(store, what, &info, &time)) {
        *n_rows = info.shape[0];
        SHF_TRY(write_array(z, store, &time, "time", err));
        return write_data(z, store, &info, err);
    }
    bool all = strcmp(what, "all") == 0, summaries = strcmp(what, "summaries") == 0;
    if (!all && !summaries) {
        SHF_TRY(sheaf_store_array(store, what, &info, err));
        *n_rows = info.shape[0];
        return write_array(z, store, &info, what, err);
    }
    for (size_t i = 0; i < sheaf_store_n_arrays(store); i++) {
        SHF_TRY(sheaf_store_array_at(store, i, &info, err));
        if (summaries && !is_summary(&info)) continue;
        *n_rows = shf_max_u64(*n_rows, info.shape[0]);
        SHF_TRY(write_array(z, store, &info, info.name, err));
    }
    if (*n_rows == 0 && summaries)
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(store), NULL, -1, -1, "the store has no summaries");
    return SHEAF_OK;
}

sheaf_status shf_export_npz(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err)
{
    npz z = {.file = file};
    uint64_t rows = 0;
    SHF_TRY(shf_zip_writer_open(write_at, &z, &z.zip, err));
    sheaf_status status = write_members(&z, store, spec->what, &rows, err);
    if (status == SHEAF_OK) status = shf_zip_writer_finish(z.zip, NULL, err);
    shf_zip_writer_free(z.zip);
    if (n_rows) *n_rows = rows;
    return status;
}

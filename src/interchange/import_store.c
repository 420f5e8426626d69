// SPDX-License-Identifier: Apache-2.0
/* One array of a Zarr group, an HDF5 file or a .npyd folder: row by row, with its times or ids where a coordinate has them. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "interchange/import.h"
#include "io/file.h"

enum { BLOCK_BYTES = 4 << 20, MOST_ROWS = 65536 };

typedef struct source {
    sheaf_store *store;
    sheaf_array_info info;
    sheaf_array_info coordinate;
    bool has_coordinate;
} source;

static bool is_coordinate_name(sheaf_ensemble_kind kind, const char *name)
{
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (kind == SHEAF_BY_STEP) return strcmp(base, "time") == 0 || strcmp(base, "t") == 0;
    return strcmp(base, "trajectory") == 0 || strcmp(base, "sim_id") == 0 || strcmp(base, "id") == 0;
}

/* A one-dimensional array as long as the one wanted, that is named as what labels its rows. */
static bool labels(const source *s, sheaf_ensemble_kind kind, const sheaf_array_info *other)
{
    if (other->ndim != 1 || other->shape[0] != s->info.shape[0] || strcmp(other->name, s->info.name) == 0) return false;
    return is_coordinate_name(kind, other->name) || strcmp(other->name, s->info.dimensions[0]) == 0;
}

static sheaf_status fail_many(sheaf_store *store, const char *asked, sheaf_error *err)
{
    char names[320] = "", said[120] = "say which one";
    size_t n = 0, count = sheaf_store_n_arrays(store);
    for (size_t i = 0; i < count && n < sizeof names; i++) {
        sheaf_array_info info;
        SHF_TRY(sheaf_store_array_at(store, i, &info, err));
        n += (size_t)snprintf(names + n, sizeof names - n, " %s", info.name);
    }
    if (asked) snprintf(said, sizeof said, "none is named \"%.80s\"", asked);
    return shf_fail_at(err, asked ? SHEAF_ERR_NOT_FOUND : SHEAF_ERR_ARGUMENT, sheaf_store_path(store), NULL, -1, -1,
                       "%zu arrays are in it, %s:%s", count, said, names);
}

/* The array that is asked for, or the only one that is no coordinate. */
static sheaf_status choose(source *s, const char *asked, sheaf_error *err)
{
    size_t n = 0, count = sheaf_store_n_arrays(s->store);
    if (asked) return sheaf_store_array(s->store, asked, &s->info, NULL) == SHEAF_OK ? SHEAF_OK : fail_many(s->store, asked, err);
    for (size_t i = 0; i < count; i++) {
        sheaf_array_info info;
        SHF_TRY(sheaf_store_array_at(s->store, i, &info, err));
        bool label = info.ndim == 1 && count > 1 &&
                     (is_coordinate_name(SHEAF_BY_STEP, info.name) || is_coordinate_name(SHEAF_BY_TRAJECTORY, info.name) ||
                      strcmp(info.name, info.dimensions[0]) == 0);
        if (label) continue;
        s->info = info;
        n++;
    }
    return n == 1 ? SHEAF_OK : fail_many(s->store, NULL, err);
}

static sheaf_status find_labels(source *s, sheaf_ensemble_kind kind, sheaf_error *err)
{
    for (size_t i = 0; i < sheaf_store_n_arrays(s->store) && !s->has_coordinate; i++) {
        SHF_TRY(sheaf_store_array_at(s->store, i, &s->coordinate, err));
        s->has_coordinate = labels(s, kind, &s->coordinate);
    }
    return SHEAF_OK;
}

static sheaf_status take_block(const source *s, shf_importer *in, uint64_t first, size_t n, uint8_t *values, uint8_t *raw, double *times,
                               sheaf_error *err)
{
    sheaf_selection select[SHEAF_MAX_NDIM];
    for (int k = 0; k < SHEAF_MAX_NDIM; k++) select[k] = sheaf_select_all();
    select[0] = sheaf_select_range(first, first + n, 1);
    SHF_TRY(sheaf_store_read(s->store, s->info.name, select, values, n * in->row_bytes, err));
    if (s->has_coordinate)
        SHF_TRY(sheaf_store_read(s->store, s->coordinate.name, select, raw, n * sheaf_dtype_size(s->coordinate.dtype), err));
    if (s->has_coordinate) shf_dtype_convert(s->coordinate.dtype, raw, SHEAF_F64, times, n);
    for (size_t r = 0; r < n; r++) {
        int64_t id = 0;
        bool ids = s->has_coordinate && in->spec->kind == SHEAF_BY_TRAJECTORY;
        if (ids) SHF_TRY(shf_importer_id(in, s->coordinate.dtype, raw, r, &id, err));
        SHF_TRY(shf_importer_row(in, values + r * in->row_bytes, s->has_coordinate ? &times[r] : NULL, ids ? &id : NULL, err));
    }
    return SHEAF_OK;
}

static sheaf_status take_rows(const source *s, shf_importer *in, sheaf_error *err)
{
    SHF_TRY(shf_importer_begin(in, s->info.dtype, s->info.ndim - 1, s->info.shape + 1, err));
    size_t block = (size_t)shf_max_u64(1, shf_min_u64(MOST_ROWS, BLOCK_BYTES / (in->row_bytes + 1)));
    /* Whole chunks at a time, so that each is decoded once. */
    if (s->info.chunk[0] && block > s->info.chunk[0]) block -= block % (size_t)s->info.chunk[0];
    uint8_t *values = shf_malloc(block * in->row_bytes + 1), *raw = shf_malloc(block * 8);
    double *times = shf_malloc(block * sizeof *times);
    sheaf_status status = values && raw && times ? SHEAF_OK : shf_fail_memory(err, block * in->row_bytes, "rows");
    for (uint64_t row = 0; row < s->info.shape[0] && status == SHEAF_OK; row += block)
        status = take_block(s, in, row, (size_t)shf_min_u64(block, s->info.shape[0] - row), values, raw, times, err);
    shf_free(values);
    shf_free(raw);
    shf_free(times);
    return status;
}

/* "GROUP/NAME" of a Zarr group lies in a group of its own. */
static sheaf_status open_group(const char *path, const char *array, const char **name, sheaf_store **out, sheaf_error *err)
{
    const char *slash = array ? strrchr(array, '/') : NULL;
    sheaf_store *top = NULL;
    sheaf_array_info info;
    *name = array;
    sheaf_store_options options = sheaf_store_options_init();
    options.memory_bytes = (uint64_t)64 << 20;
    sheaf_status opened = sheaf_store_open(path, &options, &top, slash ? NULL : err);
    if (opened == SHEAF_OK && (!slash || sheaf_store_array(top, array, &info, NULL) == SHEAF_OK)) {
        *out = top;
        return SHEAF_OK;
    }
    if (!slash) return opened;
    bool zarr = opened != SHEAF_OK || strcmp(sheaf_store_format(top), "zarr") == 0;
    if (!zarr) {
        *out = top;
        return SHEAF_OK; /* the choice tells what is there */
    }
    sheaf_store_free(&top);
    size_t size = strlen(path) + strlen(array) + 2;
    char *group = shf_malloc(size);
    if (!group) return shf_fail_memory(err, size, "a path");
    snprintf(group, size, "%s/%.*s", path, (int)(slash - array), array);
    options.format = "zarr";
    sheaf_status status = sheaf_store_open(group, &options, out, err);
    *name = slash + 1;
    shf_free(group);
    return status;
}

sheaf_status shf_import_store(const char *path, shf_importer *in, sheaf_error *err)
{
    source s = {0};
    const char *name;
    SHF_TRY(open_group(path, in->spec->array, &name, &s.store, err));
    sheaf_status status = choose(&s, name, err);
    if (status == SHEAF_OK) status = find_labels(&s, in->spec->kind, err);
    if (status == SHEAF_OK) {
        shf_importer_rename(in, s.info.name);
        status = take_rows(&s, in, err);
    }
    if (status != SHEAF_OK) shf_error_locate(err, path, NULL, -1, -1);
    sheaf_store_free(&s.store);
    return status;
}

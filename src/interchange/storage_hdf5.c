// SPDX-License-Identifier: Apache-2.0
/* The file trajectories.h5: a group for each simulation. */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backend/hdf5/library.h"
#include "base/alloc.h"
#include "interchange/storage.h"

typedef struct groups {
    const char *path;
    hid_t file;
    shf_storage storage;
    size_t capacity;
    sheaf_status status;
    sheaf_error *err;
} groups;

static bool exists(hid_t at, const char *name)
{
    bool there = H5Lexists(at, name, H5P_DEFAULT) > 0;
    (void)H5Eclear2(H5E_DEFAULT);
    return there;
}

/* A scalar number or an h5py boolean. */
static bool read_number(hid_t group, const char *name, double *out)
{
    if (H5Aexists(group, name) <= 0) return false;
    hid_t attribute = H5Aopen(group, name, H5P_DEFAULT), type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    bool sound = attribute >= 0 && type >= 0 && space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    H5T_class_t class = sound ? H5Tget_class(type) : H5T_NO_CLASS;
    if (class == H5T_ENUM && H5Tget_size(type) == 1) {
        int8_t value = 0;
        sound = H5Aread(attribute, type, &value) >= 0;
        *out = value;
    } else {
        sound = (class == H5T_INTEGER || class == H5T_FLOAT) && H5Aread(attribute, H5T_NATIVE_DOUBLE, out) >= 0;
    }
    if (space >= 0) (void)H5Sclose(space);
    if (type >= 0) (void)H5Tclose(type);
    if (attribute >= 0) (void)H5Aclose(attribute);
    (void)H5Eclear2(H5E_DEFAULT);
    return sound;
}

static sheaf_status read_summary(const groups *g, hid_t group, int64_t id, shf_storage_one *one, sheaf_error *err)
{
    for (int i = 0; i < SHF_N_STORAGE; i++) {
        if (!read_number(group, shf_storage_names[i], &one->summary[i]))
            return shf_fail_at(err, SHEAF_ERR_INPUT, g->path, NULL, -1, -1, "summaries/sim_%lld has no number \"%s\"", (long long)id,
                               shf_storage_names[i]);
    }
    /* -1 stands for None: an absent year, and a volatility of 0.0. */
    if (one->summary[SHF_STORAGE_RUIN_YEAR] < 0) one->summary[SHF_STORAGE_RUIN_YEAR] = NAN;
    if (one->summary[SHF_STORAGE_VOLATILITY] < 0) one->summary[SHF_STORAGE_VOLATILITY] = 0;
    one->has_summary = true;
    return SHEAF_OK;
}

/* The distance of the first two sample indices; 0 when there are fewer. */
static uint64_t read_interval(hid_t group)
{
    uint64_t interval = 0;
    if (H5Aexists(group, "sample_indices") <= 0) return 0;
    hid_t attribute = H5Aopen(group, "sample_indices", H5P_DEFAULT), space = H5Aget_space(attribute);
    hssize_t n = space < 0 ? 0 : H5Sget_simple_extent_npoints(space);
    long long *indices = n >= 2 && n < 1 << 24 ? shf_malloc((size_t)n * sizeof *indices) : NULL;
    if (indices && H5Aread(attribute, H5T_NATIVE_LLONG, indices) >= 0 && indices[0] == 0 && indices[1] > 0) interval = (uint64_t)indices[1];
    shf_free(indices);
    if (space >= 0) (void)H5Sclose(space);
    if (attribute >= 0) (void)H5Aclose(attribute);
    (void)H5Eclear2(H5E_DEFAULT);
    return interval;
}

/* Length and type of one series; the three must agree. */
static sheaf_status measure(const groups *g, hid_t group, int64_t id, shf_storage_one *one, sheaf_error *err)
{
    for (int i = 0; i < SHF_STORAGE_N_SERIES; i++) {
        hid_t dataset = H5Dopen2(group, shf_storage_series[i], H5P_DEFAULT);
        hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset), type = dataset < 0 ? -1 : H5Dget_type(dataset);
        hsize_t n = 0;
        bool sound = space >= 0 && type >= 0 && H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, &n, NULL) == 1 &&
                     H5Tget_class(type) == H5T_FLOAT && n > 0 && n < 1 << 26;
        sheaf_dtype dtype = sound && H5Tget_size(type) == 4 ? SHEAF_F32 : SHEAF_F64;
        if (space >= 0) (void)H5Sclose(space);
        if (type >= 0) (void)H5Tclose(type);
        if (dataset >= 0) (void)H5Dclose(dataset);
        (void)H5Eclear2(H5E_DEFAULT);
        if (!sound || (i && (one->n_samples != n || one->dtype != dtype)))
            return shf_fail_at(err, SHEAF_ERR_INPUT, g->path, shf_storage_series[i], -1, -1,
                               "time_series/sim_%lld/%s is missing, no row of floats, or not as long as the others", (long long)id,
                               shf_storage_series[i]);
        one->n_samples = n;
        one->dtype = dtype;
    }
    one->has_series = true;
    one->series_bytes = SHF_STORAGE_N_SERIES * (size_t)one->n_samples * sheaf_dtype_size(one->dtype);
    one->interval = read_interval(group);
    return SHEAF_OK;
}

static sheaf_status look_locked(groups *g, int64_t id, shf_storage_one *one, sheaf_error *err)
{
    static const char *const tops[] = {"summaries", "time_series"};
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/sim_%lld", tops[i], (long long)id);
        if (!exists(g->file, tops[i]) || !exists(g->file, name)) continue;
        hid_t group = H5Gopen2(g->file, name, H5P_DEFAULT);
        if (group < 0) return shf_h5_fail(err, SHEAF_ERR_DAMAGED, g->path, "cannot open a group of");
        sheaf_status status = i == 0 ? read_summary(g, group, id, one, err) : measure(g, group, id, one, err);
        (void)H5Gclose(group);
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

static sheaf_status look(void *context, int64_t id, shf_storage_one *one, sheaf_error *err)
{
    shf_h5_lock();
    sheaf_status status = look_locked(context, id, one, err);
    shf_h5_unlock();
    return status;
}

static sheaf_status read_series(void *context, int64_t id, sheaf_dtype dtype, size_t n_samples, void *to, sheaf_error *err)
{
    groups *g = context;
    sheaf_status status = SHEAF_OK;
    shf_h5_lock();
    for (int i = 0; i < SHF_STORAGE_N_SERIES && status == SHEAF_OK; i++) {
        char name[96];
        snprintf(name, sizeof name, "time_series/sim_%lld/%s", (long long)id, shf_storage_series[i]);
        hid_t dataset = H5Dopen2(g->file, name, H5P_DEFAULT);
        hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
        bool sound = space >= 0 && H5Sget_simple_extent_npoints(space) == (hssize_t)n_samples &&
                     H5Dread(dataset, dtype == SHEAF_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                             (uint8_t *)to + (size_t)i * n_samples * sheaf_dtype_size(dtype)) >= 0;
        if (!sound) status = shf_h5_fail(err, SHEAF_ERR_DAMAGED, g->path, "cannot read a time series of");
        if (space >= 0) (void)H5Sclose(space);
        if (dataset >= 0) (void)H5Dclose(dataset);
    }
    shf_h5_unlock();
    return status;
}

static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    groups *g = context;
    int64_t id;
    (void)group;
    (void)info;
    if (shf_storage_id(name, "", &id)) g->status = shf_storage_add(&g->storage, &g->capacity, id, g->err);
    return g->status == SHEAF_OK ? 0 : -1;
}

static sheaf_status list(groups *g, const char *top, sheaf_error *err)
{
    if (!exists(g->file, top)) return SHEAF_OK;
    hid_t group = H5Gopen2(g->file, top, H5P_DEFAULT);
    hsize_t at = 0;
    herr_t rc = group < 0 ? -1 : H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &at, take_name, g);
    if (group >= 0) (void)H5Gclose(group);
    if (g->status != SHEAF_OK) return g->status;
    return rc < 0 ? shf_h5_fail(err, SHEAF_ERR_DAMAGED, g->path, "cannot list") : SHEAF_OK;
}

bool shf_storage_is_hdf5(const char *path)
{
    shf_h5_lock();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool is = file >= 0 && (exists(file, "summaries") || exists(file, "time_series"));
    for (int i = 0; is && i < 2; i++) {
        const char *top = i ? "time_series" : "summaries";
        hid_t object = exists(file, top) ? H5Oopen(file, top, H5P_DEFAULT) : -1;
        is = !exists(file, top) || (object >= 0 && H5Iget_type(object) == H5I_GROUP);
        if (object >= 0) (void)H5Oclose(object);
    }
    if (file >= 0) (void)H5Fclose(file);
    (void)H5Eclear2(H5E_DEFAULT);
    shf_h5_unlock();
    return is;
}

sheaf_status shf_storage_import_hdf5(const char *path, shf_importer *in, sheaf_error *err)
{
    groups g = {.path = path, .err = err};
    g.storage = (shf_storage){.path = path, .context = &g, .look = look, .read = read_series};
    shf_h5_lock();
    g.file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    sheaf_status status = g.file < 0 ? shf_h5_fail(err, SHEAF_ERR_DAMAGED, path, "cannot open") : list(&g, "summaries", err);
    if (status == SHEAF_OK) status = list(&g, "time_series", err);
    shf_h5_unlock();
    shf_storage_sort(&g.storage);
    if (status == SHEAF_OK) status = shf_storage_import(&g.storage, in, err);
    shf_h5_lock();
    if (g.file >= 0) (void)H5Fclose(g.file);
    shf_h5_unlock();
    shf_free(g.storage.ids);
    return status;
}

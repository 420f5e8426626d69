// SPDX-License-Identifier: Apache-2.0
#include "interchange/import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "io/file.h"

static const shf_import_type types[] = {
    {"txt", shf_import_text, NULL},
    {"tsv", shf_import_text, NULL},
    {"csv", shf_import_text, NULL},
    {"npy", shf_import_npy, NULL},
    {"npz", NULL, shf_import_npz},
    {"h5", NULL, shf_import_store},
    {"hdf5", NULL, shf_import_store},
    {"zarr", NULL, shf_import_store},
    {"npyd", NULL, shf_import_store},
    {"parquet", NULL, shf_import_parquet},
    {"trajectory-storage", NULL, shf_import_storage},
};
#define N_TYPES (sizeof types / sizeof types[0])

const char *sheaf_import_type(size_t i)
{
    return i < N_TYPES ? types[i].name : NULL;
}

sheaf_import_spec sheaf_import_spec_init(void)
{
    return (sheaf_import_spec){.size_bytes = sizeof(sheaf_import_spec), .kind = SHEAF_BY_STEP, .interval = 1};
}

/* ---- rows become records ---- */

static sheaf_status plan_steps(const shf_importer *in, int ndim, const uint64_t *shape, sheaf_ensemble_spec *spec, sheaf_error *err)
{
    const char *names[SHEAF_ENSEMBLE_MAX_NDIM];
    char others[SHEAF_ENSEMBLE_MAX_NDIM][SHEAF_MAX_NAME + 1];
    if (ndim > SHEAF_ENSEMBLE_MAX_NDIM)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the input has %d dimensions; at most %d can be imported", ndim + 1,
                        SHEAF_ENSEMBLE_MAX_NDIM + 1);
    *spec = sheaf_ensemble_spec_by_step();
    sheaf_ensemble_spec_add(spec, in->name, in->dtype, shape, ndim);
    /* (time, trajectory), or as a simulation in d dimensions hands it over, (time, d, …, trajectory) */
    for (int i = 0; i < ndim; i++) {
        snprintf(others[i], sizeof others[i], "%.*s_%d", SHEAF_MAX_NAME - 2, in->name, i);
        names[i] = i == ndim - 1 ? "trajectory" : others[i];
    }
    if (ndim) sheaf_ensemble_spec_dimensions(spec, names);
    return SHEAF_OK;
}

static sheaf_status plan_trajectories(shf_importer *in, int ndim, const uint64_t *shape, sheaf_ensemble_spec *spec, sheaf_error *err)
{
    if (ndim < 1) return shf_fail(err, SHEAF_ERR_INPUT, "the input has one dimension: trajectories need a second one, their steps");
    if (ndim - 1 > SHEAF_ENSEMBLE_MAX_NDIM)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the input has %d dimensions; at most %d can be imported", ndim + 1,
                        SHEAF_ENSEMBLE_MAX_NDIM + 2);
    if (shape[0] == 0 || shape[0] > INT32_MAX)
        return shf_fail(err, SHEAF_ERR_INPUT, "trajectories of %llu steps are not possible", (unsigned long long)shape[0]);
    in->n_steps = (uint32_t)shape[0];
    *spec = sheaf_ensemble_spec_by_trajectory(in->n_steps);
    sheaf_ensemble_spec_add(spec, in->name, in->dtype, shape + 1, ndim - 1);
    if (!in->spec->no_summaries) spec->summaries = SHEAF_SUMMARIES_GENERAL;
    return SHEAF_OK;
}

/* The store, once the spec says what the rows are. */
static sheaf_status open_run(shf_importer *in, sheaf_ensemble_spec *spec, sheaf_error *err)
{
    spec->keep_last = in->spec->keep_last;
    spec->codec = in->spec->codec;
    in->n_variables = spec->n_variables;
    shf_path_kind kind = SHF_PATH_NONE;
    if (in->spec->resume) SHF_TRY(shf_path_stat(in->store, &kind, NULL, err));
    SHF_TRY(kind == SHF_PATH_NONE ? sheaf_ensemble_create(in->store, spec, in->options, &in->run, err)
                                  : sheaf_ensemble_resume(in->store, spec, in->options, &in->run, err));
    return spec->kind == SHEAF_BY_STEP ? sheaf_ensemble_next_step(in->run, &in->next_step, err) : SHEAF_OK;
}

static void add_scalar(const shf_importer *in, sheaf_ensemble_spec *spec, const char *name, sheaf_dtype dtype)
{
    sheaf_ensemble_spec_add(spec, name, dtype, NULL, 0);
    if (in->spec->stored != SHEAF_DTYPE_NONE && (dtype == SHEAF_F32 || dtype == SHEAF_F64))
        sheaf_ensemble_spec_store_as(spec, in->spec->stored);
}

sheaf_status shf_importer_begin(shf_importer *in, sheaf_dtype dtype, int ndim, const uint64_t *shape, sheaf_error *err)
{
    sheaf_ensemble_spec spec;
    in->dtype = dtype;
    in->row_bytes = sheaf_dtype_size(dtype);
    for (int i = 0; i < ndim; i++)
        if (!shf_mul_size(in->row_bytes, (size_t)shape[i], &in->row_bytes) || in->row_bytes > SIZE_MAX / 4)
            return shf_fail(err, SHEAF_ERR_INPUT, "one row of the input is too large");
    if (in->spec->kind == SHEAF_BY_STEP) SHF_TRY(plan_steps(in, ndim, shape, &spec, err));
    else SHF_TRY(plan_trajectories(in, ndim, shape, &spec, err));
    if (in->spec->stored != SHEAF_DTYPE_NONE) sheaf_ensemble_spec_store_as(&spec, in->spec->stored);
    spec.interval = in->spec->interval;
    return open_run(in, &spec, err);
}

sheaf_status shf_importer_begin_many(shf_importer *in, size_t n, char (*names)[SHEAF_MAX_NAME + 1], const sheaf_dtype *dtypes,
                                     sheaf_error *err)
{
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_step();
    for (size_t i = 0; i < n; i++) add_scalar(in, &spec, names[i], dtypes[i]);
    if (in->spec->name && n > 1)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "the input has %zu variables, named by its columns: a name for one does not fit", n);
    spec.interval = in->spec->interval;
    return open_run(in, &spec, err);
}

sheaf_status shf_importer_begin_trajectories(shf_importer *in, uint32_t n_steps, uint32_t interval, size_t n,
                                             char (*names)[SHEAF_MAX_NAME + 1], const sheaf_dtype *dtypes, sheaf_error *err)
{
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(n_steps);
    if (n > SHEAF_ENSEMBLE_MAX_VARIABLES)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "%zu variables; at most %d are possible", n, SHEAF_ENSEMBLE_MAX_VARIABLES);
    for (size_t i = 0; i < n; i++) add_scalar(in, &spec, n == 1 && in->spec->name ? in->spec->name : names[i], dtypes[i]);
    spec.interval = interval;
    /* Summaries are of every step: what was thinned has none. */
    if (interval == 1 && !in->spec->no_summaries) spec.summaries = SHEAF_SUMMARIES_GENERAL;
    return open_run(in, &spec, err);
}

sheaf_status shf_importer_many(shf_importer *in, const uint8_t *row, const size_t *offsets, const double *time, sheaf_error *err)
{
    const void *values[SHEAF_ENSEMBLE_MAX_VARIABLES];
    uint64_t at = in->n_rows++;
    for (size_t i = 0; i < in->n_variables; i++) values[i] = row + offsets[i];
    if (at < in->next_step && in->spec->resume && at + in->spec->interval <= in->next_step) return SHEAF_OK;
    return sheaf_ensemble_put_step(in->run, at, time ? *time : (double)at, values, err);
}

void shf_importer_rename(shf_importer *in, const char *array)
{
    static const char *const reserved[] = {"time", "trajectory", "length"};
    const char *base = strrchr(array, '/') ? strrchr(array, '/') + 1 : array;
    size_t n = strlen(base);
    if (in->spec->name || n == 0 || n > SHEAF_MAX_NAME || base[0] == '.') return;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(base, reserved[i]) == 0) return;
    memcpy(in->name, base, n + 1);
}

sheaf_status shf_importer_id(const shf_importer *in, sheaf_dtype dtype, const void *values, size_t i, int64_t *id, sheaf_error *err)
{
    if (dtype == SHEAF_I64) {
        memcpy(id, (const int64_t *)values + i, sizeof *id);
        return SHEAF_OK;
    }
    double value = shf_dtype_load(dtype, values, i);
    if (!(fabs(value) < 0x1p63) || value != floor(value))
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, (int64_t)in->n_rows, -1,
                           "the id %.17g of row %llu is no whole number of 64 bits", value, (unsigned long long)in->n_rows + 1);
    *id = (int64_t)value;
    return SHEAF_OK;
}

sheaf_status shf_importer_ids(shf_importer *in, const int64_t *ids, size_t n, sheaf_error *err)
{
    return shf_id_index_add(&in->ids, ids, n, err);
}

sheaf_status shf_importer_row(shf_importer *in, const void *row, const double *time, const int64_t *id, sheaf_error *err)
{
    const void *values[] = {row};
    uint64_t at = in->n_rows++;
    if (in->spec->kind == SHEAF_BY_STEP) {
        if (at < in->next_step && in->spec->resume && at + in->spec->interval <= in->next_step) return SHEAF_OK;
        return sheaf_ensemble_put_step(in->run, at, time ? *time : (double)at, values, err);
    }
    bool there = false;
    int64_t trajectory = id ? *id : (int64_t)at;
    if (in->spec->resume) SHF_TRY(sheaf_ensemble_contains(in->run, trajectory, &there, err));
    return there ? SHEAF_OK : sheaf_ensemble_put_trajectory(in->run, trajectory, in->n_steps, values, NULL, err);
}

/* ---- the whole of it ---- */

/* What a folder without a suffix of ours is: a group inside a Zarr group, or what TrajectoryStorage left. */
static const char *type_of_folder(const char *path)
{
    static const char *const marks[] = {"zarr.json", ".zgroup", ".zarray"};
    shf_path_kind kind;
    if (shf_path_stat(path, &kind, NULL, NULL) != SHEAF_OK || kind != SHF_PATH_FOLDER) return NULL;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        char *mark = shf_path_join(path, marks[i]);
        bool there = mark && shf_path_stat(mark, &kind, NULL, NULL) == SHEAF_OK && kind == SHF_PATH_FILE;
        shf_free(mark);
        if (there) return "zarr";
    }
    return NULL;
}

static sheaf_status find_type(const char *name, const char *path, const shf_import_type **out, sheaf_error *err)
{
    char known[160];
    size_t n = 0;
    const char *suffix = name;
    if (!suffix && path && shf_is_storage(path)) suffix = "trajectory-storage";
    if (!suffix && path) suffix = type_of_folder(path);
    if (!suffix && path && (suffix = strrchr(shf_path_base(path), '.'))) suffix++;
    for (size_t i = 0; i < N_TYPES; i++) {
        if (suffix && strcmp(types[i].name, suffix) == 0) {
            *out = &types[i];
            return SHEAF_OK;
        }
        if (n < sizeof known) n += (size_t)snprintf(known + n, sizeof known - n, " %s", types[i].name);
    }
    if (!suffix)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "the type of the input is not known; known types:%s", known);
    return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, path, NULL, -1, -1, "unknown type \"%.40s\" of input; known types:%s", suffix, known);
}

static sheaf_status name_variable(shf_importer *in, const char *path, sheaf_error *err)
{
    const char *name = in->spec->name, *stem = path ? shf_path_base(path) : "data";
    size_t n = strcspn(stem, "/");
    const char *dot = strrchr(stem, '.');
    if (dot && dot != stem) n = (size_t)(dot - stem);
    if (name) {
        stem = name;
        n = strlen(name);
    }
    if (n == 0 || n > SHEAF_MAX_NAME)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "\"%.100s\" cannot name a variable; give another name", stem);
    memcpy(in->name, stem, n);
    return SHEAF_OK;
}

static void remove_store(const shf_importer *in)
{
    sheaf_status removed = sheaf_store_remove(in->store, NULL);
    (void)removed; /* the first error is the one to tell */
}

/* The end of what went well. A file that an outside reader holds keeps all that was stored; else what could not be ended is not left. */
static sheaf_status ended(const shf_importer *in, sheaf_status status)
{
    if (status != SHEAF_OK && status != SHEAF_ERR_BUSY && !in->spec->resume) remove_store(in);
    return status;
}

/* Records that were appended as they are: each id once, then the end. */
static sheaf_status finish_plain(shf_importer *in, sheaf_status status, sheaf_error *err)
{
    int64_t id;
    uint64_t a, b;
    if (status == SHEAF_OK) status = shf_id_index_finish(&in->ids, err);
    if (status == SHEAF_OK && shf_id_index_duplicate(&in->ids, &id, &a, &b))
        status = shf_fail_at(err, SHEAF_ERR_DUPLICATE, NULL, NULL, (int64_t)b, -1, "trajectory %lld is there twice, in rows %llu and %llu",
                             (long long)id, (unsigned long long)a, (unsigned long long)b);
    if (status == SHEAF_OK) return ended(in, sheaf_store_close(&in->plain, err));
    sheaf_store_free(&in->plain);
    remove_store(in);
    return status;
}

/* Ends the run: whole, or as if it had not been. */
static sheaf_status finish_run(shf_importer *in, sheaf_status status, sheaf_error *err)
{
    if (in->plain) return finish_plain(in, status, err);
    if (status == SHEAF_OK && !in->run) return shf_fail(err, SHEAF_ERR_INPUT, "the input has no rows");
    if (status == SHEAF_OK) return ended(in, sheaf_ensemble_close(&in->run, err));
    bool begun = in->run != NULL;
    if (in->spec->resume || status == SHEAF_ERR_BUDGET) { /* what is committed stays */
        sheaf_status suspended = sheaf_ensemble_suspend(&in->run, NULL);
        (void)suspended;
        return status;
    }
    sheaf_ensemble_free(&in->run);
    if (begun) remove_store(in);
    return status;
}

static sheaf_status finish(shf_importer *in, sheaf_status status, sheaf_error *err)
{
    status = finish_run(in, status, err);
    shf_id_index_free(&in->ids);
    return status;
}

static sheaf_status check(const char *store, const sheaf_import_spec *spec, shf_importer *in, const sheaf_store_options *options,
                          sheaf_error *err)
{
    memset(in, 0, sizeof *in);
    if (!store || !spec || spec->size_bytes != sizeof *spec)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "an import needs a store and a spec of %zu bytes", sizeof *spec);
    if (spec->kind != SHEAF_BY_STEP && spec->kind != SHEAF_BY_TRAJECTORY)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "as steps or as trajectories");
    if (spec->interval == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a sampling interval of 0 is not possible; at least 1");
    in->store = store;
    in->spec = spec;
    in->options = options;
    return SHEAF_OK;
}

sheaf_status sheaf_import_stream(sheaf_source source, void *context, const char *store, const sheaf_import_spec *spec,
                                 const sheaf_store_options *options, sheaf_import_result *result, sheaf_error *err)
{
    shf_importer in;
    const shf_import_type *type;
    SHF_TRY(check(store, spec, &in, options, err));
    if (!source) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no source is given");
    SHF_TRY(find_type(spec->type, NULL, &type, err));
    if (!type->read_stream) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "%s cannot be read from a stream; give a file", type->name);
    SHF_TRY(name_variable(&in, NULL, err));
    shf_stream stream = {source, context};
    sheaf_status status = finish(&in, type->read_stream(&stream, &in, err), err);
    if (status == SHEAF_OK && result) {
        result->n_rows = in.n_rows;
        memcpy(result->name, in.name, sizeof in.name);
    }
    return status;
}

typedef struct file_source {
    shf_file file;
    uint64_t offset;
} file_source;

static sheaf_status read_file(void *context, void *to, size_t n, size_t *got, sheaf_error *err)
{
    file_source *f = context;
    SHF_TRY(shf_file_read_some(&f->file, to, n, f->offset, got, err));
    f->offset += *got;
    return SHEAF_OK;
}

static sheaf_status import_file(const shf_import_type *type, const char *input, shf_importer *in, sheaf_error *err)
{
    if (type->read_path) return type->read_path(input, in, err);
    file_source f = {SHF_FILE_CLOSED, 0};
    shf_stream stream = {read_file, &f};
    SHF_TRY(shf_file_open(&f.file, input, SHF_OPEN_READ, err));
    sheaf_status status = type->read_stream(&stream, in, err);
    if (status != SHEAF_OK) shf_error_locate(err, input, NULL, -1, -1);
    sheaf_status closed = shf_file_close(&f.file, status == SHEAF_OK ? err : NULL);
    return status != SHEAF_OK ? status : closed;
}

sheaf_status sheaf_import(const char *input, const char *store, const sheaf_import_spec *spec, const sheaf_store_options *options,
                          sheaf_import_result *result, sheaf_error *err)
{
    shf_importer in;
    const shf_import_type *type;
    SHF_TRY(check(store, spec, &in, options, err));
    if (!input) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no input is given");
    if (shf_path_within(input, store))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, input, NULL, -1, -1, "the input lies within the store that is to be made of it");
    SHF_TRY(find_type(spec->type, input, &type, err));
    SHF_TRY(name_variable(&in, input, err));
    sheaf_status status = finish(&in, import_file(type, input, &in, err), err);
    if (status != SHEAF_OK) {
        if (!in.run && !in.plain) shf_error_locate(err, input, NULL, -1, -1);
        return status;
    }
    if (result) {
        result->n_rows = in.n_rows;
        memcpy(result->name, in.name, sizeof in.name);
    }
    return SHEAF_OK;
}

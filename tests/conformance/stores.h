// SPDX-License-Identifier: Apache-2.0
/* What conformance cases share: a temporary folder, the formats of this build, a schema with one array of every kind, and its values. */
#ifndef TEST_STORES_H
#define TEST_STORES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dtype.h"
#include "io/file.h"
#include "sheaf/store.h"

static inline void expect_ok_at(sheaf_status status, const sheaf_error *err, const char *file, int line)
{
    if (status != SHEAF_OK) fprintf(stderr, "%s:%d: %s: %s\n", file, line, sheaf_status_name(status), err->message);
    _assert_int_equal((unsigned long long)status, SHEAF_OK, file, line);
}
#define expect_ok(call) expect_ok_at((call), &err, __FILE__, __LINE__)

typedef struct test_folder {
    char path[256];
} test_folder;

static inline void folder_make(test_folder *folder)
{
    /* In memory where that is possible: these tests make and remove thousands of small files. */
    const char *base = getenv("TMPDIR");
    if (!base) base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    snprintf(folder->path, sizeof folder->path, "%s/sheaf-test-XXXXXX", base);
    assert_non_null(mkdtemp(folder->path));
}

static inline void folder_remove(test_folder *folder)
{
    sheaf_error err;
    expect_ok(shf_path_remove_tree(folder->path, &err));
}

/* Path of a store of the i-th format; NULL past the last. */
static inline const char *store_path(const test_folder *folder, size_t format, const char *stem, char *out, size_t size)
{
    const char *name = sheaf_format_name(format);
    if (!name) return NULL;
    const char *suffix = !strcmp(name, "hdf5") ? ".h5" : !strcmp(name, "npy") ? ".npyd" : !strcmp(name, "zarr") ? ".zarr" : ".mem";
    snprintf(out, size, "%s/%s%s", folder->path, stem, suffix);
    return out;
}

static inline bool is_mem(size_t format)
{
    return !strcmp(sheaf_format_name(format), "mem");
}

static inline sheaf_store_options quiet_options(size_t format)
{
    sheaf_store_options options = sheaf_store_options_init();
    options.format = sheaf_format_name(format);
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    options.commit_bytes = 0;
    return options;
}

/* The schema: record dimensions `trajectory` and `event`; fixed `time` 7, `x` 40, `y` 50. */
static inline sheaf_schema *kitchen_sink(void)
{
    sheaf_error err;
    sheaf_schema *schema = NULL;
    static const int32_t time_values[7] = {0, 10, 20, 30, 40, 50, 60};
    expect_ok(sheaf_schema_create(&schema, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "trajectory", SHEAF_GROWS, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "event", SHEAF_GROWS, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "time", 7, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "x", 40, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "y", 50, &err));
    sheaf_array_spec spec = sheaf_array_spec_init("time", SHEAF_I32, 1, (const char *[]){"time"});
    spec.values = time_values;
    expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    spec = sheaf_array_spec_init("trajectory", SHEAF_I64, 1, (const char *[]){"trajectory"});
    spec.chunk[0] = 100;
    expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    spec = sheaf_array_spec_init("assets", SHEAF_F32, 2, (const char *[]){"trajectory", "time"});
    spec.chunk[0] = 64;
    spec.attributes_json = "{\"units\": \"EUR\"}";
    expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    spec = sheaf_array_spec_init("field", SHEAF_F64, 3, (const char *[]){"trajectory", "x", "y"});
    spec.chunk[0] = 16;
    spec.chunk[1] = 13;
    spec.chunk[2] = 32;
    expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    for (int dtype = SHEAF_BOOL; dtype <= SHEAF_F64; dtype++) {
        char name[32];
        snprintf(name, sizeof name, "e_%s", sheaf_dtype_name((sheaf_dtype)dtype));
        spec = sheaf_array_spec_init(name, (sheaf_dtype)dtype, 1, (const char *[]){"event"});
        spec.chunk[0] = 1000;
        expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    }
    expect_ok(sheaf_schema_set_attributes(schema, "{\"model\": \"test\", \"seed\": 7}", &err));
    return schema;
}

/* Value of element k of row `row` of any array: known from its place alone. NaN, infinities, zeros of both signs come in too. */
static inline double value_at(sheaf_dtype dtype, uint64_t row, uint64_t k)
{
    uint64_t h = (row * 0x9e3779b97f4a7c15u) ^ (k * 0xbf58476d1ce4e5b9u);
    h ^= h >> 31;
    if (dtype == SHEAF_BOOL) return (double)(h % 2);
    if (dtype == SHEAF_F32 || dtype == SHEAF_F64) {
        if (h % 97 == 0) return (double)__builtin_nanf("");
        if (h % 97 == 1) return -(double)__builtin_inff();
        if (h % 97 == 2) return -0.0;
        return (double)(float)((double)(h % 100000) / 7.0 - 3000.0);
    }
    return (double)(h % 120);
}

static inline void fill_rows(sheaf_dtype dtype, uint64_t row, uint64_t n, size_t per_row, void *out)
{
    for (uint64_t r = 0; r < n; r++)
        for (size_t k = 0; k < per_row; k++) shf_dtype_store(dtype, out, (size_t)r * per_row + k, value_at(dtype, row + r, k));
}

static inline void append_trajectories(sheaf_store *store, uint64_t row, uint64_t n)
{
    sheaf_error err;
    int64_t *id = malloc(n * sizeof *id);
    float *assets = malloc(n * 7 * sizeof *assets);
    double *field = malloc(n * 2000 * sizeof *field);
    fill_rows(SHEAF_I64, row, n, 1, id);
    fill_rows(SHEAF_F32, row, n, 7, assets);
    fill_rows(SHEAF_F64, row, n, 2000, field);
    uint64_t first;
    expect_ok(sheaf_store_append(store, "trajectory", n, (const void *[]){id, assets, field}, &first, &err));
    assert_int_equal(first, row);
    free(id);
    free(assets);
    free(field);
}

static inline void append_events(sheaf_store *store, uint64_t row, uint64_t n)
{
    sheaf_error err;
    void *columns[11];
    for (int i = 0; i < 11; i++) {
        sheaf_dtype dtype = (sheaf_dtype)(i + 1);
        columns[i] = malloc(n * sheaf_dtype_size(dtype) + 1);
        fill_rows(dtype, row, n, 1, columns[i]);
    }
    expect_ok(sheaf_store_append(store, "event", n, (const void *const *)columns, NULL, &err));
    for (int i = 0; i < 11; i++) free(columns[i]);
}

/* Every committed value of every growing array is what it should be; returns nothing wrong or fails the test. */
static inline void expect_rows(sheaf_store *store, const char *name, uint64_t n_rows)
{
    sheaf_error err;
    sheaf_array_info info;
    expect_ok(sheaf_store_array(store, name, &info, &err));
    assert_int_equal(info.shape[0], n_rows);
    size_t per_row = 1, item = sheaf_dtype_size(info.dtype);
    for (int axis = 1; axis < info.ndim; axis++) per_row *= (size_t)info.shape[axis];
    size_t bytes = (size_t)n_rows * per_row * item;
    void *got = malloc(bytes + 1), *want = malloc(bytes + 1);
    expect_ok(sheaf_store_read(store, name, NULL, got, bytes, &err));
    fill_rows(info.dtype, 0, n_rows, per_row, want);
    if (memcmp(got, want, bytes) != 0) fail_msg("%s: array %s differs", sheaf_store_path(store), name);
    free(got);
    free(want);
}

static inline void expect_kitchen_sink(sheaf_store *store, uint64_t n_trajectories, uint64_t n_events)
{
    expect_rows(store, "trajectory", n_trajectories);
    expect_rows(store, "assets", n_trajectories);
    expect_rows(store, "field", n_trajectories);
    for (int dtype = SHEAF_BOOL; dtype <= SHEAF_F64; dtype++) {
        char name[32];
        snprintf(name, sizeof name, "e_%s", sheaf_dtype_name((sheaf_dtype)dtype));
        expect_rows(store, name, n_events);
    }
}

#endif

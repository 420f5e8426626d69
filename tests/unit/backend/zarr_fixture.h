// SPDX-License-Identifier: Apache-2.0
/* A small stand-in for the store: appends rows whose values follow from their place, makes checkpoints, checks what reads back. */
#ifndef ZARR_FIXTURE_H
#define ZARR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"
#include "base/dtype.h"
#include "io/file.h"

#define OK(expression)                                                                     \
    do {                                                                                   \
        sheaf_status ok_status = (expression);                                             \
        if (ok_status != SHEAF_OK) fail_msg("%s: %s", #expression, fixture_error.message); \
    } while (0)

static sheaf_error fixture_error;

typedef struct writer {
    char path[512];
    shf_layout layout;
    void *state;
    uint64_t rows; /* appended, of record dimension 0 */
} writer;

static inline const char *fixture_folder(void)
{
    static char folder[256];
    const char *base = getenv("TMPDIR");
    /* In memory where it can be: some tests make thousands of small files. */
    if (!base) base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s/sheaf-zarr-XXXXXX", base);
        if (!mkdtemp(folder)) fail_msg("no folder %s", folder);
    }
    return folder;
}

static inline int fixture_teardown(void **unused)
{
    (void)unused;
    return shf_path_remove_tree(fixture_folder(), NULL) != SHEAF_OK;
}

/* Noise, so that encoded sizes are nearly those of the data and differ from chunk to chunk. */
static inline double value_of(size_t array, uint64_t row, uint64_t element)
{
    uint64_t x = (row * 1000003u + element * 7919u + array + 1) * 0x9E3779B97F4A7C15u;
    x ^= x >> 29;
    return (double)(x >> 40) / 64.0;
}

static inline void fill_row(const shf_array *array, size_t index, uint64_t row, uint8_t *to)
{
    uint64_t elements = array->row_bytes / array->item_size;
    for (uint64_t e = 0; e < elements; e++) shf_dtype_store(array->dtype, to, e, value_of(index, row, e));
}

/* The chunk at (block, column) with `rows` rows of the array there, the rest fill values. */
static inline void fill_chunk(const shf_array *array, size_t index, uint64_t block, uint64_t column, uint64_t rows, uint8_t *chunk)
{
    uint64_t at[SHEAF_MAX_NDIM] = {block}, total = array->chunk_bytes / array->item_size;
    uint8_t *row = malloc(array->row_bytes);
    shf_array_column(array, column, at);
    shf_dtype_fill(array->dtype, chunk, total);
    uint64_t line = total / array->chunk[0];
    for (uint64_t r = 0; r < array->chunk[0] && block * array->chunk[0] + r < rows; r++) {
        fill_row(array, index, block * array->chunk[0] + r, row);
        for (uint64_t i = 0; i < line; i++) {
            uint64_t rest = i, element = 0, scale = 1;
            int inside = 1;
            for (int axis = array->ndim - 1; axis >= 1; axis--) {
                uint64_t x = at[axis] * array->chunk[axis] + rest % array->chunk[axis];
                rest /= array->chunk[axis];
                inside = inside && x < array->shape[axis];
                element += x * scale;
                scale *= array->shape[axis];
            }
            if (inside) memcpy(chunk + (r * line + i) * array->item_size, row + element * array->item_size, array->item_size);
        }
    }
    free(row);
}

static inline shf_array *add_array(shf_layout *layout, const char *name, sheaf_dtype dtype, const char *record, uint64_t width,
                                   uint64_t depth, uint64_t chunk_width)
{
    shf_array *array;
    OK(shf_layout_add_array(layout, &array, &fixture_error));
    snprintf(array->name, sizeof array->name, "%s", name);
    array->dtype = dtype;
    array->ndim = width ? 2 : 1;
    snprintf(array->dimensions[0], sizeof array->dimensions[0], "%s", record);
    OK(shf_layout_add_record(layout, record, &array->record, &fixture_error));
    array->chunk[0] = depth;
    if (width) {
        snprintf(array->dimensions[1], sizeof array->dimensions[1], "w%llu", (unsigned long long)width);
        array->shape[1] = width;
        array->chunk[1] = chunk_width;
    }
    return array;
}

static inline void plan_layout(shf_layout *layout)
{
    if (!layout->attributes) layout->attributes = json_object();
    OK(shf_zarr_ops.plan(layout, &fixture_error));
    OK(shf_layout_finish(layout, &fixture_error));
}

static inline void create(writer *w, const char *name, int sync)
{
    snprintf(w->path, sizeof w->path, "%s/%s", fixture_folder(), name);
    plan_layout(&w->layout);
    shf_backend_options options = {.sync = sync, .writable = true};
    OK(shf_zarr_ops.create(w->path, &w->layout, &options, &w->state, &fixture_error));
}

static inline sheaf_status store_chunk(writer *w, size_t index, uint64_t block, uint64_t column, uint64_t rows, int partial,
                                       shf_place *place)
{
    const shf_array *array = &w->layout.arrays[index];
    uint8_t *chunk = malloc(array->chunk_bytes);
    shf_buf encoded = {0};
    uint32_t mask = 0;
    fill_chunk(array, index, block, column, rows, chunk);
    sheaf_status status = shf_zarr_ops.encode(NULL, array, chunk, &encoded, &mask, &fixture_error);
    place->crc = shf_crc32c(0, encoded.data, encoded.size);
    if (status == SHEAF_OK)
        status = partial ? shf_zarr_ops.put_partial(w->state, index, block, column, encoded.data, encoded.size, mask, &fixture_error)
                         : shf_zarr_ops.put(w->state, index, block, column, encoded.data, encoded.size, place, &fixture_error);
    shf_buf_free(&encoded);
    free(chunk);
    return status;
}

/* Chunks that became full; log (may be NULL) is told each place. */
typedef void (*log_place)(void *context, size_t array, uint64_t block, uint64_t column, const shf_place *place);
static inline sheaf_status append(writer *w, uint64_t n, log_place tell, void *context)
{
    uint64_t rows = w->rows + n;
    for (size_t i = 0; i < w->layout.n_arrays; i++) {
        const shf_array *array = &w->layout.arrays[i];
        if (array->record != 0) continue;
        for (uint64_t block = w->rows / array->chunk[0]; block < rows / array->chunk[0]; block++) {
            for (uint64_t column = 0; column < array->n_columns; column++) {
                shf_place place = {0};
                SHF_TRY(store_chunk(w, i, block, column, rows, 0, &place));
                if (tell) tell(context, i, block, column, &place);
            }
        }
    }
    w->rows = rows;
    return SHEAF_OK;
}

static inline sheaf_status checkpoint(writer *w, bool final)
{
    for (size_t i = 0; i < w->layout.n_arrays; i++) {
        const shf_array *array = &w->layout.arrays[i];
        shf_place place;
        if (array->record != 0 || w->rows % array->chunk[0] == 0) continue;
        for (uint64_t column = 0; column < array->n_columns; column++)
            SHF_TRY(store_chunk(w, i, w->rows / array->chunk[0], column, w->rows, 1, &place));
    }
    w->layout.records[0].length = w->rows;
    shf_buf redo = {0};
    bool deferred = true;
    SHF_TRY(shf_zarr_ops.checkpoint_begin(w->state, final, &redo, &deferred, &fixture_error));
    shf_buf_free(&redo);
    if (deferred) return SHEAF_ERR_STATE;
    return shf_zarr_ops.checkpoint_end(w->state, final, &fixture_error);
}

static inline void close_writer(writer *w)
{
    OK(shf_zarr_ops.close(w->state, &fixture_error));
    shf_layout_free(&w->layout);
    memset(w, 0, sizeof *w);
}

static inline void open_store(writer *w, const char *path, bool writable)
{
    memset(w, 0, sizeof *w);
    snprintf(w->path, sizeof w->path, "%s", path);
    shf_backend_options options = {.writable = writable};
    OK(shf_zarr_ops.open(path, &options, &w->layout, &w->state, &fixture_error));
    w->rows = w->layout.n_records ? w->layout.records[0].length : 0;
}

/* Reads every chunk that holds rows and compares the rows below `rows`. */
static inline void check_rows(writer *w, uint64_t rows)
{
    for (size_t i = 0; i < w->layout.n_arrays; i++) {
        const shf_array *array = &w->layout.arrays[i];
        if (array->record != 0) continue;
        uint8_t *expected = malloc(array->chunk_bytes), *chunk = malloc(array->chunk_bytes);
        size_t row = array->chunk_bytes / (size_t)array->chunk[0];
        for (uint64_t block = 0; block * array->chunk[0] < rows; block++) {
            for (uint64_t column = 0; column < array->n_columns; column++) {
                shf_buf got = {0};
                uint32_t mask;
                bool absent;
                OK(shf_zarr_ops.get(w->state, i, block, column, &got, &mask, &absent, &fixture_error));
                if (absent) fail_msg("array %s block %d is absent", array->name, (int)block);
                OK(shf_zarr_ops.decode(NULL, array, got.data, got.size, mask, chunk, &fixture_error));
                fill_chunk(array, i, block, column, rows, expected);
                uint64_t n = rows - block * array->chunk[0];
                assert_memory_equal(chunk, expected, row * (n < array->chunk[0] ? n : array->chunk[0]));
                shf_buf_free(&got);
            }
        }
        free(expected);
        free(chunk);
    }
}

/* A digest of every file's path and bytes below a folder. */
typedef struct tree_hash {
    const char *folder, *below;
    uint32_t crc;
} tree_hash;
static inline sheaf_status hash_entry(void *context, const char *name, sheaf_error *err)
{
    tree_hash *t = context;
    char path[1024], below[1024];
    snprintf(path, sizeof path, "%s/%s", t->folder, name);
    snprintf(below, sizeof below, "%s/%s", t->below, name);
    shf_path_kind kind;
    SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    t->crc = shf_crc32c(t->crc, below, strlen(below));
    if (kind == SHF_PATH_FOLDER) {
        tree_hash inner = {path, below, t->crc};
        SHF_TRY(shf_path_list(path, hash_entry, &inner, err));
        t->crc = inner.crc;
        return SHEAF_OK;
    }
    shf_buf bytes = {0};
    SHF_TRY(shf_path_read(path, (size_t)1 << 30, &bytes, err));
    t->crc = shf_crc32c(t->crc, bytes.data, bytes.size);
    shf_buf_free(&bytes);
    return SHEAF_OK;
}
static inline uint32_t hash_store(const char *path)
{
    tree_hash t = {path, "", 0};
    OK(shf_path_list(path, hash_entry, &t, &fixture_error));
    return t.crc;
}

#endif

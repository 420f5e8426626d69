// SPDX-License-Identifier: Apache-2.0
#include "interchange/copy.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

enum { MOST_ROWS = 1 << 20 };

/* ---- what there is ---- */

/* Arrays in groups of a foreign file are named GROUP/NAME; a name of ours has no '/'. */
static void name_array(const char *name, char *to)
{
    size_t n = strlen(name);
    n = n > SHEAF_MAX_NAME ? SHEAF_MAX_NAME : n;
    memcpy(to, name, n);
    to[n] = '\0';
    for (char *p = to; *p; p++)
        if (*p == '/') *p = '.';
    if (to[0] == '.') to[0] = '_';
}

static bool stands_later(const shf_copy *copy, const char *dimension)
{
    for (size_t a = 0; a < copy->n_arrays; a++)
        for (int i = 1; i < copy->arrays[a].info.ndim; i++)
            if (strcmp(copy->arrays[a].info.dimensions[i], dimension) == 0) return true;
    return false;
}

static sheaf_status add_table(shf_copy *copy, const char *dimension, sheaf_error *err)
{
    for (size_t i = 0; i < copy->n_tables; i++)
        if (strcmp(copy->tables[i], dimension) == 0) return SHEAF_OK;
    char **tables = shf_realloc(copy->tables, (copy->n_tables + 1) * sizeof *tables);
    if (!tables) return shf_fail_memory(err, (copy->n_tables + 1) * sizeof *tables, "record dimensions");
    copy->tables = tables;
    tables[copy->n_tables] = shf_strdup(dimension);
    if (!tables[copy->n_tables]) return shf_fail_memory(err, strlen(dimension), "a record dimension");
    copy->n_tables++;
    return SHEAF_OK;
}

static sheaf_status take_array(shf_copy *copy, size_t i, sheaf_error *err)
{
    shf_copy_array *a = &copy->arrays[i];
    SHF_TRY(sheaf_store_array_at(copy->from, i, &a->info, err));
    name_array(a->info.name, a->name);
    a->dtype = a->info.dtype;
    a->grows = a->info.grows;
    memcpy(a->shape, a->info.shape, sizeof a->shape);
    a->row_items = 1;
    for (int k = 1; k < a->info.ndim; k++)
        if (!shf_mul_size(a->row_items, (size_t)a->shape[k], &a->row_items) || a->row_items > SIZE_MAX / 16)
            return shf_fail_at(err, SHEAF_ERR_RANGE, sheaf_store_path(copy->from), a->info.name, -1, -1, "one row of \"%s\" is too large",
                               a->info.name);
    return SHEAF_OK;
}

sheaf_status shf_copy_begin(sheaf_store *from, size_t block_bytes, shf_copy *copy, sheaf_error *err)
{
    memset(copy, 0, sizeof *copy);
    copy->from = from;
    copy->every = 1;
    copy->block_bytes = block_bytes;
    size_t n = sheaf_store_n_arrays(from);
    if (!n) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(from), NULL, -1, -1, "there is no array in it");
    copy->arrays = shf_calloc(n, sizeof *copy->arrays);
    if (!copy->arrays) return shf_fail_memory(err, n * sizeof *copy->arrays, "arrays");
    copy->n_arrays = n;
    for (size_t i = 0; i < copy->n_arrays; i++) SHF_TRY(take_array(copy, i, err));
    for (size_t i = 0; i < sheaf_store_n_records(from); i++) SHF_TRY(add_table(copy, sheaf_store_record_name(from, i), err));
    bool foreign = copy->n_tables == 0;
    for (size_t i = 0; foreign && i < copy->n_arrays; i++) {
        shf_copy_array *a = &copy->arrays[i];
        if (stands_later(copy, a->info.dimensions[0])) continue;
        a->grows = true;
        SHF_TRY(add_table(copy, a->info.dimensions[0], err));
    }
    return SHEAF_OK;
}

void shf_copy_free(shf_copy *copy)
{
    for (size_t i = 0; i < copy->n_arrays; i++) shf_free(copy->arrays[i].values);
    for (size_t i = 0; i < copy->n_tables; i++) shf_free(copy->tables[i]);
    shf_free(copy->tables);
    shf_free(copy->arrays);
    memset(copy, 0, sizeof *copy);
}

sheaf_status shf_copy_thin(shf_copy *copy, const char *dimension, uint64_t every, uint64_t n_regular, bool last, sheaf_error *err)
{
    copy->time = dimension;
    copy->every = every;
    for (size_t i = 0; i < copy->n_arrays; i++) {
        shf_copy_array *a = &copy->arrays[i];
        for (int k = 0; k < a->info.ndim; k++) {
            if (strcmp(a->info.dimensions[k], dimension) != 0) continue;
            copy->n_time = a->info.shape[k];
            n_regular = shf_min_u64(n_regular, copy->n_time);
            copy->n_kept = shf_ceil_div(n_regular, every);
            bool on_stride = n_regular == copy->n_time && copy->n_time && (copy->n_time - 1) % every == 0;
            copy->last_off_stride = last && copy->n_time && !on_stride;
            copy->n_kept += copy->last_off_stride;
            if (k) a->row_items = a->row_items / (size_t)a->shape[k] * (size_t)copy->n_kept;
            a->shape[k] = copy->n_kept;
        }
    }
    if (copy->n_kept == 0 && copy->n_time)
        return shf_fail(err, SHEAF_ERR_RANGE, "nothing is left of dimension \"%s\" at every %llu", dimension, (unsigned long long)every);
    return SHEAF_OK;
}

uint64_t shf_copy_length(const shf_copy *copy, const char *table)
{
    for (size_t i = 0; i < copy->n_arrays; i++)
        if (copy->arrays[i].grows && strcmp(copy->arrays[i].info.dimensions[0], table) == 0) return copy->arrays[i].shape[0];
    return 0;
}

/* ---- values ---- */

/* Position in the source of the j-th kept one. */
static uint64_t position(const shf_copy *copy, uint64_t j)
{
    return copy->last_off_stride && j + 1 == copy->n_kept ? copy->n_time - 1 : j * copy->every;
}

/* Positions first … first + n - 1 of an axis as a selection; indices: room for n. */
static sheaf_selection select_axis(const shf_copy *copy, const char *dimension, uint64_t first, uint64_t n, uint64_t *indices)
{
    if (!copy->time || strcmp(copy->time, dimension) != 0) return sheaf_select_range(first, first + n, 1);
    for (uint64_t j = 0; j < n; j++) indices[j] = position(copy, first + j);
    return sheaf_select_list(indices, (size_t)n);
}

sheaf_status shf_copy_read(const shf_copy *copy, const shf_copy_array *a, uint64_t first, uint64_t n, void *to, void *raw, sheaf_error *err)
{
    sheaf_selection s[SHEAF_MAX_NDIM];
    uint64_t *indices = copy->time ? shf_malloc((size_t)(n + copy->n_kept) * sizeof *indices + 1) : NULL;
    if (copy->time && !indices) return shf_fail_memory(err, (size_t)(n + copy->n_kept) * sizeof *indices, "positions along time");
    s[0] = select_axis(copy, a->info.dimensions[0], first, n, indices);
    for (int k = 1; k < a->info.ndim; k++) s[k] = select_axis(copy, a->info.dimensions[k], 0, a->shape[k], indices ? indices + n : NULL);
    size_t items = (size_t)n * a->row_items;
    bool same = a->dtype == a->info.dtype;
    sheaf_status status = sheaf_store_read(copy->from, a->info.name, s, same ? to : raw, items * sheaf_dtype_size(a->info.dtype), err);
    if (status == SHEAF_OK && !same) shf_dtype_convert(a->info.dtype, raw, a->dtype, to, items);
    shf_free(indices);
    return status;
}

/* Whole content of a fixed array; *out is Owned by the caller. */
static sheaf_status read_fixed(const shf_copy *copy, const shf_copy_array *a, void **out, sheaf_error *err)
{
    size_t items, from_bytes = sheaf_dtype_size(a->info.dtype), to_bytes = sheaf_dtype_size(a->dtype);
    if (!shf_mul_size(a->row_items, (size_t)a->shape[0], &items) || items > SIZE_MAX / 16) return shf_fail_memory(err, SIZE_MAX, a->name);
    void *values = shf_malloc(items * to_bytes + 1), *raw = a->dtype == a->info.dtype ? NULL : shf_malloc(items * from_bytes + 1);
    sheaf_status status = SHEAF_OK;
    if (!values || (a->dtype != a->info.dtype && !raw)) status = shf_fail_memory(err, items * to_bytes, a->name);
    if (status == SHEAF_OK) status = shf_copy_read(copy, a, 0, a->shape[0], values, raw, err);
    shf_free(raw);
    if (status == SHEAF_OK) *out = values;
    else shf_free(values);
    return status;
}

static sheaf_status add_array(const shf_copy *copy, const shf_copy_array *a, sheaf_codec codec, int level, sheaf_schema *schema,
                              sheaf_error *err)
{
    for (int k = 0; k < a->info.ndim; k++)
        SHF_TRY(sheaf_schema_add_dimension(schema, a->info.dimensions[k], k == 0 && a->grows ? SHEAF_GROWS : a->shape[k], err));
    sheaf_array_spec spec = sheaf_array_spec_init(a->name, a->dtype, a->info.ndim, a->info.dimensions);
    char *attributes = NULL;
    void *values = NULL;
    spec.codec = codec;
    spec.level = level;
    sheaf_status status = sheaf_store_attributes(copy->from, a->info.name, &attributes, err);
    if (status == SHEAF_OK && !a->grows && !a->values) status = read_fixed(copy, a, &values, err);
    spec.attributes_json = attributes;
    spec.values = a->values ? a->values : values;
    if (status == SHEAF_OK) status = sheaf_schema_add_array(schema, &spec, err);
    if (status != SHEAF_OK) shf_error_locate(err, sheaf_store_path(copy->from), a->info.name, -1, -1);
    shf_free(values);
    sheaf_string_free(attributes);
    return status;
}

sheaf_status shf_copy_schema(const shf_copy *copy, sheaf_codec codec, int level, sheaf_schema *schema, sheaf_error *err)
{
    for (size_t i = 0; i < copy->n_tables; i++) SHF_TRY(sheaf_schema_add_dimension(schema, copy->tables[i], SHEAF_GROWS, err));
    for (size_t i = 0; i < copy->n_arrays; i++) SHF_TRY(add_array(copy, &copy->arrays[i], codec, level, schema, err));
    return SHEAF_OK;
}

/* ---- rows ---- */

/* Blocks of one table: values[i] and the room for the source's type of the i-th column. */
typedef struct block {
    const shf_copy_array *columns[256];
    size_t n_columns;
    uint64_t n_rows;
    void *values[256];
    void *raw;
} block;

static sheaf_status make_block(const shf_copy *copy, const char *table, uint64_t n_rows, block *b, sheaf_error *err)
{
    size_t row_bytes = 1, raw_bytes = 0;
    uint64_t chunk = 1;
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < copy->n_arrays; i++) {
        const shf_copy_array *a = &copy->arrays[i];
        if (!a->grows || strcmp(a->info.dimensions[0], table) != 0) continue;
        if (b->n_columns == 256) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "more than 256 arrays over dimension \"%s\"", table);
        b->columns[b->n_columns++] = a;
        row_bytes += a->row_items * sheaf_dtype_size(a->dtype);
        size_t raw = a->dtype == a->info.dtype ? 0 : a->row_items * sheaf_dtype_size(a->info.dtype);
        raw_bytes = raw > raw_bytes ? raw : raw_bytes;
        chunk = shf_max_u64(chunk, a->info.chunk[0]);
    }
    b->n_rows = shf_max_u64(1, shf_min_u64(MOST_ROWS, copy->block_bytes / (row_bytes + raw_bytes)));
    /* Whole chunks of the source at a time, so that each is decoded once. */
    if (b->n_rows > chunk) b->n_rows -= b->n_rows % chunk;
    b->n_rows = shf_max_u64(1, shf_min_u64(b->n_rows, n_rows));
    b->raw = shf_malloc((size_t)b->n_rows * raw_bytes + 1);
    bool bad = !b->raw;
    for (size_t i = 0; i < b->n_columns; i++) {
        b->values[i] = shf_malloc_aligned((size_t)b->n_rows * b->columns[i]->row_items * sheaf_dtype_size(b->columns[i]->dtype) + 1);
        bad |= !b->values[i];
    }
    return bad ? shf_fail_memory(err, (size_t)b->n_rows * row_bytes, "rows") : SHEAF_OK;
}

static void free_block(block *b)
{
    for (size_t i = 0; i < b->n_columns; i++) shf_free(b->values[i]);
    shf_free(b->raw);
}

sheaf_status shf_copy_rows(const shf_copy *copy, const char *table, uint64_t first, uint64_t last, sheaf_store *to,
                           sheaf_progress_callback progress, void *context, uint64_t *done, uint64_t total, sheaf_error *err)
{
    block b;
    sheaf_status status = make_block(copy, table, last - first, &b, err);
    for (uint64_t row = first; row < last && status == SHEAF_OK; row += b.n_rows) {
        uint64_t n = shf_min_u64(b.n_rows, last - row);
        for (size_t i = 0; i < b.n_columns && status == SHEAF_OK; i++)
            status = shf_copy_read(copy, b.columns[i], row, n, b.values[i], b.raw, err);
        if (status == SHEAF_OK) status = sheaf_store_append(to, table, n, (const void *const *)b.values, NULL, err);
        *done += n;
        if (status == SHEAF_OK && progress) progress(context, *done, total);
    }
    free_block(&b);
    return status;
}

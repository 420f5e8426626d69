// SPDX-License-Identifier: Apache-2.0
/* Parquet out: a flat table as text would have it, or trajectories as a long or a wide one. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "interchange/export.h"
#include "interchange/parquet_out.h"
#include "interchange/table_plan.h"

/* ---- a flat table, its columns gathered side by side ---- */

typedef struct flat {
    const char *path;
    shf_parquet_writer *writer;
    size_t n_columns;
    uint8_t **values, **valid;
    size_t capacity; /* rows */
    shf_parquet_values *out;
} flat;

static sheaf_status begin_flat(void *context, const sheaf_column *columns, size_t n_columns, sheaf_error *err)
{
    flat *f = context;
    shf_pq_field *fields = shf_calloc(n_columns, sizeof *fields);
    f->n_columns = n_columns;
    f->values = shf_calloc(n_columns, sizeof *f->values);
    f->valid = shf_calloc(n_columns, sizeof *f->valid);
    f->out = shf_calloc(n_columns, sizeof *f->out);
    sheaf_status status =
        fields && f->values && f->valid && f->out ? SHEAF_OK : shf_fail_memory(err, n_columns * sizeof *fields, "columns");
    for (size_t c = 0; c < n_columns && status == SHEAF_OK; c++)
        fields[c] = shf_parquet_field_of_dtype(columns[c].name, columns[c].dtype, columns[c].absent != NULL);
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.rows_per_group = shf_max_u64(1024, shf_min_u64(1 << 20, ((uint64_t)64 << 20) / (8 * n_columns)));
    if (status == SHEAF_OK) status = shf_parquet_writer_create(f->path, fields, n_columns, &options, &f->writer, err);
    shf_free(fields);
    return status;
}

static sheaf_status make_room(flat *f, const sheaf_column *columns, size_t n_rows, sheaf_error *err)
{
    if (n_rows <= f->capacity) return SHEAF_OK;
    for (size_t c = 0; c < f->n_columns; c++) {
        shf_free(f->values[c]);
        shf_free(f->valid[c]);
        f->values[c] = shf_malloc(n_rows * 8);
        f->valid[c] = columns[c].absent ? shf_malloc(n_rows) : NULL;
        if (!f->values[c] || (columns[c].absent && !f->valid[c])) return shf_fail_memory(err, n_rows * 8, "a column");
    }
    f->capacity = n_rows;
    return SHEAF_OK;
}

static sheaf_status take_rows(void *context, const sheaf_column *columns, size_t n_rows, sheaf_error *err)
{
    flat *f = context;
    SHF_TRY(make_room(f, columns, n_rows, err));
    for (size_t c = 0; c < f->n_columns; c++) {
        size_t size = sheaf_dtype_size(columns[c].dtype), stride = columns[c].stride_bytes ? columns[c].stride_bytes : size;
        shf_parquet_gather(columns[c].dtype, columns[c].values, stride, n_rows, f->values[c]);
        f->out[c] = (shf_parquet_values){.values = f->values[c], .valid = f->valid[c]};
        size_t step = columns[c].absent_stride ? columns[c].absent_stride : 1;
        for (size_t r = 0; f->valid[c] && r < n_rows; r++) f->valid[c][r] = !columns[c].absent[r * step];
    }
    return shf_parquet_writer_append(f->writer, n_rows, f->out, err);
}

static sheaf_status export_flat(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err)
{
    flat f = {.path = path};
    const shf_table_sink sink = {begin_flat, take_rows, &f};
    sheaf_status status = shf_table_run(store, spec, &sink, n_rows, err);
    if (status == SHEAF_OK) status = shf_parquet_writer_close(&f.writer, err);
    shf_parquet_writer_free(f.writer);
    for (size_t c = 0; f.values && f.valid && c < f.n_columns; c++) {
        shf_free(f.values[c]);
        shf_free(f.valid[c]);
    }
    shf_free(f.values);
    shf_free(f.valid);
    shf_free(f.out);
    return status;
}

/* What Parquet wants of each type: booleans and small integers in their own width as 32 bits. */
void shf_parquet_gather(sheaf_dtype dtype, const void *from, size_t stride, size_t n, void *to)
{
    const uint8_t *p = from;
    size_t size = sheaf_dtype_size(dtype);
    switch (dtype) {
    case SHEAF_I8:
        for (size_t i = 0; i < n; i++)
            ((int32_t *)to)[i] = ((const int8_t *)from)[i * stride]; // NOLINT(bugprone-signed-char-misuse): a number, not a character
        return;
    case SHEAF_U8:
        for (size_t i = 0; i < n; i++) ((int32_t *)to)[i] = p[i * stride];
        return;
    case SHEAF_I16:
        for (size_t i = 0; i < n; i++) ((int32_t *)to)[i] = (int16_t)shf_get_u16(p + i * stride);
        return;
    case SHEAF_U16:
        for (size_t i = 0; i < n; i++) ((int32_t *)to)[i] = shf_get_u16(p + i * stride);
        return;
    default:
        if (stride == size) memcpy(to, p, n * size);
        else
            for (size_t i = 0; i < n; i++) memcpy((uint8_t *)to + i * size, p + i * stride, size);
    }
}

sheaf_status shf_export_parquet(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err)
{
    if (spec->wide) return shf_export_wide(store, spec, path, n_rows, err);
    bool is_long;
    SHF_TRY(shf_export_is_long(store, spec->what, &is_long, err));
    return is_long ? shf_export_long(store, spec, path, n_rows, err) : export_flat(store, spec, path, n_rows, err);
}

// SPDX-License-Identifier: Apache-2.0
/* Wide tables as scenario series have them: column k is the k-th trajectory by growing id, row t the t-th stored step. Values beyond a
 * trajectory's length are absent. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "interchange/parquet_out.h"
#include "interchange/table_plan.h"

enum { BLOCK_BYTES = 16 << 20, MOST_COLUMNS = 1 << 22 };

typedef struct wide {
    sheaf_store *store;
    sheaf_array_info info;
    bool by_trajectory; /* columns lie along axis 0, else along axis 1 */
    uint64_t n_columns, n_rows;
    shf_id_index index; /* by trajectory, where there are ids */
    bool ordered, ragged;
    int64_t interval;
} wide;

static sheaf_status look(wide *w, const char *what, sheaf_error *err)
{
    SHF_TRY(sheaf_store_array(w->store, what, &w->info, err));
    if (w->info.ndim != 2)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, sheaf_store_path(w->store), what, -1, -1,
                           "\"%s\" has %d dimensions; a wide table needs two, trajectories and steps", what, w->info.ndim);
    shf_table_about about;
    SHF_TRY(shf_table_about_read(w->store, &about, err));
    w->by_trajectory = strcmp(w->info.dimensions[0], "trajectory") == 0;
    w->n_columns = w->info.shape[w->by_trajectory ? 0 : 1];
    w->n_rows = w->info.shape[w->by_trajectory ? 1 : 0];
    w->interval = about.interval;
    if (w->n_columns == 0 || w->n_columns > MOST_COLUMNS)
        return shf_fail_at(err, SHEAF_ERR_RANGE, sheaf_store_path(w->store), what, -1, -1,
                           "a wide table of %llu columns; 1 to %d are possible", (unsigned long long)w->n_columns, MOST_COLUMNS);
    sheaf_array_info other;
    w->ordered = w->by_trajectory && w->info.grows && sheaf_store_array(w->store, "trajectory", &other, NULL) == SHEAF_OK;
    w->ragged =
        w->ordered && sheaf_store_array(w->store, "length", &other, NULL) == SHEAF_OK && other.dtype == SHEAF_I32 && other.ndim == 1;
    return w->ordered ? shf_table_index_ids(w->store, w->info.shape[0], &w->index, err) : SHEAF_OK;
}

static sheaf_status create_writer(const wide *w, const char *path, shf_parquet_writer **out, sheaf_error *err)
{
    shf_pq_field *fields = shf_calloc((size_t)w->n_columns, sizeof *fields);
    char(*names)[24] = shf_calloc((size_t)w->n_columns, sizeof *names);
    sheaf_status status = fields && names ? SHEAF_OK : shf_fail_memory(err, (size_t)w->n_columns * sizeof *fields, "columns");
    for (size_t c = 0; c < w->n_columns && status == SHEAF_OK; c++) {
        snprintf(names[c], sizeof names[c], "%zu", c);
        fields[c] = shf_parquet_field_of_dtype(names[c], w->info.dtype, w->ragged);
    }
    if (status == SHEAF_OK) status = shf_parquet_writer_create(path, fields, (size_t)w->n_columns, NULL, out, err);
    shf_free(fields);
    shf_free(names);
    return status;
}

/* n columns from `first` on: values column by column for trajectories, else interleaved. */
static sheaf_status read_columns(wide *w, uint64_t first, size_t n, uint64_t *rows, void *values, int32_t *length, sheaf_error *err)
{
    size_t bytes = n * (size_t)w->n_rows * sheaf_dtype_size(w->info.dtype);
    sheaf_selection s[2] = {sheaf_select_all(), sheaf_select_all()};
    s[w->by_trajectory ? 0 : 1] = sheaf_select_range(first, first + n, 1);
    if (w->ordered) {
        shf_id_index_rows(&w->index, first, n, rows);
        s[0] = sheaf_select_list(rows, n);
        if (w->ragged) SHF_TRY(sheaf_store_read(w->store, "length", s, length, n * sizeof *length, err));
    }
    return sheaf_store_read(w->store, w->info.name, s, values, bytes, err);
}

static sheaf_status write_columns(wide *w, shf_parquet_writer *writer, size_t block, uint8_t *values, uint8_t *column, uint8_t *valid,
                                  uint64_t *rows, int32_t *length, sheaf_error *err)
{
    size_t size = sheaf_dtype_size(w->info.dtype), n_rows = (size_t)w->n_rows;
    SHF_TRY(shf_parquet_writer_begin_group(writer, w->n_rows, err));
    for (uint64_t first = 0; first < w->n_columns; first += block) {
        size_t n = (size_t)shf_min_u64(block, w->n_columns - first);
        SHF_TRY(read_columns(w, first, n, rows, values, length, err));
        for (size_t c = 0; c < n; c++) {
            shf_parquet_gather(w->info.dtype, values + (w->by_trajectory ? c * n_rows : c) * size, (w->by_trajectory ? 1 : n) * size,
                               n_rows, column);
            for (size_t t = 0; w->ragged && t < n_rows; t++) valid[t] = (int64_t)t * w->interval < length[c];
            const shf_parquet_values out = {.values = column, .valid = w->ragged ? valid : NULL};
            SHF_TRY(shf_parquet_writer_column(writer, &out, err));
        }
    }
    return shf_parquet_writer_end_group(writer, err);
}

static sheaf_status write_wide(wide *w, shf_parquet_writer *writer, sheaf_error *err)
{
    size_t bytes = (size_t)w->n_rows * sheaf_dtype_size(w->info.dtype);
    if (w->n_rows == 0) return SHEAF_OK;
    size_t block = (size_t)shf_max_u64(1, shf_min_u64(BLOCK_BYTES / bytes, w->n_columns));
    /* Whole chunks at a time, so that each is decoded once. */
    size_t chunk = (size_t)w->info.chunk[w->by_trajectory ? 0 : 1];
    if (chunk && block > chunk) block -= block % chunk;
    uint8_t *values = shf_malloc(block * bytes), *column = shf_malloc((size_t)w->n_rows * 8), *valid = shf_malloc((size_t)w->n_rows);
    uint64_t *rows = shf_malloc(block * sizeof *rows);
    int32_t *length = shf_malloc(block * sizeof *length);
    sheaf_status status = values && column && valid && rows && length
                              ? write_columns(w, writer, block, values, column, valid, rows, length, err)
                              : shf_fail_memory(err, block * bytes, "columns");
    shf_free(values);
    shf_free(column);
    shf_free(valid);
    shf_free(rows);
    shf_free(length);
    return status;
}

sheaf_status shf_export_wide(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err)
{
    wide w = {.store = store};
    shf_parquet_writer *writer = NULL;
    sheaf_status status = look(&w, spec->what, err);
    if (status == SHEAF_OK) status = create_writer(&w, path, &writer, err);
    if (status == SHEAF_OK) status = write_wide(&w, writer, err);
    if (status == SHEAF_OK) status = shf_parquet_writer_close(&writer, err);
    shf_parquet_writer_free(writer);
    shf_id_index_free(&w.index);
    if (n_rows) *n_rows = w.n_rows;
    return status;
}

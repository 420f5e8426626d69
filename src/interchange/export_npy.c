// SPDX-License-Identifier: Apache-2.0
/* One array as .npy, trajectories by growing id. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/npy.h"
#include "interchange/export.h"
#include "interchange/table_plan.h"

enum { BLOCK_BYTES = 4 << 20 };

/* Ids of the rows, so that they can be put in order; none when the rows are no trajectories. */
static sheaf_status index_ids(sheaf_store *store, const sheaf_array_info *info, shf_id_index *index, bool *ordered, sheaf_error *err)
{
    sheaf_array_info ids;
    *ordered =
        info->grows && strcmp(info->dimensions[0], "trajectory") == 0 && sheaf_store_array(store, "trajectory", &ids, NULL) == SHEAF_OK;
    return *ordered ? shf_table_index_ids(store, info->shape[0], index, err) : SHEAF_OK;
}

static sheaf_status write_rows(sheaf_store *store, const sheaf_array_info *info, shf_id_index *index, size_t row_bytes,
                               const shf_bytes_sink *sink, sheaf_error *err)
{
    size_t block = row_bytes ? BLOCK_BYTES / row_bytes : 1;
    block = block < 1 ? 1 : block > 65536 ? 65536 : block;
    uint8_t *values = shf_malloc(block * row_bytes + 1);
    uint64_t *rows = shf_malloc(block * sizeof *rows);
    sheaf_status status = values && rows ? SHEAF_OK : shf_fail_memory(err, block * row_bytes, "rows");
    for (uint64_t row = 0; row < info->shape[0] && status == SHEAF_OK; row += block) {
        size_t n = (size_t)shf_min_u64(block, info->shape[0] - row);
        sheaf_selection s[SHEAF_MAX_NDIM];
        for (int i = 0; i < SHEAF_MAX_NDIM; i++) s[i] = sheaf_select_all();
        if (index) shf_id_index_rows(index, row, n, rows);
        s[0] = index ? sheaf_select_list(rows, n) : sheaf_select_range(row, row + n, 1);
        status = sheaf_store_read(store, info->name, s, values, n * row_bytes, err);
        if (status == SHEAF_OK) status = sink->put(sink->context, values, n * row_bytes, err);
    }
    shf_free(values);
    shf_free(rows);
    return status;
}

sheaf_status shf_export_npy_array(sheaf_store *store, const sheaf_array_info *info, const shf_bytes_sink *sink, sheaf_error *err)
{
    shf_npy_header h = {.dtype = info->dtype, .ndim = (unsigned)info->ndim};
    uint8_t header[SHF_NPY_HEADER_SIZE];
    size_t row_bytes = sheaf_dtype_size(info->dtype);
    for (int i = 0; i < info->ndim; i++) {
        h.shape[i] = info->shape[i];
        if (i && !shf_mul_size(row_bytes, (size_t)info->shape[i], &row_bytes)) return shf_fail_memory(err, SIZE_MAX, "a row");
    }
    SHF_TRY(shf_npy_format(&h, header, sizeof header, err));
    SHF_TRY(sink->put(sink->context, header, sizeof header, err));
    shf_id_index index = {0};
    bool ordered = false;
    sheaf_status status = index_ids(store, info, &index, &ordered, err);
    if (status == SHEAF_OK) status = write_rows(store, info, ordered ? &index : NULL, row_bytes, sink, err);
    shf_id_index_free(&index);
    return status;
}

typedef struct npy_file {
    shf_file *file;
    uint64_t offset;
} npy_file;

static sheaf_status put(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    npy_file *f = context;
    SHF_TRY(shf_file_write(f->file, bytes, n, f->offset, err));
    f->offset += n;
    return SHEAF_OK;
}

sheaf_status shf_export_npy(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err)
{
    sheaf_array_info info;
    npy_file f = {file, 0};
    const shf_bytes_sink sink = {put, &f};
    if (strcmp(spec->what, "all") == 0 || strcmp(spec->what, "summaries") == 0)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "a .npy file holds one array: name it");
    SHF_TRY(sheaf_store_array(store, spec->what, &info, err));
    if (n_rows) *n_rows = info.shape[0];
    return shf_export_npy_array(store, &info, &sink, err);
}

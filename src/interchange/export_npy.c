// SPDX-License-Identifier: Apache-2.0
/* One array as .npy, trajectories by growing id. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/id_index.h"
#include "format/npy.h"
#include "interchange/export.h"

enum { BLOCK_BYTES = 4 << 20, ID_BLOCK = 2048 };

/* Ids of the rows, so that they can be put in order; none when the rows are no trajectories. */
static sheaf_status index_ids(sheaf_store *store, const sheaf_array_info *info, shf_id_index *index, bool *ordered, sheaf_error *err)
{
    sheaf_array_info ids;
    int64_t block[ID_BLOCK];
    *ordered =
        info->grows && strcmp(info->dimensions[0], "trajectory") == 0 && sheaf_store_array(store, "trajectory", &ids, NULL) == SHEAF_OK;
    for (uint64_t row = 0; *ordered && row < info->shape[0]; row += ID_BLOCK) {
        size_t n = (size_t)shf_min_u64(ID_BLOCK, info->shape[0] - row);
        sheaf_selection rows = sheaf_select_range(row, row + n, 1);
        SHF_TRY(sheaf_store_read(store, "trajectory", &rows, block, n * sizeof *block, err));
        SHF_TRY(shf_id_index_add(index, block, n, err));
    }
    return shf_id_index_finish(index, err);
}

static sheaf_status write_rows(sheaf_store *store, const sheaf_array_info *info, shf_id_index *index, size_t row_bytes, shf_file *file,
                               uint64_t offset, sheaf_error *err)
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
        if (status == SHEAF_OK) status = shf_file_write(file, values, n * row_bytes, offset, err);
        offset += n * row_bytes;
    }
    shf_free(values);
    shf_free(rows);
    return status;
}

sheaf_status shf_export_npy(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err)
{
    sheaf_array_info info;
    shf_npy_header h = {0};
    uint8_t header[SHF_NPY_HEADER_SIZE];
    if (strcmp(spec->what, "all") == 0 || strcmp(spec->what, "summaries") == 0)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "a .npy file holds one array: name it");
    SHF_TRY(sheaf_store_array(store, spec->what, &info, err));
    h.dtype = info.dtype;
    h.ndim = (unsigned)info.ndim;
    size_t row_bytes = sheaf_dtype_size(info.dtype);
    for (int i = 0; i < info.ndim; i++) {
        h.shape[i] = info.shape[i];
        if (i && !shf_mul_size(row_bytes, (size_t)info.shape[i], &row_bytes)) return shf_fail_memory(err, SIZE_MAX, "a row");
    }
    SHF_TRY(shf_npy_format(&h, header, sizeof header, err));
    SHF_TRY(shf_file_write(file, header, sizeof header, 0, err));
    shf_id_index index = {0};
    bool ordered = false;
    sheaf_status status = index_ids(store, &info, &index, &ordered, err);
    if (status == SHEAF_OK) status = write_rows(store, &info, ordered ? &index : NULL, row_bytes, file, sizeof header, err);
    shf_id_index_free(&index);
    if (n_rows) *n_rows = info.shape[0];
    return status;
}

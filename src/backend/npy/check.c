// SPDX-License-Identifier: Apache-2.0
/* What a .npyd store is found to hold when it is opened, and its repair. Lengths and shapes come from files: none is trusted to be true. */
#include <string.h>

#include "backend/npy/npy.h"
#include "base/checked.h"
#include "format/npy.h"

/* A repaired array gets so many bytes of rows that nothing but its length speaks for. */
#define MOST_UNBACKED_BYTES ((uint64_t)64 << 20)
/* A file may take up less than its size where the file system compresses, but not less than this part of it; one of holes does. */
#define MOST_COMPRESSION 16

/* Whether a header that was parsed with this outcome is that of the array, its rows apart. */
static bool agrees(const shf_npy_header *header, const shf_array *array, sheaf_status parsed)
{
    bool same = parsed == SHEAF_OK && header->dtype == array->dtype && header->ndim == (unsigned)array->ndim && !header->fortran_order &&
                !header->big_endian;
    for (int axis = 1; same && axis < array->ndim; axis++) same = header->shape[axis] == array->shape[axis];
    return same;
}

/* The file's header against the schema; one that repair shall make again passes. */
static sheaf_status check_header(npy_state *state, size_t i, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    npy_array *file = &state->arrays[i];
    uint8_t bytes[SHF_NPY_HEADER_SIZE] = {0};
    size_t got;
    shf_npy_header header;
    if (state->repair) SHF_TRY(shf_file_read_some(&file->file, bytes, sizeof bytes, 0, &got, err));
    else SHF_TRY(shf_file_read(&file->file, bytes, sizeof bytes, 0, err));
    sheaf_status status = shf_npy_parse(bytes, sizeof bytes, &header, err);
    if (agrees(&header, array, status)) {
        file->data_offset = header.header_size;
        file->stale_header = header.shape[0] != shf_array_rows(state->layout, array);
        return SHEAF_OK;
    }
    if (state->repair) { /* the schema says it all */
        file->data_offset = SHF_NPY_HEADER_SIZE;
        file->stale_header = true;
        return SHEAF_OK;
    }
    if (status == SHEAF_OK)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, file->file.path, array->name, -1, 0, "%s: its header does not agree with sheaf.json",
                           file->file.path);
    shf_error_locate(err, file->file.path, array->name, -1, 0);
    if (err) err->code = SHEAF_ERR_DAMAGED;
    return SHEAF_ERR_DAMAGED;
}

/* Whether file k holds so many rows, and not as holes. */
static sheaf_status bears_out(const npy_state *state, size_t k, uint64_t rows, bool *does, sheaf_error *err)
{
    uint64_t size, allocated, bytes;
    SHF_TRY(shf_file_size(&state->arrays[k].file, &size, err));
    SHF_TRY(shf_file_allocated(&state->arrays[k].file, &allocated, err));
    *does = shf_mul_u64(rows, state->layout->arrays[k].row_bytes, &bytes) && shf_add_u64(bytes, state->arrays[k].data_offset, &bytes) &&
            size >= bytes && allocated >= bytes / MOST_COMPRESSION;
    return SHEAF_OK;
}

/* Whether missing rows may be filled: a length that another array of the table bears out, or little. Any other claim may be of any size, and
 * would fill the disk. */
static sheaf_status check_claim(const npy_state *state, size_t i, uint64_t rows, uint64_t there, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    if (rows - there <= MOST_UNBACKED_BYTES / array->row_bytes) return SHEAF_OK;
    for (size_t k = 0; array->record >= 0 && k < state->n_arrays; k++) {
        bool does = false;
        if (k != i && state->layout->arrays[k].record == array->record) SHF_TRY(bears_out(state, k, rows, &does, err));
        if (does) return SHEAF_OK;
    }
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->arrays[i].file.path, array->name, (int64_t)there, -1,
                       "%s: %llu rows are claimed, %llu are there, and no other array of the table holds as many: not repaired",
                       state->arrays[i].file.path, (unsigned long long)rows, (unsigned long long)there);
}

/* How many bytes the file has, how many the committed rows need, and how many rows are there. */
typedef struct extent {
    uint64_t size, need, there;
} extent;

static sheaf_status measure(const npy_state *state, size_t i, extent *out, sheaf_error *err)
{
    const npy_array *file = &state->arrays[i];
    size_t row_bytes = state->layout->arrays[i].row_bytes;
    SHF_TRY(shf_file_size(&file->file, &out->size, err));
    out->need = file->data_offset + shf_array_rows(state->layout, &state->layout->arrays[i]) * row_bytes;
    out->there = (out->size - shf_min_u64(out->size, file->data_offset)) / row_bytes;
    return SHEAF_OK;
}

static sheaf_status check_rows(const npy_state *state, size_t i, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    const char *path = state->arrays[i].file.path;
    uint64_t rows = shf_array_rows(state->layout, array);
    extent e;
    SHF_TRY(measure(state, i, &e, err));
    if (e.size >= e.need) return SHEAF_OK;
    if (state->repair) return check_claim(state, i, rows, e.there, err);
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, path, array->name, (int64_t)e.there, (int64_t)e.size,
                       "%s: expected %llu bytes for %llu rows, got %llu", path, (unsigned long long)e.need, (unsigned long long)rows,
                       (unsigned long long)e.size);
}

static sheaf_status settle(npy_state *state, size_t i, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    npy_array *file = &state->arrays[i];
    uint64_t rows = shf_array_rows(state->layout, array);
    extent e;
    SHF_TRY(measure(state, i, &e, err));
    if (e.size < e.need) {
        SHF_TRY(shf_npyd_fill_rows(state, i, e.there, rows - e.there, err));
        file->filled = rows - e.there;
        file->summed_bytes = 0;
    }
    if (e.size > e.need && array->record >= 0) SHF_TRY(shf_file_truncate(&file->file, e.need, err));
    return file->stale_header ? shf_npyd_header_write(state, i, rows, err) : SHEAF_OK;
}

sheaf_status shf_npyd_check(npy_state *state, sheaf_error *err)
{
    for (size_t i = 0; i < state->n_arrays; i++) SHF_TRY(check_header(state, i, err));
    for (size_t i = 0; i < state->n_arrays; i++) SHF_TRY(check_rows(state, i, err));
    for (size_t i = 0; i < state->n_arrays; i++) {
        if (state->writable) SHF_TRY(settle(state, i, err));
        state->arrays[i].rows = shf_array_rows(state->layout, &state->layout->arrays[i]);
    }
    return SHEAF_OK;
}

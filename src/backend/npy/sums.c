// SPDX-License-Identifier: Apache-2.0
/* Checksums of a .npyd store: sheaf.sum holds a crc32c for each MiB of each array's data, as of the last checkpoint.
 *
 * Bytes: magic u32, arrays u32; for each array: covered bytes u64, then ceil(covered / MiB) crc32c u32; at the end crc32c u32 of all before. */
#include <string.h>

#include "backend/npy/npy.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"

#define SUMS_MAGIC 0x31534853u /* "SHS1" */
#define BLOCK_BYTES NPY_SUM_BLOCK_BYTES

static sheaf_status room_for(npy_array *array, uint64_t n_blocks, sheaf_error *err)
{
    if (n_blocks <= array->sums_capacity) return SHEAF_OK;
    uint64_t capacity = shf_max_u64(n_blocks, array->sums_capacity * 2 + 16);
    uint32_t *sums = shf_realloc(array->sums, (size_t)capacity * sizeof *sums);
    if (!sums) return shf_fail_memory(err, (size_t)capacity * sizeof *sums, "checksums");
    array->sums = sums;
    array->sums_capacity = capacity;
    return SHEAF_OK;
}

sheaf_status shf_npyd_sums_add(npy_array *array, const void *bytes, uint64_t n, sheaf_error *err)
{
    const uint8_t *from = bytes;
    SHF_TRY(room_for(array, shf_ceil_div(array->summed_bytes + n, BLOCK_BYTES), err));
    while (n > 0) {
        uint64_t block = array->summed_bytes / BLOCK_BYTES, at = array->summed_bytes % BLOCK_BYTES, part = shf_min_u64(n, BLOCK_BYTES - at);
        array->sums[block] = shf_crc32c(at ? array->sums[block] : 0, from, (size_t)part);
        array->summed_bytes += part;
        from += part;
        n -= part;
    }
    return SHEAF_OK;
}

sheaf_status shf_npyd_sums_write(npy_state *state, sheaf_error *err)
{
    shf_buf bytes = {0};
    uint8_t number[8];
    shf_set_u32(number, SUMS_MAGIC);
    shf_set_u32(number + 4, (uint32_t)state->layout->n_arrays);
    sheaf_status status = shf_buf_append(&bytes, number, 8, err);
    for (size_t i = 0; status == SHEAF_OK && i < state->layout->n_arrays; i++) {
        const npy_array *array = &state->arrays[i];
        shf_set_u64(number, array->summed_bytes);
        status = shf_buf_append(&bytes, number, 8, err);
        if (status == SHEAF_OK)
            status = shf_buf_append(&bytes, array->sums, (size_t)shf_ceil_div(array->summed_bytes, BLOCK_BYTES) * 4, err);
    }
    shf_set_u32(number, shf_crc32c(0, bytes.data, bytes.size));
    if (status == SHEAF_OK) status = shf_buf_append(&bytes, number, 4, err);
    char *path = shf_path_join(state->path, "sheaf.sum");
    if (status == SHEAF_OK && !path) status = shf_fail_memory(err, 64, "a path");
    if (status == SHEAF_OK) status = shf_path_replace(path, bytes.data, bytes.size, state->sync, err);
    state->written += bytes.size;
    state->sums_bytes = bytes.size;
    shf_free(path);
    shf_buf_free(&bytes);
    return status;
}

/* Takes the checksums of array i, as far as they cover committed bytes, from *at on. */
static sheaf_status take_array(npy_state *state, size_t i, const shf_buf *bytes, size_t *at, sheaf_error *err)
{
    npy_array *array = &state->arrays[i];
    if (bytes->size - 4 - *at < 8) return SHEAF_ERR_DAMAGED;
    uint64_t covered = shf_get_u64(bytes->data + *at), n_blocks = shf_ceil_div(covered, BLOCK_BYTES);
    *at += 8;
    if (n_blocks > (bytes->size - 4 - *at) / 4) return SHEAF_ERR_DAMAGED;
    SHF_TRY(room_for(array, n_blocks, err));
    if (n_blocks) memcpy(array->sums, bytes->data + *at, (size_t)n_blocks * 4);
    *at += (size_t)n_blocks * 4;
    array->summed_bytes = covered;
    return SHEAF_OK;
}

static sheaf_status take_all(npy_state *state, const shf_buf *bytes, sheaf_error *err)
{
    bool whole = bytes->size >= 12 && shf_get_u32(bytes->data) == SUMS_MAGIC && shf_get_u32(bytes->data + 4) == state->layout->n_arrays &&
                 shf_get_u32(bytes->data + bytes->size - 4) == shf_crc32c(0, bytes->data, bytes->size - 4);
    size_t at = 8;
    sheaf_status status = whole ? SHEAF_OK : SHEAF_ERR_DAMAGED;
    for (size_t i = 0; status == SHEAF_OK && i < state->layout->n_arrays; i++) status = take_array(state, i, bytes, &at, err);
    if (status == SHEAF_ERR_DAMAGED) status = shf_fail_at(err, status, state->path, NULL, -1, -1, "%s/sheaf.sum is damaged", state->path);
    return status;
}

sheaf_status shf_npyd_sums_read(npy_state *state, bool *there, sheaf_error *err)
{
    char *path = shf_path_join(state->path, "sheaf.sum");
    if (!path) return shf_fail_memory(err, 64, "a path");
    shf_buf bytes = {0};
    sheaf_error local;
    sheaf_status status = shf_path_read(path, (size_t)1 << 30, &bytes, &local);
    shf_free(path);
    *there = status == SHEAF_OK;
    if (status == SHEAF_OK) status = take_all(state, &bytes, &local);
    else if (status == SHEAF_ERR_NOT_FOUND) status = SHEAF_OK;
    state->sums_bytes = bytes.size;
    shf_buf_free(&bytes);
    if (status != SHEAF_OK && err) *err = local;
    return status;
}

/* crc32c of data bytes [begin, end) of array i. */
static sheaf_status sum_range(npy_state *state, size_t i, uint64_t begin, uint64_t end, uint8_t *buffer, uint32_t *crc, sheaf_error *err)
{
    const npy_array *array = &state->arrays[i];
    *crc = 0;
    for (uint64_t at = begin; at < end;) {
        size_t n = (size_t)shf_min_u64(NPY_SUM_READ_BYTES, end - at);
        SHF_TRY(shf_file_read(&array->file, buffer, n, array->data_offset + at, err));
        *crc = shf_crc32c(*crc, buffer, n);
        at += n;
    }
    return SHEAF_OK;
}

sheaf_status shf_npyd_sums_catch_up(npy_state *state, size_t i, sheaf_error *err)
{
    npy_array *array = &state->arrays[i];
    uint64_t end = array->rows * state->layout->arrays[i].row_bytes;
    /* Blocks that end beyond what is committed are summed again. */
    array->summed_bytes = shf_min_u64(array->summed_bytes, end) / BLOCK_BYTES * BLOCK_BYTES;
    uint8_t *buffer = shf_malloc(NPY_SUM_READ_BYTES);
    if (!buffer) return shf_fail_memory(err, NPY_SUM_READ_BYTES, "checksums");
    sheaf_status status = SHEAF_OK;
    while (status == SHEAF_OK && array->summed_bytes < end) {
        size_t n = (size_t)shf_min_u64(NPY_SUM_READ_BYTES, end - array->summed_bytes);
        status = shf_file_read(&array->file, buffer, n, array->data_offset + array->summed_bytes, err);
        if (status == SHEAF_OK) status = shf_npyd_sums_add(array, buffer, n, err);
    }
    shf_free(buffer);
    return status;
}

static sheaf_status verify_array(npy_state *state, size_t i, uint8_t *buffer, void (*tell)(void *, const sheaf_error *), void *context)
{
    const npy_array *array = &state->arrays[i];
    const shf_array *info = &state->layout->arrays[i];
    uint64_t committed = shf_array_rows(state->layout, info) * info->row_bytes;
    for (uint64_t begin = 0; begin < array->summed_bytes; begin += BLOCK_BYTES) {
        uint64_t end = shf_min_u64(array->summed_bytes, begin + BLOCK_BYTES);
        if (end > committed) break;
        uint32_t crc;
        sheaf_error damage;
        sheaf_status status = sum_range(state, i, begin, end, buffer, &crc, &damage);
        if (status == SHEAF_OK && crc == array->sums[begin / BLOCK_BYTES]) continue;
        if (status == SHEAF_OK)
            (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, array->file.path, info->name, (int64_t)(begin / info->row_bytes),
                              (int64_t)(array->data_offset + begin), "%s: bytes %llu to %llu have checksum %08x, expected %08x",
                              array->file.path, (unsigned long long)(array->data_offset + begin),
                              (unsigned long long)(array->data_offset + end), crc, array->sums[begin / BLOCK_BYTES]);
        tell(context, &damage);
    }
    return SHEAF_OK;
}

sheaf_status shf_npyd_verify(void *opaque, void (*tell)(void *context, const sheaf_error *damage), void *context, sheaf_error *err)
{
    npy_state *state = opaque;
    sheaf_error damage;
    bool there;
    sheaf_status status = shf_npyd_sums_read(state, &there, &damage);
    if (status == SHEAF_ERR_DAMAGED) {
        tell(context, &damage);
        return SHEAF_OK;
    }
    if (status != SHEAF_OK) {
        if (err) *err = damage;
        return status;
    }
    uint8_t *buffer = shf_malloc(NPY_SUM_READ_BYTES);
    if (!buffer) return shf_fail_memory(err, NPY_SUM_READ_BYTES, "checksums");
    for (size_t i = 0; there && status == SHEAF_OK && i < state->layout->n_arrays; i++)
        status = verify_array(state, i, buffer, tell, context);
    shf_free(buffer);
    return status;
}

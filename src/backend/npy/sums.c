// SPDX-License-Identifier: Apache-2.0
/* Checksums of a .npyd store: sheaf.sum holds a crc32c for each MiB of each array's data, as of the last checkpoint.
 *
 * Bytes: magic u32, arrays u32; for each array: covered bytes u64, then ceil(covered / MiB) crc32c u32; at the end crc32c u32 of all before. */
#include <string.h>

#include "backend/npy/npy.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"
#include "base/dtype.h"

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
    /* What was summed stays as it is, so that a damage does not get a checksum of its own; only a block that ends beyond is summed again. */
    if (array->summed_bytes > end) array->summed_bytes = end / BLOCK_BYTES * BLOCK_BYTES;
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

typedef struct checker {
    npy_state *state;
    size_t i;
    uint8_t *buffer;
    void (*tell)(void *context, const sheaf_error *damage);
    void *context;
} checker;

/* Fill values for data bytes [begin, end), which are whole elements, and their checksum. */
static sheaf_status give_up(const checker *c, uint64_t begin, uint64_t end, sheaf_error *err)
{
    npy_array *array = &c->state->arrays[c->i];
    const shf_array *info = &c->state->layout->arrays[c->i];
    uint32_t crc = 0;
    shf_dtype_fill(info->dtype, c->buffer, NPY_SUM_READ_BYTES / info->item_size);
    for (uint64_t at = begin; at < end;) {
        size_t n = (size_t)shf_min_u64(NPY_SUM_READ_BYTES, end - at);
        SHF_TRY(shf_file_write(&array->file, c->buffer, n, array->data_offset + at, err));
        crc = shf_crc32c(crc, c->buffer, n);
        at += n;
    }
    array->sums[begin / BLOCK_BYTES] = crc;
    return SHEAF_OK;
}

/* The first row that repair had to fill, or the end. */
static uint64_t first_filled(const npy_array *array)
{
    return array->rows - array->filled;
}

static void tell_filled(const checker *c)
{
    const npy_array *array = &c->state->arrays[c->i];
    uint64_t from = first_filled(array);
    sheaf_error damage;
    if (array->filled == 0) return;
    (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, array->file.path, c->state->layout->arrays[c->i].name, (int64_t)from, -1,
                      "%s: of %llu rows only %llu were there, the others are fill values now", array->file.path,
                      (unsigned long long)array->rows, (unsigned long long)from);
    c->tell(c->context, &damage);
}

/* Of blocks that were missing as a whole it was told already. */
static sheaf_status verify_block(const checker *c, uint64_t begin, uint64_t end, sheaf_error *err)
{
    const npy_array *array = &c->state->arrays[c->i];
    const shf_array *info = &c->state->layout->arrays[c->i];
    uint32_t crc, expected = array->sums[begin / BLOCK_BYTES];
    sheaf_error damage;
    sheaf_status status = sum_range(c->state, c->i, begin, end, c->buffer, &crc, &damage);
    if (status == SHEAF_OK && crc == expected) return SHEAF_OK;
    if (status == SHEAF_OK)
        (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, array->file.path, info->name, (int64_t)(begin / info->row_bytes),
                          (int64_t)(array->data_offset + begin), "%s: bytes %llu to %llu have checksum %08x, expected %08x",
                          array->file.path, (unsigned long long)(array->data_offset + begin),
                          (unsigned long long)(array->data_offset + end), crc, expected);
    if (begin < first_filled(array) * info->row_bytes) c->tell(c->context, &damage);
    return c->state->writable ? give_up(c, begin, end, err) : SHEAF_OK;
}

/* Checksums are of committed rows, so those of more rows tell that the lengths are older than they. */
static void tell_shorter(const checker *c, uint64_t committed)
{
    const npy_array *array = &c->state->arrays[c->i];
    const shf_array *info = &c->state->layout->arrays[c->i];
    sheaf_error damage;
    (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, array->file.path, info->name, (int64_t)(committed / info->row_bytes), -1,
                      "%s: sheaf.len says %llu rows, but there are checksums of %llu", array->file.path,
                      (unsigned long long)(committed / info->row_bytes), (unsigned long long)(array->summed_bytes / info->row_bytes));
    c->tell(c->context, &damage);
}

static sheaf_status verify_array(const checker *c, sheaf_error *err)
{
    const npy_array *array = &c->state->arrays[c->i];
    const shf_array *info = &c->state->layout->arrays[c->i];
    uint64_t committed = shf_array_rows(c->state->layout, info) * info->row_bytes;
    if (array->summed_bytes > committed) tell_shorter(c, committed);
    for (uint64_t begin = 0; begin < array->summed_bytes; begin += BLOCK_BYTES) {
        uint64_t end = shf_min_u64(array->summed_bytes, begin + BLOCK_BYTES);
        if (end > committed) break;
        SHF_TRY(verify_block(c, begin, end, err));
    }
    return SHEAF_OK;
}

/* The checksums that the file holds, or (repair) new ones in their place. */
static sheaf_status load_sums(const checker *c, bool *there, sheaf_error *err)
{
    sheaf_error damage;
    sheaf_status status = shf_npyd_sums_read(c->state, there, &damage);
    if (status == SHEAF_ERR_DAMAGED) {
        c->tell(c->context, &damage);
        *there = false;
        for (size_t i = 0; i < c->state->layout->n_arrays; i++) c->state->arrays[i].summed_bytes = 0;
        return SHEAF_OK;
    }
    if (status != SHEAF_OK && err) *err = damage;
    return status;
}

sheaf_status shf_npyd_verify(void *opaque, void (*tell)(void *context, const sheaf_error *damage), void *context, sheaf_error *err)
{
    npy_state *state = opaque;
    checker c = {state, 0, shf_malloc(NPY_SUM_READ_BYTES), tell, context};
    bool there = false;
    if (!c.buffer) return shf_fail_memory(err, NPY_SUM_READ_BYTES, "checksums");
    sheaf_status status = shf_npyd_lengths_check(state, tell, context, err);
    if (status == SHEAF_OK) status = load_sums(&c, &there, err);
    /* A checkpoint between the lengths and the checksums makes none of them wrong: the lengths are read last. */
    if (status == SHEAF_OK && !state->writable) status = shf_npyd_lengths_read(state, err);
    if (status == SHEAF_OK && !there && !state->writable) {
        sheaf_error damage;
        (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, state->path, NULL, -1, -1, "%s: there are no checksums (sheaf.sum)", state->path);
        tell(context, &damage);
    }
    for (c.i = 0; status == SHEAF_OK && c.i < state->layout->n_arrays; c.i++) {
        tell_filled(&c);
        if (there) status = verify_array(&c, err);
    }
    /* A writer's checksums go on from here. */
    for (size_t i = 0; status == SHEAF_OK && state->writable && i < state->layout->n_arrays; i++)
        status = shf_npyd_sums_catch_up(state, i, err);
    shf_free(c.buffer);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "backend/hdf5/filters.h"
#include "backend/hdf5/library.h"
#include "backend/hdf5/state.h"
#include "backend/hdf5/tree.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"

/* Metadata up to this size is copied at one moment; that of larger files is read as it is needed. */
#define MAX_COPY ((uint64_t)1 << 30)
/* A writer publishes every few seconds; who meets it so often in a row has met something else. */
enum { MAX_TRIES = 100 };

static sheaf_status read_head(const shf_file *file, uint8_t head[SHF_H5_HEAD_BYTES], size_t *n, sheaf_error *err)
{
    memset(head, 0, SHF_H5_HEAD_BYTES);
    return shf_file_read_some(file, head, SHF_H5_HEAD_BYTES, 0, n, err);
}

static sheaf_status too_short(const shf_h5_state *state, uint64_t expected, uint64_t size, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, (int64_t)size, "%s: expected %llu bytes, the file has %llu",
                       state->path, (unsigned long long)expected, (unsigned long long)size);
}

/* Our own files have their root group behind the chunks, and all metadata from there to the end. */
static bool can_copy(const shf_h5_superblock *superblock)
{
    return superblock->version >= 2 && superblock->base == 0 && superblock->root >= SHF_H5_FIRST_CHUNK &&
           superblock->root < superblock->end && superblock->end - superblock->root <= MAX_COPY;
}

/* Whether the copy is what Sheaf wrote with this superblock. Without a seal (older files), or when others have written another superblock,
 * nobody can say. */
static bool seal_is_broken(const shf_h5_medium *medium, const uint8_t *head)
{
    const uint8_t *first = head + SHF_H5_SUPERBLOCK_BYTES;
    if (medium->region.size < SHF_H5_SEAL_BYTES) return shf_h5_seal_parse(first, NULL) && !memcmp(first + 8, head, SHF_H5_SUPERBLOCK_BYTES);
    size_t n = medium->region.size - SHF_H5_SEAL_BYTES;
    const uint8_t *last = medium->region.data + n;
    const uint8_t *seal = shf_h5_seal_parse(first, NULL) ? first : shf_h5_seal_parse(last, NULL) ? last : NULL;
    if (!seal) return !memcmp(first, "SHFSEAL1", 8) || !memcmp(last, "SHFSEAL1", 8);
    if (memcmp(seal + 8, head, SHF_H5_SUPERBLOCK_BYTES) != 0) return false;
    return shf_crc32c(0, medium->region.data, n) != shf_h5_seal_crc(seal) || memcmp(first, last, SHF_H5_SEAL_BYTES) != 0;
}

/* *again: a writer published a checkpoint meanwhile. */
static sheaf_status copy_metadata(shf_h5_state *state, bool *again, sheaf_error *err)
{
    shf_h5_medium *medium = &state->medium;
    shf_h5_superblock superblock;
    uint8_t head[SHF_H5_HEAD_BYTES];
    size_t n;
    *again = false;
    memset(medium, 0, sizeof *medium);
    medium->file = &state->file;
    SHF_TRY(read_head(&state->file, medium->head, &n, err));
    SHF_TRY(shf_file_size(&state->file, &medium->file_size, err));
    if (!shf_h5_superblock_parse(medium->head, n, &superblock)) return shf_h5_check_superblock(state, err);
    if (superblock.base == 0 && superblock.end > medium->file_size) return too_short(state, superblock.end, medium->file_size, err);
    if (!can_copy(&superblock)) return SHEAF_OK;
    medium->head_size = SHF_H5_SUPERBLOCK_BYTES;
    medium->start = superblock.root;
    SHF_TRY(shf_buf_resize(&medium->region, (size_t)(superblock.end - superblock.root), err));
    SHF_TRY(shf_file_read(&state->file, medium->region.data, medium->region.size, medium->start, err));
    SHF_TRY(read_head(&state->file, head, &n, err));
    *again = memcmp(head, medium->head, SHF_H5_HEAD_BYTES) != 0;
    medium->doubtful = !*again && seal_is_broken(medium, head);
    return SHEAF_OK;
}

/* Waits while a writer publishes. A file system without locks is read without. */
static sheaf_status lock_shared(shf_h5_state *state, sheaf_error *err)
{
    struct timespec nap = {0, 5 * 1000 * 1000};
    for (int i = 0; i < 1000; i++) {
        bool got = false;
        if (shf_file_lock(&state->file, false, &got, NULL) != SHEAF_OK || got) return SHEAF_OK;
        (void)nanosleep(&nap, NULL);
    }
    return shf_fail_at(err, SHEAF_ERR_BUSY, state->path, NULL, -1, -1, "%s: another program has it open for writing", state->path);
}

sheaf_status shf_h5_settle(shf_h5_state *state, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    if (state->medium.head_size) return SHEAF_OK;
    for (size_t i = 0; status == SHEAF_OK && i < state->n_arrays; i++)
        if (state->layout->arrays[i].record >= 0) status = shf_h5_load_array(state, i, err);
    (void)shf_file_unlock(&state->file, NULL);
    return status;
}

sheaf_status shf_h5_open_library(shf_h5_state *state, sheaf_error *err)
{
    shf_h5_lock();
    hid_t access = shf_h5_medium_access(&state->medium);
    state->library_file = access < 0 ? -1 : H5Fopen(state->path, H5F_ACC_RDONLY, access);
    sheaf_status status = SHEAF_OK;
    if (state->library_file < 0) status = shf_h5_fail(err, SHEAF_ERR_DAMAGED, state->path, "cannot read");
    if (access >= 0) (void)H5Pclose(access);
    shf_h5_unlock();
    if (status != SHEAF_OK && state->medium.failed && err) *err = state->medium.error;
    return status != SHEAF_OK && state->medium.failed ? state->medium.error.code : status;
}

sheaf_status shf_h5_reader_open(shf_h5_state *state, sheaf_error *err)
{
    bool again = true;
    for (int i = 0; again; i++) {
        shf_h5_medium_free(&state->medium);
        if (i == MAX_TRIES)
            return shf_fail_at(err, SHEAF_ERR_BUSY, state->path, NULL, -1, -1, "%s: changed %d times while it was read", state->path, i);
        SHF_TRY(copy_metadata(state, &again, err));
    }
    if (!state->medium.head_size && !state->writable) SHF_TRY(lock_shared(state, err));
    if (state->medium.doubtful) {
        state->metadata_wrong = true;
        SHF_TRY(shf_h5_trial(state, err));
    }
    return shf_h5_open_library(state, err);
}

static void close_library(shf_h5_state *state)
{
    for (size_t i = 0; i < state->n_arrays; i++) {
        if (state->arrays[i].dataset >= 0) (void)H5Dclose(state->arrays[i].dataset);
        state->arrays[i].dataset = -1;
    }
    if (state->library_file >= 0) (void)H5Fclose(state->library_file);
    state->library_file = -1;
}

void shf_h5_reader_close(shf_h5_state *state)
{
    shf_h5_lock();
    close_library(state);
    shf_h5_unlock();
    shf_h5_medium_free(&state->medium);
}

hid_t shf_h5_dataset(shf_h5_state *state, size_t array)
{
    shf_h5_array *own = &state->arrays[array];
    if (own->dataset < 0) own->dataset = H5Dopen2(state->library_file, own->link, H5P_DEFAULT);
    return own->dataset;
}

/* ---- where a chunk lies ---- */

/* Asks libhdf5 for the chunk's bytes; the driver notes the address instead of reading them. */
static sheaf_status probe(shf_h5_state *state, size_t i, const hsize_t *at, shf_h5_chunk *chunk, sheaf_error *err)
{
    shf_h5_medium *medium = &state->medium;
    hsize_t size = 0;
    hid_t dataset = shf_h5_dataset(state, i);
    bool found = dataset >= 0 && H5Dget_chunk_storage_size(dataset, at, &size) >= 0;
    if (!found && dataset >= 0 && shf_h5_failed_with("chunk storage is not allocated")) { /* 1.10's way to say 0 bytes */
        (void)H5Eclear2(H5E_DEFAULT);
        return SHEAF_OK;
    }
    if (!found) return shf_h5_fail(err, SHEAF_ERR_DAMAGED, state->path, "cannot find a chunk in");
    if (size == 0) return SHEAF_OK;
    uint8_t nothing;
    medium->probing = true;
    medium->probe_offset = 0;
    herr_t rc = H5Dread_chunk(dataset, H5P_DEFAULT, at, &chunk->mask, &nothing);
    medium->probing = false;
    if (rc < 0) return shf_h5_fail(err, SHEAF_ERR_DAMAGED, state->path, "cannot find a chunk in");
    if (medium->probe_offset == 0 || medium->probe_size > UINT32_MAX || medium->probe_offset > medium->file_size ||
        medium->probe_size > medium->file_size - medium->probe_offset)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, (int64_t)medium->probe_offset,
                           "%s: a chunk of %llu bytes at byte %llu, the file has %llu", state->path, (unsigned long long)medium->probe_size,
                           (unsigned long long)medium->probe_offset, (unsigned long long)medium->file_size);
    chunk->offset = medium->probe_offset;
    chunk->size = (uint32_t)medium->probe_size;
    return SHEAF_OK;
}

/* Rows of an array in the copy of the metadata. */
static uint64_t copied_rows(const shf_h5_state *state, const shf_array *array)
{
    return array->record >= 0 ? state->lengths[array->record] : array->shape[0];
}

/* The file's mask as decode takes it. */
static uint32_t translate(const shf_h5_array *own, const shf_array *array, uint32_t mask)
{
    uint32_t out = 0;
    for (int k = 0; k < 3; k++)
        if (own->filters[k] < 0 || (mask >> own->filters[k] & 1)) out |= 1u << k;
    if (array->codec == SHEAF_CODEC_GZIP) return out;
    return out & SHF_H5_NO_FLETCHER ? 1 : 0;
}

sheaf_status shf_h5_locate(shf_h5_state *state, size_t i, uint64_t index, shf_h5_chunk *chunk, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    uint64_t start[SHEAF_MAX_NDIM];
    hsize_t at[SHEAF_MAX_NDIM];
    *chunk = (shf_h5_chunk){0};
    if (index / array->n_columns > INT64_MAX / array->chunk[0]) return SHEAF_OK;
    shf_h5_chunk_start(array, index, start);
    for (int axis = 0; axis < array->ndim; axis++) at[axis] = start[axis];
    shf_h5_lock();
    sheaf_status status = SHEAF_OK;
    if (start[0] < copied_rows(state, array)) status = probe(state, i, at, chunk, err);
    if (chunk->offset) chunk->mask = translate(&state->arrays[i], array, chunk->mask);
    shf_h5_unlock();
    if (status != SHEAF_OK) shf_error_locate(err, NULL, array->name, (int64_t)start[0], -1);
    return status;
}

/* ---- reading ---- */

static sheaf_status read_chunk(shf_h5_state *state, size_t i, shf_h5_chunk chunk, shf_buf *out, uint32_t *mask, sheaf_error *err)
{
    out->size = 0;
    SHF_TRY(shf_buf_resize(out, chunk.size, err));
    *mask = chunk.mask;
    sheaf_status status = shf_file_read(&state->file, out->data, chunk.size, chunk.offset, err);
    if (status != SHEAF_OK) shf_error_locate(err, NULL, state->layout->arrays[i].name, -1, -1);
    return status;
}

/* The part of a block that is within the array, as libhdf5 reads and decodes it. */
static sheaf_status read_by_library(shf_h5_state *state, size_t i, uint64_t index, shf_buf *out, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    uint64_t start[SHEAF_MAX_NDIM];
    hsize_t at[SHEAF_MAX_NDIM], count[SHEAF_MAX_NDIM], whole[SHEAF_MAX_NDIM], zero[SHEAF_MAX_NDIM] = {0};
    shf_h5_chunk_start(array, index, start);
    for (int axis = 0; axis < array->ndim; axis++) {
        uint64_t extent = axis == 0 ? copied_rows(state, array) : array->shape[axis];
        at[axis] = start[axis];
        whole[axis] = array->chunk[axis];
        count[axis] = extent > start[axis] ? shf_min_u64(extent - start[axis], whole[axis]) : 0;
    }
    hid_t dataset = shf_h5_dataset(state, i), memory = H5Screate_simple(array->ndim, whole, NULL);
    hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset), type = dataset < 0 ? -1 : H5Dget_type(dataset);
    hid_t native = type < 0 ? -1 : H5Tget_native_type(type, H5T_DIR_ASCEND);
    bool done = native >= 0 && memory >= 0 && H5Tget_size(native) == array->item_size &&
                H5Sselect_hyperslab(memory, H5S_SELECT_SET, zero, NULL, count, NULL) >= 0 &&
                H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, count, NULL) >= 0 &&
                H5Dread(dataset, native, memory, space, H5P_DEFAULT, out->data) >= 0;
    sheaf_status status = done ? SHEAF_OK : shf_h5_fail(err, SHEAF_ERR_DAMAGED, state->path, "cannot read a chunk of");
    if (native >= 0) (void)H5Tclose(native);
    if (type >= 0) (void)H5Tclose(type);
    if (space >= 0) (void)H5Sclose(space);
    if (memory >= 0) (void)H5Sclose(memory);
    return status;
}

static sheaf_status get_by_library(shf_h5_state *state, size_t i, uint64_t index, shf_buf *out, uint32_t *mask, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    out->size = 0;
    SHF_TRY(shf_buf_resize(out, array->chunk_bytes, err));
    memset(out->data, 0, out->size);
    *mask = SHF_H5_DECODED;
    shf_h5_lock();
    sheaf_status status = read_by_library(state, i, index, out, err);
    shf_h5_unlock();
    if (status != SHEAF_OK) shf_error_locate(err, NULL, array->name, -1, -1);
    return status;
}

static bool is_partial(const shf_h5_state *state, size_t i, uint64_t block)
{
    const shf_array *array = &state->layout->arrays[i];
    return array->record >= 0 && state->medium.head_size && block == copied_rows(state, array) / array->chunk[0];
}

/* Whether the file is still as it was when the metadata was copied. */
static sheaf_status is_current(shf_h5_state *state, bool *current, sheaf_error *err)
{
    uint8_t head[SHF_H5_HEAD_BYTES];
    size_t n;
    SHF_TRY(read_head(&state->file, head, &n, err));
    *current = state->medium.head_size == 0 || memcmp(head, state->medium.head, state->medium.head_size) == 0;
    return SHEAF_OK;
}

static sheaf_status reopen(shf_h5_state *state, sheaf_error *err)
{
    shf_h5_reader_close(state);
    SHF_TRY(shf_h5_reader_open(state, err));
    SHF_TRY(shf_h5_structure_lengths(state, err));
    return shf_h5_settle(state, err);
}

/* Once, as the file is at one moment; *current = false: it has changed meanwhile, and what was read may be something else. */
static sheaf_status try_file(shf_h5_state *state, size_t i, uint64_t index, shf_buf *out, uint32_t *mask, bool *absent, bool *current,
                             sheaf_error *err)
{
    shf_h5_chunk chunk;
    *current = true;
    SHF_TRY(shf_h5_locate(state, i, index, &chunk, err));
    *absent = !chunk.offset;
    if (*absent) return SHEAF_OK;
    SHF_TRY(read_chunk(state, i, chunk, out, mask, err));
    return is_partial(state, i, index / state->layout->arrays[i].n_columns) ? is_current(state, current, err) : SHEAF_OK;
}

static sheaf_status reopen_once(shf_h5_state *state, sheaf_error *err)
{
    bool current;
    pthread_rwlock_wrlock(&state->view);
    sheaf_status status = is_current(state, &current, err); /* another thread may have been first */
    if (status == SHEAF_OK && !current) status = reopen(state, err);
    pthread_rwlock_unlock(&state->view);
    return status;
}

/* The partial last chunk's place is used again by a later checkpoint; then that one has the chunk with more rows. */
static sheaf_status get_from_file(shf_h5_state *state, size_t i, uint64_t index, shf_buf *out, uint32_t *mask, bool *absent,
                                  sheaf_error *err)
{
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        bool current;
        pthread_rwlock_rdlock(&state->view);
        sheaf_status status = try_file(state, i, index, out, mask, absent, &current, err);
        pthread_rwlock_unlock(&state->view);
        if (status != SHEAF_OK || current) return status;
        SHF_TRY(reopen_once(state, err));
    }
    return shf_fail_at(err, SHEAF_ERR_BUSY, state->path, NULL, -1, -1, "%s: changed %d times while a chunk was read", state->path,
                       MAX_TRIES);
}

static shf_h5_chunk known_chunk(shf_h5_state *state, size_t i, uint64_t block, uint64_t column)
{
    shf_h5_array *own = &state->arrays[i];
    pthread_mutex_lock(&state->mutex);
    shf_h5_chunk chunk = shf_h5_chunks_get(&own->chunks, block * state->layout->arrays[i].n_columns + column);
    if (!chunk.offset && own->partial.columns && own->partial.block == block) chunk = own->partial.columns[column];
    pthread_mutex_unlock(&state->mutex);
    return chunk;
}

sheaf_status shf_h5_get(void *opaque, size_t array, uint64_t block, uint64_t column, shf_buf *out, uint32_t *mask, bool *absent,
                        sheaf_error *err)
{
    shf_h5_state *state = opaque;
    uint64_t columns = state->layout->arrays[array].n_columns;
    *absent = false;
    *mask = 0;
    if (column >= columns || block > INT64_MAX / columns)
        return shf_fail_at(err, SHEAF_ERR_RANGE, state->path, state->layout->arrays[array].name, -1, -1, "chunk %llu, %llu is out of range",
                           (unsigned long long)block, (unsigned long long)column);
    if (state->arrays[array].by_library) return get_by_library(state, array, block * columns + column, out, mask, err);
    shf_h5_chunk chunk = known_chunk(state, array, block, column);
    if (chunk.offset) return read_chunk(state, array, chunk, out, mask, err);
    *absent = true;
    if (state->writable) return SHEAF_OK;
    SHF_TRY(get_from_file(state, array, block * columns + column, out, mask, absent, err));
    if (!*absent || !state->arrays[array].other_fill) return SHEAF_OK;
    *absent = false;
    return get_by_library(state, array, block * columns + column, out, mask, err);
}

sheaf_status shf_h5_refresh(void *opaque, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    bool current;
    pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; i < state->n_arrays; i++) {
        shf_h5_chunks_free(&state->arrays[i].chunks);
        shf_h5_partial_free(&state->arrays[i].partial);
    }
    pthread_mutex_unlock(&state->mutex);
    SHF_TRY(is_current(state, &current, err));
    if (!current || !state->medium.head_size) SHF_TRY(reopen(state, err));
    for (size_t r = 0; r < state->layout->n_records; r++) state->layout->records[r].length = state->lengths[r];
    return shf_h5_structure_attributes(state, err);
}

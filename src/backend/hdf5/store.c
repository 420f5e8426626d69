// SPDX-License-Identifier: Apache-2.0
/* The back end's table, opening, and what is small. */
#include <stdio.h>
#include <string.h>

#include "backend/hdf5/attributes.h"
#include "backend/hdf5/filters.h"
#include "backend/hdf5/library.h"
#include "backend/hdf5/state.h"
#include "base/alloc.h"
#include "base/checked.h"

/* A writer's table of chunks is filled one by one; what a file claims beyond what it stores is not believed. */
#define MAX_ABSENT ((uint64_t)1 << 24)

/* The signature may lie at 0 or behind a block that is not HDF5's: at 512, 1024, 2048 … */
static bool has_signature(const char *path)
{
    shf_file file = SHF_FILE_CLOSED;
    uint64_t size = 0;
    uint8_t head[8];
    size_t got = 0;
    shf_path_kind kind;
    bool found = false;
    if (shf_path_stat(path, &kind, &size, NULL) != SHEAF_OK || kind != SHF_PATH_FILE) return false;
    if (shf_file_open(&file, path, SHF_OPEN_READ, NULL) != SHEAF_OK) return false;
    for (uint64_t at = 0; !found && at < size && at < INT64_MAX / 2; at = at ? 2 * at : 512)
        found = shf_file_read_some(&file, head, sizeof head, at, &got, NULL) == SHEAF_OK && shf_h5_is_signature(head, got);
    if (!found) found = shf_h5_has_seal(&file);
    (void)shf_file_close(&file, NULL);
    return found;
}

static char *sidecar(const char *path)
{
    static const char ending[] = ".sheaf-log";
    size_t n = strlen(path);
    char *out = shf_malloc(n + sizeof ending);
    if (!out) return NULL;
    memcpy(out, path, n);
    memcpy(out + n, ending, sizeof ending);
    return out;
}

/* ---- opening ---- */

sheaf_status shf_h5_check_index(shf_h5_state *state, size_t i, uint32_t crc, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    char *text = NULL, computed[16];
    if (!state->medium.head_size) return SHEAF_OK; /* copied by another program: chunks lie elsewhere */
    shf_h5_lock();
    hid_t dataset = shf_h5_dataset(state, i);
    sheaf_status status = dataset < 0 ? (sheaf_status)shf_h5_fail(err, SHEAF_ERR_DAMAGED, state->path, "cannot open an array of")
                                      : shf_h5_attribute_text(dataset, "sheaf_index", &text, err);
    shf_h5_unlock();
    (void)snprintf(computed, sizeof computed, "%08x", crc);
    if (status == SHEAF_OK && text && strcmp(text, computed) != 0)
        status = shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, array->name, -1, -1,
                             "%s: the chunk index of array %s has checksum %s, expected %.16s", state->path, array->name, computed, text);
    shf_free(text);
    if (status != SHEAF_OK) shf_error_locate(err, state->path, array->name, -1, -1);
    return status;
}

/* Where a chunk lies, as the writer's tables take it; repair leaves out one that cannot be. */
static sheaf_status load_chunk(shf_h5_state *state, size_t i, uint64_t index, shf_h5_chunk *chunk, uint32_t *crc, sheaf_error *err)
{
    sheaf_status status = shf_h5_locate(state, i, index, chunk, err);
    if (status == SHEAF_ERR_DAMAGED && state->repair) {
        state->arrays[i].index_wrong = true;
        *chunk = (shf_h5_chunk){0};
        status = SHEAF_OK;
    }
    *crc = shf_h5_index_crc(*crc, index, *chunk);
    return status;
}

static sheaf_status load_partial(shf_h5_state *state, size_t i, uint64_t block, uint32_t *crc, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    shf_h5_partial *partial = &state->arrays[i].partial;
    shf_h5_partial_free(partial);
    partial->block = block;
    partial->columns = shf_calloc((size_t)array->n_columns, sizeof *partial->columns);
    if (!partial->columns) return shf_fail_memory(err, (size_t)array->n_columns * sizeof *partial->columns, "partial chunks");
    for (uint64_t column = 0; column < array->n_columns; column++)
        SHF_TRY(load_chunk(state, i, block * array->n_columns + column, &partial->columns[column], crc, err));
    return SHEAF_OK;
}

sheaf_status shf_h5_load_array(shf_h5_state *state, size_t i, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    shf_h5_array *own = &state->arrays[i];
    uint64_t rows = array->record >= 0 ? state->lengths[array->record] : array->shape[0], n;
    uint64_t n_full = array->record >= 0 ? rows / array->chunk[0] : shf_ceil_div(rows, array->chunk[0]);
    bool partial = array->record >= 0 && rows % array->chunk[0] != 0;
    own->chunks.from_zero = true;
    if (!shf_mul_u64(n_full, array->n_columns, &n) || n > state->medium.file_size + MAX_ABSENT)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, array->name, -1, -1,
                           "%s: array %s claims %llu blocks of chunks, the file has %llu bytes", state->path, array->name,
                           (unsigned long long)n_full, (unsigned long long)state->medium.file_size);
    uint32_t crc = 0;
    for (uint64_t index = 0; index < n; index++) {
        shf_h5_chunk chunk;
        SHF_TRY(load_chunk(state, i, index, &chunk, &crc, err));
        SHF_TRY(shf_h5_chunks_set(&own->chunks, index, chunk, err));
        state->raw_end = shf_max_u64(state->raw_end, chunk.offset + chunk.size);
    }
    if (partial) SHF_TRY(load_partial(state, i, n_full, &crc, err));
    sheaf_status status = shf_h5_check_index(state, i, crc, err);
    if (status != SHEAF_ERR_DAMAGED) return status;
    own->index_wrong = true; /* or another program has rewritten chunks */
    return SHEAF_OK;
}

/* A writer keeps where all chunks lie, and lets go of libhdf5's view of the file. */
static sheaf_status load(shf_h5_state *state, sheaf_error *err)
{
    shf_h5_superblock superblock;
    state->raw_end = SHF_H5_FIRST_CHUNK;
    if (!state->medium.head_size || !shf_h5_superblock_parse(state->medium.head, state->medium.head_size, &superblock))
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, state->path, NULL, -1, -1, "%s: not written by Sheaf, so nothing can be appended",
                           state->path);
    state->keep_end = superblock.end;
    if (state->keep_start < SHF_H5_FIRST_CHUNK || state->keep_start > superblock.root) state->keep_start = superblock.root;
    state->last_start = state->keep_start;
    state->last_end = state->keep_end;
    for (size_t i = 0; i < state->n_arrays; i++) SHF_TRY(shf_h5_load_array(state, i, err));
    SHF_TRY(shf_h5_remember(state, err));
    shf_h5_reader_close(state);
    return SHEAF_OK;
}

static sheaf_status open_state(shf_h5_state *state, sheaf_error *err)
{
    bool foreign;
    SHF_TRY(shf_file_open(&state->file, state->path, state->writable ? SHF_OPEN_WRITE : SHF_OPEN_READ, err));
    if (state->repair) SHF_TRY(shf_h5_mend_superblock(state, err));
    SHF_TRY(shf_h5_reader_open(state, err));
    SHF_TRY(shf_h5_structure_read(state, &foreign, err));
    if (!state->writable) return shf_h5_settle(state, err);
    if (foreign && state->keep_start)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, state->path, NULL, -1, -1,
                           "%s: holds more than what Sheaf wrote into it, so nothing can be appended", state->path);
    return foreign ? shf_h5_open_beside(state, err) : load(state, err);
}

static sheaf_status close_store(void *opaque, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    shf_h5_reader_close(state);
    sheaf_status status = shf_file_close(&state->file, err);
    shf_h5_state_free(state);
    return status;
}

static sheaf_status open_store(const char *path, const shf_backend_options *options, shf_layout *layout, void **out, sheaf_error *err)
{
    shf_h5_state *state;
    SHF_TRY(shf_h5_state_new(path, layout, options->sync, options->writable, &state, err));
    state->repair = options->writable && options->repair;
    sheaf_status status = open_state(state, err);
    if (status != SHEAF_OK) {
        (void)close_store(state, NULL);
        return status;
    }
    *out = state;
    return SHEAF_OK;
}

/* ---- small things ---- */

static sheaf_status sync_store(void *opaque, sheaf_error *err)
{
    return shf_file_sync(&((shf_h5_state *)opaque)->file, err);
}

static sheaf_status usage(void *opaque, uint64_t *allocated_bytes, uint64_t *written_bytes, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    *written_bytes = state->written;
    return shf_file_allocated(&state->file, allocated_bytes, err);
}

static sheaf_status array_bytes(void *opaque, size_t array, uint64_t *stored_bytes, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    shf_h5_array *own = &state->arrays[array];
    pthread_mutex_lock(&state->mutex);
    *stored_bytes = own->chunks.bytes;
    for (uint64_t column = 0; own->partial.columns && column < state->layout->arrays[array].n_columns; column++)
        *stored_bytes += own->partial.columns[column].size;
    pthread_mutex_unlock(&state->mutex);
    if (state->writable) return SHEAF_OK;
    pthread_rwlock_rdlock(&state->view);
    shf_h5_lock();
    hid_t dataset = shf_h5_dataset(state, array);
    sheaf_status status = SHEAF_OK;
    if (dataset < 0) status = shf_h5_fail(err, SHEAF_ERR_DAMAGED, state->path, "cannot open an array of");
    else *stored_bytes += H5Dget_storage_size(dataset);
    shf_h5_unlock();
    pthread_rwlock_unlock(&state->view);
    return status;
}

/* Every chunk lies within the file (locate checks it), and nothing is indexed in the metadata's place. */
static void verify_array(shf_h5_state *state, size_t i, void (*tell)(void *context, const sheaf_error *damage), void *context)
{
    const shf_array *array = &state->layout->arrays[i];
    if (state->arrays[i].by_library) return;
    uint64_t rows = array->record >= 0 ? state->lengths[array->record] : array->shape[0], n;
    if (!shf_mul_u64(shf_ceil_div(rows, array->chunk[0]), array->n_columns, &n) || n > state->medium.file_size + MAX_ABSENT) {
        sheaf_error damage;
        (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, state->path, array->name, -1, -1,
                          "%s: array %s claims %llu rows, the file has %llu bytes", state->path, array->name, (unsigned long long)rows,
                          (unsigned long long)state->medium.file_size);
        tell(context, &damage);
        return;
    }
    uint32_t crc = 0;
    for (uint64_t index = 0; index < n; index++) {
        sheaf_error damage;
        shf_h5_chunk chunk;
        if (shf_h5_locate(state, i, index, &chunk, &damage) != SHEAF_OK) tell(context, &damage);
        else crc = shf_h5_index_crc(crc, index, chunk);
    }
    sheaf_error damage;
    if (shf_h5_check_index(state, i, crc, &damage) != SHEAF_OK) tell(context, &damage);
}

/* What open has found: the chunks themselves are read by the caller. */
static void tell_indexes(shf_h5_state *state, void (*tell)(void *context, const sheaf_error *damage), void *context)
{
    for (size_t i = 0; i < state->n_arrays; i++) {
        const char *name = state->layout->arrays[i].name;
        sheaf_error damage;
        if (!state->arrays[i].index_wrong) continue;
        (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, state->path, name, -1, -1,
                          "%s: the chunk index of array %s was damaged: chunks may be missing or lie at a wrong place", state->path, name);
        tell(context, &damage);
        state->arrays[i].index_wrong = false;
    }
}

static void tell_metadata(const shf_h5_state *state, void (*tell)(void *context, const sheaf_error *damage), void *context)
{
    sheaf_error damage;
    if (state->superblock_wrong) {
        (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, state->path, NULL, -1, 0,
                          "%s: the superblock was damaged, and was made again from its copy", state->path);
        tell(context, &damage);
    }
    if (!state->metadata_wrong) return;
    (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, state->path, NULL, -1, -1,
                      "%s: the metadata is not what Sheaf wrote: it was damaged, or another program has changed it", state->path);
    tell(context, &damage);
}

static sheaf_status verify(void *opaque, void (*tell)(void *context, const sheaf_error *damage), void *context, sheaf_error *err)
{
    (void)err;
    shf_h5_state *state = opaque;
    tell_metadata(state, tell, context);
    if (state->writable) {
        tell_indexes(state, tell, context);
        return SHEAF_OK;
    }
    pthread_rwlock_rdlock(&state->view);
    for (size_t i = 0; i < state->n_arrays; i++) verify_array(state, i, tell, context);
    pthread_rwlock_unlock(&state->view);
    return SHEAF_OK;
}

static sheaf_status remove_store(const char *path, sheaf_error *err)
{
    shf_path_kind kind;
    uint64_t size;
    SHF_TRY(shf_path_stat(path, &kind, &size, err));
    if (kind == SHF_PATH_NONE) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "%s: no such file", path);
    if (!has_signature(path))
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, NULL, -1, -1, "%s: not an HDF5 file, so it is not removed", path);
    return shf_path_unlink(path, err);
}

static const char *const SUFFIXES[] = {".h5", ".hdf5", NULL};

const shf_backend_ops shf_hdf5_ops = {
    .name = "hdf5",
    .suffixes = SUFFIXES,
    .flags = SHF_BACKEND_BESIDE,
    .probe = has_signature,
    .sidecar = sidecar,
    .plan = shf_h5_plan,
    .create = shf_h5_create,
    .moved = shf_h5_moved,
    .open = open_store,
    .encode = shf_h5_encode,
    .decode = shf_h5_decode,
    .put = shf_h5_put,
    .adopt = shf_h5_adopt,
    .put_partial = shf_h5_put_partial,
    .checkpoint_begin = shf_h5_checkpoint_begin,
    .checkpoint_end = shf_h5_checkpoint_end,
    .redo = shf_h5_redo,
    .get = shf_h5_get,
    .refresh = shf_h5_refresh,
    .sync = sync_store,
    .usage = usage,
    .array_bytes = array_bytes,
    .verify = verify,
    .drop = shf_h5_drop,
    .remove = remove_store,
    .close = close_store,
};

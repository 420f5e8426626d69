// SPDX-License-Identifier: Apache-2.0
/* Arrays beside what others keep in the same file. Here metadata that is not ours has to change (the root group, the superblock): by whole pages, all of which
 * the log has before the first is written. */
#include <string.h>
#include <time.h>

#include "backend/hdf5/state.h"
#include "base/alloc.h"
#include "base/checked.h"

static uint64_t align(uint64_t address)
{
    return (address + 4095) & ~(uint64_t)4095;
}

/* Chunks go behind all that is there. */
static sheaf_status find_end(shf_h5_state *state, sheaf_error *err)
{
    uint8_t head[SHF_H5_SUPERBLOCK_MAX] = {0};
    size_t n;
    uint64_t size;
    shf_h5_superblock superblock;
    SHF_TRY(shf_file_read_some(&state->file, head, sizeof head, 0, &n, err));
    SHF_TRY(shf_file_size(&state->file, &size, err));
    if (!shf_h5_superblock_parse(head, n, &superblock) || superblock.base != 0)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, state->path, NULL, -1, -1, "%s: not an HDF5 file that begins with its superblock",
                           state->path);
    if (superblock.end > size)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, (int64_t)size, "%s: expected %llu bytes, the file has %llu",
                           state->path, (unsigned long long)superblock.end, (unsigned long long)size);
    state->raw_end = align(shf_max_u64(size, superblock.end));
    return SHEAF_OK;
}

/* Others may read the file while we have it, but not write it. */
static sheaf_status share(shf_h5_state *state, sheaf_error *err)
{
    bool got;
    SHF_TRY(shf_file_lock(&state->file, false, &got, err));
    if (got) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_BUSY, state->path, NULL, -1, -1, "%s: another program has it open for writing", state->path);
}

/* Whether it can be done at all: names that are taken, a file that libhdf5 cannot change. Nothing is written. */
static sheaf_status rehearse(shf_h5_state *state, sheaf_error *err)
{
    shf_h5_medium image = {0};
    shf_h5_content *contents = shf_calloc(state->n_arrays + 1, sizeof *contents);
    if (!contents) return shf_fail_memory(err, state->n_arrays * sizeof *contents, "a checkpoint");
    for (size_t i = 0; i < state->n_arrays; i++) {
        const shf_array *array = &state->layout->arrays[i];
        contents[i] = (shf_h5_content){.length = array->record >= 0 ? 0 : array->shape[0], .attributes = array->attributes};
    }
    shf_h5_view view = {.layout = state->layout,
                        .contents = contents,
                        .lengths = state->lengths,
                        .attributes = state->layout->attributes,
                        .beside = &state->file,
                        .first = true,
                        .before = &state->before};
    sheaf_status status = shf_h5_image_make(&image, &view, state->raw_end, err);
    shf_h5_medium_free(&image);
    shf_free(contents);
    if (status != SHEAF_OK) shf_error_locate(err, state->path, NULL, -1, -1);
    return status;
}

static sheaf_status prepare(shf_h5_state *state, sheaf_error *err)
{
    SHF_TRY(share(state, err));
    SHF_TRY(find_end(state, err));
    SHF_TRY(shf_h5_state_arrays(state, err));
    state->beside = true;
    return rehearse(state, err);
}

sheaf_status shf_h5_create_beside(const char *path, shf_layout *layout, const shf_backend_options *options, void **out, sheaf_error *err)
{
    shf_h5_state *state;
    uint64_t size = 0;
    SHF_TRY(shf_h5_state_new(path, layout, options->sync, true, &state, err));
    sheaf_status status = shf_file_open(&state->file, path, SHF_OPEN_WRITE, err);
    if (status == SHEAF_OK) status = shf_file_size(&state->file, &size, err);
    if (status == SHEAF_OK) status = prepare(state, err);
    if (status == SHEAF_OK) {
        status = shf_h5_write_fixed(state, err);
        if (status == SHEAF_OK) status = shf_h5_remember(state, err);
        if (status != SHEAF_OK) (void)shf_file_truncate(&state->file, size, NULL);
    }
    if (status == SHEAF_OK) *out = state;
    else shf_h5_state_free(state);
    return status;
}

sheaf_status shf_h5_open_beside(shf_h5_state *state, sheaf_error *err)
{
    shf_h5_medium image = {0};
    bool any = false;
    SHF_TRY(share(state, err));
    SHF_TRY(find_end(state, err));
    state->beside = true;
    for (size_t i = 0; i < state->n_arrays; i++) any = any || state->arrays[i].position >= 0;
    if (!any)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, state->path, NULL, -1, -1,
                           "%s: no array of it was made by Sheaf, so nothing can be appended", state->path);
    sheaf_status status = shf_h5_image_strip(&image, state->layout, &state->file, &state->before, state->raw_end, err);
    if (status == SHEAF_OK && image.region.size) status = shf_h5_write(state, image.region.data, image.region.size, state->raw_end, err);
    state->raw_end = align(state->raw_end + image.region.size);
    shf_h5_medium_free(&image);
    for (size_t i = 0; status == SHEAF_OK && i < state->n_arrays; i++) status = shf_h5_load_array(state, i, err);
    if (status == SHEAF_OK) status = shf_h5_remember(state, err);
    shf_h5_reader_close(state);
    return status;
}

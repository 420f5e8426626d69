// SPDX-License-Identifier: Apache-2.0
/* The table of the Zarr back end. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"

/* Whether a file below the store's folder is there and holds the word. */
static bool holds(const char *path, const char *name, const char *word)
{
    char *file = shf_path_join(path, name);
    shf_buf text = {0};
    bool found = file && shf_path_read(file, SHF_ZARR_MAX_METADATA, &text, NULL) == SHEAF_OK && text.size &&
                 memmem(text.data, text.size, word, strlen(word));
    shf_buf_free(&text);
    shf_free(file);
    return found;
}

static bool probe(const char *path)
{
    return holds(path, SHF_ZARR_METADATA_NAME, "\"zarr_format\"") || holds(path, ".zgroup", "\"zarr_format\"") ||
           holds(path, ".zarray", "\"zarr_format\"");
}

static char *sidecar(const char *path)
{
    return shf_path_join(path, SHF_ZARR_SIDECAR_NAME);
}

static sheaf_status plan_array(shf_array *array, sheaf_error *err)
{
    if (array->codec == SHEAF_CODEC_DEFAULT) array->codec = SHEAF_CODEC_BLOSC;
    if (array->codec == SHEAF_CODEC_NONE) array->level = 0;
    else if (!array->level) array->level = 1;
    if (array->codec < SHEAF_CODEC_NONE || array->codec > SHEAF_CODEC_GZIP || array->level < 0 || array->level > 9)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, NULL, array->name, -1, -1, "array %s: Zarr has no codec %s of level %d here",
                           array->name, sheaf_codec_name(array->codec), array->level);
    /* Core specification, "Node names": not the metadata's name, and "__" is reserved. */
    if (!strcmp(array->name, SHF_ZARR_METADATA_NAME) || !strncmp(array->name, "__", 2))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, array->name, -1, -1, "\"%s\" is no name for a Zarr array", array->name);
    return SHEAF_OK;
}

static sheaf_status plan(shf_layout *layout, sheaf_error *err)
{
    if (json_object_get(layout->attributes, "sheaf"))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "the attribute \"sheaf\" of a Zarr group is reserved");
    for (size_t i = 0; i < layout->n_arrays; i++) SHF_TRY(plan_array(&layout->arrays[i], err));
    return SHEAF_OK;
}

static sheaf_status refresh(void *opaque, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    if (state->options.writable) return shf_fail(err, SHEAF_ERR_STATE, "a writer is not refreshed");
    pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; i < state->n_nodes; i++) shf_zarr_free_lives(&state->nodes[i]);
    shf_zarr_forget(state, 0, UINT64_MAX);
    sheaf_status status = shf_zarr_reload(state, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

static sheaf_status usage(void *opaque, uint64_t *allocated_bytes, uint64_t *written_bytes, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    *written_bytes = state->written;
    if (!state->options.writable) return shf_path_allocated(state->path, allocated_bytes, err);
    pthread_mutex_lock(&state->mutex);
    *allocated_bytes = state->allocated;
    *written_bytes = state->written;
    pthread_mutex_unlock(&state->mutex);
    return SHEAF_OK;
}

static sheaf_status remove_store(const char *path, sheaf_error *err)
{
    shf_path_kind kind;
    SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    if (kind == SHF_PATH_NONE) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "%s is not there", path);
    if (!probe(path)) return shf_fail_at(err, SHEAF_ERR_ARGUMENT, path, NULL, -1, -1, "%s is no Zarr store and is not removed", path);
    return shf_path_remove_tree(path, err);
}

static sheaf_status close_store(void *opaque, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    sheaf_status status = shf_zarr_close_handles(state, err);
    shf_zarr_state_free(state);
    return status;
}

static const char *const g_suffixes[] = {".zarr", NULL};

const shf_backend_ops shf_zarr_ops = {
    .name = "zarr",
    .suffixes = g_suffixes,
    .probe = probe,
    .sidecar = sidecar,
    .plan = plan,
    .create = shf_zarr_create,
    .moved = shf_zarr_moved,
    .open = shf_zarr_open,
    .encode = shf_zarr_encode,
    .decode = shf_zarr_decode,
    .put = shf_zarr_put,
    .adopt = shf_zarr_adopt,
    .put_partial = shf_zarr_put_partial,
    .checkpoint_begin = shf_zarr_checkpoint_begin,
    .checkpoint_end = shf_zarr_checkpoint_end,
    .get = shf_zarr_get,
    .refresh = refresh,
    .sync = shf_zarr_sync,
    .usage = usage,
    .array_bytes = shf_zarr_array_bytes,
    .verify = shf_zarr_verify,
    .drop = shf_zarr_drop,
    .remove = remove_store,
    .close = close_store,
};

// SPDX-License-Identifier: Apache-2.0
/* Checks beyond reading every chunk: metadata that agree, every shard there and its index whole. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"

enum { MAX_IN_A_ROW = 1000 };

typedef struct teller {
    void (*tell)(void *context, const sheaf_error *damage);
    void *context;
} teller;

/* A damage is told and the check goes on; anything else ends it. */
static sheaf_status pass_on(sheaf_status status, const sheaf_error *damage, const teller *to, sheaf_error *err)
{
    if (status == SHEAF_OK) return SHEAF_OK;
    if (status == SHEAF_ERR_DAMAGED || status == SHEAF_ERR_INPUT || status == SHEAF_ERR_UNSUPPORTED || status == SHEAF_ERR_NOT_FOUND) {
        to->tell(to->context, damage);
        return SHEAF_OK;
    }
    if (err) *err = *damage;
    return status;
}

/* What the group's metadata says of the array; Owned, NULL when it says nothing. */
static json_t *consolidated(const shf_zarr_state *state, const shf_zarr_node *node)
{
    json_t *root;
    sheaf_error ignored;
    if (shf_zarr_parse_json(state->text.data, state->text.size, &root, &ignored) != SHEAF_OK) return NULL;
    json_t *document = json_object_get(json_object_get(json_object_get(root, "consolidated_metadata"), "metadata"), node->folder);
    json_incref(document);
    json_decref(root);
    return document;
}

/* Whether a checkpoint is under way, was cut short by its writer's death (the log tells both), or came since the group's metadata was read. */
static bool is_moving(const shf_zarr_state *state)
{
    shf_path_kind kind = SHF_PATH_NONE;
    char *log = shf_path_join(state->path, SHF_ZARR_SIDECAR_NAME), *group = shf_path_join(state->path, SHF_ZARR_METADATA_NAME);
    shf_buf text = {0};
    bool moving = log && shf_path_stat(log, &kind, NULL, NULL) == SHEAF_OK && kind == SHF_PATH_FILE;
    if (!moving && group && shf_path_read(group, SHF_ZARR_MAX_METADATA, &text, NULL) == SHEAF_OK)
        moving = text.size != state->text.size || memcmp(text.data, state->text.data, text.size) != 0;
    shf_buf_free(&text);
    shf_free(log);
    shf_free(group);
    return moving;
}

/* Whether the array's zarr.json may be what a checkpoint writes before the group's: as many rows or more, and other attributes, but else equal. */
static bool is_newer(const shf_zarr_state *state, const json_t *document, uint64_t rows, uint64_t published, json_t *known)
{
    static const char *const moving[] = {"shape", "attributes"};
    json_t *same = known ? json_copy(known) : NULL;
    bool as_it_was = true;
    for (size_t i = 0; same && i < 2; i++) {
        json_t *value = json_object_get(document, moving[i]);
        if (value) as_it_was = json_object_set(same, moving[i], value) == 0 && as_it_was;
        else (void)json_object_del(same, moving[i]);
    }
    bool newer = rows >= published && as_it_was && (!same || json_equal(document, same)) && is_moving(state);
    json_decref(same);
    return newer;
}

/* The array's own zarr.json against the group's. */
static sheaf_status check_document(const shf_zarr_state *state, size_t index, sheaf_error *damage)
{
    const shf_zarr_node *node = &state->nodes[index];
    const shf_array *array = &state->layout->arrays[index];
    char *folder = shf_path_join(state->path, node->folder);
    char *path = folder ? shf_path_join(folder, SHF_ZARR_METADATA_NAME) : NULL;
    shf_buf text = {0};
    json_t *document = NULL;
    shf_zarr_array meta = {0};
    sheaf_status status = path ? shf_path_read(path, SHF_ZARR_MAX_METADATA, &text, damage) : shf_fail_memory(damage, 0, "a path");
    if (status == SHEAF_OK) status = shf_zarr_parse_json(text.data, text.size, &document, damage);
    if (status == SHEAF_OK) status = shf_zarr_parse_array(document, &meta, damage);
    json_t *known = consolidated(state, node);
    bool differs = status == SHEAF_OK && (meta.shape[0] != node->published_rows || (known && !json_equal(document, known)));
    if (differs) differs = !is_newer(state, document, meta.shape[0], node->published_rows, known);
    if (differs && meta.shape[0] != node->published_rows)
        status = shf_fail(damage, SHEAF_ERR_DAMAGED, "array %s: its zarr.json says length %llu, the group's %llu", array->name,
                          (unsigned long long)meta.shape[0], (unsigned long long)node->published_rows);
    else if (differs)
        status = shf_fail(damage, SHEAF_ERR_DAMAGED, "array %s: its zarr.json and what the group's says of it differ", array->name);
    json_decref(known);
    if (status != SHEAF_OK) shf_error_locate(damage, path, array->name, -1, -1);
    shf_zarr_array_free(&meta);
    json_decref(document);
    shf_buf_free(&text);
    shf_free(folder);
    shf_free(path);
    return status;
}

static sheaf_status check_shard(shf_zarr_state *state, size_t index, uint64_t shard, sheaf_error *damage)
{
    const shf_array *array = &state->layout->arrays[index];
    shf_zarr_handle *handle;
    SHF_TRY(shf_zarr_acquire(state, index, shard, false, &handle, damage));
    if (!handle) {
        char *path;
        SHF_TRY(shf_zarr_shard_path(state, index, shard, &path, damage));
        sheaf_status status =
            shf_fail_at(damage, SHEAF_ERR_DAMAGED, path, array->name, -1, -1, "array %s: the shard %s is missing", array->name, path);
        shf_free(path);
        return status;
    }
    sheaf_status status = SHEAF_OK;
    /* A growing index may be read while it is written. */
    for (int i = 0; i < SHF_ZARR_ATTEMPTS && (i == 0 || status == SHEAF_ERR_DAMAGED); i++)
        status = shf_zarr_load_index(state, handle, true, damage);
    if (status != SHEAF_OK) shf_error_locate(damage, NULL, array->name, -1, -1);
    shf_zarr_release(state, handle);
    return status;
}

static sheaf_status check_node(shf_zarr_state *state, size_t index, const teller *to, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    sheaf_error damage = {0};
    if (!node->ours) return SHEAF_OK;
    SHF_TRY(pass_on(check_document(state, index, &damage), &damage, to, err));
    uint64_t blocks = shf_ceil_div(node->published_rows, state->layout->arrays[index].chunk[0]);
    uint64_t shards = shf_ceil_div(blocks, node->per_shard[0]) * node->n_groups;
    /* A claimed length may be any: after many in a row that are not there, the rest is not looked for. */
    unsigned in_a_row = 0;
    for (uint64_t shard = 0; shard < shards && in_a_row < MAX_IN_A_ROW; shard++) {
        if (shf_zarr_find_live(node, shard)) continue;
        sheaf_status status = check_shard(state, index, shard, &damage);
        in_a_row = status == SHEAF_OK ? 0 : in_a_row + 1;
        SHF_TRY(pass_on(status, &damage, to, err));
    }
    return SHEAF_OK;
}

sheaf_status shf_zarr_verify(void *opaque, void (*tell)(void *context, const sheaf_error *damage), void *context, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    teller to = {tell, context};
    sheaf_status status = SHEAF_OK;
    pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; status == SHEAF_OK && i < state->n_nodes; i++) status = check_node(state, i, &to, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

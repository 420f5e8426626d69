// SPDX-License-Identifier: Apache-2.0
/* Metadata onto disk. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"

/* Blocks of a file or an empty folder, 0 when it is not there. */
static sheaf_status blocks_of(const char *path, uint64_t *bytes, sheaf_error *err)
{
    sheaf_status status = shf_path_allocated(path, bytes, err);
    if (status != SHEAF_ERR_NOT_FOUND) return status;
    *bytes = 0;
    return SHEAF_OK;
}

sheaf_status shf_zarr_make_folder(shf_zarr_state *state, const char *path, sheaf_error *err)
{
    sheaf_status status = shf_path_mkdir(path, err);
    if (status == SHEAF_ERR_EXISTS) return SHEAF_OK;
    SHF_TRY(status);
    uint64_t bytes;
    SHF_TRY(blocks_of(path, &bytes, err));
    state->allocated += bytes;
    if (!state->options.sync) return SHEAF_OK;
    char *parent = shf_path_parent(path);
    if (!parent) return shf_fail_memory(err, strlen(path), "a path");
    status = shf_path_sync_folder(parent, err);
    shf_free(parent);
    return status;
}

static sheaf_status replace_file(shf_zarr_state *state, const char *path, const shf_buf *text, sheaf_error *err)
{
    uint64_t before, after;
    SHF_TRY(blocks_of(path, &before, err));
    SHF_TRY(shf_path_replace(path, text->data, text->size, state->options.sync, err));
    SHF_TRY(blocks_of(path, &after, err));
    state->allocated += after - before;
    state->written += text->size;
    return SHEAF_OK;
}

sheaf_status shf_zarr_replace(shf_zarr_state *state, const char *folder, const char *name, const shf_buf *text, sheaf_error *err)
{
    char *below = folder[0] ? shf_path_join(folder, name) : shf_strdup(name);
    char *path = below ? shf_path_join(state->path, below) : NULL;
    sheaf_status status = path ? shf_path_no_link(path, strlen(state->path), err) : shf_fail_memory(err, strlen(name), "a path");
    if (status == SHEAF_OK) status = replace_file(state, path, text, err);
    shf_free(below);
    shf_free(path);
    return status;
}

/* The node's document as of now. */
static json_t *node_json(const shf_zarr_state *state, size_t index)
{
    const shf_array *array = &state->layout->arrays[index];
    shf_zarr_array meta = state->nodes[index].meta;
    meta.shape[0] = shf_array_rows(state->layout, array);
    meta.attributes = array->attributes;
    return shf_zarr_array_json(&meta);
}

static sheaf_status publish_node(shf_zarr_state *state, size_t index, const json_t *document, sheaf_error *err)
{
    shf_zarr_node *node = &state->nodes[index];
    shf_buf text = {0};
    sheaf_status status = shf_zarr_print_json(document, &text, err);
    bool same = status == SHEAF_OK && node->text.size == text.size && !memcmp(node->text.data, text.data, text.size);
    if (status == SHEAF_OK && !same) status = shf_zarr_replace(state, node->folder, SHF_ZARR_METADATA_NAME, &text, err);
    if (status != SHEAF_OK || same) {
        shf_buf_free(&text);
        return status;
    }
    shf_buf_free(&node->text);
    node->text = text;
    return SHEAF_OK;
}

static sheaf_status publish_nodes(shf_zarr_state *state, json_t *documents, sheaf_error *err)
{
    for (size_t i = 0; i < state->n_nodes; i++) {
        json_t *document = node_json(state, i);
        if (!document || json_object_set_new(documents, state->nodes[i].folder, document)) return shf_fail_memory(err, 0, "Zarr metadata");
        SHF_TRY(publish_node(state, i, document, err));
    }
    return SHEAF_OK;
}

/* The users' attributes and the one member of ours, which says what a Zarr array cannot: which dimensions grow. */
static json_t *group_attributes(const shf_layout *layout)
{
    json_t *names = json_array();
    for (size_t i = 0; names && i < layout->n_records; i++) {
        if (json_array_append_new(names, json_string(layout->records[i].name))) {
            json_decref(names);
            names = NULL;
        }
    }
    json_t *all = layout->attributes ? json_copy(layout->attributes) : json_object();
    json_t *ours = json_pack("{s:i, s:o}", "version", 1, "record_dimensions", names);
    if (all && ours) (void)json_object_del(all, "sheaf");
    if (!all || !ours || json_object_set(all, "sheaf", ours)) {
        json_decref(all);
        all = NULL;
    }
    json_decref(ours);
    return all;
}

static sheaf_status publish_group(shf_zarr_state *state, json_t *documents, sheaf_error *err)
{
    json_t *attributes = group_attributes(state->layout);
    json_t *group = attributes ? shf_zarr_group_json(attributes, documents) : NULL;
    shf_buf text = {0};
    sheaf_status status = group ? shf_zarr_print_json(group, &text, err) : shf_fail_memory(err, 0, "Zarr metadata");
    bool same = status == SHEAF_OK && state->text.size == text.size && !memcmp(state->text.data, text.data, text.size);
    if (status == SHEAF_OK && !same) status = shf_zarr_replace(state, "", SHF_ZARR_METADATA_NAME, &text, err);
    json_decref(attributes);
    json_decref(group);
    if (status != SHEAF_OK) {
        shf_buf_free(&text);
        return status;
    }
    shf_buf_free(&state->text);
    state->text = text;
    return SHEAF_OK;
}

sheaf_status shf_zarr_publish_metadata(shf_zarr_state *state, sheaf_error *err)
{
    json_t *documents = json_object();
    if (!documents) return shf_fail_memory(err, 0, "Zarr metadata");
    sheaf_status status = publish_nodes(state, documents, err);
    if (status == SHEAF_OK) status = publish_group(state, documents, err);
    json_decref(documents);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
/* Metadata of a store, of version 3 or 2, into nodes and the layout. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"

/* *document NULL when the file is not there; text (may be NULL) takes its bytes. */
static sheaf_status read_document(const shf_zarr_state *state, const char *folder, const char *name, shf_buf *text, json_t **document,
                                  sheaf_error *err)
{
    shf_buf own = {0};
    shf_buf *bytes = text ? text : &own;
    char *below = folder[0] ? shf_path_join(folder, name) : shf_strdup(name);
    char *path = below ? shf_path_join(state->path, below) : NULL;
    *document = NULL;
    sheaf_status status = path ? shf_path_read(path, SHF_ZARR_MAX_METADATA, bytes, err) : shf_fail_memory(err, 0, "a path");
    if (status == SHEAF_OK) status = shf_zarr_parse_json(bytes->data, bytes->size, document, err);
    bool absent = status == SHEAF_ERR_NOT_FOUND || (status == SHEAF_ERR_IO && err && err->system_errno == 20 /* ENOTDIR */);
    if (status != SHEAF_OK && !absent) shf_error_locate(err, path, NULL, -1, -1);
    shf_buf_free(&own);
    shf_free(below);
    shf_free(path);
    return absent ? SHEAF_OK : status;
}

/* Name of the array that a store consists of: the stem of its path. */
static void stem(const char *path, char out[SHEAF_MAX_NAME + 1])
{
    const char *base = shf_path_base(path);
    size_t n = strcspn(base, ".");
    if (n > SHEAF_MAX_NAME) n = SHEAF_MAX_NAME;
    memcpy(out, base, n);
    out[n] = '\0';
    if (!shf_name_ok(out)) memcpy(out, "data", sizeof "data");
}

static sheaf_codec codec_of(const shf_zarr_chain *chain)
{
    for (int i = 0; i < chain->n_steps; i++) {
        switch (chain->steps[i]) {
        case SHF_ZARR_BLOSC: return SHEAF_CODEC_BLOSC;
        case SHF_ZARR_ZSTD: return SHEAF_CODEC_ZSTD;
        case SHF_ZARR_GZIP:
        case SHF_ZARR_ZLIB: return SHEAF_CODEC_GZIP;
        case SHF_ZARR_CRC32C: break;
        }
    }
    return SHEAF_CODEC_NONE;
}

/* Takes over meta (its attributes too), whatever the outcome. */
static sheaf_status add_array(shf_zarr_state *state, const char *folder, shf_zarr_array *meta, sheaf_error *err)
{
    shf_zarr_node *node;
    shf_array *array;
    char name[SHEAF_MAX_NAME + 1];
    sheaf_status status = SHEAF_OK;
    if (!folder[0]) {
        stem(state->path, name);
    } else if (shf_name_ok(folder)) {
        memcpy(name, folder, strlen(folder) + 1);
    } else {
        status = shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the array's name \"%.80s\" is not supported", folder);
    }
    if (status == SHEAF_OK) status = shf_layout_add_array(state->layout, &array, err);
    if (status == SHEAF_OK) status = shf_zarr_add_node(state, folder, &node, err);
    if (status != SHEAF_OK) {
        shf_zarr_array_free(meta);
        return status;
    }
    memcpy(array->name, name, sizeof name);
    json_decref(array->attributes);
    array->attributes = meta->attributes;
    meta->attributes = NULL;
    node->meta = *meta;
    array->dtype = meta->dtype;
    array->ndim = meta->ndim ? meta->ndim : 1;
    for (int i = 0; i < array->ndim; i++) {
        array->shape[i] = meta->ndim ? meta->shape[i] : 1;
        array->chunk[i] = meta->ndim ? meta->chunk[i] : 1;
    }
    array->codec = codec_of(&meta->chain);
    array->level = meta->chain.level;
    return SHEAF_OK;
}

static sheaf_status add_v3(shf_zarr_state *state, const char *folder, const json_t *document, sheaf_error *err)
{
    shf_zarr_array meta;
    sheaf_status status = shf_zarr_parse_array(document, &meta, err);
    if (status == SHEAF_OK) status = add_array(state, folder, &meta, err);
    else shf_zarr_array_free(&meta);
    if (status != SHEAF_OK) shf_error_locate(err, state->path, folder, -1, -1);
    return status;
}

static sheaf_status add_v2(shf_zarr_state *state, const char *folder, const json_t *zarray, sheaf_error *err)
{
    json_t *zattrs;
    shf_zarr_array meta;
    SHF_TRY(read_document(state, folder, ".zattrs", NULL, &zattrs, err));
    sheaf_status status = shf_zarr_parse_array_v2(zarray, zattrs, &meta, err);
    json_decref(zattrs);
    if (status == SHEAF_OK) status = add_array(state, folder, &meta, err);
    else shf_zarr_array_free(&meta);
    if (status != SHEAF_OK) shf_error_locate(err, state->path, folder, -1, -1);
    return status;
}

/* One entry of the store's folder: an array, or something that is none of ours. */
static sheaf_status visit(void *context, const char *name, sheaf_error *err)
{
    shf_zarr_state *state = context;
    json_t *document;
    if (name[0] == '.' || !strcmp(name, SHF_ZARR_METADATA_NAME)) return SHEAF_OK;
    SHF_TRY(read_document(state, name, state->version == 3 ? SHF_ZARR_METADATA_NAME : ".zarray", NULL, &document, err));
    sheaf_status status = SHEAF_OK;
    const char *type = json_string_value(json_object_get(document, "node_type"));
    if (document && state->version == 2) status = add_v2(state, name, document, err);
    if (document && state->version == 3 && type && !strcmp(type, "array")) status = add_v3(state, name, document, err);
    json_decref(document);
    return status;
}

static sheaf_status add_consolidated(shf_zarr_state *state, json_t *metadata, sheaf_error *err)
{
    const char *name;
    json_t *document;
    json_object_foreach(metadata, name, document)
    {
        const char *type = json_string_value(json_object_get(document, "node_type"));
        if (strchr(name, '/') || !type || strcmp(type, "array") != 0) continue;
        if (!name[0]) /* would be the store itself */
            return shf_fail_at(err, SHEAF_ERR_INPUT, state->path, NULL, -1, -1, "%s: an array without a name", state->path);
        SHF_TRY(add_v3(state, name, document, err));
    }
    return SHEAF_OK;
}

static sheaf_status take_attributes(shf_zarr_state *state, const json_t *attributes, sheaf_error *err)
{
    json_t *copy = json_is_object(attributes) ? json_deep_copy(attributes) : json_object();
    if (!copy) return shf_fail_memory(err, 0, "attributes");
    json_decref(state->layout->attributes);
    state->layout->attributes = copy;
    return SHEAF_OK;
}

static sheaf_status load_v3(shf_zarr_state *state, const json_t *root, sheaf_error *err)
{
    const char *type = json_string_value(json_object_get(root, "node_type"));
    state->version = 3;
    if (json_integer_value(json_object_get(root, "zarr_format")) != 3 || !type)
        return shf_fail_at(err, SHEAF_ERR_INPUT, state->path, NULL, -1, -1, "%s: zarr.json is not one of Zarr version 3", state->path);
    if (!strcmp(type, "array")) return add_v3(state, "", root, err);
    if (strcmp(type, "group") != 0)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, state->path, NULL, -1, -1, "node_type \"%.40s\" is not supported", type);
    state->is_group = true;
    SHF_TRY(take_attributes(state, json_object_get(root, "attributes"), err));
    json_t *metadata = json_object_get(json_object_get(root, "consolidated_metadata"), "metadata");
    return json_is_object(metadata) ? add_consolidated(state, metadata, err) : shf_path_list(state->path, visit, state, err);
}

static sheaf_status load_v2(shf_zarr_state *state, sheaf_error *err)
{
    json_t *zarray, *zgroup, *zattrs;
    state->version = 2;
    SHF_TRY(read_document(state, "", ".zarray", NULL, &zarray, err));
    if (zarray) {
        sheaf_status status = add_v2(state, "", zarray, err);
        json_decref(zarray);
        return status;
    }
    SHF_TRY(read_document(state, "", ".zgroup", NULL, &zgroup, err));
    if (!zgroup) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, state->path, NULL, -1, -1, "%s is no Zarr store", state->path);
    json_decref(zgroup);
    state->is_group = true;
    SHF_TRY(read_document(state, "", ".zattrs", NULL, &zattrs, err));
    sheaf_status status = take_attributes(state, zattrs, err);
    json_decref(zattrs);
    return status == SHEAF_OK ? shf_path_list(state->path, visit, state, err) : status;
}

/* What one group attribute of ours says; users do not see it. *ours: Owned or NULL. */
static json_t *take_our_attribute(const shf_zarr_state *state)
{
    json_t *ours = json_object_get(state->layout->attributes, "sheaf");
    if (state->version != 3 || !state->is_group || json_integer_value(json_object_get(ours, "version")) != 1) return NULL;
    json_incref(ours);
    (void)json_object_del(state->layout->attributes, "sheaf");
    return ours;
}

/* The group's metadata has what no array's has. */
static sheaf_status lost_group(const shf_zarr_state *state, const sheaf_error *why, sheaf_error *err)
{
    sheaf_error cause = *why;
    return shf_fail_at(
        err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, -1,
        "%s/zarr.json: %.80s. Which arrays grow together and the store's attributes are lost with it, so the store cannot be repaired; "
        "each array is whole by itself and can be opened as %s/ARRAY",
        state->path, cause.message, state->path);
}

sheaf_status shf_zarr_load(shf_zarr_state *state, sheaf_error *err)
{
    json_t *root;
    sheaf_error why = {0};
    sheaf_status read = read_document(state, "", SHF_ZARR_METADATA_NAME, &state->text, &root, &why);
    if (read == SHEAF_ERR_INPUT || read == SHEAF_ERR_DAMAGED) return lost_group(state, &why, err);
    if (read != SHEAF_OK && err) *err = why;
    SHF_TRY(read);
    sheaf_status status = root ? load_v3(state, root, err) : load_v2(state, err);
    json_decref(root);
    SHF_TRY(status);
    if (!state->layout->attributes) SHF_TRY(take_attributes(state, NULL, err));
    json_t *ours = take_our_attribute(state);
    status = shf_zarr_make_layout(state, ours, err);
    json_decref(ours);
    return status;
}

/* Only a killed checkpoint leaves lengths that differ, and it leaves its log. */
static sheaf_status check_length(const shf_zarr_state *state, size_t index, const json_t *document, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    const json_t *length = json_array_get(json_object_get(document, "shape"), 0);
    if (!json_is_integer(length) || (uint64_t)json_integer_value(length) == node->published_rows) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, state->layout->arrays[index].name, -1, -1,
                       "array %s: its zarr.json says length %lld, the group's %llu, and no writer died here",
                       state->layout->arrays[index].name, (long long)json_integer_value(length), (unsigned long long)node->published_rows);
}

/* The texts of the arrays' metadata as they lie on disk; one that cannot be read is written anew. */
static sheaf_status read_texts(shf_zarr_state *state, bool at_rest, sheaf_error *err)
{
    for (size_t i = 0; i < state->n_nodes; i++) {
        json_t *document;
        sheaf_status status = SHEAF_OK;
        if (read_document(state, state->nodes[i].folder, SHF_ZARR_METADATA_NAME, &state->nodes[i].text, &document, NULL) != SHEAF_OK)
            state->nodes[i].text.size = 0;
        if (at_rest && document) status = check_length(state, i, document, err);
        json_decref(document);
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

/* *at_rest: the log is none that a killed writer left. */
static sheaf_status count_allocated(shf_zarr_state *state, bool *at_rest, sheaf_error *err)
{
    uint64_t log = 0, log_bytes = 0;
    shf_path_kind kind;
    SHF_TRY(shf_path_allocated(state->path, &state->allocated, err));
    char *sidecar = shf_path_join(state->path, SHF_ZARR_SIDECAR_NAME);
    if (!sidecar) return shf_fail_memory(err, 0, "a path");
    if (shf_path_allocated(sidecar, &log, NULL) == SHEAF_OK) state->allocated -= log;
    *at_rest = shf_path_stat(sidecar, &kind, &log_bytes, NULL) == SHEAF_OK && kind == SHF_PATH_FILE && log_bytes == 0;
    shf_free(sidecar);
    return SHEAF_OK;
}

/* A killed checkpoint may have renamed the arrays' metadata but not the group's, which is the authority. */
static sheaf_status begin_writing(shf_zarr_state *state, sheaf_error *err)
{
    if (!state->ours)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, state->path, NULL, -1, -1,
                           "%s was not written by Sheaf: it can be read and imported, not appended to", state->path);
    bool at_rest;
    SHF_TRY(count_allocated(state, &at_rest, err));
    SHF_TRY(read_texts(state, at_rest, err));
    return shf_zarr_publish_metadata(state, err);
}

sheaf_status shf_zarr_open(const char *path, const shf_backend_options *options, shf_layout *layout, void **out, sheaf_error *err)
{
    sheaf_error mine = {0};
    if (!err) err = &mine;
    shf_zarr_state *state = shf_zarr_state_new(path, options, layout);
    if (!state) return shf_fail_memory(err, sizeof *state, "a store");
    sheaf_status status = shf_zarr_load(state, err);
    if (status == SHEAF_OK && options->writable) status = begin_writing(state, err);
    if (status != SHEAF_OK) {
        shf_layout_free(layout);
        shf_zarr_state_free(state);
        return status;
    }
    *out = state;
    return SHEAF_OK;
}

/* Lengths and attributes of the same arrays, read again. */
static sheaf_status take_over(shf_zarr_state *state, const shf_zarr_state *now, sheaf_error *err)
{
    bool same = state->n_nodes == now->n_nodes && state->layout->n_records == now->layout->n_records;
    for (size_t i = 0; same && i < state->n_nodes; i++) {
        const shf_array *a = &state->layout->arrays[i], *b = &now->layout->arrays[i];
        same = !strcmp(a->name, b->name) && a->dtype == b->dtype && a->ndim == b->ndim && a->record == b->record &&
               !memcmp(a->shape, b->shape, sizeof a->shape) && !memcmp(a->chunk, b->chunk, sizeof a->chunk) &&
               !memcmp(state->nodes[i].meta.shard, now->nodes[i].meta.shard, sizeof now->nodes[i].meta.shard);
    }
    if (!same)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, state->path, NULL, -1, -1, "%s now holds other arrays than when it was opened",
                           state->path);
    for (size_t i = 0; i < state->layout->n_records; i++) state->layout->records[i].length = now->layout->records[i].length;
    json_decref(state->layout->attributes);
    state->layout->attributes = json_incref(now->layout->attributes);
    for (size_t i = 0; i < state->n_nodes; i++) {
        shf_array *array = &state->layout->arrays[i];
        json_decref(array->attributes);
        array->attributes = json_incref(now->layout->arrays[i].attributes);
        state->nodes[i].published_rows = now->nodes[i].published_rows;
    }
    return SHEAF_OK;
}

static sheaf_status reload(shf_zarr_state *state, sheaf_error *err)
{
    shf_layout layout = {0};
    shf_zarr_state *now = shf_zarr_state_new(state->path, &state->options, &layout);
    if (!now) return shf_fail_memory(err, sizeof *now, "a store");
    sheaf_status status = shf_zarr_load(now, err);
    if (status == SHEAF_OK) status = take_over(state, now, err);
    if (status == SHEAF_OK) {
        shf_buf swap = state->text;
        state->text = now->text;
        now->text = swap;
    }
    shf_zarr_state_free(now);
    shf_layout_free(&layout);
    return status;
}

sheaf_status shf_zarr_reload(shf_zarr_state *state, sheaf_error *err)
{
    sheaf_error mine = {0};
    if (!err) err = &mine;
    return reload(state, err);
}

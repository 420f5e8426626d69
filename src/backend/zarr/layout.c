// SPDX-License-Identifier: Apache-2.0
/* Which dimensions grow. A store of ours says so; of others the first dimension of each array is taken for one, unless its name also stands
 * at a later axis (then it is fixed everywhere). */
#include <stdio.h>
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"

/* The name of axis i: as it is, or made of the array's name. */
static void name_axis(const shf_zarr_array *meta, shf_array *array, int i)
{
    char own[SHEAF_MAX_NAME + 32];
    if (meta->ndim && shf_name_ok(meta->dimensions[i])) {
        memcpy(array->dimensions[i], meta->dimensions[i], sizeof array->dimensions[i]);
        return;
    }
    /* A name that fits, cut in the array's part. */
    snprintf(own, sizeof own, "%.*s_%d", SHEAF_MAX_NAME - 4, array->name, i);
    memcpy(array->dimensions[i], own, strlen(own) + 1);
}

/* The length that other arrays give a name, or UINT64_MAX. Only arrays before `before`, and earlier axes of it. */
static uint64_t length_of(const shf_layout *layout, const shf_zarr_state *state, const char *name, size_t before, int axis)
{
    for (size_t a = 0; a <= before; a++) {
        const shf_array *array = &layout->arrays[a];
        for (int i = 0; i < (a < before ? array->ndim : axis); i++)
            if (!strcmp(array->dimensions[i], name)) return state->nodes[a].meta.ndim ? state->nodes[a].meta.shape[i] : 1;
    }
    return UINT64_MAX;
}

/* One name, one length: a second length gets a name of its own. */
static void separate_names(shf_zarr_state *state)
{
    shf_layout *layout = state->layout;
    for (size_t a = 0; a < layout->n_arrays; a++) {
        shf_array *array = &layout->arrays[a];
        for (int i = 0; i < array->ndim; i++) {
            uint64_t length = state->nodes[a].meta.ndim ? state->nodes[a].meta.shape[i] : 1;
            for (unsigned n = 0; n < 1000; n++) {
                uint64_t other = length_of(layout, state, array->dimensions[i], a, i);
                if (other == UINT64_MAX || other == length) break;
                char own[2 * SHEAF_MAX_NAME];
                snprintf(own, sizeof own, "%.28s_%.28s", state->nodes[a].meta.ndim ? state->nodes[a].meta.dimensions[i] : "", array->name);
                if (n) snprintf(own + strlen(own), sizeof own - strlen(own), "_%u", n);
                memcpy(array->dimensions[i], own, strlen(own) + 1);
            }
        }
    }
}

static bool stands_later(const shf_layout *layout, const char *name)
{
    for (size_t a = 0; a < layout->n_arrays; a++) {
        for (int i = 1; i < layout->arrays[a].ndim; i++)
            if (!strcmp(layout->arrays[a].dimensions[i], name)) return true;
    }
    return false;
}

static sheaf_status grow_foreign(shf_zarr_state *state, sheaf_error *err)
{
    shf_layout *layout = state->layout;
    separate_names(state);
    for (size_t a = 0; a < layout->n_arrays; a++) {
        shf_array *array = &layout->arrays[a];
        if (state->nodes[a].meta.ndim == 0 || stands_later(layout, array->dimensions[0])) continue;
        SHF_TRY(shf_layout_add_record(layout, array->dimensions[0], &array->record, err));
        layout->records[array->record].length = state->nodes[a].meta.shape[0];
        array->shape[0] = 0;
    }
    return SHEAF_OK;
}

static sheaf_status grow_ours(shf_zarr_state *state, const json_t *names, sheaf_error *err)
{
    shf_layout *layout = state->layout;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        int index;
        if (!name) return shf_fail_at(err, SHEAF_ERR_INPUT, state->path, NULL, -1, -1, "record_dimensions is no list of names");
        SHF_TRY(shf_layout_add_record(layout, name, &index, err));
        layout->records[index].length = UINT64_MAX;
    }
    for (size_t a = 0; a < layout->n_arrays; a++) {
        shf_array *array = &layout->arrays[a];
        array->record = shf_layout_find_record(layout, array->dimensions[0]);
        if (array->record < 0) continue;
        /* Unequal only when the consolidated metadata was taken away in the midst of a checkpoint: the shortest is whole. */
        uint64_t *length = &layout->records[array->record].length;
        if (state->nodes[a].meta.shape[0] < *length) *length = state->nodes[a].meta.shape[0];
        array->shape[0] = 0;
    }
    for (size_t i = 0; i < layout->n_records; i++)
        if (layout->records[i].length == UINT64_MAX) layout->records[i].length = 0;
    return SHEAF_OK;
}

sheaf_status shf_zarr_make_layout(shf_zarr_state *state, const json_t *ours, sheaf_error *err)
{
    shf_layout *layout = state->layout;
    for (size_t a = 0; a < layout->n_arrays; a++)
        for (int i = 0; i < layout->arrays[a].ndim; i++) name_axis(&state->nodes[a].meta, &layout->arrays[a], i);
    SHF_TRY(ours ? grow_ours(state, json_object_get(ours, "record_dimensions"), err) : grow_foreign(state, err));
    sheaf_status status = shf_layout_finish(layout, err);
    if (status != SHEAF_OK) shf_error_locate(err, state->path, NULL, -1, -1);
    SHF_TRY(status);
    state->ours = ours != NULL;
    for (size_t a = 0; a < layout->n_arrays; a++) {
        shf_zarr_node *node = &state->nodes[a];
        SHF_TRY(shf_zarr_node_finish(node, &layout->arrays[a], err));
        node->ours = node->ours && ours;
        node->published_rows = shf_array_rows(layout, &layout->arrays[a]);
        state->ours = state->ours && node->ours;
    }
    return SHEAF_OK;
}

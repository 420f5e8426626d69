// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "backend/npy/npy.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"

#define SCHEMA_MAX_BYTES ((size_t)64 << 20)

static json_t *array_json(const shf_array *array)
{
    json_t *dimensions = json_array(), *shape = json_array();
    for (int axis = 0; axis < array->ndim; axis++) {
        json_array_append_new(dimensions, json_string(array->dimensions[axis]));
        json_array_append_new(shape, axis == 0 && array->record >= 0 ? json_null() : json_integer((json_int_t)array->shape[axis]));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:O}", "name", array->name, "dtype", sheaf_dtype_name(array->dtype), "dimensions", dimensions,
                     "shape", shape, "attributes", array->attributes);
}

static json_t *schema_json(const shf_layout *layout)
{
    json_t *arrays = json_array(), *records = json_array();
    for (size_t i = 0; i < layout->n_records; i++) json_array_append_new(records, json_string(layout->records[i].name));
    for (size_t i = 0; i < layout->n_arrays; i++) json_array_append_new(arrays, array_json(&layout->arrays[i]));
    return json_pack("{s:i, s:o, s:o, s:O}", "sheaf", 1, "record_dimensions", records, "arrays", arrays, "attributes", layout->attributes);
}

sheaf_status shf_npyd_schema_write(npy_state *state, sheaf_error *err)
{
    json_t *schema = schema_json(state->layout);
    char *text = schema ? json_dumps(schema, JSON_INDENT(1)) : NULL;
    json_decref(schema);
    char *path = shf_path_join(state->path, "sheaf.json");
    sheaf_status status = text && path ? SHEAF_OK : shf_fail_memory(err, 0, "sheaf.json");
    if (status == SHEAF_OK) {
        state->schema_bytes = strlen(text);
        state->written += state->schema_bytes;
        status = shf_path_replace(path, text, strlen(text), state->sync, err);
    }
    shf_free(path);
    free(text);
    return status;
}

static sheaf_status bad(sheaf_error *err, const char *path, const char *what)
{
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, path, NULL, -1, -1, "%s/sheaf.json: %s", path, what);
}

static sheaf_status unreadable(sheaf_error *err, const char *path, const char *what)
{
    return shf_fail_at(
        err, SHEAF_ERR_DAMAGED, path, NULL, -1, -1,
        "%s/sheaf.json: %.80s. Which arrays grow together and the attributes are lost with it, so the store cannot be repaired; each "
        ".npy file beside it is whole by itself, as of the last checkpoint",
        path, what);
}

static sheaf_status read_axis(shf_layout *layout, shf_array *array, int axis, const json_t *dimension, const json_t *extent,
                              const char *path, sheaf_error *err)
{
    const char *name = json_string_value(dimension);
    if (!shf_name_ok(name)) return bad(err, path, "a dimension's name is missing or not allowed");
    memcpy(array->dimensions[axis], name, strlen(name) + 1);
    if (axis == 0 && json_is_null(extent)) {
        array->record = shf_layout_find_record(layout, name);
        return array->record >= 0 ? SHEAF_OK : bad(err, path, "an array grows along no record dimension");
    }
    if (!json_is_integer(extent) || json_integer_value(extent) <= 0) return bad(err, path, "an extent is no positive integer");
    array->shape[axis] = (uint64_t)json_integer_value(extent);
    return SHEAF_OK;
}

static sheaf_status read_array(shf_layout *layout, const json_t *item, const char *path, sheaf_error *err)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    const json_t *dimensions = json_object_get(item, "dimensions"), *shape = json_object_get(item, "shape");
    json_t *attributes = json_object_get(item, "attributes");
    sheaf_dtype dtype = sheaf_dtype_parse(json_string_value(json_object_get(item, "dtype")));
    size_t ndim = json_array_size(dimensions);
    if (!shf_name_ok(name) || shf_layout_find(layout, name) >= 0 || !dtype || ndim < 1 || ndim > SHEAF_MAX_NDIM ||
        json_array_size(shape) != ndim || !json_is_object(attributes))
        return bad(err, path, "an array's name, dtype, dimensions, shape or attributes are missing or not allowed");
    shf_array *array;
    SHF_TRY(shf_layout_add_array(layout, &array, err));
    memcpy(array->name, name, strlen(name) + 1);
    array->dtype = dtype;
    array->ndim = (int)ndim;
    array->codec = SHEAF_CODEC_NONE;
    json_decref(array->attributes);
    array->attributes = json_incref(attributes);
    for (int axis = 0; axis < array->ndim; axis++)
        SHF_TRY(read_axis(layout, array, axis, json_array_get(dimensions, (size_t)axis), json_array_get(shape, (size_t)axis), path, err));
    return SHEAF_OK;
}

static sheaf_status read_schema(const json_t *schema, const char *path, shf_layout *layout, sheaf_error *err)
{
    const json_t *records = json_object_get(schema, "record_dimensions"), *arrays = json_object_get(schema, "arrays");
    json_t *attributes = json_object_get(schema, "attributes");
    if (json_integer_value(json_object_get(schema, "sheaf")) != 1 || !json_is_array(records) || !json_is_array(arrays) ||
        !json_is_object(attributes))
        return bad(err, path, "no schema of version 1");
    for (size_t i = 0; i < json_array_size(records); i++) {
        int index;
        const char *name = json_string_value(json_array_get(records, i));
        if (!shf_name_ok(name) || shf_layout_find_record(layout, name) >= 0)
            return bad(err, path, "a record dimension's name is not allowed");
        SHF_TRY(shf_layout_add_record(layout, name, &index, err));
    }
    for (size_t i = 0; i < json_array_size(arrays); i++) SHF_TRY(read_array(layout, json_array_get(arrays, i), path, err));
    layout->attributes = json_incref(attributes);
    return shf_layout_finish(layout, err);
}

sheaf_status shf_npyd_schema_read(const char *path, shf_layout *layout, sheaf_error *err)
{
    char *file = shf_path_join(path, "sheaf.json");
    if (!file) return shf_fail_memory(err, 0, "a path");
    shf_buf text = {0};
    sheaf_status status = shf_path_read(file, SCHEMA_MAX_BYTES, &text, err);
    shf_free(file);
    json_error_t where;
    json_t *schema = NULL;
    if (status == SHEAF_OK) {
        schema = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &where);
        status = schema ? read_schema(schema, path, layout, err) : unreadable(err, path, where.text);
    }
    json_decref(schema);
    shf_buf_free(&text);
    return status;
}

/* sheaf.len: two slots, written in turn; the valid one with the higher sequence counts.
 * Slot: magic u32, count u32, sequence u64, count lengths u64, crc32c u32 of all before. */
#define SLOT_MAGIC 0x314c4853u /* "SHL1" */
enum { CHECK_ATTEMPTS = 8 };

static size_t slot_bytes(const shf_layout *layout)
{
    return (20 + 8 * layout->n_records + 63) / 64 * 64;
}

sheaf_status shf_npyd_lengths_write(npy_state *state, sheaf_error *err)
{
    size_t n = state->layout->n_records, size = 16 + 8 * n;
    uint8_t slot[4096];
    if (size + 4 > sizeof slot) return shf_fail(err, SHEAF_ERR_RANGE, "%zu record dimensions are too many for a .npyd store", n);
    shf_set_u32(slot, SLOT_MAGIC);
    shf_set_u32(slot + 4, (uint32_t)n);
    shf_set_u64(slot + 8, state->sequence + 1);
    for (size_t i = 0; i < n; i++) shf_set_u64(slot + 16 + 8 * i, state->layout->records[i].length);
    shf_set_u32(slot + size, shf_crc32c(0, slot, size));
    SHF_TRY(shf_file_write(&state->lengths, slot, size + 4, (state->sequence + 1) % 2 * slot_bytes(state->layout), err));
    state->sequence++;
    state->written += size + 4;
    return SHEAF_OK;
}

static bool is_whole(const npy_state *state, const uint8_t *slot)
{
    size_t n = state->layout->n_records, size = 16 + 8 * n;
    return shf_get_u32(slot) == SLOT_MAGIC && shf_get_u32(slot + 4) == n && shf_get_u32(slot + size) == shf_crc32c(0, slot, size);
}

/* True when the slot is whole and newer than what is known. */
static bool take_slot(npy_state *state, const uint8_t *slot, uint64_t lengths[], bool first)
{
    size_t n = state->layout->n_records;
    if (!is_whole(state, slot)) return false;
    uint64_t sequence = shf_get_u64(slot + 8);
    if (!first && sequence <= state->sequence) return false;
    state->sequence = sequence;
    for (size_t i = 0; i < n; i++) lengths[i] = shf_get_u64(slot + 16 + 8 * i);
    return true;
}

sheaf_status shf_npyd_lengths_read(npy_state *state, sheaf_error *err)
{
    size_t size = slot_bytes(state->layout), got;
    uint8_t slots[8192] = {0};
    uint64_t lengths[512];
    if (2 * size > sizeof slots) return bad(err, state->path, "too many record dimensions");
    SHF_TRY(shf_file_read_some(&state->lengths, slots, 2 * size, 0, &got, err));
    bool one = take_slot(state, slots, lengths, true);
    bool two = take_slot(state, slots + size, lengths, !one);
    if (!one && !two)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, 0, "%s/sheaf.len: neither of its two slots is whole",
                           state->path);
    for (size_t i = 0; i < state->layout->n_records; i++) state->layout->records[i].length = lengths[i];
    sheaf_status status = shf_layout_finish(state->layout, err);
    if (status != SHEAF_ERR_RANGE) return status;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, -1, "%s/sheaf.len: rows of more bytes than a file can have",
                       state->path);
}

/* Of a store that is at rest both slots are whole. */
sheaf_status shf_npyd_lengths_check(const npy_state *state, void (*tell)(void *context, const sheaf_error *damage), void *context,
                                    sheaf_error *err)
{
    size_t size = slot_bytes(state->layout), got;
    for (size_t k = 0; k < 2; k++) {
        uint8_t slot[4096];
        bool whole = false;
        for (int i = 0; !whole && i < CHECK_ATTEMPTS; i++) { /* one that is being written is whole the next moment */
            memset(slot, 0, sizeof slot);
            SHF_TRY(shf_file_read_some(&state->lengths, slot, size, k * size, &got, err));
            whole = is_whole(state, slot) || (k == 0 && state->sequence < 2); /* the first commit goes to the second slot */
        }
        if (whole) continue;
        sheaf_error damage;
        (void)shf_fail_at(&damage, SHEAF_ERR_DAMAGED, state->path, NULL, -1, (int64_t)(k * size), "%s/sheaf.len: slot %zu is not whole",
                          state->path, k);
        tell(context, &damage);
    }
    return SHEAF_OK;
}

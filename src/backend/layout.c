// SPDX-License-Identifier: Apache-2.0
#include "backend/layout.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

/* One chunk of a narrow table; of an array that is read along both axes; depth of such a chunk along the record axis. */
#define CHUNK_TARGET_BYTES ((uint64_t)1 << 20)
#define CROSS_TARGET_BYTES ((uint64_t)128 << 10)
#define CROSS_DEPTH 16u
#define CROSS_MIN_ELEMENTS 512u
/* A row block is held whole while it is filled. */
#define SLAB_TARGET_BYTES ((uint64_t)32 << 20)
#define SLAB_MAX_BYTES ((uint64_t)1 << 31)

bool shf_name_ok(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    if (n == 0 || n > SHEAF_MAX_NAME || name[0] == '.') return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\') return false;
    }
    return true;
}

sheaf_status shf_layout_add_array(shf_layout *layout, shf_array **out, sheaf_error *err)
{
    shf_array *arrays = shf_realloc(layout->arrays, (layout->n_arrays + 1) * sizeof *arrays);
    if (!arrays) return shf_fail_memory(err, (layout->n_arrays + 1) * sizeof *arrays, "the list of arrays");
    layout->arrays = arrays;
    shf_array *array = &arrays[layout->n_arrays];
    memset(array, 0, sizeof *array);
    array->record = -1;
    array->attributes = json_object();
    if (!array->attributes) return shf_fail_memory(err, 64, "attributes");
    layout->n_arrays++;
    *out = array;
    return SHEAF_OK;
}

int shf_layout_find(const shf_layout *layout, const char *array)
{
    for (size_t i = 0; i < layout->n_arrays; i++)
        if (!strcmp(layout->arrays[i].name, array)) return (int)i;
    return -1;
}

int shf_layout_find_record(const shf_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->n_records; i++)
        if (!strcmp(layout->records[i].name, name)) return (int)i;
    return -1;
}

sheaf_status shf_layout_add_record(shf_layout *layout, const char *name, int *index, sheaf_error *err)
{
    *index = shf_layout_find_record(layout, name);
    if (*index >= 0) return SHEAF_OK;
    if (!shf_name_ok(name)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "\"%.80s\" is no name for a dimension", name);
    shf_record *records = shf_realloc(layout->records, (layout->n_records + 1) * sizeof *records);
    if (!records) return shf_fail_memory(err, sizeof *records, "the list of dimensions");
    layout->records = records;
    shf_record *record = &records[layout->n_records];
    memset(record, 0, sizeof *record);
    memcpy(record->name, name, strlen(name) + 1);
    *index = (int)layout->n_records++;
    return SHEAF_OK;
}

/* Elements of one row, or false on overflow or a zero extent. */
static bool row_elements(const shf_array *array, uint64_t *elements)
{
    *elements = 1;
    for (int axis = 1; axis < array->ndim; axis++)
        if (array->shape[axis] == 0 || !shf_mul_u64(*elements, array->shape[axis], elements)) return false;
    return true;
}

/* Narrow rows: whole rows up to the target. Wide ones: CROSS_DEPTH rows deep and as wide as the smaller target allows, from the last axis on. */
static void choose_chunk(shf_array *array, uint64_t elements)
{
    uint64_t row_bytes = elements * array->item_size;
    if (array->record < 0 || elements <= CROSS_MIN_ELEMENTS) {
        uint64_t rows = shf_max_u64(1, CHUNK_TARGET_BYTES / row_bytes);
        if (!array->chunk[0]) array->chunk[0] = array->record < 0 ? shf_max_u64(1, shf_min_u64(rows, array->shape[0])) : rows;
        for (int axis = 1; axis < array->ndim; axis++)
            if (!array->chunk[axis]) array->chunk[axis] = array->shape[axis];
        return;
    }
    if (!array->chunk[0]) array->chunk[0] = shf_max_u64(1, shf_min_u64(CROSS_DEPTH, SLAB_TARGET_BYTES / row_bytes));
    uint64_t width = shf_max_u64(1, CROSS_TARGET_BYTES / (array->chunk[0] * array->item_size));
    for (int axis = array->ndim - 1; axis >= 1; axis--) {
        if (!array->chunk[axis]) array->chunk[axis] = shf_min_u64(array->shape[axis], shf_max_u64(1, width));
        width /= shf_max_u64(1, array->chunk[axis]);
    }
}

static sheaf_status too_large(const shf_array *array, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, array->name, -1, -1, "array %s: its shape or chunk is too large or has an extent of 0",
                       array->name);
}

static sheaf_status finish_array(shf_array *array, sheaf_error *err)
{
    uint64_t elements, bytes, slab;
    array->item_size = sheaf_dtype_size(array->dtype);
    if (!array->item_size || array->ndim < 1 || array->ndim > SHEAF_MAX_NDIM)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, array->name, -1, -1, "array %s: dtype %d with %d dimensions is not allowed",
                           array->name, (int)array->dtype, array->ndim);
    if (!row_elements(array, &elements) || !shf_mul_u64(elements, array->item_size, &bytes) || bytes > SLAB_MAX_BYTES)
        return too_large(array, err);
    array->row_bytes = (size_t)bytes;
    choose_chunk(array, elements);
    bytes = array->item_size;
    array->n_columns = 1;
    for (int axis = 0; axis < array->ndim; axis++) {
        if (!array->chunk[axis] || !shf_mul_u64(bytes, array->chunk[axis], &bytes) || bytes > SLAB_MAX_BYTES) return too_large(array, err);
        if (axis == 0) continue;
        array->column_grid[axis] = shf_ceil_div(array->shape[axis], array->chunk[axis]);
        array->n_columns *= array->column_grid[axis];
    }
    array->chunk_bytes = (size_t)bytes;
    if (!shf_mul_u64(array->chunk[0], array->row_bytes, &slab) || (array->record >= 0 && slab > SLAB_MAX_BYTES))
        return too_large(array, err);
    if (array->record < 0 && (!shf_mul_u64(array->shape[0], array->row_bytes, &slab) || slab > INT64_MAX)) return too_large(array, err);
    return SHEAF_OK;
}

sheaf_status shf_layout_finish(shf_layout *layout, sheaf_error *err)
{
    for (size_t i = 0; i < layout->n_arrays; i++) {
        shf_array *array = &layout->arrays[i];
        if (array->record >= (int)layout->n_records)
            return shf_fail(err, SHEAF_ERR_DAMAGED, "array %s has no such record dimension", array->name);
        SHF_TRY(finish_array(array, err));
        uint64_t bytes;
        if (array->record >= 0 && (!shf_mul_u64(layout->records[array->record].length, array->row_bytes, &bytes) || bytes > INT64_MAX))
            return too_large(array, err);
    }
    return SHEAF_OK;
}

uint64_t shf_array_rows(const shf_layout *layout, const shf_array *array)
{
    return array->record >= 0 ? layout->records[array->record].length : array->shape[0];
}

void shf_array_column(const shf_array *array, uint64_t column, uint64_t out[SHEAF_MAX_NDIM])
{
    for (int axis = array->ndim - 1; axis >= 1; axis--) {
        out[axis] = column % array->column_grid[axis];
        column /= array->column_grid[axis];
    }
}

void shf_layout_free(shf_layout *layout)
{
    for (size_t i = 0; i < layout->n_arrays; i++) {
        json_decref(layout->arrays[i].attributes);
        shf_free(layout->arrays[i].values);
    }
    shf_free(layout->arrays);
    shf_free(layout->records);
    json_decref(layout->attributes);
    memset(layout, 0, sizeof *layout);
}

static sheaf_status copy_array(const shf_array *from, shf_layout *to, sheaf_error *err)
{
    shf_array *array;
    SHF_TRY(shf_layout_add_array(to, &array, err));
    json_t *empty = array->attributes;
    *array = *from;
    array->values = NULL;
    array->attributes = json_deep_copy(from->attributes);
    if (!array->attributes) {
        array->attributes = empty;
        return shf_fail_memory(err, 64, "attributes");
    }
    json_decref(empty);
    if (!from->values) return SHEAF_OK;
    size_t bytes = (size_t)from->shape[0] * from->row_bytes;
    array->values = shf_malloc(bytes);
    if (!array->values) return shf_fail_memory(err, bytes, from->name);
    memcpy(array->values, from->values, bytes);
    return SHEAF_OK;
}

sheaf_status shf_layout_copy(const shf_layout *from, shf_layout *to, sheaf_error *err)
{
    memset(to, 0, sizeof *to);
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; status == SHEAF_OK && i < from->n_records; i++) {
        int index;
        status = shf_layout_add_record(to, from->records[i].name, &index, err);
        if (status == SHEAF_OK) to->records[index] = from->records[i];
    }
    for (size_t i = 0; status == SHEAF_OK && i < from->n_arrays; i++) status = copy_array(&from->arrays[i], to, err);
    if (status == SHEAF_OK) {
        to->attributes = from->attributes ? json_deep_copy(from->attributes) : json_object();
        if (!to->attributes) status = shf_fail_memory(err, 64, "attributes");
    }
    if (status != SHEAF_OK) shf_layout_free(to);
    return status;
}

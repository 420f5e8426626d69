// SPDX-License-Identifier: Apache-2.0
/* From the file to the layout. What the file says is checked; what we cannot read is left out. */
#include <stdio.h>
#include <string.h>

#include "backend/hdf5/attributes.h"
#include "backend/hdf5/datatype.h"
#include "backend/hdf5/library.h"
#include "backend/hdf5/scales.h"
#include "backend/hdf5/state.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

enum { MAX_DEPTH = 8, MAX_PATH = 512 };
#define MAX_ROW_BYTES ((uint64_t)1 << 31)
/* Length of a record dimension before the first of its arrays is seen. */
#define UNKNOWN UINT64_MAX

/* A walk over the file's links. */
typedef struct walk {
    shf_h5_state *state;
    sheaf_error *err;
    sheaf_status status;
    bool *foreign;
    bool marked; /* the file says that it is ours */
    int depth;
    char prefix[MAX_PATH]; /* "" or "group/" */
} walk;

/* ---- one dataset ---- */

static bool read_shape(hid_t dataset, shf_array *array)
{
    hsize_t shape[SHEAF_MAX_NDIM];
    hid_t space = H5Dget_space(dataset);
    int ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    bool sound = ndim >= 1 && ndim <= SHEAF_MAX_NDIM && H5Sget_simple_extent_dims(space, shape, NULL) == ndim;
    if (space >= 0) (void)H5Sclose(space);
    if (!sound) return false;
    array->ndim = ndim;
    uint64_t row = array->item_size;
    for (int axis = 0; axis < ndim; axis++) {
        array->shape[axis] = shape[axis];
        if (axis > 0 && (shape[axis] == 0 || !shf_mul_u64(row, shape[axis], &row))) return false;
    }
    return row <= MAX_ROW_BYTES && shf_mul_u64(row, array->shape[0], &row) && row <= INT64_MAX;
}

/* Which of shuffle, deflate and fletcher32 there are, in this order; false: others, or in another order. */
static bool read_filters(hid_t properties, shf_array *array, shf_h5_array *own)
{
    static const H5Z_filter_t known[3] = {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32};
    int n = H5Pget_nfilters(properties), next = 0;
    memset(own->filters, -1, sizeof own->filters);
    for (int i = 0; i < n; i++) {
        unsigned flags, values[8] = {0};
        size_t n_values = 8;
        H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &n_values, values, 0, NULL, NULL);
        while (next < 3 && known[next] != filter) next++;
        if (next == 3) return false;
        own->filters[next] = (int8_t)i;
        if (filter == H5Z_FILTER_DEFLATE) array->level = n_values ? (int)shf_min_u64(values[0], 9) : 1;
        next++;
    }
    array->codec = own->filters[0] >= 0 || own->filters[1] >= 0 ? SHEAF_CODEC_GZIP : SHEAF_CODEC_NONE;
    return n >= 0;
}

/* Whether what was never stored reads as our fill value. */
static bool has_our_fill(hid_t properties, const shf_array *array)
{
    uint64_t ours = 0, theirs = 0;
    shf_dtype_fill(array->dtype, &ours, 1);
    hid_t type = array->dtype == SHEAF_BOOL ? H5T_NATIVE_UINT8 : shf_h5_type(array->dtype);
    return H5Pget_fill_value(properties, type, &theirs) >= 0 && !memcmp(&ours, &theirs, array->item_size);
}

/* Chunks that we can read ourselves keep their shape; otherwise it is only how much libhdf5 reads at once. */
static void read_chunks(hid_t dataset, shf_array *array, shf_h5_array *own)
{
    hsize_t chunk[SHEAF_MAX_NDIM] = {0};
    hid_t properties = H5Dget_create_plist(dataset);
    array->codec = SHEAF_CODEC_NONE;
    own->by_library = true;
    if (properties >= 0 && H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_chunk(properties, SHEAF_MAX_NDIM, chunk) == array->ndim) {
        uint64_t bytes = array->item_size;
        bool small = true;
        for (int axis = 0; axis < array->ndim; axis++) small = small && shf_mul_u64(bytes, chunk[axis], &bytes) && bytes < MAX_ROW_BYTES;
        own->by_library = !small || !read_filters(properties, array, own);
        own->other_fill = !has_our_fill(properties, array);
        for (int axis = 0; small && axis < array->ndim; axis++) array->chunk[axis] = chunk[axis];
    }
    if (own->by_library) {
        array->codec = SHEAF_CODEC_NONE;
        array->big_endian = false; /* libhdf5 swaps */
    }
    if (properties >= 0) (void)H5Pclose(properties);
    (void)H5Eclear2(H5E_DEFAULT);
}

/* "dtype" = "bool" on bytes: ours, and xarray's. */
static sheaf_status read_boolean(hid_t dataset, shf_array *array, sheaf_error *err)
{
    char *text;
    if (array->dtype != SHEAF_U8 && array->dtype != SHEAF_I8) return SHEAF_OK;
    SHF_TRY(shf_h5_attribute_text(dataset, "dtype", &text, err));
    if (text && !strcmp(text, "bool")) array->dtype = SHEAF_BOOL;
    shf_free(text);
    return SHEAF_OK;
}

static void listed_dimensions(hid_t dataset, shf_array *array)
{
    char *text = NULL;
    if (shf_h5_attribute_text(dataset, "sheaf_dimensions", &text, NULL) != SHEAF_OK || !text) return;
    json_t *names = json_loads(text, 0, NULL);
    for (int axis = 0; axis < array->ndim; axis++) {
        const char *name = json_string_value(json_array_get(names, (size_t)axis));
        if (name && shf_name_ok(name)) memcpy(array->dimensions[axis], name, strlen(name) + 1);
    }
    json_decref(names);
    shf_free(text);
}

/* Dimensions that the file does not name are told apart by their lengths, as xarray does it. */
static void name_dimensions(const walk *w, hid_t dataset, shf_array *array)
{
    shf_h5_scales_read(dataset, array->name, array->ndim, array->dimensions);
    listed_dimensions(dataset, array);
    for (int axis = 0; axis < array->ndim; axis++) {
        if (array->dimensions[axis][0]) continue;
        if (w->depth == 0) *w->foreign = true;
        (void)snprintf(array->dimensions[axis], sizeof array->dimensions[axis], "dim_%llu", (unsigned long long)array->shape[axis]);
    }
}

static sheaf_status read_record(const walk *w, hid_t dataset, shf_array *array, sheaf_error *err)
{
    char *name;
    SHF_TRY(shf_h5_attribute_text(dataset, "sheaf_record", &name, err));
    if (!name) return SHEAF_OK;
    shf_layout *layout = w->state->layout;
    size_t before = layout->n_records;
    sheaf_status status = shf_layout_add_record(layout, name, &array->record, err);
    shf_free(name);
    if (status != SHEAF_OK) return status;
    shf_record *record = &layout->records[array->record];
    if (layout->n_records > before || record->length == UNKNOWN) record->length = array->shape[0];
    if (record->length != array->shape[0])
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, w->state->path, array->name, -1, -1,
                           "%s: array %s has %llu records, others of dimension %s have %llu", w->state->path, array->name,
                           (unsigned long long)array->shape[0], record->name, (unsigned long long)record->length);
    if (w->state->arrays[w->state->n_arrays - 1].by_library || array->chunk[0] == 0)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, w->state->path, array->name, -1, -1, "%s: array %s grows but is not in chunks of ours",
                           w->state->path, array->name);
    memcpy(array->dimensions[0], record->name, sizeof array->dimensions[0]);
    array->shape[0] = 0;
    return SHEAF_OK;
}

/* Where the array is in the schema, in a file of others. */
static void read_position(hid_t dataset, shf_h5_array *own)
{
    char *text = NULL;
    if (shf_h5_attribute_text(dataset, "sheaf_position", &text, NULL) != SHEAF_OK || !text) return;
    json_t *position = json_loads(text, 0, NULL);
    if (json_array_size(position) == 2) {
        own->position = json_integer_value(json_array_get(position, 0));
        own->record_position = json_integer_value(json_array_get(position, 1));
    }
    json_decref(position);
    shf_free(text);
}

/* What is read of a dataset goes into the last array of layout and state. */
static sheaf_status describe(walk *w, hid_t dataset, shf_array *array, shf_h5_array *own, const char *link)
{
    int left_out = 0;
    own->link = shf_strdup(link);
    if (!own->link) return shf_fail_memory(w->err, strlen(link), "a name");
    read_chunks(dataset, array, own);
    SHF_TRY(read_boolean(dataset, array, w->err));
    name_dimensions(w, dataset, array);
    SHF_TRY(read_record(w, dataset, array, w->err));
    SHF_TRY(shf_h5_attributes_read(dataset, array->attributes, &left_out, w->err));
    read_position(dataset, own);
    if (left_out || own->by_library || own->other_fill || array->big_endian) *w->foreign = true;
    return SHEAF_OK;
}

static sheaf_status add_dataset(walk *w, hid_t dataset, const char *link)
{
    shf_layout *layout = w->state->layout;
    shf_array seen = {0}, *array;
    if (w->depth == 0 && shf_h5_is_placeholder(dataset)) return SHEAF_OK;
    hid_t type = H5Dget_type(dataset);
    seen.dtype = type < 0 ? SHEAF_DTYPE_NONE : shf_h5_dtype(type, &seen.big_endian);
    seen.item_size = sheaf_dtype_size(seen.dtype);
    if (type >= 0) (void)H5Tclose(type);
    if (!seen.item_size || strlen(link) > SHEAF_MAX_NAME || !read_shape(dataset, &seen)) {
        *w->foreign = true;
        return SHEAF_OK;
    }
    SHF_TRY(shf_layout_add_array(layout, &array, w->err));
    SHF_TRY(shf_h5_state_arrays(w->state, w->err));
    memcpy(array->name, link, strlen(link) + 1);
    array->dtype = seen.dtype;
    array->item_size = seen.item_size;
    array->big_endian = seen.big_endian;
    array->ndim = seen.ndim;
    memcpy(array->shape, seen.shape, sizeof array->shape);
    return describe(w, dataset, array, &w->state->arrays[w->state->n_arrays - 1], link);
}

/* ---- the walk ---- */

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *context);

static herr_t iterate(hid_t group, walk *w)
{
    hsize_t at = 0;
    herr_t rc = H5Literate(group, H5_INDEX_CRT_ORDER, H5_ITER_INC, &at, visit, w);
    if (rc >= 0 || w->status != SHEAF_OK) return rc;
    (void)H5Eclear2(H5E_DEFAULT); /* no order of creation is kept in this group */
    at = 0;
    return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, visit, w);
}

static void enter_group(walk *w, hid_t group, const char *link)
{
    walk below = *w;
    *w->foreign = true;
    if (w->depth + 1 >= MAX_DEPTH) return;
    below.depth++;
    int n = snprintf(below.prefix, sizeof below.prefix, "%s/", link);
    if (n > 0 && (size_t)n < sizeof below.prefix) (void)iterate(group, &below);
    w->status = below.status;
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    walk *w = context;
    char link[2 * MAX_PATH];
    int n = snprintf(link, sizeof link, "%s%s", w->prefix, name);
    if (info->type != H5L_TYPE_HARD || n < 0 || n >= MAX_PATH) {
        *w->foreign = true;
        return 0;
    }
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0 && !w->marked) { /* what a newer libhdf5 wrote may be beyond this one; the rest can be read */
        (void)H5Eclear2(H5E_DEFAULT);
        return 0;
    }
    if (object < 0) {
        w->status = shf_h5_fail(w->err, SHEAF_ERR_DAMAGED, w->state->path, "cannot open an object of");
        return -1;
    }
    if (H5Iget_type(object) == H5I_DATASET) w->status = add_dataset(w, object, link);
    else if (H5Iget_type(object) == H5I_GROUP) enter_group(w, object, link);
    else *w->foreign = true;
    (void)H5Oclose(object);
    return w->status == SHEAF_OK ? 0 : -1;
}

/* The file's own attributes, and the record dimensions in their order. */
static sheaf_status read_root(shf_h5_state *state, bool *foreign, sheaf_error *err)
{
    int left_out = 0;
    char *text;
    shf_layout *layout = state->layout;
    SHF_TRY(shf_h5_attribute_text(state->library_file, "sheaf", &text, err));
    *foreign = !text;
    json_t *mark = text ? json_loads(text, 0, NULL) : NULL, *records = json_object_get(mark, "records");
    sheaf_status status = SHEAF_OK;
    state->keep_start = (uint64_t)json_integer_value(json_object_get(mark, "region"));
    for (size_t i = 0; status == SHEAF_OK && i < json_array_size(records); i++) {
        int index;
        const char *name = json_string_value(json_array_get(records, i));
        status = name ? shf_layout_add_record(layout, name, &index, err) : SHEAF_OK;
        if (status == SHEAF_OK && name) layout->records[index].length = UNKNOWN;
    }
    json_decref(mark);
    shf_free(text);
    if (status != SHEAF_OK) return status;
    if (!layout->attributes && !(layout->attributes = json_object())) return shf_fail_memory(err, 64, "attributes");
    status = shf_h5_attributes_read(state->library_file, layout->attributes, &left_out, err);
    if (left_out) *foreign = true;
    return status;
}

static void swap_arrays(shf_h5_state *state, size_t i, size_t k)
{
    shf_array array = state->layout->arrays[i];
    shf_h5_array own = state->arrays[i];
    state->layout->arrays[i] = state->layout->arrays[k];
    state->arrays[i] = state->arrays[k];
    state->layout->arrays[k] = array;
    state->arrays[k] = own;
}

static void drop_last_array(shf_h5_state *state)
{
    shf_layout *layout = state->layout;
    shf_array *array = &layout->arrays[--layout->n_arrays];
    shf_h5_array *own = &state->arrays[--state->n_arrays];
    json_decref(array->attributes);
    if (own->dataset >= 0) (void)H5Dclose(own->dataset);
    shf_free(own->link);
}

static int64_t record_position(const shf_h5_state *state, int record)
{
    for (size_t i = 0; i < state->n_arrays; i++)
        if (state->layout->arrays[i].record == record) return state->arrays[i].record_position;
    return INT64_MAX;
}

static void order_records(shf_h5_state *state)
{
    shf_layout *layout = state->layout;
    for (int i = 0; i < (int)layout->n_records; i++)
        for (int k = i + 1; k < (int)layout->n_records; k++) {
            if (record_position(state, k) >= record_position(state, i)) continue;
            shf_record record = layout->records[i];
            layout->records[i] = layout->records[k];
            layout->records[k] = record;
            for (size_t a = 0; a < layout->n_arrays; a++) {
                int *of = &layout->arrays[a].record;
                *of = *of == i ? k : *of == k ? i : *of;
            }
        }
}

/* A store that lies beside what is not ours is those arrays alone, in the order of its schema, as its log counts them. */
static void keep_ours(shf_h5_state *state)
{
    bool any = false;
    for (size_t i = 0; i < state->n_arrays; i++) any = any || state->arrays[i].position >= 0;
    if (!any) return;
    for (size_t i = state->n_arrays; i-- > 0;)
        if (state->arrays[i].position < 0) {
            swap_arrays(state, i, state->n_arrays - 1);
            drop_last_array(state);
        }
    for (size_t i = 0; i < state->n_arrays; i++)
        for (size_t k = i + 1; k < state->n_arrays; k++)
            if (state->arrays[k].position < state->arrays[i].position) swap_arrays(state, i, k);
    order_records(state);
}

static sheaf_status read_all(shf_h5_state *state, bool *foreign, sheaf_error *err)
{
    walk w = {.state = state, .err = err, .status = SHEAF_OK, .foreign = foreign};
    SHF_TRY(read_root(state, foreign, err));
    w.marked = state->keep_start != 0;
    herr_t rc = iterate(state->library_file, &w);
    if (w.status != SHEAF_OK) return w.status;
    if (rc < 0) return shf_h5_fail(err, SHEAF_ERR_DAMAGED, state->path, "cannot list");
    if (!w.marked) keep_ours(state);
    for (size_t r = 0; r < state->layout->n_records; r++)
        if (state->layout->records[r].length == UNKNOWN) state->layout->records[r].length = 0;
    return SHEAF_OK;
}

sheaf_status shf_h5_structure_read(shf_h5_state *state, bool *foreign, sheaf_error *err)
{
    shf_h5_lock();
    sheaf_status status = read_all(state, foreign, err);
    shf_h5_unlock();
    if (status == SHEAF_OK) status = shf_layout_finish(state->layout, err);
    if (status != SHEAF_OK) {
        shf_error_locate(err, state->path, NULL, -1, -1);
        return status;
    }
    return shf_h5_state_arrays(state, err);
}

static sheaf_status read_length(shf_h5_state *state, size_t i, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    shf_array seen = {.item_size = array->item_size};
    if (array->record < 0) return SHEAF_OK;
    hid_t dataset = shf_h5_dataset(state, i);
    if (dataset < 0 || !read_shape(dataset, &seen) || seen.ndim != array->ndim ||
        memcmp(seen.shape + 1, array->shape + 1, sizeof seen.shape[0] * (SHEAF_MAX_NDIM - 1)) != 0)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, state->path, array->name, -1, -1, "%s: array %s is no longer what it was", state->path,
                           array->name);
    state->lengths[array->record] = seen.shape[0];
    return SHEAF_OK;
}

sheaf_status shf_h5_structure_lengths(shf_h5_state *state, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    shf_h5_lock();
    for (size_t i = 0; status == SHEAF_OK && i < state->n_arrays; i++) status = read_length(state, i, err);
    shf_h5_unlock();
    return status;
}

static sheaf_status replace_attributes(hid_t object, json_t **attributes, sheaf_error *err)
{
    json_t *fresh = json_object();
    if (!fresh) return shf_fail_memory(err, 64, "attributes");
    sheaf_status status =
        object < 0 ? shf_h5_fail(err, SHEAF_ERR_DAMAGED, NULL, "cannot open an array") : shf_h5_attributes_read(object, fresh, NULL, err);
    if (status != SHEAF_OK) {
        json_decref(fresh);
        return status;
    }
    json_decref(*attributes);
    *attributes = fresh;
    return SHEAF_OK;
}

sheaf_status shf_h5_structure_attributes(shf_h5_state *state, sheaf_error *err)
{
    shf_h5_lock();
    sheaf_status status = replace_attributes(state->library_file, &state->layout->attributes, err);
    for (size_t i = 0; status == SHEAF_OK && i < state->n_arrays; i++)
        status = replace_attributes(shf_h5_dataset(state, i), &state->layout->arrays[i].attributes, err);
    shf_h5_unlock();
    if (status != SHEAF_OK) shf_error_locate(err, state->path, NULL, -1, -1);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/image.h"

#include <stdio.h>
#include <string.h>

#include "backend/hdf5/attributes.h"
#include "backend/hdf5/datatype.h"
#include "backend/hdf5/library.h"
#include "backend/hdf5/scales.h"
#include "backend/hdf5/tree.h"
#include "base/alloc.h"
#include "base/dtype.h"

/* Where the root of each array's chunk index came to lie, until it is written. */
typedef struct index_root {
    shf_h5_tree tree;
    uint64_t address;
} index_root;

static hid_t make_space(const shf_array *array, uint64_t rows)
{
    hsize_t shape[SHEAF_MAX_NDIM], most[SHEAF_MAX_NDIM];
    for (int axis = 0; axis < array->ndim; axis++) shape[axis] = most[axis] = array->shape[axis];
    if (array->record >= 0) {
        shape[0] = rows;
        most[0] = H5S_UNLIMITED;
    }
    return H5Screate_simple(array->ndim, shape, most);
}

static hid_t make_properties(const shf_array *array)
{
    hsize_t chunk[SHEAF_MAX_NDIM];
    uint64_t fill;
    hid_t type = shf_h5_type(array->dtype), properties = H5Pcreate(H5P_DATASET_CREATE);
    for (int axis = 0; axis < array->ndim; axis++) chunk[axis] = array->chunk[axis];
    shf_dtype_fill(array->dtype, &fill, 1);
    bool done = H5Pset_chunk(properties, array->ndim, chunk) >= 0 && H5Pset_fill_value(properties, type, &fill) >= 0 &&
                H5Pset_obj_track_times(properties, false) >= 0 &&
                H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0;
    if (done && array->codec == SHEAF_CODEC_GZIP)
        done = H5Pset_shuffle(properties) >= 0 && H5Pset_deflate(properties, (unsigned)array->level) >= 0;
    if (done) done = H5Pset_fletcher32(properties) >= 0;
    if (done) return properties;
    if (properties >= 0) (void)H5Pclose(properties);
    return -1;
}

static hid_t make_dataset(hid_t file, const shf_array *array, uint64_t rows)
{
    hid_t space = make_space(array, rows), properties = make_properties(array), names = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_char_encoding(names, H5T_CSET_UTF8);
    hid_t dataset = H5Dcreate2(file, array->name, shf_h5_type(array->dtype), space, names, properties, H5P_DEFAULT);
    if (names >= 0) (void)H5Pclose(names);
    if (properties >= 0) (void)H5Pclose(properties);
    if (space >= 0) (void)H5Sclose(space);
    return dataset;
}

/* Tells libhdf5 where a chunk lies. */
static sheaf_status enter_chunk(shf_h5_medium *image, hid_t dataset, const shf_array *array, uint64_t index, shf_h5_chunk chunk,
                                sheaf_error *err)
{
    uint64_t start[SHEAF_MAX_NDIM];
    hsize_t at[SHEAF_MAX_NDIM];
    shf_h5_chunk_start(array, index, start);
    for (int axis = 0; axis < array->ndim; axis++) at[axis] = start[axis];
    image->place = chunk.offset;
    image->placed = false;
    herr_t rc = H5Dwrite_chunk(dataset, H5P_DEFAULT, chunk.mask, at, chunk.size, &chunk);
    image->place = SHF_H5_NOWHERE;
    if (rc < 0) return shf_h5_fail(err, SHEAF_ERR_IO, array->name, "cannot enter a chunk of array");
    if (image->placed) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the file keeps lists of free space, beside which Sheaf cannot add arrays");
}

/* libhdf5 makes the root of the chunk index when it is told of the first chunk; the rest of the index is ours. In a file of others of version 1.10
 * the index is no B-tree: there libhdf5 is told of every chunk. */
static sheaf_status make_index(shf_h5_medium *image, hid_t dataset, const shf_array *array, const shf_h5_content *content, index_root *root,
                               sheaf_error *err)
{
    uint64_t index = 0, positions = shf_h5_content_positions(array, content), i = 0;
    shf_h5_chunk chunk = {0};
    for (; i < positions && !chunk.offset; i++) chunk = shf_h5_content_at(array, content, i, &index);
    if (!chunk.offset) return SHEAF_OK;
    image->tree = SHF_H5_NOWHERE;
    SHF_TRY(enter_chunk(image, dataset, array, index, chunk, err));
    if (image->tree == SHF_H5_NOWHERE && H5Fflush(dataset, H5F_SCOPE_LOCAL) < 0)
        return shf_h5_fail(err, SHEAF_ERR_IO, array->name, "cannot write the chunk index of array");
    root->address = image->tree;
    if (root->address != SHF_H5_NOWHERE) return shf_h5_tree_grow(&root->tree, array, content, image, err);
    for (; i < positions; i++) {
        chunk = shf_h5_content_at(array, content, i, &index);
        if (chunk.offset) SHF_TRY(enter_chunk(image, dataset, array, index, chunk, err));
    }
    return SHEAF_OK;
}

/* The B-tree has no checksum of its own: "sheaf_index" is that of where the chunks lie. */
static sheaf_status make_index_checksum(hid_t dataset, const shf_array *array, const shf_h5_content *content, sheaf_error *err)
{
    char text[16];
    uint32_t crc = 0;
    uint64_t index, positions = shf_h5_content_positions(array, content);
    for (uint64_t i = 0; i < positions; i++) {
        shf_h5_chunk chunk = shf_h5_content_at(array, content, i, &index);
        crc = shf_h5_index_crc(crc, index, chunk);
    }
    (void)snprintf(text, sizeof text, "%08x", crc);
    return shf_h5_attribute_set_text(dataset, "sheaf_index", text, err);
}

static sheaf_status make_array_attributes(hid_t dataset, const shf_h5_view *view, const shf_array *array, const json_t *attributes,
                                          sheaf_error *err)
{
    const shf_layout *layout = view->layout;
    if (array->dtype == SHEAF_BOOL) SHF_TRY(shf_h5_attribute_set_text(dataset, "dtype", "bool", err));
    bool named = !view->beside; /* every dimension gets a scale of its name */
    json_t *names = json_array();
    for (int axis = 0; axis < array->ndim; axis++) {
        int same = shf_layout_find(layout, array->dimensions[axis]);
        const shf_array *other = same < 0 ? NULL : &layout->arrays[same];
        if (other && !(other->ndim == 1 && !strcmp(other->dimensions[0], other->name))) named = false;
        (void)json_array_append_new(names, json_string(array->dimensions[axis]));
    }
    sheaf_status status = SHEAF_OK;
    if (!named) {
        char *text = json_dumps(names, JSON_COMPACT);
        status = text ? shf_h5_attribute_set_text(dataset, "sheaf_dimensions", text, err) : shf_fail_memory(err, 64, "dimensions");
        free(text);
    }
    json_decref(names);
    if (status == SHEAF_OK && view->beside) {
        char position[64];
        (void)snprintf(position, sizeof position, "[%td,%d]", array - layout->arrays, array->record);
        status = shf_h5_attribute_set_text(dataset, "sheaf_position", position, err);
    }
    if (status == SHEAF_OK && array->record >= 0)
        status = shf_h5_attribute_set_text(dataset, "sheaf_record", layout->records[array->record].name, err);
    return status == SHEAF_OK ? shf_h5_attributes_write(dataset, attributes, err) : status;
}

static sheaf_status make_array(shf_h5_medium *image, hid_t file, const shf_h5_view *view, size_t i, index_root *root, sheaf_error *err)
{
    const shf_array *array = &view->layout->arrays[i];
    const shf_h5_content *content = &view->contents[i];
    hid_t dataset = make_dataset(file, array, content->length);
    if (dataset < 0) return shf_h5_fail(err, SHEAF_ERR_IO, array->name, "cannot make the dataset of array");
    sheaf_status status = make_array_attributes(dataset, view, array, content->attributes, err);
    if (status == SHEAF_OK && !view->beside) status = make_index_checksum(dataset, array, content, err);
    if (status == SHEAF_OK) status = make_index(image, dataset, array, content, root, err);
    if (H5Dclose(dataset) < 0 && status == SHEAF_OK)
        status = shf_h5_fail(err, SHEAF_ERR_IO, array->name, "cannot close the dataset of array");
    return status;
}

/* Says that the file is ours and whole: names of the record dimensions, and where the checkpoint's own region begins. */
static sheaf_status make_mark(hid_t file, const shf_h5_view *view, sheaf_error *err)
{
    json_t *mark = json_pack("{s:i, s:I, s:[]}", "version", 1, "region", (json_int_t)view->region, "records");
    json_t *records = json_object_get(mark, "records");
    for (size_t i = 0; i < view->layout->n_records; i++) (void)json_array_append_new(records, json_string(view->layout->records[i].name));
    char *text = mark && json_array_size(records) == view->layout->n_records ? json_dumps(mark, JSON_COMPACT) : NULL;
    sheaf_status status = text ? shf_h5_attribute_set_text(file, "sheaf", text, err) : shf_fail_memory(err, 64, "the file's mark");
    free(text);
    json_decref(mark);
    return status;
}

static hid_t open_beside(shf_h5_medium *image)
{
    hid_t access = shf_h5_medium_access(image), file = access < 0 ? -1 : H5Fopen("sheaf", H5F_ACC_RDWR, access);
    if (access >= 0) (void)H5Pclose(access);
    return file;
}

static hid_t create_file(shf_h5_medium *image)
{
    if (image->beside) return open_beside(image);
    hid_t access = shf_h5_medium_access(image), creation = H5Pcreate(H5P_FILE_CREATE), file = -1;
    unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    if (H5Pset_link_creation_order(creation, order) >= 0 && H5Pset_attr_creation_order(creation, order) >= 0 &&
        H5Pset_obj_track_times(creation, false) >= 0)
        file = H5Fcreate("sheaf", H5F_ACC_TRUNC, creation, access);
    if (creation >= 0) (void)H5Pclose(creation);
    if (access >= 0) (void)H5Pclose(access);
    return file;
}

/* What others have said about their file stays as it is. */
static sheaf_status add_attributes(hid_t file, const json_t *attributes, sheaf_error *err)
{
    json_t *missing = json_deep_copy(attributes);
    if (!missing) return shf_fail_memory(err, 64, "attributes");
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(missing, next, name, value) if (H5Aexists(file, name) > 0)(void) json_object_del(missing, name);
    sheaf_status status = shf_h5_attributes_write(file, missing, err);
    json_decref(missing);
    return status;
}

static herr_t find_ours(hid_t file, const char *name, const H5L_info_t *info, void *context)
{
    (void)info;
    (void)context;
    return H5Aexists_by_name(file, name, "sheaf_position", H5P_DEFAULT) > 0;
}

static sheaf_status check_free(hid_t file, const shf_layout *layout, sheaf_error *err)
{
    for (size_t i = 0; i < layout->n_arrays; i++) {
        const char *name = layout->arrays[i].name;
        if (H5Lexists(file, name, H5P_DEFAULT) > 0)
            return shf_fail_at(err, SHEAF_ERR_EXISTS, NULL, name, -1, -1, "the file has a \"%s\" already", name);
    }
    hsize_t at = 0;
    if (H5Aexists(file, "sheaf") > 0 || H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, &at, find_ours, NULL) > 0)
        return shf_fail(err, SHEAF_ERR_EXISTS, "the file has arrays of Sheaf already: open it for appending");
    return SHEAF_OK;
}

static sheaf_status fill_beside(shf_h5_medium *image, hid_t file, const shf_h5_view *view, index_root *roots, sheaf_error *err)
{
    if (view->first) SHF_TRY(check_free(file, view->layout, err));
    for (size_t i = 0; i < view->layout->n_arrays; i++) SHF_TRY(make_array(image, file, view, i, &roots[i], err));
    return add_attributes(file, view->attributes, err);
}

static sheaf_status fill_file(shf_h5_medium *image, hid_t file, const shf_h5_view *view, index_root *roots, sheaf_error *err)
{
    if (view->beside) return fill_beside(image, file, view, roots, err);
    SHF_TRY(make_mark(file, view, err));
    for (size_t i = 0; i < view->layout->n_arrays; i++) SHF_TRY(make_array(image, file, view, i, &roots[i], err));
    SHF_TRY(shf_h5_scales_write(file, view->layout, view->lengths, err));
    return shf_h5_attributes_write(file, view->attributes, err);
}

/* The last thing: behind the metadata, and behind the superblock. */
static sheaf_status seal(shf_h5_medium *image, uint64_t root, sheaf_error *err)
{
    uint64_t address;
    if (image->head_size != SHF_H5_SUPERBLOCK_BYTES || root < image->start || root >= image->next)
        return shf_fail(err, SHEAF_ERR_STATE, "libhdf5 made no superblock of version 2");
    SHF_TRY(shf_h5_medium_take(image, SHF_H5_SEAL_BYTES, &address, err));
    shf_h5_superblock_set_end(image->head, address + SHF_H5_SEAL_BYTES);
    uint8_t *at = image->region.data + (address - image->start);
    shf_h5_seal_make(image->head, image->region.data + (root - image->start), (size_t)(address - root), at);
    memcpy(image->head + SHF_H5_SUPERBLOCK_BYTES, at, SHF_H5_SEAL_BYTES);
    image->head_size = SHF_H5_HEAD_BYTES;
    return SHEAF_OK;
}

/* After libhdf5 has let go of it: what it left unwritten is zero, the roots come over its own, and the superblock must be sound. */
static sheaf_status complete(shf_h5_medium *image, const shf_h5_view *view, const index_root *roots, sheaf_error *err)
{
    shf_h5_superblock superblock;
    uint64_t none;
    if (image->failed) {
        if (err) *err = image->error;
        return image->error.code;
    }
    const shf_h5_page *first = shf_h5_pages_find(&image->pages, 0);
    bool parsed = image->beside ? first && shf_h5_superblock_parse(first->bytes, SHF_H5_SUPERBLOCK_MAX, &superblock)
                                : shf_h5_superblock_parse(image->head, image->head_size, &superblock);
    if (!parsed || superblock.end < image->start + image->region.size)
        return shf_fail(err, SHEAF_ERR_STATE, "libhdf5 made no superblock that fits");
    image->next = image->start + image->region.size;
    SHF_TRY(shf_h5_medium_take(image, (size_t)(superblock.end - image->next), &none, err));
    for (size_t i = 0; i < view->layout->n_arrays; i++)
        if (roots[i].tree.n)
            SHF_TRY(shf_h5_tree_root(&roots[i].tree, &view->layout->arrays[i], &view->contents[i], image, roots[i].address, err));
    return image->beside ? SHEAF_OK : seal(image, superblock.root, err);
}

sheaf_status shf_h5_image_make(shf_h5_medium *image, const shf_h5_view *view, uint64_t start, sheaf_error *err)
{
    if (view->beside) SHF_TRY(shf_h5_medium_write_beside(image, start, view->beside, view->before, err));
    else shf_h5_medium_write(image, start);
    index_root *roots = shf_calloc(view->layout->n_arrays + 1, sizeof *roots);
    if (!roots) return shf_fail_memory(err, view->layout->n_arrays * sizeof *roots, "a checkpoint");
    shf_h5_lock();
    hid_t file = create_file(image);
    sheaf_status status =
        file < 0 ? shf_h5_fail(err, SHEAF_ERR_IO, NULL, "cannot make the metadata:") : fill_file(image, file, view, roots, err);
    if (file >= 0 && H5Fclose(file) < 0 && status == SHEAF_OK) status = shf_h5_fail(err, SHEAF_ERR_IO, NULL, "cannot close the metadata:");
    shf_h5_unlock();
    if (status == SHEAF_OK) status = complete(image, view, roots, err);
    for (size_t i = 0; i < view->layout->n_arrays; i++) shf_h5_tree_free(&roots[i].tree);
    shf_free(roots);
    return status;
}

static sheaf_status delete_arrays(hid_t file, const shf_layout *layout, sheaf_error *err)
{
    for (size_t i = 0; i < layout->n_arrays; i++)
        if (H5Ldelete(file, layout->arrays[i].name, H5P_DEFAULT) < 0)
            return shf_h5_fail(err, SHEAF_ERR_IO, layout->arrays[i].name, "cannot make anew");
    return SHEAF_OK;
}

sheaf_status shf_h5_image_strip(shf_h5_medium *image, const shf_layout *layout, const shf_file *file, shf_h5_pages *before, uint64_t start,
                                sheaf_error *err)
{
    shf_h5_pages as_they_are = {0};
    sheaf_status status = shf_h5_medium_write_beside(image, start, file, &as_they_are, err);
    if (status == SHEAF_OK) {
        shf_h5_lock();
        hid_t id = open_beside(image);
        status = id < 0 ? shf_h5_fail(err, SHEAF_ERR_DAMAGED, NULL, "cannot open for adding:") : delete_arrays(id, layout, err);
        if (id >= 0 && H5Fclose(id) < 0 && status == SHEAF_OK) status = shf_h5_fail(err, SHEAF_ERR_IO, NULL, "cannot close:");
        shf_h5_unlock();
    }
    if (status == SHEAF_OK && image->failed) status = image->error.code;
    if (status == SHEAF_OK) status = shf_h5_pages_copy(before, &image->pages, err);
    shf_h5_pages_free(&as_they_are);
    return status;
}

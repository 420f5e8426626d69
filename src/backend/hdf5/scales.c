// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/scales.h"

#include <stdio.h>
#include <string.h>

#include "backend/hdf5/library.h"
#include "base/alloc.h"

/* What REFERENCE_LIST holds: who uses the scale, for which of its dimensions. */
typedef struct scale_user {
    hobj_ref_t dataset;
    int32_t axis;
} scale_user;

typedef struct dimension {
    char name[SHEAF_MAX_NAME + 1];
    uint64_t length;
    bool grows;
    bool is_array;     /* a coordinate array of the same name is the scale */
    bool no_scale;     /* another array has taken the name */
    scale_user *users; /* owned */
    size_t n_users;
} dimension;

typedef struct dimension_set {
    dimension *items; /* owned */
    size_t n;
} dimension_set;

static void free_dimensions(dimension_set *all)
{
    for (size_t i = 0; i < all->n; i++) shf_free(all->items[i].users);
    shf_free(all->items);
}

static dimension *find_dimension(dimension_set *all, const char *name)
{
    for (size_t i = 0; i < all->n; i++)
        if (!strcmp(all->items[i].name, name)) return &all->items[i];
    return NULL;
}

static bool is_coordinate(const shf_array *array)
{
    return array->ndim == 1 && !strcmp(array->name, array->dimensions[0]);
}

static sheaf_status add_dimension(dimension_set *all, const shf_layout *layout, const uint64_t *lengths, const shf_array *array, int axis,
                                  sheaf_error *err)
{
    if (find_dimension(all, array->dimensions[axis])) return SHEAF_OK;
    dimension *items = shf_realloc(all->items, (all->n + 1) * sizeof *items);
    if (!items) return shf_fail_memory(err, (all->n + 1) * sizeof *items, "dimensions");
    all->items = items;
    dimension *added = &items[all->n++];
    memset(added, 0, sizeof *added);
    memcpy(added->name, array->dimensions[axis], sizeof added->name);
    added->grows = axis == 0 && array->record >= 0;
    added->length = added->grows ? lengths[array->record] : array->shape[axis];
    int same = shf_layout_find(layout, added->name);
    added->is_array = same >= 0 && is_coordinate(&layout->arrays[same]);
    added->no_scale = same >= 0 && !added->is_array;
    return SHEAF_OK;
}

/* ---- the attributes ---- */

static sheaf_status write_attribute(hid_t object, const char *name, hid_t type, hsize_t n, bool scalar, const void *values,
                                    sheaf_error *err)
{
    hid_t space = scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    sheaf_status status = SHEAF_OK;
    if (attribute < 0 || H5Awrite(attribute, type, values) < 0) status = shf_h5_fail(err, SHEAF_ERR_IO, NULL, "cannot write a dimension:");
    if (attribute >= 0) (void)H5Aclose(attribute);
    if (space >= 0) (void)H5Sclose(space);
    return status;
}

/* The specification wants strings of a fixed size, ended by zero. */
static sheaf_status write_fixed_text(hid_t object, const char *name, const char *text, sheaf_error *err)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, strlen(text) + 1);
    sheaf_status status = write_attribute(object, name, type, 1, true, text, err);
    if (type >= 0) (void)H5Tclose(type);
    return status;
}

static sheaf_status write_users(hid_t scale, const dimension *of, sheaf_error *err)
{
    if (!of->n_users) return SHEAF_OK;
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(scale_user));
    (void)H5Tinsert(type, "dataset", HOFFSET(scale_user, dataset), H5T_STD_REF_OBJ);
    (void)H5Tinsert(type, "dimension", HOFFSET(scale_user, axis), H5T_STD_I32LE);
    sheaf_status status = write_attribute(scale, "REFERENCE_LIST", type, of->n_users, false, of->users, err);
    if (type >= 0) (void)H5Tclose(type);
    return status;
}

static sheaf_status note_user(dimension *to, hid_t file, const char *array, int axis, sheaf_error *err)
{
    scale_user *users = shf_realloc(to->users, (to->n_users + 1) * sizeof *users);
    if (!users) return shf_fail_memory(err, (to->n_users + 1) * sizeof *users, "dimensions");
    to->users = users;
    memset(&users[to->n_users], 0, sizeof *users);
    users[to->n_users].axis = axis;
    if (H5Rcreate(&users[to->n_users].dataset, file, array, H5R_OBJECT, -1) < 0)
        return shf_h5_fail(err, SHEAF_ERR_IO, NULL, "cannot refer to an array:");
    to->n_users++;
    return SHEAF_OK;
}

/* ---- writing ---- */

/* A dataset of the dimension's length in which nothing is ever stored. */
static hid_t make_placeholder(hid_t file, const dimension *of)
{
    hsize_t length = of->length, most = of->grows ? H5S_UNLIMITED : of->length, chunk = 1024;
    hid_t space = H5Screate_simple(1, &length, &most);
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE), names = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_obj_track_times(properties, false);
    (void)H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    if (of->grows) (void)H5Pset_chunk(properties, 1, &chunk);
    (void)H5Pset_char_encoding(names, H5T_CSET_UTF8);
    hid_t dataset = H5Dcreate2(file, of->name, H5T_IEEE_F32BE, space, names, properties, H5P_DEFAULT);
    if (names >= 0) (void)H5Pclose(names);
    if (properties >= 0) (void)H5Pclose(properties);
    if (space >= 0) (void)H5Sclose(space);
    return dataset;
}

static sheaf_status write_scale(hid_t file, const dimension *of, sheaf_error *err)
{
    if (of->no_scale) return SHEAF_OK;
    char text[SHEAF_MAX_NAME + 80];
    (void)snprintf(text, sizeof text, "%s", of->name);
    /* netCDF's text: the length follows in 10 characters */
    if (!of->is_array) (void)snprintf(text, sizeof text, SHF_H5_PLACEHOLDER ".%10llu", (unsigned long long)of->length);
    hid_t scale = of->is_array ? H5Dopen2(file, of->name, H5P_DEFAULT) : make_placeholder(file, of);
    if (scale < 0) return shf_h5_fail(err, SHEAF_ERR_IO, of->name, "cannot make the dimension");
    sheaf_status status = write_fixed_text(scale, "CLASS", "DIMENSION_SCALE", err);
    if (status == SHEAF_OK) status = write_fixed_text(scale, "NAME", text, err);
    if (status == SHEAF_OK) status = write_users(scale, of, err);
    (void)H5Dclose(scale);
    return status;
}

/* DIMENSION_LIST: for each axis the scales attached to it. */
static sheaf_status attach(hid_t file, const shf_array *array, dimension_set *all, sheaf_error *err)
{
    hvl_t lists[SHEAF_MAX_NDIM];
    hobj_ref_t references[SHEAF_MAX_NDIM];
    memset(lists, 0, sizeof lists);
    for (int axis = 0; axis < array->ndim; axis++) {
        const dimension *of = find_dimension(all, array->dimensions[axis]);
        if (of->no_scale) continue;
        if (H5Rcreate(&references[axis], file, of->name, H5R_OBJECT, -1) < 0)
            return shf_h5_fail(err, SHEAF_ERR_IO, of->name, "cannot refer to the dimension");
        lists[axis] = (hvl_t){1, &references[axis]};
    }
    hid_t dataset = H5Dopen2(file, array->name, H5P_DEFAULT), type = H5Tvlen_create(H5T_STD_REF_OBJ);
    sheaf_status status = dataset < 0 ? shf_h5_fail(err, SHEAF_ERR_IO, array->name, "cannot open the array")
                                      : write_attribute(dataset, "DIMENSION_LIST", type, (hsize_t)array->ndim, false, lists, err);
    if (type >= 0) (void)H5Tclose(type);
    if (dataset >= 0) (void)H5Dclose(dataset);
    return status;
}

static sheaf_status gather(dimension_set *all, hid_t file, const shf_layout *layout, const uint64_t *lengths, sheaf_error *err)
{
    for (size_t i = 0; i < layout->n_arrays; i++) {
        const shf_array *array = &layout->arrays[i];
        for (int axis = 0; axis < array->ndim; axis++) {
            SHF_TRY(add_dimension(all, layout, lengths, array, axis, err));
            if (is_coordinate(array)) continue;
            dimension *of = find_dimension(all, array->dimensions[axis]);
            if (!of->no_scale) SHF_TRY(note_user(of, file, array->name, axis, err));
        }
    }
    return SHEAF_OK;
}

sheaf_status shf_h5_scales_write(hid_t file, const shf_layout *layout, const uint64_t *lengths, sheaf_error *err)
{
    dimension_set all = {0};
    sheaf_status status = gather(&all, file, layout, lengths, err);
    for (size_t i = 0; status == SHEAF_OK && i < all.n; i++) status = write_scale(file, &all.items[i], err);
    for (size_t i = 0; status == SHEAF_OK && i < layout->n_arrays; i++)
        if (!is_coordinate(&layout->arrays[i])) status = attach(file, &layout->arrays[i], &all, err);
    free_dimensions(&all);
    return status;
}

/* ---- reading ---- */

/* The text of a fixed or variable string attribute begins with `start`. */
static bool attribute_begins(hid_t object, const char *name, const char *start)
{
    char text[128] = "";
    if (H5Aexists(object, name) <= 0) return false;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = attribute < 0 ? -1 : H5Aget_type(attribute);
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && H5Tget_size(type) < sizeof text)
        if (H5Aread(attribute, type, text) < 0) text[0] = 0;
    if (type >= 0) (void)H5Tclose(type);
    if (attribute >= 0) (void)H5Aclose(attribute);
    return !strncmp(text, start, strlen(start));
}

bool shf_h5_is_placeholder(hid_t dataset)
{
    bool is = attribute_begins(dataset, "CLASS", "DIMENSION_SCALE") && attribute_begins(dataset, "NAME", SHF_H5_PLACEHOLDER);
    (void)H5Eclear2(H5E_DEFAULT);
    return is;
}

static void scale_name(hid_t dataset, hobj_ref_t reference, char name[SHEAF_MAX_NAME + 1])
{
    char path[SHEAF_MAX_NAME + 3] = "";
    hid_t scale = H5Rdereference2(dataset, H5P_DEFAULT, H5R_OBJECT, &reference);
    if (scale < 0) return;
    ssize_t n = H5Iget_name(scale, path, sizeof path);
    if (n > 1 && n <= SHEAF_MAX_NAME + 1 && path[0] == '/' && shf_name_ok(path + 1)) memcpy(name, path + 1, (size_t)n);
    (void)H5Oclose(scale);
}

static void read_list(hid_t dataset, hid_t attribute, int ndim, char dimensions[SHEAF_MAX_NDIM][SHEAF_MAX_NAME + 1])
{
    hvl_t lists[SHEAF_MAX_NDIM];
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    hid_t base = type >= 0 && H5Tget_class(type) == H5T_VLEN ? H5Tget_super(type) : -1;
    bool sound = base >= 0 && H5Tequal(base, H5T_STD_REF_OBJ) > 0 && space >= 0 && H5Sget_simple_extent_npoints(space) == ndim;
    if (sound && H5Aread(attribute, type, lists) >= 0) {
        for (int axis = 0; axis < ndim; axis++)
            if (lists[axis].len > 0) scale_name(dataset, *(const hobj_ref_t *)lists[axis].p, dimensions[axis]);
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, lists);
    }
    if (base >= 0) (void)H5Tclose(base);
    if (space >= 0) (void)H5Sclose(space);
    if (type >= 0) (void)H5Tclose(type);
}

void shf_h5_scales_read(hid_t dataset, const char *name, int ndim, char dimensions[SHEAF_MAX_NDIM][SHEAF_MAX_NAME + 1])
{
    memset(dimensions, 0, SHEAF_MAX_NDIM * sizeof dimensions[0]);
    if (ndim == 1 && attribute_begins(dataset, "CLASS", "DIMENSION_SCALE") && shf_name_ok(name))
        memcpy(dimensions[0], name, strlen(name) + 1);
    if (H5Aexists(dataset, "DIMENSION_LIST") > 0) {
        hid_t attribute = H5Aopen(dataset, "DIMENSION_LIST", H5P_DEFAULT);
        if (attribute >= 0) {
            read_list(dataset, attribute, ndim, dimensions);
            (void)H5Aclose(attribute);
        }
    }
    (void)H5Eclear2(H5E_DEFAULT);
}

// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/attributes.h"

#include <math.h>
#include <string.h>

#include "backend/hdf5/library.h"
#include "base/alloc.h"

#define JSON_LIST "sheaf_json"
#define ESCAPE "sheaf."
/* Attributes are small; what a file says beyond this is not read. */
#define MAX_ELEMENTS ((hssize_t)1 << 20)

static bool is_reserved(const char *name)
{
    static const char *const names[] = {
        "CLASS",       "NAME",          "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "_Netcdf4Dimid", "_Netcdf4Coordinates",
        "_nc3_strict", "_NCProperties", "sheaf",          JSON_LIST,        "sheaf_dimensions", "sheaf_record",  "sheaf_position",
        "sheaf_index", "dtype"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

static hid_t text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0) {
        (void)H5Tset_size(type, H5T_VARIABLE);
        (void)H5Tset_cset(type, H5T_CSET_UTF8);
    }
    return type;
}

/* n < 0: a scalar. */
static sheaf_status write_values(hid_t object, const char *name, hid_t file_type, hid_t memory_type, hssize_t n, const void *values,
                                 sheaf_error *err)
{
    hsize_t length = n < 0 ? 0 : (hsize_t)n;
    hid_t space = n < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &length, NULL);
    hid_t access = H5Pcreate(H5P_ATTRIBUTE_CREATE);
    (void)H5Pset_char_encoding(access, H5T_CSET_UTF8);
    hid_t attribute = H5Acreate2(object, name, file_type, space, access, H5P_DEFAULT);
    sheaf_status status = SHEAF_OK;
    if (attribute < 0 || H5Awrite(attribute, memory_type, values) < 0)
        status = shf_h5_fail(err, SHEAF_ERR_IO, NULL, "cannot make an attribute:");
    if (attribute >= 0) (void)H5Aclose(attribute);
    if (access >= 0) (void)H5Pclose(access);
    if (space >= 0) (void)H5Sclose(space);
    return status;
}

static sheaf_status write_texts(hid_t object, const char *name, hssize_t n, const char *const *texts, sheaf_error *err)
{
    hid_t type = text_type();
    sheaf_status status = write_values(object, name, type, type, n, texts, err);
    if (type >= 0) (void)H5Tclose(type);
    return status;
}

sheaf_status shf_h5_attribute_set_text(hid_t object, const char *name, const char *text, sheaf_error *err)
{
    return write_texts(object, name, -1, &text, err);
}

/* JSON_STRING, JSON_INTEGER or JSON_REAL when all elements of a filled array are that; else JSON_NULL. */
static json_type element_type(const json_t *value)
{
    size_t n = json_array_size(value);
    if (n == 0) return JSON_NULL;
    json_type type = json_typeof(json_array_get(value, 0));
    if (type != JSON_STRING && type != JSON_INTEGER && type != JSON_REAL) return JSON_NULL;
    for (size_t i = 0; i < n; i++) {
        const json_t *element = json_array_get(value, i);
        if (json_typeof(element) != type) return JSON_NULL;
        if (type == JSON_STRING && strlen(json_string_value(element)) != json_string_length(element)) return JSON_NULL;
    }
    return type;
}

static sheaf_status write_array(hid_t object, const char *name, const json_t *value, json_type type, sheaf_error *err)
{
    size_t n = json_array_size(value);
    void *memory = shf_calloc(n, 8);
    if (!memory) return shf_fail_memory(err, n * 8, "an attribute");
    int64_t *integers = memory;
    double *reals = memory;
    const char **texts = memory;
    for (size_t i = 0; i < n; i++) {
        const json_t *element = json_array_get(value, i);
        if (type == JSON_INTEGER) integers[i] = json_integer_value(element);
        else if (type == JSON_REAL) reals[i] = json_real_value(element);
        else texts[i] = json_string_value(element);
    }
    sheaf_status status;
    if (type == JSON_STRING) status = write_texts(object, name, (hssize_t)n, texts, err);
    else
        status = write_values(object, name, type == JSON_INTEGER ? H5T_STD_I64LE : H5T_IEEE_F64LE,
                              type == JSON_INTEGER ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, (hssize_t)n, memory, err);
    shf_free(memory);
    return status;
}

/* As JSON text; `as_json` takes the name in. */
static sheaf_status write_json(hid_t object, const char *name, const json_t *value, json_t *as_json, sheaf_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text || json_array_append_new(as_json, json_string(name))) {
        free(text);
        return shf_fail_memory(err, 64, "an attribute");
    }
    sheaf_status status = shf_h5_attribute_set_text(object, name, text, err);
    free(text);
    return status;
}

static sheaf_status write_one(hid_t object, const char *name, const json_t *value, json_t *as_json, sheaf_error *err)
{
    if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
        return shf_h5_attribute_set_text(object, name, json_string_value(value), err);
    if (json_is_integer(value)) {
        int64_t integer = json_integer_value(value);
        return write_values(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, -1, &integer, err);
    }
    if (json_is_real(value)) {
        double real = json_real_value(value);
        return write_values(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, -1, &real, err);
    }
    json_type type = json_is_array(value) ? element_type(value) : JSON_NULL;
    if (type != JSON_NULL) return write_array(object, name, value, type, err);
    return write_json(object, name, value, as_json, err);
}

/* The name in the file; Owned. */
static char *stored_name(const char *name)
{
    bool escape = is_reserved(name) || !strncmp(name, ESCAPE, strlen(ESCAPE)) || !*name;
    size_t n = strlen(name) + 1, before = escape ? strlen(ESCAPE) : 0;
    char *stored = shf_malloc(before + n);
    if (!stored) return NULL;
    memcpy(stored, ESCAPE, before);
    memcpy(stored + before, name, n);
    return stored;
}

sheaf_status shf_h5_attributes_write(hid_t object, const json_t *attributes, sheaf_error *err)
{
    json_t *as_json = json_array();
    if (!as_json) return shf_fail_memory(err, 64, "attributes");
    sheaf_status status = SHEAF_OK;
    const char *name;
    json_t *value, *all = json_incref((json_t *)(uintptr_t)attributes); /* jansson's iteration wants it without const */
    json_object_foreach(all, name, value)
    {
        char *stored = stored_name(name);
        status = stored ? write_one(object, stored, value, as_json, err) : shf_fail_memory(err, strlen(name), "an attribute");
        shf_free(stored);
        if (status != SHEAF_OK) break;
    }
    json_decref(all);
    if (status == SHEAF_OK && json_array_size(as_json)) status = write_array(object, JSON_LIST, as_json, JSON_STRING, err);
    json_decref(as_json);
    return status;
}

/* ---- reading ---- */

typedef struct reading {
    json_t *into;
    json_t *as_json; /* names whose text is JSON; may be NULL */
    int *left_out;
    bool no_memory;
} reading;

static json_t *real_value(double x)
{
    if (isnan(x)) return json_string("NaN");
    if (isinf(x)) return json_string(x < 0 ? "-Infinity" : "Infinity");
    return json_real(x);
}

/* JSON of n elements; n < 0: a scalar. NULL when it cannot be said. */
static json_t *from_numbers(hid_t attribute, bool integer, hssize_t n)
{
    size_t count = n < 0 ? 1 : (size_t)n;
    void *values = shf_calloc(count + 1, 8);
    json_t *out = n < 0 ? NULL : json_array();
    if (values && H5Aread(attribute, integer ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, values) >= 0) {
        const int64_t *integers = values;
        const double *reals = values;
        for (size_t i = 0; i < count; i++) {
            json_t *one = integer ? json_integer(integers[i]) : real_value(reals[i]);
            if (n < 0) out = one;
            else (void)json_array_append_new(out, one);
        }
    } else if (out) {
        json_decref(out);
        out = NULL;
    }
    shf_free(values);
    return out;
}

/* One string of a fixed size, which may be padded or not ended. */
static json_t *fixed_text(const char *text, size_t size, H5T_str_t padding)
{
    size_t n = strnlen(text, size);
    while (padding == H5T_STR_SPACEPAD && n > 0 && text[n - 1] == ' ') n--;
    return json_stringn(text, n);
}

static json_t *from_texts(hid_t attribute, hid_t type, hid_t space, hssize_t n)
{
    size_t count = n < 0 ? 1 : (size_t)n, size = H5Tget_size(type);
    bool variable = H5Tis_variable_str(type) > 0;
    if (!variable && (size == 0 || size > (size_t)1 << 24 || count > ((size_t)1 << 26) / size)) return NULL;
    char *bytes = shf_calloc(count + 1, variable ? sizeof(char *) : size);
    json_t *out = n < 0 ? NULL : json_array();
    if (bytes && H5Aread(attribute, type, bytes) >= 0) {
        for (size_t i = 0; i < count; i++) {
            const char *text = bytes + i * size;
            if (variable) memcpy(&text, bytes + i * sizeof text, sizeof text);
            json_t *one = variable ? json_string(text ? text : "") : fixed_text(text, size, H5Tget_strpad(type));
            if (n < 0) out = one;
            else (void)json_array_append_new(out, one ? one : json_null());
        }
        if (variable) (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, bytes);
    } else if (out) {
        json_decref(out);
        out = NULL;
    }
    shf_free(bytes);
    return out;
}

/* h5py's booleans: an enumeration FALSE, TRUE. */
static json_t *from_enum(hid_t attribute, hid_t type, hssize_t n)
{
    int8_t value[8] = {0};
    if (n >= 0 || H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2 || H5Aread(attribute, type, value) < 0) return NULL;
    char name[8] = "";
    if (H5Tenum_nameof(type, value, name, sizeof name) < 0) return NULL;
    if (strcmp(name, "TRUE") != 0 && strcmp(name, "FALSE") != 0) return NULL;
    return json_boolean(name[0] == 'T');
}

static json_t *read_value(hid_t attribute)
{
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    json_t *value = NULL;
    hssize_t n = space < 0 || H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_npoints(space);
    int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (rank == 0) n = -1;
    bool sound = type >= 0 && (rank == 0 ? H5Sget_simple_extent_type(space) == H5S_SCALAR : rank == 1 && n >= 0 && n <= MAX_ELEMENTS);
    if (sound) switch (H5Tget_class(type)) {
        case H5T_INTEGER: value = from_numbers(attribute, true, n); break;
        case H5T_FLOAT: value = from_numbers(attribute, false, n); break;
        case H5T_STRING: value = from_texts(attribute, type, space, n); break;
        case H5T_ENUM: value = from_enum(attribute, type, n); break;
        default: break;
        }
    if (space >= 0) (void)H5Sclose(space);
    if (type >= 0) (void)H5Tclose(type);
    return value;
}

static bool is_listed(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *listed = json_string_value(json_array_get(names, i));
        if (listed && !strcmp(listed, name)) return true;
    }
    return false;
}

static herr_t read_one(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    (void)info;
    reading *to = context;
    if (is_reserved(name)) return 0;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    json_t *value = attribute < 0 ? NULL : read_value(attribute);
    if (attribute >= 0) (void)H5Aclose(attribute);
    if (value && json_is_string(value) && is_listed(to->as_json, name)) {
        json_t *parsed = json_loads(json_string_value(value), JSON_DECODE_ANY, NULL);
        if (parsed) {
            json_decref(value);
            value = parsed;
        }
    }
    const char *plain = strncmp(name, ESCAPE, strlen(ESCAPE)) ? name : name + strlen(ESCAPE);
    if (!value || json_object_set_new(to->into, plain, value)) {
        if (to->left_out) *to->left_out = 1;
    }
    (void)H5Eclear2(H5E_DEFAULT);
    return 0;
}

sheaf_status shf_h5_attributes_read(hid_t object, json_t *into, int *left_out, sheaf_error *err)
{
    reading to = {into, NULL, left_out, false};
    if (H5Aexists(object, JSON_LIST) > 0) {
        hid_t list = H5Aopen(object, JSON_LIST, H5P_DEFAULT);
        if (list >= 0) {
            to.as_json = read_value(list);
            (void)H5Aclose(list);
        }
    }
    hsize_t at = 0;
    herr_t rc = H5Aiterate2(object, H5_INDEX_CRT_ORDER, H5_ITER_INC, &at, read_one, &to);
    if (rc < 0) { /* no order of creation is kept in this file */
        (void)H5Eclear2(H5E_DEFAULT);
        at = 0;
        rc = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, read_one, &to);
    }
    json_decref(to.as_json);
    return rc < 0 ? shf_h5_fail(err, SHEAF_ERR_DAMAGED, NULL, "cannot read the attributes:") : SHEAF_OK;
}

sheaf_status shf_h5_attribute_text(hid_t object, const char *name, char **text, sheaf_error *err)
{
    *text = NULL;
    if (H5Aexists(object, name) <= 0) {
        (void)H5Eclear2(H5E_DEFAULT);
        return SHEAF_OK;
    }
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    json_t *value = attribute < 0 ? NULL : read_value(attribute);
    if (attribute >= 0) (void)H5Aclose(attribute);
    (void)H5Eclear2(H5E_DEFAULT);
    const char *found = json_string_value(value);
    if (found && !(*text = shf_strdup(found))) {
        json_decref(value);
        return shf_fail_memory(err, 64, "an attribute");
    }
    json_decref(value);
    return SHEAF_OK;
}

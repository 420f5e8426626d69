// SPDX-License-Identifier: Apache-2.0
#include "backend/schema.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

static const char *const g_codec_names[] = {
#define NAME(constant, value, name) [value] = name,
    SHEAF_CODEC_LIST(NAME)
#undef NAME
};
#define N_CODECS (sizeof g_codec_names / sizeof g_codec_names[0])

const char *sheaf_codec_name(sheaf_codec codec)
{
    return (size_t)codec < N_CODECS ? g_codec_names[codec] : "unknown";
}

sheaf_status sheaf_codec_parse(const char *name, sheaf_codec *codec, sheaf_error *err)
{
    if (!name || !codec) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_codec_parse: NULL");
    for (size_t i = 0; i < N_CODECS; i++) {
        if (strcmp(name, g_codec_names[i]) != 0) continue;
        *codec = (sheaf_codec)i;
        return SHEAF_OK;
    }
    return shf_fail(err, SHEAF_ERR_NOT_FOUND, "unknown codec \"%.40s\"; known: default, none, blosc, zstd, gzip", name);
}

sheaf_array_spec sheaf_array_spec_init(const char *name, sheaf_dtype dtype, int ndim, const char *const *dimensions)
{
    sheaf_array_spec spec = {.size_bytes = sizeof spec, .name = name, .dtype = dtype, .ndim = ndim};
    for (int axis = 0; axis < ndim && axis < SHEAF_MAX_NDIM; axis++) spec.dimensions[axis] = dimensions[axis];
    return spec;
}

sheaf_status sheaf_schema_create(sheaf_schema **out, sheaf_error *err)
{
    if (!out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_schema_create: out is NULL");
    *out = shf_calloc(1, sizeof **out);
    if (!*out) return shf_fail_memory(err, sizeof **out, "a schema");
    (*out)->layout.attributes = json_object();
    if ((*out)->layout.attributes) return SHEAF_OK;
    sheaf_schema_free(out);
    return shf_fail_memory(err, 64, "attributes");
}

void sheaf_schema_free(sheaf_schema **schema)
{
    if (!schema || !*schema) return;
    shf_layout_free(&(*schema)->layout);
    shf_free((*schema)->fixed);
    shf_free(*schema);
    *schema = NULL;
}

static const shf_fixed_dimension *find_fixed(const sheaf_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_fixed; i++)
        if (!strcmp(schema->fixed[i].name, name)) return &schema->fixed[i];
    return NULL;
}

static sheaf_status add_fixed(sheaf_schema *schema, const char *name, uint64_t length, sheaf_error *err)
{
    shf_fixed_dimension *fixed = shf_realloc(schema->fixed, (schema->n_fixed + 1) * sizeof *fixed);
    if (!fixed) return shf_fail_memory(err, sizeof *fixed, "a dimension");
    schema->fixed = fixed;
    memset(&fixed[schema->n_fixed], 0, sizeof *fixed);
    memcpy(fixed[schema->n_fixed].name, name, strlen(name) + 1);
    fixed[schema->n_fixed++].length = length;
    return SHEAF_OK;
}

sheaf_status sheaf_schema_add_dimension(sheaf_schema *schema, const char *name, uint64_t length, sheaf_error *err)
{
    if (!schema || !name) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_schema_add_dimension: NULL");
    if (!shf_name_ok(name)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "\"%.80s\" is no name for a dimension", name);
    if (!length) return shf_fail(err, SHEAF_ERR_ARGUMENT, "dimension %s: length 0 is not allowed", name);
    bool record = shf_layout_find_record(&schema->layout, name) >= 0;
    const shf_fixed_dimension *fixed = find_fixed(schema, name);
    if (record || fixed) {
        if (record ? length == SHEAF_GROWS : length == fixed->length) return SHEAF_OK;
        return shf_fail(err, SHEAF_ERR_MISMATCH, "dimension %s is declared already with another length", name);
    }
    int index;
    return length == SHEAF_GROWS ? shf_layout_add_record(&schema->layout, name, &index, err) : add_fixed(schema, name, length, err);
}

static sheaf_status check_spec(const sheaf_schema *schema, const sheaf_array_spec *spec, sheaf_error *err)
{
    if (!schema || !spec || spec->size_bytes != sizeof *spec)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_schema_add_array: NULL or a spec of another version");
    if (!shf_name_ok(spec->name))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "\"%.80s\" is no name for an array", spec->name ? spec->name : "(NULL)");
    if (shf_layout_find(&schema->layout, spec->name) >= 0)
        return shf_fail(err, SHEAF_ERR_EXISTS, "array %s is declared already", spec->name);
    if (!sheaf_dtype_size(spec->dtype))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: unknown dtype %d", spec->name, (int)spec->dtype);
    if (spec->ndim < 1 || spec->ndim > SHEAF_MAX_NDIM)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: %d dimensions, allowed are 1 to %d", spec->name, spec->ndim, SHEAF_MAX_NDIM);
    if ((size_t)spec->codec >= N_CODECS)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: unknown codec %d", spec->name, (int)spec->codec);
    if (spec->level < 0 || spec->level > 22)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: codec level %d, allowed are 0 to 22", spec->name, spec->level);
    return SHEAF_OK;
}

static sheaf_status set_dimensions(const sheaf_schema *schema, const sheaf_array_spec *spec, shf_array *array, sheaf_error *err)
{
    for (int axis = 0; axis < spec->ndim; axis++) {
        const char *name = spec->dimensions[axis];
        if (!name) return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: dimension %d is NULL", spec->name, axis);
        int record = shf_layout_find_record(&schema->layout, name);
        const shf_fixed_dimension *fixed = find_fixed(schema, name);
        if (record < 0 && !fixed) return shf_fail(err, SHEAF_ERR_NOT_FOUND, "array %s: dimension %s is not declared", spec->name, name);
        if (record >= 0 && axis > 0)
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: the record dimension %s can only come first", spec->name, name);
        memcpy(array->dimensions[axis], name, strlen(name) + 1);
        array->shape[axis] = record >= 0 ? 0 : fixed->length;
        if (axis == 0) array->record = record;
        array->chunk[axis] = record >= 0 ? spec->chunk[axis] : shf_min_u64(spec->chunk[axis], fixed->length);
    }
    return SHEAF_OK;
}

static sheaf_status set_content(const sheaf_array_spec *spec, shf_array *array, sheaf_error *err)
{
    if ((array->record < 0) != (spec->values != NULL))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: values must be given for an array without record dimension, and only for one",
                        spec->name);
    if (spec->attributes_json) {
        json_error_t where;
        json_t *attributes = json_loads(spec->attributes_json, JSON_REJECT_DUPLICATES, &where);
        if (!json_is_object(attributes)) {
            json_decref(attributes);
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "array %s: its attributes are no JSON object (%s)", spec->name, where.text);
        }
        json_decref(array->attributes);
        array->attributes = attributes;
    }
    if (!spec->values) return SHEAF_OK;
    size_t bytes = array->item_size;
    for (int axis = 0; axis < array->ndim; axis++)
        if (!shf_mul_size(bytes, (size_t)array->shape[axis], &bytes))
            return shf_fail(err, SHEAF_ERR_RANGE, "array %s: its shape is too large", spec->name);
    array->values = shf_malloc(bytes);
    if (!array->values) return shf_fail_memory(err, bytes, spec->name);
    memcpy(array->values, spec->values, bytes);
    return SHEAF_OK;
}

sheaf_status sheaf_schema_add_array(sheaf_schema *schema, const sheaf_array_spec *spec, sheaf_error *err)
{
    SHF_TRY(check_spec(schema, spec, err));
    shf_array *array;
    SHF_TRY(shf_layout_add_array(&schema->layout, &array, err));
    memcpy(array->name, spec->name, strlen(spec->name) + 1);
    array->dtype = spec->dtype;
    array->item_size = sheaf_dtype_size(spec->dtype);
    array->ndim = spec->ndim;
    array->codec = spec->codec;
    array->level = spec->level;
    sheaf_status status = set_dimensions(schema, spec, array, err);
    if (status == SHEAF_OK) status = set_content(spec, array, err);
    if (status == SHEAF_OK) status = shf_layout_finish(&schema->layout, err);
    if (status == SHEAF_OK) return SHEAF_OK;
    json_decref(array->attributes);
    shf_free(array->values);
    schema->layout.n_arrays--;
    return status;
}

sheaf_status sheaf_schema_set_attributes(sheaf_schema *schema, const char *json, sheaf_error *err)
{
    if (!schema || !json) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_schema_set_attributes: NULL");
    json_error_t where;
    json_t *attributes = json_loads(json, JSON_REJECT_DUPLICATES, &where);
    int rc = json_is_object(attributes) ? json_object_update(schema->layout.attributes, attributes) : -2;
    json_decref(attributes);
    if (rc == -2) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the attributes are no JSON object (%s)", where.text);
    return rc ? shf_fail_memory(err, 64, "attributes") : SHEAF_OK;
}

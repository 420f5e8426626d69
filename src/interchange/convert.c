// SPDX-License-Identifier: Apache-2.0
/* A store into another format: attributes as they are but for what thinning changes. */
#include "interchange/convert.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "io/file.h"

sheaf_convert_spec sheaf_convert_spec_init(void)
{
    return (sheaf_convert_spec){.size_bytes = sizeof(sheaf_convert_spec), .every = 1};
}

/* ---- attributes ---- */

sheaf_status shf_attributes_read(sheaf_store *store, const char *array, json_t **out, sheaf_error *err)
{
    char *text;
    SHF_TRY(sheaf_store_attributes(store, array, &text, err));
    *out = json_loads(text, JSON_DECODE_ANY, NULL);
    sheaf_string_free(text);
    return json_is_object(*out)
               ? SHEAF_OK
               : shf_fail_at(err, SHEAF_ERR_DAMAGED, sheaf_store_path(store), array, -1, -1, "attributes are no JSON object");
}

sheaf_status shf_attributes_set(sheaf_schema *schema, const json_t *attributes, sheaf_error *err)
{
    char *text = json_dumps(attributes, JSON_COMPACT);
    if (!text) return shf_fail_memory(err, 0, "attributes");
    sheaf_status status = sheaf_schema_set_attributes(schema, text, err);
    free(text);
    return status;
}

bool shf_attributes_are_steps(const json_t *attributes)
{
    const char *kind = json_string_value(json_object_get(attributes, "sheaf_kind"));
    return kind && strcmp(kind, "steps") == 0;
}

/* ---- the two stores ---- */

void shf_copy_memory(const sheaf_store_options *options, sheaf_store_options *from, sheaf_store_options *to, size_t *block_bytes)
{
    *to = options ? *options : sheaf_store_options_init();
    *from = sheaf_store_options_init();
    uint64_t memory = shf_max_u64(to->memory_bytes, (uint64_t)2 << 20);
    /* A reader's cache is an eighth of its bound. */
    from->memory_bytes = shf_max_u64(memory / 2, (uint64_t)1 << 20);
    *block_bytes = (size_t)shf_min_u64(memory / 16, (uint64_t)16 << 20);
    to->memory_bytes = shf_max_u64(memory - memory / 16 - *block_bytes, (uint64_t)1 << 20);
}

sheaf_status shf_copy_finish(sheaf_store **to, const char *path, sheaf_status status, sheaf_error *err)
{
    if (status == SHEAF_OK) {
        bool begun = *to != NULL;
        status = sheaf_store_close(to, err);
        if (status == SHEAF_OK || status == SHEAF_ERR_BUSY || !begun) return status;
    } else if (!*to) {
        return status;
    }
    sheaf_store_free(to);
    sheaf_status removed = sheaf_store_remove(path, NULL);
    (void)removed; /* the first error is the one to tell */
    return status;
}

/* ---- conversion ---- */

typedef struct conversion {
    const sheaf_convert_spec *spec;
    sheaf_store *from, *to;
    shf_copy copy;
    json_t *attributes;
} conversion;

typedef struct group_walk {
    const char *path;
    uint64_t *n;
} group_walk;

static bool has_dimension(const shf_copy *copy, const char *name)
{
    for (size_t i = 0; i < copy->n_arrays; i++)
        for (int k = 0; k < copy->arrays[i].info.ndim; k++)
            if (strcmp(copy->arrays[i].info.dimensions[k], name) == 0) return true;
    return false;
}

static int set_integer(json_t *object, const char *name, uint64_t value)
{
    return json_object_set_new(object, name, json_integer((json_int_t)value));
}

static sheaf_status thin(conversion *c, sheaf_error *err)
{
    uint32_t every = c->spec->every;
    if (every == 1) return SHEAF_OK;
    bool steps = shf_attributes_are_steps(c->attributes);
    const char *time = c->spec->time ? c->spec->time : steps && c->copy.n_tables ? c->copy.tables[0] : "time";
    if (!has_dimension(&c->copy, time))
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(c->from), NULL, -1, -1,
                           "no array has a dimension \"%s\" to be thinned", time);
    const json_t *old = json_object_get(c->attributes, "sheaf_interval"), *end = json_object_get(c->attributes, "sheaf_last_iteration");
    uint64_t interval = json_is_integer(old) && json_integer_value(old) > 0 ? (uint64_t)json_integer_value(old) : 1;
    bool last = steps && json_integer_value(json_object_get(c->attributes, "sheaf_keep_last")) == 1;
    uint64_t n = 0, regular;
    if (steps) n = shf_copy_length(&c->copy, time);
    regular = steps ? n - (end && n ? 1 : 0) : UINT64_MAX;
    SHF_TRY(shf_copy_thin(&c->copy, time, every, regular, last, err));
    int bad = 0;
    if (old) bad |= set_integer(c->attributes, "sheaf_interval", interval * every);
    if (c->copy.last_off_stride && !end) bad |= set_integer(c->attributes, "sheaf_last_iteration", (n - 1) * interval);
    return bad ? shf_fail_memory(err, 0, "attributes") : SHEAF_OK;
}

/* Coordinates keep their type, and so do summaries: what lies over trajectories alone and is no variable's last value. */
static bool is_value(const conversion *c, const shf_copy_array *a)
{
    if (!shf_dtype_is_float(a->info.dtype) || strcmp(a->info.name, a->info.dimensions[0]) == 0) return false;
    const char *kind = json_string_value(json_object_get(c->attributes, "sheaf_kind"));
    if (!kind || strcmp(kind, "trajectories") != 0) return true;
    if (a->info.ndim > 1 && strcmp(a->info.dimensions[1], "time") == 0) return true;
    size_t n = strlen(a->info.name);
    return n > 5 && strcmp(a->info.name + n - 5, "_last") == 0;
}

static sheaf_status copy_tables(conversion *c, uint64_t *n_records, sheaf_error *err)
{
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < c->copy.n_tables; i++) total += shf_copy_length(&c->copy, c->copy.tables[i]);
    for (size_t i = 0; i < c->copy.n_tables; i++)
        SHF_TRY(shf_copy_rows(&c->copy, c->copy.tables[i], 0, shf_copy_length(&c->copy, c->copy.tables[i]), c->to, c->spec->progress,
                              c->spec->context, &done, total, err));
    *n_records = total;
    return SHEAF_OK;
}

static sheaf_status convert(conversion *c, const char *target, const sheaf_store_options *options, size_t block_bytes, uint64_t *n_records,
                            sheaf_error *err)
{
    sheaf_schema *schema = NULL;
    SHF_TRY(shf_attributes_read(c->from, NULL, &c->attributes, err));
    SHF_TRY(shf_copy_begin(c->from, block_bytes, &c->copy, err));
    SHF_TRY(thin(c, err));
    for (size_t i = 0; c->spec->stored && i < c->copy.n_arrays; i++)
        if (is_value(c, &c->copy.arrays[i])) c->copy.arrays[i].dtype = c->spec->stored;
    SHF_TRY(sheaf_schema_create(&schema, err));
    sheaf_status status = shf_copy_schema(&c->copy, c->spec->codec, c->spec->level, schema, err);
    if (status == SHEAF_OK) status = shf_attributes_set(schema, c->attributes, err);
    if (status == SHEAF_OK) status = sheaf_store_create(target, schema, options, &c->to, err);
    sheaf_schema_free(&schema);
    return status == SHEAF_OK ? copy_tables(c, n_records, err) : status;
}

/* Groups inside a Zarr group. */
static sheaf_status count_group(void *context, const char *name, sheaf_error *err)
{
    static const char *const marks[] = {".zgroup", "zarr.json"};
    const group_walk *walk = context;
    bool group = false;
    for (int i = 0; i < 2 && !group; i++) {
        shf_buf text = {0};
        char *folder = shf_path_join(walk->path, name), *mark = folder ? shf_path_join(folder, marks[i]) : NULL;
        shf_path_kind kind = SHF_PATH_NONE;
        sheaf_status status = mark ? shf_path_stat(mark, &kind, NULL, NULL) : shf_fail_memory(err, strlen(name), "a path");
        if (status == SHEAF_OK && kind == SHF_PATH_FILE && i == 0) group = true;
        if (status == SHEAF_OK && kind == SHF_PATH_FILE && i == 1 && shf_path_read(mark, 1 << 20, &text, NULL) == SHEAF_OK) {
            json_t *j = json_loadb((const char *)text.data, text.size, 0, NULL);
            const char *type = json_string_value(json_object_get(j, "node_type"));
            group = type && strcmp(type, "group") == 0;
            json_decref(j);
        }
        shf_buf_free(&text);
        shf_free(folder);
        shf_free(mark);
        if (!mark) return SHEAF_ERR_MEMORY;
    }
    *walk->n += group;
    return SHEAF_OK;
}

static sheaf_status count_groups(const conversion *c, const char *source, uint64_t *n, sheaf_error *err)
{
    group_walk walk = {source, n};
    *n = 0;
    return strcmp(sheaf_store_format(c->from), "zarr") == 0 ? shf_path_list(source, count_group, &walk, err) : SHEAF_OK;
}

static sheaf_status check(const char *source, const char *target, const sheaf_convert_spec *spec, sheaf_error *err)
{
    if (!source || !target || !spec || spec->size_bytes != sizeof *spec)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "a conversion needs a source, a target and a spec of %zu bytes", sizeof *spec);
    if (spec->every == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "every 0 is not possible; at least 1");
    if (spec->stored != SHEAF_DTYPE_NONE && !shf_dtype_is_float(spec->stored))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "values can be stored as float32 or float64, not as %s", sheaf_dtype_name(spec->stored));
    if (shf_path_same(source, target))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, target, NULL, -1, -1, "source and target are the same: %s", target);
    if (shf_path_within(source, target))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, source, NULL, -1, -1, "%s lies within the target", source);
    return SHEAF_OK;
}

sheaf_status sheaf_convert(const char *source, const char *target, const sheaf_convert_spec *given, const sheaf_store_options *options,
                           sheaf_copy_result *result, sheaf_error *err)
{
    const sheaf_convert_spec defaults = sheaf_convert_spec_init();
    conversion c = {.spec = given ? given : &defaults};
    sheaf_store_options from, to;
    size_t block_bytes;
    uint64_t n_records = 0, n_groups = 0;
    SHF_TRY(check(source, target, c.spec, err));
    shf_copy_memory(options, &from, &to, &block_bytes);
    from.format = c.spec->source_format;
    SHF_TRY(sheaf_store_open(source, &from, &c.from, err));
    sheaf_status status = count_groups(&c, source, &n_groups, err);
    if (status == SHEAF_OK) status = convert(&c, target, &to, block_bytes, &n_records, err);
    status = shf_copy_finish(&c.to, target, status, err);
    if (status == SHEAF_OK && result) *result = (sheaf_copy_result){c.copy.n_arrays, n_records, n_groups};
    shf_copy_free(&c.copy);
    json_decref(c.attributes);
    sheaf_store_free(&c.from);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
/* Whether a store is what a spec says: a difference is told by name, with both values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/plan.h"
#include "format/number.h"

static void shape_text(char *to, size_t size, int ndim, const uint64_t *shape, bool grows)
{
    size_t n = (size_t)snprintf(to, size, "(");
    for (int i = 0; i < ndim && n < size; i++) {
        if (i == 0 && grows) n += (size_t)snprintf(to + n, size - n, "n");
        else n += (size_t)snprintf(to + n, size - n, "%s%llu", i ? ", " : "", (unsigned long long)shape[i]);
    }
    if (n < size) snprintf(to + n, size - n, ")");
}

static sheaf_status compare_array(const shf_plan_array *a, const sheaf_array_info *info, const char *path, sheaf_error *err)
{
    bool grows = a->shape[0] == SHEAF_GROWS;
    if (info->dtype != a->dtype)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, a->name, -1, -1, "array \"%s\" is stored as %s, but %s is asked for", a->name,
                           sheaf_dtype_name(info->dtype), sheaf_dtype_name(a->dtype));
    bool same = info->ndim == a->ndim && info->grows == grows;
    for (int i = grows ? 1 : 0; same && i < a->ndim; i++) same = info->shape[i] == a->shape[i];
    if (!same) {
        char stored[160], asked[160];
        shape_text(stored, sizeof stored, info->ndim, info->shape, info->grows);
        shape_text(asked, sizeof asked, a->ndim, a->shape, grows);
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, a->name, -1, -1, "array \"%s\" has the shape %s, but %s is asked for", a->name,
                           stored, asked);
    }
    for (int i = 0; i < a->ndim; i++)
        if (strcmp(info->dimensions[i], a->dimensions[i]) != 0)
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, a->name, -1, -1,
                               "dimension %d of array \"%s\" is stored as \"%s\", but \"%s\" is asked for", i, a->name, info->dimensions[i],
                               a->dimensions[i]);
    return SHEAF_OK;
}

/* A value as people write it; freed by free. */
static char *value_text(const json_t *value)
{
    if (!json_is_real(value)) return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    char *text = calloc(1, SHF_NUMBER_ROOM + 1);
    if (text) text[shf_print_f64(text, json_real_value(value))] = '\0';
    return text;
}

static sheaf_status differs(const char *name, const json_t *stored, const json_t *asked, const char *path, sheaf_error *err)
{
    char *a = value_text(stored), *b = value_text(asked);
    const char *plain = strncmp(name, "sheaf_", 6) == 0 ? name + 6 : name;
    sheaf_status status = shf_fail_at(err, SHEAF_ERR_MISMATCH, path, NULL, -1, -1, "%s: %.180s is stored, but %.180s is asked for", plain,
                                      a ? a : "nothing", b ? b : "something else");
    free(a);
    free(b);
    return status;
}

static bool equal_json(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    return a && json_equal(a, b);
}

static sheaf_status compare_attributes(const shf_plan *plan, sheaf_store *store, sheaf_error *err)
{
    char *text;
    SHF_TRY(sheaf_store_attributes(store, NULL, &text, err));
    json_t *stored = json_loads(text, 0, NULL);
    sheaf_string_free(text);
    if (!stored) return shf_fail(err, SHEAF_ERR_DAMAGED, "the attributes of %s are no JSON", sheaf_store_path(store));
    sheaf_status status = SHEAF_OK;
    const char *name;
    json_t *asked;
    json_object_foreach(plan->attributes, name, asked)
    {
        const json_t *there = json_object_get(stored, name);
        if (equal_json(there, asked)) continue;
        status = differs(name, there, asked, sheaf_store_path(store), err);
        break;
    }
    json_decref(stored);
    return status;
}

sheaf_status shf_plan_compare(const shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_store *store, sheaf_error *err)
{
    const char *path = sheaf_store_path(store);
    SHF_TRY(compare_attributes(plan, store, err));
    for (size_t i = 0; i < plan->n_arrays; i++) {
        const shf_plan_array *a = &plan->arrays[i];
        sheaf_array_info info;
        if (sheaf_store_array(store, a->name, &info, NULL) != SHEAF_OK)
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, a->name, -1, -1, "array \"%s\" is asked for, but not stored", a->name);
        SHF_TRY(compare_array(a, &info, path, err));
        if (spec->codec != SHEAF_CODEC_DEFAULT && info.codec != spec->codec)
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, a->name, -1, -1, "array \"%s\" is stored with codec %s, but %s is asked for",
                               a->name, sheaf_codec_name(info.codec), sheaf_codec_name(spec->codec));
    }
    if (sheaf_store_n_arrays(store) == plan->n_arrays) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, NULL, -1, -1, "%zu arrays are stored, but %zu are asked for",
                       sheaf_store_n_arrays(store), plan->n_arrays);
}

// SPDX-License-Identifier: Apache-2.0
/* What must agree before stores are joined. Every difference is told with both values and both stores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "base/id_index.h"
#include "interchange/merge.h"
#include "io/file.h"

int shf_merge_axis(const shf_merger *m, const shf_copy_array *array)
{
    for (int k = 0; m->axis && k < array->info.ndim; k++)
        if (strcmp(array->info.dimensions[k], m->axis) == 0) return k;
    return -1;
}

/* ---- arrays ---- */

static sheaf_status differ(const shf_merger *m, size_t i, const char *array, const char *what, const char *a, const char *b,
                           sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_MISMATCH, m->sources[i].path, array, -1, -1, "%s%s%s%.40s is %.100s in %.80s and %.100s in %.80s",
                       array ? "array \"" : "", array ? array : "", array ? "\": " : "", what, a, m->sources[0].path, b,
                       m->sources[i].path);
}

static sheaf_status differ_numbers(const shf_merger *m, size_t i, const char *array, const char *what, uint64_t a, uint64_t b,
                                   sheaf_error *err)
{
    char x[24], y[24];
    snprintf(x, sizeof x, "%llu", (unsigned long long)a);
    snprintf(y, sizeof y, "%llu", (unsigned long long)b);
    return differ(m, i, array, what, x, y, err);
}

static sheaf_status compare_array(const shf_merger *m, size_t i, const shf_copy_array *a, const shf_copy_array *b, sheaf_error *err)
{
    const char *name = a->info.name;
    if (a->info.dtype != b->info.dtype)
        return differ(m, i, name, "its type", sheaf_dtype_name(a->info.dtype), sheaf_dtype_name(b->info.dtype), err);
    if (a->info.ndim != b->info.ndim)
        return differ_numbers(m, i, name, "the number of its dimensions", (uint64_t)a->info.ndim, (uint64_t)b->info.ndim, err);
    for (int k = 0; k < a->info.ndim; k++)
        if (strcmp(a->info.dimensions[k], b->info.dimensions[k]) != 0)
            return differ(m, i, name, "a dimension", a->info.dimensions[k], b->info.dimensions[k], err);
    if (a->grows != b->grows)
        return differ(m, i, name, "its first dimension", a->grows ? "growing" : "fixed", b->grows ? "growing" : "fixed", err);
    int axis = shf_merge_axis(m, a);
    for (int k = a->grows ? 1 : 0; k < a->info.ndim; k++)
        if (k != axis && a->shape[k] != b->shape[k])
            return differ_numbers(m, i, name, a->info.dimensions[k], a->shape[k], b->shape[k], err);
    return SHEAF_OK;
}

static sheaf_status compare_array_attributes(const shf_merger *m, size_t i, const char *name, sheaf_error *err)
{
    json_t *a = NULL, *b = NULL;
    sheaf_status status = shf_attributes_read(m->sources[0].store, name, &a, err);
    if (status == SHEAF_OK) status = shf_attributes_read(m->sources[i].store, name, &b, err);
    if (status == SHEAF_OK && !json_equal(a, b)) {
        char *x = json_dumps(a, JSON_COMPACT | JSON_SORT_KEYS), *y = json_dumps(b, JSON_COMPACT | JSON_SORT_KEYS);
        status = x && y ? differ(m, i, name, "its attributes", x, y, err) : shf_fail_memory(err, 0, "attributes");
        free(x);
        free(y);
    }
    json_decref(a);
    json_decref(b);
    return status;
}

static shf_copy_array *find_array(shf_copy *copy, size_t from, const char *name)
{
    for (size_t i = from; i < copy->n_arrays; i++)
        if (strcmp(copy->arrays[i].info.name, name) == 0) return &copy->arrays[i];
    return NULL;
}

sheaf_status shf_merge_compare(shf_merger *m, size_t i, sheaf_error *err)
{
    shf_copy *a = &m->sources[0].copy, *b = &m->sources[i].copy;
    for (size_t k = 0; k < a->n_arrays; k++) {
        shf_copy_array *found = find_array(b, k, a->arrays[k].info.name);
        if (!found) return differ(m, i, a->arrays[k].info.name, "it", "there", "missing", err);
        shf_copy_array swapped = b->arrays[k];
        b->arrays[k] = *found;
        *found = swapped;
        SHF_TRY(compare_array(m, i, &a->arrays[k], &b->arrays[k], err));
        SHF_TRY(compare_array_attributes(m, i, a->arrays[k].info.name, err));
    }
    if (b->n_arrays > a->n_arrays) return differ(m, i, b->arrays[a->n_arrays].info.name, "it", "missing", "there", err);
    return SHEAF_OK;
}

static sheaf_status read_whole(const shf_merge_source *source, const shf_copy_array *a, void **out, size_t *n_bytes, sheaf_error *err)
{
    if (!shf_mul_size(a->row_items * sheaf_dtype_size(a->info.dtype), (size_t)a->shape[0], n_bytes) || *n_bytes > SIZE_MAX / 4)
        return shf_fail_memory(err, SIZE_MAX, a->name);
    *out = shf_malloc(*n_bytes + 1);
    if (!*out) return shf_fail_memory(err, *n_bytes, a->name);
    return shf_copy_read(&source->copy, a, 0, a->shape[0], *out, NULL, err);
}

sheaf_status shf_merge_compare_fixed(const shf_merger *m, size_t i, sheaf_error *err)
{
    for (size_t k = 0; k < m->sources[0].copy.n_arrays; k++) {
        const shf_copy_array *a = &m->sources[0].copy.arrays[k], *b = &m->sources[i].copy.arrays[k];
        void *x = NULL, *y = NULL;
        size_t n = 0;
        if (a->grows || shf_merge_axis(m, a) >= 0) continue;
        sheaf_status status = read_whole(&m->sources[0], a, &x, &n, err);
        if (status == SHEAF_OK) status = read_whole(&m->sources[i], b, &y, &n, err);
        size_t size = sheaf_dtype_size(a->info.dtype), at = 0;
        while (status == SHEAF_OK && at < n && memcmp((char *)x + at, (char *)y + at, size) == 0) at += size;
        if (status == SHEAF_OK && at < n) {
            char p[32], q[32];
            snprintf(p, sizeof p, "%.17g", shf_dtype_load(a->info.dtype, x, at / size));
            snprintf(q, sizeof q, "%.17g", shf_dtype_load(a->info.dtype, y, at / size));
            status = differ(m, i, a->info.name, "a value of it", p, q, err);
            if (err) err->record = (int64_t)(at / size / a->row_items);
        }
        shf_free(x);
        shf_free(y);
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

/* ---- attributes ---- */

/* How an ensemble is stored: must be the same. Where each one stopped is put together by the caller. */
static bool must_agree(const char *name)
{
    return strncmp(name, "sheaf_", 6) == 0 && strncmp(name, "sheaf_summaries_only_", 21) != 0 &&
           strcmp(name, "sheaf_last_iteration") != 0 && strcmp(name, "sheaf_merged_from") != 0;
}

static sheaf_status take_apart(shf_merger *m, const char *name, bool *same, sheaf_error *err)
{
    const json_t *first = json_object_get(m->sources[0].attributes, name);
    *same = strncmp(name, "sheaf_", 6) != 0 || must_agree(name);
    for (size_t i = 1; i < m->n_sources; i++) {
        const json_t *other = json_object_get(m->sources[i].attributes, name);
        if (first && other ? json_equal(first, other) : first == other) continue;
        *same = false;
        if (!must_agree(name)) continue;
        char *x = first ? json_dumps(first, JSON_ENCODE_ANY) : NULL, *y = other ? json_dumps(other, JSON_ENCODE_ANY) : NULL;
        sheaf_status status = differ(m, i, NULL, name, x ? x : "absent", y ? y : "absent", err);
        free(x);
        free(y);
        return status;
    }
    return SHEAF_OK;
}

/* One attribute name: kept when all have the same, else each one's own. */
static sheaf_status place_attribute(shf_merger *m, const char *name, sheaf_error *err)
{
    bool same;
    int bad = 0;
    if (json_object_get(m->attributes, name) || json_object_get(m->sources[0].own, name)) return SHEAF_OK;
    SHF_TRY(take_apart(m, name, &same, err));
    if (same) bad = json_object_set(m->attributes, name, json_object_get(m->sources[0].attributes, name));
    for (size_t i = 0; !same && i < m->n_sources; i++) {
        json_t *value = json_object_get(m->sources[i].attributes, name);
        if (value) bad |= json_object_set(m->sources[i].own, name, value);
    }
    return bad ? shf_fail_memory(err, 0, "attributes") : SHEAF_OK;
}

sheaf_status shf_merge_attributes(shf_merger *m, sheaf_error *err)
{
    bool any = false;
    m->attributes = json_object();
    json_t *list = json_array();
    sheaf_status status = m->attributes && list ? SHEAF_OK : shf_fail_memory(err, 0, "attributes");
    for (size_t i = 0; i < m->n_sources; i++) m->sources[i].own = json_object();
    for (size_t i = 0; i < m->n_sources && status == SHEAF_OK; i++) {
        const char *name;
        json_t *value;
        json_object_foreach(m->sources[i].attributes, name, value)
        {
            if (status == SHEAF_OK) status = place_attribute(m, name, err);
        }
    }
    for (size_t i = 0; i < m->n_sources && status == SHEAF_OK; i++) {
        any |= json_object_size(m->sources[i].own) > 0;
        json_t *one = json_pack("{s:s, s:O}", "store", shf_path_base(m->sources[i].path), "attributes", m->sources[i].own);
        if (!one || json_array_append_new(list, one)) status = shf_fail_memory(err, 0, "attributes");
    }
    if (status == SHEAF_OK && any && json_object_set(m->attributes, "sheaf_merged_from", list))
        status = shf_fail_memory(err, 0, "attributes");
    json_decref(list);
    return status;
}

/* ---- times ---- */

/* The floating coordinate of the first record dimension, or NULL. */
static const shf_copy_array *coordinate_of(const shf_merge_source *source)
{
    for (size_t k = 0; k < source->copy.n_arrays; k++) {
        const shf_copy_array *a = &source->copy.arrays[k];
        if (a->grows && a->info.ndim == 1 && strcmp(a->info.name, a->info.dimensions[0]) == 0 && shf_dtype_is_float(a->info.dtype) &&
            strcmp(a->info.name, source->copy.tables[0]) == 0)
            return a;
    }
    return NULL;
}

sheaf_status shf_merge_same_times(const shf_merger *m, bool *same, sheaf_error *err)
{
    const shf_copy_array *a = coordinate_of(&m->sources[0]);
    *same = a != NULL;
    for (size_t i = 1; i < m->n_sources && *same; i++) {
        const shf_copy_array *b = coordinate_of(&m->sources[i]);
        void *x = NULL, *y = NULL;
        size_t n = 0, n_other = 0;
        if (!b || b->shape[0] != a->shape[0]) {
            *same = false;
            break;
        }
        sheaf_status status = read_whole(&m->sources[0], a, &x, &n, err);
        if (status == SHEAF_OK) status = read_whole(&m->sources[i], b, &y, &n_other, err);
        *same = status == SHEAF_OK && memcmp(x, y, n) == 0;
        shf_free(x);
        shf_free(y);
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

sheaf_status shf_merge_growing_times(const shf_merger *m, sheaf_error *err)
{
    double last = 0;
    const char *before = NULL;
    for (size_t i = 0; i < m->n_sources; i++) {
        const shf_copy_array *a = coordinate_of(&m->sources[i]);
        uint64_t raw;
        if (!a || a->shape[0] == 0) continue;
        SHF_TRY(shf_copy_read(&m->sources[i].copy, a, 0, 1, &raw, NULL, err));
        double first = shf_dtype_load(a->info.dtype, &raw, 0);
        if (before && !(first > last))
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, m->sources[i].path, a->info.name, -1, -1,
                               "%.80s ends at %s %g and %.80s begins at %g: neither one after the other nor the same times", before,
                               a->info.name, last, m->sources[i].path, first);
        SHF_TRY(shf_copy_read(&m->sources[i].copy, a, a->shape[0] - 1, 1, &raw, NULL, err));
        last = shf_dtype_load(a->info.dtype, &raw, 0);
        before = m->sources[i].path;
    }
    return SHEAF_OK;
}

/* ---- ids ---- */

bool shf_merge_is_ids(const shf_merger *m, const shf_copy_array *a)
{
    return m->axis && strcmp(a->info.name, m->axis) == 0 && a->info.ndim == 1 && !a->grows && a->info.dtype == SHEAF_I64;
}

static const shf_copy_array *ids_of(const shf_merge_source *source, const char *name, bool grows)
{
    for (size_t k = 0; k < source->copy.n_arrays; k++) {
        const shf_copy_array *a = &source->copy.arrays[k];
        if (strcmp(a->info.name, name) == 0 && a->info.ndim == 1 && a->grows == grows && a->info.dtype == SHEAF_I64) return a;
    }
    return NULL;
}

static sheaf_status add_ids(const shf_merger *m, const shf_segment *s, const char *name, bool grows, shf_id_index *index, sheaf_error *err)
{
    int64_t ids[4096];
    const shf_merge_source *source = &m->sources[s->source];
    const shf_copy_array *a = ids_of(source, name, grows);
    if (!a) return SHEAF_OK;
    for (uint64_t row = s->first; row < s->last; row += 4096) {
        size_t n = (size_t)shf_min_u64(4096, s->last - row);
        SHF_TRY(shf_copy_read(&source->copy, a, row, n, ids, NULL, err));
        SHF_TRY(shf_id_index_add(index, ids, n, err));
    }
    return SHEAF_OK;
}

static const char *store_of(const shf_merger *m, const shf_segment *segments, size_t n, uint64_t row)
{
    while (n > 1 && segments[n - 1].begin > row) n--;
    return m->sources[segments[n - 1].source].path;
}

sheaf_status shf_merge_check_ids(const shf_merger *m, const shf_segment *segments, size_t n, sheaf_error *err)
{
    shf_id_index index = {0};
    int64_t id;
    uint64_t a, b;
    const char *name = m->axis ? m->axis : "trajectory";
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < n && status == SHEAF_OK; i++) status = add_ids(m, &segments[i], name, !m->axis, &index, err);
    if (status == SHEAF_OK) status = shf_id_index_finish(&index, err);
    if (status == SHEAF_OK && shf_id_index_duplicate(&index, &id, &a, &b)) {
        const char *x = store_of(m, segments, n, a), *y = store_of(m, segments, n, b);
        status =
            strcmp(x, y) == 0
                ? shf_fail_at(err, SHEAF_ERR_DUPLICATE, x, name, -1, -1, "%s %lld is twice in %s", name, (long long)id, x)
                : shf_fail_at(err, SHEAF_ERR_DUPLICATE, y, name, -1, -1, "%s %lld is in %.120s and in %.120s", name, (long long)id, x, y);
    }
    shf_id_index_free(&index);
    return status;
}

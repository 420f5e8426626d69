// SPDX-License-Identifier: Apache-2.0
/* Stores of workers and ranks into one: records after records, or columns beside columns. */
#include "interchange/merge.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "io/file.h"

sheaf_merge_spec sheaf_merge_spec_init(void)
{
    return (sheaf_merge_spec){.size_bytes = sizeof(sheaf_merge_spec)};
}

/* ---- records ---- */

static uint64_t attribute_number(const shf_merge_source *source, const char *name, uint64_t otherwise)
{
    const json_t *value = json_object_get(source->attributes, name);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? (uint64_t)json_integer_value(value) : otherwise;
}

/* Rows in the order of the new store: all with series before those that have summaries only, so that one number still says from where on. */
static size_t plan_segments(const shf_merger *m, const char *table, shf_segment *segments, uint64_t *n_whole)
{
    size_t n = 0;
    uint64_t begin = 0;
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < m->n_sources; i++) {
            uint64_t length = shf_copy_length(&m->sources[i].copy, table);
            uint64_t whole = shf_min_u64(length, attribute_number(&m->sources[i], "sheaf_summaries_only_from_row", UINT64_MAX));
            uint64_t first = part ? whole : 0, last = part ? length : whole;
            if (first == last) continue;
            segments[n++] = (shf_segment){i, first, last, begin};
            begin += last - first;
        }
        if (part == 0) *n_whole = begin;
    }
    return n;
}

/* Where summaries begin to be alone, and by step which iteration the last record has. */
static sheaf_status say_where(shf_merger *m, uint64_t n_whole, const shf_segment *segments, size_t n, sheaf_error *err)
{
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (segments[i].begin != n_whole || !json_object_get(m->sources[segments[i].source].attributes, "sheaf_summaries_only_from_row"))
            continue;
        bad |= json_object_set_new(m->attributes, "sheaf_summaries_only_from_row", json_integer((json_int_t)n_whole));
        bad |= json_object_set(m->attributes, "sheaf_summaries_only_from_id",
                               json_object_get(m->sources[segments[i].source].attributes, "sheaf_summaries_only_from_id"));
    }
    const shf_merge_source *last = &m->sources[m->n_sources - 1];
    for (size_t i = 0; i + 1 < m->n_sources; i++)
        if (json_object_get(m->sources[i].attributes, "sheaf_last_iteration"))
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, m->sources[i].path, NULL, -1, -1,
                               "%s keeps a last step beside its stride: no records can follow it", m->sources[i].path);
    uint64_t own = attribute_number(last, "sheaf_last_iteration", UINT64_MAX);
    if (own != UINT64_MAX) {
        uint64_t rows = m->total - shf_copy_length(&last->copy, last->copy.tables[0]);
        own += rows * attribute_number(last, "sheaf_interval", 1);
        bad |= json_object_set_new(m->attributes, "sheaf_last_iteration", json_integer((json_int_t)own));
    }
    return bad ? shf_fail_memory(err, 0, "attributes") : SHEAF_OK;
}

static sheaf_status create(shf_merger *m, const shf_copy *copy, const char *target, const sheaf_store_options *options, sheaf_error *err)
{
    sheaf_schema *schema;
    SHF_TRY(sheaf_schema_create(&schema, err));
    sheaf_status status = shf_copy_schema(copy, m->spec->codec, m->spec->level, schema, err);
    if (status == SHEAF_OK) status = shf_attributes_set(schema, m->attributes, err);
    if (status == SHEAF_OK) status = sheaf_store_create(target, schema, options, &m->to, err);
    sheaf_schema_free(&schema);
    return status;
}

sheaf_status shf_merge_records(shf_merger *m, const char *target, const sheaf_store_options *options, sheaf_error *err)
{
    const shf_copy *first = &m->sources[0].copy;
    const char *table = first->tables[0];
    shf_segment *segments = shf_calloc(2 * m->n_sources, sizeof *segments);
    if (!segments) return shf_fail_memory(err, 2 * m->n_sources * sizeof *segments, "the order of rows");
    uint64_t n_whole = 0;
    size_t n = plan_segments(m, table, segments, &n_whole);
    for (size_t i = 0; i < n; i++) m->total += segments[i].last - segments[i].first;
    sheaf_status status = say_where(m, n_whole, segments, n, err);
    if (status == SHEAF_OK) status = shf_merge_growing_times(m, err);
    if (status == SHEAF_OK) status = shf_merge_check_ids(m, segments, n, err);
    if (status == SHEAF_OK) status = create(m, first, target, options, err);
    for (size_t i = 0; i < n && status == SHEAF_OK; i++)
        status = shf_copy_rows(&m->sources[segments[i].source].copy, table, segments[i].first, segments[i].last, m->to, m->spec->progress,
                               m->spec->context, &m->done, m->total, err);
    shf_free(segments);
    return status;
}

/* ---- columns ---- */

/* Elements of one step of the axes before the joined one (from `from` on), and of the joined one and those behind it. */
static size_t outer_items(const shf_copy_array *a, int from, int axis)
{
    size_t n = 1;
    for (int k = from; k < axis; k++) n *= (size_t)a->shape[k];
    return n;
}

static size_t inner_items(const shf_copy_array *a, int axis)
{
    size_t n = 1;
    for (int k = axis; k < a->info.ndim; k++) n *= (size_t)a->shape[k];
    return n;
}

/* Rows first … first + n - 1 of the k-th array, its pieces side by side along the axis; whole holds the joined shape. raw: room for one source's. */
static sheaf_status join_rows(const shf_merger *m, size_t k, const shf_copy_array *whole, uint64_t first, uint64_t n, uint8_t *to,
                              uint8_t *raw, sheaf_error *err)
{
    int axis = shf_merge_axis(m, whole);
    size_t size = sheaf_dtype_size(whole->dtype), stride = inner_items(whole, axis) * size, offset = 0;
    for (size_t i = 0; i < m->n_sources; i++) {
        const shf_copy_array *a = &m->sources[i].copy.arrays[k];
        size_t piece = inner_items(a, axis) * size, outer = outer_items(a, 1, axis) * (axis ? (size_t)n : 1);
        SHF_TRY(shf_copy_read(&m->sources[i].copy, a, axis ? first : 0, axis ? n : a->shape[0], raw, NULL, err));
        for (size_t j = 0; j < outer; j++) memcpy(to + j * stride + offset, raw + j * piece, piece);
        offset += piece;
    }
    return SHEAF_OK;
}

/* The same rows in every source: read from the first, compared with the others. */
static sheaf_status same_rows(const shf_merger *m, size_t k, uint64_t first, uint64_t n, uint8_t *to, uint8_t *raw, sheaf_error *err)
{
    const shf_copy_array *a = &m->sources[0].copy.arrays[k];
    size_t row = a->row_items * sheaf_dtype_size(a->dtype);
    SHF_TRY(shf_copy_read(&m->sources[0].copy, a, first, n, to, NULL, err));
    for (size_t i = 1; i < m->n_sources; i++) {
        SHF_TRY(shf_copy_read(&m->sources[i].copy, &m->sources[i].copy.arrays[k], first, n, raw, NULL, err));
        for (uint64_t r = 0; r < n; r++)
            if (memcmp(to + r * row, raw + r * row, row) != 0)
                return shf_fail_at(
                    err, SHEAF_ERR_MISMATCH, m->sources[i].path, a->info.name, (int64_t)(first + r), -1,
                    "array \"%s\" has no dimension \"%s\", so it must be the same everywhere, but it differs between %.80s and %.80s",
                    a->info.name, m->axis, m->sources[0].path, m->sources[i].path);
    }
    return SHEAF_OK;
}

static sheaf_status join_table(shf_merger *m, const shf_copy *whole, const char *table, size_t block_bytes, sheaf_error *err)
{
    uint64_t length = shf_copy_length(whole, table);
    uint8_t *values[256], *raw = NULL;
    size_t columns[256], n_columns = 0, row_bytes = 1, widest = 1;
    for (size_t k = 0; k < whole->n_arrays; k++) {
        const shf_copy_array *a = &whole->arrays[k];
        if (!a->grows || strcmp(a->info.dimensions[0], table) != 0) continue;
        if (n_columns == 256) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "more than 256 arrays over dimension \"%s\"", table);
        columns[n_columns++] = k;
        size_t row = a->row_items * sheaf_dtype_size(a->dtype);
        row_bytes += row;
        widest = row > widest ? row : widest;
    }
    size_t block = (size_t)shf_max_u64(1, shf_min_u64(shf_min_u64(length, 1 << 16), block_bytes / (row_bytes + widest)));
    sheaf_status status = SHEAF_OK;
    raw = shf_malloc(block * widest);
    if (!raw) status = shf_fail_memory(err, block * widest, "rows");
    for (size_t c = 0; c < n_columns; c++) {
        size_t bytes = block * whole->arrays[columns[c]].row_items * sheaf_dtype_size(whole->arrays[columns[c]].dtype);
        values[c] = shf_malloc(bytes + 1);
        if (!values[c]) status = shf_fail_memory(err, bytes, "rows");
    }
    for (uint64_t row = 0; row < length && status == SHEAF_OK; row += block) {
        uint64_t n = shf_min_u64(block, length - row);
        for (size_t c = 0; c < n_columns && status == SHEAF_OK; c++) {
            const shf_copy_array *a = &whole->arrays[columns[c]];
            status = shf_merge_axis(m, a) > 0 ? join_rows(m, columns[c], a, row, n, values[c], raw, err)
                                              : same_rows(m, columns[c], row, n, values[c], raw, err);
        }
        if (status == SHEAF_OK) status = sheaf_store_append(m->to, table, n, (const void *const *)values, NULL, err);
        m->done += n;
        if (status == SHEAF_OK && m->spec->progress) m->spec->progress(m->spec->context, m->done, m->total);
    }
    for (size_t c = 0; c < n_columns; c++) shf_free(values[c]);
    shf_free(raw);
    return status;
}

/* whole: the first source's arrays with the axis as long as all together. */
static sheaf_status widen(shf_merger *m, shf_copy *whole, sheaf_error *err)
{
    for (size_t k = 0; k < whole->n_arrays; k++) {
        shf_copy_array *a = &whole->arrays[k];
        int axis = shf_merge_axis(m, a);
        if (axis < 0) continue;
        uint64_t length = 0;
        for (size_t i = 0; i < m->n_sources; i++) length += m->sources[i].copy.arrays[k].shape[axis];
        if (axis) a->row_items = a->row_items / (size_t)a->shape[axis] * (size_t)length;
        a->shape[axis] = length;
        if (a->grows) continue;
        size_t bytes;
        if (!shf_mul_size(a->row_items * sheaf_dtype_size(a->dtype), (size_t)a->shape[0], &bytes))
            return shf_fail_memory(err, SIZE_MAX, a->name);
        uint8_t *raw = shf_malloc(bytes + 1);
        a->values = shf_malloc(bytes + 1);
        sheaf_status status =
            raw && a->values ? join_rows(m, k, a, 0, a->shape[0], a->values, raw, err) : shf_fail_memory(err, bytes, a->name);
        shf_free(raw);
        SHF_TRY(status);
        if (m->spec->renumber && shf_merge_is_ids(m, a))
            for (uint64_t j = 0; j < length; j++) ((int64_t *)a->values)[j] = (int64_t)j;
    }
    return SHEAF_OK;
}

static sheaf_status check_lengths(const shf_merger *m, sheaf_error *err)
{
    const shf_merge_source *first = &m->sources[0];
    for (size_t i = 1; i < m->n_sources; i++)
        for (size_t t = 0; t < first->copy.n_tables; t++) {
            uint64_t a = shf_copy_length(&first->copy, first->copy.tables[t]),
                     b = shf_copy_length(&m->sources[i].copy, first->copy.tables[t]);
            if (a != b)
                return shf_fail_at(err, SHEAF_ERR_MISMATCH, m->sources[i].path, NULL, -1, -1,
                                   "%.80s has %llu records along %s and %.80s has %llu: columns of equal length are needed", first->path,
                                   (unsigned long long)a, first->copy.tables[t], m->sources[i].path, (unsigned long long)b);
        }
    return SHEAF_OK;
}

/* Ids along the axis. */
static sheaf_status check_axis_ids(const shf_merger *m, sheaf_error *err)
{
    shf_segment *segments = shf_calloc(m->n_sources, sizeof *segments);
    if (!segments) return shf_fail_memory(err, m->n_sources * sizeof *segments, "the order of columns");
    uint64_t begin = 0;
    for (size_t i = 0; i < m->n_sources; i++) {
        uint64_t length = 0;
        for (size_t k = 0; k < m->sources[i].copy.n_arrays; k++) {
            int axis = shf_merge_axis(m, &m->sources[i].copy.arrays[k]);
            if (axis >= 0) length = m->sources[i].copy.arrays[k].shape[axis];
        }
        segments[i] = (shf_segment){i, 0, length, begin};
        begin += length;
    }
    sheaf_status status = shf_merge_check_ids(m, segments, m->n_sources, err);
    shf_free(segments);
    return status;
}

sheaf_status shf_merge_columns(shf_merger *m, const char *target, const sheaf_store_options *options, size_t block_bytes, sheaf_error *err)
{
    shf_copy whole = {0};
    json_t *last = json_object_get(m->sources[0].attributes, "sheaf_last_iteration");
    if (last && json_object_set(m->attributes, "sheaf_last_iteration", last)) return shf_fail_memory(err, 0, "attributes");
    SHF_TRY(check_lengths(m, err));
    if (!m->spec->renumber) SHF_TRY(check_axis_ids(m, err));
    sheaf_status status = shf_copy_begin(m->sources[0].store, block_bytes, &whole, err);
    if (status == SHEAF_OK) status = widen(m, &whole, err);
    if (status == SHEAF_OK) status = create(m, &whole, target, options, err);
    for (size_t t = 0; t < whole.n_tables; t++) m->total += shf_copy_length(&whole, whole.tables[t]);
    for (size_t t = 0; t < whole.n_tables && status == SHEAF_OK; t++) status = join_table(m, &whole, whole.tables[t], block_bytes, err);
    shf_copy_free(&whole);
    return status;
}

/* ---- all of it ---- */

static bool has_axis(const shf_copy *copy, const char *axis, bool *first)
{
    bool found = false;
    *first = false;
    for (size_t k = 0; k < copy->n_arrays; k++)
        for (int i = 0; i < copy->arrays[k].info.ndim; i++) {
            if (strcmp(copy->arrays[k].info.dimensions[i], axis) != 0) continue;
            found = true;
            *first |= i == 0 && copy->arrays[k].grows;
        }
    return found;
}

/* Records or columns, when the caller leaves it open or names the dimension. */
static sheaf_status choose_way(shf_merger *m, sheaf_error *err)
{
    bool grows, same = false;
    const shf_merge_source *first = &m->sources[0];
    if (m->spec->axis) {
        if (!has_axis(&first->copy, m->spec->axis, &grows))
            return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, first->path, NULL, -1, -1, "no array of %s has a dimension \"%s\"", first->path,
                               m->spec->axis);
        m->axis = grows ? NULL : m->spec->axis;
    } else if (m->n_sources > 1 && shf_attributes_are_steps(first->attributes) && has_axis(&first->copy, "trajectory", &grows) && !grows) {
        SHF_TRY(shf_merge_same_times(m, &same, err));
        m->axis = same ? "trajectory" : NULL;
    }
    if (!m->axis && m->spec->renumber)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "records are joined here, and their ids are kept: only columns can be numbered anew");
    if (!m->axis && first->copy.n_tables != 1)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, first->path, NULL, -1, -1,
                           "%s has %zu record dimensions; stores with one can be joined by records, others along a fixed dimension",
                           first->path, first->copy.n_tables);
    return SHEAF_OK;
}

static sheaf_status open_source(shf_merge_source *source, const sheaf_store_options *options, size_t block_bytes, sheaf_error *err)
{
    SHF_TRY(sheaf_store_open(source->path, options, &source->store, err));
    SHF_TRY(shf_attributes_read(source->store, NULL, &source->attributes, err));
    return shf_copy_begin(source->store, block_bytes, &source->copy, err);
}

static sheaf_status merge(shf_merger *m, const char *target, const sheaf_store_options *options, sheaf_error *err)
{
    sheaf_store_options from, to;
    size_t block_bytes;
    shf_copy_memory(options, &from, &to, &block_bytes);
    from.memory_bytes = shf_max_u64(from.memory_bytes / m->n_sources, (uint64_t)1 << 20);
    for (size_t i = 0; i < m->n_sources; i++) SHF_TRY(open_source(&m->sources[i], &from, block_bytes, err));
    SHF_TRY(choose_way(m, err));
    for (size_t i = 1; i < m->n_sources; i++) {
        SHF_TRY(shf_merge_compare(m, i, err));
        SHF_TRY(shf_merge_compare_fixed(m, i, err));
    }
    SHF_TRY(shf_merge_attributes(m, err));
    return m->axis ? shf_merge_columns(m, target, &to, block_bytes, err) : shf_merge_records(m, target, &to, err);
}

static sheaf_status check(const char *target, const char *const *sources, size_t n, const sheaf_merge_spec *spec, sheaf_error *err)
{
    if (!target || !sources || n == 0 || spec->size_bytes != sizeof *spec)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "merging needs a target, at least one source and a spec of %zu bytes", sizeof *spec);
    for (size_t i = 0; i < n; i++) {
        if (!sources[i]) return shf_fail(err, SHEAF_ERR_ARGUMENT, "source %zu is NULL", i);
        if (shf_path_same(sources[i], target))
            return shf_fail_at(err, SHEAF_ERR_ARGUMENT, target, NULL, -1, -1, "%s is both a source and the target", target);
        if (shf_path_within(sources[i], target))
            return shf_fail_at(err, SHEAF_ERR_ARGUMENT, sources[i], NULL, -1, -1, "%s lies within the target", sources[i]);
        for (size_t k = 0; k < i; k++)
            if (shf_path_same(sources[i], sources[k]))
                return shf_fail_at(err, SHEAF_ERR_DUPLICATE, sources[i], NULL, -1, -1, "%s is given twice", sources[i]);
    }
    return SHEAF_OK;
}

sheaf_status sheaf_merge(const char *target, const char *const *sources, size_t n_sources, const sheaf_merge_spec *given,
                         const sheaf_store_options *options, sheaf_copy_result *result, sheaf_error *err)
{
    const sheaf_merge_spec defaults = sheaf_merge_spec_init();
    shf_merger m = {.spec = given ? given : &defaults, .n_sources = n_sources};
    SHF_TRY(check(target, sources, n_sources, m.spec, err));
    m.sources = shf_calloc(n_sources, sizeof *m.sources);
    if (!m.sources) return shf_fail_memory(err, n_sources * sizeof *m.sources, "sources");
    for (size_t i = 0; i < n_sources; i++) m.sources[i].path = sources[i];
    sheaf_status status = merge(&m, target, options, err);
    status = shf_copy_finish(&m.to, target, status, err);
    if (status == SHEAF_OK && result) *result = (sheaf_copy_result){m.sources[0].copy.n_arrays, m.total, 0};
    for (size_t i = 0; i < n_sources; i++) {
        shf_copy_free(&m.sources[i].copy);
        sheaf_store_free(&m.sources[i].store);
        json_decref(m.sources[i].attributes);
        json_decref(m.sources[i].own);
    }
    json_decref(m.attributes);
    shf_free(m.sources);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
/* The footer is passed over once, without building anything but an index of offsets: of 10,000 columns two are wanted. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/parquet/meta.h"
#include "format/parquet/thrift.h"

enum { MAX_SCHEMA_DEPTH = 64 };

static sheaf_status fail_at(const shf_pq_footer *footer, const uint8_t *p, const char *why, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, NULL, -1, p - footer->bytes, "the file's footer is damaged: %s", why);
}

/* How many children are still to come on each level of the schema tree. */
typedef struct tree {
    int32_t left[MAX_SCHEMA_DEPTH];
    int depth;
} tree;

static bool tree_enter(tree *at, const shf_pq_schema_element *element)
{
    if (at->depth == MAX_SCHEMA_DEPTH) return false;
    at->left[at->depth] = element->n_children;
    at->depth++;
    return true;
}

static void tree_leave_finished(tree *at)
{
    while (at->depth > 0 && at->left[at->depth - 1] == 0) at->depth--;
}

static sheaf_status scan_schema(shf_pq_footer *footer, shf_thrift *t, uint8_t type, sheaf_error *err)
{
    uint8_t element_type;
    size_t n = shf_thrift_list(t, type, &element_type);
    if (n == 0 || element_type != SHF_THRIFT_STRUCT || footer->schema_at) return fail_at(footer, t->p, "no schema", err);
    footer->schema_at = shf_malloc(n * sizeof *footer->schema_at);
    footer->nested = shf_malloc(n);
    if (!footer->schema_at || !footer->nested) return shf_fail_memory(err, n * 5, "a schema");
    footer->schema_root_at = (uint32_t)(t->p - footer->bytes);
    tree at = {.depth = 0};
    for (size_t i = 0; i < n; i++) {
        shf_pq_schema_element element;
        size_t used;
        sheaf_status status = shf_pq_read_schema_element(t->p, (size_t)(t->end - t->p), &element, &used, err);
        if (status != SHEAF_OK) return fail_at(footer, t->p, "a schema element cannot be read", err);
        if (i > 0 && (at.depth == 0 || at.left[at.depth - 1]-- <= 0)) return fail_at(footer, t->p, "the schema's tree is broken", err);
        if (element.n_children < 0) return fail_at(footer, t->p, "a negative number of children", err);
        bool group = i == 0 || element.n_children > 0 || element.type < 0;
        if (group) {
            if (!tree_enter(&at, &element)) return fail_at(footer, t->p, "the schema is too deep", err);
        } else {
            footer->schema_at[footer->n_columns] = (uint32_t)(t->p - footer->bytes);
            footer->nested[footer->n_columns++] = at.depth != 1 || element.repetition == SHF_PQ_REPEATED;
        }
        tree_leave_finished(&at);
        t->p += used;
    }
    return at.depth == 0 ? SHEAF_OK : fail_at(footer, t->p, "the schema's tree is broken", err);
}

static sheaf_status scan_chunks(shf_pq_footer *footer, shf_thrift *t, uint8_t type, uint32_t *chunk_at, sheaf_error *err)
{
    uint8_t element_type;
    size_t n = shf_thrift_list(t, type, &element_type);
    if (n != footer->n_columns || element_type != SHF_THRIFT_STRUCT)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, NULL, -1, t->p - footer->bytes,
                           "the file's footer is damaged: a row group has %zu column chunks, expected %zu", n, footer->n_columns);
    for (size_t i = 0; i < n; i++) {
        chunk_at[i] = (uint32_t)(t->p - footer->bytes);
        shf_thrift_skip(t, SHF_THRIFT_STRUCT);
    }
    return t->bad ? fail_at(footer, t->p, "a column chunk cannot be read", err) : SHEAF_OK;
}

static sheaf_status scan_group(shf_pq_footer *footer, shf_thrift *t, size_t group, sheaf_error *err)
{
    uint8_t type;
    int64_t n_rows = -1;
    bool has_chunks = false;
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id == 1 && !has_chunks) {
            SHF_TRY(scan_chunks(footer, t, type, footer->chunk_at + group * footer->n_columns, err));
            has_chunks = true;
        } else if (id == 3) {
            n_rows = shf_thrift_int(t, type);
        } else {
            shf_thrift_skip(t, type);
        }
    }
    if (t->bad || n_rows < 0 || !has_chunks ||
        __builtin_add_overflow(footer->group_first_row[group], n_rows, &footer->group_first_row[group + 1]))
        return fail_at(footer, t->p, "a row group cannot be read", err);
    return SHEAF_OK;
}

static sheaf_status scan_groups(shf_pq_footer *footer, shf_thrift *t, uint8_t type, sheaf_error *err)
{
    uint8_t element_type;
    size_t n = shf_thrift_list(t, type, &element_type), chunks, bytes;
    if (!footer->schema_at || footer->group_first_row || (n && element_type != SHF_THRIFT_STRUCT))
        return fail_at(footer, t->p, "row groups before the schema, or twice", err);
    /* each chunk takes at least two bytes of the footer: more than fit is a lie, not a wish for memory */
    if (!shf_mul_size(n, footer->n_columns, &chunks) || chunks > footer->size || !shf_mul_size(chunks, sizeof(uint32_t), &bytes))
        return fail_at(footer, t->p, "more column chunks than its size allows", err);
    footer->group_first_row = shf_calloc(n + 1, sizeof *footer->group_first_row);
    footer->chunk_at = shf_malloc(bytes ? bytes : 1);
    if (!footer->group_first_row || !footer->chunk_at) return shf_fail_memory(err, bytes, "a file's row groups");
    for (size_t g = 0; g < n; g++) SHF_TRY(scan_group(footer, t, g, err));
    footer->n_groups = n;
    return SHEAF_OK;
}

static sheaf_status scan(shf_pq_footer *footer, sheaf_error *err)
{
    shf_thrift reader = {footer->bytes, footer->bytes + footer->size, false}, *t = &reader;
    uint8_t type;
    int64_t n_rows = -1;
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        switch (id) {
        case 2: SHF_TRY(scan_schema(footer, t, type, err)); break;
        case 3: n_rows = shf_thrift_int(t, type); break;
        case 4: SHF_TRY(scan_groups(footer, t, type, err)); break;
        case 6: footer->created_by = shf_thrift_binary(t, type, &footer->created_by_size); break;
        case 8:
            footer->encrypted = true;
            shf_thrift_skip(t, type);
            break;
        default: shf_thrift_skip(t, type);
        }
    }
    if (t->bad) return fail_at(footer, t->p, "it cannot be read to its end", err);
    if (!footer->schema_at || !footer->group_first_row) return fail_at(footer, t->p, "schema or row groups are missing", err);
    int64_t sum = footer->group_first_row[footer->n_groups];
    footer->n_rows = n_rows;
    if (sum == n_rows) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, NULL, -1, 0,
                       "the file's footer is damaged: %lld rows in all, but %lld in its row groups", (long long)n_rows, (long long)sum);
}

sheaf_status shf_pq_footer_scan(shf_pq_footer *footer, const uint8_t *bytes, size_t n, sheaf_error *err)
{
    *footer = (shf_pq_footer){.bytes = bytes, .size = n};
    if (n > UINT32_MAX) return shf_fail(err, SHEAF_ERR_DAMAGED, "a footer of %zu bytes is too large", n);
    sheaf_status status = scan(footer, err);
    if (status != SHEAF_OK) shf_pq_footer_free(footer);
    return status;
}

void shf_pq_footer_free(shf_pq_footer *footer)
{
    shf_free(footer->schema_at);
    shf_free(footer->nested);
    shf_free(footer->chunk_at);
    shf_free(footer->group_first_row);
    *footer = (shf_pq_footer){0};
}

sheaf_status shf_pq_footer_column(const shf_pq_footer *footer, size_t column, shf_pq_schema_element *out, sheaf_error *err)
{
    size_t at = footer->schema_at[column], used;
    return shf_pq_read_schema_element(footer->bytes + at, footer->size - at, out, &used, err);
}

sheaf_status shf_pq_footer_chunk(const shf_pq_footer *footer, size_t group, size_t column, shf_pq_chunk *out, sheaf_error *err)
{
    size_t at = footer->chunk_at[group * footer->n_columns + column], used;
    return shf_pq_read_chunk(footer->bytes + at, footer->size - at, out, &used, err);
}

static const uint8_t *match_pair(shf_thrift *t, const char *wanted, size_t *size)
{
    uint8_t type;
    const uint8_t *key = NULL, *value = NULL;
    size_t key_size = 0, value_size = 0;
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id == 1) key = shf_thrift_binary(t, type, &key_size);
        else if (id == 2) value = shf_thrift_binary(t, type, &value_size);
        else shf_thrift_skip(t, type);
    }
    if (t->bad || !key || !value || key_size != strlen(wanted) || memcmp(key, wanted, key_size) != 0) return NULL;
    *size = value_size;
    return value;
}

const uint8_t *shf_pq_footer_metadata(const shf_pq_footer *footer, const char *key, size_t *size)
{
    shf_thrift reader = {footer->bytes, footer->bytes + footer->size, false}, *t = &reader;
    uint8_t type, element_type;
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id != 5) {
            shf_thrift_skip(t, type);
            continue;
        }
        size_t n = shf_thrift_list(t, type, &element_type);
        for (size_t i = 0; i < n && element_type == SHF_THRIFT_STRUCT && !t->bad; i++) {
            const uint8_t *value = match_pair(t, key, size);
            if (value) return value;
        }
    }
    return NULL;
}

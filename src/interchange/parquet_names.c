// SPDX-License-Identifier: Apache-2.0
/* Columns by name. Scenario files name column k "k": that guess is tried first; else a hash table of all names is made once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "interchange/parquet_inside.h"

static bool name_is(const shf_parquet *file, size_t column, const char *name, size_t n)
{
    shf_pq_schema_element element;
    if (file->footer.nested[column] || shf_pq_footer_column(&file->footer, column, &element, NULL) != SHEAF_OK) return false;
    return element.name_size == n && memcmp(element.name, name, n) == 0;
}

/* FNV-1a */
static uint64_t hash_name(const char *name, size_t n)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (uint8_t)name[i]) * 0x100000001B3u;
    return hash ^ hash >> 32;
}

/* The first of equal names wins. */
static sheaf_status make_table(shf_parquet *file, sheaf_error *err)
{
    size_t n_slots = 16;
    while (n_slots < file->footer.n_columns * 2) n_slots *= 2;
    uint32_t *slots = shf_calloc(n_slots, sizeof *slots);
    if (!slots) return shf_fail_memory(err, n_slots * sizeof *slots, "column names");
    for (size_t c = 0; c < file->footer.n_columns; c++) {
        shf_pq_schema_element element;
        if (file->footer.nested[c] || shf_pq_footer_column(&file->footer, c, &element, NULL) != SHEAF_OK) continue;
        size_t slot = hash_name((const char *)element.name, element.name_size) & (n_slots - 1);
        while (slots[slot]) slot = (slot + 1) & (n_slots - 1);
        slots[slot] = (uint32_t)c + 1;
    }
    file->name_slots = slots;
    file->n_name_slots = n_slots;
    return SHEAF_OK;
}

static bool lookup(const shf_parquet *file, const char *name, size_t n, size_t *column)
{
    size_t mask = file->n_name_slots - 1;
    for (size_t slot = hash_name(name, n) & mask; file->name_slots[slot]; slot = (slot + 1) & mask) {
        *column = file->name_slots[slot] - 1;
        if (name_is(file, *column, name, n)) return true;
    }
    return false;
}

static sheaf_status fail_unknown(const shf_parquet *file, const char *name, size_t n, sheaf_error *err)
{
    for (size_t c = 0; c < file->footer.n_columns; c++) {
        char path[256] = "";
        if (!file->footer.nested[c] || n >= sizeof path) continue;
        shf_parquet_column_path(file, c, path, sizeof path);
        if (strncmp(path, name, n) == 0 && (path[n] == '.' || path[n] == '\0'))
            return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, file->io.path, name, -1, -1,
                               "%s: column \"%s\" is nested (%s), which is not supported", file->io.path, name, path);
    }
    return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, file->io.path, name, -1, -1, "%s: no column \"%s\" among %zu columns", file->io.path, name,
                       file->footer.n_columns);
}

sheaf_status shf_parquet_find(shf_parquet *file, const char *name, size_t *column, sheaf_error *err)
{
    size_t n = strlen(name);
    if (n > 0 && n < 9 && strspn(name, "0123456789") == n && (name[0] != '0' || n == 1)) {
        *column = strtoul(name, NULL, 10);
        if (*column < file->footer.n_columns && name_is(file, *column, name, n)) return SHEAF_OK;
    }
    sheaf_status status = SHEAF_OK;
    pthread_mutex_lock(&file->mutex);
    if (!file->name_slots) status = make_table(file, err);
    pthread_mutex_unlock(&file->mutex);
    SHF_TRY(status);
    return lookup(file, name, n, column) ? SHEAF_OK : fail_unknown(file, name, n, err);
}

/* Walks the schema tree from its root to the leaf; metadata was checked when the file was opened. */
void shf_parquet_column_path(const shf_parquet *file, size_t column, char *out, size_t capacity)
{
    enum { DEPTH = 64 };
    const shf_pq_footer *footer = &file->footer;
    struct {
        const uint8_t *name;
        size_t size;
        int32_t left;
    } way[DEPTH];
    int depth = 0;
    if (capacity) out[0] = '\0';
    if (column >= footer->n_columns) return;
    shf_pq_schema_element element;
    size_t at = footer->schema_root_at, used, written = 0;
    while (at <= footer->schema_at[column]) {
        if (shf_pq_read_schema_element(footer->bytes + at, footer->size - at, &element, &used, NULL) != SHEAF_OK) return;
        if (depth > 0) way[depth - 1].left--;
        if ((at == footer->schema_root_at || element.n_children > 0 || element.type < 0) && depth < DEPTH) {
            way[depth].name = element.name;
            way[depth].size = element.name_size;
            way[depth++].left = element.n_children;
        }
        if (at == footer->schema_at[column]) break;
        while (depth > 0 && way[depth - 1].left == 0) depth--;
        at += used;
    }
    for (int i = 1; i <= depth && written < capacity; i++) {
        const uint8_t *name = i < depth ? way[i].name : element.name;
        size_t size = i < depth ? way[i].size : element.name_size;
        int n = snprintf(out + written, capacity - written, "%s%.*s", i > 1 ? "." : "", (int)size, (const char *)name);
        written += n > 0 ? (size_t)n : 0;
    }
}

// SPDX-License-Identifier: Apache-2.0
/* A database as bytes that name things: the scenario map's text, and per entry its names, its group, the URI of its series and, for one
 * in memory, the columns that it holds. Both ends are the same program, so numbers are plain. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "series/database.h"

/* What follows an entry's strings. */
#define LAZY UINT64_MAX
#define ALL_COLUMNS (UINT64_MAX - 1)

static sheaf_status put_number(shf_buf *out, uint64_t number, sheaf_error *err)
{
    return shf_buf_append(out, &number, sizeof number, err);
}

/* A length and the text with its zero; a missing text has length 0. */
static sheaf_status put_text(shf_buf *out, const char *text, sheaf_error *err)
{
    size_t size = text ? strlen(text) + 1 : 0;
    SHF_TRY(put_number(out, size, err));
    return shf_buf_append(out, text, size, err);
}

static sheaf_status put_entry(const shf_entry *entry, shf_buf *out, sheaf_error *err)
{
    const sheaf_series *series = entry->series;
    if (!series->uri)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED,
                        "component '%.80s', parameter '%.80s': a series made of values in memory cannot go to another process",
                        entry->component, entry->parameter);
    SHF_TRY(put_text(out, entry->component, err));
    SHF_TRY(put_text(out, entry->parameter, err));
    SHF_TRY(put_text(out, entry->group, err));
    SHF_TRY(put_text(out, series->uri, err));
    if (!series->loaded.values) return put_number(out, LAZY, err);
    if (!series->loaded.columns) return put_number(out, ALL_COLUMNS, err);
    SHF_TRY(put_number(out, (uint64_t)series->loaded.n_loaded, err));
    return shf_buf_append(out, series->loaded.columns, (size_t)series->loaded.n_loaded * sizeof(int64_t), err);
}

sheaf_status shf_database_describe(const sheaf_database *database, shf_buf *out, sheaf_error *err)
{
    shf_buf map = {0};
    sheaf_status status = database->map ? shf_scenario_map_print(database->map, &map, err) : SHEAF_OK;
    if (status == SHEAF_OK) status = put_number(out, map.size, err);
    if (status == SHEAF_OK) status = shf_buf_append(out, map.data, map.size, err);
    shf_buf_free(&map);
    SHF_TRY(status);
    SHF_TRY(put_number(out, database->n_entries, err));
    for (size_t i = 0; i < database->n_entries; i++) SHF_TRY(put_entry(&database->entries[i], out, err));
    return SHEAF_OK;
}

typedef struct reader {
    const char *at;
    size_t left;
} reader;

static sheaf_status cut_short(sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_DAMAGED, "the description of a database is cut short");
}

static sheaf_status get_number(reader *r, uint64_t *number, sheaf_error *err)
{
    *number = 0;
    if (r->left < sizeof *number) return cut_short(err);
    *number = shf_get_u64(r->at);
    r->at += sizeof *number;
    r->left -= sizeof *number;
    return SHEAF_OK;
}

static sheaf_status get_text(reader *r, const char **text, sheaf_error *err)
{
    uint64_t size;
    SHF_TRY(get_number(r, &size, err));
    *text = size ? r->at : NULL;
    if (size > r->left || (size && r->at[size - 1] != '\0')) return cut_short(err);
    r->at += size;
    r->left -= size;
    return SHEAF_OK;
}

static sheaf_status open_loaded(const char *uri, const int64_t *columns, size_t n, sheaf_series **out, sheaf_error *err)
{
    sheaf_series *lazy = NULL;
    SHF_TRY(sheaf_series_open_uri(uri, NULL, 0, &lazy, err));
    sheaf_status status = sheaf_series_load(lazy, columns, n, out, err);
    sheaf_series_free(&lazy);
    return status;
}

static sheaf_status get_series(reader *r, const char *uri, sheaf_series **out, sheaf_error *err)
{
    uint64_t n;
    SHF_TRY(get_number(r, &n, err));
    if (n == LAZY) return sheaf_series_open_uri(uri, NULL, 0, out, err);
    if (n == ALL_COLUMNS) return open_loaded(uri, NULL, 0, out, err);
    if (n > r->left / sizeof(int64_t)) return cut_short(err);
    int64_t *columns = shf_malloc((n ? n : 1) * sizeof *columns);
    if (!columns) return shf_fail_memory(err, n * sizeof *columns, "the columns of a series");
    if (n) memcpy(columns, r->at, n * sizeof *columns);
    r->at += n * sizeof *columns;
    r->left -= n * sizeof *columns;
    sheaf_status status = open_loaded(uri, columns, n, out, err);
    shf_free(columns);
    return status;
}

static sheaf_status get_entry(reader *r, sheaf_database *db, sheaf_error *err)
{
    const char *component, *parameter, *group, *uri;
    SHF_TRY(get_text(r, &component, err));
    SHF_TRY(get_text(r, &parameter, err));
    SHF_TRY(get_text(r, &group, err));
    SHF_TRY(get_text(r, &uri, err));
    if (!uri) return cut_short(err);
    sheaf_series *series = NULL;
    SHF_TRY(get_series(r, uri, &series, err));
    sheaf_status status = sheaf_database_put(db, component, parameter, series, group, err);
    sheaf_series_free(&series);
    return status;
}

static sheaf_status get_entries(reader *r, sheaf_database *db, sheaf_error *err)
{
    uint64_t n;
    SHF_TRY(get_number(r, &n, err));
    for (uint64_t i = 0; i < n; i++) SHF_TRY(get_entry(r, db, err));
    return SHEAF_OK;
}

static sheaf_status get_map(reader *r, sheaf_database *db, sheaf_error *err)
{
    uint64_t size;
    SHF_TRY(get_number(r, &size, err));
    if (size > r->left) return cut_short(err);
    if (size) SHF_TRY(sheaf_scenario_map_parse(r->at, size, &db->owned_map, err));
    db->map = db->owned_map;
    r->at += size;
    r->left -= size;
    return SHEAF_OK;
}

sheaf_status shf_database_open_description(const void *bytes, size_t size, sheaf_database **out, sheaf_error *err)
{
    sheaf_database *db = NULL;
    *out = NULL;
    SHF_TRY(sheaf_database_create(NULL, &db, err));
    reader r = {bytes, size};
    sheaf_status status = get_map(&r, db, err);
    if (status == SHEAF_OK) status = get_entries(&r, db, err);
    if (status == SHEAF_OK) *out = db;
    else sheaf_database_free(&db);
    return status;
}

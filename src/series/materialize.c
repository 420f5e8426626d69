// SPDX-License-Identifier: Apache-2.0
/* A database with its lazy entries in memory. */
#include <string.h>

#include "base/alloc.h"
#include "series/database.h"

static bool same_group(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Entries that share a series and a group share what was loaded of it. */
static sheaf_series *loaded_before(const sheaf_database *from, const sheaf_database *to, size_t i)
{
    const shf_entry *entry = &from->entries[i];
    for (size_t k = 0; k < i; k++)
        if (from->entries[k].series == entry->series && same_group(from->entries[k].group, entry->group)) return to->entries[k].series;
    return NULL;
}

static sheaf_status load_entry(const sheaf_database *from, const shf_entry *entry, const int64_t *scenarios, size_t n_scenarios,
                               int64_t *columns, sheaf_series **loaded, sheaf_error *err)
{
    if (entry->series->kind == SHEAF_SERIES_TIME_SCENARIO)
        SHF_TRY(sheaf_scenario_map_columns(from->map, entry->group, scenarios, n_scenarios, columns, err));
    return sheaf_series_load(entry->series, columns, n_scenarios, loaded, err);
}

static sheaf_status materialize_entry(const sheaf_database *from, size_t i, const int64_t *scenarios, size_t n_scenarios, int64_t *columns,
                                      sheaf_database *to, sheaf_error *err)
{
    const shf_entry *entry = &from->entries[i];
    sheaf_series *loaded = loaded_before(from, to, i);
    if (loaded) shf_series_hold(loaded);
    else SHF_TRY(load_entry(from, entry, scenarios, n_scenarios, columns, &loaded, err));
    sheaf_status status = sheaf_database_put(to, entry->component, entry->parameter, loaded, entry->group, err);
    sheaf_series_free(&loaded);
    return status;
}

sheaf_status sheaf_database_materialize(const sheaf_database *database, const int64_t *scenarios, size_t n_scenarios, sheaf_database **out,
                                        sheaf_error *err)
{
    sheaf_database *made = NULL;
    *out = NULL;
    int64_t *columns = shf_malloc((n_scenarios ? n_scenarios : 1) * sizeof *columns);
    if (!columns) return shf_fail_memory(err, n_scenarios * sizeof *columns, "the columns of scenarios");
    sheaf_status status = sheaf_database_create(database->map, &made, err);
    for (size_t i = 0; status == SHEAF_OK && i < database->n_entries; i++)
        status = materialize_entry(database, i, scenarios, n_scenarios, columns, made, err);
    shf_free(columns);
    if (status == SHEAF_OK) *out = made;
    else sheaf_database_free(&made);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
#include "series/database.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

/* Scenarios whose columns are kept on the stack. */
#define FEW_SCENARIOS 64

/* FNV-1a over both names, the zero between them included. */
static uint64_t hash_names(const char *component, const char *parameter)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char *p = component; *p; p++) hash = (hash ^ (uint8_t)*p) * 0x100000001b3U;
    hash *= 0x100000001b3U;
    for (const char *p = parameter; *p; p++) hash = (hash ^ (uint8_t)*p) * 0x100000001b3U;
    return hash ^ (hash >> 32);
}

sheaf_status sheaf_database_create(const sheaf_scenario_map *map, sheaf_database **out, sheaf_error *err)
{
    *out = shf_calloc(1, sizeof **out);
    if (!*out) return shf_fail_memory(err, sizeof **out, "a database");
    (*out)->map = map;
    return SHEAF_OK;
}

static void clear_entry(shf_entry *entry)
{
    shf_free(entry->component);
    shf_free(entry->parameter);
    shf_free(entry->group);
    sheaf_series_free(&entry->series);
}

void sheaf_database_free(sheaf_database **database)
{
    if (!database || !*database) return;
    sheaf_database *db = *database;
    for (size_t i = 0; i < db->n_entries; i++) clear_entry(&db->entries[i]);
    shf_free(db->entries);
    shf_free(db->table);
    sheaf_scenario_map_free(&db->owned_map);
    shf_free(db);
    *database = NULL;
}

static const shf_entry *find_entry(const sheaf_database *db, const char *component, const char *parameter, uint64_t hash)
{
    for (size_t i = hash; db->n_slots; i++) {
        uint32_t place = db->table[i & (db->n_slots - 1)];
        if (place == 0) break;
        const shf_entry *entry = &db->entries[place - 1];
        if (entry->hash == hash && strcmp(entry->component, component) == 0 && strcmp(entry->parameter, parameter) == 0) return entry;
    }
    return NULL;
}

static void put_in_table(uint32_t *table, size_t n_slots, uint64_t hash, size_t place)
{
    size_t i = hash & (n_slots - 1);
    while (table[i]) i = (i + 1) & (n_slots - 1);
    table[i] = (uint32_t)place + 1;
}

/* Room for one entry more; the table stays at most half full. */
static sheaf_status make_room(sheaf_database *db, sheaf_error *err)
{
    if (db->n_entries == UINT32_MAX - 1) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "a database of more than %zu entries", db->n_entries);
    if (db->n_entries == db->capacity) {
        size_t capacity = db->capacity ? db->capacity * 2 : 16;
        shf_entry *grown = shf_realloc(db->entries, capacity * sizeof *grown);
        if (!grown) return shf_fail_memory(err, capacity * sizeof *grown, "a database");
        db->entries = grown;
        db->capacity = capacity;
    }
    if ((db->n_entries + 1) * 2 <= db->n_slots) return SHEAF_OK;
    size_t n_slots = db->n_slots ? db->n_slots * 2 : 32;
    uint32_t *table = shf_calloc(n_slots, sizeof *table);
    if (!table) return shf_fail_memory(err, n_slots * sizeof *table, "a database");
    for (size_t i = 0; i < db->n_entries; i++) put_in_table(table, n_slots, db->entries[i].hash, i);
    shf_free(db->table);
    db->table = table;
    db->n_slots = n_slots;
    return SHEAF_OK;
}

sheaf_status sheaf_database_put(sheaf_database *database, const char *component, const char *parameter, sheaf_series *series,
                                const char *group, sheaf_error *err)
{
    if (!component || !parameter || !series)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "an entry needs a component, a parameter and a series");
    if (group && !group[0]) group = NULL;
    uint64_t hash = hash_names(component, parameter);
    if (find_entry(database, component, parameter, hash))
        return shf_fail(err, SHEAF_ERR_EXISTS, "component '%.80s', parameter '%.80s' is in the database already", component, parameter);
    int64_t n_scenarios;
    if (group) SHF_TRY(sheaf_scenario_map_n_scenarios(database->map, group, &n_scenarios, err));
    SHF_TRY(make_room(database, err));
    shf_entry entry = {shf_strdup(component), shf_strdup(parameter), group ? shf_strdup(group) : NULL, NULL, hash};
    if (!entry.component || !entry.parameter || (group && !entry.group)) {
        clear_entry(&entry);
        return shf_fail_memory(err, strlen(component) + strlen(parameter), "an entry of a database");
    }
    entry.series = series;
    shf_series_hold(series);
    put_in_table(database->table, database->n_slots, hash, database->n_entries);
    database->entries[database->n_entries++] = entry;
    return SHEAF_OK;
}

size_t sheaf_database_n_entries(const sheaf_database *database)
{
    return database->n_entries;
}

static sheaf_status need_entry(const sheaf_database *db, const char *component, const char *parameter, const shf_entry **entry,
                               sheaf_error *err)
{
    *entry = component && parameter ? find_entry(db, component, parameter, hash_names(component, parameter)) : NULL;
    if (*entry) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_NOT_FOUND, "component '%.80s', parameter '%.80s' is not in the database", component ? component : "",
                    parameter ? parameter : "");
}

sheaf_status sheaf_database_series(const sheaf_database *database, const char *component, const char *parameter, sheaf_series **series,
                                   sheaf_error *err)
{
    const shf_entry *entry;
    *series = NULL;
    SHF_TRY(need_entry(database, component, parameter, &entry, err));
    *series = entry->series;
    return SHEAF_OK;
}

/* Says which entry an error is about. */
static sheaf_status of_entry(const shf_entry *entry, sheaf_status status, sheaf_error *err)
{
    if (!err) return status;
    sheaf_error inner = *err;
    shf_fail(err, status, "component '%.60s', parameter '%.60s': %.300s", entry->component, entry->parameter, inner.message);
    err->system_errno = inner.system_errno;
    shf_error_locate(err, inner.path, inner.array, inner.record, inner.byte);
    return status;
}

static sheaf_status get_mapped(const sheaf_database *db, const shf_entry *entry, const int64_t *times, size_t n_times,
                               const int64_t *scenarios, size_t n_scenarios, double *out, sheaf_error *err)
{
    int64_t few[FEW_SCENARIOS];
    int64_t *columns = n_scenarios <= FEW_SCENARIOS ? few : shf_malloc(n_scenarios * sizeof *columns);
    if (!columns) return shf_fail_memory(err, n_scenarios * sizeof *columns, "the columns of scenarios");
    sheaf_status status = sheaf_scenario_map_columns(db->map, entry->group, scenarios, n_scenarios, columns, err);
    if (status == SHEAF_OK) status = sheaf_series_get(entry->series, times, n_times, columns, n_scenarios, out, err);
    if (columns != few) shf_free(columns);
    return status;
}

sheaf_status sheaf_database_get(const sheaf_database *database, const char *component, const char *parameter, const int64_t *times,
                                size_t n_times, const int64_t *scenarios, size_t n_scenarios, double *out, sheaf_error *err)
{
    const shf_entry *entry;
    SHF_TRY(need_entry(database, component, parameter, &entry, err));
    bool mapped = entry->group && scenarios && shf_kind_has_scenarios(entry->series->kind);
    sheaf_status status = mapped ? get_mapped(database, entry, times, n_times, scenarios, n_scenarios, out, err)
                                 : sheaf_series_get(entry->series, times, n_times, scenarios, n_scenarios, out, err);
    return status == SHEAF_OK ? status : of_entry(entry, status, err);
}

uint64_t sheaf_database_size_bytes(const sheaf_database *database)
{
    uint64_t total = 0;
    for (size_t i = 0; i < database->n_entries; i++) {
        const sheaf_series *series = database->entries[i].series;
        if (!series->loaded.values) continue;
        size_t before = 0;
        while (before < i && database->entries[before].series != series) before++;
        if (before == i) total += shf_loaded_size_bytes(&series->loaded);
    }
    return total;
}

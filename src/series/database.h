// SPDX-License-Identifier: Apache-2.0
/* Inside src/series: the database, and its description for workers in other processes. */
#ifndef SHF_SERIES_DATABASE_H
#define SHF_SERIES_DATABASE_H

#include "base/buf.h"
#include "series/series.h"

typedef struct shf_entry {
    char *component, *parameter, *group; /* Owned; group NULL: none */
    sheaf_series *series;                /* held */
    uint64_t hash;
} shf_entry;

struct sheaf_database {
    const sheaf_scenario_map *map; /* Borrowed, or owned_map */
    sheaf_scenario_map *owned_map; /* Owned, of a database made from a description */
    shf_entry *entries;            /* Owned, in the order of puts */
    size_t n_entries, capacity;
    uint32_t *table; /* Owned; open addressing: place of an entry + 1, 0: free; n_slots is a power of 2 */
    size_t n_slots;
};

sheaf_status shf_scenario_map_print(const sheaf_scenario_map *map, shf_buf *out, sheaf_error *err);

/* URIs and indices that make the same database elsewhere; SHEAF_ERR_UNSUPPORTED names an entry that no URI describes. */
sheaf_status shf_database_describe(const sheaf_database *database, shf_buf *out, sheaf_error *err);
sheaf_status shf_database_open_description(const void *bytes, size_t size, sheaf_database **out, sheaf_error *err);

#endif

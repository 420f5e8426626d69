// SPDX-License-Identifier: Apache-2.0
/* The scenario map of GEMS studies, modeler-scenariobuilder.dat: lines "group, mc = n" say which column (n, 1-based) a Monte Carlo
 * scenario (mc, 0-based) takes in the series of a group. '#' begins a comment; blank lines, CRLF and a byte order mark are fine. */
#ifndef SHF_FORMAT_SCENARIO_MAP_H
#define SHF_FORMAT_SCENARIO_MAP_H

#include <stdint.h>

#include "base/error.h"

typedef struct shf_map_entry {
    int64_t scenario; /* 0-based */
    int64_t column;   /* 0-based */
} shf_map_entry;

typedef struct shf_map_group {
    char *name;                   /* Owned */
    const shf_map_entry *entries; /* in the order of scenarios, each once */
    size_t n_entries;
} shf_map_group;

typedef struct shf_scenario_map {
    shf_map_group *groups; /* Owned, in byte order of names */
    size_t n_groups;
    shf_map_entry *entries; /* Owned, those of all groups */
    size_t n_entries;
} shf_scenario_map;

/* *map is empty after an error. SHEAF_ERR_INPUT has the line's number (1-based) in the message and its offset in err->byte. */
sheaf_status shf_scenario_map_parse(const char *text, size_t size, shf_scenario_map *map, sheaf_error *err);
/* NULL when there is no such group. */
const shf_map_group *shf_scenario_map_find(const shf_scenario_map *map, const char *group);
/* SHEAF_ERR_RANGE: negative, beyond the last, or in a gap. */
sheaf_status shf_map_group_column(const shf_map_group *group, int64_t scenario, int64_t *column, sheaf_error *err);
void shf_scenario_map_clear(shf_scenario_map *map);

#endif

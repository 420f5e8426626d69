// SPDX-License-Identifier: Apache-2.0
/* The scenario map parser: no input crashes it, and what it accepts is sorted, in range and can be looked up. */
#include <stdlib.h>
#include <string.h>

#include "format/scenario_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_group(const shf_scenario_map *map, size_t g)
{
    const shf_map_group *group = &map->groups[g];
    if (g > 0 && strcmp(map->groups[g - 1].name, group->name) >= 0) abort();
    if (shf_scenario_map_find(map, group->name) != group || group->n_entries == 0) abort();
    for (size_t i = 0; i < group->n_entries; i++) {
        const shf_map_entry *entry = &group->entries[i];
        int64_t column = -1;
        if (entry->scenario < 0 || entry->column < 0) abort();
        if (i > 0 && group->entries[i - 1].scenario >= entry->scenario) abort();
        if (shf_map_group_column(group, entry->scenario, &column, NULL) != SHEAF_OK || column != entry->column) abort();
    }
    int64_t none;
    if (shf_map_group_column(group, -1, &none, NULL) == SHEAF_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shf_scenario_map map;
    sheaf_error err;
    if (shf_scenario_map_parse((const char *)data, size, &map, &err) == SHEAF_OK) {
        for (size_t g = 0; g < map.n_groups; g++) check_group(&map, g);
        shf_scenario_map_clear(&map);
    } else if (err.message[0] == '\0' || map.n_groups != 0) {
        abort();
    }
    return 0;
}

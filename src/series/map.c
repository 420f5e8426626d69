// SPDX-License-Identifier: Apache-2.0
/* The scenario map as callers see it. */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "format/scenario_map.h"
#include "io/file.h"
#include "series/database.h"

/* Largest file read. */
#define MAX_MAP_BYTES ((size_t)1 << 30)

struct sheaf_scenario_map {
    shf_scenario_map map;
};

sheaf_status sheaf_scenario_map_parse(const char *text, size_t size_bytes, sheaf_scenario_map **out, sheaf_error *err)
{
    *out = NULL;
    sheaf_scenario_map *map = shf_calloc(1, sizeof *map);
    if (!map) return shf_fail_memory(err, sizeof *map, "a scenario map");
    sheaf_status status = shf_scenario_map_parse(text, size_bytes, &map->map, err);
    if (status == SHEAF_OK) *out = map;
    else shf_free(map);
    return status;
}

sheaf_status sheaf_scenario_map_read(const char *path, sheaf_scenario_map **out, sheaf_error *err)
{
    shf_buf text = {0};
    *out = NULL;
    sheaf_status status = shf_path_read(path, MAX_MAP_BYTES, &text, err);
    if (status == SHEAF_OK) status = sheaf_scenario_map_parse((const char *)text.data, text.size, out, err);
    if (status != SHEAF_OK) shf_error_locate(err, path, NULL, -1, -1);
    shf_buf_free(&text);
    return status;
}

void sheaf_scenario_map_free(sheaf_scenario_map **map)
{
    if (!map || !*map) return;
    shf_scenario_map_clear(&(*map)->map);
    shf_free(*map);
    *map = NULL;
}

size_t sheaf_scenario_map_n_groups(const sheaf_scenario_map *map)
{
    return map->map.n_groups;
}

const char *sheaf_scenario_map_group(const sheaf_scenario_map *map, size_t position)
{
    return position < map->map.n_groups ? map->map.groups[position].name : NULL;
}

static sheaf_status find_group(const sheaf_scenario_map *map, const char *group, const shf_map_group **found, sheaf_error *err)
{
    *found = map ? shf_scenario_map_find(&map->map, group) : NULL;
    if (*found) return SHEAF_OK;
    if (!map) return shf_fail(err, SHEAF_ERR_NOT_FOUND, "group '%.80s' is unknown: there is no scenario map", group);
    shf_buf known = {0};
    for (size_t i = 0; i < map->map.n_groups && i < 8; i++)
        if (shf_buf_printf(&known, NULL, "%s'%.40s'", i ? ", " : "", map->map.groups[i].name) != SHEAF_OK) break;
    sheaf_status status = shf_fail(err, SHEAF_ERR_NOT_FOUND, "group '%.80s' is unknown: the scenario map has %s%s", group,
                                   known.size ? (const char *)known.data : "no groups", map->map.n_groups > 8 ? ", ..." : "");
    shf_buf_free(&known);
    return status;
}

sheaf_status sheaf_scenario_map_n_scenarios(const sheaf_scenario_map *map, const char *group, int64_t *n_scenarios, sheaf_error *err)
{
    const shf_map_group *found;
    SHF_TRY(find_group(map, group ? group : "", &found, err));
    int64_t last = found->entries[found->n_entries - 1].scenario;
    *n_scenarios = last == INT64_MAX ? last : last + 1;
    return SHEAF_OK;
}

sheaf_status sheaf_scenario_map_columns(const sheaf_scenario_map *map, const char *group, const int64_t *scenarios, size_t n_scenarios,
                                        int64_t *columns, sheaf_error *err)
{
    if (!group || !group[0]) {
        for (size_t i = 0; i < n_scenarios; i++) {
            if (scenarios[i] < 0) return shf_fail(err, SHEAF_ERR_RANGE, "scenario %" PRId64 " is negative", scenarios[i]);
            columns[i] = scenarios[i];
        }
        return SHEAF_OK;
    }
    const shf_map_group *found;
    SHF_TRY(find_group(map, group, &found, err));
    for (size_t i = 0; i < n_scenarios; i++) SHF_TRY(shf_map_group_column(found, scenarios[i], &columns[i], err));
    return SHEAF_OK;
}

/* The map as text again: what a worker in another process is told. */
sheaf_status shf_scenario_map_print(const sheaf_scenario_map *map, shf_buf *out, sheaf_error *err)
{
    for (size_t g = 0; g < map->map.n_groups; g++) {
        const shf_map_group *group = &map->map.groups[g];
        for (size_t i = 0; i < group->n_entries; i++)
            SHF_TRY(shf_buf_printf(out, err, "%s, %" PRId64 " = %" PRIu64 "\n", group->name, group->entries[i].scenario,
                                   (uint64_t)group->entries[i].column + 1));
    }
    return SHEAF_OK;
}

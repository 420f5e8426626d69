// SPDX-License-Identifier: Apache-2.0
#include "format/scenario_map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

/* A stretch of the text. */
typedef struct span {
    const char *at;
    size_t size;
} span;

typedef struct line_entry {
    span group;
    shf_map_entry entry;
    size_t line, offset;
} line_entry;

typedef struct line_list {
    line_entry *at;
    size_t n, capacity;
} line_list;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static span trim(span s)
{
    while (s.size > 0 && is_blank(s.at[0])) {
        s.at++;
        s.size--;
    }
    while (s.size > 0 && is_blank(s.at[s.size - 1])) s.size--;
    return s;
}

/* The last c in a span, as an index; its size when there is none. */
static size_t find_last(span s, char c)
{
    for (size_t i = s.size; i-- > 0;)
        if (s.at[i] == c) return i;
    return s.size;
}

/* A whole decimal number with an optional sign; false when it is none or does not fit. */
static bool parse_whole(span s, int64_t *value)
{
    size_t i = 0;
    bool negative = s.size > 0 && s.at[0] == '-';
    if (s.size > 0 && (s.at[0] == '-' || s.at[0] == '+')) i = 1;
    if (i == s.size) return false;
    int64_t v = 0;
    for (; i < s.size; i++) {
        if (s.at[i] < '0' || s.at[i] > '9') return false;
        if (__builtin_mul_overflow(v, (int64_t)10, &v) || __builtin_add_overflow(v, (int64_t)(s.at[i] - '0'), &v)) return false;
    }
    *value = negative ? -v : v;
    return true;
}

static int shown(span s)
{
    return s.size > 60 ? 60 : (int)s.size;
}

static sheaf_status refuse(const line_entry *where, sheaf_error *err, const char *what, span text)
{
    return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, (int64_t)where->offset, "line %zu: %s: '%.*s'", where->line, what, shown(text),
                       text.at);
}

static sheaf_status parse_line(span line, line_entry *entry, sheaf_error *err)
{
    size_t equals = find_last(line, '=');
    size_t comma = find_last((span){line.at, equals}, ',');
    if (equals == line.size || comma == equals) return refuse(entry, err, "expected 'group, scenario = column'", line);
    entry->group = trim((span){line.at, comma});
    if (entry->group.size == 0) return refuse(entry, err, "the group's name is missing", line);
    if (memchr(entry->group.at, '\0', entry->group.size)) return refuse(entry, err, "a zero byte in the group's name", line);
    span scenario = trim((span){line.at + comma + 1, equals - comma - 1});
    span column = trim((span){line.at + equals + 1, line.size - equals - 1});
    int64_t n = 0;
    if (!parse_whole(scenario, &entry->entry.scenario)) return refuse(entry, err, "the scenario is not a whole number", scenario);
    if (entry->entry.scenario < 0) return refuse(entry, err, "the scenario is negative (the first one is 0)", scenario);
    if (!parse_whole(column, &n)) return refuse(entry, err, "the column is not a whole number", column);
    if (n < 1) return refuse(entry, err, "the column is below 1 (the first one is 1)", column);
    entry->entry.column = n - 1;
    return SHEAF_OK;
}

static sheaf_status add_line(line_list *list, const line_entry *entry, sheaf_error *err)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64, bytes;
        line_entry *grown = shf_mul_size(capacity, sizeof *grown, &bytes) ? shf_realloc(list->at, bytes) : NULL;
        if (!grown) return shf_fail_memory(err, capacity * sizeof *grown, "a scenario map");
        list->at = grown;
        list->capacity = capacity;
    }
    list->at[list->n++] = *entry;
    return SHEAF_OK;
}

static sheaf_status parse_lines(const char *text, size_t size, line_list *list, sheaf_error *err)
{
    size_t offset = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (size_t number = 1; offset < size; number++) {
        const char *end = memchr(text + offset, '\n', size - offset);
        size_t length = end ? (size_t)(end - text) - offset : size - offset;
        span line = {text + offset, length};
        const char *comment = memchr(line.at, '#', line.size);
        if (comment) line.size = (size_t)(comment - line.at);
        line = trim(line);
        line_entry entry = {.line = number, .offset = offset};
        if (line.size > 0) {
            SHF_TRY(parse_line(line, &entry, err));
            SHF_TRY(add_line(list, &entry, err));
        }
        offset += length + 1;
    }
    return SHEAF_OK;
}

static int compare_spans(span a, span b)
{
    int order = memcmp(a.at, b.at, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_lines(const void *left, const void *right)
{
    const line_entry *a = left, *b = right;
    int order = compare_spans(a->group, b->group);
    if (order == 0) order = (a->entry.scenario > b->entry.scenario) - (a->entry.scenario < b->entry.scenario);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

/* Copies sorted lines into groups; saying the same thing twice is fine, contradicting oneself is not. */
static sheaf_status build_groups(const line_list *list, shf_scenario_map *map, sheaf_error *err)
{
    for (size_t i = 0; i < list->n; i++) {
        const line_entry *line = &list->at[i], *before = i ? line - 1 : NULL;
        bool new_group = !before || compare_spans(before->group, line->group) != 0;
        if (new_group) {
            shf_map_group *group = &map->groups[map->n_groups++];
            *group = (shf_map_group){shf_malloc(line->group.size + 1), map->entries + map->n_entries, 0};
            if (!group->name) return shf_fail_memory(err, line->group.size + 1, "a scenario map");
            memcpy(group->name, line->group.at, line->group.size);
            group->name[line->group.size] = '\0';
        } else if (before->entry.scenario == line->entry.scenario) {
            if (before->entry.column == line->entry.column) continue;
            return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, (int64_t)line->offset,
                               "line %zu: scenario %" PRId64 " of group '%.*s' takes column %" PRId64 ", but line %zu says %" PRId64,
                               line->line, line->entry.scenario, shown(line->group), line->group.at, line->entry.column + 1, before->line,
                               before->entry.column + 1);
        }
        map->entries[map->n_entries++] = line->entry;
        map->groups[map->n_groups - 1].n_entries++;
    }
    return SHEAF_OK;
}

static sheaf_status build_map(line_list *list, shf_scenario_map *map, sheaf_error *err)
{
    if (list->n == 0) return SHEAF_OK;
    qsort(list->at, list->n, sizeof *list->at, compare_lines);
    size_t n_groups = 1;
    for (size_t i = 1; i < list->n; i++) n_groups += compare_spans(list->at[i - 1].group, list->at[i].group) != 0;
    map->groups = shf_calloc(n_groups, sizeof *map->groups);
    map->entries = shf_calloc(list->n, sizeof *map->entries);
    if (!map->groups || !map->entries) return shf_fail_memory(err, list->n * sizeof *map->entries, "a scenario map");
    return build_groups(list, map, err);
}

sheaf_status shf_scenario_map_parse(const char *text, size_t size, shf_scenario_map *map, sheaf_error *err)
{
    *map = (shf_scenario_map){0};
    line_list list = {0};
    sheaf_status status = parse_lines(text, size, &list, err);
    if (status == SHEAF_OK) status = build_map(&list, map, err);
    if (status != SHEAF_OK) shf_scenario_map_clear(map);
    shf_free(list.at);
    return status;
}

const shf_map_group *shf_scenario_map_find(const shf_scenario_map *map, const char *group)
{
    size_t low = 0, high = map->n_groups;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(map->groups[middle].name, group);
        if (order == 0) return &map->groups[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

sheaf_status shf_map_group_column(const shf_map_group *group, int64_t scenario, int64_t *column, sheaf_error *err)
{
    const shf_map_entry *entries = group->entries;
    int64_t last = entries[group->n_entries - 1].scenario;
    if (scenario < 0 || scenario > last)
        return shf_fail(err, SHEAF_ERR_RANGE, "scenario %" PRId64 " is out of range: group '%.60s' maps scenarios 0 to %" PRId64, scenario,
                        group->name, last);
    size_t low = 0, high = group->n_entries;
    /* Without gaps the place of a scenario is its number. */
    if ((uint64_t)scenario < high && entries[scenario].scenario == scenario) {
        *column = entries[scenario].column;
        return SHEAF_OK;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].scenario < scenario) low = middle + 1;
        else high = middle;
    }
    if (entries[low].scenario != scenario)
        return shf_fail(err, SHEAF_ERR_RANGE, "scenario %" PRId64 " is not mapped: a gap in group '%.60s'", scenario, group->name);
    *column = entries[low].column;
    return SHEAF_OK;
}

void shf_scenario_map_clear(shf_scenario_map *map)
{
    for (size_t i = 0; i < map->n_groups; i++) shf_free(map->groups[i].name);
    shf_free(map->groups);
    shf_free(map->entries);
    *map = (shf_scenario_map){0};
}

// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "series/database.h"
#include "series_files.h"

static const char map_text[] = "thermal, 0 = 1\nthermal, 1 = 5\nthermal, 2 = 5\nhydro, 2 = 7\nhydro, 0 = 4\n";

static sheaf_scenario_map *make_map(void)
{
    sheaf_scenario_map *map = NULL;
    sheaf_error err;
    if (sheaf_scenario_map_parse(map_text, strlen(map_text), &map, &err) != SHEAF_OK) fail_msg("%s", err.message);
    return map;
}

static void put(sheaf_database *db, const char *component, const char *parameter, sheaf_series *series, const char *group)
{
    sheaf_error err;
    if (sheaf_database_put(db, component, parameter, series, group, &err) != SHEAF_OK) fail_msg("%s", err.message);
    sheaf_series_free(&series); /* the database holds it */
}

/* plant: p_max (thermal) and cost (a constant); dam: inflow (hydro), level (no group), rule (time), head (scenario, thermal). */
static sheaf_database *make_database(const sheaf_scenario_map *map)
{
    sheaf_database *db = NULL;
    sheaf_series *cost = NULL;
    sheaf_error err;
    write_table("pmax.txt", 6, 8, " ", "\n");
    write_table("inflow.csv", 6, 8, ",", "\n");
    write_table("level.tsv", 6, 3, "\t", "\n");
    write_table("rule.txt", 6, 1, " ", "\n");
    write_table("head.csv", 1, 8, ",", "\n");
    assert_int_equal(sheaf_database_create(map, &db, &err), SHEAF_OK);
    assert_int_equal(sheaf_series_constant(12.5, &cost, &err), SHEAF_OK);
    put(db, "plant", "p_max", open_series("pmax", SHEAF_SERIES_TIME_SCENARIO), "thermal");
    put(db, "plant", "cost", cost, NULL);
    put(db, "dam", "inflow", open_series("inflow", SHEAF_SERIES_TIME_SCENARIO), "hydro");
    put(db, "dam", "level", open_series("level", SHEAF_SERIES_TIME_SCENARIO), NULL);
    put(db, "dam", "rule", open_series("rule", SHEAF_SERIES_TIME), "thermal");
    put(db, "dam", "head", open_series("head", SHEAF_SERIES_SCENARIO), "thermal");
    return db;
}

static void expect_one(const sheaf_database *db, const char *component, const char *parameter, int64_t time, int64_t scenario,
                       double expected)
{
    double value;
    sheaf_error err;
    if (sheaf_database_get(db, component, parameter, &time, 1, &scenario, 1, &value, &err) != SHEAF_OK) fail_msg("%s", err.message);
    if (value != expected) fail_msg("%s.%s is %g, expected %g", component, parameter, value, expected);
}

static void expect_refusal(const sheaf_database *db, const char *component, const char *parameter, int64_t time, int64_t scenario,
                           sheaf_status code, const char *part)
{
    double value;
    sheaf_error err;
    assert_int_equal(sheaf_database_get(db, component, parameter, &time, 1, &scenario, 1, &value, &err), code);
    if (!strstr(err.message, part)) fail_msg("'%s' does not say '%s'", err.message, part);
}

static void scenarios_go_through_the_map_to_columns_per_group(void **state)
{
    (void)state;
    sheaf_scenario_map *map = make_map();
    sheaf_database *db = make_database(map);
    assert_int_equal(sheaf_database_n_entries(db), 6);
    expect_one(db, "plant", "p_max", 3, 0, table_value(3, 0));
    expect_one(db, "plant", "p_max", 3, 1, table_value(3, 4));
    expect_one(db, "plant", "p_max", 3, 2, table_value(3, 4));
    expect_one(db, "dam", "inflow", 1, 2, table_value(1, 6));
    expect_one(db, "dam", "level", 5, 2, table_value(5, 2));
    expect_one(db, "dam", "rule", 4, 2, table_value(4, 0));
    expect_one(db, "dam", "head", 4, 1, table_value(0, 4));
    expect_one(db, "plant", "cost", 4, 1, 12.5);
    sheaf_database_free(&db);
    sheaf_scenario_map_free(&map);
}

static void what_the_map_lacks_is_named(void **state)
{
    (void)state;
    sheaf_scenario_map *map = make_map();
    sheaf_database *db = make_database(map);
    sheaf_series *series = open_series("level", SHEAF_SERIES_TIME_SCENARIO);
    sheaf_error err;
    expect_refusal(db, "dam", "inflow", 0, 1, SHEAF_ERR_RANGE,
                   "component 'dam', parameter 'inflow': scenario 1 is not mapped: a gap in group 'hydro'");
    expect_refusal(db, "plant", "p_max", 0, 3, SHEAF_ERR_RANGE, "scenario 3 is out of range: group 'thermal' maps scenarios 0 to 2");
    expect_refusal(db, "plant", "p_max", 0, -1, SHEAF_ERR_RANGE, "scenario -1 is out of range");
    expect_refusal(db, "dam", "level", 0, -1, SHEAF_ERR_RANGE, "scenario -1 is out of range 0 to 2");
    expect_refusal(db, "dam", "level", 0, 3, SHEAF_ERR_RANGE, "scenario 3 is out of range 0 to 2");
    expect_refusal(db, "dam", "level", 6, 0, SHEAF_ERR_RANGE, "time step 6 is out of range 0 to 5");
    expect_refusal(db, "dam", "depth", 0, 0, SHEAF_ERR_NOT_FOUND, "component 'dam', parameter 'depth' is not in the database");
    assert_int_equal(sheaf_database_put(db, "x", "y", series, "solar", &err), SHEAF_ERR_NOT_FOUND);
    assert_string_equal(err.message, "group 'solar' is unknown: the scenario map has 'hydro', 'thermal'");
    assert_int_equal(sheaf_database_put(db, "dam", "level", series, NULL, &err), SHEAF_ERR_EXISTS);
    assert_int_equal(sheaf_database_put(db, NULL, "level", series, NULL, &err), SHEAF_ERR_ARGUMENT);
    sheaf_database *plain = NULL;
    assert_int_equal(sheaf_database_create(NULL, &plain, &err), SHEAF_OK);
    assert_int_equal(sheaf_database_put(plain, "x", "y", series, "thermal", &err), SHEAF_ERR_NOT_FOUND);
    assert_string_equal(err.message, "group 'thermal' is unknown: there is no scenario map");
    /* A column beyond the series. */
    sheaf_series *narrow = open_series("level", SHEAF_SERIES_TIME_SCENARIO);
    put(db, "narrow", "p", narrow, "thermal");
    expect_refusal(db, "narrow", "p", 0, 1, SHEAF_ERR_RANGE, "scenario 4 is out of range 0 to 2");
    sheaf_series_free(&series);
    sheaf_database_free(&plain);
    sheaf_database_free(&db);
    sheaf_scenario_map_free(&map);
}

static sheaf_series *series_of(const sheaf_database *db, const char *component, const char *parameter)
{
    sheaf_series *series = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_database_series(db, component, parameter, &series, &err), SHEAF_OK);
    return series;
}

static void materialize_loads_the_mapped_columns_and_leaves_the_original_alone(void **state)
{
    (void)state;
    sheaf_scenario_map *map = make_map();
    sheaf_database *db = make_database(map), *made = NULL, *again = NULL;
    sheaf_error err;
    const int64_t scenarios[] = {0, 2};
    if (sheaf_database_materialize(db, scenarios, 2, &made, &err) != SHEAF_OK) fail_msg("%s", err.message);
    /* 6 steps × 2 columns of p_max, inflow and level, the whole of rule, and of head the row. */
    assert_int_equal(sheaf_database_size_bytes(made), (6 * 2 * 3 + 6 + 8) * 8);
    assert_int_equal(sheaf_database_size_bytes(db), 0);
    assert_false(sheaf_series_is_loaded(series_of(db, "plant", "p_max")));
    assert_true(sheaf_series_is_loaded(series_of(made, "plant", "p_max")));
    assert_ptr_equal(series_of(db, "plant", "cost"), series_of(made, "plant", "cost"));
    expect_one(made, "plant", "p_max", 5, 0, table_value(5, 0));
    expect_one(made, "plant", "p_max", 5, 2, table_value(5, 4));
    expect_one(made, "plant", "p_max", 5, 1, table_value(5, 4)); /* scenario 1 shares the column of scenario 2 */
    expect_one(made, "dam", "inflow", 2, 0, table_value(2, 3));
    expect_one(made, "dam", "inflow", 2, 2, table_value(2, 6));
    expect_one(made, "dam", "level", 2, 2, table_value(2, 2));
    expect_one(made, "dam", "rule", 2, 2, table_value(2, 0));
    expect_one(made, "dam", "head", 2, 1, table_value(0, 4));
    expect_refusal(made, "dam", "level", 0, 1, SHEAF_ERR_STATE,
                   "component 'dam', parameter 'level': series 'level': column 1 is not loaded (2 of 3 columns are)");
    /* What is loaded is shared by the next one. */
    assert_int_equal(sheaf_database_materialize(made, scenarios, 1, &again, &err), SHEAF_OK);
    assert_ptr_equal(series_of(made, "dam", "level"), series_of(again, "dam", "level"));
    sheaf_database_free(&db);
    sheaf_database_free(&made);
    expect_one(again, "dam", "level", 2, 2, table_value(2, 2));
    sheaf_database_free(&again);
    sheaf_scenario_map_free(&map);
}

static void materialize_refuses_scenarios_that_a_group_does_not_map(void **state)
{
    (void)state;
    sheaf_scenario_map *map = make_map();
    sheaf_database *db = make_database(map), *made = NULL;
    sheaf_error err;
    const int64_t gap[] = {1}, negative[] = {-1};
    assert_int_equal(sheaf_database_materialize(db, gap, 1, &made, &err), SHEAF_ERR_RANGE);
    assert_non_null(strstr(err.message, "a gap in group 'hydro'"));
    assert_null(made);
    assert_int_equal(sheaf_database_materialize(db, negative, 1, &made, &err), SHEAF_ERR_RANGE);
    sheaf_database_free(&db);
    sheaf_scenario_map_free(&map);
}

static void entries_that_share_a_series_and_a_group_share_what_is_loaded(void **state)
{
    (void)state;
    sheaf_database *db = NULL, *made = NULL;
    sheaf_error err;
    write_table("shared.csv", 4, 3, ",", "\n");
    assert_int_equal(sheaf_database_create(NULL, &db, &err), SHEAF_OK);
    sheaf_series *series = open_series("shared", SHEAF_SERIES_TIME_SCENARIO);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(sheaf_database_put(db, name, "p", series, NULL, &err), SHEAF_OK);
    }
    sheaf_series_free(&series);
    const int64_t scenario = 2;
    assert_int_equal(sheaf_database_materialize(db, &scenario, 1, &made, &err), SHEAF_OK);
    assert_int_equal(sheaf_database_size_bytes(made), 4 * 8);
    assert_ptr_equal(series_of(made, "c0", "p"), series_of(made, "c99", "p"));
    expect_one(made, "c57", "p", 3, 2, table_value(3, 2));
    sheaf_database_free(&db);
    sheaf_database_free(&made);
}

static void a_database_comes_back_from_its_description(void **state)
{
    (void)state;
    sheaf_scenario_map *map = make_map();
    sheaf_database *db = make_database(map), *made = NULL, *back = NULL;
    sheaf_error err;
    const int64_t scenarios[] = {2};
    assert_int_equal(sheaf_database_materialize(db, scenarios, 1, &made, &err), SHEAF_OK);
    sheaf_database *both[] = {db, made};
    for (size_t k = 0; k < 2; k++) {
        shf_buf bytes = {0};
        assert_int_equal(shf_database_describe(both[k], &bytes, &err), SHEAF_OK);
        if (shf_database_open_description(bytes.data, bytes.size, &back, &err) != SHEAF_OK) fail_msg("%s", err.message);
        assert_int_equal(sheaf_database_n_entries(back), 6);
        assert_int_equal(sheaf_database_size_bytes(back), sheaf_database_size_bytes(both[k]));
        expect_one(back, "plant", "p_max", 3, 2, table_value(3, 4));
        expect_one(back, "dam", "inflow", 3, 2, table_value(3, 6));
        expect_one(back, "plant", "cost", 0, 2, 12.5);
        sheaf_database_free(&back);
        /* No prefix of it is taken for the whole. */
        for (size_t n = 0; n < bytes.size; n++) {
            sheaf_status status = shf_database_open_description(bytes.data, n, &back, &err);
            if (status == SHEAF_OK) fail_msg("the first %zu of %zu bytes were enough", n, bytes.size);
        }
        shf_buf_free(&bytes);
    }
    sheaf_database_free(&db);
    sheaf_database_free(&made);
    sheaf_scenario_map_free(&map);
}

static void values_in_memory_cannot_be_described(void **state)
{
    (void)state;
    const double values[2] = {1, 2};
    sheaf_series *series = NULL;
    sheaf_database *db = NULL;
    shf_buf bytes = {0};
    sheaf_error err;
    assert_int_equal(sheaf_series_from_values("v", SHEAF_SERIES_TIME, values, 2, 1, &series, &err), SHEAF_OK);
    assert_int_equal(sheaf_database_create(NULL, &db, &err), SHEAF_OK);
    put(db, "c", "p", series, NULL);
    assert_int_equal(shf_database_describe(db, &bytes, &err), SHEAF_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "component 'c', parameter 'p'"));
    shf_buf_free(&bytes);
    sheaf_database_free(&db);
}

static void a_map_is_read_from_its_file(void **state)
{
    (void)state;
    char path[128];
    sheaf_scenario_map *map = NULL;
    sheaf_error err;
    snprintf(path, sizeof path, "%s/%s", folder, SHEAF_SCENARIO_MAP_FILE);
    write_text(SHEAF_SCENARIO_MAP_FILE, map_text);
    assert_int_equal(sheaf_scenario_map_read(path, &map, &err), SHEAF_OK);
    assert_int_equal(sheaf_scenario_map_n_groups(map), 2);
    assert_string_equal(sheaf_scenario_map_group(map, 0), "hydro");
    assert_string_equal(sheaf_scenario_map_group(map, 1), "thermal");
    assert_null(sheaf_scenario_map_group(map, 2));
    int64_t n;
    assert_int_equal(sheaf_scenario_map_n_scenarios(map, "hydro", &n, &err), SHEAF_OK);
    assert_int_equal(n, 3);
    const int64_t scenarios[] = {2, 0, 2};
    int64_t columns[3];
    assert_int_equal(sheaf_scenario_map_columns(map, "hydro", scenarios, 3, columns, &err), SHEAF_OK);
    assert_int_equal(columns[0], 6);
    assert_int_equal(columns[1], 3);
    assert_int_equal(sheaf_scenario_map_columns(map, NULL, scenarios, 3, columns, &err), SHEAF_OK);
    assert_int_equal(columns[0], 2);
    sheaf_scenario_map_free(&map);
    write_text(SHEAF_SCENARIO_MAP_FILE, "thermal 0 1\n");
    assert_int_equal(sheaf_scenario_map_read(path, &map, &err), SHEAF_ERR_INPUT);
    assert_string_equal(err.path, path);
    assert_int_equal(sheaf_scenario_map_read("/nowhere/map.dat", &map, &err), SHEAF_ERR_NOT_FOUND);
    assert_null(map);
}

static void every_failed_allocation_of_materialize_is_an_error_without_a_leak(void **state)
{
    (void)state;
    sheaf_scenario_map *map = make_map();
    const int64_t scenarios[] = {2, 0};
    for (uint64_t n = 1;; n++) {
        sheaf_database *db = make_database(map), *made = NULL;
        sheaf_error err;
        shf_alloc_fail_at(n, 0);
        sheaf_status status = sheaf_database_materialize(db, scenarios, 2, &made, &err);
        shf_alloc_fail_at(0, 0);
        sheaf_database_free(&db);
        sheaf_database_free(&made);
        if (status == SHEAF_OK) {
            assert_true(n > 40);
            break;
        }
        assert_int_equal(status, SHEAF_ERR_MEMORY);
    }
    sheaf_scenario_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenarios_go_through_the_map_to_columns_per_group),
        cmocka_unit_test(what_the_map_lacks_is_named),
        cmocka_unit_test(materialize_loads_the_mapped_columns_and_leaves_the_original_alone),
        cmocka_unit_test(materialize_refuses_scenarios_that_a_group_does_not_map),
        cmocka_unit_test(entries_that_share_a_series_and_a_group_share_what_is_loaded),
        cmocka_unit_test(a_database_comes_back_from_its_description),
        cmocka_unit_test(values_in_memory_cannot_be_described),
        cmocka_unit_test(a_map_is_read_from_its_file),
        cmocka_unit_test(every_failed_allocation_of_materialize_is_an_error_without_a_leak),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

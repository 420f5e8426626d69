// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "format/scenario_map.h"

static shf_scenario_map parse(const char *text)
{
    shf_scenario_map map;
    sheaf_error err;
    if (shf_scenario_map_parse(text, strlen(text), &map, &err) != SHEAF_OK) fail_msg("%s", err.message);
    return map;
}

static int64_t column_of(const shf_scenario_map *map, const char *group, int64_t scenario)
{
    const shf_map_group *found = shf_scenario_map_find(map, group);
    assert_non_null(found);
    int64_t column = -1;
    sheaf_error err;
    if (shf_map_group_column(found, scenario, &column, &err) != SHEAF_OK) fail_msg("%s", err.message);
    return column;
}

static void scenarios_are_0_based_and_columns_1_based(void **state)
{
    (void)state;
    shf_scenario_map map = parse("thermal, 0 = 1\nthermal, 1 = 5\nhydro, 0 = 7\n");
    assert_int_equal(map.n_groups, 2);
    assert_int_equal(column_of(&map, "thermal", 0), 0);
    assert_int_equal(column_of(&map, "thermal", 1), 4);
    assert_int_equal(column_of(&map, "hydro", 0), 6);
    assert_null(shf_scenario_map_find(&map, "solar"));
    shf_scenario_map_clear(&map);
}

static void comments_blank_lines_crlf_and_a_missing_last_newline_are_fine(void **state)
{
    (void)state;
    shf_scenario_map map = parse("\xEF\xBB\xBF# made by hand\r\n\r\n  wind , 1=2 # second\r\n\t\r\nwind,0 = 3");
    assert_int_equal(map.n_groups, 1);
    assert_int_equal(column_of(&map, "wind", 0), 2);
    assert_int_equal(column_of(&map, "wind", 1), 1);
    shf_scenario_map_clear(&map);
}

static void lines_may_come_in_any_order_and_groups_interleaved(void **state)
{
    (void)state;
    shf_scenario_map map = parse("b, 2 = 1\na, 1 = 7\nb, 0 = 3\na, 0 = 8\nb, 1 = 2\na, 2 = 6\n");
    for (int64_t i = 0; i < 3; i++) {
        assert_int_equal(column_of(&map, "a", i), 7 - i);
        assert_int_equal(column_of(&map, "b", i), 2 - i);
    }
    shf_scenario_map_clear(&map);
}

static void a_group_may_have_blanks_and_commas_in_its_name(void **state)
{
    (void)state;
    shf_scenario_map map = parse("north sea, east, 0 = 4\n");
    assert_int_equal(column_of(&map, "north sea, east", 0), 3);
    shf_scenario_map_clear(&map);
}

static void an_empty_text_is_a_map_without_groups(void **state)
{
    (void)state;
    shf_scenario_map map = parse("");
    assert_int_equal(map.n_groups, 0);
    assert_null(shf_scenario_map_find(&map, "g"));
    shf_scenario_map_clear(&map);
}

static void gaps_and_scenarios_out_of_range_are_named(void **state)
{
    (void)state;
    shf_scenario_map map = parse("g, 0 = 1\ng, 3 = 2\ng, 4 = 3\n");
    const shf_map_group *group = shf_scenario_map_find(&map, "g");
    sheaf_error err;
    int64_t column = 0;
    assert_int_equal(shf_map_group_column(group, 2, &column, &err), SHEAF_ERR_RANGE);
    assert_string_equal(err.message, "scenario 2 is not mapped: a gap in group 'g'");
    assert_int_equal(shf_map_group_column(group, 5, &column, &err), SHEAF_ERR_RANGE);
    assert_string_equal(err.message, "scenario 5 is out of range: group 'g' maps scenarios 0 to 4");
    assert_int_equal(shf_map_group_column(group, -1, &column, &err), SHEAF_ERR_RANGE);
    assert_string_equal(err.message, "scenario -1 is out of range: group 'g' maps scenarios 0 to 4");
    assert_int_equal(column_of(&map, "g", 3), 1);
    assert_int_equal(column_of(&map, "g", 4), 2);
    shf_scenario_map_clear(&map);
}

static void what_is_wrong_with_a_line_is_said_with_its_number(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
        int64_t byte;
    } cases[] = {
        {"g, 0 = 1\ng 1 2\n", "line 2: expected 'group, scenario = column': 'g 1 2'", 9},
        {"g 0 = 1\n", "line 1: expected 'group, scenario = column': 'g 0 = 1'", 0},
        {"\n, 0 = 1\n", "line 2: the group's name is missing: ', 0 = 1'", 1},
        {"g, -2 = 1\n", "line 1: the scenario is negative (the first one is 0): '-2'", 0},
        {"g, x = 1\n", "line 1: the scenario is not a whole number: 'x'", 0},
        {"g, 1.5 = 1\n", "line 1: the scenario is not a whole number: '1.5'", 0},
        {"g,  = 1\n", "line 1: the scenario is not a whole number: ''", 0},
        {"g, 0 = 0\n", "line 1: the column is below 1 (the first one is 1): '0'", 0},
        {"g, 0 = -1\n", "line 1: the column is below 1 (the first one is 1): '-1'", 0},
        {"g, 0 = \n", "line 1: the column is not a whole number: ''", 0},
        {"g, 0 = 99999999999999999999\n", "line 1: the column is not a whole number: '99999999999999999999'", 0},
        {"g, 0 = 1\n\ng, 0 = 2\n", "line 3: scenario 0 of group 'g' takes column 2, but line 1 says 1", 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shf_scenario_map map;
        sheaf_error err;
        assert_int_equal(shf_scenario_map_parse(cases[i].text, strlen(cases[i].text), &map, &err), SHEAF_ERR_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(err.byte, cases[i].byte);
        assert_int_equal(map.n_groups, 0);
    }
}

static void saying_the_same_twice_is_fine(void **state)
{
    (void)state;
    shf_scenario_map map = parse("g, 0 = 4\ng, 1 = 2\ng, 0 = 4\n");
    assert_int_equal(map.n_entries, 2);
    assert_int_equal(column_of(&map, "g", 0), 3);
    assert_int_equal(column_of(&map, "g", 1), 1);
    shf_scenario_map_clear(&map);
}

static void every_failed_allocation_is_an_error_without_a_leak(void **state)
{
    (void)state;
    const char *text = "a, 0 = 1\nb, 0 = 2\nc, 0 = 3\n";
    for (uint64_t n = 1;; n++) {
        shf_scenario_map map;
        sheaf_error err;
        shf_alloc_fail_at(n, 0);
        sheaf_status status = shf_scenario_map_parse(text, strlen(text), &map, &err);
        shf_alloc_fail_at(0, 0);
        if (status == SHEAF_OK) {
            assert_true(n > 5);
            shf_scenario_map_clear(&map);
            break;
        }
        assert_int_equal(status, SHEAF_ERR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenarios_are_0_based_and_columns_1_based),
        cmocka_unit_test(comments_blank_lines_crlf_and_a_missing_last_newline_are_fine),
        cmocka_unit_test(lines_may_come_in_any_order_and_groups_interleaved),
        cmocka_unit_test(a_group_may_have_blanks_and_commas_in_its_name),
        cmocka_unit_test(an_empty_text_is_a_map_without_groups),
        cmocka_unit_test(gaps_and_scenarios_out_of_range_are_named),
        cmocka_unit_test(what_is_wrong_with_a_line_is_said_with_its_number),
        cmocka_unit_test(saying_the_same_twice_is_fine),
        cmocka_unit_test(every_failed_allocation_is_an_error_without_a_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

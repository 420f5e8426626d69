// SPDX-License-Identifier: Apache-2.0
/* sheaf_convert and sheaf_merge as a library: what is refused, what becomes of summaries without series, and every failed allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/id_index.h"
#include "common.h"
#include "io/file.h"
#include "sheaf/interchange.h"

static sheaf_store_options replacing(void)
{
    sheaf_store_options o = quiet_options();
    o.if_exists = SHEAF_IF_EXISTS_REPLACE;
    return o;
}

/* Trajectories first_id … of 4 steps: value id + step / 8. */
static void make_store(const char *path, int64_t first_id, int n, const char *attributes)
{
    sheaf_error err;
    sheaf_store_options options = replacing();
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(4);
    sheaf_ensemble *run;
    sheaf_ensemble_spec_add(&spec, "x", SHEAF_F64, NULL, 0);
    spec.attributes_json = attributes;
    expect_ok(sheaf_ensemble_create(path, &spec, &options, &run, &err), &err);
    for (int i = 0; i < n; i++) {
        double id = (double)(first_id + i), values[] = {id, id + .125, id + .25, id + .375};
        const void *columns[] = {values};
        expect_ok(sheaf_ensemble_put_trajectory(run, first_id + i, 4, columns, NULL, &err), &err);
    }
    expect_ok(sheaf_ensemble_close(&run, &err), &err);
}

static double value_of(sheaf_store *store, uint64_t row, uint64_t step)
{
    sheaf_error err;
    double value;
    const sheaf_selection s[] = {sheaf_select_range(row, row + 1, 1), sheaf_select_range(step, step + 1, 1)};
    expect_ok(sheaf_store_read(store, "x", s, &value, sizeof value, &err), &err);
    return value;
}

/* ---- conversion ---- */

static void wrong_arguments_are_refused_by_name(void **state)
{
    (void)state;
    sheaf_error err;
    sheaf_convert_spec spec = sheaf_convert_spec_init();
    make_store(at("a.npyd"), 0, 3, NULL);
    assert_int_equal(sheaf_convert(NULL, at("b.npyd"), NULL, NULL, NULL, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_convert(at("a.npyd"), NULL, NULL, NULL, NULL, NULL), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_convert(at("a.npyd"), at("a.npyd"), NULL, NULL, NULL, &err), SHEAF_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "the same"));
    spec.every = 0;
    assert_int_equal(sheaf_convert(at("a.npyd"), at("b.npyd"), &spec, NULL, NULL, &err), SHEAF_ERR_ARGUMENT);
    spec.every = 2;
    spec.stored = SHEAF_I32;
    assert_int_equal(sheaf_convert(at("a.npyd"), at("b.npyd"), &spec, NULL, NULL, &err), SHEAF_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "int32"));
    spec.size_bytes = 1;
    assert_int_equal(sheaf_convert(at("a.npyd"), at("b.npyd"), &spec, NULL, NULL, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(access(at("b.npyd"), F_OK), -1);
}

static void count_progress(void *context, uint64_t done, uint64_t total)
{
    uint64_t *seen = context;
    assert_true(done >= seen[0] && done <= total);
    seen[0] = done;
    seen[1] = total;
}

static void a_conversion_tells_how_far_it_is_and_what_it_copied(void **state)
{
    (void)state;
    sheaf_error err;
    uint64_t seen[2] = {0, 0};
    sheaf_copy_result result;
    sheaf_store *store;
    sheaf_convert_spec spec = sheaf_convert_spec_init();
    spec.progress = count_progress;
    spec.context = seen;
    spec.every = 2;
    make_store(at("a.npyd"), -5, 300, "{\"seed\": 7}");
    expect_ok(sheaf_convert(at("a.npyd"), at("b.zarr"), &spec, NULL, &result, &err), &err);
    assert_int_equal(seen[0], 300);
    assert_int_equal(seen[1], 300);
    assert_int_equal(result.n_records, 300);
    assert_int_equal(result.n_arrays, 4);
    expect_ok(sheaf_store_open(at("b.zarr"), NULL, &store, &err), &err);
    assert_true(value_of(store, 299, 1) == 294.25);
    expect_ok(sheaf_store_close(&store, &err), &err);
}

/* ---- merging ---- */

static void an_index_finds_ids_that_are_there_twice(void **state)
{
    (void)state;
    sheaf_error err;
    static const int64_t cases[][6] = {
        {1, 2, 3, 3, 4, 5}, {9, 1, 2, 3, 7, 2}, {5, 9, 5, 1, 20, 30}, {0, 1, 2, 3, 4, 5}, {6, 5, 4, 3, 2, 1}};
    static const bool twice[] = {true, true, true, false, false};
    static const int64_t ids[] = {3, 2, 5, 0, 0};
    for (size_t c = 0; c < 5; c++) {
        shf_id_index index = {0};
        int64_t id = -1;
        uint64_t a = 0, b = 0;
        expect_ok(shf_id_index_add(&index, cases[c], 6, &err), &err);
        expect_ok(shf_id_index_finish(&index, &err), &err);
        assert_int_equal(shf_id_index_duplicate(&index, &id, &a, &b), twice[c]);
        if (twice[c]) {
            assert_int_equal(id, ids[c]);
            assert_true(a < b);
            assert_int_equal(cases[c][a], id);
            assert_int_equal(cases[c][b], id);
        }
        shf_id_index_free(&index);
    }
}

/* As a disk limit leaves it: from `row` on there are summaries only. */
static void say_summaries_only(const char *path, int64_t id, int row)
{
    sheaf_error err;
    sheaf_store *store;
    char json[128];
    sheaf_store_options options = replacing();
    snprintf(json, sizeof json, "{\"sheaf_summaries_only_from_id\": %lld, \"sheaf_summaries_only_from_row\": %d}", (long long)id, row);
    expect_ok(sheaf_store_open_append(path, &options, &store, &err), &err);
    expect_ok(sheaf_store_set_attributes(store, NULL, json, &err), &err);
    expect_ok(sheaf_store_close(&store, &err), &err);
}

static void rows_without_series_come_last_and_one_number_still_says_from_where_on(void **state)
{
    (void)state;
    sheaf_error err;
    sheaf_ensemble *run;
    make_store(at("a.npyd"), 0, 5, NULL);
    make_store(at("b.npyd"), 100, 4, NULL);
    make_store(at("c.npyd"), 200, 2, NULL);
    say_summaries_only(at("a.npyd"), 3, 3);
    say_summaries_only(at("b.npyd"), 101, 1);
    const char *sources[] = {at("a.npyd"), at("b.npyd"), at("c.npyd")};
    expect_ok(sheaf_merge(at("all.zarr"), sources, 3, NULL, NULL, NULL, &err), &err);
    expect_ok(sheaf_ensemble_open(at("all.zarr"), NULL, &run, &err), &err);
    static const int64_t want[] = {0, 1, 2, 100, 200, 201, 3, 4, 101, 102, 103};
    int64_t ids[11];
    expect_ok(sheaf_ensemble_ids(run, 0, 11, ids, &err), &err);
    assert_memory_equal(ids, want, sizeof want);
    sheaf_ensemble_statistics s = {.size_bytes = sizeof s};
    expect_ok(sheaf_ensemble_get_statistics(run, &s, &err), &err);
    assert_int_equal(s.n_summaries_only, 5);
    char *json;
    expect_ok(sheaf_store_attributes(sheaf_ensemble_store(run), NULL, &json, &err), &err);
    assert_non_null(strstr(json, "\"sheaf_summaries_only_from_id\":3"));
    assert_non_null(strstr(json, "\"sheaf_summaries_only_from_row\":6"));
    sheaf_string_free(json);
    expect_ok(sheaf_ensemble_close(&run, &err), &err);
}

static void a_merged_store_goes_on_like_any_other(void **state)
{
    (void)state;
    sheaf_error err;
    sheaf_ensemble *run;
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(4);
    const double values[] = {1, 2, 3, 4};
    const void *columns[] = {values};
    sheaf_ensemble_spec_add(&spec, "x", SHEAF_F64, NULL, 0);
    make_store(at("a.npyd"), 0, 2, NULL);
    make_store(at("b.npyd"), 5, 2, NULL);
    const char *sources[] = {at("a.npyd"), at("b.npyd")};
    expect_ok(sheaf_merge(at("both.npyd"), sources, 2, NULL, NULL, NULL, &err), &err);
    expect_ok(sheaf_ensemble_resume(at("both.npyd"), &spec, NULL, &run, &err), &err);
    assert_int_equal(sheaf_ensemble_put_trajectory(run, 6, 4, columns, NULL, &err), SHEAF_ERR_DUPLICATE);
    expect_ok(sheaf_ensemble_put_trajectory(run, 7, 4, columns, NULL, &err), &err);
    expect_ok(sheaf_ensemble_close(&run, &err), &err);
}

static void a_refused_merge_leaves_nothing_and_says_why(void **state)
{
    (void)state;
    sheaf_error err;
    make_store(at("a.npyd"), 0, 3, NULL);
    make_store(at("b.npyd"), 2, 3, NULL);
    const char *sources[] = {at("a.npyd"), at("b.npyd")};
    assert_int_equal(sheaf_merge(at("no.zarr"), sources, 2, NULL, NULL, NULL, &err), SHEAF_ERR_DUPLICATE);
    assert_non_null(strstr(err.message, "trajectory 2 is in"));
    assert_non_null(strstr(err.message, "a.npyd"));
    assert_non_null(strstr(err.message, "b.npyd"));
    assert_int_equal(sheaf_merge(at("no.zarr"), sources, 0, NULL, NULL, NULL, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_merge(NULL, sources, 2, NULL, NULL, NULL, NULL), SHEAF_ERR_ARGUMENT);
    assert_int_equal(access(at("no.zarr"), F_OK), -1);
}

/* ---- faults ---- */

static sheaf_status convert_and_merge(sheaf_error *err)
{
    sheaf_store_options options = replacing();
    const char *sources[] = {at("a.npyd"), at("b.npyd")};
    sheaf_status status = sheaf_merge(at("m.npyd"), sources, 2, NULL, &options, NULL, err);
    sheaf_convert_spec spec = sheaf_convert_spec_init();
    spec.every = 2;
    spec.stored = SHEAF_F32;
    return status == SHEAF_OK ? sheaf_convert(at("m.npyd"), at("n.npyd"), &spec, &options, NULL, err) : status;
}

static void each_failed_allocation_is_an_error_and_leaves_no_half_store(void **state)
{
    (void)state;
    sheaf_error err;
    make_store(at("a.npyd"), 0, 3, "{\"seed\": 1}");
    make_store(at("b.npyd"), 9, 3, "{\"seed\": 2}");
    expect_ok(convert_and_merge(&err), &err);
    unsigned n_failed = 0;
    for (uint64_t n = 1;; n++) {
        expect_ok(shf_path_remove_tree(at("m.npyd"), &err), &err);
        expect_ok(shf_path_remove_tree(at("n.npyd"), &err), &err);
        shf_alloc_fail_at(n, 0);
        sheaf_status status = convert_and_merge(&err);
        bool reached = shf_alloc_count() >= n;
        shf_alloc_fail_at(0, 0);
        if (!reached) {
            expect_ok(status, &err);
            break;
        }
        if (status == SHEAF_OK) continue; /* one that is done without */
        n_failed++;
        assert_int_not_equal(err.message[0], '\0');
        assert_int_equal(access(at("n.npyd"), F_OK), -1);
    }
    assert_true(n_failed > 20);
    expect_ok(convert_and_merge(&err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_arguments_are_refused_by_name, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_conversion_tells_how_far_it_is_and_what_it_copied, make_folder, remove_folder),
        cmocka_unit_test(an_index_finds_ids_that_are_there_twice),
        cmocka_unit_test_setup_teardown(rows_without_series_come_last_and_one_number_still_says_from_where_on, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_merged_store_goes_on_like_any_other, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_refused_merge_leaves_nothing_and_says_why, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(each_failed_allocation_is_an_error_and_leaves_no_half_store, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Exports to NPZ and Parquet and the way back in, with every allocation failing in turn: an error each time, and nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "common.h"
#include "io/file.h"
#include "sheaf/interchange.h"

/* Three trajectories of 2, 3 and 4 steps. */
static void make_store(void)
{
    sheaf_error err;
    sheaf_store_options options = quiet_options();
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(4);
    sheaf_ensemble *run;
    const double values[] = {1, 2, 3, 4};
    const void *columns[] = {values};
    sheaf_ensemble_spec_add(&spec, "x", SHEAF_F64, NULL, 0);
    spec.summaries = SHEAF_SUMMARIES_GENERAL;
    expect_ok(sheaf_ensemble_create(at("a.npyd"), &spec, &options, &run, &err), &err);
    for (int i = 0; i < 3; i++) expect_ok(sheaf_ensemble_put_trajectory(run, 7 - i, (uint32_t)(2 + i), columns, NULL, &err), &err);
    expect_ok(sheaf_ensemble_close(&run, &err), &err);
}

typedef struct journey {
    const char *file, *what, *array;
    bool wide;
    sheaf_ensemble_kind kind;
} journey;

static sheaf_status go(const journey *j, sheaf_error *err)
{
    sheaf_store *store;
    sheaf_store_options options = quiet_options();
    sheaf_table_spec table = sheaf_table_spec_init(j->what);
    sheaf_import_spec spec = sheaf_import_spec_init();
    table.wide = j->wide;
    spec.kind = j->kind;
    spec.array = j->array;
    sheaf_status status = sheaf_store_open(at("a.npyd"), &options, &store, err);
    if (status != SHEAF_OK) return status;
    status = sheaf_export(store, &table, at(j->file), NULL, err);
    sheaf_store_free(&store);
    return status == SHEAF_OK ? sheaf_import(at(j->file), at("b.npyd"), &spec, &options, NULL, err) : status;
}

static void remove_results(const journey *j)
{
    sheaf_error err;
    expect_ok(shf_path_unlink(at(j->file), &err), &err);
    expect_ok(shf_path_remove_tree(at("b.npyd"), &err), &err);
}

static void fail_each_allocation(const journey *j, sheaf_status (*call)(const journey *, sheaf_error *))
{
    sheaf_error err;
    unsigned n_failed = 0;
    expect_ok(call(j, &err), &err);
    for (uint64_t n = 1;; n++) {
        char beside[160];
        remove_results(j);
        shf_alloc_fail_at(n, 0);
        sheaf_status status = call(j, &err);
        bool reached = shf_alloc_count() >= n;
        shf_alloc_fail_at(0, 0);
        if (!reached) {
            expect_ok(status, &err);
            break;
        }
        snprintf(beside, sizeof beside, "%s.sheaf-tmp", at(j->file));
        assert_int_equal(access(beside, F_OK), -1);
        if (status == SHEAF_OK) continue; /* one that is done without */
        n_failed++;
        assert_int_not_equal(err.message[0], '\0');
        assert_int_equal(access(at("b.npyd"), F_OK), -1);
    }
    assert_true(n_failed > 10);
    remove_results(j);
}

static void files_go_out_and_come_back_or_say_what_was_missing(void **state)
{
    (void)state;
    static const journey journeys[] = {
        {"all.npz", "all", "x", false, SHEAF_BY_TRAJECTORY},
        {"long.parquet", "all", NULL, false, SHEAF_BY_STEP},
        {"flat.parquet", "summaries", NULL, false, SHEAF_BY_STEP},
        {"wide.parquet", "x", NULL, true, SHEAF_BY_TRAJECTORY},
    };
    make_store();
    for (size_t i = 0; i < sizeof journeys / sizeof journeys[0]; i++) fail_each_allocation(&journeys[i], go);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static sheaf_status import_storage(const journey *j, sheaf_error *err)
{
    (void)j;
    sheaf_store_options options = quiet_options();
    sheaf_import_spec spec = sheaf_import_spec_init();
    return sheaf_import(at("old"), at("b.npyd"), &spec, &options, NULL, err);
}

static void a_folder_of_trajectory_storage_comes_in_or_says_what_was_missing(void **state)
{
    (void)state;
    static const char json[] =
        "{\"sim_id\": 4, \"final_assets\": 0.0, \"total_losses\": 10.0, \"total_recoveries\": 1.0, \"mean_annual_loss\": 2.5, "
        "\"max_annual_loss\": 4.0, \"min_annual_loss\": 1.0, \"growth_rate\": -Infinity, \"ruin_occurred\": true, "
        "\"ruin_year\": 3, \"volatility\": null}";
    const float series[3][4] = {{1, 2, 3, 4}, {.5F, 0, 0, .5F}, {.5F, 2, 3, 3.5F}};
    static const journey none = {"nothing", NULL, NULL, false, SHEAF_BY_STEP};
    assert_int_equal(mkdir(at("old"), 0777), 0);
    assert_int_equal(mkdir(at("old/summaries"), 0777), 0);
    assert_int_equal(mkdir(at("old/time_series"), 0777), 0);
    write_file(at("old/summaries/sim_4.json"), json, strlen(json));
    write_file(at("old/time_series/sim_4.dat"), series, sizeof series);
    fail_each_allocation(&none, import_storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_go_out_and_come_back_or_say_what_was_missing, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_of_trajectory_storage_comes_in_or_says_what_was_missing, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Ids and times of tables, and exports that cannot honour them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/file.h"
#include "sheaf/interchange.h"

static char folder[64], store_path[96], out_path[96];
static sheaf_store *store;

/* Three steps of four trajectories, element (step, j) = 10 step + j, from text. */
static int make_store(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sheaf-selection-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    snprintf(store_path, sizeof store_path, "%s/s.zarr", folder);
    snprintf(out_path, sizeof out_path, "%s/a.txt", folder);
    static const char text[] = "0\t1\t2\t3\n10\t11\t12\t13\n20\t21\t22\t23\n";
    if (shf_path_replace(out_path, text, sizeof text - 1, false, NULL)) return 1;
    sheaf_import_spec spec = sheaf_import_spec_init();
    return sheaf_import(out_path, store_path, &spec, NULL, NULL, NULL) || sheaf_store_open(store_path, NULL, &store, NULL);
}

static int remove_store(void **state)
{
    (void)state;
    sheaf_store_free(&store);
    return shf_path_remove_tree(folder, NULL) != SHEAF_OK;
}

static sheaf_status collect(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return shf_buf_append(context, bytes, n, err);
}

static void assert_table(const sheaf_table_spec *spec, const char *expected)
{
    shf_buf out = {0};
    assert_int_equal(sheaf_table_write(store, spec, SHEAF_TEXT_CSV, collect, &out, NULL, NULL), SHEAF_OK);
    assert_int_equal(shf_buf_append(&out, "", 1, NULL), SHEAF_OK);
    assert_string_equal((char *)out.data, expected);
    shf_buf_free(&out);
}

static void ids_choose_columns_of_a_store_by_step(void **state)
{
    (void)state;
    static const int64_t ids[] = {3, 0, 3}, none[] = {1, 4};
    sheaf_error err;
    shf_buf out = {0};
    sheaf_table_spec spec = sheaf_table_spec_init("a");
    spec.ids = ids, spec.n_ids = 3;
    assert_table(&spec, "time,3,0,3\n0,3,0,3\n1,13,10,13\n2,23,20,23\n");
    spec.time = sheaf_select_range(0, 3, 2);
    spec.max_rows = 5;
    assert_table(&spec, "time,3,0,3\n0,3,0,3\n2,23,20,23\n");
    spec.ids = none, spec.n_ids = 2;
    assert_int_equal(sheaf_table_write(store, &spec, SHEAF_TEXT_CSV, collect, &out, NULL, &err), SHEAF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "trajectory 4"));
    spec = sheaf_table_spec_init("time");
    spec.ids = ids, spec.n_ids = 3;
    assert_int_equal(sheaf_table_write(store, &spec, SHEAF_TEXT_CSV, collect, &out, NULL, &err), SHEAF_ERR_ARGUMENT);
    shf_buf_free(&out);
}

static void exports_that_are_whole_refuse_a_selection(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"npy", "npz", "parquet"};
    static const int64_t ids[] = {1};
    sheaf_error err;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(out_path, sizeof out_path, "%s/out.%s", folder, suffixes[i]);
        sheaf_table_spec spec = sheaf_table_spec_init("a");
        assert_int_equal(sheaf_export(store, &spec, out_path, NULL, NULL), SHEAF_OK);
        assert_int_equal(unlink(out_path), 0);
        spec.time = sheaf_select_range(0, 3, 2);
        assert_int_equal(sheaf_export(store, &spec, out_path, NULL, &err), SHEAF_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, suffixes[i]));
        spec = sheaf_table_spec_init("a");
        spec.ids = ids, spec.n_ids = 1;
        assert_int_equal(sheaf_export(store, &spec, out_path, NULL, &err), SHEAF_ERR_UNSUPPORTED);
        assert_int_equal(access(out_path, F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_choose_columns_of_a_store_by_step),
        cmocka_unit_test(exports_that_are_whole_refuse_a_selection),
    };
    return cmocka_run_group_tests(tests, make_store, remove_store);
}

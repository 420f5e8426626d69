// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "interchange/parquet_file.h"
#include "interchange/parquet_rows.h"
#include "io/file.h"

enum { N_COLUMNS = 37 };

static char path[128];

static int make_path(void **state)
{
    int failed = make_folder(state);
    snprintf(path, sizeof path, "%s", at("a.parquet"));
    return failed;
}

static double value_of(size_t row, size_t column)
{
    return (double)row * 1000 + (double)column / 64;
}

static sheaf_status write_rows(size_t n_rows, size_t memory, uint64_t per_group, size_t batch, sheaf_error *err)
{
    shf_pq_field fields[N_COLUMNS];
    char names[N_COLUMNS][8];
    for (size_t c = 0; c < N_COLUMNS; c++) {
        snprintf(names[c], sizeof names[c], "%u", (unsigned)c);
        fields[c] = SHF_PARQUET_F64(names[c]);
    }
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.rows_per_group = per_group;
    shf_parquet_row_writer *rows;
    double *values = malloc(batch * N_COLUMNS * sizeof *values);
    sheaf_status status = shf_parquet_row_writer_create(path, fields, N_COLUMNS, &options, memory, &rows, err);
    for (size_t row = 0; status == SHEAF_OK && row < n_rows; row += batch) {
        size_t n = n_rows - row < batch ? n_rows - row : batch;
        for (size_t i = 0; i < n * N_COLUMNS; i++) values[i] = value_of(row + i / N_COLUMNS, i % N_COLUMNS);
        status = shf_parquet_row_writer_append(rows, n, values, err);
    }
    if (status == SHEAF_OK) status = shf_parquet_row_writer_close(&rows, err);
    shf_parquet_row_writer_free(rows);
    free(values);
    return status;
}

static void expect_rows(size_t n_rows, size_t n_groups)
{
    sheaf_error err;
    shf_parquet *file;
    double *out = malloc(n_rows * sizeof *out + 1);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_rows(file), n_rows);
    assert_int_equal(shf_parquet_groups(file), n_groups);
    for (size_t c = 0; c < N_COLUMNS; c++) {
        assert_int_equal(shf_parquet_read_f64(file, c, 0, n_rows, out, &err), SHEAF_OK);
        for (size_t i = 0; i < n_rows; i++) assert_true(out[i] == value_of(i, c));
    }
    shf_parquet_free(file);
    free(out);
}

static void rows_in_memory_become_one_group(void **state)
{
    (void)state;
    sheaf_error err;
    for (size_t n = 0; n < 200; n += 67) {
        assert_int_equal(write_rows(n, 0, 0, 50, &err), SHEAF_OK);
        expect_rows(n, n > 0);
    }
}

static void spilled_rows_come_back_in_order(void **state)
{
    (void)state;
    sheaf_error err;
    static const size_t memory[] = {1, 2 * 10 * N_COLUMNS * 8, 20000};
    for (size_t m = 0; m < 3; m++)
        for (size_t batch = 1; batch < 300; batch += 97) {
            assert_int_equal(write_rows(1000, memory[m], 1 << 20, batch, &err), SHEAF_OK);
            expect_rows(1000, 1);
        }
}

static void groups_are_whole_blocks(void **state)
{
    (void)state;
    sheaf_error err;
    assert_int_equal(write_rows(1005, 2 * 10 * N_COLUMNS * 8, 105, 11, &err), SHEAF_OK); /* blocks of 10 rows, groups of 100 */
    expect_rows(1005, 11);
}

static int calls_left;
static int fail_later(void *context, const shf_io_call *call)
{
    if (call->op == SHF_IO_CLOSE || call->op == SHF_IO_UNLINK || --calls_left > 0) return 0;
    *(int *)context = 1;
    return ENOSPC;
}

static sheaf_status count_entry(void *context, const char *name, sheaf_error *err)
{
    (void)name;
    (void)err;
    ++*(int *)context;
    return SHEAF_OK;
}

static void failed_calls_are_errors_and_leave_no_files(void **state)
{
    (void)state;
    sheaf_error err;
    (void)shf_path_unlink(path, NULL);
    for (int n = 1;; n++) {
        int failed = 0, entries = 0;
        calls_left = n;
        shf_io_set_hook(fail_later, &failed);
        sheaf_status status = write_rows(100, 2 * 10 * N_COLUMNS * 8, 0, 30, &err);
        shf_io_set_hook(NULL, NULL);
        assert_int_equal(status != SHEAF_OK, failed);
        if (!failed) break;
        assert_int_equal(shf_path_list(folder, count_entry, &entries, &err), SHEAF_OK);
        assert_int_equal(entries, 0);
    }
}

static void only_required_f64_is_taken(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet_row_writer *rows;
    shf_pq_field field = SHF_PARQUET_I64("x");
    assert_int_equal(shf_parquet_row_writer_create(path, &field, 1, NULL, 0, &rows, &err), SHEAF_ERR_ARGUMENT);
    assert_null(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_memory_become_one_group), cmocka_unit_test(spilled_rows_come_back_in_order),
        cmocka_unit_test(groups_are_whole_blocks),         cmocka_unit_test(failed_calls_are_errors_and_leave_no_files),
        cmocka_unit_test(only_required_f64_is_taken),
    };
    return cmocka_run_group_tests(tests, make_path, remove_folder);
}

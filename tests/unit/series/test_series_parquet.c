// SPDX-License-Identifier: Apache-2.0
/* Series in Parquet files of our writer: which file is taken, what a read touches, kinds, what is wrong with a file. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interchange/parquet_writer.h"
#include "series_files.h"

typedef double (*value_at)(int64_t row, int64_t column);

/* Writes n_rows × n_columns in groups of group_rows and pages of page_rows (0: as the writer chooses); column j is named names[j], or "j". */
static void write_parquet(const char *name, int64_t n_rows, size_t n_columns, const char *const *names, value_at value, int64_t group_rows,
                          uint32_t page_rows)
{
    char path[512], (*numbers)[24] = calloc(n_columns, sizeof *numbers);
    shf_pq_field *fields = calloc(n_columns, sizeof *fields);
    shf_parquet_values *values = calloc(n_columns, sizeof *values);
    double *table = calloc((size_t)group_rows * n_columns, sizeof *table);
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    shf_parquet_writer *writer = NULL;
    sheaf_error err;
    assert_true(numbers && fields && values && table);
    options.rows_per_page = page_rows;
    for (size_t j = 0; j < n_columns; j++) {
        snprintf(numbers[j], sizeof numbers[j], "%zu", j);
        fields[j] = SHF_PARQUET_F64(names ? names[j] : numbers[j]);
        values[j].values = table + j * (size_t)group_rows;
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (shf_parquet_writer_create(path, fields, n_columns, &options, &writer, &err) != SHEAF_OK) fail_msg("%s", err.message);
    for (int64_t first = 0; first < n_rows; first += group_rows) {
        int64_t n = n_rows - first < group_rows ? n_rows - first : group_rows;
        for (size_t j = 0; j < n_columns; j++)
            for (int64_t i = 0; i < n; i++) table[j * (size_t)group_rows + (size_t)i] = value(first + i, (int64_t)j);
        if (shf_parquet_writer_group(writer, (uint64_t)n, values, &err) != SHEAF_OK) fail_msg("%s", err.message);
    }
    if (shf_parquet_writer_close(&writer, &err) != SHEAF_OK) fail_msg("%s", err.message);
    free(numbers);
    free(fields);
    free(values);
    free(table);
}

/* Does not compress, so that bytes read can be counted. */
static double rough_value(int64_t row, int64_t column)
{
    uint64_t h = ((uint64_t)row << 20 ^ (uint64_t)column) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    return (double)(int64_t)(h >> 11) * 0x1p-40;
}

static double repeated_value(int64_t row, int64_t column)
{
    (void)row;
    return table_value(0, column);
}

static double step_value(int64_t row, int64_t column)
{
    return row == 7 && column == 1 ? -1 : table_value(0, column);
}

static void expect_status(const char *name, sheaf_series_kind kind, sheaf_status code, const char *part)
{
    sheaf_series *series = NULL;
    const int64_t zero = 0;
    double value;
    sheaf_error err;
    sheaf_status status = sheaf_series_open(folder, name, kind, &series, &err);
    if (status == SHEAF_OK) status = sheaf_series_get(series, &zero, 1, &zero, 1, &value, &err);
    assert_int_equal(status, code);
    if (code != SHEAF_OK && !strstr(err.message, part)) fail_msg("'%s' does not say '%s'", err.message, part);
    sheaf_series_free(&series);
}

static void rows_and_columns_come_in_any_order_over_row_groups(void **state)
{
    (void)state;
    write_parquet("groups.parquet", 3000, 9, NULL, rough_value, 700, 100);
    sheaf_series *lazy = open_series("groups", SHEAF_SERIES_TIME_SCENARIO), *loaded = NULL;
    int64_t n_times, n_scenarios, rows[600];
    const int64_t columns[] = {8, 0, 3, 8, 5};
    double values[600 * 5];
    sheaf_error err;
    assert_int_equal(sheaf_series_shape(lazy, &n_times, &n_scenarios, &err), SHEAF_OK);
    assert_int_equal(n_times, 3000);
    assert_int_equal(n_scenarios, 9);
    for (int64_t i = 0; i < 600; i++) rows[i] = i < 500 ? i * 1009 % 3000 : 2999 - (i - 500);
    assert_int_equal(sheaf_series_load(lazy, columns, 5, &loaded, &err), SHEAF_OK);
    sheaf_series *both[] = {lazy, loaded};
    for (size_t k = 0; k < 2; k++) {
        memset(values, 0, sizeof values);
        if (sheaf_series_get(both[k], rows, 600, columns, 5, values, &err) != SHEAF_OK) fail_msg("%s", err.message);
        for (size_t i = 0; i < 600; i++)
            for (size_t j = 0; j < 5; j++)
                if (values[i * 5 + j] != rough_value(rows[i], columns[j])) fail_msg("row %zu, column %zu", i, j);
    }
    const int64_t beyond[] = {9}, late[] = {3000};
    assert_int_equal(sheaf_series_get(lazy, rows, 1, beyond, 1, values, &err), SHEAF_ERR_RANGE);
    assert_int_equal(sheaf_series_get(lazy, late, 1, columns, 1, values, &err), SHEAF_ERR_RANGE);
    sheaf_series_free(&lazy);
    sheaf_series_free(&loaded);
}

static void a_large_load_gives_the_values_of_single_reads(void **state)
{
    (void)state;
    enum { N_ROWS = 12000, N_COLUMNS = 45 };
    write_parquet("large.parquet", N_ROWS, N_COLUMNS, NULL, rough_value, 5000, 0);
    sheaf_series *lazy = open_series("large", SHEAF_SERIES_TIME_SCENARIO), *loaded = NULL;
    int64_t columns[40];
    sheaf_error err;
    for (int64_t j = 0; j < 40; j++) columns[j] = j * 7 % N_COLUMNS;
    if (sheaf_series_load(lazy, columns, 40, &loaded, &err) != SHEAF_OK) fail_msg("%s", err.message);
    for (int64_t row = 0; row < N_ROWS; row += 11) {
        double values[40];
        assert_int_equal(sheaf_series_get(loaded, &row, 1, columns, 40, values, &err), SHEAF_OK);
        for (size_t j = 0; j < 40; j++)
            if (values[j] != rough_value(row, columns[j])) fail_msg("row %d, column %zu", (int)row, j);
    }
    sheaf_series_free(&lazy);
    sheaf_series_free(&loaded);
}

static void parquet_wins_over_text_and_dotted_names_are_kept_whole(void **state)
{
    (void)state;
    write_parquet("both.parquet", 2, 1, NULL, table_value, 2, 0);
    write_text("both.txt", "7\n7\n");
    write_parquet("load.2030.parquet", 1, 1, NULL, repeated_value, 1, 0);
    write_text("load.txt", "8\n");
    const struct {
        const char *name;
        double value;
    } cases[] = {{"both", 0.25}, {"load.2030", 0.25}, {"load", 8}};
    for (size_t i = 0; i < 3; i++) {
        sheaf_series *series = open_series(cases[i].name, SHEAF_SERIES_TIME);
        const int64_t zero = 0;
        double value;
        assert_int_equal(sheaf_series_get(series, &zero, 1, NULL, 0, &value, NULL), SHEAF_OK);
        assert_true(value == cases[i].value);
        sheaf_series_free(&series);
    }
}

typedef struct {
    unsigned opens, reads;
    uint64_t bytes, last_byte;
} io_count;

static int count_io(void *context, const shf_io_call *call)
{
    io_count *count = context;
    count->opens += call->op == SHF_IO_OPEN;
    if (call->op != SHF_IO_READ) return 0;
    count->reads++;
    count->bytes += call->size;
    if (call->offset + call->size > count->last_byte) count->last_byte = call->offset + call->size;
    return 0;
}

static void the_footer_is_read_once_and_a_get_reads_its_own_pages_only(void **state)
{
    (void)state;
    enum { N_ROWS = 8736, WEEK = 168, N_COLUMNS = 50, N_ASKED = 4 };
    write_parquet("year.parquet", N_ROWS, N_COLUMNS, NULL, rough_value, N_ROWS, WEEK);
    uint64_t file_bytes;
    shf_path_kind kind;
    char path[128];
    snprintf(path, sizeof path, "%s/year.parquet", folder);
    assert_int_equal(shf_path_stat(path, &kind, &file_bytes, NULL), SHEAF_OK);
    io_count count = {0};
    shf_io_set_hook(count_io, &count);
    sheaf_series *series = open_series("year", SHEAF_SERIES_TIME_SCENARIO);
    assert_int_equal(count.opens, 0);
    assert_int_equal(count.reads, 0);
    const int64_t columns[N_ASKED] = {49, 3, 20, 11};
    int64_t rows[WEEK];
    double values[WEEK * N_ASKED];
    for (int64_t week = 0; week < N_ROWS / WEEK; week++) {
        for (int64_t i = 0; i < WEEK; i++) rows[i] = week * WEEK + i;
        if (week == 1) {
            assert_int_equal(count.opens, 1);
            assert_true(count.last_byte == file_bytes); /* the footer */
            count = (io_count){0};
        }
        assert_int_equal(sheaf_series_get(series, rows, WEEK, columns, N_ASKED, values, NULL), SHEAF_OK);
        for (size_t i = 0; i < WEEK * N_ASKED; i++)
            if (values[i] != rough_value(rows[i / N_ASKED], columns[i % N_ASKED])) fail_msg("week %d, value %zu", (int)week, i);
    }
    shf_io_set_hook(NULL, NULL);
    /* 51 weeks of 4 columns: incompressible pages of 168 × 8 bytes and their headers; the footer is not touched again. */
    uint64_t needed = (uint64_t)51 * N_ASKED * WEEK * 8;
    assert_int_equal(count.opens, 0);
    assert_true(count.bytes <= needed + needed / 2);
    assert_true(count.last_byte < file_bytes - 8);
    sheaf_series_free(&series);
}

static void a_scenario_series_may_repeat_its_row_and_the_check_sees_when_it_does_not(void **state)
{
    (void)state;
    write_parquet("repeated.parquet", 20, 3, NULL, repeated_value, 8, 0);
    write_parquet("step.parquet", 20, 3, NULL, step_value, 8, 0);
    sheaf_series *series = open_series("repeated", SHEAF_SERIES_SCENARIO), *loaded = NULL;
    const int64_t scenarios[] = {2, 0}, times[] = {19, 500};
    double values[4];
    sheaf_error err;
    assert_int_equal(sheaf_series_get(series, times, 2, scenarios, 2, values, &err), SHEAF_OK);
    assert_true(values[0] == 2.25 && values[1] == 0.25 && values[2] == 2.25 && values[3] == 0.25);
    assert_int_equal(sheaf_series_check(series, false, true, &err), SHEAF_OK);
    assert_int_equal(sheaf_series_check(series, true, false, &err), SHEAF_ERR_MISMATCH);
    assert_int_equal(sheaf_series_load(series, NULL, 0, &loaded, &err), SHEAF_OK);
    assert_int_equal(sheaf_series_get(loaded, NULL, 0, scenarios, 2, values, &err), SHEAF_OK);
    assert_true(values[0] == 2.25 && values[1] == 0.25);
    sheaf_series_free(&loaded);
    sheaf_series_free(&series);
    series = open_series("step", SHEAF_SERIES_SCENARIO);
    assert_int_equal(sheaf_series_check(series, false, true, &err), SHEAF_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "column 1 has -1 in row 7"));
    sheaf_series_free(&series);
}

static void a_time_series_has_exactly_one_column(void **state)
{
    (void)state;
    write_parquet("two.parquet", 3, 2, NULL, table_value, 3, 0);
    expect_status("two", SHEAF_SERIES_TIME, SHEAF_ERR_MISMATCH, "must have exactly one column, it has 2");
    expect_status("two", SHEAF_SERIES_TIME_SCENARIO, SHEAF_OK, "");
}

static void columns_may_lie_in_any_order_but_have_the_names_of_scenarios(void **state)
{
    (void)state;
    const char *const order[] = {"2", "0", "3", "1"}, *const odd[] = {"0", "1", "hour"}, *const gap[] = {"0", "2"},
                      *const padded[] = {"00", "1"};
    write_parquet("order.parquet", 2, 4, order, table_value, 2, 0);
    write_parquet("odd.parquet", 2, 3, odd, table_value, 2, 0);
    write_parquet("gap.parquet", 2, 2, gap, table_value, 2, 0);
    write_parquet("padded.parquet", 2, 2, padded, table_value, 2, 0);
    sheaf_series *series = open_series("order", SHEAF_SERIES_TIME_SCENARIO);
    const int64_t time = 1, scenarios[] = {0, 1, 2, 3};
    double values[4];
    sheaf_error err;
    assert_int_equal(sheaf_series_get(series, &time, 1, scenarios, 4, values, &err), SHEAF_OK);
    assert_true(values[0] == 1001.25 && values[1] == 1003.25 && values[2] == 1000.25 && values[3] == 1002.25);
    sheaf_series_free(&series);
    expect_status("odd", SHEAF_SERIES_TIME_SCENARIO, SHEAF_ERR_MISMATCH, "its 3 columns should be named \"0\" to \"2\", there is no \"2\"");
    expect_status("gap", SHEAF_SERIES_TIME_SCENARIO, SHEAF_ERR_MISMATCH, "there is no \"1\"");
    expect_status("padded", SHEAF_SERIES_TIME_SCENARIO, SHEAF_ERR_MISMATCH, "there is no \"0\" (the first one is \"00\")");
}

static void what_is_no_parquet_file_is_said_with_its_name(void **state)
{
    (void)state;
    write_file("zero.parquet", "", 0);
    write_text("zero.txt", "1\n");
    write_text("text.parquet", "1 2 3\n4 5 6\n");
    expect_status("zero", SHEAF_SERIES_TIME, SHEAF_ERR_INPUT, "zero.parquet: the file is empty (0 bytes)");
    expect_status("text", SHEAF_SERIES_TIME_SCENARIO, SHEAF_ERR_INPUT, "text.parquet");
    write_parquet("whole.parquet", 100, 3, NULL, rough_value, 100, 0);
    char path[128];
    static uint8_t bytes[16384];
    snprintf(path, sizeof path, "%s/whole.parquet", folder);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t cut = 4; cut < n; cut += 97) {
        sheaf_series *series = NULL;
        const int64_t row = 99, column = 2;
        double value;
        sheaf_error err;
        write_file("cut.parquet", bytes, cut);
        assert_int_equal(sheaf_series_open(folder, "cut", SHEAF_SERIES_TIME_SCENARIO, &series, &err), SHEAF_OK);
        sheaf_status status = sheaf_series_get(series, &row, 1, &column, 1, &value, &err);
        assert_true(status == SHEAF_ERR_INPUT || status == SHEAF_ERR_DAMAGED);
        assert_non_null(strstr(err.path, "cut.parquet"));
        sheaf_series_free(&series);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_columns_come_in_any_order_over_row_groups),
        cmocka_unit_test(a_large_load_gives_the_values_of_single_reads),
        cmocka_unit_test(parquet_wins_over_text_and_dotted_names_are_kept_whole),
        cmocka_unit_test(the_footer_is_read_once_and_a_get_reads_its_own_pages_only),
        cmocka_unit_test(a_scenario_series_may_repeat_its_row_and_the_check_sees_when_it_does_not),
        cmocka_unit_test(a_time_series_has_exactly_one_column),
        cmocka_unit_test(columns_may_lie_in_any_order_but_have_the_names_of_scenarios),
        cmocka_unit_test(what_is_no_parquet_file_is_said_with_its_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

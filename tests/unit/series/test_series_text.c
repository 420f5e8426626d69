// SPDX-License-Identifier: Apache-2.0
/* Series in text files: which file is taken, what its forms may be, what is wrong with it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "series_files.h"

/* Reads the whole series row by row, then at once, and compares with table_value. */
static void expect_table(const char *name, int64_t rows, int64_t columns)
{
    sheaf_series *series = open_series(name, SHEAF_SERIES_TIME_SCENARIO), *loaded = NULL;
    int64_t n_times, n_scenarios, all[64];
    double values[64];
    sheaf_error err;
    if (sheaf_series_shape(series, &n_times, &n_scenarios, &err) != SHEAF_OK) fail_msg("%s", err.message);
    assert_int_equal(n_times, rows);
    assert_int_equal(n_scenarios, columns);
    assert_int_equal(sheaf_series_load(series, NULL, 0, &loaded, &err), SHEAF_OK);
    for (int64_t j = 0; j < columns; j++) all[j] = j;
    sheaf_series *both[] = {series, loaded};
    for (size_t k = 0; k < 2; k++)
        for (int64_t i = 0; i < rows; i++) {
            if (sheaf_series_get(both[k], &i, 1, all, (size_t)columns, values, &err) != SHEAF_OK) fail_msg("%s", err.message);
            for (int64_t j = 0; j < columns; j++)
                if (values[j] != table_value(i, j)) fail_msg("row %d, column %d is %g", (int)i, (int)j, values[j]);
        }
    sheaf_series_free(&series);
    sheaf_series_free(&loaded);
}

static void expect_error(const char *name, sheaf_series_kind kind, int64_t row, sheaf_status code, const char *part)
{
    sheaf_series *series = NULL;
    sheaf_error err;
    const int64_t column = 0;
    double value;
    sheaf_status status = sheaf_series_open(folder, name, kind, &series, &err);
    if (status == SHEAF_OK) status = sheaf_series_get(series, &row, 1, &column, 1, &value, &err);
    assert_int_equal(status, code);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, part)) fail_msg("'%s' does not say '%s'", err.message, part);
    sheaf_series_free(&series);
}

static void txt_takes_any_white_space_tsv_tabs_csv_commas(void **state)
{
    (void)state;
    write_table("blank.txt", 5, 3, "  \t ", " \n");
    write_table("tab.txt", 5, 3, "\t", "\n");
    write_table("tab2.tsv", 5, 3, "\t", "\n");
    write_table("comma.csv", 5, 3, ",", "\n");
    write_table("spaced.csv", 5, 3, " , ", "\n");
    expect_table("blank", 5, 3);
    expect_table("tab", 5, 3);
    expect_table("tab2", 5, 3);
    expect_table("comma", 5, 3);
    expect_table("spaced", 5, 3);
    write_text("wrong.csv", "1;2\n3;4\n");
    expect_error("wrong", SHEAF_SERIES_TIME_SCENARIO, 0, SHEAF_ERR_INPUT, "line 1");
}

static void a_dotted_name_is_kept_whole(void **state)
{
    (void)state;
    write_text("load.txt", "1\n");
    write_text("load.2030.txt", "2030\n");
    write_text("load.2030.v2.csv", "2\n");
    const struct {
        const char *name;
        double value;
    } cases[] = {{"load", 1}, {"load.2030", 2030}, {"load.2030.v2", 2}};
    for (size_t i = 0; i < 3; i++) {
        sheaf_series *series = open_series(cases[i].name, SHEAF_SERIES_TIME);
        const int64_t time = 0;
        double value;
        assert_int_equal(sheaf_series_get(series, &time, 1, NULL, 0, &value, NULL), SHEAF_OK);
        assert_true(value == cases[i].value);
        assert_string_equal(sheaf_series_name(series), cases[i].name);
        sheaf_series_free(&series);
    }
    expect_error("load.2031", SHEAF_SERIES_TIME, 0, SHEAF_ERR_NOT_FOUND, "neither load.2031.parquet nor .txt, .tsv or .csv");
}

static void txt_goes_before_tsv_before_csv(void **state)
{
    (void)state;
    const int64_t time = 0;
    const char *const names[] = {"both.csv", "both.tsv", "both.txt"}, *const texts[] = {"3\n", "2\n", "1\n"};
    for (size_t i = 0; i < 3; i++) {
        write_text(names[i], texts[i]);
        sheaf_series *series = open_series("both", SHEAF_SERIES_TIME);
        double value;
        assert_int_equal(sheaf_series_get(series, &time, 1, NULL, 0, &value, NULL), SHEAF_OK);
        assert_true(value == (double)(3 - i));
        sheaf_series_free(&series);
    }
}

static void crlf_and_a_missing_last_newline_work(void **state)
{
    (void)state;
    write_table("crlf.txt", 7, 4, "\t", "\r\n");
    write_table("crlf2.tsv", 7, 4, "\t", "\r\n");
    write_table("crlf3.csv", 7, 4, ",", "\r\n");
    expect_table("crlf", 7, 4);
    expect_table("crlf2", 7, 4);
    expect_table("crlf3", 7, 4);
    const char *const names[] = {"open.txt", "open2.tsv", "open3.csv"}, separators[] = {' ', '\t', ','};
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        char c = separators[i];
        snprintf(text, sizeof text, "0.25%c1.25\r\n1000.25%c1001.25", c, c);
        write_text(names[i], text);
    }
    expect_table("open", 2, 2);
    expect_table("open2", 2, 2);
    expect_table("open3", 2, 2);
}

static void blank_lines_at_the_ends_and_a_byte_order_mark_are_fine(void **state)
{
    (void)state;
    write_text("ends.txt", "\xEF\xBB\xBF"
                           "0.25 1.25\n1000.25 1001.25\n\n \r\n\n");
    expect_table("ends", 2, 2);
    write_text("begin.csv", "\n\n0.25,1.25\n1000.25,1001.25\n");
    expect_table("begin", 2, 2);
    write_text("middle.txt", "1 2\n\n3 4\n");
    expect_error("middle", SHEAF_SERIES_TIME_SCENARIO, 0, SHEAF_ERR_INPUT, "line 2 is blank");
}

static void a_zero_byte_file_is_said_to_be_empty(void **state)
{
    (void)state;
    const char *const names[] = {"zero.txt", "zero2.tsv", "zero3.csv"}, *const series[] = {"zero", "zero2", "zero3"};
    for (size_t i = 0; i < 3; i++) {
        write_file(names[i], "", 0);
        expect_error(series[i], SHEAF_SERIES_TIME_SCENARIO, 0, SHEAF_ERR_INPUT, "the file is empty (0 bytes)");
        expect_error(series[i], SHEAF_SERIES_TIME_SCENARIO, 0, SHEAF_ERR_INPUT, names[i]);
    }
    write_text("blanks.txt", "  \n\r\n");
    expect_error("blanks", SHEAF_SERIES_TIME_SCENARIO, 0, SHEAF_ERR_INPUT, "no numbers in 5 bytes");
}

static void what_is_wrong_in_a_line_is_said_with_the_files_own_line_number(void **state)
{
    (void)state;
    write_text("bad.txt", "1 2\n3 4\n5 x\n7 8\n9\n10 11\n");
    expect_error("bad", SHEAF_SERIES_TIME_SCENARIO, 2, SHEAF_ERR_INPUT, "line 3, column 2: 'x' is not a number");
    expect_error("bad", SHEAF_SERIES_TIME_SCENARIO, 4, SHEAF_ERR_INPUT, "line 3, column 2: 'x' is not a number");
    write_text("ragged.csv", "1,2\n3,4\n5,6\n7,8,9\n9\n");
    expect_error("ragged", SHEAF_SERIES_TIME_SCENARIO, 3, SHEAF_ERR_INPUT, "line 4 has 3 cells, line 1 has 2");
    expect_error("ragged", SHEAF_SERIES_TIME_SCENARIO, 4, SHEAF_ERR_INPUT, "line 4 has 3 cells, line 1 has 2");
    write_text("header.csv", "a,b\n3,4\n");
    expect_error("header", SHEAF_SERIES_TIME_SCENARIO, 1, SHEAF_ERR_INPUT, "line 1, column 1: 'a' is not a number");
    write_text("hole.tsv", "1\t2\n3\t\n");
    expect_error("hole", SHEAF_SERIES_TIME_SCENARIO, 1, SHEAF_ERR_INPUT, "line 2, column 2: the cell is empty");
    /* A read touches no other lines. */
    sheaf_series *series = open_series("bad", SHEAF_SERIES_TIME_SCENARIO);
    const int64_t row = 3, column = 1;
    double value;
    assert_int_equal(sheaf_series_get(series, &row, 1, &column, 1, &value, NULL), SHEAF_OK);
    assert_true(value == 8);
    sheaf_series_free(&series);
}

static void a_file_that_has_not_the_shape_of_its_kind_is_refused(void **state)
{
    (void)state;
    write_text("wide.txt", "1 2\n3 4\n");
    write_text("line.txt", "1 2 3\n");
    expect_error("wide", SHEAF_SERIES_TIME, 0, SHEAF_ERR_MISMATCH, "must have exactly one column, it has 2");
    expect_error("wide", SHEAF_SERIES_SCENARIO, 0, SHEAF_ERR_MISMATCH, "must have exactly one row, it has 2");
    sheaf_series *series = open_series("line", SHEAF_SERIES_SCENARIO);
    const int64_t scenarios[] = {2, 0};
    double values[2];
    assert_int_equal(sheaf_series_get(series, NULL, 0, scenarios, 2, values, NULL), SHEAF_OK);
    assert_true(values[0] == 3 && values[1] == 1);
    sheaf_series_free(&series);
}

static void names_that_are_none_are_refused(void **state)
{
    (void)state;
    sheaf_series *series = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_open(folder, "", SHEAF_SERIES_TIME, &series, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_series_open(folder, "a/b", SHEAF_SERIES_TIME, &series, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_series_open("", "a", SHEAF_SERIES_TIME, &series, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_series_open(folder, "a", SHEAF_SERIES_CONSTANT, &series, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_series_open(folder, "a", (sheaf_series_kind)9, &series, &err), SHEAF_ERR_NOT_FOUND);
    assert_int_equal(sheaf_series_open("/nowhere", "a", SHEAF_SERIES_TIME, &series, &err), SHEAF_ERR_NOT_FOUND);
    assert_null(series);
}

/* Counts what the seam sees. */
typedef struct {
    unsigned opens, reads;
    uint64_t bytes;
} io_count;

static int count_io(void *context, const shf_io_call *call)
{
    io_count *count = context;
    count->opens += call->op == SHF_IO_OPEN;
    count->reads += call->op == SHF_IO_READ;
    if (call->op == SHF_IO_READ) count->bytes += call->size;
    return 0;
}

static void opening_reads_nothing_and_a_read_touches_its_rows_only(void **state)
{
    (void)state;
    write_table("lazy.txt", 5000, 20, " ", "\n");
    io_count count = {0};
    shf_io_set_hook(count_io, &count);
    sheaf_series *series = open_series("lazy", SHEAF_SERIES_TIME_SCENARIO);
    assert_int_equal(count.opens, 0);
    assert_int_equal(count.reads, 0);
    int64_t times[24], scenario = 3;
    double values[24];
    for (int64_t i = 0; i < 24; i++) times[i] = 4000 + i;
    assert_int_equal(sheaf_series_get(series, times, 24, &scenario, 1, values, NULL), SHEAF_OK);
    count = (io_count){0};
    assert_int_equal(sheaf_series_get(series, times, 24, &scenario, 1, values, NULL), SHEAF_OK);
    shf_io_set_hook(NULL, NULL);
    assert_int_equal(count.opens, 1);
    assert_int_equal(count.reads, 1);
    assert_true(count.bytes <= 24 * 20 * 12);
    for (int64_t i = 0; i < 24; i++) assert_true(values[i] == table_value(times[i], 3));
    sheaf_series_free(&series);
}

static int fail_reads(void *context, const shf_io_call *call)
{
    (void)context;
    return call->op == SHF_IO_READ ? 5 /* EIO */ : 0;
}

static void a_read_that_fails_leaves_the_handle_usable(void **state)
{
    (void)state;
    write_table("retry.txt", 3, 2, " ", "\n");
    sheaf_series *series = open_series("retry", SHEAF_SERIES_TIME_SCENARIO);
    const int64_t row = 2, column = 1;
    double value;
    sheaf_error err;
    shf_io_set_hook(fail_reads, NULL);
    assert_int_equal(sheaf_series_get(series, &row, 1, &column, 1, &value, &err), SHEAF_ERR_IO);
    assert_non_null(strstr(err.message, "retry.txt"));
    shf_io_set_hook(NULL, NULL);
    assert_int_equal(sheaf_series_get(series, &row, 1, &column, 1, &value, &err), SHEAF_OK);
    assert_true(value == table_value(2, 1));
    sheaf_series_free(&series);
}

static void lines_longer_than_a_piece_are_read_whole(void **state)
{
    (void)state;
    write_table("long.csv", 3, 60000, ",", "\n");
    sheaf_series *series = open_series("long", SHEAF_SERIES_TIME_SCENARIO);
    const int64_t rows[] = {2, 0}, columns[] = {59999, 0};
    double values[4];
    sheaf_error err;
    if (sheaf_series_get(series, rows, 2, columns, 2, values, &err) != SHEAF_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < 4; i++) assert_true(values[i] == table_value(rows[i / 2], columns[i % 2]));
    sheaf_series_free(&series);
}

/* 2,000 rows × 120 columns, about 2 MB: more than one part. */
#define BIG_ROWS 2000
#define BIG_COLUMNS 120

static void a_large_text_is_read_in_parts_in_any_order(void **state)
{
    (void)state;
    write_table("big.csv", BIG_ROWS, BIG_COLUMNS, ",", "\n");
    sheaf_series *series = open_series("big", SHEAF_SERIES_TIME_SCENARIO);
    const size_t n = BIG_ROWS + 500;
    int64_t *rows = malloc(n * sizeof *rows);
    double *values = malloc(n * 2 * sizeof *values);
    const int64_t columns[] = {BIG_COLUMNS - 1, 0};
    assert_true(rows && values);
    for (size_t i = 0; i < n; i++) rows[i] = (int64_t)(i * 7919 % BIG_ROWS); /* the first 500 twice */
    sheaf_error err;
    if (sheaf_series_get(series, rows, n, columns, 2, values, &err) != SHEAF_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < 2 * n; i++)
        if (values[i] != table_value(rows[i / 2], columns[i % 2])) fail_msg("value %zu", i);
    free(rows);
    free(values);
    sheaf_series_free(&series);
}

static void of_two_bad_lines_in_different_parts_the_first_is_named(void **state)
{
    (void)state;
    char path[128];
    write_table("twice.csv", BIG_ROWS, BIG_COLUMNS, ",", "\n");
    snprintf(path, sizeof path, "%s/twice.csv", folder);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    char line[4096];
    for (int i = 1; i <= BIG_ROWS; i++) {
        long at = ftell(f);
        assert_non_null(fgets(line, sizeof line, f));
        if (i != 700 && i != 1900) continue;
        long next = ftell(f);
        fseek(f, at, SEEK_SET);
        fputc('x', f);
        fseek(f, next, SEEK_SET);
    }
    assert_int_equal(fclose(f), 0);
    sheaf_series *series = open_series("twice", SHEAF_SERIES_TIME_SCENARIO), *loaded = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_load(series, NULL, 0, &loaded, &err), SHEAF_ERR_INPUT);
    assert_non_null(strstr(err.message, "line 700, column 1: 'x"));
    assert_null(loaded);
    sheaf_series_free(&series);
}

static void *read_from_thread(void *argument)
{
    sheaf_series *series = argument;
    int64_t rows[40], column = 5;
    double values[40];
    for (int64_t round = 0; round < 20; round++) {
        for (int64_t i = 0; i < 40; i++) rows[i] = (round * 97 + i * 3) % BIG_ROWS;
        if (sheaf_series_get(series, rows, 40, &column, 1, values, NULL) != SHEAF_OK) return argument;
        for (int64_t i = 0; i < 40; i++)
            if (values[i] != table_value(rows[i], column)) return argument;
    }
    sheaf_series *loaded = NULL;
    if (sheaf_series_load(series, &column, 1, &loaded, NULL) != SHEAF_OK) return argument;
    sheaf_series_free(&loaded);
    return NULL;
}

static void threads_share_a_handle_from_its_first_use_on(void **state)
{
    (void)state;
    write_table("share.csv", BIG_ROWS, BIG_COLUMNS, ",", "\n");
    sheaf_series *series = open_series("share", SHEAF_SERIES_TIME_SCENARIO);
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_from_thread, series), 0);
    for (size_t i = 0; i < 8; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    sheaf_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(txt_takes_any_white_space_tsv_tabs_csv_commas),
        cmocka_unit_test(a_dotted_name_is_kept_whole),
        cmocka_unit_test(txt_goes_before_tsv_before_csv),
        cmocka_unit_test(crlf_and_a_missing_last_newline_work),
        cmocka_unit_test(blank_lines_at_the_ends_and_a_byte_order_mark_are_fine),
        cmocka_unit_test(a_zero_byte_file_is_said_to_be_empty),
        cmocka_unit_test(what_is_wrong_in_a_line_is_said_with_the_files_own_line_number),
        cmocka_unit_test(a_file_that_has_not_the_shape_of_its_kind_is_refused),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(opening_reads_nothing_and_a_read_touches_its_rows_only),
        cmocka_unit_test(a_read_that_fails_leaves_the_handle_usable),
        cmocka_unit_test(lines_longer_than_a_piece_are_read_whole),
        cmocka_unit_test(a_large_text_is_read_in_parts_in_any_order),
        cmocka_unit_test(of_two_bad_lines_in_different_parts_the_first_is_named),
        cmocka_unit_test(threads_share_a_handle_from_its_first_use_on),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

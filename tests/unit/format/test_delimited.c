// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/delimited.h"

#define MOST 64

typedef struct table {
    double values[MOST];
    size_t n, columns;
    char names[256]; /* joined by | */
    bool has_header;
} table;

static sheaf_status keep_row(void *context, const double *values, size_t columns, sheaf_error *err)
{
    table *t = context;
    if (t->n + columns > MOST) return shf_fail(err, SHEAF_ERR_RANGE, "too many values");
    memcpy(t->values + t->n, values, columns * sizeof *values);
    t->n += columns;
    return SHEAF_OK;
}

static sheaf_status push_in_pieces(shf_delimited *p, const char *text, size_t n, size_t piece, sheaf_error *err)
{
    for (size_t at = 0; at < n; at += piece) {
        size_t size = n - at < piece ? n - at : piece;
        char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, text + at, size);
        sheaf_status status = shf_delimited_push(p, copy, size, err);
        free(copy);
        if (status) return status;
    }
    return shf_delimited_finish(p, err);
}

static sheaf_status parse(const shf_delimited_spec *spec, const char *text, size_t n, size_t piece, table *t, sheaf_error *err)
{
    shf_delimited *p;
    memset(t, 0, sizeof *t);
    memset(err, 0, sizeof *err);
    assert_int_equal(shf_delimited_open(spec, keep_row, t, &p, err), SHEAF_OK);
    sheaf_status status = push_in_pieces(p, text, n, piece, err);
    t->columns = shf_delimited_columns(p);
    t->has_header = shf_delimited_has_header(p);
    for (size_t i = 0; i < t->columns && shf_delimited_name(p, i); i++) {
        if (i) strcat(t->names, "|");
        strcat(t->names, shf_delimited_name(p, i));
    }
    if (!status) assert_int_equal(shf_delimited_rows(p) * t->columns, t->n);
    shf_delimited_free(p);
    return status;
}

/* The same outcome however the text is cut. */
static sheaf_status parse_all_ways(const shf_delimited_spec *spec, const char *text, table *t, sheaf_error *err)
{
    size_t n = strlen(text);
    sheaf_status status = parse(spec, text, n, n + 1, t, err);
    for (size_t piece = 1; piece <= n; piece++) {
        table other;
        sheaf_error other_err;
        assert_int_equal(parse(spec, text, n, piece, &other, &other_err), status);
        assert_string_equal(other_err.message, err->message);
        assert_int_equal(other_err.byte, err->byte);
        assert_int_equal(other_err.record, err->record);
        if (!status) assert_memory_equal(&other, t, sizeof other);
    }
    return status;
}

static void expect(const char *text, size_t columns, const char *names, size_t n, const double *values)
{
    table t;
    sheaf_error err;
    if (parse_all_ways(NULL, text, &t, &err)) fail_msg("%s", err.message);
    assert_int_equal(t.columns, columns);
    assert_string_equal(t.names, names);
    assert_int_equal(t.n, n);
    assert_memory_equal(t.values, values, n * sizeof *values);
}

static void each_delimiter_and_line_end_is_read(void **state)
{
    (void)state;
    const double v[] = {1, 2.5, -3, 4e10, 123456789, 0.5};
    expect("1\t2.5\t-3\n4e10\t123456789\t.5\n", 3, "", 6, v);
    expect("1,2.5,-3\r\n4e10,123456789,.5\r\n", 3, "", 6, v);
    expect("1,2.5,-3\n4e10,123456789,.5", 3, "", 6, v);
    expect("1;2.5;-3\r\n4e10;123456789;.5\r", 3, "", 6, v);
    expect("  1   2.5\t-3  \n4e10 123456789 .5 \n", 3, "", 6, v);
    expect(" 1 2.5 -3 \r\n 4e10 123456789 .5\r\n", 3, "", 6, v);
    expect("1 , 2.5,\t-3\n 4e10,123456789 ,.5 \n", 3, "", 6, v);
    expect("\xef\xbb\xbf"
           "1,2.5,-3\n4e10,\"123456789\",.5\n\n\r\n",
           3, "", 6, v);
    expect("\n\r\n1,2.5,-3\n4e10,123456789,.5\n", 3, "", 6, v);
    expect("1\n2.5\n-3\n4e10\n123456789\n0.5", 1, "", 6, v);
    const double special[] = {INFINITY, -INFINITY, 0.1, 1234567, 12345678, -0.0};
    expect("inf,-Infinity,0.1000000000000000055511151231257827,1234567,12345678,-0\n", 6, "", 6, special);
}

static void a_header_is_told_by_a_cell_that_is_no_number(void **state)
{
    (void)state;
    const double v[] = {1, 2, 3, 4};
    expect("a,b\n1,2\n3,4\n", 2, "a|b", 4, v);
    expect("a\tannual losses\n1\t2\n3\t4\n", 2, "a|annual losses", 4, v);
    expect("7,b\r\n1,2\r\n3,4", 2, "7|b", 4, v);
    expect("\"a,\"\"x\"\"\",\" b\n2\"\n1,2\n3,4\n", 2, "a,\"x\"| b\n2", 4, v);
    expect(",b\n1,2\n3,4\n", 2, "|b", 4, v);
    expect("a b  \n1 2\n3 4\n", 2, "a|b", 4, v);
    expect("time\n", 1, "time", 0, v);
    expect("time", 1, "time", 0, v);
    expect("1,2\n3,4\n", 2, "", 4, v);
    expect(",7\n1,2\n3,4\n", 2, "|7", 4, v);
    /* A row with a hole is no header: nothing is left out silently. */
    table t;
    sheaf_error err;
    assert_int_equal(parse_all_ways(NULL, "1,,3\n1,2,3\n", &t, &err), SHEAF_ERR_INPUT);
    assert_string_equal(err.message, "line 1, column 2: the cell is empty");
}

typedef struct integers {
    shf_delimited *parser;
    int64_t values[16];
    bool large[16];
    size_t n;
} integers;

static sheaf_status keep_integers(void *context, const double *values, size_t columns, sheaf_error *err)
{
    (void)err;
    integers *t = context;
    for (size_t c = 0; c < columns; c++, t->n++) {
        t->large[t->n] = shf_delimited_integer(t->parser, c, &t->values[t->n]);
        if (!t->large[t->n]) t->values[t->n] = (int64_t)values[c];
    }
    return SHEAF_OK;
}

static void whole_numbers_that_doubles_cannot_hold_are_exact(void **state)
{
    (void)state;
    static const char text[] = "9223372036854775807,5\r\n-9223372036854775808,9007199254740993\n7,-9007199254740993\n8,9e15";
    const int64_t expected[] = {INT64_MAX, 5, INT64_MIN, INT64_C(9007199254740993), 7, -INT64_C(9007199254740993), 8, 9000000000000000};
    for (size_t piece = 1; piece < sizeof text; piece++) {
        integers t = {0};
        sheaf_error err;
        assert_int_equal(shf_delimited_open(NULL, keep_integers, &t, &t.parser, &err), SHEAF_OK);
        assert_int_equal(push_in_pieces(t.parser, text, sizeof text - 1, piece, &err), SHEAF_OK);
        assert_int_equal(t.n, 8);
        for (size_t i = 0; i < 8; i++) assert_int_equal(t.values[i], expected[i]);
        assert_false(t.large[4]);
        shf_delimited_free(t.parser);
    }
}

static void the_caller_may_say_whether_there_is_a_header(void **state)
{
    (void)state;
    table t;
    sheaf_error err;
    shf_delimited_spec present = {.header = SHF_HEADER_PRESENT}, absent = {.header = SHF_HEADER_ABSENT};
    assert_int_equal(parse_all_ways(&present, "2020,2021\n3,4\n", &t, &err), SHEAF_OK);
    assert_string_equal(t.names, "2020|2021");
    assert_int_equal(t.n, 2);
    assert_int_equal(parse_all_ways(&absent, "a,2\n3,4\n", &t, &err), SHEAF_ERR_INPUT);
    assert_string_equal(err.message, "line 1, column 1: 'a' is not a number");
}

static void a_delimiter_may_be_given(void **state)
{
    (void)state;
    table t;
    sheaf_error err;
    shf_delimited_spec spec = {.delimiter = ','};
    assert_int_equal(parse_all_ways(&spec, "annual losses\n3\n", &t, &err), SHEAF_OK);
    assert_string_equal(t.names, "annual losses");
    spec.delimiter = '|';
    assert_int_equal(parse_all_ways(&spec, "1|2\n", &t, &err), SHEAF_OK);
    assert_int_equal(t.columns, 2);
    shf_delimited *p;
    spec.delimiter = '"';
    assert_int_equal(shf_delimited_open(&spec, keep_row, &t, &p, &err), SHEAF_ERR_ARGUMENT);
}

static void lenient_reading_takes_empty_cells_and_booleans(void **state)
{
    (void)state;
    table t;
    sheaf_error err;
    shf_delimited_spec spec = {.lenient = true};
    assert_int_equal(parse_all_ways(&spec, "a,b,c\n1,,TRUE\nfalse,2,\n", &t, &err), SHEAF_OK);
    assert_int_equal(t.n, 6);
    assert_true(t.values[0] == 1 && isnan(t.values[1]) && t.values[2] == 1);
    assert_true(t.values[3] == 0 && t.values[4] == 2 && isnan(t.values[5]));
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        int64_t byte, record;
    } cases[] = {
        {"1,2\n3,x4\n", "line 2, column 2: 'x4' is not a number", 6, 1},
        {"a,b\n1,2\n3,4e\n", "line 3, column 2: '4e' is not a number", 10, 1},
        {"1,2\n,4\n", "line 2, column 1: the cell is empty", 4, 1},
        {"1,2\n3,\n", "line 2, column 2: the cell is empty", 6, 1},
        {"1,2\n3,", "line 2, column 2: the cell is empty", 6, 1},
        {"1\t2\n3\t\t4\n", "line 2, column 2: the cell is empty", 6, 1},
        {"1,2\n3\n", "line 2 has 1 cell, line 1 has 2", 5, 1},
        {"1,2\n3,4,5,6\n", "line 2 has 4 cells, line 1 has 2", 11, 1},
        {"1 2\n3 4 5", "line 2 has 3 cells, line 1 has 2", 9, 1},
        {"a,b\n1,2,3\n", "line 2 has 3 cells, line 1 has 2", 9, 0},
        {"1,2\n\n3,4\n", "line 2 has 0 cells, line 1 has 2", 8, 1},
        {"1,2\n3 4,5\n", "line 2, column 1: '3 4' is not a number", 4, 1},
        {"1,2\n3,\x01\xff\n", "line 2, column 2: '?\?' is not a number", 6, 1},
        {"\n1,2\n3,x\n", "line 3, column 2: 'x' is not a number", 7, 1},
        {"1,2\n3,0123456789012345678901234567890123456789012x\n",
         "line 2, column 2: '0123456789012345678901234567890123456789...' is not a number", 6, 1},
        {"1,2\n1\r2,3\n", "line 2, column 1: '1?2' is not a number", 4, 1},
        {"", "the input is empty", -1, -1},
        {" \n\r\n\n", "the input is empty but for blank lines", -1, -1},
        {"  ", "the input is empty but for blank lines", -1, -1},
        {"a,\"b\n1,2\n", "line 1: a quote is not closed", -1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        table t;
        sheaf_error err;
        assert_int_equal(parse_all_ways(NULL, cases[i].text, &t, &err), SHEAF_ERR_INPUT);
        assert_string_equal(err.message, cases[i].message);
        if (cases[i].byte < 0) continue;
        if (err.byte != cases[i].byte) fail_msg("%s: byte %lld", cases[i].text, (long long)err.byte);
        assert_int_equal(err.record, cases[i].record);
    }
}

static void an_endless_cell_is_refused_in_bounded_memory(void **state)
{
    (void)state;
    table t;
    sheaf_error err;
    size_t n = 100000;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '1', n);
    memcpy(text, "1,2\n3,", 6);
    assert_int_equal(parse(NULL, text, n, 1000, &t, &err), SHEAF_ERR_INPUT);
    assert_string_equal(err.message, "line 2, column 2: the cell is longer than 4096 bytes");
    assert_int_equal(parse(NULL, text, n, n, &t, &err), SHEAF_ERR_INPUT);
    assert_string_equal(err.message, "line 2, column 2: the cell is longer than 4096 bytes");
    free(text);
}

static void an_error_of_the_caller_ends_the_parse(void **state)
{
    (void)state;
    char text[4 * MOST + 1] = "";
    for (int i = 0; i < MOST / 2 + 1; i++) strcat(text, "1,2\n");
    table t;
    sheaf_error err;
    assert_int_equal(parse_all_ways(NULL, text, &t, &err), SHEAF_ERR_RANGE);
    assert_string_equal(err.message, "too many values");
}

static void every_failed_allocation_is_an_error(void **state)
{
    (void)state;
    table t;
    sheaf_error err;
    const char *text = "a,b\n1,2\n";
    int failures = 0;
    for (uint64_t n = 1; n < 20; n++) {
        shf_delimited *p;
        memset(&t, 0, sizeof t);
        shf_alloc_fail_at(n, 1);
        sheaf_status status = shf_delimited_open(NULL, keep_row, &t, &p, &err);
        if (!status) status = push_in_pieces(p, text, strlen(text), 3, &err);
        shf_alloc_fail_at(0, 0);
        shf_delimited_free(p);
        if (!status) break;
        assert_int_equal(status, SHEAF_ERR_MEMORY);
        failures++;
    }
    assert_true(failures >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_delimiter_and_line_end_is_read),
        cmocka_unit_test(a_header_is_told_by_a_cell_that_is_no_number),
        cmocka_unit_test(whole_numbers_that_doubles_cannot_hold_are_exact),
        cmocka_unit_test(the_caller_may_say_whether_there_is_a_header),
        cmocka_unit_test(a_delimiter_may_be_given),
        cmocka_unit_test(lenient_reading_takes_empty_cells_and_booleans),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(an_endless_cell_is_refused_in_bounded_memory),
        cmocka_unit_test(an_error_of_the_caller_ends_the_parse),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

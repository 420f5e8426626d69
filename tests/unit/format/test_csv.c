// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "format/csv.h"

static void expect(shf_buf *buf, const char *text)
{
    assert_int_equal(buf->size, strlen(text));
    assert_memory_equal(buf->data, text, buf->size);
    shf_buf_free(buf);
}

static void fields_are_quoted_only_where_needed(void **state)
{
    (void)state;
    shf_buf buf = {0};
    shf_csv csv = shf_csv_init(&buf);
    static const char *const texts[] = {"plain", "with space", "a,b", "say \"hi\"", "two\nlines", "", "\xc3\xa9"};
    for (size_t i = 0; i < 7; i++) assert_int_equal(shf_csv_text(&csv, texts[i], strlen(texts[i]), NULL), SHEAF_OK);
    assert_int_equal(shf_csv_end_row(&csv, NULL), SHEAF_OK);
    expect(&buf, "plain,with space,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"\",\xc3\xa9\n");
}

static void values_have_their_documented_forms(void **state)
{
    (void)state;
    shf_buf buf = {0};
    shf_csv csv = shf_csv_init(&buf);
    const double d[] = {1, 0.1, INFINITY, -INFINITY, (double)NAN, 1e22};
    const float f[] = {0.1F};
    const uint8_t b[] = {1, 0};
    assert_int_equal(shf_csv_i64(&csv, INT64_MIN, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_absent(&csv, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_values(&csv, SHEAF_F64, d, 6, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_values(&csv, SHEAF_F32, f, 1, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_values(&csv, SHEAF_BOOL, b, 2, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_u64(&csv, UINT64_MAX, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_end_row(&csv, NULL), SHEAF_OK);
    expect(&buf, "-9223372036854775808,,1,0.1,inf,-inf,nan,1e+22,0.1,true,false,18446744073709551615\n");
}

static void every_integer_type_is_written(void **state)
{
    (void)state;
    shf_buf buf = {0};
    shf_csv csv = shf_csv_init(&buf);
    const uint8_t bytes[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    for (int dtype = SHEAF_I8; dtype <= SHEAF_U64; dtype++)
        assert_int_equal(shf_csv_values(&csv, (sheaf_dtype)dtype, bytes, 1, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_values(&csv, SHEAF_DTYPE_NONE, bytes, 1, NULL), SHEAF_ERR_ARGUMENT);
    expect(&buf, "-1,-1,-1,-1,255,65535,4294967295,18446744073709551615");
}

static void decimals_and_line_ends_can_be_chosen(void **state)
{
    (void)state;
    shf_buf buf = {0};
    shf_csv csv = shf_csv_init(&buf);
    csv.decimals = 2;
    csv.crlf = true;
    csv.delimiter = '\t';
    assert_int_equal(shf_csv_f64(&csv, 2.675, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_f32(&csv, 0.5F, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_text(&csv, "a,b", 3, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_end_row(&csv, NULL), SHEAF_OK);
    expect(&buf, "2.67\t0.50\ta,b\r\n");
}

static void a_row_of_one_absent_value_is_no_blank_line(void **state)
{
    (void)state;
    shf_buf buf = {0};
    shf_csv csv = shf_csv_init(&buf);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(shf_csv_absent(&csv, NULL), SHEAF_OK);
        assert_int_equal(shf_csv_end_row(&csv, NULL), SHEAF_OK);
    }
    assert_int_equal(shf_csv_absent(&csv, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_absent(&csv, NULL), SHEAF_OK);
    assert_int_equal(shf_csv_end_row(&csv, NULL), SHEAF_OK);
    expect(&buf, "\"\"\n\"\"\n,\n");
}

static void a_failed_allocation_is_an_error(void **state)
{
    (void)state;
    shf_buf buf = {0};
    shf_csv csv = shf_csv_init(&buf);
    shf_alloc_fail_at(1, 1);
    assert_int_equal(shf_csv_f64(&csv, 1, NULL), SHEAF_ERR_MEMORY);
    assert_int_equal(shf_csv_text(&csv, "x", 1, NULL), SHEAF_ERR_MEMORY);
    shf_alloc_fail_at(0, 0);
    shf_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_quoted_only_where_needed),
        cmocka_unit_test(values_have_their_documented_forms),
        cmocka_unit_test(every_integer_type_is_written),
        cmocka_unit_test(decimals_and_line_ends_can_be_chosen),
        cmocka_unit_test(a_row_of_one_absent_value_is_no_blank_line),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

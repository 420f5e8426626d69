// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "stats/columns.h"

#define ROWS 301
#define MOST 600

static double table[ROWS][MOST];

static void fill(void)
{
    uint64_t s = 1;
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < MOST; c++) {
            s = s * 6364136223846793005ULL + 1442695040888963407ULL;
            table[r][c] = 1e6 + (double)(s >> 40) * 1e-3;
        }
    }
}

static void check_column(const shf_columns *columns, size_t c, size_t first, size_t last)
{
    double sum = 0, squares = 0, min = HUGE_VAL, max = -HUGE_VAL, n = (double)(last - first);
    for (size_t r = first; r < last; r++) {
        sum += table[r][c];
        min = fmin(min, table[r][c]);
        max = fmax(max, table[r][c]);
    }
    for (size_t r = first; r < last; r++) squares += (table[r][c] - sum / n) * (table[r][c] - sum / n);
    shf_column_stats s;
    shf_columns_get(columns, c, 1, &s);
    assert_int_equal(s.count, last - first);
    assert_true(s.mean == sum / n); /* bit for bit: row by row */
    assert_true(s.min == min && s.max == max);
    assert_true(fabs(s.std - sqrt(squares / (n - 1))) < 1e-9 * s.std);
}

static void columns_agree_with_two_passes_over_each(void **state)
{
    (void)state;
    fill();
    static const size_t widths[] = {1, 3, 4, 7, 255, 256, 257, MOST};
    for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
        shf_columns c;
        assert_int_equal(shf_columns_open(widths[k], false, &c, NULL), SHEAF_OK);
        shf_columns_add(&c, SHEAF_F64, table, ROWS, MOST);
        for (size_t i = 0; i < widths[k]; i++) check_column(&c, i, 0, ROWS);
        shf_columns_free(&c);
    }
}

static void blocks_do_not_change_the_bits(void **state)
{
    (void)state;
    fill();
    shf_columns whole, cut, single;
    assert_int_equal(shf_columns_open(MOST, false, &whole, NULL), SHEAF_OK);
    assert_int_equal(shf_columns_open(MOST, false, &cut, NULL), SHEAF_OK);
    assert_int_equal(shf_columns_open(MOST, false, &single, NULL), SHEAF_OK);
    shf_columns_add(&whole, SHEAF_F64, table, ROWS, MOST);
    for (size_t r = 0; r < ROWS; r += 7) shf_columns_add(&cut, SHEAF_F64, table[r], ROWS - r < 7 ? ROWS - r : 7, MOST);
    assert_memory_equal(whole.state, cut.state, 6 * MOST * sizeof(double));
    for (size_t c = 0; c < MOST; c++) {
        for (size_t r = 0; r < ROWS; r++) shf_columns_add_to(&single, c, SHEAF_F64, &table[r][c], 1);
    }
    assert_memory_equal(whole.state, single.state, 6 * MOST * sizeof(double));
    shf_columns_free(&whole);
    shf_columns_free(&cut);
    shf_columns_free(&single);
}

static void merged_parts_equal_the_whole(void **state)
{
    (void)state;
    fill();
    shf_columns whole, a, b;
    assert_int_equal(shf_columns_open(MOST, false, &whole, NULL), SHEAF_OK);
    assert_int_equal(shf_columns_open(MOST, false, &a, NULL), SHEAF_OK);
    assert_int_equal(shf_columns_open(MOST, false, &b, NULL), SHEAF_OK);
    shf_columns_merge(&a, &b); /* nothing and nothing */
    shf_columns_add(&whole, SHEAF_F64, table, ROWS, MOST);
    shf_columns_add(&b, SHEAF_F64, table[100], ROWS - 100, MOST);
    shf_columns_merge(&a, &b); /* nothing and something */
    shf_columns_free(&b);
    assert_int_equal(shf_columns_open(MOST, false, &b, NULL), SHEAF_OK);
    shf_columns_add(&b, SHEAF_F64, table, 100, MOST);
    shf_columns_merge(&b, &a);
    for (size_t c = 0; c < MOST; c++) {
        shf_column_stats x, y;
        shf_columns_get(&whole, c, 1, &x);
        shf_columns_get(&b, c, 1, &y);
        assert_true(x.count == y.count && x.min == y.min && x.max == y.max);
        assert_true(fabs(x.mean - y.mean) < 1e-12 * x.mean && fabs(x.std - y.std) < 1e-9 * x.std);
    }
    shf_columns_free(&whole);
    shf_columns_free(&a);
    shf_columns_free(&b);
}

static void nan_is_absent_or_spreads(void **state)
{
    (void)state;
    const float rows[3][5] = {{1, NAN, 3, NAN, NAN}, {2, 5, NAN, NAN, 7}, {6, 4, 1, NAN, NAN}};
    shf_columns c;
    shf_column_stats s;
    assert_int_equal(shf_columns_open(5, true, &c, NULL), SHEAF_OK);
    shf_columns_add(&c, SHEAF_F32, rows, 3, 5);
    const double means[] = {3, 4.5, 2, 0, 7}, mins[] = {1, 4, 1, 0, 7};
    const uint64_t counts[] = {3, 2, 2, 0, 1};
    for (size_t i = 0; i < 5; i++) {
        shf_columns_get(&c, i, 1, &s);
        assert_int_equal(s.count, counts[i]);
        if (counts[i]) assert_true(s.mean == means[i] && s.min == mins[i]);
        else assert_true(isnan(s.mean) && isnan(s.min) && isnan(s.max));
        assert_int_equal(isnan(s.std), counts[i] < 2);
    }
    shf_columns_free(&c);
    assert_int_equal(shf_columns_open(5, false, &c, NULL), SHEAF_OK);
    shf_columns_add(&c, SHEAF_F32, rows, 3, 5);
    for (size_t i = 0; i < 5; i++) {
        shf_columns_get(&c, i, 0, &s);
        assert_int_equal(s.count, 3);
        assert_int_equal(isnan(s.mean), i != 0);
        assert_int_equal(isnan(s.min), i != 0);
        assert_int_equal(isnan(s.max), i != 0);
        assert_int_equal(isnan(s.std), i != 0);
    }
    shf_columns_free(&c);
}

static void a_failed_allocation_is_an_error(void **state)
{
    (void)state;
    shf_columns c;
    shf_alloc_fail_at(1, 0);
    assert_int_equal(shf_columns_open(5, true, &c, NULL), SHEAF_ERR_MEMORY);
    shf_alloc_fail_at(0, 0);
    assert_int_equal(shf_columns_open(SIZE_MAX / 8 + 1, true, &c, NULL), SHEAF_ERR_MEMORY);
    shf_columns_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_agree_with_two_passes_over_each),
        cmocka_unit_test(blocks_do_not_change_the_bits),
        cmocka_unit_test(merged_parts_equal_the_whole),
        cmocka_unit_test(nan_is_absent_or_spreads),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

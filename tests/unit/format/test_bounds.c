// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "format/parquet/bounds.h"

static const shf_pq_order F64 = {SHF_PQ_DOUBLE, false};

static void expect_f64(const double *values, size_t n, double min, double max)
{
    shf_pq_bounds bounds;
    shf_pq_bounds_fixed(F64, values, n, &bounds);
    assert_true(bounds.has && !bounds.lost);
    assert_memory_equal(bounds.min, &min, 8);
    assert_memory_equal(bounds.max, &max, 8);
}

static void nan_counts_for_nothing(void **state)
{
    (void)state;
    double values[100];
    for (size_t n = 1; n < 100; n++)
        for (size_t odd = 0; odd < n; odd += 3) {
            for (size_t i = 0; i < n; i++) values[i] = i == odd ? -3.5 : i % 2 ? (double)NAN : (double)i;
            double max = -3.5;
            for (size_t i = 0; i < n; i++) max = values[i] > max ? values[i] : max;
            expect_f64(values, n, -3.5, max == 0 ? 0.0 : max);
        }
    for (size_t i = 0; i < 100; i++) values[i] = NAN;
    shf_pq_bounds bounds;
    shf_pq_bounds_fixed(F64, values, 100, &bounds);
    assert_true(!bounds.has && bounds.lost);
}

static void infinities_and_zeros_are_values(void **state)
{
    (void)state;
    expect_f64((double[]){INFINITY, NAN, INFINITY}, 3, INFINITY, INFINITY);
    expect_f64((double[]){-INFINITY}, 1, -INFINITY, -INFINITY);
    expect_f64((double[]){INFINITY, -INFINITY, 1}, 3, -INFINITY, INFINITY);
    expect_f64((double[]){0.0}, 1, -0.0, 0.0);
    expect_f64((double[]){-0.0, -0.0}, 2, -0.0, 0.0);
}

static void unsigned_integers_have_their_own_order(void **state)
{
    (void)state;
    const uint32_t values[] = {1, 0xFFFFFFFF, 7};
    shf_pq_bounds bounds;
    shf_pq_bounds_fixed((shf_pq_order){SHF_PQ_INT32, true}, values, 3, &bounds);
    assert_memory_equal(bounds.min, &values[0], 4);
    assert_memory_equal(bounds.max, &values[1], 4);
    shf_pq_bounds_fixed((shf_pq_order){SHF_PQ_INT32, false}, values, 3, &bounds);
    assert_memory_equal(bounds.min, &values[1], 4);
    assert_memory_equal(bounds.max, &values[2], 4);
}

static void texts_are_ordered_by_unsigned_bytes_and_long_ones_have_no_bounds(void **state)
{
    (void)state;
    const uint8_t bytes[] = "abc\xFFza";
    const uint64_t offsets[] = {0, 3, 4, 6, 6};
    shf_pq_bounds bounds;
    shf_pq_bounds_bytes(bytes, offsets, 3, &bounds);
    assert_true(bounds.has && bounds.min_size == 3 && bounds.max_size == 1);
    assert_memory_equal(bounds.min, "abc", 3);
    assert_memory_equal(bounds.max, "\xFF", 1);
    shf_pq_bounds_bytes(bytes, offsets, 4, &bounds);
    assert_true(bounds.has && bounds.min_size == 0);
    uint8_t text[200];
    memset(text, 'x', sizeof text);
    shf_pq_bounds_bytes(text, (const uint64_t[]){0, 65, 66}, 2, &bounds);
    assert_true(!bounds.has && bounds.lost);
}

static void joined_bounds_span_their_parts(void **state)
{
    (void)state;
    shf_pq_bounds all = {.has = false}, part;
    for (int i = -3; i < 4; i++) {
        double value = i;
        shf_pq_bounds_fixed(F64, &value, 1, &part);
        shf_pq_bounds_join(F64, &all, &part);
    }
    shf_pq_bounds_fixed(F64, NULL, 0, &part);
    shf_pq_bounds_join(F64, &all, &part);
    assert_true(all.has && !all.lost);
    assert_memory_equal(all.min, &(double){-3}, 8);
    assert_memory_equal(all.max, &(double){3}, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nan_counts_for_nothing),
        cmocka_unit_test(infinities_and_zeros_are_values),
        cmocka_unit_test(unsigned_integers_have_their_own_order),
        cmocka_unit_test(texts_are_ordered_by_unsigned_bytes_and_long_ones_have_no_bounds),
        cmocka_unit_test(joined_bounds_span_their_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include "sheaf/stats.h"
#include "stats/selector.h"

#define MANY 400000

static const double usual[] = {0.5, 0, 1, 0.01, 0.05, 0.95, 0.99, 0.999, 1.0 / 3};
#define N_USUAL (sizeof usual / sizeof usual[0])

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static double draw(int kind, size_t i, uint64_t *seed)
{
    uint64_t r = next_random(seed);
    double uniform = (double)(r >> 11) * 0x1p-53, bits;
    switch (kind) {
    case 0: return exp(10 + 4 * uniform + 4 * (double)(next_random(seed) >> 11) * 0x1p-53);
    case 1: return uniform - 0.5;
    case 2: return uniform < 0.7 ? 0 : uniform; /* mostly one value */
    case 3: return 1 + uniform * 1e-12;         /* equal but for the last bits */
    case 4: return 42;
    case 5: return (double)i;
    case 6: return i % 3 ? (r % 2 ? 0.0 : -0.0) : -1e300 * uniform;
    case 7: return uniform < 0.1 ? -INFINITY : uniform > 0.9 ? INFINITY : uniform;
    default:
        r = (r & 0x800fffffffffffffULL) | (1 + r % 2045) << 52;
        memcpy(&bits, &r, sizeof bits);
        return bits;
    }
}

/* Passes needed; the quantiles in out. */
static int run(const double *x, size_t n, size_t memory, const double *p, size_t count, size_t piece, double *out)
{
    shf_selector *s;
    bool again = true;
    int passes = 0;
    assert_int_equal(shf_selector_open(p, count, memory, false, &s, NULL), SHEAF_OK);
    for (; again; passes++) {
        for (size_t at = 0; at < n; at += piece)
            assert_int_equal(shf_selector_add(s, SHEAF_F64, x + at, n - at < piece ? n - at : piece, NULL), SHEAF_OK);
        assert_int_equal(shf_selector_again(s, &again, NULL), SHEAF_OK);
    }
    assert_int_equal(shf_selector_count(s), n);
    assert_int_equal(shf_selector_result(s, out, NULL), SHEAF_OK);
    shf_selector_free(s);
    return passes;
}

static void quantiles_beyond_memory_equal_those_in_memory(void **state)
{
    (void)state;
    double *x = malloc(MANY * sizeof *x), got[N_USUAL], want[N_USUAL];
    assert_non_null(x);
    uint64_t seed = 1;
    for (int kind = 0; kind <= 8; kind++) {
        for (size_t i = 0; i < MANY; i++) x[i] = draw(kind, i, &seed);
        assert_int_equal(sheaf_stats_quantiles(x, MANY, usual, N_USUAL, want, NULL), SHEAF_OK);
        int passes = run(x, MANY, SHF_SELECTOR_MEMORY, usual, N_USUAL, 10007, got);
        for (size_t k = 0; k < N_USUAL; k++) assert_true(got[k] == want[k]);
        assert_in_range(passes, 2, 6);
        if (kind == 0) assert_true(passes <= 3);
        assert_int_equal(run(x, MANY, 8U * MANY * 2, usual, N_USUAL, 999, got), 1);
        for (size_t k = 0; k < N_USUAL; k++) assert_true(got[k] == want[k]);
    }
    free(x);
}

static void many_quantiles_share_little_memory(void **state)
{
    (void)state;
    double *x = malloc(MANY * sizeof *x), p[SHF_SELECTOR_MOST], got[SHF_SELECTOR_MOST], want[SHF_SELECTOR_MOST];
    assert_non_null(x);
    uint64_t seed = 2;
    for (int kind = 0; kind <= 3; kind++) {
        for (size_t i = 0; i < MANY; i++) x[i] = draw(kind, i, &seed);
        for (size_t k = 0; k < SHF_SELECTOR_MOST; k++) p[k] = (double)k / (SHF_SELECTOR_MOST - 1);
        assert_int_equal(sheaf_stats_quantiles(x, MANY, p, SHF_SELECTOR_MOST, want, NULL), SHEAF_OK);
        run(x, MANY, 0, p, SHF_SELECTOR_MOST, 4096, got);
        for (size_t k = 0; k < SHF_SELECTOR_MOST; k++) assert_true(got[k] == want[k]);
    }
    free(x);
}

static void few_values_need_one_pass(void **state)
{
    (void)state;
    const double x[] = {3, 1, 2};
    double got[N_USUAL], want[N_USUAL];
    for (size_t n = 1; n <= 3; n++) {
        assert_int_equal(run(x, n, 0, usual, N_USUAL, 1, got), 1);
        assert_int_equal(sheaf_stats_quantiles(x, n, usual, N_USUAL, want, NULL), SHEAF_OK);
        assert_memory_equal(got, want, sizeof got);
    }
    assert_int_equal(run(x, 0, 0, usual, N_USUAL, 1, got), 1);
    assert_true(isnan(got[0]));
    assert_int_equal(run(x, 3, 0, NULL, 0, 1, got), 1);
}

static void nan_is_absent_or_spreads(void **state)
{
    (void)state;
    const float x[] = {3, NAN, 1, NAN, 2};
    for (int skip = 0; skip < 2; skip++) {
        shf_selector *s;
        bool again;
        double got;
        assert_int_equal(shf_selector_open(usual, 1, 0, skip, &s, NULL), SHEAF_OK);
        assert_int_equal(shf_selector_add(s, SHEAF_F32, x, 5, NULL), SHEAF_OK);
        assert_int_equal(shf_selector_again(s, &again, NULL), SHEAF_OK);
        assert_false(again);
        assert_int_equal(shf_selector_result(s, &got, NULL), SHEAF_OK);
        assert_int_equal(shf_selector_count(s), skip ? 3 : 5);
        assert_true(skip ? got == 2 : isnan(got));
        shf_selector_free(s);
    }
}

static void data_that_changes_between_passes_is_noticed(void **state)
{
    (void)state;
    double *x = malloc(MANY * sizeof *x), out;
    assert_non_null(x);
    uint64_t seed = 3;
    for (size_t i = 0; i < MANY; i++) x[i] = draw(0, i, &seed);
    for (int way = 0; way < 2; way++) {
        shf_selector *s;
        bool again;
        sheaf_error err;
        assert_int_equal(shf_selector_open(usual, 1, 0, false, &s, NULL), SHEAF_OK);
        assert_int_equal(shf_selector_add(s, SHEAF_F64, x, MANY, NULL), SHEAF_OK);
        assert_int_equal(shf_selector_again(s, &again, NULL), SHEAF_OK);
        assert_true(again);
        assert_int_equal(shf_selector_result(s, &out, NULL), SHEAF_ERR_STATE);
        sheaf_status status = SHEAF_OK;
        if (way == 0) status = shf_selector_add(s, SHEAF_F64, x, MANY - 1, &err);
        for (size_t i = 0; way == 1 && i < MANY && !status; i++) { /* as many, but all of them around the median */
            double median = exp(14);
            status = shf_selector_add(s, SHEAF_F64, &median, 1, &err);
        }
        if (!status) status = shf_selector_again(s, &again, &err);
        assert_int_equal(status, SHEAF_ERR_MISMATCH);
        shf_selector_free(s);
    }
    free(x);
}

static void wrong_arguments_and_failed_allocations_are_errors(void **state)
{
    (void)state;
    shf_selector *s;
    const double wrong[] = {2};
    assert_int_equal(shf_selector_open(wrong, 1, 0, false, &s, NULL), SHEAF_ERR_ARGUMENT);
    assert_null(s);
    assert_int_equal(shf_selector_open(usual, SHF_SELECTOR_MOST + 1, 0, false, &s, NULL), SHEAF_ERR_ARGUMENT);
    double *x = malloc(MANY * sizeof *x);
    assert_non_null(x);
    uint64_t seed = 4;
    for (size_t i = 0; i < MANY; i++) x[i] = draw(0, i, &seed);
    int failures = 0;
    for (uint64_t at = 1; at < 200; at++) {
        bool again = true;
        shf_alloc_fail_at(at, 1);
        sheaf_status status = shf_selector_open(usual, N_USUAL, 0, false, &s, NULL);
        while (!status && again) {
            status = shf_selector_add(s, SHEAF_F64, x, MANY, NULL);
            if (!status) status = shf_selector_again(s, &again, NULL);
        }
        shf_alloc_fail_at(0, 0);
        shf_selector_free(s);
        s = NULL;
        if (!status) break;
        assert_int_equal(status, SHEAF_ERR_MEMORY);
        failures++;
    }
    assert_in_range(failures, 10, 100);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_beyond_memory_equal_those_in_memory),
        cmocka_unit_test(many_quantiles_share_little_memory),
        cmocka_unit_test(few_values_need_one_pass),
        cmocka_unit_test(nan_is_absent_or_spreads),
        cmocka_unit_test(data_that_changes_between_passes_is_noticed),
        cmocka_unit_test(wrong_arguments_and_failed_allocations_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

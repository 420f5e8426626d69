// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/dtype.h"

static const sheaf_dtype all[] = {SHEAF_BOOL, SHEAF_I8,  SHEAF_I16, SHEAF_I32, SHEAF_I64, SHEAF_U8,
                                  SHEAF_U16,  SHEAF_U32, SHEAF_U64, SHEAF_F32, SHEAF_F64};
#define N_ALL (sizeof all / sizeof all[0])

static void names_and_numpy_descriptions_are_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_int_equal(sheaf_dtype_parse(sheaf_dtype_name(all[i])), all[i]);
        assert_int_equal(sheaf_dtype_parse(shf_dtype_descr(all[i])), all[i]);
        assert_int_equal(shf_dtype_descr(all[i])[2] - '0', (int)sheaf_dtype_size(all[i]));
    }
    assert_int_equal(sheaf_dtype_parse("f32"), SHEAF_F32);
    assert_int_equal(sheaf_dtype_parse("u16"), SHEAF_U16);
    assert_int_equal(sheaf_dtype_parse("float"), SHEAF_DTYPE_NONE);
    assert_int_equal(sheaf_dtype_parse(">f8"), SHEAF_DTYPE_NONE);
    assert_int_equal(sheaf_dtype_parse(""), SHEAF_DTYPE_NONE);
    assert_int_equal(sheaf_dtype_parse(NULL), SHEAF_DTYPE_NONE);
}

static void an_unknown_dtype_has_no_size(void **state)
{
    (void)state;
    static const sheaf_dtype unknown[] = {SHEAF_DTYPE_NONE, (sheaf_dtype)12, (sheaf_dtype)-1};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sheaf_dtype_size(unknown[i]), 0);
        assert_string_equal(sheaf_dtype_name(unknown[i]), "unknown");
    }
}

static void fill_values_are_the_documented_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        uint8_t bytes[3 * 8];
        memset(bytes, 0x5a, sizeof bytes);
        shf_dtype_fill(all[i], bytes, 2);
        size_t size = sheaf_dtype_size(all[i]);
        for (size_t k = 0; k < 2; k++) {
            uint64_t bits = 0;
            memcpy(&bits, bytes + k * size, size);
            uint64_t expected = all[i] == SHEAF_F32 ? 0x7fc00000u : all[i] == SHEAF_F64 ? 0x7ff8000000000000u : 0;
            assert_true(bits == expected);
        }
        assert_int_equal(bytes[2 * size], 0x5a);
    }
}

static void store_saturates_and_load_gives_the_value(void **state)
{
    (void)state;
    static const struct {
        sheaf_dtype dtype;
        double in, out;
    } rows[] = {
        {SHEAF_BOOL, 3, 1},           {SHEAF_BOOL, 0, 0},          {SHEAF_I8, -129, -128},
        {SHEAF_I8, 1e9, 127},         {SHEAF_I16, -1.9, -1},       {SHEAF_I16, 40000, 32767},
        {SHEAF_I32, 1e10, INT32_MAX}, {SHEAF_I32, (double)NAN, 0}, {SHEAF_U8, -1, 0},
        {SHEAF_U8, 300, 255},         {SHEAF_U16, 65536, 65535},   {SHEAF_U32, 5e9, UINT32_MAX},
        {SHEAF_F32, 0.5, 0.5},        {SHEAF_F64, -1e300, -1e300}, {SHEAF_I64, -9.3e18, -9223372036854775808.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t cell[2] = {0, 0};
        shf_dtype_store(rows[i].dtype, cell, 1, rows[i].in);
        assert_true(shf_dtype_load(rows[i].dtype, cell, 1) == rows[i].out);
        assert_true(shf_dtype_load(rows[i].dtype, cell, 0) == 0);
    }
    int64_t i64;
    uint64_t u64;
    shf_dtype_store(SHEAF_I64, &i64, 0, 1e19);
    shf_dtype_store(SHEAF_U64, &u64, 0, 1e20);
    assert_true(i64 == INT64_MAX && u64 == UINT64_MAX);
    shf_dtype_store(SHEAF_U64, &u64, 0, 18446744073709549568.0);
    assert_true(u64 == 18446744073709549568u);
}

static void every_pair_of_types_converts_as_load_and_store_would(void **state)
{
    (void)state;
    static const double values[] = {0, 1, 2.5, 100, -3, 1e10};
    size_t n = sizeof values / sizeof values[0];
    for (size_t from = 0; from < N_ALL; from++) {
        uint64_t in[8], out[8], expected[8];
        for (size_t k = 0; k < n; k++) shf_dtype_store(all[from], in, k, values[k]);
        for (size_t to = 0; to < N_ALL; to++) {
            for (size_t k = 0; k < n; k++) shf_dtype_store(all[to], expected, k, shf_dtype_load(all[from], in, k));
            shf_dtype_convert(all[from], in, all[to], out, n);
            assert_memory_equal(out, expected, n * sheaf_dtype_size(all[to]));
        }
    }
}

static void a_conversion_to_the_same_type_keeps_every_bit(void **state)
{
    (void)state;
    const uint64_t bits[] = {0x7ff8000000000001u, 0xfff4000000000000u, 0x8000000000000000u, 0x0000000000000001u};
    uint64_t out[4];
    shf_dtype_convert(SHEAF_F64, bits, SHEAF_F64, out, 4);
    assert_memory_equal(out, bits, sizeof bits);
    const int64_t large[] = {INT64_MAX, INT64_MAX - 1, (INT64_C(1) << 53) + 1};
    int64_t same[3];
    shf_dtype_convert(SHEAF_I64, large, SHEAF_I64, same, 3);
    assert_memory_equal(same, large, sizeof large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numpy_descriptions_are_read_back),
        cmocka_unit_test(an_unknown_dtype_has_no_size),
        cmocka_unit_test(fill_values_are_the_documented_bits),
        cmocka_unit_test(store_saturates_and_load_gives_the_value),
        cmocka_unit_test(every_pair_of_types_converts_as_load_and_store_would),
        cmocka_unit_test(a_conversion_to_the_same_type_keeps_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/npy.h"

/* A file of the given version with this dictionary; returns its size. */
static size_t build(uint8_t *to, unsigned version, const char *dictionary)
{
    size_t n = strlen(dictionary), at = version == 1 ? 10 : 12;
    memcpy(to, "\x93NUMPY", 6);
    to[6] = (uint8_t)version;
    to[7] = 0;
    to[8] = (uint8_t)n;
    to[9] = (uint8_t)(n >> 8);
    to[10] = to[11] = 0;
    memcpy(to + at, dictionary, n);
    return at + n;
}

static sheaf_status parse(unsigned version, const char *dictionary, shf_npy_header *h, sheaf_error *err)
{
    uint8_t bytes[1024];
    size_t n = build(bytes, version, dictionary);
    uint8_t *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    sheaf_status status = shf_npy_parse(copy, n, h, err);
    free(copy);
    return status;
}

static void all_versions_are_read(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 3; version++) {
        shf_npy_header h;
        assert_int_equal(parse(version, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n", &h, NULL), SHEAF_OK);
        assert_int_equal(h.dtype, SHEAF_F64);
        assert_false(h.big_endian);
        assert_false(h.fortran_order);
        assert_int_equal(h.ndim, 2);
        assert_int_equal(h.shape[0], 3);
        assert_int_equal(h.shape[1], 4);
        assert_int_equal(h.count, 12);
        assert_int_equal(h.data_size, 96);
        assert_int_equal(h.header_size, (version == 1 ? 10 : 12) + 63);
    }
}

static void literals_may_be_written_otherwise(void **state)
{
    (void)state;
    shf_npy_header h;
    assert_int_equal(parse(1, "{\"shape\":(),\"fortran_order\":True,\"descr\":\"|u1\"}", &h, NULL), SHEAF_OK);
    assert_int_equal(h.ndim, 0);
    assert_int_equal(h.count, 1);
    assert_false(h.fortran_order);
    assert_int_equal(parse(1, " { 'shape' : ( 7L , ) , 'descr':'>i4','fortran_order':False}", &h, NULL), SHEAF_OK);
    assert_int_equal(h.ndim, 1);
    assert_int_equal(h.shape[0], 7);
    assert_int_equal(h.dtype, SHEAF_I32);
    assert_true(h.big_endian);
    assert_int_equal(parse(1, "{'descr':'=f4','fortran_order':True,'shape':(0,5)}", &h, NULL), SHEAF_OK);
    assert_true(h.fortran_order);
    assert_int_equal(h.count, 0);
    assert_int_equal(h.data_size, 0);
    assert_int_equal(parse(1, "{'descr':'>b1','fortran_order':False,'shape':(2,)}", &h, NULL), SHEAF_OK);
    assert_int_equal(h.dtype, SHEAF_BOOL);
    assert_false(h.big_endian);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *message;
        sheaf_status status;
    } cases[] = {
        {"{'descr': '<c16', 'fortran_order': False, 'shape': (3,)}", "'<c16'", SHEAF_ERR_UNSUPPORTED},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "'|O'", SHEAF_ERR_UNSUPPORTED},
        {"{'descr': '|f8', 'fortran_order': False, 'shape': (3,)}", "'|f8'", SHEAF_ERR_UNSUPPORTED},
        {"{'descr': '', 'fortran_order': False, 'shape': (3,)}", "''", SHEAF_ERR_UNSUPPORTED},
        {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}", "structured", SHEAF_ERR_UNSUPPORTED},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", "dimensions", SHEAF_ERR_UNSUPPORTED},
        {"{'descr': '<f8', 'fortran_order': False}", "lacks", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'descr': '<f8', 'shape': (1,)}", "twice", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3)}", "comma", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}", "a length", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}", "True or False", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'x': 1}", "unknown key 'x'", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x", "the end", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)", "closing brace", SHEAF_ERR_INPUT},
        {"{'descr': '<f8", "closing quote", SHEAF_ERR_INPUT},
        {"", "a dictionary", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "too large", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", "too large", SHEAF_ERR_INPUT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551616,)}", "below 2^64", SHEAF_ERR_INPUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shf_npy_header h;
        sheaf_error err = {0};
        assert_int_equal(parse(1, cases[i].dictionary, &h, &err), cases[i].status);
        if (!strstr(err.message, cases[i].message)) fail_msg("%s: %s", cases[i].dictionary, err.message);
    }
}

static void other_files_and_short_files_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t n = build(bytes, 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n"), size;
    shf_npy_header h;
    for (size_t cut = 0; cut < n; cut++) assert_int_equal(shf_npy_parse(bytes, cut, &h, NULL), SHEAF_ERR_TRUNCATED);
    assert_int_equal(shf_npy_header_size(bytes, 12, &size, NULL), SHEAF_OK);
    assert_int_equal(size, n);
    bytes[6] = 4;
    assert_int_equal(shf_npy_header_size(bytes, n, &size, NULL), SHEAF_ERR_INPUT);
    bytes[6] = 2;
    bytes[11] = 0x7f;
    assert_int_equal(shf_npy_header_size(bytes, n, &size, NULL), SHEAF_ERR_INPUT);
    assert_int_equal(shf_npy_header_size("PK\3\4", 4, &size, NULL), SHEAF_ERR_INPUT);
}

static void what_is_written_reads_back_at_a_fixed_size(void **state)
{
    (void)state;
    for (int dtype = SHEAF_BOOL; dtype <= SHEAF_F64; dtype++) {
        for (unsigned ndim = 0; ndim <= SHEAF_MAX_NDIM; ndim++) {
            shf_npy_header h = {.dtype = (sheaf_dtype)dtype, .ndim = ndim, .fortran_order = ndim > 1, .big_endian = dtype % 2}, back;
            for (unsigned d = 0; d < ndim; d++) h.shape[d] = d + 2;
            uint8_t bytes[SHF_NPY_HEADER_SIZE];
            assert_int_equal(shf_npy_format(&h, bytes, sizeof bytes, NULL), SHEAF_OK);
            assert_int_equal(shf_npy_parse(bytes, sizeof bytes, &back, NULL), SHEAF_OK);
            assert_int_equal(back.header_size, sizeof bytes);
            assert_int_equal(back.dtype, h.dtype);
            assert_int_equal(back.ndim, ndim);
            assert_memory_equal(back.shape, h.shape, sizeof h.shape);
            assert_int_equal(back.fortran_order, h.fortran_order);
            assert_int_equal(back.big_endian, h.big_endian && sheaf_dtype_size(h.dtype) > 1);
        }
    }
}

static void the_largest_shape_fits_the_fixed_size(void **state)
{
    (void)state;
    shf_npy_header h = {.dtype = SHEAF_F64, .ndim = SHEAF_MAX_NDIM, .fortran_order = false};
    for (unsigned d = 0; d < SHEAF_MAX_NDIM; d++) h.shape[d] = UINT64_MAX;
    uint8_t bytes[SHF_NPY_HEADER_SIZE];
    assert_int_equal(shf_npy_format(&h, bytes, sizeof bytes, NULL), SHEAF_OK);
    assert_int_equal(bytes[sizeof bytes - 1], '\n');
    assert_int_equal(shf_npy_format(&h, bytes, 128, NULL), SHEAF_ERR_RANGE);
    assert_int_equal(shf_npy_format(&h, bytes, 200, NULL), SHEAF_ERR_RANGE);
    h.ndim = 9;
    assert_int_equal(shf_npy_format(&h, bytes, sizeof bytes, NULL), SHEAF_ERR_ARGUMENT);
    h.ndim = 1;
    h.dtype = SHEAF_DTYPE_NONE;
    assert_int_equal(shf_npy_format(&h, bytes, sizeof bytes, NULL), SHEAF_ERR_ARGUMENT);
}

static void the_least_header_is_what_numpy_saves(void **state)
{
    (void)state;
    /* numpy.save of zeros((3, 4)), byte for byte */
    shf_npy_header h = {.dtype = SHEAF_F64, .ndim = 2, .shape = {3, 4}};
    uint8_t bytes[128], want[128];
    assert_int_equal(shf_npy_least_size(&h), 128);
    assert_int_equal(shf_npy_format(&h, bytes, 128, NULL), SHEAF_OK);
    memset(want, ' ', sizeof want);
    memcpy(want, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }", 69);
    want[127] = '\n';
    assert_memory_equal(bytes, want, 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_versions_are_read),
        cmocka_unit_test(literals_may_be_written_otherwise),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(other_files_and_short_files_are_refused),
        cmocka_unit_test(what_is_written_reads_back_at_a_fixed_size),
        cmocka_unit_test(the_largest_shape_fits_the_fixed_size),
        cmocka_unit_test(the_least_header_is_what_numpy_saves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

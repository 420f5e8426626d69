// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "backend/schema.h"

static sheaf_schema *schema_with_dimensions(void)
{
    sheaf_schema *schema = NULL;
    assert_int_equal(sheaf_schema_create(&schema, NULL), SHEAF_OK);
    assert_int_equal(sheaf_schema_add_dimension(schema, "time", SHEAF_GROWS, NULL), SHEAF_OK);
    assert_int_equal(sheaf_schema_add_dimension(schema, "d", 3, NULL), SHEAF_OK);
    assert_int_equal(sheaf_schema_add_dimension(schema, "trajectory", 100000, NULL), SHEAF_OK);
    return schema;
}

static sheaf_status add(sheaf_schema *schema, const char *name, sheaf_dtype dtype, int ndim, const char *const *dimensions,
                        sheaf_error *err)
{
    sheaf_array_spec spec = sheaf_array_spec_init(name, dtype, ndim, dimensions);
    return sheaf_schema_add_array(schema, &spec, err);
}

static void names_that_could_leave_the_store_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a\nb", "0123456789012345678901234567890123456789012345678901234567890123"};
    sheaf_schema *schema = schema_with_dimensions();
    sheaf_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(add(schema, bad[i], SHEAF_F64, 1, (const char *[]){"time"}, &err), SHEAF_ERR_ARGUMENT);
        assert_int_equal(sheaf_schema_add_dimension(schema, bad[i], 3, &err), SHEAF_ERR_ARGUMENT);
    }
    assert_int_equal(add(schema, NULL, SHEAF_F64, 1, (const char *[]){"time"}, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(add(schema, "load.2030 Zürich", SHEAF_F64, 1, (const char *[]){"time"}, &err), SHEAF_OK);
    sheaf_schema_free(&schema);
}

static void a_wrong_array_is_refused_and_leaves_the_schema_as_it_was(void **state)
{
    (void)state;
    sheaf_schema *schema = schema_with_dimensions();
    sheaf_error err;
    const double values[3] = {1, 2, 3};
    assert_int_equal(add(schema, "y", SHEAF_F64, 1, (const char *[]){"time"}, &err), SHEAF_OK);
    assert_int_equal(add(schema, "y", SHEAF_F64, 1, (const char *[]){"time"}, &err), SHEAF_ERR_EXISTS);
    assert_int_equal(add(schema, "z", (sheaf_dtype)99, 1, (const char *[]){"time"}, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(add(schema, "z", SHEAF_F64, 0, NULL, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(add(schema, "z", SHEAF_F64, 1, (const char *[]){"nowhere"}, &err), SHEAF_ERR_NOT_FOUND);
    assert_int_equal(add(schema, "z", SHEAF_F64, 2, (const char *[]){"d", "time"}, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(add(schema, "z", SHEAF_F64, 1, (const char *[]){"d"}, &err), SHEAF_ERR_ARGUMENT); /* fixed, but without values */
    sheaf_array_spec spec = sheaf_array_spec_init("z", SHEAF_F64, 1, (const char *[]){"time"});
    spec.values = values;
    assert_int_equal(sheaf_schema_add_array(schema, &spec, &err), SHEAF_ERR_ARGUMENT); /* growing, but with values */
    spec.values = NULL;
    spec.attributes_json = "[1]";
    assert_int_equal(sheaf_schema_add_array(schema, &spec, &err), SHEAF_ERR_ARGUMENT);
    spec.attributes_json = NULL;
    spec.chunk[0] = UINT64_MAX / 4;
    assert_int_equal(sheaf_schema_add_array(schema, &spec, &err), SHEAF_ERR_RANGE);
    assert_int_equal(schema->layout.n_arrays, 1);
    assert_int_equal(sheaf_schema_add_dimension(schema, "d", 4, &err), SHEAF_ERR_MISMATCH);
    assert_int_equal(sheaf_schema_add_dimension(schema, "d", 3, &err), SHEAF_OK);
    assert_int_equal(sheaf_schema_add_dimension(schema, "none", 0, &err), SHEAF_ERR_ARGUMENT);
    sheaf_schema_free(&schema);
}

static void chunks_are_whole_rows_when_narrow_and_cut_on_both_axes_when_wide(void **state)
{
    (void)state;
    sheaf_schema *schema = schema_with_dimensions();
    assert_int_equal(add(schema, "scalar", SHEAF_F64, 1, (const char *[]){"time"}, NULL), SHEAF_OK);
    assert_int_equal(add(schema, "narrow", SHEAF_F32, 2, (const char *[]){"time", "d"}, NULL), SHEAF_OK);
    assert_int_equal(add(schema, "wide", SHEAF_F32, 2, (const char *[]){"time", "trajectory"}, NULL), SHEAF_OK);
    assert_int_equal(add(schema, "deep", SHEAF_F32, 3, (const char *[]){"time", "d", "trajectory"}, NULL), SHEAF_OK);
    const shf_array *a = schema->layout.arrays;
    assert_int_equal(a[0].chunk[0], 131072);
    assert_true(a[1].chunk[0] == 87381 && a[1].chunk[1] == 3 && a[1].n_columns == 1);
    assert_true(a[2].chunk[0] == 16 && a[2].chunk[1] == 2048 && a[2].n_columns == 49);
    assert_true(a[3].chunk[0] == 16 && a[3].chunk[1] == 1 && a[3].chunk[2] == 2048 && a[3].n_columns == 147);
    assert_int_equal(a[2].chunk_bytes, 16 * 2048 * 4);
    uint64_t at[SHEAF_MAX_NDIM] = {0};
    shf_array_column(&a[3], 50, at);
    assert_true(at[1] == 1 && at[2] == 1);
    sheaf_schema_free(&schema);
}

static void codec_names_are_known_and_others_listed(void **state)
{
    (void)state;
    sheaf_codec codec;
    sheaf_error err;
    for (int i = SHEAF_CODEC_DEFAULT; i <= SHEAF_CODEC_GZIP; i++) {
        assert_int_equal(sheaf_codec_parse(sheaf_codec_name((sheaf_codec)i), &codec, &err), SHEAF_OK);
        assert_int_equal(codec, i);
    }
    assert_int_equal(sheaf_codec_parse("lzma", &codec, &err), SHEAF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "blosc, zstd, gzip"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_could_leave_the_store_are_refused),
        cmocka_unit_test(a_wrong_array_is_refused_and_leaves_the_schema_as_it_was),
        cmocka_unit_test(chunks_are_whole_rows_when_narrow_and_cut_on_both_axes_when_wide),
        cmocka_unit_test(codec_names_are_known_and_others_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "format/zarr_metadata.h"

#define CODECS "[{\"name\": \"bytes\", \"configuration\": {\"endian\": \"little\"}}]"

/* Text of an array's document with some members replaced: NULL keeps the usual one. */
static json_t *document(const char *shape, const char *chunk, const char *dtype, const char *fill, const char *codecs, const char *more)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "{\"zarr_format\": 3, \"node_type\": \"array\", \"shape\": %s, \"data_type\": %s, \"chunk_grid\": {\"name\": \"regular\", "
        "\"configuration\": {\"chunk_shape\": %s}}, \"chunk_key_encoding\": {\"name\": \"default\"}, \"fill_value\": %s, \"codecs\": %s%s}",
        shape ? shape : "[10, 4]", dtype ? dtype : "\"float64\"", chunk ? chunk : "[5, 2]", fill ? fill : "0", codecs ? codecs : CODECS,
        more ? more : "");
    json_t *node;
    sheaf_error err;
    if (shf_zarr_parse_json(text, strlen(text), &node, &err) != SHEAF_OK) fail_msg("%s", err.message);
    return node;
}

static sheaf_status parse(json_t *node, shf_zarr_array *array, sheaf_error *err)
{
    sheaf_status status = shf_zarr_parse_array(node, array, err);
    json_decref(node);
    return status;
}

static void expect(sheaf_status expected, const char *word, json_t *node)
{
    shf_zarr_array array;
    sheaf_error err = {0};
    sheaf_status status = parse(node, &array, &err);
    if (status != expected || !strstr(err.message, word)) fail_msg("%d instead of %d: %s (no \"%s\")", status, expected, err.message, word);
    shf_zarr_array_free(&array);
}

static void hostile_documents_are_refused_by_name(void **unused)
{
    (void)unused;
    expect(SHEAF_ERR_INPUT, "shape", document("[-1, 4]", NULL, NULL, NULL, NULL, NULL));
    expect(SHEAF_ERR_INPUT, "shape", document("[99999999999999999999, 4]", NULL, NULL, NULL, NULL, NULL));
    expect(SHEAF_ERR_INPUT, "shape", document("[1.5, 4]", NULL, NULL, NULL, NULL, NULL));
    expect(SHEAF_ERR_INPUT, "shape", document("{}", NULL, NULL, NULL, NULL, NULL));
    expect(SHEAF_ERR_UNSUPPORTED, "9 dimensions", document("[1,1,1,1,1,1,1,1,1]", NULL, NULL, NULL, NULL, NULL));
    expect(SHEAF_ERR_INPUT, "chunk_shape", document(NULL, "[5, 0]", NULL, NULL, NULL, NULL));
    expect(SHEAF_ERR_INPUT, "chunk_shape", document(NULL, "[5]", NULL, NULL, NULL, NULL));
    expect(SHEAF_ERR_UNSUPPORTED, "complex64", document(NULL, NULL, "\"complex64\"", NULL, NULL, NULL));
    expect(SHEAF_ERR_UNSUPPORTED, "numpy.datetime64", document(NULL, NULL, "{\"name\": \"numpy.datetime64\"}", NULL, NULL, NULL));
    expect(SHEAF_ERR_INPUT, "fill_value", document(NULL, NULL, "\"int8\"", "128", NULL, NULL));
    expect(SHEAF_ERR_INPUT, "fill_value", document(NULL, NULL, "\"uint8\"", "-1", NULL, NULL));
    expect(SHEAF_ERR_INPUT, "fill_value", document(NULL, NULL, NULL, "\"0x00\"", NULL, NULL));
    expect(SHEAF_ERR_INPUT, "codecs", document(NULL, NULL, NULL, NULL, "[]", NULL));
    expect(SHEAF_ERR_INPUT, "endian", document(NULL, NULL, NULL, NULL, "[\"bytes\"]", NULL));
    expect(SHEAF_ERR_UNSUPPORTED, "vlen-utf8", document(NULL, NULL, NULL, NULL, "[\"vlen-utf8\"]", NULL));
    expect(SHEAF_ERR_INPUT, "permutation",
           document(NULL, NULL, NULL, NULL, "[{\"name\": \"transpose\", \"configuration\": {\"order\": [0, 0]}}, \"bytes\"]", NULL));
    expect(SHEAF_ERR_INPUT, "permutation",
           document(NULL, NULL, NULL, NULL, "[{\"name\": \"transpose\", \"configuration\": {\"order\": [0, 1, 2]}}, \"bytes\"]", NULL));
    expect(SHEAF_ERR_INPUT, "no multiple",
           document(NULL, NULL, NULL, NULL, "[{\"name\": \"sharding_indexed\", \"configuration\": {\"chunk_shape\": [2, 2]}}]", NULL));
    expect(SHEAF_ERR_UNSUPPORTED, "novelty", document(NULL, NULL, NULL, NULL, NULL, ", \"novelty\": {}"));
    expect(SHEAF_ERR_UNSUPPORTED, "storage_transformers", document(NULL, NULL, NULL, NULL, NULL, ", \"storage_transformers\": [1]"));
}

static void what_need_not_be_understood_is_passed_over(void **unused)
{
    (void)unused;
    shf_zarr_array array;
    sheaf_error err = {0};
    assert_int_equal(parse(document(NULL, NULL, NULL, NULL, NULL, ", \"novelty\": {\"must_understand\": false}"), &array, &err), SHEAF_OK);
    shf_zarr_array_free(&array);
}

static void deep_or_broken_text_is_an_error(void **unused)
{
    (void)unused;
    static char deep[100000];
    memset(deep, '[', sizeof deep);
    json_t *node;
    assert_int_equal(shf_zarr_parse_json(deep, sizeof deep, &node, NULL), SHEAF_ERR_INPUT);
    assert_null(node);
    assert_int_equal(shf_zarr_parse_json("{\"a\": \"", 7, &node, NULL), SHEAF_ERR_INPUT);
    assert_int_equal(shf_zarr_parse_json("", 0, &node, NULL), SHEAF_ERR_INPUT);
}

static void tokens_that_python_writes_are_taken(void **unused)
{
    (void)unused;
    const char *text = "{\"a\": NaN, \"NaN, \\\" \": [-Infinity, 18446744073709551615, 1234567890123456789, 1.5e3, -7]}";
    json_t *node, *list;
    assert_int_equal(shf_zarr_parse_json(text, strlen(text), &node, NULL), SHEAF_OK);
    assert_string_equal(json_string_value(json_object_get(node, "a")), "NaN");
    list = json_object_get(node, "NaN, \" ");
    assert_string_equal(json_string_value(json_array_get(list, 0)), "-Infinity");
    assert_string_equal(json_string_value(json_array_get(list, 1)), "18446744073709551615");
    assert_true(json_real_value(json_array_get(list, 3)) > 1499);
    assert_int_equal(json_integer_value(json_array_get(list, 4)), -7);
    json_decref(node);
}

static void fill_values_of_all_forms(void **unused)
{
    (void)unused;
    static const struct {
        const char *dtype, *text;
        uint64_t bits;
    } cases[] = {{"\"float64\"", "\"NaN\"", 0x7ff8000000000000},   {"\"float64\"", "\"-Infinity\"", 0xfff0000000000000},
                 {"\"float64\"", "1.5", 0x3ff8000000000000},       {"\"float64\"", "\"0x7ff8000000000001\"", 0x7ff8000000000001},
                 {"\"float32\"", "\"0x3f800000\"", 0x3f800000},    {"\"int8\"", "-128", 0xffffffffffffff80},
                 {"\"uint64\"", "18446744073709551615", ~0ull},    {"\"bool\"", "true", 1},
                 {"\"int64\"", "-9223372036854775808", 1ull << 63}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shf_zarr_array array;
        sheaf_error err = {0};
        if (parse(document(NULL, NULL, cases[i].dtype, cases[i].text, "[{\"name\": \"bytes\", \"configuration\": {\"endian\": \"big\"}}]",
                           NULL),
                  &array, &err))
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_true(shf_get_u64(array.fill) == cases[i].bits);
        shf_zarr_array_free(&array);
    }
}

static void transpositions_in_a_row_are_one(void **unused)
{
    (void)unused;
    shf_zarr_array array;
    assert_int_equal(
        parse(document("[2,3,4]", "[2,3,4]", NULL, NULL,
                       "[{\"name\": \"transpose\", \"configuration\": {\"order\": [2,0,1]}}, {\"name\": \"transpose\", "
                       "\"configuration\": {\"order\": \"F\"}}, {\"name\": \"bytes\", \"configuration\": {\"endian\": \"little\"}}]",
                       NULL),
              &array, NULL),
        SHEAF_OK);
    assert_true(array.chain.transposed);
    assert_int_equal(array.chain.order[0], 1);
    assert_int_equal(array.chain.order[1], 0);
    assert_int_equal(array.chain.order[2], 2);
    shf_zarr_array_free(&array);
}

static void keys_of_every_encoding(void **unused)
{
    (void)unused;
    static const uint64_t at[2] = {3, 17};
    static const struct {
        int ndim;
        bool v2;
        char separator;
        const char *key;
    } cases[] = {{2, false, '/', "c/3/17"}, {2, false, '.', "c.3.17"}, {2, true, '.', "3.17"},
                 {2, true, '/', "3/17"},    {0, false, '/', "c"},      {0, true, '.', "0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shf_zarr_array array = {.ndim = cases[i].ndim, .v2_keys = cases[i].v2, .separator = cases[i].separator};
        char key[32];
        assert_int_equal(shf_zarr_key(&array, at, key, sizeof key, NULL), SHEAF_OK);
        assert_string_equal(key, cases[i].key);
        assert_int_equal(shf_zarr_key(&array, at, key, strlen(cases[i].key), NULL), SHEAF_ERR_RANGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_documents_are_refused_by_name),
        cmocka_unit_test(what_need_not_be_understood_is_passed_over),
        cmocka_unit_test(deep_or_broken_text_is_an_error),
        cmocka_unit_test(tokens_that_python_writes_are_taken),
        cmocka_unit_test(fill_values_of_all_forms),
        cmocka_unit_test(transpositions_in_a_row_are_one),
        cmocka_unit_test(keys_of_every_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "format/json_text.h"

static void escapes_to(const char *text, size_t n, const char *want)
{
    shf_buf buf = {0};
    assert_int_equal(shf_json_string(&buf, text, n, NULL), SHEAF_OK);
    assert_int_equal(buf.size, strlen(want));
    assert_memory_equal(buf.data, want, buf.size);
    shf_buf_free(&buf);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    escapes_to("", 0, "\"\"");
    escapes_to("plain / text", 12, "\"plain / text\"");
    escapes_to("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    escapes_to("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    escapes_to("\0\x01\x0b\x1f\x7f", 5, "\"\\u0000\\u0001\\u000b\\u001f\\u007f\"");
    escapes_to("\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb2", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb2\"");
}

#define BAD "\xef\xbf\xbd"

static void invalid_utf8_is_replaced(void **state)
{
    (void)state;
    escapes_to("a\xff"
               "b",
               3, "\"a" BAD "b\"");
    escapes_to("\x80", 1, "\"" BAD "\"");
    escapes_to("\xc0\xaf", 2, "\"" BAD BAD "\"");         /* overlong */
    escapes_to("\xe0\x9f\xbf", 3, "\"" BAD BAD BAD "\""); /* overlong */
    escapes_to("\xed\xa0\x80", 3, "\"" BAD BAD BAD "\""); /* surrogate */
    escapes_to("\xf0\x8f\xbf\xbf", 4, "\"" BAD BAD BAD BAD "\"");
    escapes_to("\xf4\x90\x80\x80", 4, "\"" BAD BAD BAD BAD "\"");
    escapes_to("\xf5\x80\x80\x80", 4, "\"" BAD BAD BAD BAD "\"");
    escapes_to("\xe2\x82", 2, "\"" BAD BAD "\""); /* cut off */
    escapes_to("\xc3\"", 2, "\"" BAD "\\\"\"");
    escapes_to("\xf4\x8f\xbf\xbf", 4, "\"\xf4\x8f\xbf\xbf\"");
}

static void any_bytes_give_a_string_that_a_parser_takes(void **state)
{
    (void)state;
    char text[3];
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            text[0] = (char)a;
            text[1] = (char)b;
            text[2] = 'x';
            shf_buf buf = {0};
            assert_int_equal(shf_json_string(&buf, text, 3, NULL), SHEAF_OK);
            json_t *back = json_loadb((const char *)buf.data, buf.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            assert_non_null(back);
            if (a < 128 && b < 128) {
                assert_int_equal(json_string_length(back), 3);
                assert_memory_equal(json_string_value(back), text, 3);
            }
            json_decref(back);
            shf_buf_free(&buf);
        }
    }
}

static void numbers_are_json(void **state)
{
    (void)state;
    shf_buf buf = {0};
    const double d[] = {1, -0.5, 1e22, 1e-7, INFINITY, -INFINITY, (double)NAN};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(shf_json_value(&buf, SHEAF_F64, d, i, SHF_JSON_NULL, NULL), SHEAF_OK);
        assert_int_equal(shf_buf_append(&buf, " ", 1, NULL), SHEAF_OK);
    }
    for (size_t i = 4; i < 7; i++) {
        const float f[] = {(float)d[i]};
        assert_int_equal(shf_json_value(&buf, SHEAF_F32, f, 0, SHF_JSON_STRING, NULL), SHEAF_OK);
        assert_int_equal(shf_buf_append(&buf, " ", 1, NULL), SHEAF_OK);
    }
    const char *want = "1 -0.5 1e+22 1e-07 null null null \"inf\" \"-inf\" \"nan\" ";
    assert_int_equal(buf.size, strlen(want));
    assert_memory_equal(buf.data, want, buf.size);
    shf_buf_free(&buf);
}

static void every_type_is_written(void **state)
{
    (void)state;
    shf_buf buf = {0};
    const uint8_t bytes[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    for (int dtype = SHEAF_BOOL; dtype <= SHEAF_U64; dtype++) {
        assert_int_equal(shf_json_value(&buf, (sheaf_dtype)dtype, bytes, 0, SHF_JSON_NULL, NULL), SHEAF_OK);
        assert_int_equal(shf_buf_append(&buf, " ", 1, NULL), SHEAF_OK);
    }
    const float tenth = 0.1F;
    const uint8_t no = 0;
    assert_int_equal(shf_json_value(&buf, SHEAF_F32, &tenth, 0, SHF_JSON_NULL, NULL), SHEAF_OK);
    assert_int_equal(shf_json_value(&buf, SHEAF_BOOL, &no, 0, SHF_JSON_NULL, NULL), SHEAF_OK);
    assert_int_equal(shf_json_value(&buf, SHEAF_DTYPE_NONE, bytes, 0, SHF_JSON_NULL, NULL), SHEAF_ERR_ARGUMENT);
    const char *want = "true -1 -1 -1 -1 255 65535 4294967295 18446744073709551615 0.1false";
    assert_int_equal(buf.size, strlen(want));
    assert_memory_equal(buf.data, want, buf.size);
    shf_buf_free(&buf);
}

static void a_failed_allocation_is_an_error(void **state)
{
    (void)state;
    shf_buf buf = {0};
    shf_alloc_fail_at(1, 1);
    assert_int_equal(shf_json_string(&buf, "x", 1, NULL), SHEAF_ERR_MEMORY);
    assert_int_equal(shf_json_f64(&buf, 1, SHF_JSON_NULL, NULL), SHEAF_ERR_MEMORY);
    assert_int_equal(shf_json_i64(&buf, 1, NULL), SHEAF_ERR_MEMORY);
    shf_alloc_fail_at(0, 0);
    shf_buf_free(&buf);
}

static void reals_are_shortened_and_stay_reals(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {{"{\"rate\":0.074999999999999997,\"n\":[1,-2,2.0,-0.0,1e22]}", "{\"rate\":0.075,\"n\":[1,-2,2.0,-0.0,1e+22]}"},
                {"{\"0.074999999999999997\":\"a\\\"0.10000000000000001\",\"b\":true}",
                 "{\"0.074999999999999997\":\"a\\\"0.10000000000000001\",\"b\":true}"},
                {"0.10000000000000001", "0.1"},
                {"12345678901234567890", "12345678901234567890"},
                {"null", "null"},
                {"", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        shf_buf buf = {0};
        assert_int_equal(shf_json_shorten(&buf, rows[i].from, NULL), SHEAF_OK);
        assert_int_equal(shf_buf_append(&buf, "", 1, NULL), SHEAF_OK);
        assert_string_equal((char *)buf.data, rows[i].to);
        shf_buf_free(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(any_bytes_give_a_string_that_a_parser_takes),
        cmocka_unit_test(numbers_are_json),
        cmocka_unit_test(every_type_is_written),
        cmocka_unit_test(reals_are_shortened_and_stay_reals),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

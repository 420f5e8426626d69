// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "format/parquet/thrift.h"

/* One struct with a field of every kind that the writer knows. */
static void write_sample(shf_buf *buf)
{
    shf_thrift_out writer = {.buf = buf}, *t = &writer;
    shf_thrift_put_i32(t, 1, -7);
    shf_thrift_put_i64(t, 2, INT64_MIN);
    shf_thrift_put_i16(t, 40, 300); /* a step above 15 */
    shf_thrift_put_bool(t, 41, true);
    shf_thrift_put_bool(t, 42, false);
    shf_thrift_put_binary(t, 43, "abc", 3);
    shf_thrift_begin_struct(t, 44);
    shf_thrift_put_i8(t, 1, 5);
    shf_thrift_end_struct(t);
    shf_thrift_put_list(t, 45, SHF_THRIFT_I64, 20); /* 15 and more have their number behind the head */
    for (int64_t i = 0; i < 20; i++) shf_thrift_put_raw_zigzag(t, i * i * i * 1000 - 9);
    shf_thrift_put_list(t, 46, SHF_THRIFT_TRUE, 2);
    shf_thrift_put_raw_varint(t, 1);
    shf_thrift_put_raw_varint(t, 2);
    shf_thrift_put_list(t, 47, SHF_THRIFT_STRUCT, 1);
    shf_thrift_begin_element(t);
    shf_thrift_put_i32(t, 3, 1 << 30);
    shf_thrift_end_struct(t);
    shf_thrift_end_struct(t);
    assert_false(writer.failed);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    shf_buf buf = {0};
    write_sample(&buf);
    shf_thrift reader = {buf.data, buf.data + buf.size, false}, *t = &reader;
    uint8_t type, element;
    int id = 0, seen = 0;
    size_t size;
    while (shf_thrift_field(t, &id, &type)) {
        seen++;
        switch (id) {
        case 1: assert_int_equal(shf_thrift_i32(t, type), -7); break;
        case 2: assert_true(shf_thrift_int(t, type) == INT64_MIN); break;
        case 40: assert_int_equal(shf_thrift_int(t, type), 300); break;
        case 41: assert_true(shf_thrift_bool(t, type)); break;
        case 42: assert_false(shf_thrift_bool(t, type)); break;
        case 43: assert_memory_equal(shf_thrift_binary(t, type, &size), "abc", 3); break;
        case 45:
            assert_int_equal(shf_thrift_list(t, type, &element), 20);
            for (int64_t i = 0; i < 20; i++) assert_true(shf_thrift_int(t, element) == i * i * i * 1000 - 9);
            break;
        default: shf_thrift_skip(t, type);
        }
    }
    assert_int_equal(seen, 10);
    assert_false(reader.bad);
    assert_ptr_equal(reader.p, reader.end);
    shf_buf_free(&buf);
}

static void skipping_a_struct_ends_where_reading_it_does(void **state)
{
    (void)state;
    shf_buf buf = {0};
    write_sample(&buf);
    size_t one = buf.size;
    assert_int_equal(shf_buf_append(&buf, "0123456789abcdef", 16, NULL), SHEAF_OK);
    shf_thrift t = {buf.data, buf.data + buf.size, false};
    shf_thrift_skip(&t, SHF_THRIFT_STRUCT);
    assert_false(t.bad);
    assert_int_equal(t.p - buf.data, one);
    shf_buf_free(&buf);
}

static void every_cut_is_a_fault(void **state)
{
    (void)state;
    shf_buf buf = {0};
    write_sample(&buf);
    for (size_t n = 0; n < buf.size; n++) {
        shf_thrift t = {buf.data, buf.data + n, false};
        shf_thrift_skip(&t, SHF_THRIFT_STRUCT);
        assert_true(t.bad);
        assert_ptr_equal(t.p, t.end);
    }
    shf_buf_free(&buf);
}

static void hostile_sizes_and_depths_are_faults(void **state)
{
    (void)state;
    static const uint8_t long_list[] = {0x19, 0xF6, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0};
    static const uint8_t long_binary[] = {0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 'a', 0};
    static const uint8_t long_varint[] = {0x16, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t map[] = {0x1B, 0xFF, 0xFF, 0x7F, 0x88, 0};
    static const uint8_t unknown[] = {0x1E, 0};
    const struct {
        const uint8_t *bytes;
        size_t n;
    } cases[] = {{long_list, sizeof long_list},
                 {long_binary, sizeof long_binary},
                 {long_varint, sizeof long_varint},
                 {map, sizeof map},
                 {unknown, sizeof unknown}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shf_thrift t = {cases[i].bytes, cases[i].bytes + cases[i].n, false};
        shf_thrift_skip(&t, SHF_THRIFT_STRUCT);
        assert_true(t.bad);
    }
    uint8_t deep[100];
    memset(deep, 0x1C, sizeof deep); /* a struct in a struct in ... */
    shf_thrift t = {deep, deep + sizeof deep, false};
    shf_thrift_skip(&t, SHF_THRIFT_STRUCT);
    assert_true(t.bad);
}

static void a_field_of_another_type_is_a_fault(void **state)
{
    (void)state;
    static const uint8_t bytes[16] = {2, 2, 2};
    size_t size;
    uint8_t element;
    shf_thrift t = {bytes, bytes + sizeof bytes, false};
    assert_int_equal(shf_thrift_int(&t, SHF_THRIFT_BINARY), 0);
    assert_true(t.bad);
    t = (shf_thrift){bytes, bytes + sizeof bytes, false};
    (void)shf_thrift_binary(&t, SHF_THRIFT_I32, &size);
    assert_true(t.bad && size == 0);
    t = (shf_thrift){bytes, bytes + sizeof bytes, false};
    assert_int_equal(shf_thrift_list(&t, SHF_THRIFT_STRUCT, &element), 0);
    assert_true(t.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(skipping_a_struct_ends_where_reading_it_does),
        cmocka_unit_test(every_cut_is_a_fault),
        cmocka_unit_test(hostile_sizes_and_depths_are_faults),
        cmocka_unit_test(a_field_of_another_type_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

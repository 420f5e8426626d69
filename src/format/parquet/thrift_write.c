// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/thrift.h"

static void put(shf_thrift_out *t, const void *bytes, size_t n)
{
    if (shf_buf_append(t->buf, bytes, n, NULL) != SHEAF_OK) t->failed = true;
}

void shf_thrift_put_raw_varint(shf_thrift_out *t, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    put(t, bytes, n);
}

void shf_thrift_put_raw_zigzag(shf_thrift_out *t, int64_t value)
{
    shf_thrift_put_raw_varint(t, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

void shf_thrift_put_raw_binary(shf_thrift_out *t, const void *bytes, size_t n)
{
    shf_thrift_put_raw_varint(t, n);
    put(t, bytes, n);
}

static void put_field(shf_thrift_out *t, int id, shf_thrift_type type)
{
    int step = id - t->last_id[t->depth];
    t->last_id[t->depth] = id;
    if (step > 0 && step <= 15) {
        put(t, &(uint8_t){(uint8_t)(step << 4 | (int)type)}, 1);
        return;
    }
    put(t, &(uint8_t){(uint8_t)type}, 1);
    shf_thrift_put_raw_zigzag(t, id);
}

void shf_thrift_put_i16(shf_thrift_out *t, int id, int16_t value)
{
    put_field(t, id, SHF_THRIFT_I16);
    shf_thrift_put_raw_zigzag(t, value);
}

void shf_thrift_put_i8(shf_thrift_out *t, int id, int8_t value)
{
    put_field(t, id, SHF_THRIFT_BYTE);
    put(t, &value, 1);
}

void shf_thrift_put_i32(shf_thrift_out *t, int id, int32_t value)
{
    put_field(t, id, SHF_THRIFT_I32);
    shf_thrift_put_raw_zigzag(t, value);
}

void shf_thrift_put_i64(shf_thrift_out *t, int id, int64_t value)
{
    put_field(t, id, SHF_THRIFT_I64);
    shf_thrift_put_raw_zigzag(t, value);
}

void shf_thrift_put_bool(shf_thrift_out *t, int id, bool value)
{
    put_field(t, id, value ? SHF_THRIFT_TRUE : SHF_THRIFT_FALSE);
}

void shf_thrift_put_binary(shf_thrift_out *t, int id, const void *bytes, size_t n)
{
    put_field(t, id, SHF_THRIFT_BINARY);
    shf_thrift_put_raw_binary(t, bytes, n);
}

void shf_thrift_put_list(shf_thrift_out *t, int id, shf_thrift_type element_type, size_t n)
{
    put_field(t, id, SHF_THRIFT_LIST);
    if (n < 15) {
        put(t, &(uint8_t){(uint8_t)(n << 4 | (size_t)element_type)}, 1);
        return;
    }
    put(t, &(uint8_t){(uint8_t)(0xF0 | element_type)}, 1);
    shf_thrift_put_raw_varint(t, n);
}

void shf_thrift_begin_element(shf_thrift_out *t)
{
    if (t->depth + 1 >= sizeof t->last_id / sizeof *t->last_id) {
        t->failed = true;
        return;
    }
    t->last_id[++t->depth] = 0;
}

void shf_thrift_begin_struct(shf_thrift_out *t, int id)
{
    put_field(t, id, SHF_THRIFT_STRUCT);
    shf_thrift_begin_element(t);
}

void shf_thrift_end_struct(shf_thrift_out *t)
{
    put(t, &(uint8_t){SHF_THRIFT_STOP}, 1);
    if (t->depth > 0) t->depth--;
}

// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/thrift.h"

#include "base/checked.h"

enum { MAX_DEPTH = 16 };

int64_t shf_thrift_int(shf_thrift *t, uint8_t type)
{
    if (type < SHF_THRIFT_I16 || type > SHF_THRIFT_I64) shf_thrift_fault(t);
    return shf_thrift_zigzag(t);
}

int32_t shf_thrift_i32(shf_thrift *t, uint8_t type)
{
    int64_t value = shf_thrift_int(t, type);
    if (value == (int32_t)value) return (int32_t)value;
    shf_thrift_fault(t);
    return 0;
}

bool shf_thrift_bool(shf_thrift *t, uint8_t type)
{
    if (type != SHF_THRIFT_TRUE && type != SHF_THRIFT_FALSE) shf_thrift_fault(t);
    return type == SHF_THRIFT_TRUE;
}

const uint8_t *shf_thrift_binary(shf_thrift *t, uint8_t type, size_t *size)
{
    if (type != SHF_THRIFT_BINARY) shf_thrift_fault(t);
    uint64_t n = shf_thrift_varint(t);
    if (n > (size_t)(t->end - t->p)) shf_thrift_fault(t);
    *size = t->bad ? 0 : (size_t)n;
    const uint8_t *bytes = t->p;
    t->p += *size;
    return bytes;
}

size_t shf_thrift_list(shf_thrift *t, uint8_t type, uint8_t *element_type)
{
    if (type != SHF_THRIFT_LIST && type != SHF_THRIFT_SET) shf_thrift_fault(t);
    uint8_t head = shf_thrift_byte(t);
    *element_type = head & 15;
    uint64_t n = head >> 4 == 15 ? shf_thrift_varint(t) : head >> 4;
    if (n > (size_t)(t->end - t->p)) shf_thrift_fault(t);
    return t->bad ? 0 : (size_t)n;
}

/* Most varints are short; long ones end at the first byte below 0x80 of a word. */
static inline void skip_varint(shf_thrift *t)
{
    if (t->end - t->p < 16) {
        (void)shf_thrift_varint(t);
        return;
    }
    uint64_t ends = ~shf_get_u64(t->p) & 0x8080808080808080u;
    if (ends) t->p += __builtin_ctzll(ends) / 8 + 1;
    else if (!(t->p[8] & 0x80)) t->p += 9;
    else if (!(t->p[9] & 0x80)) t->p += 10;
    else shf_thrift_fault(t);
}

static void skip(shf_thrift *t, uint8_t type, unsigned depth);

static void skip_list(shf_thrift *t, uint8_t type, unsigned depth)
{
    uint8_t element;
    size_t n = shf_thrift_list(t, type, &element);
    /* a boolean of a list takes a byte; in a struct it lies in the field's type */
    if (element == SHF_THRIFT_TRUE || element == SHF_THRIFT_FALSE) element = SHF_THRIFT_BYTE;
    for (size_t i = 0; i < n && !t->bad; i++) skip(t, element, depth);
}

static void skip_map(shf_thrift *t, unsigned depth)
{
    uint64_t n = shf_thrift_varint(t);
    if (n == 0) return;
    uint8_t types = shf_thrift_byte(t);
    if (n > (size_t)(t->end - t->p)) shf_thrift_fault(t);
    for (uint64_t i = 0; i < n && !t->bad; i++) {
        skip(t, types >> 4 < 3 ? SHF_THRIFT_BYTE : types >> 4, depth);
        skip(t, (types & 15) < 3 ? SHF_THRIFT_BYTE : types & 15, depth);
    }
}

static void skip_bytes(shf_thrift *t, uint64_t n)
{
    if (n > (size_t)(t->end - t->p)) shf_thrift_fault(t);
    else t->p += n;
}

static void skip(shf_thrift *t, uint8_t type, unsigned depth)
{
    switch (type) {
    case SHF_THRIFT_TRUE:
    case SHF_THRIFT_FALSE: return;
    case SHF_THRIFT_BYTE: skip_bytes(t, 1); return;
    case SHF_THRIFT_I16:
    case SHF_THRIFT_I32:
    case SHF_THRIFT_I64: skip_varint(t); return;
    case SHF_THRIFT_DOUBLE: skip_bytes(t, 8); return;
    case SHF_THRIFT_BINARY: skip_bytes(t, shf_thrift_varint(t)); return;
    case SHF_THRIFT_UUID: skip_bytes(t, 16); return;
    default: break;
    }
    if (depth == MAX_DEPTH || type > SHF_THRIFT_UUID || type == SHF_THRIFT_STOP) {
        shf_thrift_fault(t);
        return;
    }
    if (type == SHF_THRIFT_LIST || type == SHF_THRIFT_SET) {
        skip_list(t, type, depth + 1);
    } else if (type == SHF_THRIFT_MAP) {
        skip_map(t, depth + 1);
    } else {
        while (t->p < t->end && *t->p != SHF_THRIFT_STOP) {
            uint8_t head = *t->p++;
            if (!(head >> 4)) skip_varint(t);
            skip(t, head & 15, depth + 1);
        }
        (void)shf_thrift_byte(t);
    }
}

void shf_thrift_skip(shf_thrift *t, uint8_t type)
{
    skip(t, type, 0);
}

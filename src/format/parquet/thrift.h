// SPDX-License-Identifier: Apache-2.0
/* Thrift's compact protocol, as far as Parquet's metadata needs it. The reader walks over bytes in place: after any fault it stands at the end
 * with `bad` set, every further call gives zeros, so that a parser checks once, behind its loop.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
#ifndef SHF_FORMAT_PARQUET_THRIFT_H
#define SHF_FORMAT_PARQUET_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

typedef enum shf_thrift_type {
    SHF_THRIFT_STOP = 0,
    SHF_THRIFT_TRUE = 1,
    SHF_THRIFT_FALSE = 2,
    SHF_THRIFT_BYTE = 3,
    SHF_THRIFT_I16 = 4,
    SHF_THRIFT_I32 = 5,
    SHF_THRIFT_I64 = 6,
    SHF_THRIFT_DOUBLE = 7,
    SHF_THRIFT_BINARY = 8,
    SHF_THRIFT_LIST = 9,
    SHF_THRIFT_SET = 10,
    SHF_THRIFT_MAP = 11,
    SHF_THRIFT_STRUCT = 12,
    SHF_THRIFT_UUID = 13,
} shf_thrift_type;

/* ---- reader ---- */
typedef struct shf_thrift {
    const uint8_t *p, *end; /* Borrowed */
    bool bad;
} shf_thrift;

static inline void shf_thrift_fault(shf_thrift *t)
{
    t->p = t->end;
    t->bad = true;
}

static inline uint8_t shf_thrift_byte(shf_thrift *t)
{
    if (t->p < t->end) return *t->p++;
    shf_thrift_fault(t);
    return 0;
}

static inline uint64_t shf_thrift_varint(shf_thrift *t)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = shf_thrift_byte(t);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return value;
    }
    shf_thrift_fault(t);
    return 0;
}

static inline int64_t shf_thrift_zigzag(shf_thrift *t)
{
    uint64_t v = shf_thrift_varint(t);
    return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

/* Header of the next field of a struct: false at its end (or after a fault). *id holds the id before (0 to begin). */
static inline bool shf_thrift_field(shf_thrift *t, int *id, uint8_t *type)
{
    uint8_t byte = shf_thrift_byte(t);
    *type = byte & 15;
    if (*type == SHF_THRIFT_STOP) return false;
    *id = byte >> 4 ? *id + (byte >> 4) : (int16_t)shf_thrift_zigzag(t);
    return !t->bad;
}

/* Values of a field; a type that does not fit is a fault. */
int64_t shf_thrift_int(shf_thrift *t, uint8_t type); /* I16, I32 or I64 */
int32_t shf_thrift_i32(shf_thrift *t, uint8_t type); /* beyond 32 bits is a fault */
bool shf_thrift_bool(shf_thrift *t, uint8_t type);
const uint8_t *shf_thrift_binary(shf_thrift *t, uint8_t type, size_t *size); /* Borrowed */
/* Number of elements of a list, never more than bytes are left. */
size_t shf_thrift_list(shf_thrift *t, uint8_t type, uint8_t *element_type);
/* Must be a struct; then read its fields. */
static inline void shf_thrift_struct(shf_thrift *t, uint8_t type)
{
    if (type != SHF_THRIFT_STRUCT) shf_thrift_fault(t);
}
/* Passes over a value. */
void shf_thrift_skip(shf_thrift *t, uint8_t type);

/* ---- writer: a struct that nests; fields in rising order of id. A failed allocation is kept in `failed` and told by the end. ---- */
typedef struct shf_thrift_out {
    shf_buf *buf; /* Borrowed */
    int last_id[8];
    unsigned depth;
    bool failed;
} shf_thrift_out;

void shf_thrift_put_i32(shf_thrift_out *t, int id, int32_t value);
void shf_thrift_put_i64(shf_thrift_out *t, int id, int64_t value);
void shf_thrift_put_i16(shf_thrift_out *t, int id, int16_t value);
void shf_thrift_put_i8(shf_thrift_out *t, int id, int8_t value);
void shf_thrift_put_bool(shf_thrift_out *t, int id, bool value);
void shf_thrift_put_binary(shf_thrift_out *t, int id, const void *bytes, size_t n);
void shf_thrift_put_list(shf_thrift_out *t, int id, shf_thrift_type element_type, size_t n);
void shf_thrift_begin_struct(shf_thrift_out *t, int id);
/* An element of a list of structs has no field header. */
void shf_thrift_begin_element(shf_thrift_out *t);
void shf_thrift_end_struct(shf_thrift_out *t);
/* Bare values, for elements of lists. */
void shf_thrift_put_raw_varint(shf_thrift_out *t, uint64_t value);
void shf_thrift_put_raw_zigzag(shf_thrift_out *t, int64_t value);
void shf_thrift_put_raw_binary(shf_thrift_out *t, const void *bytes, size_t n);

#endif

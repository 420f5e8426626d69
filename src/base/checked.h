// SPDX-License-Identifier: Apache-2.0
/* Arithmetic that tells of overflow, and little-endian loads and stores at any alignment. */
#ifndef SHF_BASE_CHECKED_H
#define SHF_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* false on overflow; *out is then undefined. */
static inline bool shf_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool shf_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool shf_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool shf_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline uint64_t shf_ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}
static inline uint64_t shf_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
static inline uint64_t shf_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Hosts are little-endian (checked at configure time), so these are plain copies. */
static inline uint16_t shf_get_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t shf_get_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline int32_t shf_get_i32(const void *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t shf_get_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void shf_set_u16(void *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}
static inline void shf_set_u32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}
static inline void shf_set_u64(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

#endif

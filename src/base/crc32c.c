// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <string.h>

#include "base/checked.h"

#ifdef SHEAF_WITH_ISAL
#include <isa-l/crc.h>

uint32_t shf_crc32c(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint32_t c = ~crc;
    while (n > 0) {
        size_t part = n > 0x40000000 ? 0x40000000 : n;
        /* ISA-L does not write through the pointer that it does not declare const. */
        union {
            const unsigned char *in;
            unsigned char *as_declared;
        } u = {p};
        c = crc32_iscsi(u.as_declared, (int)part, c);
        p += part;
        n -= part;
    }
    return ~c;
}
#else

static uint32_t table_entry(uint32_t i)
{
    for (int bit = 0; bit < 8; bit++) i = (i >> 1) ^ (0x82f63b78u & (0u - (i & 1u)));
    return i;
}

static uint32_t crc_bytes(uint32_t c, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) c = (c >> 8) ^ table_entry((c ^ p[i]) & 0xff);
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t c, const uint8_t *p, size_t n)
{
    uint64_t wide = c;
    for (; n >= 8; p += 8, n -= 8) wide = __builtin_ia32_crc32di(wide, shf_get_u64(p));
    c = (uint32_t)wide;
    for (; n; p++, n--) c = __builtin_ia32_crc32qi(c, *p);
    return c;
}
#endif

uint32_t shf_crc32c(uint32_t crc, const void *bytes, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~crc_sse42(~crc, bytes, n);
#endif
    return ~crc_bytes(~crc, bytes, n);
}
#endif

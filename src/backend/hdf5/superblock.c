// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/superblock.h"

#include <string.h>

#include "base/checked.h"
#include "base/crc32c.h"

static const uint8_t SIGNATURE[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

bool shf_h5_is_signature(const void *bytes, size_t n)
{
    return n >= sizeof SIGNATURE && !memcmp(bytes, SIGNATURE, sizeof SIGNATURE);
}

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return (x << bits) | (x >> (32 - bits));
}

static void mix(uint32_t s[3])
{
    static const unsigned turns[6] = {4, 6, 8, 16, 19, 4};
    for (unsigned i = 0; i < 6; i++) {
        uint32_t *a = &s[i % 3], *b = &s[(i + 1) % 3], *c = &s[(i + 2) % 3];
        *a -= *c;
        *a ^= rotate(*c, turns[i]);
        *c += *b;
    }
}

static uint32_t finish(uint32_t a, uint32_t b, uint32_t c)
{
    c ^= b, c -= rotate(b, 14);
    a ^= c, a -= rotate(c, 11);
    b ^= a, b -= rotate(a, 25);
    c ^= b, c -= rotate(b, 16);
    a ^= c, a -= rotate(c, 4);
    b ^= a, b -= rotate(a, 14);
    c ^= b, c -= rotate(b, 24);
    return c;
}

uint32_t shf_h5_lookup3(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint32_t s[3];
    s[0] = s[1] = s[2] = 0xdeadbeefu + (uint32_t)n;
    for (; n > 12; n -= 12, p += 12) {
        for (unsigned i = 0; i < 3; i++) s[i] += shf_get_u32(p + 4 * i);
        mix(s);
    }
    if (n == 0) return s[2];
    for (size_t i = 0; i < n; i++) s[i / 4] += (uint32_t)p[i] << (8 * (i % 4));
    return finish(s[0], s[1], s[2]);
}

static bool parse_old(const uint8_t *p, size_t n, shf_h5_superblock *out)
{
    size_t base = out->version == 0 ? 24 : 28; /* version 1 has the B-tree's K before it */
    if (n < base + 24 || p[13] != 8 || p[14] != 8) return false;
    out->base = shf_get_u64(p + base);
    out->end = shf_get_u64(p + base + 16);
    out->root = 0;
    return true;
}

bool shf_h5_superblock_parse(const void *bytes, size_t n, shf_h5_superblock *out)
{
    const uint8_t *p = bytes;
    if (!shf_h5_is_signature(p, n) || n < SHF_H5_SUPERBLOCK_BYTES) return false;
    out->version = p[8];
    if (out->version < 2) return parse_old(p, n, out);
    if (out->version > 3 || p[9] != 8 || p[10] != 8) return false;
    if (shf_get_u32(p + 44) != shf_h5_lookup3(p, 44)) return false;
    out->base = shf_get_u64(p + 12);
    out->end = shf_get_u64(p + 28);
    out->root = shf_get_u64(p + 36);
    return true;
}

void shf_h5_superblock_set_end(uint8_t superblock[SHF_H5_SUPERBLOCK_BYTES], uint64_t end)
{
    shf_set_u64(superblock + 28, end);
    shf_set_u32(superblock + 44, shf_h5_lookup3(superblock, 44));
}

/* Mark, superblock, checksum of the metadata, checksum of all before. */
static const uint8_t SEAL_MARK[8] = {'S', 'H', 'F', 'S', 'E', 'A', 'L', '1'};

void shf_h5_seal_make(const uint8_t superblock[SHF_H5_SUPERBLOCK_BYTES], const void *metadata, size_t n, uint8_t seal[SHF_H5_SEAL_BYTES])
{
    memcpy(seal, SEAL_MARK, sizeof SEAL_MARK);
    memcpy(seal + 8, superblock, SHF_H5_SUPERBLOCK_BYTES);
    shf_set_u32(seal + 56, shf_crc32c(0, metadata, n));
    shf_set_u32(seal + 60, shf_crc32c(0, seal, 60));
}

bool shf_h5_seal_parse(const uint8_t seal[SHF_H5_SEAL_BYTES], shf_h5_superblock *superblock)
{
    shf_h5_superblock ignored;
    if (memcmp(seal, SEAL_MARK, sizeof SEAL_MARK) != 0 || shf_get_u32(seal + 60) != shf_crc32c(0, seal, 60)) return false;
    if (!superblock) superblock = &ignored;
    return shf_h5_superblock_parse(seal + 8, SHF_H5_SUPERBLOCK_BYTES, superblock) && superblock->root < superblock->end &&
           superblock->end - superblock->root >= SHF_H5_SEAL_BYTES;
}

uint32_t shf_h5_seal_crc(const uint8_t seal[SHF_H5_SEAL_BYTES])
{
    return shf_get_u32(seal + 56);
}

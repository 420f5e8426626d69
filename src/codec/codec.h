// SPDX-License-Identifier: Apache-2.0
/* Codecs: one small table each. Whole buffers in, whole buffers out; pure (no files, threads or globals); any thread.
 * Every codec of the list has a table in every build; one that the build lacks fails with SHEAF_ERR_UNSUPPORTED by name. */
#ifndef SHF_CODEC_CODEC_H
#define SHF_CODEC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/shuffle.h"

/* What a thread may keep between calls: contexts (about 10 us each to make) and a buffer for shuffled bytes, so that no call gives memory back
 * to the system that the next one faults in again. Zero-initialise; one thread at a time. Every function below takes NULL as well. */
typedef struct shf_codec_work {
    void *zstd_encoder, *zstd_decoder;
    void *deflate_encoder, *deflate_decoder;
    uint8_t *scratch;
    size_t scratch_size;
} shf_codec_work;
/* At least n bytes, 64-byte aligned, valid until the next call; NULL when out of memory. */
uint8_t *shf_codec_scratch(shf_codec_work *work, size_t n);
void shf_codec_work_free(shf_codec_work *work);

typedef struct shf_codec {
    const char *name; /* "none", "zstd", "zlib" (RFC 1950), "gzip" (RFC 1952), "snappy", "lz4_raw", "blosc" */
    /* Largest encoded size of n bytes; 0 when n is more than the codec takes. */
    size_t (*bound)(size_t n);
    /* Encodes n bytes into out; *size is what it took. A capacity of bound(n) always suffices; with less, SHEAF_ERR_RANGE says that it did
     * not fit. level: 0 (fastest) to 9, clamped by each codec to what it has. element_size matters to blosc alone (1 where there is none). */
    sheaf_status (*encode)(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                           size_t *size, sheaf_error *err);
    /* Decodes n bytes into out, which must become exactly expected_size bytes; never writes beyond. Whatever else the input holds is
     * SHEAF_ERR_DAMAGED; checksums that the format has are checked. */
    sheaf_status (*decode)(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err);
} shf_codec;

extern const shf_codec shf_codec_none, shf_codec_zstd, shf_codec_zlib, shf_codec_gzip, shf_codec_snappy, shf_codec_lz4_raw, shf_codec_blosc;

/* CRC-32 of gzip and of Parquet pages (RFC 1952 section 8), going on from `crc` (0 to begin). */
uint32_t shf_crc32(uint32_t crc, const void *bytes, size_t n);

/* By name; NULL when there is no such codec. */
const shf_codec *shf_codec_find(const char *name);
/* Whether this build can encode and decode with it. */
bool shf_codec_supported(const shf_codec *codec);

/* Blosc 1 frame of zstd with one block, the bytes that c-blosc 1.21 makes; shuffle (by bytes) as told. shf_codec_blosc.encode asks
 * shf_codec_prefers_shuffle. */
sheaf_status shf_blosc_encode(shf_codec_work *work, int level, bool shuffle, size_t element_size, const void *in, size_t n, void *out,
                              size_t capacity, size_t *size, sheaf_error *err);

/* Whether shuffling helps zstd or deflate on this data: decided by samples of the content alone. */
bool shf_codec_prefers_shuffle(shf_codec_work *work, size_t element_size, const void *data, size_t n);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Raw snappy blocks, as Parquet holds them. */
#include "codec/common.h"

#ifdef SHEAF_WITH_SNAPPY
#include <snappy-c.h>

static size_t block_bound(size_t n)
{
    return n > UINT32_MAX ? 0 : snappy_max_compressed_length(n);
}

static sheaf_status block_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                                 size_t *size, sheaf_error *err)
{
    (void)work, (void)level, (void)element_size;
    if (n > UINT32_MAX) return shf_codec_fail_large("snappy", n, err);
    size_t got = capacity; /* the library refuses less than its bound */
    if (snappy_compress(in, n, out, &got) != SNAPPY_OK) return shf_codec_fail_fit("snappy", n, capacity, err);
    *size = got;
    return SHEAF_OK;
}

static sheaf_status block_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    (void)work;
    size_t length;
    if (snappy_uncompressed_length(in, n, &length) != SNAPPY_OK) return shf_codec_fail_data("snappy", "no valid length", err);
    if (length != expected_size) return shf_codec_fail_size("snappy", expected_size, length, err);
    if (snappy_uncompress(in, n, out, &length) != SNAPPY_OK) return shf_codec_fail_data("snappy", "not a valid block", err);
    return SHEAF_OK;
}
#else
static size_t block_bound(size_t n)
{
    return n;
}

static sheaf_status block_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                                 size_t *size, sheaf_error *err)
{
    (void)work, (void)level, (void)element_size, (void)in, (void)n, (void)out, (void)capacity, (void)size;
    return shf_codec_fail_absent("snappy", err);
}

static sheaf_status block_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    (void)work, (void)in, (void)n, (void)out, (void)expected_size;
    return shf_codec_fail_absent("snappy", err);
}
#endif

const shf_codec shf_codec_snappy = {"snappy", block_bound, block_encode, block_decode};

// SPDX-License-Identifier: Apache-2.0
/* LZ4 blocks without a frame: Parquet's LZ4_RAW. */
#include "codec/common.h"

#ifdef SHEAF_WITH_LZ4
#include <lz4.h>

static size_t lz4_bound(size_t n)
{
    return n > LZ4_MAX_INPUT_SIZE ? 0 : (size_t)LZ4_compressBound((int)n);
}

static sheaf_status lz4_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                               size_t *size, sheaf_error *err)
{
    (void)work, (void)level, (void)element_size;
    if (n > LZ4_MAX_INPUT_SIZE) return shf_codec_fail_large("lz4_raw", n, err);
    if (capacity > INT32_MAX) capacity = INT32_MAX;
    int got = LZ4_compress_default(in, out, (int)n, (int)capacity);
    if (got <= 0) return shf_codec_fail_fit("lz4_raw", n, capacity, err);
    *size = (size_t)got;
    return SHEAF_OK;
}

static sheaf_status lz4_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    (void)work;
    if (n > INT32_MAX || expected_size > INT32_MAX) return shf_codec_fail_data("lz4_raw", "a block above 2 GiB", err);
    int got = LZ4_decompress_safe(in, out, (int)n, (int)expected_size);
    if (got < 0) return shf_codec_fail_data("lz4_raw", "not a valid block of the expected size", err);
    if ((size_t)got != expected_size) return shf_codec_fail_size("lz4_raw", expected_size, (size_t)got, err);
    return SHEAF_OK;
}
#else
static size_t lz4_bound(size_t n)
{
    return n;
}

static sheaf_status lz4_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                               size_t *size, sheaf_error *err)
{
    (void)work, (void)level, (void)element_size, (void)in, (void)n, (void)out, (void)capacity, (void)size;
    return shf_codec_fail_absent("lz4_raw", err);
}

static sheaf_status lz4_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    (void)work, (void)in, (void)n, (void)out, (void)expected_size;
    return shf_codec_fail_absent("lz4_raw", err);
}
#endif

const shf_codec shf_codec_lz4_raw = {"lz4_raw", lz4_bound, lz4_encode, lz4_decode};

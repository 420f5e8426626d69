// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>
#include <zstd_errors.h>

#include "codec/common.h"

static size_t zstd_bound(size_t n)
{
    size_t bound = ZSTD_compressBound(n);
    return ZSTD_isError(bound) || bound < n ? 0 : bound;
}

/* Level 0 is zstd's -1: about twice as fast, without entropy coding of literals. */
static int zstd_level(int level)
{
    if (level < 1) return -1;
    return level > ZSTD_maxCLevel() ? ZSTD_maxCLevel() : level;
}

static sheaf_status encoded(size_t got, size_t n, size_t capacity, size_t *size, sheaf_error *err)
{
    if (!ZSTD_isError(got)) {
        *size = got;
        return SHEAF_OK;
    }
    if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) return shf_fail_memory(err, n, "zstd");
    return shf_codec_fail_fit("zstd", n, capacity, err);
}

static sheaf_status zstd_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                                size_t *size, sheaf_error *err)
{
    (void)element_size;
    if (!work) return encoded(ZSTD_compress(out, capacity, in, n, zstd_level(level)), n, capacity, size, err);
    if (!work->zstd_encoder) work->zstd_encoder = ZSTD_createCCtx();
    if (!work->zstd_encoder) return shf_fail_memory(err, n, "zstd");
    return encoded(ZSTD_compressCCtx(work->zstd_encoder, out, capacity, in, n, zstd_level(level)), n, capacity, size, err);
}

static sheaf_status decoded(size_t got, size_t expected_size, sheaf_error *err)
{
    if (ZSTD_isError(got)) {
        if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) return shf_fail_memory(err, expected_size, "zstd");
        return shf_codec_fail_data("zstd", ZSTD_getErrorName(got), err);
    }
    if (got != expected_size) return shf_codec_fail_size("zstd", expected_size, got, err);
    return SHEAF_OK;
}

static sheaf_status zstd_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    if (!work) return decoded(ZSTD_decompress(out, expected_size, in, n), expected_size, err);
    if (!work->zstd_decoder) work->zstd_decoder = ZSTD_createDCtx();
    if (!work->zstd_decoder) return shf_fail_memory(err, expected_size, "zstd");
    return decoded(ZSTD_decompressDCtx(work->zstd_decoder, out, expected_size, in, n), expected_size, err);
}

const shf_codec shf_codec_zstd = {"zstd", zstd_bound, zstd_encode, zstd_decode};

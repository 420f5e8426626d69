// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>
#include <zstd_errors.h>

#include "codec/common.h"

static size_t zstd_bound(size_t n)
{
    size_t bound = ZSTD_compressBound(n);
    return ZSTD_isError(bound) || bound < n ? 0 : bound;
}

static sheaf_status zstd_encode(int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity, size_t *size,
                                sheaf_error *err)
{
    (void)element_size;
    if (level < 1) level = 1;
    if (level > ZSTD_maxCLevel()) level = ZSTD_maxCLevel();
    size_t got = ZSTD_compress(out, capacity, in, n, level);
    if (!ZSTD_isError(got)) {
        *size = got;
        return SHEAF_OK;
    }
    ZSTD_ErrorCode code = ZSTD_getErrorCode(got);
    if (code == ZSTD_error_memory_allocation) return shf_fail_memory(err, n, "zstd");
    return shf_codec_fail_fit("zstd", n, capacity, err);
}

static sheaf_status zstd_decode(const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    size_t got = ZSTD_decompress(out, expected_size, in, n);
    if (ZSTD_isError(got)) {
        if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) return shf_fail_memory(err, expected_size, "zstd");
        return shf_codec_fail_data("zstd", ZSTD_getErrorName(got), err);
    }
    if (got != expected_size) return shf_codec_fail_size("zstd", expected_size, got, err);
    return SHEAF_OK;
}

const shf_codec shf_codec_zstd = {"zstd", zstd_bound, zstd_encode, zstd_decode};

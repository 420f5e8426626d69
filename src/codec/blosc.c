// SPDX-License-Identifier: Apache-2.0
/* Blosc 1 frames of zstd, as Zarr's blosc codec holds them. */
#include <blosc.h>

#include "codec/common.h"

static size_t frame_bound(size_t n)
{
    return n > BLOSC_MAX_BUFFERSIZE ? 0 : n + BLOSC_MAX_OVERHEAD;
}

sheaf_status shf_blosc_encode(int level, bool shuffle, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                              size_t *size, sheaf_error *err)
{
    if (n > BLOSC_MAX_BUFFERSIZE) return shf_codec_fail_large("blosc", n, err);
    if (level < 1) level = 1;
    if (level > 9) level = 9;
    if (element_size < 1 || element_size > BLOSC_MAX_TYPESIZE) element_size = 1;
    /* One block: with Blosc's own choice of block size it is 2 to 7 times slower. */
    int got = blosc_compress_ctx(level, shuffle && element_size > 1 ? BLOSC_SHUFFLE : BLOSC_NOSHUFFLE, element_size, n, in, out, capacity,
                                 BLOSC_ZSTD_COMPNAME, n, 1);
    if (got < 0) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "blosc: cannot encode %zu bytes with zstd (code %d)", n, got);
    if (got == 0) return shf_codec_fail_fit("blosc", n, capacity, err);
    *size = (size_t)got;
    return SHEAF_OK;
}

static sheaf_status frame_encode(int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity, size_t *size,
                                 sheaf_error *err)
{
    bool shuffle = shf_codec_prefers_shuffle(element_size, in, n);
    return shf_blosc_encode(level, shuffle, element_size, in, n, out, capacity, size, err);
}

static sheaf_status frame_decode(const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    size_t decoded;
    if (n < BLOSC_MIN_HEADER_LENGTH || blosc_cbuffer_validate(in, n, &decoded) != 0)
        return shf_codec_fail_data("blosc", "not a valid frame", err);
    if (decoded != expected_size) return shf_codec_fail_size("blosc", expected_size, decoded, err);
    if (expected_size == 0) return SHEAF_OK;
    int got = blosc_decompress_ctx(in, out, expected_size, 1);
    if (got < 0) return shf_codec_fail_data("blosc", "a block cannot be decoded", err);
    if ((size_t)got != expected_size) return shf_codec_fail_size("blosc", expected_size, (size_t)got, err);
    return SHEAF_OK;
}

const shf_codec shf_codec_blosc = {"blosc", frame_bound, frame_encode, frame_decode, NULL, NULL};

// SPDX-License-Identifier: Apache-2.0
#include "codec/codec.h"

#include <string.h>

#include "codec/common.h"

sheaf_status shf_codec_fail_fit(const char *codec, size_t n, size_t capacity, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_RANGE, "%s: %zu bytes do not fit encoded into %zu bytes", codec, n, capacity);
}

sheaf_status shf_codec_fail_large(const char *codec, size_t n, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_RANGE, "%s: %zu bytes are more than the codec takes at once", codec, n);
}

sheaf_status shf_codec_fail_size(const char *codec, size_t expected, size_t got, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_DAMAGED, "%s data is damaged: expected %zu bytes decoded, got %zu", codec, expected, got);
}

sheaf_status shf_codec_fail_data(const char *codec, const char *why, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_DAMAGED, "%s data is damaged: %s", codec, why);
}

sheaf_status shf_codec_fail_absent(const char *codec, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the codec %s is not supported by this build", codec);
}

static size_t none_bound(size_t n)
{
    return n;
}

static sheaf_status none_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                                size_t *size, sheaf_error *err)
{
    (void)work, (void)level, (void)element_size;
    if (n > capacity) return shf_codec_fail_fit("none", n, capacity, err);
    if (n) memcpy(out, in, n);
    *size = n;
    return SHEAF_OK;
}

static sheaf_status none_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    (void)work;
    if (n != expected_size) return shf_codec_fail_size("none", expected_size, n, err);
    if (n) memcpy(out, in, n);
    return SHEAF_OK;
}

const shf_codec shf_codec_none = {"none", none_bound, none_encode, none_decode};

const shf_codec *shf_codec_find(const char *name)
{
    static const shf_codec *const all[] = {&shf_codec_none,   &shf_codec_zstd,    &shf_codec_zlib, &shf_codec_gzip,
                                           &shf_codec_snappy, &shf_codec_lz4_raw, &shf_codec_blosc};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

bool shf_codec_supported(const shf_codec *codec)
{
#ifndef SHEAF_WITH_SNAPPY
    if (codec == &shf_codec_snappy) return false;
#endif
#ifndef SHEAF_WITH_LZ4
    if (codec == &shf_codec_lz4_raw) return false;
#endif
    return codec != NULL;
}

// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "base/alloc.h"
#include "codec/codec.h"

uint8_t *shf_codec_scratch(shf_codec_work *work, size_t n)
{
    return shf_grow_aligned(&work->scratch, &work->scratch_size, n);
}

void shf_codec_work_free(shf_codec_work *work)
{
    ZSTD_freeCCtx(work->zstd_encoder);
    ZSTD_freeDCtx(work->zstd_decoder);
    shf_free(work->deflate_encoder);
    shf_free(work->deflate_decoder);
    shf_free(work->scratch);
    *work = (shf_codec_work){0};
}

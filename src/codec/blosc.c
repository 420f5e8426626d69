// SPDX-License-Identifier: Apache-2.0
/* Blosc 1 frames of zstd, as Zarr's blosc codec holds them (c-blosc's README_CHUNK_FORMAT.rst): a header of 16 bytes, the block's offset, its
 * size, its bytes. Frames of one zstd block are made and read here, with contexts and buffers that are kept; all others are read by c-blosc,
 * which makes them anew in each call (2 to 4 times slower on chunks of 1 MiB). */
#include <blosc.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "codec/common.h"

/* Byte 2 of the header. */
enum { FLAG_SHUFFLE = 1, FLAG_COPIED = 2, FLAG_BIT_SHUFFLE = 4, FLAG_RESERVED = 8, FLAG_ONE_STREAM = 16, FORMAT_ZSTD = 4 << 5 };
enum { FRAME_VERSION = 2, ZSTD_VERSION = 1, OFFSET_AT = 16, SIZE_AT = 20, BLOCK_AT = 24, MIN_COMPRESSED = 128 };

static size_t frame_bound(size_t n)
{
    return n > BLOSC_MAX_BUFFERSIZE ? 0 : n + BLOSC_MAX_OVERHEAD;
}

/* c-blosc's levels 1 to 9 as zstd's. */
static int zstd_level(int level)
{
    if (level < 1) level = 1;
    if (level >= 8) return level == 8 ? ZSTD_maxCLevel() - 2 : ZSTD_maxCLevel();
    return 2 * level - 1;
}

static void write_header(uint8_t *out, unsigned flags, size_t element_size, size_t n, size_t size)
{
    out[0] = FRAME_VERSION;
    out[1] = ZSTD_VERSION;
    out[2] = (uint8_t)(FORMAT_ZSTD | FLAG_ONE_STREAM | flags);
    out[3] = (uint8_t)element_size;
    shf_set_u32(out + 4, (uint32_t)n);
    shf_set_u32(out + 8, (uint32_t)n);
    shf_set_u32(out + 12, (uint32_t)size);
}

/* The bytes as they are: too few of them, or nothing won. */
static sheaf_status copy_frame(unsigned flags, size_t element_size, const void *in, size_t n, uint8_t *out, size_t capacity, size_t *size,
                               sheaf_error *err)
{
    if (capacity < n + BLOSC_MIN_HEADER_LENGTH) return shf_codec_fail_fit("blosc", n, capacity, err);
    write_header(out, flags | FLAG_COPIED, element_size, n, n + BLOSC_MIN_HEADER_LENGTH);
    if (n) memcpy(out + BLOSC_MIN_HEADER_LENGTH, in, n);
    *size = n + BLOSC_MIN_HEADER_LENGTH;
    return SHEAF_OK;
}

static sheaf_status encode_kept(shf_codec_work *work, int level, bool shuffle, size_t element_size, const void *in, size_t n, uint8_t *out,
                                size_t capacity, size_t *size, sheaf_error *err)
{
    unsigned flags = shuffle ? FLAG_SHUFFLE : 0;
    const void *from = in;
    if (n < MIN_COMPRESSED || capacity <= BLOCK_AT) return copy_frame(flags, element_size, in, n, out, capacity, size, err);
    if (!work->zstd_encoder) work->zstd_encoder = ZSTD_createCCtx();
    if (!work->zstd_encoder) return shf_fail_memory(err, n, "blosc");
    if (shuffle) {
        uint8_t *shuffled = shf_codec_scratch(work, n);
        if (!shuffled) return shf_fail_memory(err, n, "shuffling");
        shf_shuffle(element_size, in, n, shuffled);
        from = shuffled;
    }
    size_t room = (size_t)shf_min_u64(n, capacity - BLOCK_AT);
    size_t got = ZSTD_compressCCtx(work->zstd_encoder, out + BLOCK_AT, room, from, n, zstd_level(level));
    if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) return shf_fail_memory(err, n, "blosc");
    if (ZSTD_isError(got) || got >= n) return copy_frame(flags, element_size, in, n, out, capacity, size, err);
    write_header(out, flags, element_size, n, BLOCK_AT + got);
    shf_set_u32(out + OFFSET_AT, SIZE_AT);
    shf_set_u32(out + SIZE_AT, (uint32_t)got);
    *size = BLOCK_AT + got;
    return SHEAF_OK;
}

sheaf_status shf_blosc_encode(shf_codec_work *work, int level, bool shuffle, size_t element_size, const void *in, size_t n, void *out,
                              size_t capacity, size_t *size, sheaf_error *err)
{
    shf_codec_work local = {0};
    if (n > BLOSC_MAX_BUFFERSIZE) return shf_codec_fail_large("blosc", n, err);
    if (element_size < 1 || element_size > BLOSC_MAX_TYPESIZE) element_size = 1;
    sheaf_status status =
        encode_kept(work ? work : &local, level, shuffle && element_size > 1, element_size, in, n, out, capacity, size, err);
    shf_codec_work_free(&local);
    return status;
}

static sheaf_status frame_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out, size_t capacity,
                                 size_t *size, sheaf_error *err)
{
    bool shuffle = shf_codec_prefers_shuffle(work, element_size, in, n);
    return shf_blosc_encode(work, level, shuffle, element_size, in, n, out, capacity, size, err);
}

static sheaf_status decode_any(const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
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

/* Whether the frame is whole, holds expected_size bytes and is one of ours: one zstd stream in one block. */
static bool is_one_stream(const uint8_t *frame, size_t n, size_t expected_size)
{
    const unsigned fixed = FLAG_COPIED | FLAG_BIT_SHUFFLE | FLAG_RESERVED | FLAG_ONE_STREAM | FORMAT_ZSTD | 3 << 5;
    if (n <= BLOCK_AT || frame[0] != FRAME_VERSION || frame[1] != ZSTD_VERSION || frame[3] == 0) return false;
    if ((frame[2] & fixed) != (FLAG_ONE_STREAM | FORMAT_ZSTD)) return false;
    if (shf_get_u32(frame + 4) != expected_size || shf_get_u32(frame + 8) != expected_size || shf_get_u32(frame + 12) != n) return false;
    return expected_size <= BLOSC_MAX_BUFFERSIZE && shf_get_u32(frame + OFFSET_AT) == SIZE_AT &&
           shf_get_u32(frame + SIZE_AT) == n - BLOCK_AT && n - BLOCK_AT < expected_size;
}

static sheaf_status frame_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    const uint8_t *frame = in;
    if (!work || !is_one_stream(frame, n, expected_size)) return decode_any(in, n, out, expected_size, err);
    bool shuffled = frame[2] & FLAG_SHUFFLE && frame[3] > 1;
    void *to = shuffled ? shf_codec_scratch(work, expected_size) : out;
    if (!to) return shf_fail_memory(err, expected_size, "unshuffling");
    if (!work->zstd_decoder) work->zstd_decoder = ZSTD_createDCtx();
    if (!work->zstd_decoder) return shf_fail_memory(err, expected_size, "blosc");
    size_t got = ZSTD_decompressDCtx(work->zstd_decoder, to, expected_size, frame + BLOCK_AT, n - BLOCK_AT);
    if (ZSTD_isError(got)) return shf_codec_fail_data("blosc", ZSTD_getErrorName(got), err);
    if (got != expected_size) return shf_codec_fail_size("blosc", expected_size, got, err);
    if (shuffled) shf_unshuffle(frame[3], to, expected_size, out);
    return SHEAF_OK;
}

const shf_codec shf_codec_blosc = {"blosc", frame_bound, frame_encode, frame_decode};

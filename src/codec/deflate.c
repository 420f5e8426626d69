// SPDX-License-Identifier: Apache-2.0
/* zlib streams (RFC 1950: HDF5's deflate filter) and gzip members (RFC 1952). ISA-L encodes levels 1 to 3 several times faster than zlib;
 * higher levels ask for size, which zlib does better. */
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "codec/common.h"
#ifdef SHEAF_WITH_ISAL
#include <isa-l.h>
#endif

typedef enum wrapper { WRAP_ZLIB, WRAP_GZIP } wrapper;

static const char *wrapper_name(wrapper wrap)
{
    return wrap == WRAP_ZLIB ? "zlib" : "gzip";
}

/* Stored blocks cost 5 bytes per 64 kB at most; header and trailer 18; ISA-L's own blocks stay within n/1024 more. */
static size_t deflate_bound(size_t n)
{
    return n > UINT32_MAX / 2 ? 0 : n + n / 1024 * 5 + 512;
}

static sheaf_status zlib_encode(wrapper wrap, int level, const void *in, size_t n, void *out, size_t capacity, size_t *size,
                                sheaf_error *err)
{
    z_stream stream = {0};
    int window_bits = wrap == WRAP_ZLIB ? MAX_WBITS : MAX_WBITS + 16;
    if (level < 1) level = 1;
    if (deflateInit2(&stream, level > 9 ? 9 : level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return shf_fail_memory(err, n, wrapper_name(wrap));
    /* zlib's header declares the input without const but does not write to it */
    memcpy(&stream.next_in, &in, sizeof in);
    stream.avail_in = (uInt)n;
    stream.next_out = out;
    stream.avail_out = capacity > UINT32_MAX ? UINT32_MAX : (uInt)capacity;
    int status = deflate(&stream, Z_FINISH);
    *size = (size_t)stream.total_out;
    (void)deflateEnd(&stream);
    return status == Z_STREAM_END ? SHEAF_OK : shf_codec_fail_fit(wrapper_name(wrap), n, capacity, err);
}

/* All members of a gzip file, or the one zlib stream. */
static sheaf_status zlib_decode(wrapper wrap, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, wrap == WRAP_ZLIB ? MAX_WBITS : MAX_WBITS + 16) != Z_OK) return shf_fail_memory(err, n, wrapper_name(wrap));
    uint8_t nothing;
    memcpy(&stream.next_in, &in, sizeof in);
    stream.avail_in = (uInt)n;
    stream.next_out = expected_size ? out : &nothing;
    stream.avail_out = (uInt)expected_size;
    int status = inflate(&stream, Z_FINISH);
    while (status == Z_STREAM_END && wrap == WRAP_GZIP && stream.avail_in > 0) {
        if (inflateReset(&stream) != Z_OK) break;
        status = inflate(&stream, Z_FINISH);
    }
    size_t missing = stream.avail_out, left = stream.avail_in;
    (void)inflateEnd(&stream);
    if (status == Z_MEM_ERROR) return shf_fail_memory(err, n, wrapper_name(wrap));
    if (status == Z_STREAM_END && missing) return shf_codec_fail_size(wrapper_name(wrap), expected_size, expected_size - missing, err);
    if (status == Z_STREAM_END && left) return shf_codec_fail_data(wrapper_name(wrap), "bytes behind the end of the stream", err);
    if (status == Z_STREAM_END) return SHEAF_OK;
    if (status == Z_BUF_ERROR && missing == 0) return shf_codec_fail_data(wrapper_name(wrap), "more bytes than expected", err);
    return shf_codec_fail_data(wrapper_name(wrap), status == Z_BUF_ERROR ? "the stream ends too early" : "not a valid stream", err);
}

#ifdef SHEAF_WITH_ISAL
typedef struct isal_encoder {
    struct isal_zstream stream;
    uint8_t level_buffer[ISAL_DEF_LVL3_DEFAULT];
} isal_encoder;

static sheaf_status isal_encode(shf_codec_work *work, wrapper wrap, int level, const void *in, size_t n, void *out, size_t capacity,
                                size_t *size, sheaf_error *err)
{
    isal_encoder *encoder = work && work->deflate_encoder ? work->deflate_encoder : shf_malloc(sizeof *encoder);
    if (work) work->deflate_encoder = encoder;
    if (!encoder) return shf_fail_memory(err, sizeof *encoder, wrapper_name(wrap));
    struct isal_zstream *stream = &encoder->stream;
    isal_deflate_stateless_init(stream);
    stream->hist_bits = 0; /* which init leaves as it was: the whole window, and the same bytes for the same input */
    stream->level = level < 1 ? 1 : (uint32_t)level; /* its level 0 is both slower and weaker */
    stream->level_buf = encoder->level_buffer;
    stream->level_buf_size = (uint32_t)sizeof encoder->level_buffer;
    stream->gzip_flag = wrap == WRAP_ZLIB ? IGZIP_ZLIB : IGZIP_GZIP;
    stream->end_of_stream = 1;
    stream->flush = NO_FLUSH;
    memcpy(&stream->next_in, &in, sizeof in); /* not written to */
    stream->avail_in = (uint32_t)n;
    stream->next_out = out;
    stream->avail_out = capacity > UINT32_MAX ? UINT32_MAX : (uint32_t)capacity;
    int status = isal_deflate_stateless(stream); /* falls back to stored blocks, so that the bound holds */
    bool whole = status == COMP_OK && stream->avail_in == 0;
    *size = stream->total_out;
    if (!work) shf_free(encoder);
    return whole ? SHEAF_OK : shf_codec_fail_fit(wrapper_name(wrap), n, capacity, err);
}

/* *whole: the input was one sound stream of exactly the expected size. Otherwise zlib looks at it again: it knows gzip files of several
 * members, and says more about what is wrong. */
static sheaf_status isal_decode(shf_codec_work *work, wrapper wrap, const void *in, size_t n, void *out, size_t expected_size, bool *whole,
                                sheaf_error *err)
{
    struct inflate_state *state = work && work->deflate_decoder ? work->deflate_decoder : shf_malloc(sizeof *state);
    if (work) work->deflate_decoder = state;
    if (!state) return shf_fail_memory(err, sizeof *state, wrapper_name(wrap));
    isal_inflate_init(state);
    state->crc_flag = wrap == WRAP_ZLIB ? ISAL_ZLIB : ISAL_GZIP;
    memcpy(&state->next_in, &in, sizeof in);
    state->avail_in = (uint32_t)n;
    state->next_out = out;
    state->avail_out = (uint32_t)expected_size;
    int status = isal_inflate_stateless(state);
    *whole =
        status == ISAL_DECOMP_OK && state->block_state == ISAL_BLOCK_FINISH && state->total_out == expected_size && state->avail_in == 0;
    if (!work) shf_free(state);
    return SHEAF_OK;
}
#endif

static sheaf_status encode(shf_codec_work *work, wrapper wrap, int level, const void *in, size_t n, void *out, size_t capacity,
                           size_t *size, sheaf_error *err)
{
    if (n > UINT32_MAX / 2) return shf_codec_fail_large(wrapper_name(wrap), n, err);
#ifdef SHEAF_WITH_ISAL
    if (level <= ISAL_DEF_MAX_LEVEL) return isal_encode(work, wrap, level, in, n, out, capacity, size, err);
#else
    (void)work;
#endif
    return zlib_encode(wrap, level, in, n, out, capacity, size, err);
}

static sheaf_status decode(shf_codec_work *work, wrapper wrap, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    if (n > UINT32_MAX || expected_size > UINT32_MAX) return shf_codec_fail_data(wrapper_name(wrap), "a stream above 4 GiB", err);
#ifdef SHEAF_WITH_ISAL
    bool whole;
    SHF_TRY(isal_decode(work, wrap, in, n, out, expected_size, &whole, err));
    if (whole) return SHEAF_OK;
#else
    (void)work;
#endif
    return zlib_decode(wrap, in, n, out, expected_size, err);
}

static sheaf_status stream_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out,
                                  size_t capacity, size_t *size, sheaf_error *err)
{
    (void)element_size;
    return encode(work, WRAP_ZLIB, level, in, n, out, capacity, size, err);
}

static sheaf_status stream_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    return decode(work, WRAP_ZLIB, in, n, out, expected_size, err);
}

static sheaf_status member_encode(shf_codec_work *work, int level, size_t element_size, const void *in, size_t n, void *out,
                                  size_t capacity, size_t *size, sheaf_error *err)
{
    (void)element_size;
    return encode(work, WRAP_GZIP, level, in, n, out, capacity, size, err);
}

static sheaf_status member_decode(shf_codec_work *work, const void *in, size_t n, void *out, size_t expected_size, sheaf_error *err)
{
    return decode(work, WRAP_GZIP, in, n, out, expected_size, err);
}

const shf_codec shf_codec_zlib = {"zlib", deflate_bound, stream_encode, stream_decode};
const shf_codec shf_codec_gzip = {"gzip", deflate_bound, member_encode, member_decode};

uint32_t shf_crc32(uint32_t crc, const void *bytes, size_t n)
{
#ifdef SHEAF_WITH_ISAL
    return crc32_gzip_refl(crc, bytes, n);
#else
    return (uint32_t)crc32_z(crc, bytes, n);
#endif
}

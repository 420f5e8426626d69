// SPDX-License-Identifier: Apache-2.0
/* Chunks to bytes and back. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"
#include "codec/codec.h"

enum { CRC_BYTES = 4 };

static const shf_codec *codec_of(sheaf_codec codec)
{
    switch (codec) {
    case SHEAF_CODEC_BLOSC: return &shf_codec_blosc;
    case SHEAF_CODEC_ZSTD: return &shf_codec_zstd;
    case SHEAF_CODEC_GZIP: return &shf_codec_gzip;
    case SHEAF_CODEC_NONE:
    case SHEAF_CODEC_DEFAULT: break;
    }
    return &shf_codec_none;
}

sheaf_status shf_zarr_encode(shf_codec_work *work, const shf_array *array, const void *chunk, shf_buf *out, uint32_t *mask,
                             sheaf_error *err)
{
    const shf_codec *codec = codec_of(array->codec);
    size_t bound = codec->bound(array->chunk_bytes), size = 0;
    *mask = SHF_ZARR_ENCODED;
    if (!bound)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, NULL, array->name, -1, -1, "%s cannot encode a chunk of %zu bytes", codec->name,
                           array->chunk_bytes);
    out->size = 0;
    SHF_TRY(shf_buf_reserve(out, bound + CRC_BYTES, err));
    SHF_TRY(codec->encode(work, array->level, array->item_size, chunk, array->chunk_bytes, out->data, bound, &size, err));
    shf_set_u32(out->data + size, shf_crc32c(0, out->data, size));
    out->size = size + CRC_BYTES;
    return SHEAF_OK;
}

sheaf_status shf_zarr_check_crc(const void *bytes, size_t n, sheaf_error *err)
{
    if (n < CRC_BYTES) return shf_fail(err, SHEAF_ERR_DAMAGED, "expected at least %d bytes, got %zu", CRC_BYTES, n);
    uint32_t stored = shf_get_u32((const uint8_t *)bytes + n - CRC_BYTES), computed = shf_crc32c(0, bytes, n - CRC_BYTES);
    if (stored == computed) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_DAMAGED, "CRC-32C %08x stored, %08x computed over %zu bytes", (unsigned)stored, (unsigned)computed,
                    n - CRC_BYTES);
}

sheaf_status shf_zarr_decode(shf_codec_work *work, const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk,
                             sheaf_error *err)
{
    if (mask == SHF_ZARR_RAW) {
        if (n != array->chunk_bytes)
            return shf_fail(err, SHEAF_ERR_DAMAGED, "expected %zu bytes of a chunk, got %zu", array->chunk_bytes, n);
        memcpy(chunk, bytes, n);
        return SHEAF_OK;
    }
    if (mask != SHF_ZARR_CHECKED || n < CRC_BYTES) SHF_TRY(shf_zarr_check_crc(bytes, n, err));
    return codec_of(array->codec)->decode(work, bytes, n - CRC_BYTES, chunk, array->chunk_bytes, err);
}

/* Undoes the bytes-to-bytes codecs, the last one first. */
static sheaf_status undo_steps(const shf_zarr_chain *chain, const uint8_t *bytes, size_t n, size_t raw, shf_buf *out, sheaf_error *err)
{
    static const shf_codec *const codecs[] = {[SHF_ZARR_BLOSC] = &shf_codec_blosc,
                                              [SHF_ZARR_ZSTD] = &shf_codec_zstd,
                                              [SHF_ZARR_GZIP] = &shf_codec_gzip,
                                              [SHF_ZARR_ZLIB] = &shf_codec_zlib};
    bool decoded = false;
    for (int i = chain->n_steps - 1; i >= 0; i--) {
        if (chain->steps[i] == SHF_ZARR_CRC32C) {
            SHF_TRY(shf_zarr_check_crc(bytes, n, err));
            n -= CRC_BYTES;
            continue;
        }
        /* Before the one that compresses there can only be checksums. */
        size_t expected = raw + (size_t)i * CRC_BYTES;
        SHF_TRY(shf_buf_resize(out, expected, err));
        SHF_TRY(codecs[chain->steps[i]]->decode(NULL, bytes, n, out->data, expected, err));
        bytes = out->data;
        n = expected;
        decoded = true;
    }
    if (n != raw) return shf_fail(err, SHEAF_ERR_DAMAGED, "expected %zu bytes of a chunk, got %zu", raw, n);
    if (!decoded) SHF_TRY(shf_buf_resize(out, raw, err));
    if (!decoded) memcpy(out->data, bytes, raw);
    out->size = raw;
    return SHEAF_OK;
}

static void swap_bytes(uint8_t *bytes, size_t n, size_t item)
{
    for (uint8_t *p = bytes; p < bytes + n; p += item) {
        for (size_t i = 0; i < item / 2; i++) {
            uint8_t b = p[i];
            p[i] = p[item - 1 - i];
            p[item - 1 - i] = b;
        }
    }
}

/* from: axis j is axis order[j] of to. */
static void untranspose(const shf_zarr_node *node, const shf_array *array, const uint8_t *from, uint8_t *to)
{
    size_t stride[SHEAF_MAX_NDIM], step[SHEAF_MAX_NDIM], size = array->item_size, offset = 0;
    uint64_t at[SHEAF_MAX_NDIM] = {0};
    int ndim = node->meta.ndim;
    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = size;
        size *= (size_t)array->chunk[i];
    }
    for (int j = 0; j < ndim; j++) step[j] = stride[node->meta.chain.order[j]];
    for (size_t done = 0; done < size; done += array->item_size) {
        memcpy(to + offset, from + done, array->item_size);
        for (int j = ndim - 1; j >= 0; j--) {
            uint64_t length = array->chunk[node->meta.chain.order[j]];
            offset += step[j];
            if (++at[j] < length) break;
            offset -= step[j] * (size_t)length;
            at[j] = 0;
        }
    }
}

sheaf_status shf_zarr_decode_chain(const shf_zarr_node *node, const shf_array *array, const void *bytes, size_t n, shf_buf *out,
                                   sheaf_error *err)
{
    const shf_zarr_chain *chain = &node->meta.chain;
    SHF_TRY(undo_steps(chain, bytes, n, array->chunk_bytes, out, err));
    if (chain->big_endian) swap_bytes(out->data, out->size, array->item_size);
    if (!chain->transposed) return SHEAF_OK;
    shf_buf straight = {0};
    SHF_TRY(shf_buf_resize(&straight, out->size, err));
    untranspose(node, array, out->data, straight.data);
    shf_buf_free(out);
    *out = straight;
    return SHEAF_OK;
}

// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/filters.h"

#include <string.h>

#include "backend/hdf5/fletcher.h"
#include "base/checked.h"
#include "base/shuffle.h"
#include "codec/codec.h"

enum { CHECKSUM_BYTES = 4 };

size_t shf_h5_encoded_bound(const shf_array *array)
{
    size_t bound = array->codec == SHEAF_CODEC_GZIP ? shf_codec_zlib.bound(array->chunk_bytes) : 0;
    return bound > array->chunk_bytes + CHECKSUM_BYTES ? bound : array->chunk_bytes + CHECKSUM_BYTES;
}

/* The chunk as it is, with a fletcher32 checksum behind it. */
static sheaf_status encode_plain(const shf_array *array, const void *chunk, shf_buf *out, sheaf_error *err)
{
    size_t n = array->chunk_bytes;
    SHF_TRY(shf_buf_resize(out, n + CHECKSUM_BYTES, err));
    memcpy(out->data, chunk, n);
    shf_set_u32(out->data + n, shf_h5_fletcher32(chunk, n));
    return SHEAF_OK;
}

static sheaf_status encode_deflate(shf_codec_work *work, const shf_array *array, const void *chunk, shf_buf *out, uint32_t *mask,
                                   sheaf_error *err)
{
    size_t n = array->chunk_bytes, size = 0;
    bool shuffle = shf_codec_prefers_shuffle(work, array->item_size, chunk, n);
    const void *from = chunk;
    SHF_TRY(shf_buf_resize(out, shf_h5_encoded_bound(array), err));
    if (shuffle) {
        uint8_t *shuffled = shf_codec_scratch(work, n);
        if (!shuffled) return shf_fail_memory(err, n, "shuffling");
        shf_shuffle(array->item_size, chunk, n, shuffled);
        from = shuffled;
    }
    SHF_TRY(shf_codec_zlib.encode(work, array->level, 1, from, n, out->data, out->size, &size, err));
    if (size >= n) { /* not even a byte won: reading it plain is faster */
        *mask = SHF_H5_NO_SHUFFLE | SHF_H5_NO_DEFLATE;
        return encode_plain(array, chunk, out, err);
    }
    *mask = SHF_H5_NO_FLETCHER | (shuffle ? 0 : SHF_H5_NO_SHUFFLE);
    out->size = size;
    return SHEAF_OK;
}

sheaf_status shf_h5_encode(shf_codec_work *work, const shf_array *array, const void *chunk, shf_buf *out, uint32_t *mask, sheaf_error *err)
{
    out->size = 0;
    *mask = 0;
    if (array->codec != SHEAF_CODEC_GZIP) return encode_plain(array, chunk, out, err);
    shf_codec_work local = {0};
    sheaf_status status = encode_deflate(work ? work : &local, array, chunk, out, mask, err);
    shf_codec_work_free(&local);
    return status;
}

static sheaf_status wrong_size(const shf_array *array, size_t expected, size_t n, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, array->name, -1, -1, "array %s: expected a chunk of %zu bytes, got %zu", array->name,
                       expected, n);
}

/* Some old writers stored the checksum's halves with their bytes swapped; libhdf5 takes both. */
static bool same_checksum(uint32_t stored, uint32_t computed)
{
    uint32_t swapped = ((computed & 0x00ff00ffu) << 8) | ((computed & 0xff00ff00u) >> 8);
    return stored == computed || stored == swapped;
}

/* Takes the checksum off the end; *n becomes the size before it. */
static sheaf_status check_fletcher(const shf_array *array, const uint8_t *bytes, size_t *n, sheaf_error *err)
{
    if (*n < CHECKSUM_BYTES) return wrong_size(array, CHECKSUM_BYTES, *n, err);
    *n -= CHECKSUM_BYTES;
    uint32_t stored = shf_get_u32(bytes + *n), computed = shf_h5_fletcher32(bytes, *n);
    if (same_checksum(stored, computed)) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, array->name, -1, -1, "array %s: the chunk's checksum is %08x, its content has %08x",
                       array->name, stored, computed);
}

static sheaf_status undo_shuffle(const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk, sheaf_error *err)
{
    if (n != array->chunk_bytes) return wrong_size(array, array->chunk_bytes, n, err);
    if (mask & SHF_H5_NO_SHUFFLE) memcpy(chunk, bytes, n);
    else shf_unshuffle(array->item_size, bytes, n, chunk);
    return SHEAF_OK;
}

static sheaf_status undo_deflate(shf_codec_work *work, const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk,
                                 sheaf_error *err)
{
    size_t chunk_bytes = array->chunk_bytes;
    uint8_t *plain = NULL;
    bool shuffled = !(mask & SHF_H5_NO_SHUFFLE);
    if (shuffled && !(plain = shf_codec_scratch(work, chunk_bytes))) return shf_fail_memory(err, chunk_bytes, "unshuffling");
    sheaf_status status = shf_codec_zlib.decode(work, bytes, n, shuffled ? plain : chunk, chunk_bytes, err);
    if (status == SHEAF_OK && shuffled) shf_unshuffle(array->item_size, plain, chunk_bytes, chunk);
    if (status != SHEAF_OK) shf_error_locate(err, NULL, array->name, -1, -1);
    return status;
}

static sheaf_status undo_filters(shf_codec_work *work, const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk,
                                 sheaf_error *err)
{
    if (mask & SHF_H5_DECODED) return undo_shuffle(array, bytes, n, SHF_H5_NO_SHUFFLE, chunk, err);
    if (array->codec != SHEAF_CODEC_GZIP) {
        if (!(mask & 1)) SHF_TRY(check_fletcher(array, bytes, &n, err));
        return undo_shuffle(array, bytes, n, SHF_H5_NO_SHUFFLE, chunk, err);
    }
    if (!(mask & SHF_H5_NO_FLETCHER)) SHF_TRY(check_fletcher(array, bytes, &n, err));
    if (mask & SHF_H5_NO_DEFLATE) return undo_shuffle(array, bytes, n, mask, chunk, err);
    return undo_deflate(work, array, bytes, n, mask, chunk, err);
}

static void swap_bytes(size_t item_size, size_t n, uint8_t *bytes)
{
    for (uint8_t *item = bytes; item + item_size <= bytes + n; item += item_size)
        for (size_t k = 0; k < item_size / 2; k++) {
            uint8_t byte = item[k];
            item[k] = item[item_size - 1 - k];
            item[item_size - 1 - k] = byte;
        }
}

sheaf_status shf_h5_decode(shf_codec_work *work, const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk,
                           sheaf_error *err)
{
    shf_codec_work local = {0};
    sheaf_status status = undo_filters(work ? work : &local, array, bytes, n, mask, chunk, err);
    shf_codec_work_free(&local);
    SHF_TRY(status);
    if (array->big_endian && !(mask & SHF_H5_DECODED)) swap_bytes(array->item_size, array->chunk_bytes, chunk);
    return SHEAF_OK;
}

// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/rle.h"

#include <stdbool.h>
#include <string.h>

#include "base/checked.h"

void shf_pq_rle_begin(shf_pq_rle *rle, const uint8_t *bytes, size_t n, unsigned width)
{
    *rle = (shf_pq_rle){.p = bytes, .end = bytes + n, .width = width};
}

static sheaf_status fail(sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_DAMAGED, "run-length data ends too early");
}

static bool read_varint(shf_pq_rle *rle, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && rle->p < rle->end; shift += 7) {
        uint8_t byte = *rle->p++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static sheaf_status next_run(shf_pq_rle *rle, sheaf_error *err)
{
    uint64_t head;
    if (!read_varint(rle, &head)) return fail(err);
    size_t left = (size_t)(rle->end - rle->p);
    if (head & 1) {
        /* Some writers cut the last group short of 8 values: what lies there counts. */
        uint64_t n_groups = head >> 1, n_bytes;
        if (n_groups > UINT64_MAX / 64) return fail(err);
        n_bytes = n_groups * rle->width;
        rle->packed = rle->p;
        rle->packed_at = 0;
        rle->run_left = n_groups * 8;
        if (n_bytes > left) {
            n_bytes = left;
            rle->run_left = (uint64_t)left * 8 / rle->width;
        }
        rle->p += n_bytes;
    } else {
        size_t n_bytes = (rle->width + 7) / 8;
        if (n_bytes > left) return fail(err);
        rle->packed = NULL;
        rle->run_left = head >> 1;
        rle->run_value = 0;
        memcpy(&rle->run_value, rle->p, n_bytes);
        if (rle->width < 32 && rle->run_value >> rle->width) return shf_fail(err, SHEAF_ERR_DAMAGED, "a run of values beyond their width");
        rle->p += n_bytes;
    }
    return SHEAF_OK;
}

/* Values [first, first + count) of a bit-packed run; whole words are loaded where the buffer allows. */
static void unpack(const uint8_t *packed, const uint8_t *end, unsigned width, uint64_t first, size_t count, uint32_t *out)
{
    uint64_t mask = width == 32 ? UINT32_MAX : ((uint64_t)1 << width) - 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t bit = (first + i) * width, word = 0;
        const uint8_t *p = packed + bit / 8;
        if (end - p >= 8) {
            word = shf_get_u64(p);
        } else {
            memcpy(&word, p, (size_t)(end - p));
        }
        out[i] = (uint32_t)(word >> (bit % 8) & mask);
    }
}

sheaf_status shf_pq_rle_next(shf_pq_rle *rle, uint32_t *out, size_t count, sheaf_error *err)
{
    while (count > 0) {
        while (rle->run_left == 0) SHF_TRY(next_run(rle, err));
        size_t n = (size_t)shf_min_u64(rle->run_left, count);
        if (rle->packed) {
            unpack(rle->packed, rle->end, rle->width, rle->packed_at, n, out);
            rle->packed_at += n;
        } else {
            for (size_t i = 0; i < n; i++) out[i] = rle->run_value;
        }
        rle->run_left -= n;
        out += n;
        count -= n;
    }
    return SHEAF_OK;
}

sheaf_status shf_pq_rle_skip(shf_pq_rle *rle, uint64_t count, sheaf_error *err)
{
    while (count > 0) {
        while (rle->run_left == 0) SHF_TRY(next_run(rle, err));
        uint64_t n = shf_min_u64(rle->run_left, count);
        rle->packed_at += n;
        rle->run_left -= n;
        count -= n;
    }
    return SHEAF_OK;
}

/* A byte's bits as 8 bytes: each bit is brought to its byte's lowest place. */
static inline uint64_t spread(uint8_t bits)
{
    uint64_t each = bits * 0x0101010101010101u & 0x8040201008040201u;
    return (each + 0x7F7F7F7F7F7F7F7Fu) >> 7 & 0x0101010101010101u;
}

/* The inverse: bytes 0 and 1 to the bits of one byte. */
static inline uint8_t gather(uint64_t bytes)
{
    return (uint8_t)(bytes * 0x0102040810204080u >> 56);
}

void shf_pq_unpack_bits(const uint8_t *bytes, size_t first, size_t count, uint8_t *out)
{
    size_t i = 0;
    for (; i < count && (first + i) % 8; i++) out[i] = bytes[(first + i) / 8] >> ((first + i) % 8) & 1;
    for (; i + 8 <= count; i += 8) shf_set_u64(out + i, spread(bytes[(first + i) / 8]));
    for (; i < count; i++) out[i] = bytes[(first + i) / 8] >> ((first + i) % 8) & 1;
}

sheaf_status shf_pq_rle_bits(const uint8_t *bytes, size_t n, size_t count, uint8_t *out, size_t *n_ones, sheaf_error *err)
{
    shf_pq_rle rle;
    shf_pq_rle_begin(&rle, bytes, n, 1);
    *n_ones = 0;
    while (count > 0) {
        while (rle.run_left == 0) SHF_TRY(next_run(&rle, err));
        size_t some = (size_t)shf_min_u64(rle.run_left, count);
        if (rle.packed) {
            shf_pq_unpack_bits(rle.packed, 0, some, out);
            for (size_t i = 0; i < some; i++) *n_ones += out[i];
        } else {
            memset(out, (int)rle.run_value, some);
            *n_ones += rle.run_value ? some : 0;
        }
        rle.run_left = 0; /* a run longer than what is left is the last */
        out += some;
        count -= some;
    }
    return SHEAF_OK;
}

int shf_pq_rle_all_ones(const uint8_t *bytes, size_t n, size_t count)
{
    shf_pq_rle rle;
    shf_pq_rle_begin(&rle, bytes, n, 1);
    return next_run(&rle, NULL) == SHEAF_OK && !rle.packed && rle.run_value == 1 && rle.run_left >= count;
}

unsigned shf_pq_bit_width(uint64_t max)
{
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

static sheaf_status put_varint(shf_buf *out, uint64_t value, sheaf_error *err)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    return shf_buf_append(out, bytes, n, err);
}

sheaf_status shf_pq_rle_encode_run(shf_buf *out, uint32_t value, size_t count, unsigned width, sheaf_error *err)
{
    SHF_TRY(put_varint(out, (uint64_t)count << 1, err));
    return shf_buf_append(out, &value, (width + 7) / 8, err);
}

/* count is a multiple of 8, or the last values: padded with zeros. */
static sheaf_status put_packed(shf_buf *out, const uint32_t *values, size_t count, unsigned width, sheaf_error *err)
{
    uint64_t n_groups = shf_ceil_div(count, 8);
    SHF_TRY(put_varint(out, n_groups << 1 | 1, err));
    size_t at = out->size;
    SHF_TRY(shf_buf_resize(out, at + (size_t)n_groups * width, err));
    uint8_t *p = out->data + at;
    uint64_t word = 0;
    unsigned held = 0;
    for (size_t i = 0; i < n_groups * 8; i++) {
        word |= (uint64_t)(i < count ? values[i] : 0) << held;
        for (held += width; held >= 8; held -= 8, word >>= 8) *p++ = (uint8_t)word;
    }
    return SHEAF_OK;
}

sheaf_status shf_pq_rle_encode(shf_buf *out, const uint32_t *values, size_t count, unsigned width, sheaf_error *err)
{
    size_t start = 0, i = 0; /* values from start on are not yet written */
    while (i < count) {
        size_t run = 1;
        while (i + run < count && values[i + run] == values[i]) run++;
        /* a packed run before holds a multiple of 8 values: it takes what it needs of this one */
        size_t lent = (8 - (i - start) % 8) % 8;
        if (run < lent + 8) {
            i += run;
            continue;
        }
        if (i + lent > start) SHF_TRY(put_packed(out, values + start, i + lent - start, width, err));
        SHF_TRY(shf_pq_rle_encode_run(out, values[i], run - lent, width, err));
        i += run;
        start = i;
    }
    return start < count ? put_packed(out, values + start, count - start, width, err) : SHEAF_OK;
}

sheaf_status shf_pq_pack_bits(shf_buf *out, const uint8_t *values, size_t count, sheaf_error *err)
{
    size_t at = out->size, n_bytes = count / 8 + (count % 8 != 0), i = 0;
    SHF_TRY(shf_buf_resize(out, at + n_bytes, err));
    uint8_t *p = out->data + at;
    for (; i + 8 <= count; i += 8) *p++ = gather(shf_get_u64(values + i));
    if (i < count) *p = 0;
    for (unsigned bit = 0; i < count; i++, bit++) *p = (uint8_t)(*p | values[i] << bit);
    return SHEAF_OK;
}

static size_t run_of_bytes(const uint8_t *values, size_t count)
{
    size_t run = 1;
    uint64_t same = values[0] * 0x0101010101010101u;
    for (; run + 8 <= count && shf_get_u64(values + run) == same; run += 8) {
    }
    for (; run < count && values[run] == values[0]; run++) {
    }
    return run;
}

sheaf_status shf_pq_rle_encode_bits(shf_buf *out, const uint8_t *values, size_t count, sheaf_error *err)
{
    enum { WORTH = 64 }; /* a run costs 2 to 6 bytes, and ends the packed run before it */
    size_t start = 0, i = 0;
    while (i < count) {
        size_t run = run_of_bytes(values + i, count - i), lent = (8 - (i - start) % 8) % 8;
        bool last = i + run == count;
        if (run < lent + WORTH && !(last && start == i)) {
            i += run;
            continue;
        }
        if (i + lent > start) {
            SHF_TRY(put_varint(out, (uint64_t)((i + lent - start) / 8) << 1 | 1, err));
            SHF_TRY(shf_pq_pack_bits(out, values + start, i + lent - start, err));
        }
        SHF_TRY(shf_pq_rle_encode_run(out, values[i], run - lent, 1, err));
        i += run;
        start = i;
    }
    if (start == count) return SHEAF_OK;
    SHF_TRY(put_varint(out, shf_ceil_div(count - start, 8) << 1 | 1, err));
    return shf_pq_pack_bits(out, values + start, count - start, err);
}

// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/delta.h"

#include <stdbool.h>
#include <string.h>

#include "base/checked.h"
#include "format/parquet/rle.h"
#include "format/parquet/thrift.h"

typedef struct header {
    uint64_t block, n_minis, count;
    int64_t first;
} header;

/* Varints are those of thrift. */
static bool read_header(shf_thrift *t, header *out)
{
    out->block = shf_thrift_varint(t);
    out->n_minis = shf_thrift_varint(t);
    out->count = shf_thrift_varint(t);
    out->first = shf_thrift_zigzag(t);
    if (t->bad || out->block == 0 || out->n_minis == 0) return false;
    return out->block <= UINT32_MAX && out->block % out->n_minis == 0 && out->block / out->n_minis % 8 == 0;
}

static sheaf_status fail(const char *why, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_DAMAGED, "DELTA_BINARY_PACKED data is damaged: %s", why);
}

sheaf_status shf_pq_delta_count(const uint8_t *bytes, size_t n, uint64_t *count, sheaf_error *err)
{
    shf_thrift t = {bytes, bytes + n, false};
    header head;
    if (!read_header(&t, &head)) return fail("its header cannot be read", err);
    *count = head.count;
    return SHEAF_OK;
}

/* Bits [bit, bit + width) of a string that ends at `end`. */
static uint64_t get_bits(const uint8_t *bytes, const uint8_t *end, uint64_t bit, unsigned width)
{
    const uint8_t *p = bytes + bit / 8;
    unsigned shift = bit % 8;
    size_t left = (size_t)(end - p);
    uint64_t low = 0, high = 0;
    if (left >= 9) {
        low = shf_get_u64(p);
        high = p[8];
    } else {
        memcpy(&low, p, left < 8 ? left : 8);
    }
    uint64_t value = low >> shift;
    if (shift + width > 64) value |= high << (64 - shift);
    return width == 64 ? value : value & (((uint64_t)1 << width) - 1);
}

/* Where decoded values go: only [first, first + some) of them. */
typedef struct target {
    int64_t *out;
    size_t at, first, some;
} target;

static inline void keep(target *to, int64_t value)
{
    if (to->at - to->first < to->some) to->out[to->at - to->first] = value;
    to->at++;
}

static bool decode_block(shf_thrift *t, const header *head, size_t count, uint64_t *value, target *to)
{
    uint64_t min_delta = (uint64_t)shf_thrift_zigzag(t), per_mini = head->block / head->n_minis;
    const uint8_t *widths = t->p;
    if (t->bad || head->n_minis > (size_t)(t->end - t->p)) return false;
    t->p += head->n_minis;
    for (uint64_t m = 0; m < head->n_minis && to->at < count; m++) {
        unsigned width = widths[m];
        uint64_t n_bytes = per_mini / 8 * width, n_left = count - to->at;
        if (width > 64 || n_bytes > (size_t)(t->end - t->p)) return false;
        for (uint64_t i = 0; i < per_mini && i < n_left; i++) {
            *value += min_delta + (width ? get_bits(t->p, t->end, i * width, width) : 0);
            keep(to, (int64_t)*value);
        }
        t->p += n_bytes;
    }
    return true;
}

sheaf_status shf_pq_delta_decode(const uint8_t *bytes, size_t n, size_t count, size_t first, size_t some, int64_t *out, size_t *used,
                                 sheaf_error *err)
{
    shf_thrift t = {bytes, bytes + n, false};
    header head;
    if (!read_header(&t, &head)) return fail("its header cannot be read", err);
    if (head.count != count)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "DELTA_BINARY_PACKED data is damaged: expected %zu values, got %llu", count,
                        (unsigned long long)head.count);
    target to = {out, 0, first, some};
    uint64_t value = (uint64_t)head.first;
    if (count > 0) keep(&to, head.first);
    while (to.at < count)
        if (!decode_block(&t, &head, count, &value, &to)) return fail("a block ends too early", err);
    *used = (size_t)(t.p - bytes);
    return SHEAF_OK;
}

enum { BLOCK = 128, N_MINIS = 4, MINI = BLOCK / N_MINIS };

static void put_bits(uint8_t *bytes, uint64_t bit, uint64_t value, unsigned width)
{
    for (unsigned done = 0; done < width;) {
        unsigned shift = bit % 8, some = 8 - shift < width - done ? 8 - shift : width - done;
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] | (value >> done & ((1u << some) - 1)) << shift);
        done += some;
        bit += some;
    }
}

/* deltas: differences less their minimum, zeros behind the last. */
static sheaf_status put_minis(shf_buf *out, const uint64_t *deltas, size_t n, sheaf_error *err)
{
    size_t at = out->size;
    SHF_TRY(shf_buf_append(out, (uint8_t[N_MINIS]){0}, N_MINIS, err));
    for (size_t m = 0; m * MINI < n; m++) {
        uint64_t all = 0;
        for (size_t i = 0; i < MINI; i++) all |= deltas[m * MINI + i];
        unsigned width = shf_pq_bit_width(all);
        out->data[at + m] = (uint8_t)width;
        size_t body = out->size;
        SHF_TRY(shf_buf_resize(out, body + (size_t)MINI / 8 * width, err));
        memset(out->data + body, 0, out->size - body);
        for (size_t i = 0; i < MINI; i++) put_bits(out->data + body, (uint64_t)i * width, deltas[m * MINI + i], width);
    }
    return SHEAF_OK;
}

/* before: the value before the block's first, then the block. */
static sheaf_status put_block(shf_thrift_out *t, const int64_t *before, size_t n, int is_32, sheaf_error *err)
{
    uint64_t deltas[BLOCK] = {0};
    int64_t min = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        uint64_t delta = (uint64_t)before[i + 1] - (uint64_t)before[i];
        int64_t wrapped = is_32 ? (int64_t)(int32_t)(uint32_t)delta : (int64_t)delta;
        deltas[i] = (uint64_t)wrapped;
        if (wrapped < min) min = wrapped;
    }
    for (size_t i = 0; i < n; i++) deltas[i] = is_32 ? (uint32_t)(deltas[i] - (uint64_t)min) : deltas[i] - (uint64_t)min;
    shf_thrift_put_raw_zigzag(t, min);
    return put_minis(t->buf, deltas, n, err);
}

sheaf_status shf_pq_delta_encode(shf_buf *out, const int64_t *values, size_t count, int is_32, sheaf_error *err)
{
    shf_thrift_out t = {.buf = out};
    shf_thrift_put_raw_varint(&t, BLOCK);
    shf_thrift_put_raw_varint(&t, N_MINIS);
    shf_thrift_put_raw_varint(&t, count);
    shf_thrift_put_raw_zigzag(&t, count ? values[0] : 0);
    for (size_t i = 1; i < count; i += BLOCK) SHF_TRY(put_block(&t, values + i - 1, count - i < BLOCK ? count - i : BLOCK, is_32, err));
    return t.failed ? shf_fail_memory(err, count, "delta encoding") : SHEAF_OK;
}

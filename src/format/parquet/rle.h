// SPDX-License-Identifier: Apache-2.0
/* The hybrid of run lengths and bit-packed groups of 8, for levels, dictionary indices and booleans
 * (https://github.com/apache/parquet-format/blob/master/Encodings.md, RLE). */
#ifndef SHF_FORMAT_PARQUET_RLE_H
#define SHF_FORMAT_PARQUET_RLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* ---- decoding, piece by piece ---- */
typedef struct shf_pq_rle {
    const uint8_t *p, *end; /* Borrowed */
    unsigned width;         /* bits, 0 to 32 */
    uint64_t run_left;      /* values left of the run at hand */
    uint32_t run_value;
    const uint8_t *packed; /* NULL in a repeated run */
    uint64_t packed_at;    /* index of the next packed value */
} shf_pq_rle;

void shf_pq_rle_begin(shf_pq_rle *rle, const uint8_t *bytes, size_t n, unsigned width);
/* The next `count` values; SHEAF_ERR_DAMAGED when there are fewer. */
sheaf_status shf_pq_rle_next(shf_pq_rle *rle, uint32_t *out, size_t count, sheaf_error *err);
sheaf_status shf_pq_rle_skip(shf_pq_rle *rle, uint64_t count, sheaf_error *err);
/* Values of one bit as bytes 0 and 1; *n_ones counts the ones. */
sheaf_status shf_pq_rle_bits(const uint8_t *bytes, size_t n, size_t count, uint8_t *out, size_t *n_ones, sheaf_error *err);
/* Whether the first run holds `count` ones: all values are there, the common case. */
int shf_pq_rle_all_ones(const uint8_t *bytes, size_t n, size_t count);
/* Bits [first, first + count) of a bit string (least significant first) as bytes; the string must hold them. */
void shf_pq_unpack_bits(const uint8_t *bytes, size_t first, size_t count, uint8_t *out);

/* ---- encoding ---- */
/* Bits that values up to `max` need. */
unsigned shf_pq_bit_width(uint64_t max);
/* Appends `count` values of `width` bits, in runs where 8 or more are equal. */
sheaf_status shf_pq_rle_encode(shf_buf *out, const uint32_t *values, size_t count, unsigned width, sheaf_error *err);
/* The same from bytes 0 and 1. */
sheaf_status shf_pq_rle_encode_bits(shf_buf *out, const uint8_t *values, size_t count, sheaf_error *err);
/* One run of `count` equal values of one bit. */
sheaf_status shf_pq_rle_encode_run(shf_buf *out, uint32_t value, size_t count, unsigned width, sheaf_error *err);
/* Appends bytes 0 and 1 as bits, least significant first: PLAIN booleans. */
sheaf_status shf_pq_pack_bits(shf_buf *out, const uint8_t *values, size_t count, sheaf_error *err);

#endif

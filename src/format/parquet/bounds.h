// SPDX-License-Identifier: Apache-2.0
/* Smallest and largest value of a page or chunk, as PLAIN bytes. NaN counts for nothing; a zero is written as -0.0 below and +0.0 above
 * (parquet.thrift, Statistics). Types without an order of their own (FIXED, INT96) have none, nor have texts longer than 64 bytes. */
#ifndef SHF_FORMAT_PARQUET_BOUNDS_H
#define SHF_FORMAT_PARQUET_BOUNDS_H

#include "format/parquet/meta.h"

enum { SHF_PQ_BOUND_BYTES = 64 };

typedef struct shf_pq_bounds {
    bool has;
    bool lost; /* some value had no place here: no bounds for what holds it */
    uint8_t min_size, max_size;
    uint8_t min[SHF_PQ_BOUND_BYTES], max[SHF_PQ_BOUND_BYTES];
} shf_pq_bounds;

typedef struct shf_pq_order {
    int32_t type;
    bool is_unsigned; /* integers */
} shf_pq_order;

/* n fixed-size values, all there. */
void shf_pq_bounds_fixed(shf_pq_order order, const void *values, size_t n, shf_pq_bounds *out);
/* BYTE_ARRAY: values[offsets[i], offsets[i + 1]), in the order of unsigned bytes. */
void shf_pq_bounds_bytes(const uint8_t *bytes, const uint64_t *offsets, size_t n, shf_pq_bounds *out);
/* Widens `all` by the bounds of one more part. */
void shf_pq_bounds_join(shf_pq_order order, shf_pq_bounds *all, const shf_pq_bounds *part);
/* -1, 0 or 1: order of two bounds' bytes. */
int shf_pq_bounds_compare(shf_pq_order order, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

#endif

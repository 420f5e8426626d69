// SPDX-License-Identifier: Apache-2.0
/* DELTA_BINARY_PACKED: blocks of differences, bit-packed in miniblocks of their own width
 * (https://github.com/apache/parquet-format/blob/master/Encodings.md). Values wrap around as two's complement. */
#ifndef SHF_FORMAT_PARQUET_DELTA_H
#define SHF_FORMAT_PARQUET_DELTA_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* How many values the data says it holds; SHEAF_ERR_DAMAGED when even that cannot be read. */
sheaf_status shf_pq_delta_count(const uint8_t *bytes, size_t n, uint64_t *count, sheaf_error *err);
/* Decodes all `count` values (which the data must hold exactly) and keeps [first, first + some) in out; *used is the size of the data. */
sheaf_status shf_pq_delta_decode(const uint8_t *bytes, size_t n, size_t count, size_t first, size_t some, int64_t *out, size_t *used,
                                 sheaf_error *err);
/* Appends. is_32: differences are taken modulo 2^32, as readers of INT32 expect. */
sheaf_status shf_pq_delta_encode(shf_buf *out, const int64_t *values, size_t count, int is_32, sheaf_error *err);

#endif

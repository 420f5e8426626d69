// SPDX-License-Identifier: Apache-2.0
/* Dictionaries for writing, and whether differences pay: decided by samples of the values. */
#ifndef SHF_FORMAT_PARQUET_CHOOSE_H
#define SHF_FORMAT_PARQUET_CHOOSE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Values of one chunk, absent ones left out. */
typedef struct shf_pq_values {
    size_t size;             /* bytes of each; 0 of BYTE_ARRAY */
    const uint8_t *values;   /* n × size, or the bytes of all */
    const uint64_t *offsets; /* of BYTE_ARRAY: n + 1 into values */
    size_t n;
} shf_pq_values;

/* Whether few different values stand in a sample, so that a dictionary is worth the try. */
bool shf_pq_dictionary_promising(const shf_pq_values *values);
/* Different values in order of their first appearance as PLAIN bytes in *dictionary, and each value's index in *indices (n). *n_entries is 0
 * when there are too many for a dictionary to pay. */
sheaf_status shf_pq_dictionary_build(const shf_pq_values *values, shf_buf *dictionary, uint32_t *indices, size_t *n_entries,
                                     sheaf_error *err);
/* Whether DELTA_BINARY_PACKED needs at most a third of the plain bits (integers of 4 or 8 bytes). */
bool shf_pq_delta_promising(const shf_pq_values *values);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Values of a page, decoded from its (decompressed) bytes. Fixed-size types become plain arrays: BOOLEAN as bytes 0 and 1, INT96 and FIXED
 * as their bytes. BYTE_ARRAY becomes offsets into bytes. Absent values take no place here: levels are the caller's. */
#ifndef SHF_FORMAT_PARQUET_VALUES_H
#define SHF_FORMAT_PARQUET_VALUES_H

#include "base/buf.h"
#include "format/parquet/meta.h"

/* What values are to be had: all of the page's `count` are checked as far as the encoding allows, [first, first + some) are kept. */
typedef struct shf_pq_slice {
    size_t count, first, some;
} shf_pq_slice;

typedef struct shf_pq_bytes {
    shf_buf data;      /* the values one after the other */
    uint64_t *offsets; /* n + 1; value i is data[offsets[i], offsets[i + 1]); Owned */
    size_t n, capacity;
    size_t limit; /* most bytes that data may hold, 0 for no limit: a small page can ask for very much */
} shf_pq_bytes;

sheaf_status shf_pq_bytes_append(shf_pq_bytes *to, const void *bytes, size_t n, sheaf_error *err);
void shf_pq_bytes_free(shf_pq_bytes *bytes);

typedef struct shf_pq_dictionary {
    size_t n;
    shf_buf fixed;      /* n values of the type's size */
    shf_pq_bytes bytes; /* of BYTE_ARRAY */
} shf_pq_dictionary;

/* From a dictionary page's bytes: PLAIN, n values. */
sheaf_status shf_pq_dictionary_read(shf_pq_dictionary *dictionary, int32_t type, size_t value_size, const uint8_t *bytes, size_t n_bytes,
                                    size_t n, sheaf_error *err);
void shf_pq_dictionary_free(shf_pq_dictionary *dictionary);

/* Fixed-size values of an encoding to out (slice.some × value_size bytes). dictionary may be NULL. scratch holds what an encoding needs
 * between; SHEAF_ERR_UNSUPPORTED names an encoding that the type does not have. */
sheaf_status shf_pq_decode_fixed(int32_t type, size_t value_size, int32_t encoding, const uint8_t *bytes, size_t n_bytes,
                                 shf_pq_slice slice, const shf_pq_dictionary *dictionary, shf_buf *scratch, void *out, sheaf_error *err);
/* BYTE_ARRAY values, appended. */
sheaf_status shf_pq_decode_bytes(int32_t encoding, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice,
                                 const shf_pq_dictionary *dictionary, shf_buf *scratch, shf_pq_bytes *out, sheaf_error *err);

#endif

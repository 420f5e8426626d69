// SPDX-License-Identifier: Apache-2.0
/* Headers of .npy files, versions 1.0, 2.0 and 3.0 (NumPy Enhancement Proposal 1; numpy.lib.format). Any thread.
 * The data follows the header at once: prod(shape) elements, row-major unless fortran_order is set. */
#ifndef SHF_FORMAT_NPY_H
#define SHF_FORMAT_NPY_H

#include "sheaf/types.h"

/* Bytes from which shf_npy_header_size can tell how long the header is. */
#define SHF_NPY_PREFIX 12
/* A header of this size has room for every shape, so that it can be written again in place when the first dimension has grown. */
#define SHF_NPY_HEADER_SIZE 256

typedef struct shf_npy_header {
    sheaf_dtype dtype;
    bool big_endian;    /* elements are stored with the highest byte first; never set for 1-byte types */
    bool fortran_order; /* the first dimension varies fastest; never set when ndim < 2 */
    unsigned ndim;      /* 0: one element */
    uint64_t shape[SHEAF_MAX_NDIM];
    uint64_t header_size; /* where the data begins */
    uint64_t count;       /* elements: the product of the shape */
    uint64_t data_size;   /* bytes of the data; header_size + data_size fits in int64_t */
} shf_npy_header;

/* Size of the whole header, from the first bytes of a file (n >= SHF_NPY_PREFIX, or the whole file when that is shorter).
 * SHEAF_ERR_INPUT: no .npy file, an unknown version, or a header over 1 MiB. SHEAF_ERR_TRUNCATED: n is too small. */
sheaf_status shf_npy_header_size(const void *bytes, size_t n, size_t *size, sheaf_error *err);

/* Reads a header; n >= its size (SHEAF_ERR_TRUNCATED otherwise; more is ignored). SHEAF_ERR_UNSUPPORTED names a dtype that is none of
 * ours (complex, text, object, structured), or too many dimensions; SHEAF_ERR_INPUT is malformed text. */
sheaf_status shf_npy_parse(const void *bytes, size_t n, shf_npy_header *header, sheaf_error *err);

/* Writes a header of version 1.0 of exactly `size` bytes (a multiple of 64) from dtype, big_endian, fortran_order, ndim and shape;
 * the other fields are not read. SHEAF_ERR_RANGE when it does not fit; SHF_NPY_HEADER_SIZE always does. */
sheaf_status shf_npy_format(const shf_npy_header *header, void *to, size_t size, sheaf_error *err);
/* The least size that does: what numpy.save writes. */
size_t shf_npy_least_size(const shf_npy_header *header);

#endif

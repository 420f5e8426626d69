// SPDX-License-Identifier: Apache-2.0
/* Chunks as HDF5's filter pipeline has them. */
#ifndef SHF_HDF5_FILTERS_H
#define SHF_HDF5_FILTERS_H

#include "backend/backend.h"

/* The pipelines that we write. The filter mask has bit i set when filter i was left out for a chunk.
 * gzip: shuffle (0), deflate (1), fletcher32 (2): fletcher32 only where deflate was left out, for deflate has a checksum of its own.
 * none: fletcher32 (0). */
enum {
    SHF_H5_NO_SHUFFLE = 1,
    SHF_H5_NO_DEFLATE = 2,
    SHF_H5_NO_FLETCHER = 4,
    /* Ours alone, never in a file: what get gives was decoded by libhdf5 and is in native byte order. */
    SHF_H5_DECODED = 0x40000000,
};

sheaf_status shf_h5_encode(shf_codec_work *work, const shf_array *array, const void *chunk, shf_buf *out, uint32_t *mask, sheaf_error *err);
sheaf_status shf_h5_decode(shf_codec_work *work, const shf_array *array, const void *bytes, size_t n, uint32_t mask, void *chunk,
                           sheaf_error *err);
/* Most bytes that an encoded chunk takes. */
size_t shf_h5_encoded_bound(const shf_array *array);

#endif

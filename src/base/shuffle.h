// SPDX-License-Identifier: Apache-2.0
#ifndef SHF_BASE_SHUFFLE_H
#define SHF_BASE_SHUFFLE_H

#include <stddef.h>

/* Byte shuffle: byte b of element i goes to b * count + i, bytes beyond the last whole element are copied: the filter of HDF5 and Blosc, and
 * Parquet's BYTE_STREAM_SPLIT. in and out must not overlap. */
void shf_shuffle(size_t element_size, const void *in, size_t n, void *out);
void shf_unshuffle(size_t element_size, const void *in, size_t n, void *out);
/* Unshuffles only elements [first, first + count) of n bytes of shuffled whole elements. */
void shf_unshuffle_range(size_t element_size, const void *in, size_t n, size_t first, size_t count, void *out);

#endif

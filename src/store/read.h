// SPDX-License-Identifier: Apache-2.0
/* Inside of sheaf_store_read: one call's state. */
#ifndef SHF_STORE_READ_H
#define SHF_STORE_READ_H

#include "store/select.h"
#include "store/store.h"

typedef struct shf_read {
    sheaf_store *store;
    size_t i;
    const shf_array *array;
    uint64_t rows;      /* committed */
    uint64_t chunk_end; /* the stored chunk must hold the rows below this one: the rest of its block lies in a slab */
    shf_axis axes[SHEAF_MAX_NDIM];
    size_t out_stride[SHEAF_MAX_NDIM];
    uint8_t *out;
    struct shf_read_tasks *tasks; /* chunks to be decoded */
} shf_read;

/* Strides in bytes of a row-major block. */
void shf_read_strides(const shf_array *array, const uint64_t *shape, size_t *stride);

/* Axis as one part, not cut at chunks. */
void shf_read_whole(const shf_axis *axis, shf_part *part);

/* read_chunks.c: the whole selection of a store that keeps chunks. */
sheaf_status shf_read_chunks(shf_read *job, sheaf_error *err);

#endif

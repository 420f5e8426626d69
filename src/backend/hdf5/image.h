// SPDX-License-Identifier: Apache-2.0
/* A checkpoint's superblock and metadata, made in memory by libhdf5. The same content at the same address gives the same bytes. */
#ifndef SHF_HDF5_IMAGE_H
#define SHF_HDF5_IMAGE_H

#include "backend/hdf5/chunks.h"
#include "backend/hdf5/driver.h"

typedef struct shf_h5_view {
    const shf_layout *layout;       /* its lengths and attributes are not looked at */
    const shf_h5_content *contents; /* of each array */
    const uint64_t *lengths;        /* of each record dimension */
    const json_t *attributes;       /* of the file */
    const shf_file *beside;         /* the file that the arrays are added to; NULL: all of it is ours */
    bool first;                     /* beside: nothing of ours may be there yet */
    shf_h5_pages *before;           /* beside: changed pages as they are without us */
    uint64_t region;                /* where what this checkpoint alone uses begins (partial chunks, then metadata) */
} shf_h5_view;

/* A file that others made, as it is without the arrays that are ours: its changed pages go to `before`, metadata to image->region. */
sheaf_status shf_h5_image_strip(shf_h5_medium *image, const shf_layout *layout, const shf_file *file, shf_h5_pages *before, uint64_t start,
                                sheaf_error *err);
/* Metadata from `start` on. The image is the caller's to free, also after an error. */
sheaf_status shf_h5_image_make(shf_h5_medium *image, const shf_h5_view *view, uint64_t start, sheaf_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Our file driver: what libhdf5 takes for the file. It never writes to the disk.
 *
 * Writing, libhdf5 makes an image: the superblock, and all metadata in one region that begins where the caller says. Chunk data is not part of it:
 * it lies in the file already, and libhdf5 is only told where (`place`).
 * Reading, superblock and metadata region are a copy taken at one moment, so that a writer may go on meanwhile; all else is read from the file. */
#ifndef SHF_HDF5_DRIVER_H
#define SHF_HDF5_DRIVER_H

#include <hdf5.h>

#include "backend/hdf5/pages.h"
#include "backend/hdf5/superblock.h"
#include "io/file.h"

#define SHF_H5_NOWHERE UINT64_MAX

struct shf_h5_driver_file;

typedef struct shf_h5_medium {
    struct shf_h5_driver_file *opened; /* what libhdf5 holds of it */
    const shf_file *file;              /* Borrowed; NULL while an image is made */
    uint64_t file_size;
    bool writing;
    uint8_t head[SHF_H5_HEAD_BYTES];
    size_t head_size; /* bytes of head that count; 0: read it from the file */
    bool doubtful;    /* reading: the seal says that the metadata is not what Sheaf wrote */
    shf_buf region;
    uint64_t start; /* address of region.data[0] */
    uint64_t next;  /* writing: where the next metadata goes */
    uint64_t end;   /* end of the allocated addresses as libhdf5 sees it */
    uint64_t place; /* writing: where the chunk lies that libhdf5 is being told about */
    bool placed;    /* libhdf5 took it */
    uint64_t tree;  /* writing: address of the last B-tree node that was asked for */
    bool probing;   /* reading: chunk data is not read, only noted */
    uint64_t probe_offset, probe_size;
    bool beside; /* writing into a file that is there: what changes in it is kept in pages */
    shf_h5_pages pages;
    shf_h5_pages *before; /* beside: those pages as they are without us; Borrowed */
    bool failed;          /* an allocation or a read failed: from then on all calls pretend to succeed, so that closing always ends */
    sheaf_error error;
} shf_h5_medium;

extern const H5FD_class_t shf_h5_driver_class;

/* For making an image whose metadata begins at start. */
void shf_h5_medium_write(shf_h5_medium *medium, uint64_t start);
/* For adding to a file that is there, as it is without what we added before (`before`). After an error too it is the caller's to free. */
sheaf_status shf_h5_medium_write_beside(shf_h5_medium *medium, uint64_t start, const shf_file *file, shf_h5_pages *before,
                                        sheaf_error *err);
void shf_h5_medium_free(shf_h5_medium *medium);
/* Room for n bytes of metadata that we write ourselves; zeroed. *address: where. */
sheaf_status shf_h5_medium_take(shf_h5_medium *medium, size_t n, uint64_t *address, sheaf_error *err);
/* The n bytes at an address of the region; NULL when they are not within. */
uint8_t *shf_h5_medium_at(shf_h5_medium *medium, uint64_t address, size_t n);
/* File access list with this driver; negative on failure. Only while locked. */
hid_t shf_h5_medium_access(shf_h5_medium *medium);

#endif

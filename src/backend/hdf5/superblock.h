// SPDX-License-Identifier: Apache-2.0
/* The superblock of an HDF5 file: what it says about the file's size, and where the root group lies.
 * HDF5 File Format Specification 3.0, section II.A. Pure. */
#ifndef SHF_HDF5_SUPERBLOCK_H
#define SHF_HDF5_SUPERBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Versions 0 to 3 with offsets of 8 bytes lie within so many bytes. */
#define SHF_H5_SUPERBLOCK_MAX 96u
/* Version 2, what we write. */
#define SHF_H5_SUPERBLOCK_BYTES 48u

/* Our files have a seal behind the superblock and again at the end of the metadata: a copy of the superblock, and the checksum of all metadata (from
 * the root group to the seal), so that libhdf5 is given none that is damaged. docs/formats/hdf5.md. */
#define SHF_H5_SEAL_BYTES 64u
#define SHF_H5_HEAD_BYTES (SHF_H5_SUPERBLOCK_BYTES + SHF_H5_SEAL_BYTES)

typedef struct shf_h5_superblock {
    int version;
    uint64_t base; /* address 0 of the file format within the file */
    uint64_t end;  /* end-of-file address */
    uint64_t root; /* object header of the root group; 0 where it is not known (versions 0 and 1) */
} shf_h5_superblock;

bool shf_h5_is_signature(const void *bytes, size_t n);
/* false: no superblock, one of an unknown version or with other sizes than 8, or a wrong checksum. */
bool shf_h5_superblock_parse(const void *bytes, size_t n, shf_h5_superblock *out);
/* For a superblock of version 2: its end-of-file address. */
void shf_h5_superblock_set_end(uint8_t superblock[SHF_H5_SUPERBLOCK_BYTES], uint64_t end);
void shf_h5_seal_make(const uint8_t superblock[SHF_H5_SUPERBLOCK_BYTES], const void *metadata, size_t n, uint8_t seal[SHF_H5_SEAL_BYTES]);
/* Whether it is a seal and undamaged; the superblock in it into *superblock (may be NULL). */
bool shf_h5_seal_parse(const uint8_t seal[SHF_H5_SEAL_BYTES], shf_h5_superblock *superblock);
uint32_t shf_h5_seal_crc(const uint8_t seal[SHF_H5_SEAL_BYTES]); /* of the metadata */
/* Jenkins' lookup3, the checksum of all metadata of HDF5 since version 1.8. */
uint32_t shf_h5_lookup3(const void *bytes, size_t n);

#endif

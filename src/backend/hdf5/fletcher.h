// SPDX-License-Identifier: Apache-2.0
#ifndef SHF_HDF5_FLETCHER_H
#define SHF_HDF5_FLETCHER_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of HDF5's fletcher32 filter: Fletcher's sums modulo 65535 over big-endian words of 16 bits, both beginning with 0. */
uint32_t shf_h5_fletcher32(const void *bytes, size_t n);

#endif

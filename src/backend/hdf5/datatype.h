// SPDX-License-Identifier: Apache-2.0
#ifndef SHF_HDF5_DATATYPE_H
#define SHF_HDF5_DATATYPE_H

#include <hdf5.h>

#include "sheaf/types.h"

/* HDF5's type of a dtype, little-endian: in files and, on the machines that we run on, in memory. Borrowed. Only while the library is locked. */
hid_t shf_h5_type(sheaf_dtype dtype);
/* The dtype of an integer, float, or h5py boolean type; SHEAF_DTYPE_NONE for all else. */
sheaf_dtype shf_h5_dtype(hid_t type, bool *big_endian);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Dimension names: HDF5 dimension scales (HDF5 Dimension Scale Specification 1.0), as netCDF-4 has them. Only while the library is locked. */
#ifndef SHF_HDF5_SCALES_H
#define SHF_HDF5_SCALES_H

#include <hdf5.h>

#include "backend/layout.h"

/* A dimension without a coordinate array is a dataset without data, whose NAME begins so. */
#define SHF_H5_PLACEHOLDER "This is a netCDF dimension but not a netCDF variable"

/* Once the arrays are there: makes their coordinate arrays scales, adds scales for the other dimensions, and attaches all. lengths: of the layout's
 * record dimensions. */
sheaf_status shf_h5_scales_write(hid_t file, const shf_layout *layout, const uint64_t *lengths, sheaf_error *err);
/* Whether a dataset is only a dimension. */
bool shf_h5_is_placeholder(hid_t dataset);
/* Names of the dimensions of a dataset at the root, as far as it has any; "" for the others. name: its own. */
void shf_h5_scales_read(hid_t dataset, const char *name, int ndim, char dimensions[SHEAF_MAX_NDIM][SHEAF_MAX_NAME + 1]);

#endif

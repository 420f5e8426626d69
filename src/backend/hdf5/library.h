// SPDX-License-Identifier: Apache-2.0
/* libhdf5 under one process-wide mutex, silent, with its error stack turned into a sheaf_error. */
#ifndef SHF_HDF5_LIBRARY_H
#define SHF_HDF5_LIBRARY_H

#include <hdf5.h>
#include <stdbool.h>

#include "base/error.h"

/* Every call of libhdf5 lies between these two. While locked, libhdf5 prints nothing; the caller's own setting comes back afterwards. */
void shf_h5_lock(void);
void shf_h5_unlock(void);
/* Only while locked: "WHAT PATH: the innermost message of libhdf5's error stack"; the stack is cleared. path may be NULL. */
sheaf_status shf_h5_fail(sheaf_error *err, sheaf_status code, const char *path, const char *what);
/* Only while locked: whether the error stack began with this message. The stack stays. */
bool shf_h5_failed_with(const char *message);
/* Only while locked: identifier of our file driver, or a negative one. */
hid_t shf_h5_driver(void);

#endif

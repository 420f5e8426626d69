// SPDX-License-Identifier: Apache-2.0
/* JSON attributes as HDF5 attributes. Strings are of variable length in UTF-8, integers i64, other numbers f64, booleans and everything else JSON text,
 * whose names the attribute "sheaf_json" lists. Only while the library is locked. */
#ifndef SHF_HDF5_ATTRIBUTES_H
#define SHF_HDF5_ATTRIBUTES_H

#include <hdf5.h>
#include <jansson.h>

#include "base/error.h"

/* Names that have a meaning of their own in HDF5, netCDF or here; a JSON attribute of such a name gets "sheaf." before it. */
sheaf_status shf_h5_attributes_write(hid_t object, const json_t *attributes, sheaf_error *err);
/* Adds what can be said in JSON to `into`; *left_out (may be NULL) becomes true when something cannot. */
sheaf_status shf_h5_attributes_read(hid_t object, json_t *into, int *left_out, sheaf_error *err);
/* One string attribute. */
sheaf_status shf_h5_attribute_set_text(hid_t object, const char *name, const char *text, sheaf_error *err);
/* Text of a scalar string attribute; *text is NULL when there is none, else ended by shf_free. */
sheaf_status shf_h5_attribute_text(hid_t object, const char *name, char **text, sheaf_error *err);

#endif

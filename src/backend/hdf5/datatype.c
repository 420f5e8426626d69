// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/datatype.h"

#include <string.h>

hid_t shf_h5_type(sheaf_dtype dtype)
{
    switch (dtype) {
    case SHEAF_BOOL:
    case SHEAF_U8: return H5T_STD_U8LE;
    case SHEAF_I8: return H5T_STD_I8LE;
    case SHEAF_I16: return H5T_STD_I16LE;
    case SHEAF_I32: return H5T_STD_I32LE;
    case SHEAF_I64: return H5T_STD_I64LE;
    case SHEAF_U16: return H5T_STD_U16LE;
    case SHEAF_U32: return H5T_STD_U32LE;
    case SHEAF_U64: return H5T_STD_U64LE;
    case SHEAF_F32: return H5T_IEEE_F32LE;
    case SHEAF_F64: return H5T_IEEE_F64LE;
    case SHEAF_DTYPE_NONE: break;
    }
    return -1;
}

/* h5py's booleans are an enumeration FALSE = 0, TRUE = 1 over one byte. */
static bool is_boolean(hid_t type)
{
    char zero[8] = "", one[8] = "";
    int8_t value[8] = {0};
    if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) return false;
    if (H5Tenum_nameof(type, value, zero, sizeof zero) < 0) return false;
    value[0] = 1;
    return H5Tenum_nameof(type, value, one, sizeof one) >= 0 && !strcmp(zero, "FALSE") && !strcmp(one, "TRUE");
}

sheaf_dtype shf_h5_dtype(hid_t type, bool *big_endian)
{
    static const sheaf_dtype dtypes[] = {SHEAF_U8,  SHEAF_I8,  SHEAF_I16, SHEAF_I32, SHEAF_I64,
                                         SHEAF_U16, SHEAF_U32, SHEAF_U64, SHEAF_F32, SHEAF_F64};
    *big_endian = false;
    if (H5Tget_class(type) == H5T_ENUM && is_boolean(type)) return SHEAF_BOOL;
    if (H5Tget_class(type) != H5T_INTEGER && H5Tget_class(type) != H5T_FLOAT) return SHEAF_DTYPE_NONE;
    hid_t plain = H5Tcopy(type);
    if (plain < 0) return SHEAF_DTYPE_NONE;
    *big_endian = H5Tget_order(plain) == H5T_ORDER_BE;
    if (*big_endian) (void)H5Tset_order(plain, H5T_ORDER_LE);
    sheaf_dtype found = SHEAF_DTYPE_NONE;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (H5Tequal(plain, shf_h5_type(dtypes[i])) > 0) found = dtypes[i];
    (void)H5Tclose(plain);
    return found;
}

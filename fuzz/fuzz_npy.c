// SPDX-License-Identifier: Apache-2.0
/* Whatever parses as a .npy header must be the same after it has been written and parsed again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shf_npy_header h, back;
    sheaf_error err;
    uint8_t bytes[SHF_NPY_HEADER_SIZE];
    if (shf_npy_parse(data, size, &h, &err)) {
        if (!err.message[0]) abort();
        return 0;
    }
    if (h.header_size > size || h.ndim > SHEAF_MAX_NDIM) abort();
    if (shf_npy_format(&h, bytes, sizeof bytes, &err)) abort();
    if (shf_npy_parse(bytes, sizeof bytes, &back, &err)) abort();
    if (back.dtype != h.dtype || back.ndim != h.ndim || back.count != h.count || back.big_endian != h.big_endian ||
        back.fortran_order != h.fortran_order || memcmp(back.shape, h.shape, sizeof h.shape) != 0)
        abort();
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Inside src/io: asks the hook, if there is one. */
#ifndef SHF_IO_SEAM_H
#define SHF_IO_SEAM_H

#include "io/file.h"

/* 0, an errno, or SHF_IO_SHORT. */
int shf_io_before(const shf_io_call *call);

#endif

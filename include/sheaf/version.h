// SPDX-License-Identifier: Apache-2.0
/** @file version.h  Which version this is and what was built in. Everything here is static and may be called from any thread. */
#ifndef SHEAF_VERSION_H
#define SHEAF_VERSION_H

#include <stddef.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library, "0.1.0". */
SHEAF_API const char *sheaf_version(void);
/** Name of the i-th chunk codec of this build ("zstd"), NULL past the last. */
SHEAF_API const char *sheaf_version_codec(size_t i);

#ifdef __cplusplus
}
#endif
#endif

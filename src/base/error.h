// SPDX-License-Identifier: Apache-2.0
/* Filling a sheaf_error. `err` may be NULL everywhere. Each function returns the code, so that `return shf_fail(...)` reads well. */
#ifndef SHF_BASE_ERROR_H
#define SHF_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#include "sheaf/error.h"

/* Sets code and message, clears the other fields. */
sheaf_status shf_fail(sheaf_error *err, sheaf_status code, const char *format, ...) SHEAF_PRINTF(3, 4);
/* As shf_fail, with the place. path and array may be NULL; record and byte -1. */
sheaf_status shf_fail_at(sheaf_error *err, sheaf_status code, const char *path, const char *array, int64_t record, int64_t byte,
                         const char *format, ...) SHEAF_PRINTF(7, 8);
/* From errno (pass it at once): "WHAT PATH: strerror". ENOSPC and EDQUOT give SHEAF_ERR_NO_SPACE, ENOMEM _MEMORY, ENOENT _NOT_FOUND,
 * EEXIST _EXISTS, else _IO. */
sheaf_status shf_fail_errno(sheaf_error *err, int system_errno, const char *what, const char *path);
/* "out of memory: SIZE bytes for WHAT". */
sheaf_status shf_fail_memory(sheaf_error *err, size_t size_bytes, const char *what);
/* Adds a place to an error that a lower layer filled; keeps what is there already. */
void shf_error_locate(sheaf_error *err, const char *path, const char *array, int64_t record, int64_t byte);

#ifndef SHF_ERROR_SOURCE
/* Tells compiler and analyzer that these never return SHEAF_OK, so that what follows an SHF_TRY is known to be initialized. */
static inline sheaf_status shf_not_ok(sheaf_status status)
{
    if (status == SHEAF_OK) __builtin_unreachable();
    return status;
}
#define shf_fail(...) shf_not_ok((shf_fail)(__VA_ARGS__))
#define shf_fail_at(...) shf_not_ok((shf_fail_at)(__VA_ARGS__))
#define shf_fail_errno(...) shf_not_ok((shf_fail_errno)(__VA_ARGS__))
#define shf_fail_memory(...) shf_not_ok((shf_fail_memory)(__VA_ARGS__))
#endif

/* Returns from the calling function when the status is not SHEAF_OK. */
#define SHF_TRY(expression)                                    \
    do {                                                       \
        sheaf_status shf_try_status = (expression);            \
        if (shf_try_status != SHEAF_OK) return shf_try_status; \
    } while (0)

#endif

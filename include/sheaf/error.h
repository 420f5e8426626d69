// SPDX-License-Identifier: Apache-2.0
/** @file error.h  Errors are values: a status as return, the details in a struct that the caller owns. */
#ifndef SHEAF_ERROR_H
#define SHEAF_ERROR_H

#include <stdint.h>

#if defined(__GNUC__)
#define SHEAF_API __attribute__((visibility("default")))
#define SHEAF_MUST_CHECK __attribute__((warn_unused_result))
#define SHEAF_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SHEAF_API
#define SHEAF_MUST_CHECK
#define SHEAF_PRINTF(f, a)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Every status: X(constant, value, name, text, exit status of the command). Values never change once released. */
#define SHEAF_STATUS_LIST(X)                                                            \
    X(SHEAF_OK, 0, "ok", "done", 0)                                                     \
    X(SHEAF_ERR_ARGUMENT, 1, "argument", "an argument is not allowed", 1)               \
    X(SHEAF_ERR_MEMORY, 2, "memory", "out of memory", 1)                                \
    X(SHEAF_ERR_IO, 3, "io", "the system refused an input or output", 1)                \
    X(SHEAF_ERR_NO_SPACE, 4, "no_space", "no space left on the device", 1)              \
    X(SHEAF_ERR_NOT_FOUND, 5, "not_found", "no such store, array, record or name", 1)   \
    X(SHEAF_ERR_EXISTS, 6, "exists", "it exists already", 1)                            \
    X(SHEAF_ERR_DUPLICATE, 7, "duplicate", "the id is stored already", 1)               \
    X(SHEAF_ERR_RANGE, 8, "range", "an index or number is out of range", 1)             \
    X(SHEAF_ERR_MISMATCH, 9, "mismatch", "two things that must agree do not", 1)        \
    X(SHEAF_ERR_INPUT, 10, "input", "the input cannot be read as what it should be", 1) \
    X(SHEAF_ERR_DAMAGED, 11, "damaged", "stored data is damaged", 3)                    \
    X(SHEAF_ERR_UNSUPPORTED, 12, "unsupported", "not supported", 1)                     \
    X(SHEAF_ERR_BUSY, 13, "busy", "another writer is at work", 1)                       \
    X(SHEAF_ERR_BUDGET, 14, "budget", "the disk budget is reached", 4)                  \
    X(SHEAF_ERR_STATE, 15, "state", "not allowed in this state", 1)                     \
    X(SHEAF_ERR_CANCELLED, 16, "cancelled", "cancelled", 1)                             \
    X(SHEAF_ERR_TRUNCATED, 17, "truncated", "the input ends too early", 3)

/** A status; 0 is success. */
typedef enum sheaf_status {
#define SHEAF_STATUS_ENUM(constant, value, name, text, exit_status) constant = (value),
    SHEAF_STATUS_LIST(SHEAF_STATUS_ENUM)
#undef SHEAF_STATUS_ENUM
} sheaf_status;

/** What failed, where. Fields that do not apply: empty strings, -1 for numbers, 0 for system_errno. */
typedef struct sheaf_error {
    sheaf_status code;
    int system_errno;  /**< errno of the failed system call, or 0 */
    int64_t record;    /**< record (row) index, or -1 */
    int64_t byte;      /**< byte offset in the file or stream, or -1 */
    char path[256];    /**< file or store; the end of it when longer */
    char array[64];    /**< array or column name */
    char message[512]; /**< one line of English, both numbers included; never empty after a failure */
} sheaf_error;

/** Static text of a status ("out of memory"); never NULL. Any thread. */
SHEAF_API const char *sheaf_status_text(sheaf_status status);
/** Static short name of a status ("memory"); never NULL. Any thread. */
SHEAF_API const char *sheaf_status_name(sheaf_status status);
/** Exit status that the command uses for a status: 0, 1, 3 or 4. Any thread. */
SHEAF_API int sheaf_status_exit(sheaf_status status);

#ifdef __cplusplus
}
#endif
#endif

// SPDX-License-Identifier: Apache-2.0
#define SHF_ERROR_SOURCE
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *sheaf_status_text(sheaf_status status)
{
    switch (status) {
#define CASE(constant, value, name, text, exit_status) \
    case constant: return text;
        SHEAF_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown status";
}

const char *sheaf_status_name(sheaf_status status)
{
    switch (status) {
#define CASE(constant, value, name, text, exit_status) \
    case constant: return name;
        SHEAF_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown";
}

int sheaf_status_exit(sheaf_status status)
{
    switch (status) {
#define CASE(constant, value, name, text, exit_status) \
    case constant: return exit_status;
        SHEAF_STATUS_LIST(CASE)
#undef CASE
    }
    return 1;
}

/* The end of a long path says more than its beginning. */
static void copy_tail(char *to, size_t capacity, const char *from)
{
    if (!from) from = "";
    size_t length = strlen(from);
    if (length >= capacity) from += length - capacity + 1;
    memmove(to, from, strlen(from) + 1);
}

static void fill(sheaf_error *err, sheaf_status code, const char *format, va_list args)
{
    memset(err, 0, sizeof *err);
    err->code = code;
    err->record = -1;
    err->byte = -1;
    if (vsnprintf(err->message, sizeof err->message, format, args) < 0 || err->message[0] == '\0')
        snprintf(err->message, sizeof err->message, "%s", sheaf_status_text(code));
}

sheaf_status shf_fail(sheaf_error *err, sheaf_status code, const char *format, ...)
{
    if (!err) return code;
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return code;
}

sheaf_status shf_fail_at(sheaf_error *err, sheaf_status code, const char *path, const char *array, int64_t record, int64_t byte,
                         const char *format, ...)
{
    if (!err) return code;
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    shf_error_locate(err, path, array, record, byte);
    return code;
}

static sheaf_status code_of_errno(int system_errno)
{
    switch (system_errno) {
    case ENOSPC:
    case EDQUOT: return SHEAF_ERR_NO_SPACE;
    case ENOMEM: return SHEAF_ERR_MEMORY;
    case ENOENT: return SHEAF_ERR_NOT_FOUND;
    case EEXIST: return SHEAF_ERR_EXISTS;
    default: return SHEAF_ERR_IO;
    }
}

sheaf_status shf_fail_errno(sheaf_error *err, int system_errno, const char *what, const char *path)
{
    sheaf_status code = code_of_errno(system_errno);
    if (!err) return code;
    const char *text = strerrordesc_np(system_errno); /* static, not translated, NULL for no errno */
    (void)shf_fail(err, code, "%s %s: %s", what, path ? path : "", text ? text : "unknown error");
    err->system_errno = system_errno;
    copy_tail(err->path, sizeof err->path, path);
    return code;
}

sheaf_status shf_fail_memory(sheaf_error *err, size_t size_bytes, const char *what)
{
    return shf_fail(err, SHEAF_ERR_MEMORY, "out of memory: %zu bytes for %s", size_bytes, what);
}

void shf_error_locate(sheaf_error *err, const char *path, const char *array, int64_t record, int64_t byte)
{
    if (!err) return;
    if (path && !err->path[0]) copy_tail(err->path, sizeof err->path, path);
    if (array && !err->array[0]) copy_tail(err->array, sizeof err->array, array);
    if (record >= 0 && err->record < 0) err->record = record;
    if (byte >= 0 && err->byte < 0) err->byte = byte;
}

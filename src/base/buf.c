// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

sheaf_status shf_buf_reserve(shf_buf *buf, size_t extra, sheaf_error *err)
{
    size_t need;
    if (!shf_add_size(buf->size, extra, &need)) return shf_fail_memory(err, SIZE_MAX, "a buffer");
    if (need <= buf->capacity) return SHEAF_OK;
    size_t capacity = buf->capacity ? buf->capacity : need > 4096 ? need : 64; /* a large one is often asked for once */
    while (capacity < need) capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    uint8_t *data = shf_realloc(buf->data, capacity);
    if (!data) return shf_fail_memory(err, capacity, "a buffer");
    buf->data = data;
    buf->capacity = capacity;
    return SHEAF_OK;
}

sheaf_status shf_buf_append(shf_buf *buf, const void *bytes, size_t n, sheaf_error *err)
{
    SHF_TRY(shf_buf_reserve(buf, n, err));
    if (n) memcpy(buf->data + buf->size, bytes, n);
    buf->size += n;
    return SHEAF_OK;
}

sheaf_status shf_buf_append_text(shf_buf *buf, const char *text, sheaf_error *err)
{
    return shf_buf_append(buf, text, strlen(text), err);
}

sheaf_status shf_buf_printf(shf_buf *buf, sheaf_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "cannot format \"%s\"", format);
    SHF_TRY(shf_buf_reserve(buf, (size_t)n + 1, err));
    va_start(args, format);
    (void)vsnprintf((char *)buf->data + buf->size, (size_t)n + 1, format, args);
    va_end(args);
    buf->size += (size_t)n;
    return SHEAF_OK;
}

sheaf_status shf_buf_resize(shf_buf *buf, size_t size, sheaf_error *err)
{
    if (size > buf->size) SHF_TRY(shf_buf_reserve(buf, size - buf->size, err));
    buf->size = size;
    return SHEAF_OK;
}

void shf_buf_free(shf_buf *buf)
{
    shf_free(buf->data);
    memset(buf, 0, sizeof *buf);
}

// SPDX-License-Identifier: Apache-2.0
/* A growable byte buffer. Zero-initialise ({0}) to begin; shf_buf_free to end. */
#ifndef SHF_BASE_BUF_H
#define SHF_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct shf_buf {
    uint8_t *data; /* Owned; 64-byte alignment is not promised */
    size_t size;
    size_t capacity;
} shf_buf;

/* Room for at least `extra` bytes beyond size. */
sheaf_status shf_buf_reserve(shf_buf *buf, size_t extra, sheaf_error *err);
sheaf_status shf_buf_append(shf_buf *buf, const void *bytes, size_t n, sheaf_error *err);
sheaf_status shf_buf_append_text(shf_buf *buf, const char *text, sheaf_error *err);
sheaf_status shf_buf_printf(shf_buf *buf, sheaf_error *err, const char *format, ...) SHEAF_PRINTF(3, 4);
/* Grows (new bytes undefined) or shrinks. */
sheaf_status shf_buf_resize(shf_buf *buf, size_t size, sheaf_error *err);
void shf_buf_free(shf_buf *buf);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Opens the input as a zip file and reads every member of it, never outside the input. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "format/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const uint8_t *data;
    size_t size;
} input;

static sheaf_status read_input(void *context, uint64_t offset, void *to, size_t n, sheaf_error *err)
{
    const input *in = context;
    (void)err;
    if (offset > in->size || n > in->size - offset) abort();
    memcpy(to, in->data + offset, n);
    return SHEAF_OK;
}

static sheaf_status read_member(const shf_zip_reader *r, const shf_zip_member *m, sheaf_error *err)
{
    static uint8_t bytes[4096];
    shf_zip_stream *s;
    uint64_t total = 0;
    size_t got = 1;
    SHF_TRY(shf_zip_stream_open(r, m, &s, err));
    sheaf_status status = SHEAF_OK;
    while (!status && got && total < 1 << 20) {
        status = shf_zip_stream_read(s, bytes, sizeof bytes, &got, err);
        total += got;
    }
    if (total > m->size) abort();
    shf_zip_stream_free(s);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    shf_zip_reader *r;
    sheaf_error err;
    if (shf_zip_open(read_input, &in, size, &r, &err)) {
        if (!err.message[0]) abort();
        return 0;
    }
    for (size_t i = 0; i < shf_zip_count(r) && i < 16; i++) {
        const shf_zip_member *m = shf_zip_member_at(r, i);
        if (!shf_zip_find(r, m->name)) abort();
        if (read_member(r, m, &err) && !err.message[0]) abort();
    }
    shf_zip_free(r);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/npy.h"
#include "interchange/import.h"

/* Exactly n bytes. */
static sheaf_status read_all(const shf_stream *s, void *to, size_t n, const char *what, sheaf_error *err)
{
    size_t done = 0, got = 1;
    while (done < n && got) {
        SHF_TRY(s->source(s->context, (uint8_t *)to + done, n - done, &got, err));
        done += got;
    }
    return done == n ? SHEAF_OK : shf_fail(err, SHEAF_ERR_TRUNCATED, "%s: expected %zu bytes, got %zu", what, n, done);
}

sheaf_status shf_npy_read_header(const shf_stream *s, shf_npy_header *header, sheaf_error *err)
{
    uint8_t prefix[SHF_NPY_PREFIX];
    size_t size;
    SHF_TRY(read_all(s, prefix, sizeof prefix, ".npy header", err));
    SHF_TRY(shf_npy_header_size(prefix, sizeof prefix, &size, err));
    if (size < sizeof prefix) return shf_fail(err, SHEAF_ERR_INPUT, "a .npy header of %zu bytes is too short", size);
    uint8_t *bytes = shf_malloc(size);
    if (!bytes) return shf_fail_memory(err, size, "a .npy header");
    memcpy(bytes, prefix, sizeof prefix);
    sheaf_status status = read_all(s, bytes + sizeof prefix, size - sizeof prefix, ".npy header", err);
    if (status == SHEAF_OK) status = shf_npy_parse(bytes, size, header, err);
    shf_free(bytes);
    return status;
}

static void swap_bytes(uint8_t *values, size_t size, size_t n_bytes)
{
    for (size_t at = 0; at + size <= n_bytes; at += size) {
        for (size_t i = 0; i < size / 2; i++) {
            uint8_t t = values[at + i];
            values[at + i] = values[at + size - 1 - i];
            values[at + size - 1 - i] = t;
        }
    }
}

static sheaf_status read_rows(const shf_stream *s, const shf_npy_header *h, const double *times, shf_importer *in, sheaf_error *err)
{
    uint8_t *row = shf_malloc(in->row_bytes + 1);
    if (!row) return shf_fail_memory(err, in->row_bytes, "a row");
    sheaf_status status = SHEAF_OK;
    for (uint64_t i = 0; i < h->shape[0] && status == SHEAF_OK; i++) {
        status = read_all(s, row, in->row_bytes, ".npy data", err);
        if (status == SHEAF_OK && h->big_endian) swap_bytes(row, sheaf_dtype_size(h->dtype), in->row_bytes);
        if (status == SHEAF_OK) status = shf_importer_row(in, row, times ? &times[i] : NULL, NULL, err);
        else if (err) err->record = (int64_t)i;
    }
    shf_free(row);
    return status;
}

/* Element (i, j, …) of a column-major array lies at i + n0 (j + n1 (…)): the whole of it is needed before the first row is. */
static sheaf_status read_fortran(const shf_stream *s, const shf_npy_header *h, const double *times, shf_importer *in, sheaf_error *err)
{
    size_t size = sheaf_dtype_size(h->dtype), n_rows = (size_t)h->shape[0], items = in->row_bytes / size;
    uint8_t *data = shf_malloc((size_t)h->data_size + 1), *row = shf_malloc(in->row_bytes + 1);
    sheaf_status status = data && row ? SHEAF_OK : shf_fail_memory(err, (size_t)h->data_size, "a column-major array");
    if (status == SHEAF_OK) status = read_all(s, data, (size_t)h->data_size, ".npy data", err);
    if (status == SHEAF_OK && h->big_endian) swap_bytes(data, size, (size_t)h->data_size);
    for (size_t i = 0; i < n_rows && status == SHEAF_OK; i++) {
        for (size_t item = 0; item < items; item++) {
            size_t rest = item, at = 0, stride = n_rows, places[SHEAF_MAX_NDIM];
            for (unsigned k = h->ndim - 1; k > 0; k--) {
                places[k] = rest % (size_t)h->shape[k];
                rest /= (size_t)h->shape[k];
            }
            for (unsigned k = 1; k < h->ndim; k++) {
                at += places[k] * stride;
                stride *= (size_t)h->shape[k];
            }
            memcpy(row + item * size, data + (i + at) * size, size);
        }
        status = shf_importer_row(in, row, times ? &times[i] : NULL, NULL, err);
    }
    shf_free(data);
    shf_free(row);
    return status;
}

sheaf_status shf_npy_read_values(const shf_stream *stream, const shf_npy_header *h, void *to, size_t n, sheaf_error *err)
{
    size_t size = sheaf_dtype_size(h->dtype);
    SHF_TRY(read_all(stream, to, n * size, ".npy data", err));
    if (h->big_endian) swap_bytes(to, size, n * size);
    return SHEAF_OK;
}

sheaf_status shf_npy_import(const shf_stream *stream, const shf_npy_header *h, const double *times, shf_importer *in, sheaf_error *err)
{
    if (h->ndim == 0) return shf_fail(err, SHEAF_ERR_INPUT, "the input is one number, not an array");
    SHF_TRY(shf_importer_begin(in, h->dtype, (int)h->ndim - 1, h->shape + 1, err));
    SHF_TRY(h->fortran_order ? read_fortran(stream, h, times, in, err) : read_rows(stream, h, times, in, err));
    uint8_t more;
    size_t got;
    SHF_TRY(stream->source(stream->context, &more, 1, &got, err));
    return got == 0 ? SHEAF_OK
                    : shf_fail(err, SHEAF_ERR_INPUT, "bytes lie beyond the %llu of the .npy data", (unsigned long long)h->data_size);
}

sheaf_status shf_import_npy(const shf_stream *stream, shf_importer *in, sheaf_error *err)
{
    shf_npy_header h;
    SHF_TRY(shf_npy_read_header(stream, &h, err));
    return shf_npy_import(stream, &h, NULL, in, err);
}

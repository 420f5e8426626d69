// SPDX-License-Identifier: Apache-2.0
/* For test_numpy_files.py: npz_tool pack OUT stored|deflated NAME FILE ... ; npz_tool unpack IN NAME OUT ; npz_tool header FILE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "format/npy.h"
#include "format/zip.h"

static sheaf_status read_file(void *context, uint64_t offset, void *to, size_t n, sheaf_error *err)
{
    FILE *f = context;
    if (fseek(f, (long)offset, SEEK_SET) || fread(to, 1, n, f) != n) return shf_fail(err, SHEAF_ERR_IO, "cannot read");
    return SHEAF_OK;
}

static sheaf_status write_file(void *context, uint64_t offset, const void *bytes, size_t n, sheaf_error *err)
{
    FILE *f = context;
    if (fseek(f, (long)offset, SEEK_SET) || fwrite(bytes, 1, n, f) != n) return shf_fail(err, SHEAF_ERR_IO, "cannot write");
    return SHEAF_OK;
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *f = fopen(path, mode);
    if (!f) {
        perror(path);
        exit(2);
    }
    return f;
}

static sheaf_status pack(FILE *out, shf_zip_method method, char **pairs, int count, sheaf_error *err)
{
    static char bytes[1 << 16];
    shf_zip_writer *w;
    SHF_TRY(shf_zip_writer_open(write_file, out, &w, err));
    for (int i = 0; i + 1 < count; i += 2) {
        FILE *in = open_file(pairs[i + 1], "rb");
        SHF_TRY(shf_zip_writer_begin(w, pairs[i], method, 6, err));
        for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;) SHF_TRY(shf_zip_writer_add(w, bytes, n, err));
        SHF_TRY(shf_zip_writer_end(w, err));
        fclose(in);
    }
    SHF_TRY(shf_zip_writer_finish(w, NULL, err));
    shf_zip_writer_free(w);
    return SHEAF_OK;
}

static sheaf_status unpack(FILE *in, const char *name, FILE *out, sheaf_error *err)
{
    static char bytes[1 << 16];
    shf_zip_reader *r;
    shf_zip_stream *s;
    fseek(in, 0, SEEK_END);
    SHF_TRY(shf_zip_open(read_file, in, (uint64_t)ftell(in), &r, err));
    const shf_zip_member *m = shf_zip_find(r, name);
    if (!m) return shf_fail(err, SHEAF_ERR_NOT_FOUND, "no member %s", name);
    SHF_TRY(shf_zip_stream_open(r, m, &s, err));
    for (size_t n = 1; n > 0;) {
        SHF_TRY(shf_zip_stream_read(s, bytes, sizeof bytes, &n, err));
        fwrite(bytes, 1, n, out);
    }
    shf_zip_stream_free(s);
    shf_zip_free(r);
    return SHEAF_OK;
}

/* Prints what the header says, and the least header of ours as hexadecimal digits. */
static sheaf_status header(FILE *in, sheaf_error *err)
{
    static unsigned char bytes[1 << 16];
    shf_npy_header h;
    size_t n = fread(bytes, 1, sizeof bytes, in);
    SHF_TRY(shf_npy_parse(bytes, n, &h, err));
    printf("%s %d %d %u", sheaf_dtype_name(h.dtype), h.big_endian, h.fortran_order, h.ndim);
    for (unsigned d = 0; d < h.ndim; d++) printf(" %llu", (unsigned long long)h.shape[d]);
    size_t size = shf_npy_least_size(&h);
    SHF_TRY(shf_npy_format(&h, bytes, size, err));
    printf("\n");
    for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
    printf("\n");
    return SHEAF_OK;
}

int main(int argc, char **argv)
{
    sheaf_error err = {0};
    sheaf_status status = SHEAF_ERR_ARGUMENT;
    if (argc > 3 && !strcmp(argv[1], "pack")) {
        FILE *out = open_file(argv[2], "w+b");
        status = pack(out, strcmp(argv[3], "stored") ? SHF_ZIP_DEFLATED : SHF_ZIP_STORED, argv + 4, argc - 4, &err);
        fclose(out);
    } else if (argc == 5 && !strcmp(argv[1], "unpack")) {
        FILE *out = open_file(argv[4], "wb");
        status = unpack(open_file(argv[2], "rb"), argv[3], out, &err);
        fclose(out);
    } else if (argc == 3 && !strcmp(argv[1], "header")) {
        status = header(open_file(argv[2], "rb"), &err);
    }
    if (status) fprintf(stderr, "%s: %s\n", sheaf_status_name(status), err.message);
    return status ? 1 : 0;
}

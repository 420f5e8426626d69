// SPDX-License-Identifier: Apache-2.0
/* Parses the input whole and in small pieces: the same rows, names and error. The first byte chooses the options. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "format/delimited.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    sheaf_status status;
    uint32_t crc;
    uint64_t rows;
    size_t columns;
    sheaf_error err;
} outcome;

static sheaf_status take_row(void *context, const double *values, size_t columns, sheaf_error *err)
{
    outcome *o = context;
    (void)err;
    o->crc = shf_crc32c(o->crc, values, columns * sizeof *values);
    return SHEAF_OK;
}

static void parse(const shf_delimited_spec *spec, const uint8_t *data, size_t size, size_t piece, outcome *o)
{
    shf_delimited *p = NULL;
    memset(o, 0, sizeof *o);
    o->status = shf_delimited_open(spec, take_row, o, &p, &o->err);
    for (size_t at = 0; !o->status && at < size; at += piece)
        o->status = shf_delimited_push(p, data + at, size - at < piece ? size - at : piece, &o->err);
    if (!o->status) o->status = shf_delimited_finish(p, &o->err);
    if (p) {
        o->rows = shf_delimited_rows(p);
        o->columns = shf_delimited_columns(p);
        for (size_t i = 0; !o->status && i < o->columns; i++) {
            const char *name = shf_delimited_name(p, i);
            if (name) o->crc = shf_crc32c(o->crc, name, strlen(name));
        }
    }
    shf_delimited_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {0, ',', '\t', ' '};
    if (size == 0) return 0;
    shf_delimited_spec spec = {
        .header = (shf_delimited_header)(data[0] % 3), .delimiter = delimiters[data[0] / 3 % 4], .lenient = data[0] / 12 % 2};
    outcome whole, pieces;
    parse(&spec, data + 1, size - 1, size, &whole);
    parse(&spec, data + 1, size - 1, 1 + data[0] % 7, &pieces);
    if (whole.status != pieces.status || whole.rows != pieces.rows || whole.columns != pieces.columns || whole.crc != pieces.crc) abort();
    if (whole.status && (!whole.err.message[0] || strcmp(whole.err.message, pieces.err.message) != 0)) abort();
    return 0;
}

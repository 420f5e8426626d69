// SPDX-License-Identifier: Apache-2.0
/* Delimited text: a column named `time` or `t` gives the steps' times, one named `trajectory`, `sim_id` or `id` the trajectories' ids. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "format/delimited.h"
#include "interchange/import.h"

enum { PIECE = 1 << 16 };

typedef struct text {
    shf_importer *in;
    shf_delimited *parser;
    bool begun, has_coordinate;
} text;

static bool is_coordinate(sheaf_ensemble_kind kind, const char *name)
{
    if (!name) return false;
    if (kind == SHEAF_BY_STEP) return strcmp(name, "time") == 0 || strcmp(name, "t") == 0;
    return strcmp(name, "trajectory") == 0 || strcmp(name, "sim_id") == 0 || strcmp(name, "id") == 0;
}

static sheaf_status begin(text *t, size_t columns, sheaf_error *err)
{
    t->begun = true;
    t->has_coordinate = columns > 1 && is_coordinate(t->in->spec->kind, shf_delimited_name(t->parser, 0));
    const uint64_t shape[] = {columns - t->has_coordinate};
    return shf_importer_begin(t->in, SHEAF_F64, 1, shape, err);
}

static sheaf_status take_row(void *context, const double *values, size_t columns, sheaf_error *err)
{
    text *t = context;
    if (!t->begun) SHF_TRY(begin(t, columns, err));
    if (!t->has_coordinate) return shf_importer_row(t->in, values, NULL, NULL, err);
    if (t->in->spec->kind == SHEAF_BY_STEP) return shf_importer_row(t->in, values + 1, values, NULL, err);
    if (!(fabs(values[0]) < 0x1p63) || values[0] != floor(values[0]))
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, (int64_t)t->in->n_rows, -1, "the id %g of row %llu is no whole number",
                           values[0], (unsigned long long)t->in->n_rows + 1);
    int64_t id = (int64_t)values[0];
    return shf_importer_row(t->in, values + 1, NULL, &id, err);
}

sheaf_status shf_import_text(const shf_stream *stream, shf_importer *in, sheaf_error *err)
{
    text t = {.in = in};
    shf_delimited_spec spec = {0};
    char *piece = shf_malloc(PIECE);
    if (!piece) return shf_fail_memory(err, PIECE, "text");
    sheaf_status status = shf_delimited_open(&spec, take_row, &t, &t.parser, err);
    for (size_t got = 1; status == SHEAF_OK && got;) {
        status = stream->source(stream->context, piece, PIECE, &got, err);
        if (status == SHEAF_OK && got) status = shf_delimited_push(t.parser, piece, got, err);
    }
    if (status == SHEAF_OK) status = shf_delimited_finish(t.parser, err);
    shf_delimited_free(t.parser);
    shf_free(piece);
    return status;
}

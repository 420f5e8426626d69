// SPDX-License-Identifier: Apache-2.0
/* Delimited text: a column named `time` or `t` gives the steps' times, one named `trajectory`, `sim_id` or `id` the trajectories' ids. */
#include <string.h>

#include "base/alloc.h"
#include "format/delimited.h"
#include "format/number.h"
#include "interchange/import.h"

enum { PIECE = 1 << 16 };

typedef struct text {
    shf_importer *in;
    shf_delimited *parser;
    bool begun;
    size_t coordinate; /* column, or SIZE_MAX */
    double *row;       /* without it */
} text;

static bool is_coordinate(sheaf_ensemble_kind kind, const char *name)
{
    if (!name) return false;
    if (kind == SHEAF_BY_STEP) return strcmp(name, "time") == 0 || strcmp(name, "t") == 0;
    return strcmp(name, "trajectory") == 0 || strcmp(name, "sim_id") == 0 || strcmp(name, "id") == 0;
}

/* The column that the caller names, or the first one when its name says so. */
static sheaf_status find_coordinate(text *t, size_t columns, sheaf_error *err)
{
    const char *asked = t->in->spec->coordinate;
    t->coordinate = SIZE_MAX;
    if (!asked) {
        if (columns > 1 && is_coordinate(t->in->spec->kind, shf_delimited_name(t->parser, 0))) t->coordinate = 0;
        return SHEAF_OK;
    }
    int64_t number;
    for (size_t c = 0; c < columns && t->coordinate == SIZE_MAX; c++) {
        const char *name = shf_delimited_name(t->parser, c);
        if (name && strcmp(name, asked) == 0) t->coordinate = c;
    }
    const char *end = asked + strlen(asked);
    if (t->coordinate == SIZE_MAX && shf_parse_i64(asked, end, &number) == end && end != asked && number >= 0 && (uint64_t)number < columns)
        t->coordinate = (size_t)number;
    if (t->coordinate == SIZE_MAX)
        return shf_fail(err, SHEAF_ERR_NOT_FOUND, "there is no column \"%.80s\": %zu columns%s", asked, columns,
                        shf_delimited_name(t->parser, 0) ? "" : " without a header");
    return columns > 1 ? SHEAF_OK : shf_fail(err, SHEAF_ERR_INPUT, "there is no column of values beside \"%.80s\"", asked);
}

static sheaf_status begin(text *t, size_t columns, sheaf_error *err)
{
    t->begun = true;
    SHF_TRY(find_coordinate(t, columns, err));
    const uint64_t shape[] = {columns - (t->coordinate != SIZE_MAX)};
    if (t->coordinate != SIZE_MAX && !(t->row = shf_malloc(columns * sizeof *t->row))) return shf_fail_memory(err, columns * 8, "a row");
    return shf_importer_begin(t->in, SHEAF_F64, 1, shape, err);
}

static sheaf_status take_row(void *context, const double *values, size_t columns, sheaf_error *err)
{
    text *t = context;
    if (!t->begun) SHF_TRY(begin(t, columns, err));
    size_t c = t->coordinate;
    if (c == SIZE_MAX) return shf_importer_row(t->in, values, NULL, NULL, err);
    memcpy(t->row, values, c * sizeof *values);
    memcpy(t->row + c, values + c + 1, (columns - c - 1) * sizeof *values);
    if (t->in->spec->kind == SHEAF_BY_STEP) return shf_importer_row(t->in, t->row, values + c, NULL, err);
    int64_t id;
    if (!shf_delimited_integer(t->parser, c, &id)) SHF_TRY(shf_importer_id(t->in, SHEAF_F64, values, c, &id, err));
    return shf_importer_row(t->in, t->row, NULL, &id, err);
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
    shf_free(t.row);
    return status;
}

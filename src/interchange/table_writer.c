// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "format/csv.h"
#include "format/number.h"
#include "sheaf/table.h"

enum { FLUSH_BYTES = 1 << 16 };

typedef struct column {
    char *name; /* JSON: quoted, with ": " */
    sheaf_dtype dtype;
} column;

struct sheaf_table_writer {
    sheaf_text text;
    sheaf_nonfinite nonfinite;
    sheaf_sink sink;
    void *context;
    column *columns;
    size_t n_columns;
    shf_buf buf;
    shf_csv csv;
    bool any_row;
};

static sheaf_status flush(sheaf_table_writer *w, size_t above, sheaf_error *err)
{
    if (w->buf.size <= above) return SHEAF_OK;
    sheaf_status status = w->sink(w->context, w->buf.data, w->buf.size, err);
    w->buf.size = 0;
    w->csv.row_begin = 0;
    return status;
}

/* A JSON string. */
static sheaf_status put_quoted(shf_buf *buf, const char *text, sheaf_error *err)
{
    SHF_TRY(shf_buf_append(buf, "\"", 1, err));
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') SHF_TRY(shf_buf_printf(buf, err, "\\%c", c));
        else if (c < 32) SHF_TRY(shf_buf_printf(buf, err, "\\u%04x", c));
        else SHF_TRY(shf_buf_append(buf, &c, 1, err));
    }
    return shf_buf_append(buf, "\"", 1, err);
}

static sheaf_status name_column(sheaf_table_writer *w, column *c, const char *name, sheaf_error *err)
{
    shf_buf quoted = {0};
    sheaf_status status = SHEAF_OK;
    if (w->text == SHEAF_TEXT_JSON) {
        status = put_quoted(&quoted, name, err);
        if (status == SHEAF_OK) status = shf_buf_append(&quoted, ": ", sizeof ": ", err);
        c->name = status == SHEAF_OK ? shf_strdup((const char *)quoted.data) : NULL;
        shf_buf_free(&quoted);
    } else {
        c->name = shf_strdup(name);
    }
    if (status == SHEAF_OK && !c->name) status = shf_fail_memory(err, strlen(name), "a column's name");
    return status;
}

static sheaf_status write_header(sheaf_table_writer *w, sheaf_error *err)
{
    if (w->text == SHEAF_TEXT_JSON) return shf_buf_append(&w->buf, "[", 1, err);
    for (size_t i = 0; i < w->n_columns; i++) SHF_TRY(shf_csv_text(&w->csv, w->columns[i].name, strlen(w->columns[i].name), err));
    return shf_csv_end_row(&w->csv, err);
}

static sheaf_status fill_writer(sheaf_table_writer *w, const sheaf_column *columns, sheaf_error *err)
{
    w->csv = shf_csv_init(&w->buf);
    if (w->text == SHEAF_TEXT_TSV) w->csv.delimiter = '\t';
    w->columns = shf_calloc(w->n_columns, sizeof *w->columns);
    if (!w->columns) return shf_fail_memory(err, w->n_columns * sizeof *w->columns, "a table's columns");
    for (size_t i = 0; i < w->n_columns; i++) {
        if (sheaf_dtype_size(columns[i].dtype) == 0 || !columns[i].name)
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "column %zu of the table has no name or no known type", i);
        w->columns[i].dtype = columns[i].dtype;
        SHF_TRY(name_column(w, &w->columns[i], columns[i].name, err));
    }
    return write_header(w, err);
}

sheaf_status sheaf_table_writer_create(sheaf_text text, sheaf_nonfinite nonfinite, sheaf_sink sink, void *context,
                                       const sheaf_column *columns, size_t n_columns, sheaf_table_writer **out, sheaf_error *err)
{
    if (!out || !sink || !columns || n_columns == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a table needs columns and a sink");
    *out = NULL;
    if (text < SHEAF_TEXT_CSV || text > SHEAF_TEXT_JSON) return shf_fail(err, SHEAF_ERR_ARGUMENT, "%d is no kind of text", (int)text);
    sheaf_table_writer *w = shf_calloc(1, sizeof *w);
    if (!w) return shf_fail_memory(err, sizeof *w, "a table writer");
    w->text = text;
    w->nonfinite = nonfinite;
    w->sink = sink;
    w->context = context;
    w->n_columns = n_columns;
    sheaf_status status = fill_writer(w, columns, err);
    if (status == SHEAF_OK) *out = w;
    else sheaf_table_writer_free(&w);
    return status;
}

static sheaf_status csv_value(shf_csv *csv, sheaf_dtype dtype, const void *value, sheaf_error *err)
{
    return shf_csv_values(csv, dtype, value, 1, err);
}

static sheaf_status json_real(sheaf_table_writer *w, double value, bool is_f32, sheaf_error *err)
{
    char number[SHF_NUMBER_ROOM];
    if (!isfinite(value)) {
        const char *name = isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"";
        return shf_buf_append_text(&w->buf, w->nonfinite == SHEAF_NONFINITE_STRING ? name : "null", err);
    }
    size_t n = is_f32 ? shf_print_f32(number, (float)value) : shf_print_f64(number, value);
    return shf_buf_append(&w->buf, number, n, err);
}

static int64_t load_signed(sheaf_dtype dtype, const void *p)
{
    int64_t v = 0;
    memcpy(&v, p, sheaf_dtype_size(dtype)); /* hosts are little-endian */
    unsigned shift = 64 - 8 * (unsigned)sheaf_dtype_size(dtype);
    return (int64_t)((uint64_t)v << shift) >> shift;
}

static sheaf_status json_value(sheaf_table_writer *w, sheaf_dtype dtype, const void *p, sheaf_error *err)
{
    char number[SHF_NUMBER_ROOM];
    float f;
    double d;
    uint64_t u = 0;
    switch (dtype) {
    case SHEAF_F32: memcpy(&f, p, sizeof f); return json_real(w, (double)f, true, err);
    case SHEAF_F64: memcpy(&d, p, sizeof d); return json_real(w, d, false, err);
    case SHEAF_BOOL: return shf_buf_append_text(&w->buf, *(const uint8_t *)p ? "true" : "false", err);
    case SHEAF_I8:
    case SHEAF_I16:
    case SHEAF_I32:
    case SHEAF_I64: return shf_buf_append(&w->buf, number, shf_print_i64(number, load_signed(dtype, p)), err);
    default: memcpy(&u, p, sheaf_dtype_size(dtype)); return shf_buf_append(&w->buf, number, shf_print_u64(number, u), err);
    }
}

static sheaf_status write_field(sheaf_table_writer *w, size_t i, const sheaf_column *c, size_t row, sheaf_error *err)
{
    size_t stride = c->stride_bytes ? c->stride_bytes : sheaf_dtype_size(w->columns[i].dtype);
    const void *value = (const uint8_t *)c->values + row * stride;
    bool absent = c->absent && c->absent[row * (c->absent_stride ? c->absent_stride : 1)];
    if (w->text != SHEAF_TEXT_JSON) return absent ? shf_csv_absent(&w->csv, err) : csv_value(&w->csv, w->columns[i].dtype, value, err);
    if (i) SHF_TRY(shf_buf_append(&w->buf, ", ", 2, err));
    SHF_TRY(shf_buf_append_text(&w->buf, w->columns[i].name, err));
    return absent ? shf_buf_append_text(&w->buf, "null", err) : json_value(w, w->columns[i].dtype, value, err);
}

static sheaf_status write_row(sheaf_table_writer *w, const sheaf_column *columns, size_t row, sheaf_error *err)
{
    bool json = w->text == SHEAF_TEXT_JSON;
    if (json) SHF_TRY(shf_buf_append_text(&w->buf, w->any_row ? ",\n{" : "\n{", err));
    for (size_t i = 0; i < w->n_columns; i++) SHF_TRY(write_field(w, i, &columns[i], row, err));
    w->any_row = true;
    return json ? shf_buf_append_text(&w->buf, "}", err) : shf_csv_end_row(&w->csv, err);
}

sheaf_status sheaf_table_writer_rows(sheaf_table_writer *writer, const sheaf_column *columns, size_t n_rows, sheaf_error *err)
{
    if (!writer || (n_rows && !columns)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no table writer or no columns are given");
    for (size_t row = 0; row < n_rows; row++) {
        SHF_TRY(write_row(writer, columns, row, err));
        SHF_TRY(flush(writer, FLUSH_BYTES, err));
    }
    return SHEAF_OK;
}

sheaf_status sheaf_table_writer_close(sheaf_table_writer **writer, sheaf_error *err)
{
    if (!writer || !*writer) return SHEAF_OK;
    sheaf_table_writer *w = *writer;
    sheaf_status status = w->text == SHEAF_TEXT_JSON ? shf_buf_append_text(&w->buf, "\n]\n", err) : SHEAF_OK;
    if (status == SHEAF_OK) status = flush(w, 0, err);
    sheaf_table_writer_free(writer);
    return status;
}

void sheaf_table_writer_free(sheaf_table_writer **writer)
{
    if (!writer || !*writer) return;
    sheaf_table_writer *w = *writer;
    *writer = NULL;
    for (size_t i = 0; w->columns && i < w->n_columns; i++) shf_free(w->columns[i].name);
    shf_free(w->columns);
    shf_buf_free(&w->buf);
    shf_free(w);
}

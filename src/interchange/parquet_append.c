// SPDX-License-Identifier: Apache-2.0
/* Rows of any number are gathered into row groups. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "interchange/parquet_writer_inside.h"

static size_t value_size(const shf_pq_field *field)
{
    return shf_pq_value_size(field->type, field->type_length);
}

static sheaf_status gather_bytes(shf_parquet_gathered *to, const shf_parquet_values *values, uint64_t row, uint64_t n, sheaf_error *err)
{
    uint64_t zero = 0;
    if (to->offsets.size == 0) SHF_TRY(shf_buf_append(&to->offsets, &zero, sizeof zero, err));
    const uint64_t *offsets = values->offsets + row;
    uint64_t before = to->values.size;
    SHF_TRY(shf_buf_append(&to->values, (const uint8_t *)values->values + offsets[0], (size_t)(offsets[n] - offsets[0]), err));
    SHF_TRY(shf_buf_reserve(&to->offsets, (size_t)n * sizeof(uint64_t), err));
    for (uint64_t i = 1; i <= n; i++) {
        uint64_t end = before + offsets[i] - offsets[0];
        SHF_TRY(shf_buf_append(&to->offsets, &end, sizeof end, err));
    }
    return SHEAF_OK;
}

/* Rows [row, row + n) of one column. */
static sheaf_status gather(const shf_pq_field *field, shf_parquet_gathered *to, const shf_parquet_values *values, uint64_t row, uint64_t n,
                           sheaf_error *err)
{
    if (field->type == SHF_PQ_BYTE_ARRAY) {
        SHF_TRY(gather_bytes(to, values, row, n, err));
    } else {
        size_t size = value_size(field);
        SHF_TRY(shf_buf_append(&to->values, (const uint8_t *)values->values + row * size, (size_t)n * size, err));
    }
    if (!field->optional) return SHEAF_OK;
    if (values->valid) return shf_buf_append(&to->valid, values->valid + row, (size_t)n, err);
    SHF_TRY(shf_buf_resize(&to->valid, to->valid.size + (size_t)n, err));
    memset(to->valid.data + to->valid.size - n, 1, (size_t)n);
    return SHEAF_OK;
}

static shf_parquet_values part(const shf_pq_field *field, const shf_parquet_values *values, uint64_t row)
{
    shf_parquet_values out = *values;
    if (out.offsets) out.offsets += row;
    else out.values = (const uint8_t *)out.values + row * value_size(field);
    if (out.valid) out.valid += row;
    return out;
}

/* A whole group straight from the caller's memory. */
static sheaf_status write_part(shf_parquet_writer *writer, const shf_parquet_values *columns, uint64_t row, uint64_t n, sheaf_error *err)
{
    SHF_TRY(shf_parquet_writer_begin_group(writer, n, err));
    for (size_t i = 0; i < writer->n_fields; i++) {
        shf_parquet_values values = part(&writer->fields[i], &columns[i], row);
        SHF_TRY(shf_parquet_submit(writer, &values, false, err));
    }
    return shf_parquet_writer_end_group(writer, err);
}

sheaf_status shf_parquet_append_rest(shf_parquet_writer *writer, sheaf_error *err)
{
    if (writer->n_gathered == 0) return SHEAF_OK;
    SHF_TRY(shf_parquet_writer_begin_group(writer, writer->n_gathered, err));
    for (size_t i = 0; i < writer->n_fields; i++) {
        shf_parquet_gathered *from = &writer->gathered[i];
        shf_parquet_values values = {from->values.data, NULL, writer->fields[i].optional ? from->valid.data : NULL};
        if (writer->fields[i].type == SHF_PQ_BYTE_ARRAY) values.offsets = (const uint64_t *)(const void *)from->offsets.data;
        SHF_TRY(shf_parquet_submit(writer, &values, false, err));
    }
    SHF_TRY(shf_parquet_writer_end_group(writer, err));
    for (size_t i = 0; i < writer->n_fields; i++)
        writer->gathered[i].values.size = writer->gathered[i].offsets.size = writer->gathered[i].valid.size = 0;
    writer->n_gathered = 0;
    return SHEAF_OK;
}

void shf_parquet_gathered_free(shf_parquet_writer *writer)
{
    for (size_t i = 0; writer->gathered && i < writer->n_fields; i++) {
        shf_buf_free(&writer->gathered[i].values);
        shf_buf_free(&writer->gathered[i].offsets);
        shf_buf_free(&writer->gathered[i].valid);
    }
    shf_free(writer->gathered);
}

/* A large part of a group becomes a group of its own when none is gathered: cheaper than a copy, and hardly worse to read. */
static bool is_worth_a_group(const shf_parquet_writer *writer, uint64_t n)
{
    enum { LEAST_ROWS = 128 << 10 };
    return writer->n_gathered == 0 && n >= LEAST_ROWS && n >= writer->options.rows_per_group / 2;
}

static sheaf_status append(shf_parquet_writer *writer, uint64_t n_rows, const shf_parquet_values *columns, sheaf_error *err)
{
    uint64_t whole = writer->options.rows_per_group;
    if (!writer->gathered) writer->gathered = shf_calloc(writer->n_fields + 1, sizeof *writer->gathered);
    if (!writer->gathered) return shf_fail_memory(err, writer->n_fields * sizeof *writer->gathered, "rows of a table");
    for (uint64_t row = 0; row < n_rows;) {
        uint64_t n = shf_min_u64(n_rows - row, whole - writer->n_gathered);
        if (n == whole || is_worth_a_group(writer, n)) {
            SHF_TRY(write_part(writer, columns, row, n, err));
        } else {
            for (size_t i = 0; i < writer->n_fields; i++)
                SHF_TRY(gather(&writer->fields[i], &writer->gathered[i], &columns[i], row, n, err));
            writer->n_gathered += n;
            if (writer->n_gathered == whole) SHF_TRY(shf_parquet_append_rest(writer, err));
        }
        row += n;
    }
    return SHEAF_OK;
}

sheaf_status shf_parquet_writer_append(shf_parquet_writer *writer, uint64_t n_rows, const shf_parquet_values *columns, sheaf_error *err)
{
    if (writer->in_group || writer->failed)
        return shf_fail_at(err, SHEAF_ERR_STATE, writer->path, NULL, -1, -1, "%s: rows cannot be appended %s", writer->path,
                           writer->failed ? "after an error" : "within a row group");
    sheaf_status status = append(writer, n_rows, columns, err);
    if (status != SHEAF_OK) {
        shf_parquet_abandon(writer); /* the caller's memory must not be read any more */
        writer->failed = true;
    }
    return status;
}

// SPDX-License-Identifier: Apache-2.0
/* Rows of f64 to a Parquet file of many columns, in bounded memory: a column of a row group lies together in the file, but comes row by row. Blocks
 * of rows are turned into columns and spilled to a file beside the output (which has no name any more, so that a killed process leaves none);
 * close gathers each column's pieces. One thread at a time per handle. */
#ifndef SHF_INTERCHANGE_PARQUET_ROWS_H
#define SHF_INTERCHANGE_PARQUET_ROWS_H

#include "interchange/parquet_writer.h"

typedef struct shf_parquet_row_writer shf_parquet_row_writer;

/* fields: DOUBLE, required. memory_bytes: for the block at hand and the columns that are gathered (at least one row and one column of a group);
 * 0: 64 MiB. options NULL: the defaults; rows_per_group is rounded to whole blocks. */
sheaf_status shf_parquet_row_writer_create(const char *path, const shf_pq_field *fields, size_t n_fields,
                                           const shf_parquet_write_options *options, size_t memory_bytes, shf_parquet_row_writer **out,
                                           sheaf_error *err);
/* values: n_rows × n_fields, row after row; Copied. */
sheaf_status shf_parquet_row_writer_append(shf_parquet_row_writer *rows, uint64_t n_rows, const double *values, sheaf_error *err);
/* Puts the file in its place. The handle is gone either way. */
sheaf_status shf_parquet_row_writer_close(shf_parquet_row_writer **rows, sheaf_error *err);
/* Drops all. NULL is fine. */
void shf_parquet_row_writer_free(shf_parquet_row_writer *rows);

#endif

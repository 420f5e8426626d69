// SPDX-License-Identifier: Apache-2.0
/* A Parquet file on its way in: its columns and how they are read. */
#ifndef SHF_INTERCHANGE_IMPORT_PARQUET_H
#define SHF_INTERCHANGE_IMPORT_PARQUET_H

#include "interchange/import.h"
#include "interchange/parquet_file.h"

typedef struct shf_parquet_import {
    shf_importer *in;
    shf_parquet *file;
    uint64_t n_rows;
    size_t n_columns;
    size_t id, time; /* columns, or SIZE_MAX */
    size_t *values;  /* the others */
    size_t n_values;
    sheaf_dtype *dtypes; /* of the others */
    char (*names)[SHEAF_MAX_NAME + 1];
} shf_parquet_import;

/* Whether a value of the column is absent (many writers call every column optional). */
bool shf_parquet_may_lack(const shf_parquet_import *p, size_t column, const shf_parquet_column *c);
/* n rows of a column as dtype, `stride` bytes apart. Integers keep every digit, absent values become NaN. scratch: n values. */
sheaf_status shf_parquet_read_as(const shf_parquet_import *p, size_t column, sheaf_dtype dtype, uint64_t first, size_t n, uint8_t *to,
                                 size_t stride, double *scratch, sheaf_error *err);
/* A table with one row for each trajectory, as the store's summaries. */
sheaf_status shf_import_parquet_summaries(shf_parquet_import *p, sheaf_error *err);

#endif

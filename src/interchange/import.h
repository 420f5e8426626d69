// SPDX-License-Identifier: Apache-2.0
/* What a reader of a foreign format tells the importer: the shape once, then the rows in order. */
#ifndef SHF_INTERCHANGE_IMPORT_H
#define SHF_INTERCHANGE_IMPORT_H

#include "base/error.h"
#include "sheaf/interchange.h"

typedef struct shf_importer {
    const char *store;
    const sheaf_import_spec *spec;
    const sheaf_store_options *options;
    char name[SHEAF_MAX_NAME + 1];
    sheaf_ensemble *run; /* NULL before begin */
    sheaf_dtype dtype;
    size_t row_bytes;
    uint32_t n_steps;   /* by trajectory */
    uint64_t n_rows;    /* taken so far */
    uint64_t next_step; /* by step: where a resumed store goes on */
} shf_importer;

/* shape: of one row (ndim axes, without that of the rows). */
sheaf_status shf_importer_begin(shf_importer *in, sheaf_dtype dtype, int ndim, const uint64_t *shape, sheaf_error *err);
/* The next row as it is. times: NULL, or the time of the step; ids: NULL, or the trajectory's id (by default both count from 0). */
sheaf_status shf_importer_row(shf_importer *in, const void *row, const double *time, const int64_t *id, sheaf_error *err);

/* Reads of a stream. */
typedef struct shf_stream {
    sheaf_source source;
    void *context;
} shf_stream;

/* One type of input. Exactly one of the two is set. */
typedef struct shf_import_type {
    const char *name;
    sheaf_status (*read_stream)(const shf_stream *stream, shf_importer *in, sheaf_error *err);
    sheaf_status (*read_path)(const char *path, shf_importer *in, sheaf_error *err);
} shf_import_type;

sheaf_status shf_import_text(const shf_stream *stream, shf_importer *in, sheaf_error *err);
sheaf_status shf_import_npy(const shf_stream *stream, shf_importer *in, sheaf_error *err);

#endif

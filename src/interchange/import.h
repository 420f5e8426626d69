// SPDX-License-Identifier: Apache-2.0
/* What a reader of a foreign format tells the importer: the shape once, then the rows in order. */
#ifndef SHF_INTERCHANGE_IMPORT_H
#define SHF_INTERCHANGE_IMPORT_H

#include "base/error.h"
#include "base/id_index.h"
#include "format/npy.h"
#include "sheaf/interchange.h"

typedef struct shf_importer {
    const char *store;
    const sheaf_import_spec *spec;
    const sheaf_store_options *options;
    char name[SHEAF_MAX_NAME + 1];
    sheaf_ensemble *run; /* NULL before begin */
    sheaf_dtype dtype;
    size_t row_bytes;
    uint32_t n_steps; /* by trajectory */
    size_t n_variables;
    uint64_t n_rows;    /* taken so far */
    uint64_t next_step; /* by step: where a resumed store goes on */
    sheaf_store *plain; /* instead of run: records that the reader appends itself */
    shf_id_index ids;   /* of plain */
} shf_importer;

/* shape: of one row (ndim axes, without that of the rows). */
sheaf_status shf_importer_begin(shf_importer *in, sheaf_dtype dtype, int ndim, const uint64_t *shape, sheaf_error *err);
/* The next row as it is. times: NULL, or the time of the step; ids: NULL, or the trajectory's id (by default both count from 0). */
sheaf_status shf_importer_row(shf_importer *in, const void *row, const double *time, const int64_t *id, sheaf_error *err);

/* Several variables that are scalars per step: by step, or of trajectories (n_steps, each interval-th of which there is). */
sheaf_status shf_importer_begin_many(shf_importer *in, size_t n, char (*names)[SHEAF_MAX_NAME + 1], const sheaf_dtype *dtypes,
                                     sheaf_error *err);
sheaf_status shf_importer_begin_trajectories(shf_importer *in, uint32_t n_steps, uint32_t interval, size_t n,
                                             char (*names)[SHEAF_MAX_NAME + 1], const sheaf_dtype *dtypes, sheaf_error *err);
/* The next step of several variables: the i-th lies at row + offsets[i]. */
sheaf_status shf_importer_many(shf_importer *in, const uint8_t *row, const size_t *offsets, const double *time, sheaf_error *err);
/* Names the variable after an array of the input, unless the caller gave a name or the name is reserved. */
void shf_importer_rename(shf_importer *in, const char *array);
/* Element i as an id; a number that is none is SHEAF_ERR_INPUT. */
sheaf_status shf_importer_id(const shf_importer *in, sheaf_dtype dtype, const void *values, size_t i, int64_t *id, sheaf_error *err);
/* Ids of records that the reader appends to `plain`; twice the same is SHEAF_ERR_DUPLICATE once all are there. */
sheaf_status shf_importer_ids(shf_importer *in, const int64_t *ids, size_t n, sheaf_error *err);

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
sheaf_status shf_import_npz(const char *path, shf_importer *in, sheaf_error *err);
sheaf_status shf_import_store(const char *path, shf_importer *in, sheaf_error *err);
sheaf_status shf_import_parquet(const char *path, shf_importer *in, sheaf_error *err);
/* A folder of TrajectoryStorage, or its trajectories.h5 (storage.h). */
sheaf_status shf_import_storage(const char *path, shf_importer *in, sheaf_error *err);
bool shf_is_storage(const char *path);

/* Parts of .npy: the header; the next n values in native byte order; everything behind the header as rows, with their times or NULL. */
sheaf_status shf_npy_read_header(const shf_stream *stream, shf_npy_header *header, sheaf_error *err);
sheaf_status shf_npy_read_values(const shf_stream *stream, const shf_npy_header *header, void *to, size_t n, sheaf_error *err);
sheaf_status shf_npy_import(const shf_stream *stream, const shf_npy_header *header, const double *times, shf_importer *in,
                            sheaf_error *err);

#endif

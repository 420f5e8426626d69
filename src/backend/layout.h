// SPDX-License-Identifier: Apache-2.0
/* A store's arrays and dimensions as the inside sees them: what a schema becomes and what a back end reads from a file. */
#ifndef SHF_BACKEND_LAYOUT_H
#define SHF_BACKEND_LAYOUT_H

#include <jansson.h>

#include "base/error.h"
#include "sheaf/schema.h"

typedef struct shf_array {
    char name[SHEAF_MAX_NAME + 1];
    sheaf_dtype dtype;
    int ndim;
    char dimensions[SHEAF_MAX_NDIM][SHEAF_MAX_NAME + 1];
    uint64_t shape[SHEAF_MAX_NDIM]; /* shape[0] of a growing array is 0: its length is the record dimension's */
    uint64_t chunk[SHEAF_MAX_NDIM]; /* every dimension ≥ 1 after shf_layout_finish */
    int record;                     /* index of its record dimension in the layout, or -1: fixed */
    sheaf_codec codec;              /* never DEFAULT once the back end has planned it */
    int level;
    bool big_endian;    /* foreign files only: decode swaps */
    json_t *attributes; /* an object; owned */
    void *values;       /* fixed arrays at create: whole content; owned; else NULL */
    /* derived by shf_layout_finish */
    size_t item_size;
    size_t row_bytes;                     /* bytes of one row (index of axis 0) */
    uint64_t n_columns;                   /* chunks that one row block is cut into: product over axes ≥ 1 of ceil(shape / chunk) */
    uint64_t column_grid[SHEAF_MAX_NDIM]; /* chunks along each axis ≥ 1; [0] unused */
    size_t chunk_bytes;                   /* of one decoded chunk (always whole; edges padded with fill values) */
} shf_array;

typedef struct shf_record {
    char name[SHEAF_MAX_NAME + 1];
    uint64_t length; /* as of the last checkpoint (back end) or commit (store) */
} shf_record;

typedef struct shf_layout {
    shf_array *arrays; /* owned */
    size_t n_arrays;
    shf_record *records; /* owned */
    size_t n_records;
    json_t *attributes; /* an object; owned; of the store itself */
} shf_layout;

/* Appends a zeroed array (attributes = {}, record = -1); *out is Borrowed until the next call. */
sheaf_status shf_layout_add_array(shf_layout *layout, shf_array **out, sheaf_error *err);
/* Index of the record dimension of that name, added when absent. */
sheaf_status shf_layout_add_record(shf_layout *layout, const char *name, int *index, sheaf_error *err);
/* Checks shapes and sizes (overflow, limits), chooses chunks that are 0, fills the derived fields. Called by create and by every back end's open. */
sheaf_status shf_layout_finish(shf_layout *layout, sheaf_error *err);
/* -1 when absent. */
int shf_layout_find(const shf_layout *layout, const char *array);
int shf_layout_find_record(const shf_layout *layout, const char *name);
void shf_layout_free(shf_layout *layout);
sheaf_status shf_layout_copy(const shf_layout *from, shf_layout *to, sheaf_error *err);

/* Rows of axis 0 that exist: the record's length, or shape[0] of a fixed array. */
uint64_t shf_array_rows(const shf_layout *layout, const shf_array *array);
/* Chunk coordinates along axes ≥ 1 of column `column` (row-major); out[0] is left alone. */
void shf_array_column(const shf_array *array, uint64_t column, uint64_t out[SHEAF_MAX_NDIM]);
/* A name that may stand in a file or a path: see sheaf_array_spec.name. */
bool shf_name_ok(const char *name);

#endif

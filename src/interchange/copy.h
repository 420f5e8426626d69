// SPDX-License-Identifier: Apache-2.0
/* The arrays of one store on their way into another: which there are, how they change, and their rows block by block. */
#ifndef SHF_INTERCHANGE_COPY_H
#define SHF_INTERCHANGE_COPY_H

#include "base/error.h"
#include "sheaf/interchange.h"

typedef struct shf_copy_array {
    sheaf_array_info info; /* in the source */
    char name[SHEAF_MAX_NAME + 1];
    sheaf_dtype dtype;              /* in the copy */
    bool grows;                     /* in the copy */
    uint64_t shape[SHEAF_MAX_NDIM]; /* in the copy; [0] of a growing array: its rows there */
    size_t row_items;
    void *values; /* of a fixed array, owned: what the copy gets instead of the source's content; or NULL */
} shf_copy_array;

typedef struct shf_copy {
    sheaf_store *from; /* Borrowed */
    shf_copy_array *arrays;
    size_t n_arrays;
    char **tables; /* record dimensions of the copy, in their order */
    size_t n_tables;
    const char *time; /* the dimension that is thinned; NULL: none */
    uint64_t every, n_time, n_kept;
    bool last_off_stride; /* the last kept position is the last one there is */
    size_t block_bytes;   /* bound of the rows held at a time */
} shf_copy;

/* Everything as it is. A store without record dimensions (a foreign file) gets one for each first axis that is no array's later axis. */
sheaf_status shf_copy_begin(sheaf_store *from, size_t block_bytes, shf_copy *copy, sheaf_error *err);
/* Keeps each every-th position of a dimension, n_regular of which lie on the stride (the last one, when it does not, is kept too if `last`). */
sheaf_status shf_copy_thin(shf_copy *copy, const char *dimension, uint64_t every, uint64_t n_regular, bool last, sheaf_error *err);
void shf_copy_free(shf_copy *copy);

/* Adds dimensions and arrays (fixed ones with their values) to a schema; attributes of arrays are kept, those of the store are the caller's. */
sheaf_status shf_copy_schema(const shf_copy *copy, sheaf_codec codec, int level, sheaf_schema *schema, sheaf_error *err);
/* Rows of a record dimension in the copy. */
uint64_t shf_copy_length(const shf_copy *copy, const char *table);
/* Appends rows first … last - 1 of a record dimension; columns come in the order of the schema that shf_copy_schema made. */
sheaf_status shf_copy_rows(const shf_copy *copy, const char *table, uint64_t first, uint64_t last, sheaf_store *to,
                           sheaf_progress_callback progress, void *context, uint64_t *done, uint64_t total, sheaf_error *err);
/* Reads n rows from `first` on of one array (all other axes whole, thinned), as the copy's dtype. raw: room for the source's dtype, used when it differs. */
sheaf_status shf_copy_read(const shf_copy *copy, const shf_copy_array *array, uint64_t first, uint64_t n, void *to, void *raw,
                           sheaf_error *err);

#endif

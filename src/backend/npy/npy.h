// SPDX-License-Identifier: Apache-2.0
/* Inside of the .npyd back end: a folder with one growing NAME.npy for each array, sheaf.json (the schema) and sheaf.len (the lengths). */
#ifndef SHF_BACKEND_NPY_NPY_H
#define SHF_BACKEND_NPY_NPY_H

#include "backend/backend.h"
#include "io/file.h"

typedef struct npy_array {
    shf_file file;
    uint64_t data_offset; /* bytes of the .npy header */
    uint64_t rows;        /* rows in the file, published or not */
    shf_map map;
} npy_array;

typedef struct npy_state {
    char *path;
    shf_layout *layout;
    bool writable, sync;
    shf_file lengths;
    uint64_t sequence; /* of the slot published last */
    npy_array *arrays;
    size_t n_arrays;
    uint64_t written, schema_bytes;
} npy_state;

/* sheaf.json and sheaf.len. */
sheaf_status npy_schema_write(npy_state *state, sheaf_error *err);
sheaf_status npy_schema_read(const char *path, shf_layout *layout, sheaf_error *err);
sheaf_status npy_lengths_write(npy_state *state, sheaf_error *err);
sheaf_status npy_lengths_read(npy_state *state, sheaf_error *err);
/* The .npy header with `rows` rows, written at the begin of the file. */
sheaf_status npy_header_write(npy_state *state, size_t array, uint64_t rows, sheaf_error *err);

#endif

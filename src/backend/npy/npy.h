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
    uint64_t filled;      /* the last rows, as many as were missing and were filled by repair */
    bool stale_header;    /* it tells other rows than were committed, or is to be made again */
    shf_map map;
    uint32_t *sums; /* crc32c of each MiB of data written so far, in order */
    uint64_t sums_capacity, summed_bytes;
} npy_array;

typedef struct npy_state {
    char *path;
    shf_layout *layout;
    bool writable, sync, repair;
    shf_file lengths;
    uint64_t sequence; /* of the slot published last */
    npy_array *arrays;
    size_t n_arrays;
    uint64_t written, schema_bytes, sums_bytes;
} npy_state;

/* sheaf.json and sheaf.len. */
sheaf_status shf_npyd_schema_write(npy_state *state, sheaf_error *err);
sheaf_status shf_npyd_schema_read(const char *path, shf_layout *layout, sheaf_error *err);
sheaf_status shf_npyd_lengths_write(npy_state *state, sheaf_error *err);
sheaf_status shf_npyd_lengths_read(npy_state *state, sheaf_error *err);
/* Tells of slots that are not whole. */
sheaf_status shf_npyd_lengths_check(const npy_state *state, void (*tell)(void *context, const sheaf_error *damage), void *context,
                                    sheaf_error *err);
#define NPY_SUM_BLOCK_BYTES ((uint64_t)1 << 20)
#define NPY_SUM_READ_BYTES ((size_t)256 << 10)
/* Checksums: of bytes as they are appended; written at a checkpoint; read (*there = false: an older store has none); made again for what was
 * committed after the last checkpoint; compared. */
sheaf_status shf_npyd_sums_add(npy_array *array, const void *bytes, uint64_t n, sheaf_error *err);
sheaf_status shf_npyd_sums_write(npy_state *state, sheaf_error *err);
sheaf_status shf_npyd_sums_read(npy_state *state, bool *there, sheaf_error *err);
sheaf_status shf_npyd_sums_catch_up(npy_state *state, size_t array, sheaf_error *err);
sheaf_status shf_npyd_verify(void *state, void (*tell)(void *context, const sheaf_error *damage), void *context, sheaf_error *err);
/* Checks that each file has the header and the rows that the schema and the lengths tell; of a writable store what lies beyond is cut off, and
 * with repair rows that are missing become fill values. Nothing is written when any file is refused. */
sheaf_status shf_npyd_check(npy_state *state, sheaf_error *err);
/* n rows of fill values from row on. */
sheaf_status shf_npyd_fill_rows(npy_state *state, size_t array, uint64_t row, uint64_t n, sheaf_error *err);
/* The .npy header with `rows` rows, written at the begin of the file. */
sheaf_status shf_npyd_header_write(npy_state *state, size_t array, uint64_t rows, sheaf_error *err);

#endif

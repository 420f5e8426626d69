// SPDX-License-Identifier: Apache-2.0
#ifndef SHF_INTERCHANGE_EXPORT_H
#define SHF_INTERCHANGE_EXPORT_H

#include "io/file.h"
#include "sheaf/interchange.h"

/* One kind of file. Exactly one is set: write fills the (new, empty) file; write_path makes one at the path, whole or not at all. */
typedef struct shf_export_type {
    const char *name;
    sheaf_status (*write)(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err);
    sheaf_status (*write_path)(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err);
} shf_export_type;

/* Where the bytes of an array go, in their order. */
typedef struct shf_bytes_sink {
    sheaf_status (*put)(void *context, const void *bytes, size_t n, sheaf_error *err);
    void *context;
} shf_bytes_sink;
/* One array as .npy: header and rows, trajectories by growing id. */
sheaf_status shf_export_npy_array(sheaf_store *store, const sheaf_array_info *info, const shf_bytes_sink *sink, sheaf_error *err);

sheaf_status shf_export_npz(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err);
sheaf_status shf_export_parquet(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err);
sheaf_status shf_export_npy(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef SHF_INTERCHANGE_EXPORT_H
#define SHF_INTERCHANGE_EXPORT_H

#include "io/file.h"
#include "sheaf/interchange.h"

/* One kind of file. write fills the (new, empty) file. */
typedef struct shf_export_type {
    const char *name;
    sheaf_status (*write)(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err);
} shf_export_type;

sheaf_status shf_export_npy(sheaf_store *store, const sheaf_table_spec *spec, shf_file *file, uint64_t *n_rows, sheaf_error *err);

#endif

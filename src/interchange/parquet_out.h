// SPDX-License-Identifier: Apache-2.0
/* What the Parquet exports share. */
#ifndef SHF_INTERCHANGE_PARQUET_OUT_H
#define SHF_INTERCHANGE_PARQUET_OUT_H

#include "base/id_index.h"
#include "interchange/parquet_writer.h"
#include "sheaf/table.h"

/* n values, `stride` bytes apart, as the writer takes a column of that dtype (8 bytes of room for each). */
void shf_parquet_gather(sheaf_dtype dtype, const void *from, size_t stride, size_t n, void *to);

/* Whether `what` has values over records and a second coordinate (trajectories × time), which make one row each. */
sheaf_status shf_export_is_long(sheaf_store *store, const char *what, bool *is_long, sheaf_error *err);
sheaf_status shf_export_long(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err);
/* One column for each trajectory, "0", "1", … by growing id; one row for each step. */
sheaf_status shf_export_wide(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err);

#endif

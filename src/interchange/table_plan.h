// SPDX-License-Identifier: Apache-2.0
/* Which arrays of a store make a table, and its columns. */
#ifndef SHF_INTERCHANGE_TABLE_PLAN_H
#define SHF_INTERCHANGE_TABLE_PLAN_H

#include "base/error.h"
#include "sheaf/table.h"

typedef struct shf_table_array {
    sheaf_array_info info;
    bool is_id, is_length;
    bool along_time;  /* axis 1 is a trajectory's time: values beyond its length are absent */
    bool has_missing; /* attribute missing_value */
    double missing;
    int time_axis;   /* axis that spec->time selects on, or -1 */
    uint64_t n_time; /* selected positions along it */
    uint64_t *time;  /* owned: the positions */
    size_t n_items;  /* selected elements of one row */
    size_t row_bytes;
    size_t first_column;
    uint8_t *values; /* owned: one block of rows */
    uint8_t *absent; /* owned, n_items a row; NULL: all there */
} shf_table_array;

typedef struct shf_table_plan {
    sheaf_store *store;
    const char *dimension; /* of the rows */
    bool by_trajectory;    /* rows are trajectories of an ensemble */
    bool grows;
    bool whole_time; /* rows themselves are the time axis (by step): spec->time selects rows */
    uint64_t n_rows;
    shf_table_array *arrays; /* the coordinate first, when there is one */
    size_t n_arrays;
    int64_t interval; /* of a trajectory's series: step of sample j is j × interval */
    char **names;     /* owned: of the columns */
    size_t n_columns;
    size_t bytes_per_row;
} shf_table_plan;

/* *plan must be freed also after an error. */
sheaf_status shf_table_plan_make(sheaf_store *store, const sheaf_table_spec *spec, shf_table_plan *plan, sheaf_error *err);
void shf_table_plan_free(shf_table_plan *plan);

#endif

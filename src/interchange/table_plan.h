// SPDX-License-Identifier: Apache-2.0
/* Which arrays of a store make a table, and its columns. */
#ifndef SHF_INTERCHANGE_TABLE_PLAN_H
#define SHF_INTERCHANGE_TABLE_PLAN_H

#include "base/error.h"
#include "base/id_index.h"
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
    int id_axis;     /* by step: axis of the trajectories that spec->ids selects on, or -1 */
    uint64_t n_ids;  /* selected positions along it */
    uint64_t *ids;   /* owned: the positions */
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
    bool whole_time;      /* rows themselves are the time axis (by step): spec->time selects rows */
    bool ids_are_columns; /* by step: spec->ids selects columns */
    uint64_t n_rows;
    shf_table_array *arrays; /* the coordinate first, when there is one */
    size_t n_arrays;
    int64_t interval; /* of a trajectory's series: step of sample j is j × interval */
    char **names;     /* owned: of the columns */
    size_t n_columns;
    size_t bytes_per_row;
} shf_table_plan;

/* What the store says about itself. */
typedef struct shf_table_about {
    bool trajectories, insurance;
    int64_t interval; /* 1 when nothing is said */
} shf_table_about;
sheaf_status shf_table_about_read(sheaf_store *store, shf_table_about *about, sheaf_error *err);

/* Where a table goes: its columns (names, dtypes, which may have absent values), then the rows block by block. */
typedef struct shf_table_sink {
    sheaf_status (*begin)(void *context, const sheaf_column *columns, size_t n_columns, sheaf_error *err);
    sheaf_status (*rows)(void *context, const sheaf_column *columns, size_t n_rows, sheaf_error *err);
    void *context;
} shf_table_sink;
/* n_rows may be NULL. */
sheaf_status shf_table_run(sheaf_store *store, const sheaf_table_spec *spec, const shf_table_sink *sink, uint64_t *n_rows,
                           sheaf_error *err);
/* Takes in the ids of a store's trajectories. */
sheaf_status shf_table_index_ids(sheaf_store *store, uint64_t n_rows, shf_id_index *index, sheaf_error *err);

/* *plan must be freed also after an error. */
sheaf_status shf_table_plan_make(sheaf_store *store, const sheaf_table_spec *spec, shf_table_plan *plan, sheaf_error *err);
void shf_table_plan_free(shf_table_plan *plan);

#endif

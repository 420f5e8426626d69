// SPDX-License-Identifier: Apache-2.0
/* From what an ensemble is to the arrays of its store. */
#ifndef SHF_ENSEMBLE_PLAN_H
#define SHF_ENSEMBLE_PLAN_H

#include <jansson.h>

#include "base/error.h"
#include "sheaf/ensemble.h"

/* What a column of a record holds. */
typedef enum shf_role {
    SHF_ROLE_ID,
    SHF_ROLE_LENGTH,
    SHF_ROLE_SUMMARY,
    SHF_ROLE_LAST,
    SHF_ROLE_SERIES,
    SHF_ROLE_TIME,
    SHF_ROLE_FIXED
} shf_role;

typedef struct shf_plan_array {
    char name[SHEAF_MAX_NAME + 1];
    shf_role role;
    int variable; /* index in the spec, or -1 */
    int summary;  /* which summary of it: shf_general or shf_insurance */
    sheaf_dtype dtype;
    int ndim;
    char dimensions[SHEAF_MAX_NDIM][SHEAF_MAX_NAME + 1];
    uint64_t shape[SHEAF_MAX_NDIM]; /* [0] of a growing array: SHEAF_GROWS */
    const char *attributes;         /* static, or NULL */
    void *values;                   /* fixed arrays; owned */
    size_t row_bytes;               /* growing arrays: one row */
    size_t offset;                  /* of the row in the scratch record, 64-byte aligned */
} shf_plan_array;

/* Columns of the two kinds of summaries, in their order. */
typedef enum shf_general {
    SHF_GENERAL_TOTAL,
    SHF_GENERAL_MEAN,
    SHF_GENERAL_STD,
    SHF_GENERAL_MIN,
    SHF_GENERAL_MAX,
    SHF_GENERAL_FINAL,
    SHF_N_GENERAL,
} shf_general;
typedef enum shf_insurance {
    SHF_INSURANCE_FINAL_ASSETS,
    SHF_INSURANCE_TOTAL_LOSSES,
    SHF_INSURANCE_TOTAL_RECOVERIES,
    SHF_INSURANCE_MEAN_ANNUAL_LOSS,
    SHF_INSURANCE_MAX_ANNUAL_LOSS,
    SHF_INSURANCE_MIN_ANNUAL_LOSS,
    SHF_INSURANCE_GROWTH_RATE,
    SHF_INSURANCE_RUIN_OCCURRED,
    SHF_INSURANCE_RUIN_YEAR,
    SHF_INSURANCE_VOLATILITY,
    SHF_N_INSURANCE,
} shf_insurance;
extern const char *const shf_insurance_names[SHF_N_INSURANCE];
enum { SHF_RUIN_YEAR_ABSENT = -1 };

typedef struct shf_plan {
    shf_plan_array *arrays; /* owned; growing ones in the order of the table's columns */
    size_t n_arrays;
    const char *record;     /* Borrowed from the spec or static: "trajectory" or the name of time */
    size_t n_columns;       /* growing arrays */
    size_t scratch_bytes;   /* one record */
    size_t summary_bytes;   /* of one record, without series */
    uint32_t n_samples;     /* by trajectory */
    int losses, recoveries; /* variables of the insurance summary */
    json_t *attributes;     /* owned: what the store says about itself, then what the caller says */
} shf_plan;

/* Checks the spec (every mistake by name) and plans its store. spec must outlive the plan. */
sheaf_status shf_plan_make(const sheaf_ensemble_spec *spec, shf_plan *plan, sheaf_error *err);
sheaf_status shf_plan_schema(const shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_schema **out, sheaf_error *err);
/* SHEAF_ERR_MISMATCH that names the first difference, with both values. */
sheaf_status shf_plan_compare(const shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_store *store, sheaf_error *err);
void shf_plan_free(shf_plan *plan);

/* Elements of one step of a variable. */
size_t shf_variable_items(const sheaf_variable *variable);
/* Checks one spec (names, shapes, dtypes, interval); part of shf_plan_make. */
sheaf_status shf_spec_check(const sheaf_ensemble_spec *spec, sheaf_error *err);

#endif

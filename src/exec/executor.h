// SPDX-License-Identifier: Apache-2.0
/* Inside the executors: what an executor and its results are made of. */
#ifndef SHF_EXEC_EXECUTOR_H
#define SHF_EXEC_EXECUTOR_H

#include "base/buf.h"
#include "sheaf/executor.h"

/* Most workers of one executor. */
#define SHF_MAX_WORKERS 1024u

struct sheaf_output {
    shf_buf buf;
};

typedef struct shf_result {
    void *bytes; /* Owned */
    size_t size_bytes;
    sheaf_status status;
    bool given;
    sheaf_error *error; /* Owned; NULL with a status other than SHEAF_OK: out of memory for it */
} shf_result;

struct sheaf_results {
    size_t n;
    shf_result *at;
};

/* Makes an executor of ops; `state` is freed by ops->free when this fails. */
sheaf_status shf_executor_make(const sheaf_executor_ops *ops, void *state, unsigned n_workers, const sheaf_work *work, sheaf_executor **out,
                               sheaf_error *err);
/* Checks what the caller handed over. */
sheaf_status shf_work_check(const sheaf_work *work, sheaf_error *err);
/* Hands the same error over for every task that has no result yet. */
void shf_results_fail_rest(sheaf_results *results, const sheaf_error *error);
bool shf_results_given(const sheaf_results *results, size_t index);

/* work.begin and work.end, where there are any; *state is NULL to begin with. */
sheaf_status shf_work_begin(const sheaf_work *work, const sheaf_job *job, const void *shared, void **state, sheaf_error *err);
void shf_work_end(const sheaf_work *work, void *state);

#endif

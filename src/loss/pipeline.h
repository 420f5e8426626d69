// SPDX-License-Identifier: Apache-2.0
/* Blocks of input that threads work on and that the caller gets back in order, in bounded memory. */
#ifndef SHF_LOSS_PIPELINE_H
#define SHF_LOSS_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

enum { SHF_SLICE_OUTPUTS = 3 };

typedef struct shf_slice {
    shf_buf in;
    shf_buf out[SHF_SLICE_OUTPUTS];
    sheaf_status status; /* of the job */
    sheaf_error error;
    void *state; /* the caller's, as large as asked for, zeroed when made */
    bool busy;   /* under the pipeline's mutex */
    struct shf_pipeline *pipeline;
} shf_slice;

typedef struct shf_pipeline_calls {
    void (*job)(void *context, shf_slice *slice);                            /* any thread */
    sheaf_status (*done)(void *context, shf_slice *slice, sheaf_error *err); /* caller's thread, in the order of the submits */
    void (*free_state)(void *state);                                         /* may be NULL */
} shf_pipeline_calls;

typedef struct shf_pipeline shf_pipeline;

/* n_threads 0 or 1: the caller's thread does the work. */
sheaf_status shf_pipeline_create(unsigned n_threads, size_t state_size, const shf_pipeline_calls *calls, void *context, shf_pipeline **out,
                                 sheaf_error *err);
/* The slice to fill next. */
shf_slice *shf_pipeline_slice(shf_pipeline *p);
/* Hands the slice over to the threads, and what is ready to `done`. */
sheaf_status shf_pipeline_submit(shf_pipeline *p, sheaf_error *err);
/* Waits for everything that was submitted. */
sheaf_status shf_pipeline_drain(shf_pipeline *p, sheaf_error *err);
void shf_pipeline_free(shf_pipeline *p);

#endif

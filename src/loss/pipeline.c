// SPDX-License-Identifier: Apache-2.0
#include "loss/pipeline.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "exec/pool.h"

struct shf_pipeline {
    shf_pipeline_calls calls;
    void *context;
    shf_pool *pool;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    size_t n_slices, oldest, n_submitted; /* slices oldest … are at work; the next one is being filled */
    shf_slice *slices;
};

sheaf_status shf_pipeline_create(unsigned n_threads, size_t state_size, const shf_pipeline_calls *calls, void *context, shf_pipeline **out,
                                 sheaf_error *err)
{
    *out = NULL;
    shf_pipeline *p = shf_calloc(1, sizeof *p);
    if (!p) return shf_fail_memory(err, sizeof *p, "a pipeline");
    p->calls = *calls;
    p->context = context;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->ended, NULL);
    unsigned n_workers = n_threads > 1 ? n_threads : 0;
    p->n_slices = n_workers + 2;
    p->slices = shf_calloc(p->n_slices, sizeof *p->slices);
    sheaf_status status = p->slices ? SHEAF_OK : shf_fail_memory(err, p->n_slices * sizeof *p->slices, "a pipeline");
    for (size_t i = 0; !status && i < p->n_slices; i++) {
        p->slices[i].pipeline = p;
        p->slices[i].state = shf_calloc(1, state_size);
        if (!p->slices[i].state) status = shf_fail_memory(err, state_size, "a pipeline");
    }
    if (!status) status = shf_pool_create(n_workers, p->n_slices, &p->pool, err);
    if (status) {
        shf_pipeline_free(p);
        return status;
    }
    *out = p;
    return SHEAF_OK;
}

shf_slice *shf_pipeline_slice(shf_pipeline *p)
{
    return &p->slices[(p->oldest + p->n_submitted) % p->n_slices];
}

static void run(void *argument)
{
    shf_slice *slice = argument;
    shf_pipeline *p = slice->pipeline;
    p->calls.job(p->context, slice);
    pthread_mutex_lock(&p->mutex);
    slice->busy = false;
    pthread_cond_broadcast(&p->ended);
    pthread_mutex_unlock(&p->mutex);
}

/* Whether the slice has ended; waits for it when asked to. */
static bool has_ended(shf_pipeline *p, const shf_slice *slice, bool wait)
{
    pthread_mutex_lock(&p->mutex);
    while (wait && slice->busy) pthread_cond_wait(&p->ended, &p->mutex);
    bool ended = !slice->busy;
    pthread_mutex_unlock(&p->mutex);
    return ended;
}

/* Hands over ended slices in order, until at most `most` are at work. */
static sheaf_status hand_over(shf_pipeline *p, size_t most, sheaf_error *err)
{
    while (p->n_submitted > 0) {
        shf_slice *slice = &p->slices[p->oldest];
        if (!has_ended(p, slice, p->n_submitted > most)) break;
        p->oldest = (p->oldest + 1) % p->n_slices;
        p->n_submitted--;
        if (slice->status) {
            if (err) *err = slice->error;
            return slice->status;
        }
        SHF_TRY(p->calls.done(p->context, slice, err));
        slice->in.size = 0;
        for (size_t i = 0; i < SHF_SLICE_OUTPUTS; i++) slice->out[i].size = 0;
    }
    return SHEAF_OK;
}

sheaf_status shf_pipeline_submit(shf_pipeline *p, sheaf_error *err)
{
    shf_slice *slice = shf_pipeline_slice(p);
    slice->busy = true;
    slice->status = SHEAF_OK;
    p->n_submitted++;
    shf_pool_submit(p->pool, run, slice);
    return hand_over(p, p->n_slices - 1, err);
}

sheaf_status shf_pipeline_drain(shf_pipeline *p, sheaf_error *err)
{
    return hand_over(p, 0, err);
}

void shf_pipeline_free(shf_pipeline *p)
{
    if (!p) return;
    shf_pool_free(p->pool);
    for (size_t i = 0; p->slices && i < p->n_slices; i++) {
        shf_slice *slice = &p->slices[i];
        if (p->calls.free_state && slice->state) p->calls.free_state(slice->state);
        shf_free(slice->state);
        shf_buf_free(&slice->in);
        for (size_t k = 0; k < SHF_SLICE_OUTPUTS; k++) shf_buf_free(&slice->out[k]);
    }
    shf_free(p->slices);
    pthread_cond_destroy(&p->ended);
    pthread_mutex_destroy(&p->mutex);
    shf_free(p);
}

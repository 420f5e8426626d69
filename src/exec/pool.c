// SPDX-License-Identifier: Apache-2.0
#include "exec/pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/alloc.h"

typedef struct job_slot {
    shf_job job;
    void *argument;
} job_slot;

struct shf_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work, idle;
    pthread_t *threads;
    unsigned n_threads, started;
    job_slot *ring; /* capacity slots, the oldest at head */
    size_t capacity, head, queued, running;
    bool stop;
};

/* With the mutex held and queued > 0: runs the oldest job with the mutex released. */
static void run_oldest(shf_pool *pool)
{
    job_slot slot = pool->ring[pool->head];
    pool->head = (pool->head + 1) % pool->capacity;
    pool->queued--;
    pool->running++;
    pthread_mutex_unlock(&pool->mutex);
    slot.job(slot.argument);
    pthread_mutex_lock(&pool->mutex);
    pool->running--;
    if (pool->running == 0 && pool->queued == 0) pthread_cond_broadcast(&pool->idle);
}

static void *worker(void *context)
{
    shf_pool *pool = context;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->stop && pool->queued == 0) pthread_cond_wait(&pool->work, &pool->mutex);
        if (pool->queued == 0) break;
        run_oldest(pool);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

sheaf_status shf_pool_create(unsigned n_threads, size_t max_queue, shf_pool **out, sheaf_error *err)
{
    *out = NULL;
    shf_pool *pool = shf_calloc(1, sizeof *pool);
    if (!pool) return shf_fail_memory(err, sizeof *pool, "a thread pool");
    pool->capacity = max_queue ? max_queue : 1;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, NULL);
    pool->ring = shf_calloc(pool->capacity, sizeof *pool->ring);
    pool->threads = shf_calloc(n_threads, sizeof *pool->threads);
    if (!pool->ring || !pool->threads) {
        shf_pool_free(pool);
        return shf_fail_memory(err, max_queue * sizeof(job_slot), "a thread pool");
    }
    pool->n_threads = n_threads;
    for (; pool->started < n_threads; pool->started++) {
        int rc = pthread_create(&pool->threads[pool->started], NULL, worker, pool);
        if (rc) {
            shf_pool_free(pool);
            return shf_fail_errno(err, rc, "cannot start", "a thread");
        }
    }
    *out = pool;
    return SHEAF_OK;
}

void shf_pool_submit(shf_pool *pool, shf_job job, void *argument)
{
    if (pool->n_threads == 0) {
        job(argument);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    while (pool->queued == pool->capacity) run_oldest(pool);
    pool->ring[(pool->head + pool->queued) % pool->capacity] = (job_slot){job, argument};
    pool->queued++;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

int shf_pool_help(shf_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    int had = pool->queued > 0;
    if (had) run_oldest(pool);
    pthread_mutex_unlock(&pool->mutex);
    return had;
}

void shf_pool_wait(shf_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->queued > 0) run_oldest(pool);
    while (pool->running > 0 || pool->queued > 0) pthread_cond_wait(&pool->idle, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

unsigned shf_pool_threads(const shf_pool *pool)
{
    return pool->n_threads;
}

void shf_pool_free(shf_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->started; i++) pthread_join(pool->threads[i], NULL);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
    shf_free(pool->threads);
    shf_free(pool->ring);
    shf_free(pool);
}

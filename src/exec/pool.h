// SPDX-License-Identifier: Apache-2.0
/* A pool of threads with a bounded queue. With 0 threads every job runs in the caller's thread, at once. */
#ifndef SHF_EXEC_POOL_H
#define SHF_EXEC_POOL_H

#include <stddef.h>

#include "base/error.h"

typedef struct shf_pool shf_pool;
typedef void (*shf_job)(void *argument);

/* max_queue: jobs that wait at most (at least 1); a caller above it runs one queued job itself, so memory stays bounded and nobody idles. */
sheaf_status shf_pool_create(unsigned n_threads, size_t max_queue, shf_pool **out, sheaf_error *err);
/* Any thread. The job must not fail; results and errors go through its argument. */
void shf_pool_submit(shf_pool *pool, shf_job job, void *argument);
/* Runs one queued job in the caller's thread; 0 when there was none. */
int shf_pool_help(shf_pool *pool);
/* Waits until every job submitted so far has ended (helping). */
void shf_pool_wait(shf_pool *pool);
unsigned shf_pool_threads(const shf_pool *pool);
/* Ends what is queued, joins the threads. NULL is fine. */
void shf_pool_free(shf_pool *pool);

#endif

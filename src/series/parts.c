// SPDX-License-Identifier: Apache-2.0
#include "series/parts.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/checked.h"

#define MAX_HELPERS 7

static atomic_flag g_at_work = ATOMIC_FLAG_INIT;

shf_pool *shf_parts_begin(uint64_t n_parts)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t n = processors < 2 ? 0 : shf_min_u64((uint64_t)processors - 1, MAX_HELPERS);
    n = shf_min_u64(n, n_parts / 2);
    if (n == 0 || atomic_flag_test_and_set(&g_at_work)) return NULL;
    shf_pool *pool = NULL;
    if (shf_pool_create((unsigned)n, 4 * (size_t)n, &pool, NULL) != SHEAF_OK) atomic_flag_clear(&g_at_work);
    return pool;
}

void shf_parts_end(shf_pool *pool)
{
    if (!pool) return;
    shf_pool_free(pool);
    atomic_flag_clear(&g_at_work);
}

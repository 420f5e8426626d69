// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From this size on buffers ask for huge pages: touching 4 KiB pages for the first time costs more than reading a file into them. */
#define HUGE_FROM ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

static _Atomic uint64_t g_asked;
static _Atomic uint64_t g_fail_at;
static _Atomic int g_sticky;

static int refused(void)
{
    uint64_t fail_at = atomic_load_explicit(&g_fail_at, memory_order_relaxed);
    if (fail_at == 0) return 0;
    uint64_t n = atomic_fetch_add_explicit(&g_asked, 1, memory_order_relaxed) + 1;
    return n == fail_at || (n > fail_at && atomic_load_explicit(&g_sticky, memory_order_relaxed));
}

void *shf_malloc(size_t size_bytes)
{
    return refused() ? NULL : malloc(size_bytes ? size_bytes : 1);
}

void *shf_calloc(size_t count, size_t size_bytes)
{
    return refused() ? NULL : calloc(count ? count : 1, size_bytes ? size_bytes : 1);
}

void *shf_realloc(void *old, size_t size_bytes)
{
    return refused() ? NULL : realloc(old, size_bytes ? size_bytes : 1);
}

void *shf_malloc_aligned(size_t size_bytes)
{
    if (refused() || size_bytes > SIZE_MAX - 64) return NULL;
    size_t rounded = (size_bytes + 63) / 64 * 64;
    if (rounded < HUGE_FROM) return aligned_alloc(64, rounded ? rounded : 64);
    void *p = NULL;
    if (posix_memalign(&p, HUGE_PAGE, rounded) != 0) return NULL;
    (void)madvise(p, rounded, MADV_HUGEPAGE); /* a wish: without it everything works too */
    return p;
}

uint8_t *shf_grow_aligned(uint8_t **p, size_t *capacity, size_t size_bytes)
{
    if (*p && size_bytes <= *capacity) return *p;
    shf_free(*p); /* first, so that both need not fit into memory at once */
    *p = shf_malloc_aligned(size_bytes);
    *capacity = *p ? size_bytes : 0;
    return *p;
}

void shf_free(void *p)
{
    free(p);
}

char *shf_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = shf_malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

void shf_alloc_fail_at(uint64_t n, int sticky)
{
    atomic_store(&g_asked, 0);
    atomic_store(&g_sticky, sticky);
    atomic_store(&g_fail_at, n);
}

uint64_t shf_alloc_count(void)
{
    return atomic_load(&g_asked);
}

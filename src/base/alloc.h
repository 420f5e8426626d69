// SPDX-License-Identifier: Apache-2.0
/* Every allocation of ours goes through here, so that tests can fail the n-th one. */
#ifndef SHF_BASE_ALLOC_H
#define SHF_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* NULL when out of memory. shf_malloc(0) gives a pointer that can be freed. */
void *shf_malloc(size_t size_bytes);
void *shf_calloc(size_t count, size_t size_bytes);
void *shf_realloc(void *old, size_t size_bytes);
/* 64-byte aligned, for buffers that SIMD loops and codecs touch; freed by shf_free like the others. */
void *shf_malloc_aligned(size_t size_bytes);
/* *p with room for size_bytes, aligned as above; *capacity is the room that it has. A *p that must grow loses its bytes; when out of
 * memory, NULL, and *p is freed and NULL too. */
uint8_t *shf_grow_aligned(uint8_t **p, size_t *capacity, size_t size_bytes);
void shf_free(void *p);
char *shf_strdup(const char *text);

/* Test seam: the n-th allocation from now on fails (1 = the next), all later ones too when sticky; 0 turns it off.
 * shf_alloc_count gives how many were asked for since the last call of shf_alloc_fail_at. */
void shf_alloc_fail_at(uint64_t n, int sticky);
uint64_t shf_alloc_count(void);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Helper threads for one large read at a time: tasks that all load their data have threads enough. */
#ifndef SHF_SERIES_PARTS_H
#define SHF_SERIES_PARTS_H

#include <stdint.h>

#include "exec/pool.h"

/* Helpers for a read of so many parts, which the caller helps with: whoever is free takes the next part. NULL: do it alone, as there are
 * few parts, no processors to spare, another read with helpers, or no threads to be had. */
shf_pool *shf_parts_begin(uint64_t n_parts);
/* NULL is fine. */
void shf_parts_end(shf_pool *pool);

#endif

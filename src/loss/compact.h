// SPDX-License-Identifier: Apache-2.0
/* The inner loop of the reader: pairs of a packet to the two columns of a sparse event, zeros left out. */
#ifndef SHF_LOSS_COMPACT_H
#define SHF_LOSS_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sheaf/loss.h"

typedef struct shf_compact {
    int32_t *sidx; /* room for n + 8 each */
    float *loss;
    int32_t *dropped;
    size_t kept, n_dropped;
    int64_t last_sidx; /* largest so far (INT64_MIN to begin) */
    float pass_through;
    bool unordered; /* a sidx was not above the one before it */
    sheaf_loss_stats *stats;
} shf_compact;

void shf_compact_pairs(shf_compact *c, const uint8_t *pairs, size_t n);

#endif

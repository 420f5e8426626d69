// SPDX-License-Identifier: Apache-2.0
/* Sparse events in compressed rows: per item the pairs {sidx, loss} sorted by sidx, without zeros. */
#ifndef SHF_LOSS_CSR_H
#define SHF_LOSS_CSR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sheaf/loss.h"

#include "base/error.h"
#include "format/loss_stream.h"

typedef struct shf_csr {
    int32_t event_id;
    bool has_event; /* event_id is set */
    size_t n_items, n_pairs;
    size_t item_capacity, pair_capacity, dropped_capacity, scratch_capacity;
    int64_t *indptr; /* item_capacity + 1 */
    int32_t *item_id;
    float *pass_through, *exposure;
    int32_t *sidx;
    float *loss;
    /* the item at work */
    bool open, unordered;
    size_t item_start, n_dropped;
    int64_t last_sidx;
    int32_t *dropped; /* sidx that the item had and that are not kept, for the duplicate check */
    uint64_t *scratch;
} shf_csr;

typedef struct shf_csr_rules {
    int32_t n_samples;
    sheaf_loss_policy duplicate_sidx, sidx_above;
} shf_csr_rules;

void shf_csr_clear(shf_csr *csr); /* keeps the memory */
void shf_csr_free(shf_csr *csr);
sheaf_status shf_csr_begin_item(shf_csr *csr, int32_t event_id, int32_t item_id, uint32_t exposure_bits, sheaf_error *err);
/* n pairs as they lie in the stream, the delimiter not among them. Counts into stats. */
sheaf_status shf_csr_add(shf_csr *csr, const uint8_t *pairs, size_t n, sheaf_loss_stats *stats, sheaf_error *err);
/* Sorts what came unordered, applies the rules, gives an item without values its (-3, 0). */
sheaf_status shf_csr_end_item(shf_csr *csr, const shf_csr_rules *rules, sheaf_loss_stats *stats, sheaf_error *err);
/* Forgets the item at work. */
void shf_csr_drop_item(shf_csr *csr);
/* Appends the items of another event. */
sheaf_status shf_csr_append(shf_csr *csr, const shf_csr *other, sheaf_error *err);
/* Borrowed until csr changes. */
sheaf_loss_event shf_csr_event(const shf_csr *csr);

#endif

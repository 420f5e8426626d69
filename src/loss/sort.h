// SPDX-License-Identifier: Apache-2.0
/* Stable sorts by sidx: quick on the nearly sorted packets of real streams, linear on any. */
#ifndef SHF_LOSS_SORT_H
#define SHF_LOSS_SORT_H

#include <stddef.h>
#include <stdint.h>

/* scratch: 2 × n words. */
void shf_sort_pairs(int32_t *sidx, float *loss, size_t n, uint64_t *scratch);
void shf_sort_sidx(int32_t *sidx, size_t n, uint64_t *scratch);

/* Ascending; -inf first. scratch: 2 × n words of 32 bits. No NaN. */
void shf_sort_f32(float *values, size_t n, uint32_t *scratch);
/* Puts the values that a sort would have at the ascending ranks there, smaller ones before them and larger ones behind. ranks below n;
 * scratch: 2 × n words. No NaN. */
void shf_select_f32(float *values, size_t n, const size_t *ranks, size_t n_ranks, uint32_t *scratch);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Numbers of one packet of a summary stream: moments and quantiles over its samples, those that are absent being 0. */
#ifndef SHF_LOSS_ELT_H
#define SHF_LOSS_ELT_H

#include <stddef.h>
#include <stdint.h>

#include "loss/csr.h"

typedef struct shf_packet_moments {
    double analytical_mean; /* sidx -1, or 0 */
    double max_loss;        /* sidx -5, or the largest sample */
    double mean, sd, chance;
    size_t n_samples;    /* samples that are there */
    size_t n_positive;   /* of them */
    const int32_t *sidx; /* of them; Borrowed */
    const float *loss;
} shf_packet_moments;

/* Item `item` of a sparse event; S = n_samples of the stream. */
void shf_packet_moments_of(const shf_csr *csr, size_t item, int32_t n_samples, shf_packet_moments *out);
/* The values that quantiles (type 7) of S values are taken from: n that are not 0, of which some are negative, the others 0. */
typedef struct shf_sparse_samples {
    const float *values; /* n, each rank that the quantile needs in its place */
    size_t n, n_negative;
    int32_t n_samples; /* S, at least 1 */
} shf_sparse_samples;

double shf_sparse_quantile(const shf_sparse_samples *samples, double q);
/* Ranks among the n values that the quantiles need, ascending; at most 2 × n_q. Returns how many. */
size_t shf_sparse_ranks(const shf_sparse_samples *samples, const double *q, size_t n_q, size_t *ranks);

#endif

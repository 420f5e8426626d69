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
    const int32_t *sidx; /* of them; Borrowed */
    const float *loss;
} shf_packet_moments;

/* Item `item` of a sparse event; S = n_samples of the stream. */
void shf_packet_moments_of(const shf_csr *csr, size_t item, int32_t n_samples, shf_packet_moments *out);
/* Quantile q of type 7 over S values: n sorted ones that are not 0, the others 0. S at least 1. */
double shf_sparse_quantile(const float *sorted, size_t n, int32_t n_samples, double q);

#endif

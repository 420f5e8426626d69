// SPDX-License-Identifier: Apache-2.0
#include "loss/elt.h"

#include <math.h>

void shf_packet_moments_of(const shf_csr *csr, size_t item, int32_t n_samples, shf_packet_moments *out)
{
    size_t at = (size_t)csr->indptr[item], end = (size_t)csr->indptr[item + 1], positive = 0;
    double largest = 0, sum = 0, squares = 0, s = (double)n_samples;
    bool has_max = false;
    *out = (shf_packet_moments){0};
    for (; at < end && csr->sidx[at] < 0; at++) {
        if (csr->sidx[at] == SHF_LOSS_SIDX_MEAN) out->analytical_mean = (double)csr->loss[at];
        if (csr->sidx[at] != SHF_LOSS_SIDX_MAX) continue;
        has_max = true;
        out->max_loss = (double)csr->loss[at];
    }
    const float *loss = csr->loss + at;
    size_t n = end - at;
    for (size_t i = 0; i < n; i++) {
        double x = (double)loss[i];
        sum += x;
        positive += x > 0;
        largest = x > largest ? x : largest;
    }
    out->n_samples = n;
    out->sidx = csr->sidx + at;
    out->loss = loss;
    if (!has_max) out->max_loss = largest;
    if (n_samples < 1) return;
    double mean = sum / s;
    for (size_t i = 0; i < n; i++) {
        double d = (double)loss[i] - mean;
        squares += d * d;
    }
    squares += (s - (double)n) * (mean * mean);
    out->mean = mean;
    out->sd = n_samples > 1 ? sqrt(squares / (s - 1)) : 0;
    out->chance = (double)positive / s;
}

/* The i-th smallest of all S values. */
static double order_statistic(const float *sorted, size_t n, size_t n_negative, size_t n_zeros, size_t i)
{
    if (i < n_negative) return (double)sorted[i];
    if (i < n_negative + n_zeros) return 0;
    return i - n_zeros < n ? (double)sorted[i - n_zeros] : 0;
}

double shf_sparse_quantile(const float *sorted, size_t n, int32_t n_samples, double q)
{
    size_t n_all = (size_t)n_samples, n_negative = 0, n_zeros = n_all > n ? n_all - n : 0;
    while (n_negative < n && sorted[n_negative] < 0) n_negative++;
    double place = q * (double)(n_all - 1);
    size_t low = (size_t)place;
    double part = place - (double)low, a = order_statistic(sorted, n, n_negative, n_zeros, low);
    if (part == 0) return a;
    double b = order_statistic(sorted, n, n_negative, n_zeros, low + 1);
    if (a == b) return a; /* two infinities too */
    return a + (b - a) * part;
}

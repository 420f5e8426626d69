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
    out->n_positive = positive;
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

/* Where the i-th smallest of all S values lies among those that are not 0; false when it is 0. */
static bool rank_of(const shf_sparse_samples *s, size_t i, size_t *rank)
{
    size_t n_all = (size_t)s->n_samples, n_zeros = n_all > s->n ? n_all - s->n : 0;
    *rank = i < s->n_negative ? i : i - n_zeros;
    return i < s->n_negative || (i >= s->n_negative + n_zeros && *rank < s->n);
}

static double order_statistic(const shf_sparse_samples *s, size_t i)
{
    size_t rank;
    return rank_of(s, i, &rank) ? (double)s->values[rank] : 0;
}

double shf_sparse_quantile(const shf_sparse_samples *s, double q)
{
    double place = q * (double)(s->n_samples - 1);
    size_t low = (size_t)place;
    double part = place - (double)low, a = order_statistic(s, low);
    if (part == 0) return a;
    double b = order_statistic(s, low + 1);
    if (a == b) return a; /* two infinities too */
    return a + (b - a) * part;
}

size_t shf_sparse_ranks(const shf_sparse_samples *s, const double *q, size_t n_q, size_t *ranks)
{
    size_t n = 0;
    for (size_t i = 0; i < 2 * n_q; i++) {
        size_t rank, k, place = (size_t)(q[i / 2] * (double)(s->n_samples - 1)) + i % 2;
        if (!rank_of(s, place, &rank)) continue;
        for (k = n; k > 0 && ranks[k - 1] > rank; k--) ranks[k] = ranks[k - 1];
        ranks[k] = rank;
        n++;
    }
    return n;
}

// SPDX-License-Identifier: Apache-2.0
#include "stats/insurance.h"

#include <math.h>
#include <string.h>

#include "base/dtype.h"
#include "stats/lanes.h"
#include "stats/moments.h"

/* The relative changes of a row, in order, those from 0 left out. */
typedef struct changes {
    sheaf_dtype dtype;
    const char *values;
    size_t size, at; /* at: the t of the next change */
    bool any_zero;
} changes;

SHF_INLINE void relative_body(const double *x, double *to, size_t n)
{
    size_t i = 0;
    for (; i + SHF_HALF <= n; i += SHF_HALF) {
        shf_half a, b;
        memcpy(&a, x + i, sizeof a);
        memcpy(&b, x + i + 1, sizeof b);
        a = (b - a) / a;
        memcpy(to + i, &a, sizeof a);
    }
    for (; i < n; i++) to[i] = (x[i + 1] - x[i]) / x[i];
}

#if SHF_HAS_AVX2
SHF_FOR_AVX2 static void relative_avx2(const double *x, double *to, size_t n)
{
    relative_body(x, to, n);
}
#endif

static void relative(const double *x, double *to, size_t n)
{
#if SHF_HAS_AVX2
    if (shf_use_avx2()) {
        relative_avx2(x, to, n);
        return;
    }
#endif
    relative_body(x, to, n);
}

/* n + 1 values from t on, as f64: in place where they are so already. */
static const double *window(const changes *c, size_t t, size_t n, double *room)
{
    const void *from = c->values + t * c->size;
    if (c->dtype == SHEAF_F64 && (uintptr_t)from % sizeof(double) == 0) return from;
    shf_dtype_convert(c->dtype, from, SHEAF_F64, room, n + 1);
    return room;
}

static void pull_changes(void *context, double *to, size_t n)
{
    changes *c = context;
    double room[SHF_SUM_BLOCK + 1];
    if (!c->any_zero) {
        relative(window(c, c->at, n, room), to, n);
        c->at += n;
        return;
    }
    for (size_t k = 0; k < n; c->at++) {
        const double *x = window(c, c->at, 1, room);
        if (x[0] != 0) to[k++] = (x[1] - x[0]) / x[0];
    }
}

static size_t count_zeros(const changes *c, size_t n)
{
    double room[SHF_SUM_BLOCK + 1];
    size_t zeros = 0;
    for (size_t t = 0; t < n;) {
        size_t k = n - t < SHF_SUM_BLOCK ? n - t : SHF_SUM_BLOCK;
        const double *x = window(c, t, k - 1, room);
        for (size_t i = 0; i < k; i++) zeros += x[i] == 0;
        t += k;
    }
    return zeros;
}

double shf_volatility(sheaf_dtype dtype, const void *values, size_t n)
{
    if (n < 2) return 0.0;
    changes c = {.dtype = dtype, .values = values, .size = sheaf_dtype_size(dtype)};
    size_t zeros = count_zeros(&c, n - 1), count = n - 1 - zeros;
    if (count == 0) return 0.0;
    c.any_zero = zeros > 0;
    double mean = shf_sum_pulled(pull_changes, &c, count) / (double)count;
    c.at = 0;
    return sqrt(shf_squares_pulled(pull_changes, &c, count, mean) / (double)count);
}

double shf_growth_rate(double first, double last, double n)
{
    return first > 0 && last > 0 && n > 0 ? log(last / first) / n : -(double)INFINITY;
}

void shf_insurance_summarize(sheaf_dtype dtype, const void *losses, const void *recoveries, const void *retained, size_t n,
                             double initial_assets, double final_assets, shf_insurance_summary *out)
{
    shf_extent e;
    shf_extent_of(dtype, losses, n, &e);
    out->total_losses = e.sum;
    out->max_annual_loss = e.max;
    out->min_annual_loss = e.min;
    out->mean_annual_loss = n ? e.sum / (double)n : (double)NAN;
    out->total_recoveries = shf_sum(dtype, recoveries, n);
    out->total_retained = retained ? shf_sum(dtype, retained, n) : (double)NAN;
    out->growth_rate = shf_growth_rate(initial_assets, final_assets, (double)n);
    out->volatility = shf_volatility(dtype, losses, n);
}

// SPDX-License-Identifier: Apache-2.0
#include "stats/moments.h"

#include <math.h>
#include <string.h>

#include "base/dtype.h"
#include "stats/lanes.h"

typedef enum work { WORK_SUM, WORK_SQUARES, WORK_EXTENT } work;

/* One traversal: where values come from (an array, or a pull) and what is made of them. */
typedef struct traversal {
    sheaf_dtype dtype;
    const void *values;
    size_t size; /* bytes of an element */
    shf_pull pull;
    void *context;
    double (*leaf)(const double *x, size_t n, struct traversal *t);
    double mean;     /* WORK_SQUARES */
    double min, max; /* WORK_EXTENT */
} traversal;

static double total(const shf_half *a, const shf_half *b)
{
    const shf_half p = *a, q = *b;
    return ((p[0] + p[1]) + (p[2] + p[3])) + ((q[0] + q[1]) + (q[2] + q[3]));
}

SHF_INLINE void load(shf_half *v, const double *x, bool squares, double mean)
{
    memcpy(v, x, sizeof *v);
    if (squares) *v = (*v - mean) * (*v - mean);
}

SHF_INLINE void widen(shf_half *low, shf_half *high, const shf_half *v)
{
    shf_half_mask below = *v<*low, above = *v> * high;
    *low = (shf_half)(((shf_half_mask)*v & below) | ((shf_half_mask)*low & ~below));
    *high = (shf_half)(((shf_half_mask)*v & above) | ((shf_half_mask)*high & ~above));
}

SHF_INLINE void widen_by_one(traversal *t, double v)
{
    if (v < t->min) t->min = v;
    if (v > t->max) t->max = v;
}

/* The multiple of eight at the front of a block, at least eight values. */
SHF_INLINE double lanes_body(const double *x, size_t n, traversal *t, work what)
{
    const bool squares = what == WORK_SQUARES, extent = what == WORK_EXTENT;
    const double mean = squares ? t->mean : 0;
    shf_half a, b, v, w;
    load(&a, x, squares, mean);
    load(&b, x + SHF_HALF, squares, mean);
    shf_half low = a, high = a, low_b = b, high_b = b;
    for (size_t i = SHF_LANES; i + SHF_LANES <= n; i += SHF_LANES) {
        load(&v, x + i, squares, mean);
        load(&w, x + i + SHF_HALF, squares, mean);
        if (extent) {
            widen(&low, &high, &v);
            widen(&low_b, &high_b, &w);
        }
        a += v;
        b += w;
    }
    for (int lane = 0; extent && lane < SHF_HALF; lane++) {
        widen_by_one(t, low[lane]);
        widen_by_one(t, low_b[lane]);
        widen_by_one(t, high[lane]);
        widen_by_one(t, high_b[lane]);
    }
    return total(&a, &b);
}

/* One block, n <= 128. */
SHF_INLINE double leaf_body(const double *x, size_t n, traversal *t, work what)
{
    size_t i = n - n % SHF_LANES;
    double result = i ? lanes_body(x, i, t, what) : 0;
    for (; i < n; i++) {
        double v = what == WORK_SQUARES ? (x[i] - t->mean) * (x[i] - t->mean) : x[i];
        if (what == WORK_EXTENT) widen_by_one(t, v);
        result += v;
    }
    return result;
}

#define LEAF(name, attribute, what)                                       \
    attribute static double name(const double *x, size_t n, traversal *t) \
    {                                                                     \
        return leaf_body(x, n, t, what);                                  \
    }
LEAF(sum_plain, , WORK_SUM)
LEAF(squares_plain, , WORK_SQUARES)
LEAF(extent_plain, , WORK_EXTENT)
#if SHF_HAS_AVX2
LEAF(sum_avx2, SHF_FOR_AVX2, WORK_SUM)
LEAF(squares_avx2, SHF_FOR_AVX2, WORK_SQUARES)
LEAF(extent_avx2, SHF_FOR_AVX2, WORK_EXTENT)
#endif

static void choose_leaf(traversal *t, work what)
{
    static double (*const plain[])(const double *, size_t, traversal *) = {sum_plain, squares_plain, extent_plain};
    t->leaf = plain[what];
#if SHF_HAS_AVX2
    static double (*const avx2[])(const double *, size_t, traversal *) = {sum_avx2, squares_avx2, extent_avx2};
    if (shf_use_avx2()) t->leaf = avx2[what];
#endif
}

/* The next n <= SHF_SUM_BLOCK values go through the leaf. */
static double take_block(traversal *t, size_t n)
{
    double block[SHF_SUM_BLOCK];
    if (t->pull) {
        t->pull(t->context, block, n);
        return t->leaf(block, n, t);
    }
    const void *at = t->values;
    t->values = (const char *)at + n * t->size;
    if (t->dtype == SHEAF_F64 && (uintptr_t)at % sizeof(double) == 0) return t->leaf(at, n, t);
    shf_dtype_convert(t->dtype, at, SHEAF_F64, block, n);
    return t->leaf(block, n, t);
}

static double pairwise(traversal *t, size_t n)
{
    if (n <= SHF_SUM_BLOCK) return take_block(t, n);
    size_t half = n / 2;
    half -= half % SHF_LANES;
    double first = pairwise(t, half);
    return first + pairwise(t, n - half);
}

static traversal over_array(sheaf_dtype dtype, const void *values, work what)
{
    traversal t = {.dtype = dtype, .values = values, .size = sheaf_dtype_size(dtype), .min = HUGE_VAL, .max = -HUGE_VAL};
    choose_leaf(&t, what);
    return t;
}

double shf_sum(sheaf_dtype dtype, const void *values, size_t n)
{
    traversal t = over_array(dtype, values, WORK_SUM);
    return n ? 0.0 + pairwise(&t, n) : 0.0; /* NumPy starts from 0, so a sum is never -0 */
}

static bool has_nan(sheaf_dtype dtype, const void *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(shf_dtype_load(dtype, values, i))) return true;
    }
    return false;
}

void shf_extent_of(sheaf_dtype dtype, const void *values, size_t n, shf_extent *out)
{
    *out = (shf_extent){0.0, (double)NAN, (double)NAN};
    if (n == 0) return;
    traversal t = over_array(dtype, values, WORK_EXTENT);
    out->sum = 0.0 + pairwise(&t, n);
    if (isnan(out->sum) && has_nan(dtype, values, n)) return; /* infinities of both signs also give such a sum */
    out->min = t.min;
    out->max = t.max;
}

double shf_std(sheaf_dtype dtype, const void *values, size_t n, double mean, unsigned ddof)
{
    if (n <= ddof) return (double)NAN;
    traversal t = over_array(dtype, values, WORK_SQUARES);
    t.mean = mean;
    return sqrt((0.0 + pairwise(&t, n)) / (double)(n - ddof));
}

double shf_sum_pulled(shf_pull pull, void *context, size_t n)
{
    traversal t = {.pull = pull, .context = context};
    choose_leaf(&t, WORK_SUM);
    return n ? 0.0 + pairwise(&t, n) : 0.0;
}

double shf_squares_pulled(shf_pull pull, void *context, size_t n, double mean)
{
    traversal t = {.pull = pull, .context = context, .mean = mean};
    choose_leaf(&t, WORK_SQUARES);
    return n ? 0.0 + pairwise(&t, n) : 0.0;
}

void shf_row_summarize(sheaf_dtype dtype, const void *values, size_t n, unsigned ddof, shf_row_summary *out)
{
    shf_extent e;
    shf_extent_of(dtype, values, n, &e);
    *out = (shf_row_summary){.count = n, .sum = e.sum, .min = e.min, .max = e.max};
    out->mean = n ? e.sum / (double)n : (double)NAN;
    out->std = shf_std(dtype, values, n, out->mean, ddof);
    out->last = n ? shf_dtype_load(dtype, values, n - 1) : (double)NAN;
}

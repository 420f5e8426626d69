// SPDX-License-Identifier: Apache-2.0
#include "stats/columns.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "base/error.h"
#include "stats/lanes.h"

/* Columns that are worked on at a time, so that their state stays in the first cache. */
#define TILE 256

enum { COUNT, SUM, MEAN, SQUARES, MIN, MAX, FIELDS };

/* The six fields of some columns. */
typedef struct fields {
    double *at[FIELDS];
} fields;

static fields fields_of(const shf_columns *c, size_t first)
{
    fields f;
    for (size_t k = 0; k < FIELDS; k++) f.at[k] = c->state + k * c->n_columns + first;
    return f;
}

sheaf_status shf_columns_open(size_t n_columns, bool skip_nan, shf_columns *columns, sheaf_error *err)
{
    size_t size;
    *columns = (shf_columns){n_columns, skip_nan, NULL};
    if (!shf_mul_size(n_columns, FIELDS * sizeof(double), &size)) return shf_fail_memory(err, SIZE_MAX, "statistics by column");
    columns->state = shf_malloc(size);
    if (!columns->state) return shf_fail_memory(err, size, "statistics by column");
    fields f = fields_of(columns, 0);
    memset(columns->state, 0, size);
    for (size_t i = 0; i < n_columns; i++) {
        f.at[MIN][i] = HUGE_VAL;
        f.at[MAX][i] = -HUGE_VAL;
    }
    return SHEAF_OK;
}

void shf_columns_free(shf_columns *columns)
{
    shf_free(columns->state);
    columns->state = NULL;
}

#define PICK(mask, yes, no) ((shf_half)(((shf_half_mask)(yes) & (mask)) | ((shf_half_mask)(no) & ~(mask))))

/* One value into each of four columns. */
SHF_INLINE void add_four(const fields *f, size_t i, const double *x, bool skip_nan)
{
    shf_half v, s[FIELDS];
    const shf_half one = {1, 1, 1, 1};
    memcpy(&v, x, sizeof v);
    for (int k = 0; k < FIELDS; k++) memcpy(&s[k], f->at[k] + i, sizeof v);
    const shf_half_mask unknown = v != v, taken = skip_nan ? ~unknown : (shf_half_mask)(unknown | ~unknown);
    const shf_half_mask below = (v < s[MIN]) | (unknown & taken), above = (v > s[MAX]) | (unknown & taken);
    s[COUNT] = PICK(taken, s[COUNT] + one, s[COUNT]);
    s[SUM] = PICK(taken, s[SUM] + v, s[SUM]);
    shf_half distance = v - s[MEAN];
    s[MEAN] = PICK(taken, s[MEAN] + distance / s[COUNT], s[MEAN]);
    s[SQUARES] = PICK(taken, s[SQUARES] + distance * (v - s[MEAN]), s[SQUARES]);
    s[MIN] = PICK(below, v, s[MIN]);
    s[MAX] = PICK(above, v, s[MAX]);
    for (int k = 0; k < FIELDS; k++) memcpy(f->at[k] + i, &s[k], sizeof v);
}

SHF_INLINE void add_row_body(const fields *f, const double *x, size_t n, bool skip_nan)
{
    size_t i = 0;
    for (; i + SHF_HALF <= n; i += SHF_HALF) add_four(f, i, x + i, skip_nan);
    for (; i < n; i++) {
        double v = x[i];
        bool unknown = isnan(v);
        if (unknown && skip_nan) continue;
        double distance = v - f->at[MEAN][i];
        f->at[COUNT][i] += 1;
        f->at[SUM][i] += v;
        f->at[MEAN][i] += distance / f->at[COUNT][i];
        f->at[SQUARES][i] += distance * (v - f->at[MEAN][i]);
        if (unknown || v < f->at[MIN][i]) f->at[MIN][i] = v;
        if (unknown || v > f->at[MAX][i]) f->at[MAX][i] = v;
    }
}

#if SHF_HAS_AVX2
SHF_FOR_AVX2 static void add_row_avx2(const fields *f, const double *x, size_t n, bool skip_nan)
{
    add_row_body(f, x, n, skip_nan);
}
#endif

static void add_row(const fields *f, const double *x, size_t n, bool skip_nan)
{
#if SHF_HAS_AVX2
    if (shf_use_avx2()) {
        add_row_avx2(f, x, n, skip_nan);
        return;
    }
#endif
    add_row_body(f, x, n, skip_nan);
}

void shf_columns_add(shf_columns *columns, sheaf_dtype dtype, const void *values, size_t n_rows, size_t stride)
{
    const char *from = values;
    const size_t size = sheaf_dtype_size(dtype);
    double row[TILE];
    for (size_t first = 0; first < columns->n_columns; first += TILE) {
        size_t n = columns->n_columns - first < TILE ? columns->n_columns - first : TILE;
        fields f = fields_of(columns, first);
        for (size_t r = 0; r < n_rows; r++) {
            shf_dtype_convert(dtype, from + (r * stride + first) * size, SHEAF_F64, row, n);
            add_row(&f, row, n, columns->skip_nan);
        }
    }
}

void shf_columns_add_to(shf_columns *columns, size_t column, sheaf_dtype dtype, const void *values, size_t n)
{
    fields f = fields_of(columns, column);
    for (size_t i = 0; i < n; i++) {
        double v = shf_dtype_load(dtype, values, i);
        add_row_body(&f, &v, 1, columns->skip_nan);
    }
}

static void merge_column(const fields *a, const fields *b, size_t i)
{
    double n_a = a->at[COUNT][i], n_b = b->at[COUNT][i], n = n_a + n_b;
    if (n_b == 0) return;
    double distance = b->at[MEAN][i] - a->at[MEAN][i];
    a->at[COUNT][i] = n;
    a->at[SUM][i] += b->at[SUM][i];
    a->at[MEAN][i] += n_a == 0 ? distance : distance * (n_b / n);
    a->at[SQUARES][i] += n_a == 0 ? b->at[SQUARES][i] : b->at[SQUARES][i] + distance * distance * (n_a * n_b / n);
    double low = b->at[MIN][i], high = b->at[MAX][i];
    if (isnan(low) || low < a->at[MIN][i]) a->at[MIN][i] = low;
    if (isnan(high) || high > a->at[MAX][i]) a->at[MAX][i] = high;
}

void shf_columns_merge(shf_columns *into, const shf_columns *from)
{
    fields a = fields_of(into, 0), b = fields_of(from, 0);
    for (size_t i = 0; i < into->n_columns; i++) merge_column(&a, &b, i);
}

void shf_columns_get(const shf_columns *columns, size_t column, unsigned ddof, shf_column_stats *out)
{
    const double nan = (double)NAN;
    fields f = fields_of(columns, column);
    double n = *f.at[COUNT];
    *out = (shf_column_stats){(uint64_t)n, nan, nan, nan, nan};
    if (n == 0) return;
    out->mean = *f.at[SUM] / n;
    if (n > ddof) out->std = sqrt(*f.at[SQUARES] / (n - ddof));
    out->min = *f.at[MIN];
    out->max = *f.at[MAX];
}

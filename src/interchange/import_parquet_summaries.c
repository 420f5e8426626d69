// SPDX-License-Identifier: Apache-2.0
/* One row for each trajectory. Absent values stay absent: a column that lacks some says by `missing_value` what stands for them. The columns of the
 * insurance summary make such a store again, each length found from total and mean. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "interchange/import_parquet.h"
#include "interchange/storage.h"

enum { BLOCK_BYTES = 8 << 20, MOST_ROWS = 65536 };

typedef struct summaries {
    shf_parquet_import *p;
    bool insurance;
    bool *lacks;     /* of each column of values */
    double *missing; /* what stands for an absent value */
    int64_t longest;
    size_t block;
    void **columns; /* trajectory, length (insurance only), the values */
    double *scratch;
} summaries;

/* All ten columns of the insurance summary, put in their order. */
static bool is_insurance(shf_parquet_import *p)
{
    if (p->n_values != SHF_N_STORAGE) return false;
    for (size_t i = 0; i < SHF_N_STORAGE; i++) {
        size_t k = i;
        while (k < SHF_N_STORAGE && strcmp(p->names[k], shf_storage_names[i]) != 0) k++;
        if (k == SHF_N_STORAGE) return false;
        size_t column = p->values[i];
        sheaf_dtype dtype = p->dtypes[i];
        char name[SHEAF_MAX_NAME + 1];
        memcpy(name, p->names[i], sizeof name);
        memcpy(p->names[i], p->names[k], sizeof name);
        memcpy(p->names[k], name, sizeof name);
        p->values[i] = p->values[k];
        p->values[k] = column;
        p->dtypes[i] = p->dtypes[k];
        p->dtypes[k] = dtype;
    }
    return true;
}

/* Types as they are in the file, also where values are absent. */
static sheaf_status choose_types(summaries *s, sheaf_error *err)
{
    shf_parquet_import *p = s->p;
    for (size_t i = 0; i < p->n_values; i++) {
        shf_parquet_column c;
        SHF_TRY(shf_parquet_column_info(p->file, p->values[i], &c, err));
        s->lacks[i] = shf_parquet_may_lack(p, p->values[i], &c);
        if (s->lacks[i] && c.logical != SHF_PQ_DECIMAL && c.type == SHF_PQ_INT32) p->dtypes[i] = SHEAF_I32;
        else if (s->lacks[i] && c.logical != SHF_PQ_DECIMAL && c.type == SHF_PQ_INT64) p->dtypes[i] = SHEAF_I64;
        else if (s->lacks[i] && c.type == SHF_PQ_BOOLEAN) p->dtypes[i] = SHEAF_I8;
        s->missing[i] = p->dtypes[i] == SHEAF_I32   ? INT32_MIN
                        : p->dtypes[i] == SHEAF_I64 ? (double)INT64_MIN
                        : p->dtypes[i] == SHEAF_I8  ? INT8_MIN
                        : p->dtypes[i] == SHEAF_F32 ? -FLT_MAX
                                                    : -DBL_MAX;
    }
    if (!s->insurance) return SHEAF_OK;
    for (size_t i = 0; i < p->n_values; i++) p->dtypes[i] = SHEAF_F64;
    p->dtypes[SHF_STORAGE_RUIN] = SHEAF_BOOL;
    p->dtypes[SHF_STORAGE_RUIN_YEAR] = SHEAF_I32;
    s->lacks[SHF_STORAGE_RUIN_YEAR] = true;
    s->missing[SHF_STORAGE_RUIN_YEAR] = -1;
    return SHEAF_OK;
}

static sheaf_status add(const summaries *s, sheaf_schema *schema, const char *name, sheaf_dtype dtype, const char *attributes,
                        sheaf_error *err)
{
    static const char *const dimension[] = {"trajectory"};
    sheaf_array_spec a = sheaf_array_spec_init(name, dtype, 1, dimension);
    a.codec = s->p->in->spec->codec;
    a.attributes_json = attributes;
    return sheaf_schema_add_array(schema, &a, err);
}

static sheaf_status fill_schema(const summaries *s, sheaf_schema *schema, sheaf_error *err)
{
    SHF_TRY(sheaf_schema_add_dimension(schema, "trajectory", SHEAF_GROWS, err));
    SHF_TRY(add(s, schema, "trajectory", SHEAF_I64, NULL, err));
    if (s->insurance) SHF_TRY(add(s, schema, "length", SHEAF_I32, NULL, err));
    for (size_t i = 0; i < s->p->n_values; i++) {
        char attributes[80];
        snprintf(attributes, sizeof attributes, "{\"missing_value\": %.17g}", s->missing[i]);
        SHF_TRY(add(s, schema, s->p->names[i], s->p->dtypes[i], s->lacks[i] ? attributes : NULL, err));
    }
    return s->insurance ? sheaf_schema_set_attributes(schema,
                                                      "{\"sheaf_kind\": \"trajectories\", \"sheaf_interval\": 1, \"sheaf_keep_last\": 0, "
                                                      "\"sheaf_summaries\": \"insurance\"}",
                                                      err)
                        : SHEAF_OK;
}

static sheaf_status create(summaries *s, sheaf_error *err)
{
    sheaf_schema *schema;
    SHF_TRY(sheaf_schema_create(&schema, err));
    sheaf_status status = fill_schema(s, schema, err);
    if (status == SHEAF_OK) status = sheaf_store_create(s->p->in->store, schema, s->p->in->options, &s->p->in->plain, err);
    sheaf_schema_free(&schema);
    return status;
}

/* What is absent, where the column lacks values. */
static sheaf_status mark_absent(const summaries *s, size_t i, uint64_t first, size_t n, void *to, sheaf_error *err)
{
    shf_parquet_vector v = {0};
    sheaf_dtype dtype = s->p->dtypes[i];
    SHF_TRY(shf_parquet_read(s->p->file, s->p->values[i], first, n, &v, err));
    for (size_t r = 0; v.valid && r < n; r++)
        if (!v.valid[r]) shf_dtype_store(dtype, to, r, s->missing[i]);
    /* Integers of 64 bits keep every digit. */
    for (size_t r = 0; dtype == SHEAF_I64 && v.value_size == 8 && r < n; r++)
        if (!v.valid || v.valid[r]) memcpy((int64_t *)to + r, (const int64_t *)v.values + r, sizeof(int64_t));
    shf_parquet_vector_free(&v);
    return SHEAF_OK;
}

static sheaf_status read_column(const summaries *s, size_t i, uint64_t first, size_t n, void *to, sheaf_error *err)
{
    const shf_parquet_import *p = s->p;
    sheaf_dtype dtype = p->dtypes[i];
    if (!s->lacks[i]) return shf_parquet_read_as(p, p->values[i], dtype, first, n, to, sheaf_dtype_size(dtype), s->scratch, err);
    SHF_TRY(shf_parquet_read_f64(p->file, p->values[i], first, n, s->scratch, err));
    shf_dtype_convert(SHEAF_F64, s->scratch, dtype, to, n);
    return mark_absent(s, i, first, n, to, err);
}

static void find_lengths(summaries *s, size_t n)
{
    int32_t *length = s->columns[1];
    void *const *values = s->columns + 2;
    for (size_t r = 0; r < n; r++) {
        int32_t year = ((const int32_t *)values[SHF_STORAGE_RUIN_YEAR])[r];
        uint64_t years = shf_storage_years(((const double *)values[SHF_STORAGE_TOTAL_LOSSES])[r],
                                           ((const double *)values[SHF_STORAGE_MEAN])[r], year >= 0 ? (double)year : (double)NAN);
        length[r] = (int32_t)years;
        s->longest = length[r] > s->longest ? length[r] : s->longest;
    }
}

static sheaf_status append_all(summaries *s, sheaf_error *err)
{
    shf_parquet_import *p = s->p;
    size_t shift = s->insurance ? 2 : 1;
    for (uint64_t first = 0; first < p->n_rows; first += s->block) {
        size_t n = (size_t)shf_min_u64(s->block, p->n_rows - first);
        SHF_TRY(shf_parquet_read_as(p, p->id, SHEAF_I64, first, n, s->columns[0], 8, s->scratch, err));
        for (size_t i = 0; i < p->n_values; i++) SHF_TRY(read_column(s, i, first, n, s->columns[i + shift], err));
        if (s->insurance) find_lengths(s, n);
        SHF_TRY(shf_importer_ids(p->in, s->columns[0], n, err));
        SHF_TRY(sheaf_store_append(p->in->plain, "trajectory", n, (const void *const *)s->columns, NULL, err));
        p->in->n_rows += n;
    }
    if (!s->insurance) return SHEAF_OK;
    char attributes[64];
    snprintf(attributes, sizeof attributes, "{\"sheaf_n_steps\": %lld}", (long long)(s->longest ? s->longest : 1));
    return sheaf_store_set_attributes(p->in->plain, NULL, attributes, err);
}

sheaf_status shf_import_parquet_summaries(shf_parquet_import *p, sheaf_error *err)
{
    summaries s = {.p = p, .insurance = is_insurance(p)};
    size_t n = p->n_values + 2;
    s.block = (size_t)shf_max_u64(1, shf_min_u64(shf_min_u64(MOST_ROWS, BLOCK_BYTES / (8 * n)), p->n_rows));
    s.lacks = shf_calloc(n, sizeof *s.lacks);
    s.missing = shf_calloc(n, sizeof *s.missing);
    s.columns = shf_calloc(n, sizeof *s.columns);
    s.scratch = shf_malloc(s.block * sizeof *s.scratch);
    bool bad = !s.lacks || !s.missing || !s.columns || !s.scratch;
    for (size_t i = 0; !bad && i < n; i++) bad = !(s.columns[i] = shf_malloc(s.block * 8));
    sheaf_status status = bad ? shf_fail_memory(err, s.block * 8, "rows") : choose_types(&s, err);
    if (status == SHEAF_OK) status = create(&s, err);
    if (status == SHEAF_OK) status = append_all(&s, err);
    for (size_t i = 0; s.columns && i < n; i++) shf_free(s.columns[i]);
    shf_free(s.lacks);
    shf_free(s.missing);
    shf_free(s.columns);
    shf_free(s.scratch);
    return status;
}

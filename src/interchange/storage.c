// SPDX-License-Identifier: Apache-2.0
#include "interchange/storage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "format/number.h"

enum { CHECKED_SERIES = 200, MOST_SAMPLES = 1 << 26 };

const char *const shf_storage_names[SHF_N_STORAGE] = {
    "final_assets",    "total_losses", "total_recoveries", "mean_annual_loss", "max_annual_loss",
    "min_annual_loss", "growth_rate",  "ruin_occurred",    "ruin_year",        "volatility",
};
const char *const shf_storage_series[SHF_STORAGE_N_SERIES] = {"annual_losses", "insurance_recoveries", "retained_losses"};

/* ---- ids ---- */

sheaf_status shf_storage_add(shf_storage *s, size_t *capacity, int64_t id, sheaf_error *err)
{
    if (s->n_ids == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 1024;
        int64_t *ids = shf_realloc(s->ids, more * sizeof *ids);
        if (!ids) return shf_fail_memory(err, more * sizeof *ids, "ids");
        s->ids = ids;
        *capacity = more;
    }
    s->ids[s->n_ids++] = id;
    return SHEAF_OK;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void shf_storage_sort(shf_storage *s)
{
    size_t n = 0;
    if (s->n_ids) qsort(s->ids, s->n_ids, sizeof *s->ids, compare_ids);
    for (size_t i = 0; i < s->n_ids; i++)
        if (n == 0 || s->ids[n - 1] != s->ids[i]) s->ids[n++] = s->ids[i];
    s->n_ids = n;
}

bool shf_storage_id(const char *name, const char *suffix, int64_t *id)
{
    size_t n = strlen(name), m = strlen(suffix);
    if (n <= 4 + m || strncmp(name, "sim_", 4) != 0 || strcmp(name + n - m, suffix) != 0) return false;
    const char *end = name + n - m;
    return shf_parse_i64(name + 4, end, id) == end;
}

/* ---- what the summaries say about the series ---- */

/* What is known about the time axis when samples have `item` bytes. */
typedef struct guess {
    size_t item;
    uint64_t least, most; /* of the interval */
    bool possible;
} guess;

typedef struct job {
    shf_storage *storage;
    shf_importer *in;
    guess guesses[2];
    sheaf_dtype dtype;
    uint64_t interval, n_steps, n_samples;
    uint64_t n_with_summary, n_with_series;
    int64_t first_without_summary;
    bool summaries, series;
} job;

uint64_t shf_storage_years(double total, double mean, double ruin_year)
{
    double n = total / mean;
    if (isfinite(n) && n >= 1 && n < 1e9 && fabs(n - round(n)) < 1e-3) return (uint64_t)round(n);
    return ruin_year >= 0 && ruin_year < 1e9 ? (uint64_t)ruin_year + 1 : 0;
}

static uint64_t years_of(const shf_storage_one *one)
{
    const double *s = one->summary;
    return one->has_summary ? shf_storage_years(s[SHF_STORAGE_TOTAL_LOSSES], s[SHF_STORAGE_MEAN], s[SHF_STORAGE_RUIN_YEAR]) : 0;
}

static uint64_t samples_of(const shf_storage_one *one, size_t item)
{
    return one->n_samples ? one->n_samples : one->series_bytes / (SHF_STORAGE_N_SERIES * item);
}

/* s samples of n years: s = ceil(n / k), so n / s <= k < n / (s - 1). */
static void narrow(guess *g, const shf_storage_one *one, uint64_t years)
{
    uint64_t s = samples_of(one, g->item);
    if (s == 0 || (!one->n_samples && one->series_bytes % (SHF_STORAGE_N_SERIES * g->item))) g->possible = false;
    if (!g->possible || years == 0) return;
    g->least = shf_max_u64(g->least, shf_ceil_div(years, s));
    if (s > 1) g->most = shf_min_u64(g->most, (years - 1) / (s - 1));
}

/* Losses lie between the least and the greatest of the summary, but for rounding to f32. */
static sheaf_status plausible(const job *j, int64_t id, const shf_storage_one *one, guess *g, sheaf_error *err)
{
    size_t n = (size_t)samples_of(one, g->item);
    double low = one->summary[SHF_STORAGE_MIN], high = one->summary[SHF_STORAGE_MAX];
    double slack = 1e-6 * fmax(fabs(low), fabs(high)) + 1e-37;
    sheaf_dtype dtype = g->item == 4 ? SHEAF_F32 : SHEAF_F64;
    void *values = shf_malloc(SHF_STORAGE_N_SERIES * n * g->item + 1);
    if (!values) return shf_fail_memory(err, SHF_STORAGE_N_SERIES * n * g->item, "a time series");
    sheaf_status status = j->storage->read(j->storage->context, id, dtype, n, values, err);
    for (size_t i = 0; i < n && status == SHEAF_OK; i++) {
        double x = shf_dtype_load(dtype, values, i);
        if (!(x >= low - slack && x <= high + slack)) g->possible = false;
    }
    shf_free(values);
    return status;
}

static sheaf_status look_at(job *j, int64_t id, size_t *checked, sheaf_error *err)
{
    shf_storage_one one = {0};
    SHF_TRY(j->storage->look(j->storage->context, id, &one, err));
    uint64_t years = years_of(&one);
    j->n_steps = shf_max_u64(j->n_steps, years);
    j->n_with_summary += one.has_summary;
    if (!one.has_summary && j->n_with_summary == (uint64_t)0) j->first_without_summary = id;
    if (!one.has_series) return SHEAF_OK;
    j->n_with_series++;
    if (one.dtype != SHEAF_DTYPE_NONE) {
        if (j->dtype != SHEAF_DTYPE_NONE && j->dtype != one.dtype)
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, j->storage->path, NULL, -1, -1, "simulation %lld is %s, others are %s",
                               (long long)id, sheaf_dtype_name(one.dtype), sheaf_dtype_name(j->dtype));
        j->dtype = one.dtype;
    }
    if (one.interval) {
        if (j->interval && j->interval != one.interval)
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, j->storage->path, NULL, -1, -1,
                               "simulation %lld has interval %llu, but %llu is told or that of others", (long long)id,
                               (unsigned long long)one.interval, (unsigned long long)j->interval);
        j->interval = one.interval;
    }
    for (int k = 0; k < 2; k++) {
        guess *g = &j->guesses[k];
        narrow(g, &one, years);
        bool wanted = one.has_summary && one.dtype == SHEAF_DTYPE_NONE && *checked < CHECKED_SERIES;
        if (g->possible && wanted) SHF_TRY(plausible(j, id, &one, g, err));
    }
    (*checked)++;
    return SHEAF_OK;
}

static sheaf_status choose_dtype(job *j, sheaf_error *err)
{
    guess *f32 = &j->guesses[0], *f64 = &j->guesses[1];
    f32->possible &= f32->least <= f32->most;
    f64->possible &= f64->least <= f64->most;
    if (j->dtype == SHEAF_DTYPE_NONE) {
        if (f32->possible == f64->possible && j->n_with_series)
            return shf_fail_at(err, f32->possible ? SHEAF_ERR_ARGUMENT : SHEAF_ERR_MISMATCH, j->storage->path, NULL, -1, -1,
                               f32->possible ? "the raw time series do not say whether they are f32 or f64: give the type (--dtype)"
                                             : "neither as f32 nor as f64 do the raw time series fit their summaries");
        j->dtype = f32->possible ? SHEAF_F32 : SHEAF_F64;
    }
    guess *g = j->dtype == SHEAF_F32 ? f32 : f64;
    if (!g->possible)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, j->storage->path, NULL, -1, -1, "as %s the time series do not fit their summaries%s",
                           sheaf_dtype_name(j->dtype),
                           (j->dtype == SHEAF_F32 ? f64 : f32)->possible ? "; as the other floating type they do" : "");
    return SHEAF_OK;
}

static sheaf_status choose_interval(job *j, sheaf_error *err)
{
    const guess *g = &j->guesses[j->dtype == SHEAF_F64];
    char most[32] = "more";
    if (g->most != UINT64_MAX) snprintf(most, sizeof most, "%llu", (unsigned long long)g->most);
    if (j->interval == 0 && g->least == g->most) j->interval = g->least;
    if (j->interval == 0)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, j->storage->path, NULL, -1, -1,
                           "the sampling interval is not stored, and the summaries leave %llu to %s open: give it (--every)",
                           (unsigned long long)g->least, most);
    if (j->interval < g->least || j->interval > g->most)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, j->storage->path, NULL, -1, -1,
                           "an interval of %llu is told, but the numbers of samples and years make it %llu to %s",
                           (unsigned long long)j->interval, (unsigned long long)g->least, most);
    return SHEAF_OK;
}

static sheaf_status look_at_all(job *j, sheaf_error *err)
{
    size_t checked = 0;
    if (j->storage->n_ids == 0) return shf_fail_at(err, SHEAF_ERR_INPUT, j->storage->path, NULL, -1, -1, "there is no simulation in it");
    for (size_t i = 0; i < j->storage->n_ids; i++) SHF_TRY(look_at(j, j->storage->ids[i], &checked, err));
    j->series = j->n_with_series > 0;
    j->summaries = !j->in->spec->no_summaries;
    if (j->summaries && j->n_with_summary < j->storage->n_ids)
        return shf_fail_at(
            err, SHEAF_ERR_INPUT, j->storage->path, NULL, -1, -1,
            "%llu of %zu simulations have no summary: they were lost before they were written (--no-summaries imports the series alone)",
            (unsigned long long)(j->storage->n_ids - j->n_with_summary), j->storage->n_ids);
    if (j->series) {
        SHF_TRY(choose_dtype(j, err));
        SHF_TRY(choose_interval(j, err));
    }
    if (j->interval == 0) j->interval = 1;
    return SHEAF_OK;
}

/* ---- the store ---- */

static uint64_t length_of(const job *j, const shf_storage_one *one)
{
    uint64_t years = years_of(one), s = one->has_series ? samples_of(one, sheaf_dtype_size(j->dtype)) : 0;
    if (years || !one->has_series) return years;
    /* Nothing but zeros was lost: as long as the longest, when that fits. */
    if (j->n_steps && shf_ceil_div(j->n_steps, j->interval) == s) return j->n_steps;
    return (s - 1) * j->interval + 1;
}

/* Without summaries the longest series says how many steps there are. */
static sheaf_status measure(job *j, sheaf_error *err)
{
    for (size_t i = 0; i < j->storage->n_ids; i++) {
        shf_storage_one one = {0};
        SHF_TRY(j->storage->look(j->storage->context, j->storage->ids[i], &one, err));
        j->n_steps = shf_max_u64(j->n_steps, length_of(j, &one));
    }
    j->n_samples = shf_ceil_div(shf_max_u64(j->n_steps, 1), j->interval);
    if (j->n_steps == 0 || j->n_steps > INT32_MAX || j->n_samples > MOST_SAMPLES)
        return shf_fail_at(err, SHEAF_ERR_INPUT, j->storage->path, NULL, -1, -1, "simulations of %llu steps are not possible",
                           (unsigned long long)j->n_steps);
    return SHEAF_OK;
}

static sheaf_status add(sheaf_schema *schema, const job *j, const char *name, sheaf_dtype dtype, bool series, const char *attributes,
                        sheaf_error *err)
{
    const char *const dimensions[] = {"trajectory", "time"};
    sheaf_array_spec a = sheaf_array_spec_init(name, dtype, series ? 2 : 1, dimensions);
    a.codec = j->in->spec->codec;
    a.attributes_json = attributes;
    return sheaf_schema_add_array(schema, &a, err);
}

static sheaf_status add_time(sheaf_schema *schema, const job *j, sheaf_error *err)
{
    const char *const dimension[] = {"time"};
    int64_t *steps = shf_malloc((size_t)j->n_samples * sizeof *steps);
    if (!steps) return shf_fail_memory(err, (size_t)j->n_samples * sizeof *steps, "the time axis");
    for (uint64_t i = 0; i < j->n_samples; i++) steps[i] = (int64_t)(i * j->interval);
    sheaf_array_spec a = sheaf_array_spec_init("time", SHEAF_I64, 1, dimension);
    a.values = steps;
    sheaf_status status = sheaf_schema_add_array(schema, &a, err);
    shf_free(steps);
    return status;
}

static sheaf_status fill_schema(const job *j, sheaf_schema *schema, sheaf_error *err)
{
    char attributes[256];
    SHF_TRY(sheaf_schema_add_dimension(schema, "trajectory", SHEAF_GROWS, err));
    if (j->series) SHF_TRY(sheaf_schema_add_dimension(schema, "time", j->n_samples, err));
    SHF_TRY(add(schema, j, "trajectory", SHEAF_I64, false, NULL, err));
    SHF_TRY(add(schema, j, "length", SHEAF_I32, false, NULL, err));
    for (int i = 0; j->summaries && i < SHF_N_STORAGE; i++) {
        sheaf_dtype dtype = i == SHF_STORAGE_RUIN ? SHEAF_BOOL : i == SHF_STORAGE_RUIN_YEAR ? SHEAF_I32 : SHEAF_F64;
        SHF_TRY(add(schema, j, shf_storage_names[i], dtype, false, i == SHF_STORAGE_RUIN_YEAR ? "{\"missing_value\": -1}" : NULL, err));
    }
    for (int i = 0; j->series && i < SHF_STORAGE_N_SERIES; i++) SHF_TRY(add(schema, j, shf_storage_series[i], j->dtype, true, NULL, err));
    if (j->series) SHF_TRY(add_time(schema, j, err));
    snprintf(attributes, sizeof attributes,
             "{\"sheaf_kind\": \"trajectories\", \"sheaf_n_steps\": %llu, \"sheaf_interval\": %llu, \"sheaf_keep_last\": 0, "
             "\"sheaf_summaries\": \"%s\"}",
             (unsigned long long)j->n_steps, (unsigned long long)j->interval, j->summaries ? "insurance" : "none");
    return sheaf_schema_set_attributes(schema, attributes, err);
}

static sheaf_status create(job *j, sheaf_error *err)
{
    sheaf_schema *schema;
    SHF_TRY(sheaf_schema_create(&schema, err));
    sheaf_status status = fill_schema(j, schema, err);
    if (status == SHEAF_OK) status = sheaf_store_create(j->in->store, schema, j->in->options, &j->in->plain, err);
    sheaf_schema_free(&schema);
    return status;
}

/* One row: the samples read lie side by side, those of the store n_samples apart. */
static sheaf_status fill_series(const job *j, int64_t id, const shf_storage_one *one, uint8_t *raw, uint8_t *row, sheaf_error *err)
{
    size_t item = sheaf_dtype_size(j->dtype), s = (size_t)samples_of(one, item), n = (size_t)j->n_samples;
    if (s > n)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, j->storage->path, NULL, -1, -1,
                           "simulation %lld has %zu samples, and at most %zu are possible", (long long)id, s, n);
    SHF_TRY(j->storage->read(j->storage->context, id, j->dtype, s, raw, err));
    shf_dtype_fill(j->dtype, row, SHF_STORAGE_N_SERIES * n);
    for (size_t i = 0; i < SHF_STORAGE_N_SERIES; i++) memcpy(row + i * n * item, raw + i * s * item, s * item);
    return SHEAF_OK;
}

static sheaf_status append(const job *j, int64_t id, uint8_t *raw, uint8_t *row, sheaf_error *err)
{
    shf_storage_one one = {0};
    const void *columns[2 + SHF_N_STORAGE + SHF_STORAGE_N_SERIES];
    SHF_TRY(j->storage->look(j->storage->context, id, &one, err));
    int32_t length = (int32_t)length_of(j, &one), ruin_year = -1;
    bool ruin = one.summary[SHF_STORAGE_RUIN] != 0;
    if (one.summary[SHF_STORAGE_RUIN_YEAR] >= 0) ruin_year = (int32_t)one.summary[SHF_STORAGE_RUIN_YEAR];
    size_t n = 0, bytes = (size_t)j->n_samples * sheaf_dtype_size(j->dtype);
    columns[n++] = &id;
    columns[n++] = &length;
    for (int i = 0; j->summaries && i < SHF_N_STORAGE; i++)
        columns[n++] = i == SHF_STORAGE_RUIN        ? (const void *)&ruin
                       : i == SHF_STORAGE_RUIN_YEAR ? (const void *)&ruin_year
                                                    : &one.summary[i];
    if (one.has_series) SHF_TRY(fill_series(j, id, &one, raw, row, err));
    for (size_t i = 0; j->series && i < SHF_STORAGE_N_SERIES; i++) columns[n++] = one.has_series ? row + i * bytes : NULL;
    return sheaf_store_append(j->in->plain, "trajectory", 1, columns, NULL, err);
}

sheaf_status shf_storage_import(shf_storage *storage, shf_importer *in, sheaf_error *err)
{
    job j = {.storage = storage, .in = in, .interval = in->spec->source_interval, .dtype = in->spec->stored};
    j.guesses[0] = (guess){4, 1, UINT64_MAX, true};
    j.guesses[1] = (guess){8, 1, UINT64_MAX, true};
    if (in->spec->resume) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "this import cannot be resumed");
    SHF_TRY(look_at_all(&j, err));
    SHF_TRY(measure(&j, err));
    SHF_TRY(create(&j, err));
    size_t bytes = SHF_STORAGE_N_SERIES * (size_t)j.n_samples * 8 + 1;
    uint8_t *raw = shf_malloc(bytes), *row = shf_malloc(bytes);
    sheaf_status status = raw && row ? SHEAF_OK : shf_fail_memory(err, bytes, "a simulation");
    for (size_t i = 0; i < storage->n_ids && status == SHEAF_OK; i++) {
        status = append(&j, storage->ids[i], raw, row, err);
        in->n_rows++;
    }
    shf_free(raw);
    shf_free(row);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
/* Parquet files of numeric columns, told apart by the columns' names:
 *  wide    "0" … "S-1", one for each scenario: a row is a step (or, as trajectories, a column is one);
 *  long    an id (trajectory, sim_id, id), a time (time, t) and variables: one trajectory after the other, its steps in order;
 *  summary an id and values: one trajectory a row, nothing along time;
 *  other   variables, with a time or without: a row is a step. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "interchange/import.h"
#include "interchange/import_parquet.h"

enum { MOST_ROWS = 65536 };

typedef shf_parquet_import parquet;

/* ---- columns ---- */

/* Many writers call every column optional; what counts is whether a value is absent. */
bool shf_parquet_may_lack(const shf_parquet_import *p, size_t column, const shf_parquet_column *c)
{
    for (size_t g = 0; c->optional && g < shf_parquet_groups(p->file); g++) {
        shf_pq_statistics s;
        if (shf_parquet_statistics(p->file, g, column, &s, NULL) != SHEAF_OK || s.null_count != 0) return true;
    }
    return false;
}

/* Absent values become NaN, so integers that lack some are floats. */
static sheaf_dtype dtype_of(const parquet *p, size_t column, const shf_parquet_column *c)
{
    if (c->type == SHF_PQ_FLOAT) return SHEAF_F32;
    if (c->type > SHF_PQ_INT64 || c->logical == SHF_PQ_DECIMAL || shf_parquet_may_lack(p, column, c)) return SHEAF_F64;
    return c->type == SHF_PQ_BOOLEAN ? SHEAF_BOOL : c->type == SHF_PQ_INT32 ? SHEAF_I32 : SHEAF_I64;
}

static sheaf_status column_of(const parquet *p, size_t i, shf_parquet_column *c, char *name, sheaf_error *err)
{
    SHF_TRY(shf_parquet_column_info(p->file, i, c, err));
    if (c->nested || c->type == SHF_PQ_BYTE_ARRAY || (c->type == SHF_PQ_FIXED && c->logical != SHF_PQ_DECIMAL)) {
        char path[128];
        shf_parquet_column_path(p->file, i, path, sizeof path);
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, NULL, path, -1, -1,
                           "column \"%s\" holds no numbers: only flat numeric columns are imported", path);
    }
    if (c->name_size == 0 || c->name_size > SHEAF_MAX_NAME)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the name of column %zu has %zu bytes; 1 to %d are possible", i, c->name_size,
                        SHEAF_MAX_NAME);
    memcpy(name, c->name, c->name_size);
    name[c->name_size] = '\0';
    return SHEAF_OK;
}

static bool is_id(const char *name)
{
    return strcmp(name, "trajectory") == 0 || strcmp(name, "sim_id") == 0 || strcmp(name, "id") == 0;
}

static sheaf_status read_columns(parquet *p, sheaf_error *err)
{
    p->n_columns = shf_parquet_columns(p->file);
    p->n_rows = shf_parquet_rows(p->file);
    p->id = p->time = SIZE_MAX;
    if (!p->n_columns || !p->n_rows)
        return shf_fail(err, SHEAF_ERR_INPUT, "the file has %zu columns and %llu rows: there is nothing in it", p->n_columns,
                        (unsigned long long)p->n_rows);
    p->values = shf_calloc(p->n_columns, sizeof *p->values);
    p->dtypes = shf_calloc(p->n_columns, sizeof *p->dtypes);
    p->names = shf_calloc(p->n_columns, sizeof *p->names);
    if (!p->values || !p->dtypes || !p->names) return shf_fail_memory(err, p->n_columns * sizeof *p->names, "columns");
    for (size_t i = 0; i < p->n_columns; i++) {
        shf_parquet_column c;
        char *name = p->names[p->n_values];
        SHF_TRY(column_of(p, i, &c, name, err));
        if (p->id == SIZE_MAX && is_id(name)) p->id = i;
        else if (p->time == SIZE_MAX && (strcmp(name, "time") == 0 || strcmp(name, "t") == 0)) p->time = i;
        else {
            p->dtypes[p->n_values] = dtype_of(p, i, &c);
            p->values[p->n_values++] = i;
        }
    }
    if (!p->n_values) return shf_fail(err, SHEAF_ERR_INPUT, "the file has no column of values");
    return SHEAF_OK;
}

/* Columns "0", "1", … in this order. */
static bool is_wide(const parquet *p)
{
    char number[24];
    if (p->id != SIZE_MAX) return false;
    for (size_t i = 0; i < p->n_values; i++) {
        snprintf(number, sizeof number, "%zu", i);
        if (strcmp(p->names[i], number) != 0) return false;
    }
    return true;
}

/* The dtype that holds all values: that of the columns when they share one, else f64. */
static sheaf_dtype common_dtype(const parquet *p)
{
    for (size_t i = 1; i < p->n_values; i++)
        if (p->dtypes[i] != p->dtypes[0]) return SHEAF_F64;
    return p->dtypes[0] == SHEAF_F32 ? SHEAF_F32 : SHEAF_F64;
}

/* ---- values ---- */

/* n rows of a column as dtype, `stride` bytes apart. Integers keep every digit. */
sheaf_status shf_parquet_read_as(const shf_parquet_import *p, size_t column, sheaf_dtype dtype, uint64_t first, size_t n, uint8_t *to,
                                 size_t stride, double *scratch, sheaf_error *err)
{
    size_t size = sheaf_dtype_size(dtype);
    if (dtype == SHEAF_I64) {
        shf_parquet_vector v = {0};
        SHF_TRY(shf_parquet_read(p->file, column, first, n, &v, err));
        bool wide = v.value_size == 8;
        for (size_t r = 0; r < n; r++) {
            int64_t value = wide ? ((const int64_t *)v.values)[r] : ((const int32_t *)v.values)[r];
            memcpy(to + r * stride, &value, size);
        }
        bool absent = v.n_nulls != 0;
        shf_parquet_vector_free(&v);
        return absent ? shf_fail(err, SHEAF_ERR_INPUT, "column %zu lacks a value in rows %llu to %llu", column, (unsigned long long)first,
                                 (unsigned long long)(first + n - 1))
                      : SHEAF_OK;
    }
    SHF_TRY(shf_parquet_read_f64(p->file, column, first, n, scratch, err));
    for (size_t r = 0; r < n; r++) shf_dtype_convert(SHEAF_F64, &scratch[r], dtype, to + r * stride, 1);
    return SHEAF_OK;
}

/* ---- rows that are steps ---- */

static sheaf_status steps(parquet *p, bool wide, sheaf_error *err)
{
    /* More columns than variables are possible become the columns of one variable. */
    bool one = wide || p->n_values > SHEAF_ENSEMBLE_MAX_VARIABLES;
    sheaf_dtype dtype = common_dtype(p);
    const uint64_t shape[] = {p->n_values};
    if (one) SHF_TRY(shf_importer_begin(p->in, dtype, 1, shape, err));
    else SHF_TRY(shf_importer_begin_many(p->in, p->n_values, p->names, p->dtypes, err));
    size_t row = 0, offsets[SHEAF_ENSEMBLE_MAX_VARIABLES];
    for (size_t i = 0; i < p->n_values; i++) {
        if (!one) offsets[i] = row;
        row += one ? sheaf_dtype_size(dtype) : 8;
    }
    /* Each block reads all columns anew, so wide tables want large ones. */
    uint64_t room = p->in->options ? p->in->options->memory_bytes / 4 : (uint64_t)64 << 20;
    size_t block = (size_t)shf_max_u64(1, shf_min_u64(shf_min_u64(MOST_ROWS, room / row), p->n_rows));
    uint8_t *values = shf_malloc(block * row);
    double *scratch = shf_malloc(block * sizeof *scratch), *times = shf_malloc(block * sizeof *times);
    sheaf_status status = values && scratch && times ? SHEAF_OK : shf_fail_memory(err, block * row, "rows");
    for (uint64_t first = 0; first < p->n_rows && status == SHEAF_OK; first += block) {
        size_t n = (size_t)shf_min_u64(block, p->n_rows - first);
        if (p->time != SIZE_MAX) status = shf_parquet_read_f64(p->file, p->time, first, n, times, err);
        for (size_t i = 0; i < p->n_values && status == SHEAF_OK; i++)
            status = shf_parquet_read_as(p, p->values[i], one ? dtype : p->dtypes[i], first, n,
                                         values + (one ? i * sheaf_dtype_size(dtype) : offsets[i]), row, scratch, err);
        for (size_t r = 0; r < n && status == SHEAF_OK; r++)
            status = one ? shf_importer_row(p->in, values + r * row, p->time != SIZE_MAX ? &times[r] : NULL, NULL, err)
                         : shf_importer_many(p->in, values + r * row, offsets, p->time != SIZE_MAX ? &times[r] : NULL, err);
    }
    shf_free(values);
    shf_free(scratch);
    shf_free(times);
    return status;
}

/* ---- columns that are trajectories ---- */

static sheaf_status wide_trajectories(parquet *p, sheaf_error *err)
{
    sheaf_dtype dtype = common_dtype(p);
    const uint64_t shape[] = {p->n_rows};
    SHF_TRY(shf_importer_begin(p->in, dtype, 1, shape, err));
    size_t n = (size_t)p->n_rows;
    double *scratch = shf_malloc(n * sizeof *scratch);
    uint8_t *values = shf_malloc(n * 8);
    sheaf_status status = scratch && values ? SHEAF_OK : shf_fail_memory(err, n * sizeof *scratch, "a trajectory");
    for (size_t i = 0; i < p->n_values && status == SHEAF_OK; i++) {
        status = shf_parquet_read_as(p, p->values[i], dtype, 0, n, values, sheaf_dtype_size(dtype), scratch, err);
        if (status == SHEAF_OK) status = shf_importer_row(p->in, values, NULL, NULL, err);
    }
    shf_free(scratch);
    shf_free(values);
    return status;
}

/* ---- long tables ---- */

typedef struct scan {
    int64_t last_time, interval, most; /* step of the row before; distance of steps (0: not known yet); largest step */
    int64_t id;
    bool any;
} scan;

static sheaf_status scan_row(const parquet *p, scan *s, uint64_t row, int64_t id, double time, sheaf_error *err)
{
    const char *wrong = NULL;
    if (!(time >= 0 && time < INT32_MAX) || time != floor(time)) wrong = "no step number";
    int64_t step = wrong ? 0 : (int64_t)time;
    bool begins = !s->any || id != s->id;
    if (!wrong && begins && step != 0) wrong = "where a trajectory begins, not 0";
    if (!wrong && !begins && s->interval == 0) s->interval = step - s->last_time;
    if (!wrong && !begins && (s->interval < 1 || step - s->last_time != s->interval)) wrong = "not one interval after the step before";
    if (wrong)
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, (int64_t)row, -1, "row %llu, trajectory %lld: time %g is %s",
                           (unsigned long long)row, (long long)id, time, wrong);
    s->any = true;
    s->id = id;
    s->last_time = step;
    s->most = step > s->most ? step : s->most;
    (void)p;
    return SHEAF_OK;
}

/* Both coordinates once over, before anything is stored. */
static sheaf_status scan_all(const parquet *p, scan *s, sheaf_error *err)
{
    int64_t *ids = shf_malloc(MOST_ROWS * sizeof *ids);
    double *times = shf_malloc(MOST_ROWS * sizeof *times);
    sheaf_status status = ids && times ? SHEAF_OK : shf_fail_memory(err, MOST_ROWS * sizeof *ids, "ids");
    for (uint64_t first = 0; first < p->n_rows && status == SHEAF_OK; first += MOST_ROWS) {
        size_t n = (size_t)shf_min_u64(MOST_ROWS, p->n_rows - first);
        status = shf_parquet_read_as(p, p->id, SHEAF_I64, first, n, (uint8_t *)ids, sizeof *ids, NULL, err);
        if (status == SHEAF_OK) status = shf_parquet_read_f64(p->file, p->time, first, n, times, err);
        for (size_t r = 0; r < n && status == SHEAF_OK; r++) status = scan_row(p, s, first + r, ids[r], times[r], err);
    }
    shf_free(ids);
    shf_free(times);
    return status;
}

/* A trajectory as its rows come in, and the block of rows that is read at a time. */
typedef struct gather {
    const parquet *p;
    const scan *s;
    int64_t *ids;
    uint8_t **block, **values; /* of each variable */
    double *scratch;
    int64_t id;
    size_t n; /* rows of the trajectory so far */
} gather;

static sheaf_status put_gathered(gather *g, sheaf_error *err)
{
    if (g->n == 0) return SHEAF_OK;
    uint32_t length = (uint32_t)((int64_t)(g->n - 1) * g->s->interval + 1);
    g->p->in->n_rows += g->n;
    g->n = 0;
    return sheaf_ensemble_put_trajectory(g->p->in->run, g->id, length, (const void *const *)g->values, NULL, err);
}

/* Rows from … to - 1 of the block belong to one trajectory. */
static void add_rows(gather *g, size_t from, size_t to)
{
    for (size_t i = 0; i < g->p->n_values; i++) {
        size_t size = sheaf_dtype_size(g->p->dtypes[i]), step = (size_t)g->s->interval * size;
        for (size_t r = from; r < to; r++) memcpy(g->values[i] + (g->n + r - from) * step, g->block[i] + r * size, size);
    }
    g->n += to - from;
}

static sheaf_status long_rows(gather *g, sheaf_error *err)
{
    const parquet *p = g->p;
    for (uint64_t first = 0; first < p->n_rows; first += MOST_ROWS) {
        size_t n = (size_t)shf_min_u64(MOST_ROWS, p->n_rows - first);
        SHF_TRY(shf_parquet_read_as(p, p->id, SHEAF_I64, first, n, (uint8_t *)g->ids, sizeof *g->ids, NULL, err));
        for (size_t i = 0; i < p->n_values; i++)
            SHF_TRY(
                shf_parquet_read_as(p, p->values[i], p->dtypes[i], first, n, g->block[i], sheaf_dtype_size(p->dtypes[i]), g->scratch, err));
        for (size_t r = 0, end; r < n; r = end) {
            for (end = r + 1; end < n && g->ids[end] == g->ids[r]; end++) {
            }
            if (g->n && g->ids[r] != g->id) SHF_TRY(put_gathered(g, err));
            g->id = g->ids[r];
            add_rows(g, r, end);
        }
    }
    return put_gathered(g, err);
}

static sheaf_status long_table(parquet *p, sheaf_error *err)
{
    scan s = {0};
    SHF_TRY(scan_all(p, &s, err));
    if (s.interval == 0) s.interval = 1;
    if (p->in->spec->interval != 1)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "a long table is imported as it is; sheaf_convert thins the store afterwards");
    SHF_TRY(shf_importer_begin_trajectories(p->in, (uint32_t)s.most + 1, (uint32_t)s.interval, p->n_values, p->names, p->dtypes, err));
    size_t n_steps = (size_t)s.most + 1, n = p->n_values;
    gather g = {.p = p, .s = &s, .ids = shf_malloc(MOST_ROWS * sizeof *g.ids), .scratch = shf_malloc(MOST_ROWS * sizeof *g.scratch)};
    g.block = shf_calloc(n, sizeof *g.block);
    g.values = shf_calloc(n, sizeof *g.values);
    bool bad = !g.ids || !g.scratch || !g.block || !g.values;
    for (size_t i = 0; !bad && i < n; i++) bad = !(g.block[i] = shf_malloc(MOST_ROWS * 8)) || !(g.values[i] = shf_calloc(n_steps, 8));
    sheaf_status status = bad ? shf_fail_memory(err, n_steps * 8, "a trajectory") : long_rows(&g, err);
    for (size_t i = 0; g.block && g.values && i < n; i++) {
        shf_free(g.block[i]);
        shf_free(g.values[i]);
    }
    shf_free(g.ids);
    shf_free(g.scratch);
    shf_free(g.block);
    shf_free(g.values);
    return status;
}

sheaf_status shf_import_parquet(const char *path, shf_importer *in, sheaf_error *err)
{
    parquet p = {.in = in};
    SHF_TRY(shf_parquet_open(path, &p.file, err));
    sheaf_status status = read_columns(&p, err);
    bool wide = status == SHEAF_OK && is_wide(&p);
    if (status == SHEAF_OK && p.id != SIZE_MAX) status = p.time != SIZE_MAX ? long_table(&p, err) : shf_import_parquet_summaries(&p, err);
    else if (status == SHEAF_OK && in->spec->kind == SHEAF_BY_TRAJECTORY)
        status = wide ? wide_trajectories(&p, err)
                      : shf_fail(err, SHEAF_ERR_INPUT,
                                 "trajectories need a column of ids (trajectory, sim_id or id), or columns named 0, 1, 2, …");
    else if (status == SHEAF_OK) status = steps(&p, wide, err);
    if (status != SHEAF_OK) shf_error_locate(err, path, NULL, -1, -1);
    shf_free(p.values);
    shf_free(p.dtypes);
    shf_free(p.names);
    shf_parquet_free(p.file);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
/* From pages to vectors of the column's own type. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/parquet/convert.h"
#include "interchange/parquet_inside.h"

void shf_parquet_vector_free(shf_parquet_vector *vector)
{
    shf_free(vector->values);
    shf_free(vector->offsets);
    shf_free(vector->bytes);
    shf_free(vector->valid);
    *vector = (shf_parquet_vector){0};
}

/* Room for n rows. Where values may be absent, the bytes that say so are kept until the end shows whether any is. */
static sheaf_status prepare(shf_parquet_vector *vector, const shf_parquet_column *info, uint64_t n_rows, sheaf_error *err)
{
    bool int96 = info->type == SHF_PQ_INT96;
    *vector = (shf_parquet_vector){.type = int96 ? SHF_PQ_INT64 : info->type, .n_rows = n_rows};
    vector->value_size = int96 ? 8 : shf_pq_value_size((int32_t)info->type, (int32_t)info->type_length);
    size_t size;
    if (n_rows >= SIZE_MAX / 16 || !shf_mul_size((size_t)n_rows, vector->value_size ? vector->value_size : 8, &size))
        return shf_fail_memory(err, SIZE_MAX, "a column");
    if (info->type == SHF_PQ_BYTE_ARRAY) {
        vector->offsets = shf_malloc(size + 8);
        if (vector->offsets) vector->offsets[0] = 0;
    } else {
        vector->values = shf_malloc_aligned(size + 16);
    }
    if (info->optional) {
        vector->valid = shf_malloc((size_t)n_rows);
        if (vector->valid && n_rows) memset(vector->valid, 1, (size_t)n_rows);
    }
    if ((!vector->values && !vector->offsets) || (info->optional && !vector->valid)) return shf_fail_memory(err, size, "a column");
    return SHEAF_OK;
}

static sheaf_status int96_rows(const shf_parquet_walk *walk, const shf_parquet_page *page, size_t from, size_t to, int64_t *out,
                               sheaf_error *err)
{
    shf_buf *raw = &walk->work->values;
    raw->size = 0;
    SHF_TRY(shf_buf_resize(raw, (to - from) * 12 + 16, err));
    SHF_TRY(shf_parquet_fixed_rows(walk, page, from, to, raw->data, err));
    for (size_t i = 0; i < to - from; i++) out[i] = page->valid && !page->valid[from + i] ? 0 : shf_pq_int96_ns(raw->data + 12 * i);
    return SHEAF_OK;
}

/* row: where in the vector row `from` of the page goes. */
static sheaf_status put_fixed(const shf_parquet_walk *walk, const shf_parquet_page *page, size_t from, size_t to,
                              shf_parquet_vector *vector, uint64_t row, sheaf_error *err)
{
    uint8_t *out = (uint8_t *)vector->values + row * vector->value_size;
    if (walk->info.type == SHF_PQ_INT96) return int96_rows(walk, page, from, to, (int64_t *)vector->values + row, err);
    return shf_parquet_fixed_rows(walk, page, from, to, out, err);
}

static sheaf_status put_bytes(const shf_parquet_walk *walk, const shf_parquet_page *page, size_t from, size_t to,
                              shf_parquet_vector *vector, uint64_t row, shf_pq_bytes *all, sheaf_error *err)
{
    enum { MOST_PER_PAGE = 1 << 30 };
    size_t next = all->n;
    all->limit = all->data.size + MOST_PER_PAGE;
    SHF_TRY(shf_pq_decode_bytes(page->encoding, page->values, page->n_bytes, shf_parquet_slice(page, from, to), walk->dictionary,
                                &walk->work->scratch, all, err));
    for (size_t i = from; i < to; i++, row++) {
        bool there = !page->valid || page->valid[i];
        vector->offsets[row + 1] = there ? all->offsets[++next] : vector->offsets[row];
    }
    return SHEAF_OK;
}

static sheaf_status walk_vector(shf_parquet_walk *walk, shf_parquet_vector *vector, uint64_t row, uint64_t *n_nulls, shf_pq_bytes *all,
                                sheaf_error *err)
{
    for (;;) {
        shf_parquet_page page;
        size_t from, to;
        SHF_TRY(shf_parquet_walk_next(walk, &page, &from, &to, err));
        if (from == to) return SHEAF_OK;
        sheaf_status status = walk->info.type == SHF_PQ_BYTE_ARRAY ? put_bytes(walk, &page, from, to, vector, row, all, err)
                                                                   : put_fixed(walk, &page, from, to, vector, row, err);
        if (status != SHEAF_OK) {
            shf_error_locate(err, NULL, NULL, -1, (int64_t)page.at);
            return status;
        }
        for (size_t i = from; page.valid && i < to; i++) {
            vector->valid[row + i - from] = page.valid[i];
            *n_nulls += !page.valid[i];
        }
        row += to - from;
    }
}

/* Rows [first, end) of the file, within groups [group, group_end). */
typedef struct vector_job {
    shf_parquet *file;
    size_t column, group, group_end;
    uint64_t first, end, base; /* base: the row that is the vector's first */
    shf_parquet_vector *vector;
    uint64_t n_nulls;
    shf_pq_bytes all;
    sheaf_status status;
    sheaf_error err;
} vector_job;

static sheaf_status run_groups(vector_job *job, shf_parquet_work *work, sheaf_error *err)
{
    const int64_t *first_row = job->file->footer.group_first_row;
    for (size_t g = job->group; g < job->group_end; g++) {
        uint64_t begin = (uint64_t)first_row[g], from = shf_max_u64(begin, job->first),
                 to = shf_min_u64((uint64_t)first_row[g + 1], job->end);
        if (from >= to) continue;
        shf_parquet_walk walk;
        sheaf_status status = shf_parquet_walk_begin(&walk, job->file, work, g, job->column, from - begin, to - begin, err);
        if (status == SHEAF_OK) status = walk_vector(&walk, job->vector, from - job->base, &job->n_nulls, &job->all, err);
        shf_parquet_walk_end(&walk);
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

static void run_job(void *argument)
{
    vector_job *job = argument;
    shf_parquet_work *work = shf_parquet_work_take(job->file, &job->err);
    job->status = SHEAF_ERR_MEMORY;
    if (!work) return;
    job->status = shf_parquet_locate(job->file, job->column, -1, run_groups(job, work, &job->err), &job->err);
    shf_parquet_work_give(job->file, work);
}

/* What the jobs of a column gathered goes to its vector. */
static void settle(vector_job *job)
{
    job->vector->n_nulls += job->n_nulls;
    if (job->vector->type != SHF_PQ_BYTE_ARRAY) return;
    job->vector->bytes = job->all.data.data;
    job->all.data = (shf_buf){0};
}

typedef struct job_list {
    vector_job *jobs;
    size_t n;
} job_list;

/* One job per column, or per column and group where values have their place whatever lies before. */
static sheaf_status plan_column(job_list *list, shf_parquet *file, size_t column, uint64_t first, uint64_t n_rows, bool split,
                                shf_parquet_vector *vector, sheaf_error *err)
{
    shf_parquet_column info;
    *vector = (shf_parquet_vector){0};
    SHF_TRY(shf_parquet_check_range(file, column, first, n_rows, err));
    SHF_TRY(shf_parquet_column_info(file, column, &info, err));
    SHF_TRY(shf_parquet_locate(file, column, -1, prepare(vector, &info, n_rows, err), err));
    size_t from = shf_parquet_group_of_row(file, first), to = n_rows ? shf_parquet_group_of_row(file, first + n_rows - 1) + 1 : from;
    size_t step = split && info.type != SHF_PQ_BYTE_ARRAY ? 1 : to - from;
    for (size_t g = from; g < to; g += step)
        list->jobs[list->n++] = (vector_job){.file = file,
                                             .column = column,
                                             .group = g,
                                             .group_end = g + step,
                                             .first = first,
                                             .end = first + n_rows,
                                             .base = first,
                                             .vector = vector};
    return SHEAF_OK;
}

static sheaf_status run_all(job_list *list, shf_pool *pool, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < list->n; i++) {
        if (pool) shf_pool_submit(pool, run_job, &list->jobs[i]);
        else run_job(&list->jobs[i]);
    }
    if (pool) shf_pool_wait(pool);
    for (size_t i = 0; i < list->n; i++) {
        vector_job *job = &list->jobs[i];
        if (job->status == SHEAF_OK) settle(job);
        shf_pq_bytes_free(&job->all);
        if (status != SHEAF_OK || job->status == SHEAF_OK) continue;
        status = job->status;
        if (err) *err = job->err;
    }
    return status;
}

sheaf_status shf_parquet_read_columns(shf_parquet *file, const size_t *columns, size_t n_columns, uint64_t first_row, uint64_t n_rows,
                                      shf_parquet_vector *out, shf_pool *pool, sheaf_error *err)
{
    size_t n_jobs;
    for (size_t i = 0; i < n_columns; i++) out[i] = (shf_parquet_vector){0};
    if (!shf_mul_size(n_columns, file->footer.n_groups + 1, &n_jobs)) return shf_fail_memory(err, SIZE_MAX, "jobs");
    job_list list = {shf_calloc(n_jobs, sizeof *list.jobs), 0};
    if (!list.jobs) return shf_fail_memory(err, n_jobs * sizeof *list.jobs, "jobs");
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < n_columns && status == SHEAF_OK; i++)
        status = plan_column(&list, file, columns[i], first_row, n_rows, pool != NULL, &out[i], err);
    if (status == SHEAF_OK) status = run_all(&list, pool, err);
    shf_free(list.jobs);
    for (size_t i = 0; i < n_columns; i++) {
        if (status != SHEAF_OK) {
            shf_parquet_vector_free(&out[i]);
        } else if (out[i].n_nulls == 0) {
            shf_free(out[i].valid);
            out[i].valid = NULL;
        }
    }
    return status;
}

sheaf_status shf_parquet_read(shf_parquet *file, size_t column, uint64_t first_row, uint64_t n_rows, shf_parquet_vector *out,
                              sheaf_error *err)
{
    return shf_parquet_read_columns(file, &column, 1, first_row, n_rows, out, NULL, err);
}

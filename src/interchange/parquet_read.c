// SPDX-License-Identifier: Apache-2.0
/* From pages to columns of f64. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/parquet/convert.h"
#include "interchange/parquet_inside.h"

/* ---- placing values among absent ones ---- */
/* values[0 .. n_valid) belong to the rows that are valid: spreads them in place, from the last. Absent rows become zeros. */
static void spread(uint8_t *values, size_t size, const uint8_t *valid, size_t n_rows, size_t n_valid)
{
    for (size_t i = n_rows; i-- > 0;) {
        if (!valid[i]) memset(values + i * size, 0, size);
        else if (--n_valid != i) memcpy(values + i * size, values + n_valid * size, size);
    }
}

static size_t count_ones(const uint8_t *bytes, size_t n)
{
    size_t ones = 0;
    for (size_t i = 0; i < n; i++) ones += bytes[i];
    return ones;
}

shf_pq_slice shf_parquet_slice(const shf_parquet_page *page, size_t from, size_t to)
{
    if (!page->valid) return (shf_pq_slice){page->n_rows, from, to - from};
    return (shf_pq_slice){page->n_valid, count_ones(page->valid, from), count_ones(page->valid + from, to - from)};
}

sheaf_status shf_parquet_fixed_rows(const shf_parquet_walk *walk, const shf_parquet_page *page, size_t from, size_t to, uint8_t *out,
                                    sheaf_error *err)
{
    shf_pq_slice slice = shf_parquet_slice(page, from, to);
    SHF_TRY(shf_pq_decode_fixed((int32_t)walk->info.type, walk->value_size, page->encoding, page->values, page->n_bytes, slice,
                                walk->dictionary, &walk->work->scratch, out, err));
    if (page->valid) spread(out, walk->value_size, page->valid + from, to - from, slice.some);
    return SHEAF_OK;
}

/* ---- f64 ---- */
static void mark_absent(const shf_parquet_page *page, size_t from, size_t to, double *out)
{
    if (!page->valid) return;
    for (size_t i = from; i < to; i++)
        if (!page->valid[i]) out[i - from] = NAN;
}

/* Decimals in byte arrays: the only numbers there. */
static sheaf_status bytes_to_f64(const shf_parquet_walk *walk, const shf_parquet_page *page, size_t from, size_t to, double *out,
                                 sheaf_error *err)
{
    shf_pq_bytes values = {.limit = (size_t)1 << 30};
    shf_pq_slice slice = shf_parquet_slice(page, from, to);
    sheaf_status status =
        shf_pq_decode_bytes(page->encoding, page->values, page->n_bytes, slice, walk->dictionary, &walk->work->scratch, &values, err);
    size_t next = 0;
    for (size_t i = from; status == SHEAF_OK && i < to; i++) {
        if (page->valid && !page->valid[i]) continue;
        const uint64_t *offset = values.offsets + next++;
        out[i - from] = shf_pq_decimal_f64(values.data.data + offset[0], (size_t)(offset[1] - offset[0]), walk->info.scale);
    }
    shf_pq_bytes_free(&values);
    return status;
}

static sheaf_status page_to_f64(const shf_parquet_walk *walk, const shf_parquet_page *page, size_t from, size_t to, double *out,
                                sheaf_error *err)
{
    if (walk->info.type == SHF_PQ_BYTE_ARRAY) {
        SHF_TRY(bytes_to_f64(walk, page, from, to, out, err));
    } else if (walk->info.type == SHF_PQ_DOUBLE) {
        SHF_TRY(shf_parquet_fixed_rows(walk, page, from, to, (uint8_t *)out, err));
    } else {
        shf_buf *values = &walk->work->values;
        values->size = 0;
        SHF_TRY(shf_buf_resize(values, (to - from) * walk->value_size + 16, err));
        SHF_TRY(shf_parquet_fixed_rows(walk, page, from, to, values->data, err));
        shf_pq_convert convert = {(int32_t)walk->info.type, walk->value_size, walk->info.logical, walk->info.is_signed, walk->info.scale};
        shf_pq_to_f64(&convert, values->data, to - from, out);
    }
    mark_absent(page, from, to, out);
    return SHEAF_OK;
}

static bool is_number(const shf_parquet_column *info)
{
    if (info->type == SHF_PQ_BYTE_ARRAY) return info->logical == SHF_PQ_DECIMAL;
    if (info->type == SHF_PQ_FIXED) return info->logical == SHF_PQ_DECIMAL || (info->logical == SHF_PQ_FLOAT16 && info->type_length == 2);
    return true;
}

static sheaf_status walk_f64(shf_parquet_walk *walk, double *out, sheaf_error *err)
{
    if (!is_number(&walk->info))
        return shf_fail(err, SHEAF_ERR_MISMATCH, "its type %s holds no numbers", shf_pq_type_name((int32_t)walk->info.type));
    for (;;) {
        shf_parquet_page page;
        size_t from, to;
        SHF_TRY(shf_parquet_walk_next(walk, &page, &from, &to, err));
        if (from == to) return SHEAF_OK;
        sheaf_status status = page_to_f64(walk, &page, from, to, out, err);
        if (status != SHEAF_OK) {
            shf_error_locate(err, NULL, NULL, -1, (int64_t)page.at);
            return status;
        }
        out += to - from;
    }
}

sheaf_status shf_parquet_check_range(const shf_parquet *file, size_t column, uint64_t first_row, uint64_t n_rows, sheaf_error *err)
{
    uint64_t all = shf_parquet_rows(file);
    if (column >= file->footer.n_columns)
        return shf_fail_at(err, SHEAF_ERR_RANGE, file->io.path, NULL, -1, -1, "%s: column %zu of %zu", file->io.path, column,
                           file->footer.n_columns);
    if (first_row <= all && n_rows <= all - first_row) return SHEAF_OK;
    sheaf_status status = shf_fail_at(err, SHEAF_ERR_RANGE, file->io.path, NULL, (int64_t)all, -1, "rows %llu to %llu of %llu",
                                      (unsigned long long)first_row, (unsigned long long)(first_row + n_rows), (unsigned long long)all);
    return shf_parquet_locate(file, column, -1, status, err);
}

size_t shf_parquet_group_of_row(const shf_parquet *file, uint64_t row)
{
    size_t low = 0, high = file->footer.n_groups;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((uint64_t)file->footer.group_first_row[middle] <= row) low = middle;
        else high = middle;
    }
    return low;
}

sheaf_status shf_parquet_read_f64(shf_parquet *file, size_t column, uint64_t first_row, uint64_t n_rows, double *out, sheaf_error *err)
{
    SHF_TRY(shf_parquet_check_range(file, column, first_row, n_rows, err));
    shf_parquet_work *work = shf_parquet_work_take(file, err);
    if (!work) return SHEAF_ERR_MEMORY;
    sheaf_status status = SHEAF_OK;
    uint64_t end = first_row + n_rows;
    for (size_t g = shf_parquet_group_of_row(file, first_row); status == SHEAF_OK && first_row < end; g++) {
        uint64_t begin = (uint64_t)file->footer.group_first_row[g], stop = shf_min_u64(end, (uint64_t)file->footer.group_first_row[g + 1]);
        if (stop <= first_row) continue;
        shf_parquet_walk walk;
        status = shf_parquet_walk_begin(&walk, file, work, g, column, first_row - begin, stop - begin, err);
        if (status == SHEAF_OK) status = walk_f64(&walk, out, err);
        shf_parquet_walk_end(&walk);
        out += stop - first_row;
        first_row = stop;
    }
    shf_parquet_work_give(file, work);
    return shf_parquet_locate(file, column, -1, status, err);
}

typedef struct f64_job {
    shf_parquet *file;
    size_t column;
    uint64_t first_row, n_rows;
    double *out;
    sheaf_status status;
    sheaf_error err;
} f64_job;

static void run_f64_job(void *argument)
{
    f64_job *job = argument;
    job->status = shf_parquet_read_f64(job->file, job->column, job->first_row, job->n_rows, job->out, &job->err);
}

sheaf_status shf_parquet_read_f64_columns(shf_parquet *file, const size_t *columns, size_t n_columns, uint64_t first_row, uint64_t n_rows,
                                          double *out, shf_pool *pool, sheaf_error *err)
{
    if (!pool || n_columns < 2) {
        for (size_t i = 0; i < n_columns; i++) SHF_TRY(shf_parquet_read_f64(file, columns[i], first_row, n_rows, out + i * n_rows, err));
        return SHEAF_OK;
    }
    f64_job *jobs = shf_malloc(n_columns * sizeof *jobs);
    if (!jobs) return shf_fail_memory(err, n_columns * sizeof *jobs, "jobs");
    for (size_t i = 0; i < n_columns; i++) {
        jobs[i] = (f64_job){.file = file, .column = columns[i], .first_row = first_row, .n_rows = n_rows, .out = out + i * n_rows};
        shf_pool_submit(pool, run_f64_job, &jobs[i]);
    }
    shf_pool_wait(pool);
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < n_columns && status == SHEAF_OK; i++) {
        status = jobs[i].status;
        if (status != SHEAF_OK && err) *err = jobs[i].err;
    }
    shf_free(jobs);
    return status;
}

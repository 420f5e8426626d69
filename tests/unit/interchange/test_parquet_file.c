// SPDX-License-Identifier: Apache-2.0
/* Reader and writer on small files, and what they refuse. Equality with other tools is tested in tests/interop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "common.h"
#include "interchange/parquet_file.h"
#include "interchange/parquet_writer.h"
#include "io/file.h"

enum { N = 1000 };

static char path[128];

static int make_path(void **state)
{
    int failed = make_folder(state);
    snprintf(path, sizeof path, "%s", at("a.parquet"));
    return failed;
}

static double value_of(size_t column, size_t row)
{
    return (double)column * 1e6 + sin((double)row) * 100;
}

static sheaf_status write_wide(const char *to, size_t n_columns, size_t n_rows, const shf_parquet_write_options *options, sheaf_error *err)
{
    shf_pq_field fields[64];
    char names[64][8];
    double *values = malloc(n_rows * sizeof *values + 1);
    for (size_t c = 0; c < n_columns; c++) {
        snprintf(names[c], sizeof names[c], "%u", (unsigned)c % 1000);
        fields[c] = SHF_PARQUET_F64(names[c]);
    }
    shf_parquet_writer *writer;
    sheaf_status status = shf_parquet_writer_create(to, fields, n_columns, options, &writer, err);
    if (status == SHEAF_OK) status = shf_parquet_writer_begin_group(writer, n_rows, err);
    for (size_t c = 0; status == SHEAF_OK && c < n_columns; c++) {
        for (size_t i = 0; i < n_rows; i++) values[i] = value_of(c, i);
        shf_parquet_values column = {.values = values};
        status = shf_parquet_writer_column(writer, &column, err);
    }
    if (status == SHEAF_OK) status = shf_parquet_writer_end_group(writer, err);
    if (status == SHEAF_OK) status = shf_parquet_writer_close(&writer, err);
    shf_parquet_writer_free(writer);
    free(values);
    return status;
}

/* Rows that come at once: whole groups, then a large rest as a group of its own; what comes later is gathered. */
static void appended_rows_become_groups(void **state)
{
    (void)state;
    enum { FIRST = (128 << 10) * 5 / 2, LATER = 300, WHOLE = 128 << 10 };
    sheaf_error err;
    shf_pq_field field = SHF_PARQUET_I32("a");
    int32_t *values = malloc((FIRST + LATER) * sizeof *values);
    assert_non_null(values);
    for (int32_t i = 0; i < FIRST + LATER; i++) values[i] = i * 7 % 1000003;
    for (uint64_t whole = WHOLE; whole <= 2 * WHOLE; whole += WHOLE) {
        shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
        options.rows_per_group = whole;
        shf_parquet_writer *writer;
        shf_parquet *file;
        shf_parquet_values first = {.values = values}, later = {.values = values + FIRST};
        assert_int_equal(shf_parquet_writer_create(path, &field, 1, &options, &writer, &err), SHEAF_OK);
        assert_int_equal(shf_parquet_writer_append(writer, FIRST, &first, &err), SHEAF_OK);
        assert_int_equal(shf_parquet_writer_append(writer, LATER, &later, &err), SHEAF_OK);
        assert_int_equal(shf_parquet_writer_close(&writer, &err), SHEAF_OK);
        assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
        /* 2.5 groups: half of 128 Ki rows is too small for a group; 1.25 groups: so is the rest of 64 Ki. */
        size_t n_groups = shf_parquet_groups(file);
        assert_int_equal(n_groups, whole == WHOLE ? 3 : 2);
        assert_int_equal(shf_parquet_group_rows(file, n_groups - 1), (64 << 10) + LATER);
        size_t column = 0;
        shf_parquet_vector got = {0};
        assert_int_equal(shf_parquet_read_columns(file, &column, 1, 0, FIRST + LATER, &got, NULL, &err), SHEAF_OK);
        assert_memory_equal(got.values, values, (FIRST + LATER) * sizeof *values);
        shf_parquet_vector_free(&got);
        shf_parquet_free(file);
    }
    free(values);
}

/* A rest of more than half a group is one by itself; rows gathered before are filled up first. */
static void a_large_rest_is_a_group(void **state)
{
    (void)state;
    enum { WHOLE = 256 << 10, FIRST = WHOLE + (160 << 10), LATER = 10 };
    sheaf_error err;
    shf_pq_field field = SHF_PARQUET_I32("a");
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.rows_per_group = WHOLE;
    int32_t *values = calloc(FIRST, sizeof *values);
    assert_non_null(values);
    shf_parquet_values column = {.values = values};
    shf_parquet_writer *writer;
    shf_parquet *file;
    assert_int_equal(shf_parquet_writer_create(path, &field, 1, &options, &writer, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_append(writer, FIRST, &column, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_append(writer, LATER, &column, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_append(writer, FIRST, &column, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_close(&writer, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    const uint64_t rows[] = {WHOLE, 160 << 10, WHOLE, (160 << 10) + LATER};
    assert_int_equal(shf_parquet_groups(file), 4);
    for (size_t i = 0; i < 4; i++) assert_int_equal(shf_parquet_group_rows(file, i), rows[i]);
    shf_parquet_free(file);
    free(values);
}

static void rows_of_columns_read_back_in_any_part(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet *file;
    assert_int_equal(write_wide(path, 20, N, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_rows(file), N);
    assert_int_equal(shf_parquet_columns(file), 20);
    size_t columns[] = {19, 0, 7, 7};
    for (size_t first = 0; first <= N; first += 111)
        for (size_t n = 0; first + n <= N; n += 97) {
            double *out = malloc(4 * n * sizeof *out + 1);
            assert_int_equal(shf_parquet_read_f64_columns(file, columns, 4, first, n, out, NULL, &err), SHEAF_OK);
            for (size_t k = 0; k < 4; k++)
                for (size_t i = 0; i < n; i++) assert_true(out[k * n + i] == value_of(columns[k], first + i));
            free(out);
        }
    shf_parquet_free(file);
}

static void a_part_reads_few_bytes(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet *file;
    double out[168];
    assert_int_equal(write_wide(path, 3, 8760, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    uint64_t before = shf_parquet_bytes_read(file);
    assert_int_equal(shf_parquet_read_f64(file, 1, 4000, 168, out, &err), SHEAF_OK);
    assert_in_range(shf_parquet_bytes_read(file) - before, 1000, 10000);
    for (size_t i = 0; i < 168; i++) assert_true(out[i] == value_of(1, 4000 + i));
    shf_parquet_free(file);
}

static void names_are_found_and_unknown_ones_named(void **state)
{
    (void)state;
    static const char *const names[] = {"a.b", "1", "0", "", "ä \"q\"", "a"};
    shf_pq_field fields[6];
    shf_parquet_values values[6];
    double one = 1;
    for (size_t c = 0; c < 6; c++) fields[c] = SHF_PARQUET_F64(names[c]), values[c] = (shf_parquet_values){.values = &one};
    sheaf_error err;
    shf_parquet_writer *writer;
    shf_parquet *file;
    size_t column;
    assert_int_equal(shf_parquet_writer_create(path, fields, 6, NULL, &writer, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_group(writer, 1, values, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_close(&writer, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    for (size_t c = 0; c < 6; c++) {
        assert_int_equal(shf_parquet_find(file, names[c], &column, &err), SHEAF_OK);
        assert_int_equal(column, c);
    }
    assert_int_equal(shf_parquet_find(file, "a.c", &column, &err), SHEAF_ERR_NOT_FOUND);
    assert_string_equal(err.array, "a.c");
    assert_non_null(strstr(err.message, "\"a.c\""));
    shf_parquet_free(file);
}

static void rows_and_columns_beyond_the_end_are_errors(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet *file;
    shf_parquet_column info;
    shf_parquet_vector vector;
    double out[8];
    assert_int_equal(write_wide(path, 2, 10, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_read_f64(file, 0, 5, 6, out, &err), SHEAF_ERR_RANGE);
    assert_non_null(strstr(err.message, "10"));
    assert_int_equal(shf_parquet_read_f64(file, 0, UINT64_MAX, 2, out, &err), SHEAF_ERR_RANGE);
    assert_int_equal(shf_parquet_read_f64(file, 2, 0, 1, out, &err), SHEAF_ERR_RANGE);
    assert_int_equal(shf_parquet_read(file, 2, 0, 1, &vector, &err), SHEAF_ERR_RANGE);
    assert_int_equal(shf_parquet_column_info(file, 2, &info, &err), SHEAF_ERR_RANGE);
    assert_int_equal(shf_parquet_read_f64(file, 1, 10, 0, out, &err), SHEAF_OK);
    shf_parquet_free(file);
}

static void expect_refused(const void *bytes, size_t n, sheaf_status code, const char *part)
{
    sheaf_error err;
    shf_parquet *file;
    assert_int_equal(shf_path_replace(path, bytes, n, false, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), code);
    assert_null(file);
    assert_non_null(strstr(err.message, part));
    assert_non_null(strstr(err.path, "a.parquet"));
}

static void what_is_no_parquet_file_is_refused_in_words(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet *file;
    expect_refused("", 0, SHEAF_ERR_INPUT, "0 bytes");
    expect_refused("PAR1", 4, SHEAF_ERR_INPUT, "too small");
    expect_refused("1.0 2.0 3.0 4.0\n", 16, SHEAF_ERR_INPUT, "not a Parquet file");
    expect_refused("PAR1 and then it was cut off", 28, SHEAF_ERR_DAMAGED, "cut off");
    expect_refused("PAR1....\xFF\0\0\0PAR1", 16, SHEAF_ERR_DAMAGED, "255 bytes");
    expect_refused("PAR1....\4\0\0\0PAR1", 16, SHEAF_ERR_DAMAGED, "footer");
    expect_refused("PARE....\4\0\0\0PARE", 16, SHEAF_ERR_UNSUPPORTED, "encrypted");
    unlink(path);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_ERR_NOT_FOUND);
    assert_int_equal(shf_parquet_open(folder, &file, &err) != SHEAF_OK, 1);
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    sheaf_error err;
    shf_buf bytes = {0};
    shf_parquet *file;
    assert_int_equal(write_wide(path, 2, 40, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_path_read(path, 1 << 20, &bytes, &err), SHEAF_OK);
    for (size_t n = 0; n < bytes.size; n++) {
        assert_int_equal(shf_path_replace(path, bytes.data, n, false, &err), SHEAF_OK);
        assert_int_not_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
        assert_null(file);
    }
    shf_buf_free(&bytes);
}

static void an_error_names_column_and_offset(void **state)
{
    (void)state;
    sheaf_error err;
    shf_buf bytes = {0};
    shf_parquet *file;
    double out[40];
    assert_int_equal(write_wide(path, 2, 40, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_path_read(path, 1 << 20, &bytes, &err), SHEAF_OK);
    bytes.data[100] ^= 1; /* within the first column's only page */
    assert_int_equal(shf_path_replace(path, bytes.data, bytes.size, false, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_read_f64(file, 1, 0, 40, out, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_read_f64(file, 0, 0, 40, out, &err), SHEAF_ERR_DAMAGED);
    assert_string_equal(err.array, "0");
    assert_int_equal(err.byte, 4);
    assert_non_null(strstr(err.message, "column \"0\" at byte 4"));
    assert_non_null(strstr(err.message, "checksum"));
    shf_parquet_free(file);
    shf_buf_free(&bytes);
}

typedef struct reader {
    shf_parquet *file;
    size_t salt;
    bool wrong;
} reader;

static void *read_at_random(void *argument)
{
    reader *r = argument;
    double out[300];
    for (size_t i = 0; i < 300; i++) {
        size_t column = (r->salt * 31 + i * 7) % 20, first = (r->salt * 77 + i * 13) % 700, n = 1 + (i * r->salt) % 300, found;
        char name[8];
        sheaf_error err;
        snprintf(name, sizeof name, "%u", (unsigned)column);
        if (shf_parquet_find(r->file, name, &found, &err) || shf_parquet_read_f64(r->file, found, first, n, out, &err)) r->wrong = true;
        for (size_t k = 0; k < n; k++)
            if (out[k] != value_of(column, first + k)) r->wrong = true;
    }
    return NULL;
}

static void a_handle_is_shared_by_threads(void **state)
{
    (void)state;
    sheaf_error err;
    reader readers[4] = {{0}};
    pthread_t threads[4];
    shf_parquet *file;
    assert_int_equal(write_wide(path, 20, N, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    for (size_t t = 0; t < 4; t++) {
        readers[t] = (reader){file, t + 1, false};
        assert_int_equal(pthread_create(&threads[t], NULL, read_at_random, &readers[t]), 0);
    }
    for (size_t t = 0; t < 4; t++) pthread_join(threads[t], NULL);
    for (size_t t = 0; t < 4; t++) assert_false(readers[t].wrong);
    shf_parquet_free(file);
}

static void a_pool_reads_the_same(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet *file;
    shf_pool *pool;
    size_t columns[20];
    static double alone[20 * N], together[20 * N];
    for (size_t c = 0; c < 20; c++) columns[c] = 19 - c;
    assert_int_equal(shf_pool_create(2, 8, &pool, &err), SHEAF_OK);
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.pool = pool;
    assert_int_equal(write_wide(path, 20, N, &options, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_read_f64_columns(file, columns, 20, 0, N, alone, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_read_f64_columns(file, columns, 20, 0, N, together, pool, &err), SHEAF_OK);
    assert_memory_equal(alone, together, sizeof alone);
    shf_parquet_vector vectors[20];
    assert_int_equal(shf_parquet_read_columns(file, columns, 20, 0, N, vectors, pool, &err), SHEAF_OK);
    for (size_t c = 0; c < 20; c++) {
        assert_memory_equal(vectors[c].values, alone + c * N, N * sizeof(double));
        shf_parquet_vector_free(&vectors[c]);
    }
    columns[3] = 99;
    assert_int_equal(shf_parquet_read_f64_columns(file, columns, 20, 0, N, together, pool, &err), SHEAF_ERR_RANGE);
    shf_parquet_free(file);
    shf_pool_free(pool);
}

static void calls_out_of_order_are_errors(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet_writer *writer;
    shf_pq_field fields[] = {SHF_PARQUET_F64("x"), SHF_PARQUET_F64("y")};
    double one = 1;
    uint8_t valid = 1;
    shf_parquet_values column = {.values = &one}, maybe = {.values = &one, .valid = &valid}, none = {.values = NULL};
    assert_int_equal(shf_parquet_writer_create(path, fields, 2, NULL, &writer, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_column(writer, &column, &err), SHEAF_ERR_STATE);
    assert_int_equal(shf_parquet_writer_end_group(writer, &err), SHEAF_ERR_STATE);
    assert_int_equal(shf_parquet_writer_begin_group(writer, 1, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_begin_group(writer, 1, &err), SHEAF_ERR_STATE);
    assert_int_equal(shf_parquet_writer_column(writer, &maybe, &err), SHEAF_ERR_ARGUMENT);
    assert_string_equal(err.array, "x");
    assert_int_equal(shf_parquet_writer_column(writer, &none, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(shf_parquet_writer_column(writer, &column, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_end_group(writer, &err), SHEAF_ERR_STATE);
    assert_int_equal(shf_parquet_writer_close(&writer, &err), SHEAF_ERR_STATE);
    assert_null(writer);
    shf_pq_field bad = {.name = "z", .type = SHF_PQ_INT96};
    assert_int_equal(shf_parquet_writer_create(path, &bad, 1, NULL, &writer, &err), SHEAF_ERR_ARGUMENT);
    assert_null(writer);
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.codec = SHF_PQ_BROTLI;
    assert_int_equal(shf_parquet_writer_create(path, fields, 2, &options, &writer, &err), SHEAF_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "brotli"));
}

static sheaf_status count_entry(void *context, const char *name, sheaf_error *err)
{
    (void)name;
    (void)err;
    ++*(int *)context;
    return SHEAF_OK;
}

static void a_dropped_writer_leaves_nothing_and_the_old_file_stays(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet_writer *writer;
    shf_pq_field field = SHF_PARQUET_F64("x");
    int before = 0, after = 0;
    assert_int_equal(shf_path_replace(path, "old", 3, false, &err), SHEAF_OK);
    assert_int_equal(shf_path_list(folder, count_entry, &before, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_create(path, &field, 1, NULL, &writer, &err), SHEAF_OK);
    shf_parquet_writer_free(writer);
    assert_int_equal(shf_path_list(folder, count_entry, &after, &err), SHEAF_OK);
    assert_int_equal(before, after);
    shf_buf old = {0};
    assert_int_equal(shf_path_read(path, 100, &old, &err), SHEAF_OK);
    assert_memory_equal(old.data, "old", 3);
    shf_buf_free(&old);
}

static int calls_left;
static int fail_later(void *context, const shf_io_call *call)
{
    if (call->op == SHF_IO_CLOSE || call->op == SHF_IO_UNLINK) return 0;
    if (--calls_left > 0) return 0;
    *(int *)context = 1;
    return call->op == SHF_IO_WRITE ? ENOSPC : EIO;
}

static void every_failed_system_call_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    sheaf_error err;
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.sync = true;
    unlink(path);
    for (int n = 1;; n++) {
        int failed = 0, entries = 0;
        calls_left = n;
        shf_io_set_hook(fail_later, &failed);
        sheaf_status status = write_wide(path, 8, 8760, &options, &err);
        shf_io_set_hook(NULL, NULL);
        assert_int_equal(status != SHEAF_OK, failed);
        if (!failed) break;
        assert_true(err.message[0] != '\0');
        assert_int_equal(shf_path_list(folder, count_entry, &entries, &err), SHEAF_OK);
        assert_in_range(entries, 0, 1); /* the file itself, when only the folder's sync failed */
        assert_in_range(n, 1, 100);
    }
}

static void every_failed_allocation_is_an_error(void **state)
{
    (void)state;
    sheaf_error err;
    for (uint64_t n = 1;; n += 1 + n / 20) {
        shf_parquet *file = NULL;
        double out[64];
        size_t column;
        shf_parquet_vector vector = {0};
        shf_alloc_fail_at(n, 0);
        sheaf_status status = write_wide(path, 2, 600, NULL, &err);
        if (status == SHEAF_OK) status = shf_parquet_open(path, &file, &err);
        if (status == SHEAF_OK) status = shf_parquet_find(file, "1", &column, &err);
        if (status == SHEAF_OK) status = shf_parquet_read_f64(file, 1, 30, 64, out, &err);
        if (status == SHEAF_OK) status = shf_parquet_read(file, 0, 0, 600, &vector, &err);
        uint64_t asked = shf_alloc_count();
        shf_alloc_fail_at(0, 0);
        shf_parquet_vector_free(&vector);
        shf_parquet_free(file);
        if (status != SHEAF_OK) assert_int_equal(status, SHEAF_ERR_MEMORY);
        if (asked < n) {
            assert_int_equal(status, SHEAF_OK);
            break;
        }
    }
}

static void statistics_and_metadata_are_there(void **state)
{
    (void)state;
    sheaf_error err;
    static const char *const metadata[] = {"key", "value"};
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.metadata = metadata;
    options.n_metadata = 1;
    shf_parquet *file;
    shf_pq_statistics statistics;
    size_t size;
    assert_int_equal(write_wide(path, 2, 10, &options, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_statistics(file, 0, 1, &statistics, &err), SHEAF_OK);
    double min, max, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < 10; i++) low = fmin(low, value_of(1, i)), high = fmax(high, value_of(1, i));
    assert_true(statistics.min_size == 8 && statistics.max_size == 8 && statistics.null_count == 0);
    memcpy(&min, statistics.min, 8);
    memcpy(&max, statistics.max, 8);
    assert_true(min == low && max == high);
    assert_int_equal(shf_parquet_statistics(file, 1, 0, &statistics, &err), SHEAF_ERR_RANGE);
    const char *value = shf_parquet_metadata(file, "key", &size);
    assert_non_null(value);
    assert_int_equal(size, 5);
    assert_memory_equal(value, "value", 5);
    assert_null(shf_parquet_metadata(file, "other", &size));
    shf_parquet_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_rows_become_groups),
        cmocka_unit_test(a_large_rest_is_a_group),
        cmocka_unit_test(rows_of_columns_read_back_in_any_part),
        cmocka_unit_test(a_part_reads_few_bytes),
        cmocka_unit_test(names_are_found_and_unknown_ones_named),
        cmocka_unit_test(rows_and_columns_beyond_the_end_are_errors),
        cmocka_unit_test(what_is_no_parquet_file_is_refused_in_words),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(an_error_names_column_and_offset),
        cmocka_unit_test(a_handle_is_shared_by_threads),
        cmocka_unit_test(a_pool_reads_the_same),
        cmocka_unit_test(calls_out_of_order_are_errors),
        cmocka_unit_test(a_dropped_writer_leaves_nothing_and_the_old_file_stays),
        cmocka_unit_test(every_failed_system_call_is_an_error_and_leaves_nothing),
        cmocka_unit_test(every_failed_allocation_is_an_error),
        cmocka_unit_test(statistics_and_metadata_are_there),
    };
    return cmocka_run_group_tests(tests, make_path, remove_folder);
}

// SPDX-License-Identifier: Apache-2.0
/* What the Python tests drive.
 *   dump FILE [FIRST N]      each column: a line of JSON, then its raw bytes (valid, values, offsets, bytes) as far as the line says
 *   f64 FILE FIRST N NAME... columns as raw f64
 *   write FILE CODEC LEVEL ROWS_PER_PAGE ROWS_PER_GROUP THREADS BATCH
 *                            a table from standard input: "COLUMNS ROWS", then each column as a line "NAME_IN_HEX TYPE LENGTH OPTIONAL
 *                            LOGICAL UNIT UTC BITS SIGNED SCALE PRECISION HAS_VALID BYTES" and its raw bytes as above. BATCH: 0 one
 *                            group, -1 column after column, else rows per call of append
 * An error is a line of JSON on standard error and exit status 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interchange/parquet_file.h"
#include "interchange/parquet_writer.h"

static int fail(const sheaf_error *err)
{
    fprintf(stderr, "{\"code\": \"%s\", \"byte\": %lld, \"column\": \"%s\", \"message\": \"", sheaf_status_name(err->code),
            (long long)err->byte, err->array);
    for (const char *p = err->message; *p; p++)
        if (*p == '"' || *p == '\\') fprintf(stderr, "\\%c", *p);
        else if ((unsigned char)*p >= 32) fputc(*p, stderr);
    fprintf(stderr, "\"}\n");
    return 1;
}

static void put_name(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++) printf("%02x", (unsigned char)name[i]);
}

static void put_vector(const shf_parquet_column *info, const shf_parquet_vector *v)
{
    size_t n = (size_t)v->n_rows, n_bytes = v->offsets ? (size_t)v->offsets[n] : 0;
    printf("{\"name\": \"");
    put_name(info->name, info->name_size);
    printf(
        "\", \"type\": \"%s\", \"size\": %zu, \"logical\": %d, \"unit\": %d, \"bits\": %d, \"signed\": %d, \"scale\": %d, \"rows\": %zu, "
        "\"nulls\": %zu, \"valid\": %d, \"bytes\": %zu, \"optional\": %d}\n",
        shf_pq_type_name((int32_t)v->type), v->value_size, (int)info->logical, (int)info->unit, info->bits, info->is_signed, info->scale, n,
        (size_t)v->n_nulls, v->valid != NULL, n_bytes, info->optional);
    if (v->valid) fwrite(v->valid, 1, n, stdout);
    if (v->values) fwrite(v->values, v->value_size, n, stdout);
    if (v->offsets) fwrite(v->offsets, 8, n + 1, stdout);
    if (n_bytes) fwrite(v->bytes, 1, n_bytes, stdout);
}

static int dump(shf_parquet *file, uint64_t first, uint64_t n, sheaf_error *err)
{
    for (size_t c = 0; c < shf_parquet_columns(file); c++) {
        shf_parquet_column info;
        shf_parquet_vector vector;
        if (shf_parquet_column_info(file, c, &info, err)) return fail(err);
        if (shf_parquet_read(file, c, first, n, &vector, err)) return fail(err);
        put_vector(&info, &vector);
        shf_parquet_vector_free(&vector);
    }
    return 0;
}

static int f64(shf_parquet *file, uint64_t first, uint64_t n, int n_names, char **names, sheaf_error *err)
{
    double *out = malloc((size_t)n * sizeof *out + 1);
    for (int i = 0; out && i < n_names; i++) {
        size_t column;
        if (shf_parquet_find(file, names[i], &column, err) || shf_parquet_read_f64(file, column, first, n, out, err)) {
            free(out);
            return fail(err);
        }
        fwrite(out, sizeof *out, (size_t)n, stdout);
    }
    free(out);
    return 0;
}

typedef struct table {
    size_t n_columns, n_rows;
    shf_pq_field *fields;
    shf_parquet_values *values;
} table;

static void *read_raw(size_t n)
{
    void *bytes = malloc(n ? n : 1);
    if (!bytes || fread(bytes, 1, n, stdin) != n) exit(2);
    return bytes;
}

static void read_column(shf_pq_field *field, shf_parquet_values *values, size_t n_rows)
{
    char hex[512], *name = calloc(256, 1);
    int type, length, optional, logical, unit, utc, bits, is_signed, scale, precision, has_valid;
    size_t n_bytes;
    if (scanf("%511s %d %d %d %d %d %d %d %d %d %d %d %zu", hex, &type, &length, &optional, &logical, &unit, &utc, &bits, &is_signed,
              &scale, &precision, &has_valid, &n_bytes) != 13 ||
        getchar() != '\n')
        exit(2);
    for (size_t i = 0; hex[0] != '-' && hex[2 * i]; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) exit(2);
        name[i] = (char)byte;
    }
    *field =
        (shf_pq_field){name, type, length, optional, (shf_pq_logical)logical, (shf_pq_unit)unit, utc, is_signed, bits, scale, precision};
    if (has_valid) values->valid = read_raw(n_rows);
    if (type == SHF_PQ_BYTE_ARRAY) values->offsets = read_raw((n_rows + 1) * 8);
    values->values = read_raw(type == SHF_PQ_BYTE_ARRAY ? n_bytes : n_rows * shf_pq_value_size(type, length));
}

static int append_batches(shf_parquet_writer *writer, const table *t, size_t batch, sheaf_error *err)
{
    for (size_t row = 0; row < t->n_rows; row += batch) {
        size_t n = t->n_rows - row < batch ? t->n_rows - row : batch;
        shf_parquet_values part[256];
        for (size_t c = 0; c < t->n_columns; c++) {
            part[c] = t->values[c];
            if (part[c].offsets) part[c].offsets += row;
            else part[c].values = (const char *)part[c].values + row * shf_pq_value_size(t->fields[c].type, t->fields[c].type_length);
            if (part[c].valid) part[c].valid += row;
        }
        if (shf_parquet_writer_append(writer, n, part, err)) return 1;
    }
    return 0;
}

static int put_table(shf_parquet_writer *writer, const table *t, long batch, sheaf_error *err)
{
    if (batch == 0) return shf_parquet_writer_group(writer, t->n_rows, t->values, err) != SHEAF_OK;
    if (batch > 0) return append_batches(writer, t, (size_t)batch, err);
    if (shf_parquet_writer_begin_group(writer, t->n_rows, err)) return 1;
    for (size_t c = 0; c < t->n_columns; c++)
        if (shf_parquet_writer_column(writer, &t->values[c], err)) return 1;
    return shf_parquet_writer_end_group(writer, err) != SHEAF_OK;
}

static void free_table(table *t)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        free((char *)(uintptr_t)t->fields[c].name);
        free((void *)(uintptr_t)t->values[c].values);
        free((void *)(uintptr_t)t->values[c].offsets);
        free((void *)(uintptr_t)t->values[c].valid);
    }
    free(t->fields);
    free(t->values);
}

static int write_table(char **argv, sheaf_error *err)
{
    table t;
    if (scanf("%zu %zu", &t.n_columns, &t.n_rows) != 2 || getchar() != '\n' || t.n_columns > 256) return 2;
    t.fields = calloc(t.n_columns + 1, sizeof *t.fields);
    t.values = calloc(t.n_columns + 1, sizeof *t.values);
    for (size_t c = 0; c < t.n_columns; c++) read_column(&t.fields[c], &t.values[c], t.n_rows);
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    static const char *const metadata[] = {"made by", "tool_parquet"};
    options.codec = (shf_pq_compression)atoi(argv[1]);
    options.level = atoi(argv[2]);
    options.rows_per_page = (uint32_t)atoi(argv[3]);
    options.rows_per_group = strtoull(argv[4], NULL, 10);
    options.metadata = metadata;
    options.n_metadata = 1;
    shf_parquet_writer *writer;
    if (atoi(argv[5]) && shf_pool_create((unsigned)atoi(argv[5]), 16, &options.pool, err)) return fail(err);
    int failed = shf_parquet_writer_create(argv[0], t.fields, t.n_columns, &options, &writer, err) != SHEAF_OK;
    if (!failed) failed = put_table(writer, &t, atol(argv[6]), err);
    if (!failed) failed = shf_parquet_writer_close(&writer, err) != SHEAF_OK;
    if (failed) (void)fail(err);
    shf_parquet_writer_free(writer);
    shf_pool_free(options.pool);
    free_table(&t);
    return failed;
}

int main(int argc, char **argv)
{
    sheaf_error err;
    shf_parquet *file;
    if (argc < 3) return 2;
    if (strcmp(argv[1], "write") == 0) return argc == 9 ? write_table(argv + 2, &err) : 2;
    if (shf_parquet_open(argv[2], &file, &err)) return fail(&err);
    uint64_t first = argc > 4 ? strtoull(argv[3], NULL, 10) : 0, n = argc > 4 ? strtoull(argv[4], NULL, 10) : shf_parquet_rows(file);
    int status = 2;
    if (strcmp(argv[1], "dump") == 0) status = dump(file, first, n, &err);
    if (strcmp(argv[1], "f64") == 0 && argc > 5) status = f64(file, first, n, argc - 5, argv + 5, &err);
    shf_parquet_free(file);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
/* What the Python tests drive.
 *   dump FILE [FIRST N]      each column: a line of JSON, then its raw bytes (valid, values, offsets, bytes) as far as the line says
 *   f64 FILE FIRST N NAME... columns as raw f64
 * An error is a line of JSON on standard error and exit status 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interchange/parquet_file.h"

static int fail(const sheaf_error *err)
{
    fprintf(stderr, "{\"code\": \"%s\", \"byte\": %lld, \"column\": \"%s\", \"message\": \"", sheaf_status_name(err->code), (long long)err->byte,
            err->array);
    for (const char *p = err->message; *p; p++)
        if (*p == '"' || *p == '\\')
            fprintf(stderr, "\\%c", *p);
        else if ((unsigned char)*p >= 32)
            fputc(*p, stderr);
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
    printf("\", \"type\": \"%s\", \"size\": %zu, \"logical\": %d, \"unit\": %d, \"bits\": %d, \"signed\": %d, \"scale\": %d, \"rows\": %zu, "
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

int main(int argc, char **argv)
{
    sheaf_error err;
    shf_parquet *file;
    if (argc < 3) return 2;
    if (shf_parquet_open(argv[2], &file, &err)) return fail(&err);
    uint64_t first = argc > 4 ? strtoull(argv[3], NULL, 10) : 0, n = argc > 4 ? strtoull(argv[4], NULL, 10) : shf_parquet_rows(file);
    int status = 2;
    if (strcmp(argv[1], "dump") == 0) status = dump(file, first, n, &err);
    if (strcmp(argv[1], "f64") == 0 && argc > 5) status = f64(file, first, n, argc - 5, argv + 5, &err);
    shf_parquet_free(file);
    return status;
}

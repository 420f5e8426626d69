// SPDX-License-Identifier: Apache-2.0
/* Parquet at work, one job a run, told as one line of JSON; bench_parquet.py calls it.
 *   wide-write FILE COLUMNS ROWS THREADS     random walks, column after column
 *   wide-open FILE RUNS                      open, find and read 10 columns, close: each run anew
 *   wide-blocks FILE RUNS                    10 columns in blocks of 168 rows over an open handle; and all rows each time
 *   wide-read FILE THREADS                   all columns
 *   long-write FILE ROWS THREADS             a summary table: i64, 8 f64, bool
 *   long-read FILE THREADS                   all of it, in its own types */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "interchange/parquet_file.h"
#include "interchange/parquet_writer.h"
#include "measure.h"

enum { N_SOME = 10, BLOCK_ROWS = 168 };

static void die(const sheaf_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

/* The most memory that this program has had (not ru_maxrss: that counts what the calling process had before it became this one). */
static long peak_mib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    if (f) fclose(f);
    return kib / 1024;
}

static double cpu_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The clock of the job at hand, and what it tells at the end. */
static double begun, cpu_begun;

static void start_clock(void)
{
    begun = measure_now_s();
    cpu_begun = cpu_now_s();
}

static void tell(void)
{
    double seconds = measure_now_s() - begun, cpu = cpu_now_s() - cpu_begun;
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"peak_mib\": %ld}\n", seconds, cpu, peak_mib());
}

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static double uniform(uint64_t seed)
{
    return (double)(mix(seed) >> 11) * 0x1p-53;
}

static void walk(uint64_t column, size_t n, double *out)
{
    double value = 100;
    for (size_t i = 0; i < n; i++) {
        value += uniform(column * 1000003 + i) - 0.5;
        out[i] = value;
    }
}

static shf_pool *pool_of(const char *threads)
{
    sheaf_error err;
    shf_pool *pool = NULL;
    if (atoi(threads) > 0 && shf_pool_create((unsigned)atoi(threads), 64, &pool, &err)) die(&err);
    return pool;
}

static void wide_write(char **argv)
{
    sheaf_error err;
    size_t n_columns = strtoull(argv[1], NULL, 10), n_rows = strtoull(argv[2], NULL, 10);
    enum { DIFFERENT = 64 }; /* walks made before the clock runs */
    double *walks = malloc(DIFFERENT * n_rows * sizeof *walks);
    shf_pq_field *fields = calloc(n_columns, sizeof *fields);
    char(*names)[12] = calloc(n_columns, sizeof *names);
    if (!walks || !fields || !names) exit(1);
    for (size_t c = 0; c < DIFFERENT; c++) walk(c, n_rows, walks + c * n_rows);
    for (size_t c = 0; c < n_columns; c++) {
        snprintf(names[c], sizeof *names, "%u", (unsigned)c);
        fields[c] = SHF_PARQUET_F64(names[c]);
    }
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.pool = pool_of(argv[3]);
    shf_parquet_writer *writer;
    start_clock();
    if (shf_parquet_writer_create(argv[0], fields, n_columns, &options, &writer, &err)) die(&err);
    if (shf_parquet_writer_begin_group(writer, n_rows, &err)) die(&err);
    for (size_t c = 0; c < n_columns; c++) {
        double *values = walks + c % DIFFERENT * n_rows;
        for (size_t i = 0; i < n_rows; i++) values[i] += 1; /* so that no two columns are the same */
        shf_parquet_values column = {.values = values};
        if (shf_parquet_writer_column(writer, &column, &err)) die(&err);
    }
    if (shf_parquet_writer_end_group(writer, &err) || shf_parquet_writer_close(&writer, &err)) die(&err);
    tell();
    shf_pool_free(options.pool);
    free(walks);
    free(fields);
    free(names);
}

/* Ten columns spread over the file, by name. */
static void some_columns(shf_parquet *file, size_t *columns)
{
    sheaf_error err;
    for (size_t k = 0; k < N_SOME; k++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", (k * 7919 + 13) % shf_parquet_columns(file));
        if (shf_parquet_find(file, name, &columns[k], &err)) die(&err);
    }
}

static void wide_open(char **argv)
{
    sheaf_error err;
    size_t runs = strtoull(argv[1], NULL, 10), columns[N_SOME];
    double times[1000], opens[1000], sum = 0;
    start_clock();
    for (size_t r = 0; r < runs && r < 1000; r++) {
        shf_parquet *file;
        double from = measure_now_s();
        if (shf_parquet_open(argv[0], &file, &err)) die(&err);
        opens[r] = measure_now_s() - from;
        some_columns(file, columns);
        size_t n = (size_t)shf_parquet_rows(file);
        double *out = malloc(N_SOME * n * sizeof *out);
        if (!out || shf_parquet_read_f64_columns(file, columns, N_SOME, 0, n, out, NULL, &err)) die(&err);
        sum += out[n - 1];
        free(out);
        shf_parquet_free(file);
        times[r] = measure_now_s() - from;
    }
    double open_s = measure_median(opens, runs);
    printf("{\"seconds\": %.6f, \"open_seconds\": %.6f, \"cpu_seconds\": %.6f, \"sum\": %.6f}\n", measure_median(times, runs), open_s,
           (cpu_now_s() - cpu_begun) / (double)runs, sum);
}

static double blocks(shf_parquet *file, const size_t *columns, bool all, double *out)
{
    sheaf_error err;
    size_t n = (size_t)shf_parquet_rows(file);
    double from = measure_now_s();
    for (size_t row = 0; row < n; row += BLOCK_ROWS) {
        size_t some = n - row < BLOCK_ROWS ? n - row : BLOCK_ROWS;
        if (shf_parquet_read_f64_columns(file, columns, N_SOME, all ? 0 : row, all ? n : some, out, NULL, &err)) die(&err);
    }
    return measure_now_s() - from;
}

static void wide_blocks(char **argv)
{
    sheaf_error err;
    size_t runs = strtoull(argv[1], NULL, 10), columns[N_SOME];
    double pruned[1000], whole[1000];
    shf_parquet *file;
    if (shf_parquet_open(argv[0], &file, &err)) die(&err);
    some_columns(file, columns);
    double *out = malloc(N_SOME * (size_t)shf_parquet_rows(file) * sizeof *out);
    uint64_t before = shf_parquet_bytes_read(file), first = 0;
    for (size_t r = 0; r < runs && r < 1000; r++) {
        pruned[r] = blocks(file, columns, false, out);
        if (r == 0) first = shf_parquet_bytes_read(file) - before;
        whole[r] = blocks(file, columns, true, out);
    }
    printf("{\"seconds\": %.6f, \"whole_seconds\": %.6f, \"bytes_read\": %llu}\n", measure_median(pruned, runs),
           measure_median(whole, runs), (unsigned long long)first);
    free(out);
    shf_parquet_free(file);
}

/* Columns in pieces of at most 64 MiB. */
static void wide_read(char **argv)
{
    sheaf_error err;
    shf_parquet *file;
    shf_pool *pool = pool_of(argv[1]);
    start_clock();
    if (shf_parquet_open(argv[0], &file, &err)) die(&err);
    size_t n = (size_t)shf_parquet_rows(file), n_columns = shf_parquet_columns(file), per = (64u << 20) / (n * 8) + 1;
    double *out = malloc(per * n * sizeof *out);
    size_t *columns = malloc(per * sizeof *columns);
    if (!out || !columns) exit(1);
    for (size_t c = 0; c < n_columns; c += per) {
        size_t some = n_columns - c < per ? n_columns - c : per;
        for (size_t k = 0; k < some; k++) columns[k] = c + k;
        if (shf_parquet_read_f64_columns(file, columns, some, 0, n, out, pool, &err)) die(&err);
    }
    tell();
    free(out);
    free(columns);
    shf_parquet_free(file);
    shf_pool_free(pool);
}

enum { N_SUMMARY = 10 };

static void long_write(char **argv)
{
    sheaf_error err;
    size_t n = strtoull(argv[1], NULL, 10);
    static const char *const names[] = {"trajectory", "mean", "std", "min", "max", "q05", "q50", "q95", "final", "ruined"};
    shf_pq_field fields[N_SUMMARY] = {SHF_PARQUET_I64(names[0])};
    shf_parquet_values columns[N_SUMMARY];
    int64_t *ids = malloc(n * sizeof *ids);
    uint8_t *flags = malloc(n);
    if (!ids || !flags) exit(1);
    for (size_t i = 0; i < n; i++) ids[i] = (int64_t)i, flags[i] = mix(i) % 50 == 0;
    columns[0] = (shf_parquet_values){.values = ids};
    for (size_t c = 1; c < 9; c++) {
        double *values = malloc(n * sizeof *values);
        if (!values) exit(1);
        for (size_t i = 0; i < n; i++) values[i] = 100 * (double)c * (1 + uniform(c * n + i));
        fields[c] = SHF_PARQUET_F64(names[c]);
        columns[c] = (shf_parquet_values){.values = values};
    }
    fields[9] = SHF_PARQUET_BOOL(names[9]);
    columns[9] = (shf_parquet_values){.values = flags};
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.pool = pool_of(argv[2]);
    shf_parquet_writer *writer;
    start_clock();
    if (shf_parquet_writer_create(argv[0], fields, N_SUMMARY, &options, &writer, &err)) die(&err);
    if (shf_parquet_writer_append(writer, n, columns, &err) || shf_parquet_writer_close(&writer, &err)) die(&err);
    tell();
    shf_pool_free(options.pool);
    for (size_t c = 0; c < N_SUMMARY; c++) free((void *)(uintptr_t)columns[c].values);
}

/* Three times in one process, as the others are measured, too: memory that a machine never gave out before costs more than the reading. */
static void long_read(char **argv)
{
    enum { RUNS = 3 };
    sheaf_error err;
    shf_pool *pool = pool_of(argv[1]);
    shf_parquet_vector vectors[N_SUMMARY];
    size_t columns[N_SUMMARY];
    double times[RUNS], cpu[RUNS];
    for (size_t c = 0; c < N_SUMMARY; c++) columns[c] = c;
    for (size_t r = 0; r < RUNS; r++) {
        shf_parquet *file;
        start_clock();
        if (shf_parquet_open(argv[0], &file, &err)) die(&err);
        if (shf_parquet_read_columns(file, columns, N_SUMMARY, 0, shf_parquet_rows(file), vectors, pool, &err)) die(&err);
        times[r] = measure_now_s() - begun;
        cpu[r] = cpu_now_s() - cpu_begun;
        for (size_t c = 0; c < N_SUMMARY; c++) shf_parquet_vector_free(&vectors[c]);
        shf_parquet_free(file);
    }
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", measure_median(times, RUNS), measure_median(cpu, RUNS));
    shf_pool_free(pool);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int argc;
        void (*run)(char **);
    } jobs[] = {{"wide-write", 6, wide_write}, {"wide-open", 4, wide_open},   {"wide-blocks", 4, wide_blocks},
                {"wide-read", 4, wide_read},   {"long-write", 5, long_write}, {"long-read", 4, long_read}};
    for (size_t i = 0; argc > 2 && i < sizeof jobs / sizeof *jobs; i++) {
        if (strcmp(argv[1], jobs[i].name) != 0 || argc != jobs[i].argc) continue;
        jobs[i].run(argv + 2);
        return 0;
    }
    return 2;
}

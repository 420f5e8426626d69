// SPDX-License-Identifier: Apache-2.0
/* Measures series through the public API: tool_series WHAT FOLDER NAME ROUNDS
 *   text    load all of a text series; the same numbers by strtod   → seconds, processor seconds of both, a line a round
 *   get     10 scenarios × all steps, and weeks of one scenario, materialized          → million values a second of both
 *   blocks  10 scenarios, week by week, lazily; the same by loading their columns whole for each week
 *           → seconds of both, bytes read for the weeks, bytes of the file
 *   load    10 columns on a fresh handle                                              → seconds
 *   write   makes FOLDER/NAME.parquet of ROUNDS random walks over 8,760 hours, one group of rows, with our writer
 *   plan-STRATEGY-EXECUTOR   a year in weeks, ROUNDS scenarios, a sum over each week; STRATEGY none, upfront or worker, EXECUTOR calling,
 *           threads or processes (2 of them) → seconds, peak memory above the beginning in KiB (of this process, of the largest
 *           worker process), checksum */
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "interchange/parquet_writer.h"
#include "io/file.h"
#include "measure.h"
#include "sheaf/plan.h"

enum { WEEK = 168, YEAR = 8760, N_ASKED = 10 };

static sheaf_error g_err;

static int fail(void)
{
    fprintf(stderr, "tool_series: %s\n", g_err.message);
    return 1;
}

static int64_t *count_up(int64_t n)
{
    int64_t *numbers = malloc((size_t)n * sizeof *numbers);
    for (int64_t i = 0; numbers && i < n; i++) numbers[i] = i;
    return numbers;
}

static double load_s(const char *folder, const char *name, const int64_t *columns, size_t n, double *sum)
{
    sheaf_series *series = NULL, *loaded = NULL;
    const int64_t last[] = {0};
    double value, begun = measure_now_s();
    if (sheaf_series_open(folder, name, SHEAF_SERIES_TIME_SCENARIO, &series, &g_err) ||
        sheaf_series_load(series, columns, n, &loaded, &g_err))
        return -1;
    double took = measure_now_s() - begun;
    if (sheaf_series_get(loaded, last, 1, columns ? columns : last, 1, &value, &g_err)) return -1;
    *sum += value;
    sheaf_series_free(&series);
    sheaf_series_free(&loaded);
    return took;
}

static double strtod_s(const char *folder, const char *name, double *sum)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    shf_buf text = {0};
    double begun = measure_now_s();
    if (shf_path_read(path, (size_t)1 << 30, &text, &g_err) || shf_buf_append(&text, "", 1, &g_err)) return -1;
    for (char *at = (char *)text.data, *end;; at = end) {
        *sum += strtod(at, &end);
        if (end == at) break;
    }
    double took = measure_now_s() - begun;
    shf_buf_free(&text);
    return took;
}

/* Processor seconds of all threads, those that have ended too. */
static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int run_text(const char *folder, const char *name, int rounds)
{
    double sum = 0;
    for (int round = 0; round < rounds; round++) {
        double before = processor_s(), ours = load_s(folder, name, NULL, 0, &sum), processor = processor_s() - before;
        before = processor_s();
        double theirs = strtod_s(folder, name, &sum);
        if (ours < 0 || theirs < 0) return fail();
        printf("%.9f %.9f %.9f %.9f\n", ours, theirs, processor, processor_s() - before);
    }
    return sum == -1; /* so that it is computed */
}

static int run_load(const char *folder, const char *name, int rounds)
{
    const int64_t columns[N_ASKED] = {7, 3, 99, 41, 12, 58, 77, 23, 90, 64};
    double sum = 0;
    for (int round = 0; round < rounds; round++) {
        double ours = load_s(folder, name, columns, N_ASKED, &sum);
        if (ours < 0) return fail();
        printf("%.9f\n", ours);
    }
    return 0;
}

static int run_get(const char *folder, const char *name, int rounds)
{
    sheaf_series *series = NULL, *loaded = NULL;
    int64_t n_times, n_scenarios, columns[N_ASKED];
    if (sheaf_series_open(folder, name, SHEAF_SERIES_TIME_SCENARIO, &series, &g_err) ||
        sheaf_series_load(series, NULL, 0, &loaded, &g_err) || sheaf_series_shape(loaded, &n_times, &n_scenarios, &g_err))
        return fail();
    int64_t *times = count_up(n_times);
    double *out = malloc((size_t)n_times * N_ASKED * sizeof *out);
    if (!times || !out) return 1;
    for (int64_t j = 0; j < N_ASKED; j++) columns[j] = n_scenarios - 1 - j;
    for (int round = 0; round < rounds; round++) {
        double begun = measure_now_s();
        for (int k = 0; k < 20; k++)
            if (sheaf_series_get(loaded, times, (size_t)n_times, columns, N_ASKED, out, &g_err)) return fail();
        double whole = measure_now_s() - begun;
        int64_t n_weeks = n_times / WEEK;
        begun = measure_now_s();
        for (int64_t k = 0; k < 100 * n_weeks; k++)
            if (sheaf_series_get(loaded, times + k % n_weeks * WEEK, WEEK, columns + k % N_ASKED, 1, out, &g_err)) return fail();
        double weeks = measure_now_s() - begun;
        printf("%.6g %.6g\n", 20e-6 * (double)n_times * N_ASKED / whole, 100e-6 * (double)(n_weeks * WEEK) / weeks);
    }
    free(times);
    free(out);
    sheaf_series_free(&series);
    sheaf_series_free(&loaded);
    return 0;
}

static int count_bytes(void *context, const shf_io_call *call)
{
    if (call->op == SHF_IO_READ) *(uint64_t *)context += call->size;
    return 0;
}

/* Weeks of ten scenarios: lazily from one handle, or (whole) by loading their columns for each week. */
static double weeks_s(const char *folder, const char *name, int64_t n_times, const int64_t *times, const int64_t *columns, double *out,
                      bool whole)
{
    sheaf_series *series = NULL, *loaded = NULL;
    double begun = measure_now_s();
    if (sheaf_series_open(folder, name, SHEAF_SERIES_TIME_SCENARIO, &series, &g_err)) return -1;
    for (int64_t first = 0; first + WEEK <= n_times; first += WEEK) {
        if (whole && sheaf_series_load(series, columns, N_ASKED, &loaded, &g_err)) return -1;
        if (sheaf_series_get(whole ? loaded : series, times + first, WEEK, columns, N_ASKED, out + first * N_ASKED, &g_err)) return -1;
        sheaf_series_free(&loaded);
    }
    sheaf_series_free(&series);
    return measure_now_s() - begun;
}

static int run_blocks(const char *folder, const char *name, int rounds)
{
    sheaf_series *series = NULL;
    int64_t n_times, n_scenarios, columns[N_ASKED];
    if (sheaf_series_open(folder, name, SHEAF_SERIES_TIME_SCENARIO, &series, &g_err) ||
        sheaf_series_shape(series, &n_times, &n_scenarios, &g_err))
        return fail();
    sheaf_series_free(&series);
    int64_t *times = count_up(n_times);
    size_t n_values = (size_t)n_times * N_ASKED;
    double *lazy = calloc(n_values, sizeof *lazy), *whole = calloc(n_values, sizeof *whole);
    if (!times || !lazy || !whole) return 1;
    for (int64_t j = 0; j < N_ASKED; j++) columns[j] = (n_scenarios / N_ASKED) * j + j % 3;
    for (int round = 0; round < rounds; round++) {
        double by_rows = weeks_s(folder, name, n_times, times, columns, lazy, false);
        double by_columns = weeks_s(folder, name, n_times, times, columns, whole, true);
        if (by_rows < 0 || by_columns < 0) return fail();
        if (memcmp(lazy, whole, n_values * sizeof *lazy) != 0) return 1;
        printf("%.9f %.9f\n", by_rows, by_columns);
    }
    uint64_t bytes = 0;
    shf_io_set_hook(count_bytes, &bytes);
    double took = weeks_s(folder, name, n_times, times, columns, lazy, false);
    shf_io_set_hook(NULL, NULL);
    printf("%llu\n", (unsigned long long)bytes);
    free(times);
    free(lazy);
    free(whole);
    return took < 0;
}

/* ---- a file of ours ---- */

static int run_write(const char *folder, const char *name, int n_columns)
{
    char path[4096], (*names)[16] = calloc((size_t)n_columns, sizeof *names);
    shf_pq_field *fields = calloc((size_t)n_columns, sizeof *fields);
    double *walk = calloc(YEAR, sizeof *walk);
    shf_parquet_writer *writer = NULL;
    snprintf(path, sizeof path, "%s/%s.parquet", folder, name);
    if (!names || !fields || !walk) return 1;
    for (int j = 0; j < n_columns; j++) {
        snprintf(names[j], sizeof names[j], "%d", j);
        fields[j] = SHF_PARQUET_F64(names[j]);
    }
    if (shf_parquet_writer_create(path, fields, (size_t)n_columns, NULL, &writer, &g_err) ||
        shf_parquet_writer_begin_group(writer, YEAR, &g_err))
        return fail();
    uint64_t random = 1;
    for (int j = 0; j < n_columns; j++) {
        for (int i = 0; i < YEAR; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            walk[i] = (i ? walk[i - 1] : 50) + ((double)(random >> 11) * 0x1p-53 - 0.5);
        }
        if (shf_parquet_writer_column(writer, &(shf_parquet_values){.values = walk}, &g_err)) return fail();
    }
    if (shf_parquet_writer_end_group(writer, &g_err) || shf_parquet_writer_close(&writer, &g_err)) return fail();
    free(names);
    free(fields);
    free(walk);
    return 0;
}

/* ---- plans ---- */

static sheaf_status sum_of_week(void *context, const sheaf_database *data, const sheaf_block *block, void *carry, sheaf_output *result,
                                sheaf_error *err)
{
    int64_t times[WEEK];
    double values[WEEK], sum = 0;
    (void)context;
    (void)carry;
    for (int64_t i = 0; i < block->n_steps; i++) times[i] = block->first_step + i;
    sheaf_status status = sheaf_database_get(data, "c", "p", times, (size_t)block->n_steps, &block->scenario, 1, values, err);
    for (int64_t i = 0; status == SHEAF_OK && i < block->n_steps; i++) sum += values[i];
    return status == SHEAF_OK ? sheaf_output_append(result, &sum, sizeof sum, err) : status;
}

/* Of this process, since it began: what getrusage says includes the program that started it. */
static long peak_kib(void)
{
    char line[128];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    if (f) fclose(f);
    return kib;
}

static long worker_peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_maxrss;
}

static double sum_up(const sheaf_outcomes *outcomes, int64_t n_scenarios, int64_t n_blocks)
{
    double sum = 0;
    for (int64_t s = 0; s < n_scenarios; s++)
        for (int64_t b = 0; b < n_blocks; b++) {
            const void *bytes;
            size_t size;
            double week = 0;
            if (sheaf_outcomes_get(outcomes, (size_t)s, b, &bytes, &size, &g_err) == SHEAF_OK) memcpy(&week, bytes, sizeof week);
            sum += week;
        }
    return sum;
}

static sheaf_status make_executor(const char *name, const sheaf_work *work, sheaf_executor **executor)
{
    if (strcmp(name, "processes") == 0) return sheaf_executor_processes(2, work, executor, &g_err);
    if (strcmp(name, "threads") == 0) return sheaf_executor_threads(2, work, executor, &g_err);
    return sheaf_executor_calling(work, executor, &g_err);
}

static int run_plan(const char *what, const char *folder, const char *name, int n_scenarios)
{
    char strategy[16], executor_name[16];
    if (sscanf(what, "plan-%15[a-z]-%15[a-z]", strategy, executor_name) != 2) return 2;
    sheaf_model model = {.size_bytes = sizeof model, .block = sum_of_week};
    sheaf_work work = sheaf_model_work(&model);
    sheaf_executor *executor = NULL;
    sheaf_series *series = NULL;
    sheaf_database *data = NULL;
    sheaf_outcomes *outcomes = NULL;
    if (make_executor(executor_name, &work, &executor)) return fail();
    if (sheaf_series_open(folder, name, SHEAF_SERIES_TIME_SCENARIO, &series, &g_err) || sheaf_database_create(NULL, &data, &g_err) ||
        sheaf_database_put(data, "c", "p", series, NULL, &g_err))
        return fail();
    int64_t *scenarios = count_up(n_scenarios);
    sheaf_plan plan = sheaf_plan_init(YEAR, WEEK, scenarios, (size_t)n_scenarios);
    plan.materialization = strcmp(strategy, "none") == 0      ? SHEAF_MATERIALIZE_NONE
                           : strcmp(strategy, "upfront") == 0 ? SHEAF_MATERIALIZE_UPFRONT
                                                              : SHEAF_MATERIALIZE_PER_WORKER;
    long before = peak_kib();
    double begun = measure_now_s();
    if (sheaf_plan_run(&plan, data, executor, &outcomes, &g_err)) return fail();
    double took = measure_now_s() - begun, sum = sum_up(outcomes, n_scenarios, sheaf_plan_n_blocks(&plan));
    long above = peak_kib() - before;
    sheaf_outcomes_free(&outcomes);
    sheaf_executor_free(&executor);
    long worker = worker_peak_kib();
    printf("%.9f %ld %ld %.17g\n", took, above, worker > 0 ? worker - before : 0, sum);
    sheaf_series_free(&series);
    sheaf_database_free(&data);
    free(scenarios);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    int rounds = atoi(argv[4]);
    if (strcmp(argv[1], "text") == 0) return run_text(argv[2], argv[3], rounds);
    if (strcmp(argv[1], "get") == 0) return run_get(argv[2], argv[3], rounds);
    if (strcmp(argv[1], "blocks") == 0) return run_blocks(argv[2], argv[3], rounds);
    if (strcmp(argv[1], "write") == 0) return run_write(argv[2], argv[3], rounds);
    if (strncmp(argv[1], "plan-", 5) == 0) return run_plan(argv[1], argv[2], argv[3], rounds);
    if (strcmp(argv[1], "load") == 0) return run_load(argv[2], argv[3], rounds);
    return 2;
}

// SPDX-License-Identifier: Apache-2.0
/* Measures series through the public API: tool_series WHAT FOLDER NAME ROUNDS
 *   text    load all of a text series; the same numbers by strtod                      → seconds of both, one line a round
 *   get     10 scenarios × all steps, and weeks of one scenario, materialized          → million values a second of both
 *   blocks  10 scenarios, week by week, lazily; the same by loading their columns whole for each week
 *           → seconds of both, bytes read for the weeks, bytes of the file
 *   load    10 columns on a fresh handle                                              → seconds */
#include <stdint.h>
#include <string.h>

#include "io/file.h"
#include "measure.h"
#include "sheaf/series.h"

enum { WEEK = 168, N_ASKED = 10 };

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

static int run_text(const char *folder, const char *name, int rounds)
{
    double sum = 0;
    for (int round = 0; round < rounds; round++) {
        double ours = load_s(folder, name, NULL, 0, &sum), theirs = strtod_s(folder, name, &sum);
        if (ours < 0 || theirs < 0) return fail();
        printf("%.9f %.9f\n", ours, theirs);
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

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    int rounds = atoi(argv[4]);
    if (strcmp(argv[1], "text") == 0) return run_text(argv[2], argv[3], rounds);
    if (strcmp(argv[1], "get") == 0) return run_get(argv[2], argv[3], rounds);
    if (strcmp(argv[1], "blocks") == 0) return run_blocks(argv[2], argv[3], rounds);
    if (strcmp(argv[1], "load") == 0) return run_load(argv[2], argv[3], rounds);
    return 2;
}

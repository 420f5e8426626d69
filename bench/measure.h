// SPDX-License-Identifier: Apache-2.0
/* What benchmarks in C share: time, medians, and the row that bench/run reads. */
#ifndef SHEAF_BENCH_MEASURE_H
#define SHEAF_BENCH_MEASURE_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double measure_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int measure_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double measure_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, measure_by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Peak of the resident memory, in KiB: of this program alone, unlike getrusage, which keeps what the process was before exec. */
static inline long measure_peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    if (status) fclose(status);
    return kib;
}

/* One row without a comparison. work has no characters that JSON escapes. */
static inline void measure_row(const char *work, double value, const char *unit)
{
    printf("{\"work\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", work, value, unit);
}

#endif

// SPDX-License-Identifier: Apache-2.0
/* One measured run of the trajectory benchmark: tool_trajectories PATH N STEPS THREADS
 * N insurance trajectories of STEPS years, three f64 variables each, stored as f32 every 10th year with their summaries. Prints seconds
 * from create to close, processor seconds, peak KiB above what the process had before. */
#include <string.h>
#include <sys/resource.h>

#include "measure.h"
#include "sheaf/ensemble.h"

/* Input made beforehand and used again and again: more than a chunk or a cache holds. */
enum { INPUT_BYTES = 64 << 20 };

static double processor_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Lognormal-like losses, made beforehand: their making is not timed. */
static double *make_values(size_t n)
{
    double *values = malloc(n * sizeof *values);
    unsigned long long h = 88172645463325252u;
    for (size_t i = 0; values && i < n; i++) {
        h ^= h << 13;
        h ^= h >> 7;
        h ^= h << 17;
        double u = (double)(h >> 11) * 0x1p-53;
        values[i] = 1e5 / (0.02 + u) + u * 1e4;
    }
    return values;
}

static int run(const char *path, unsigned long long n, unsigned steps, unsigned threads, const double *values, size_t variants,
               sheaf_error *err)
{
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(steps);
    sheaf_store_options options = sheaf_store_options_init();
    sheaf_ensemble *ensemble = NULL;
    static const char *const names[] = {"annual_losses", "insurance_recoveries", "retained_losses"};
    options.n_threads = threads;
    spec.interval = 10;
    spec.summaries = SHEAF_SUMMARIES_INSURANCE;
    for (int v = 0; v < 3; v++) {
        sheaf_ensemble_spec_add(&spec, names[v], SHEAF_F64, NULL, 0);
        sheaf_ensemble_spec_store_as(&spec, SHEAF_F32);
    }
    if (sheaf_ensemble_create(path, &spec, &options, &ensemble, err)) return 1;
    for (unsigned long long id = 0; id < n; id++) {
        const double *from = values + id % variants * 3 * steps;
        const void *columns[] = {from, from + steps, from + 2 * steps};
        sheaf_outcome outcome = {.initial_assets = 1e7, .final_assets = 1e7 + values[id % variants * 3 * steps] * 20};
        if (sheaf_ensemble_put_trajectory(ensemble, (int64_t)id, steps, columns, &outcome, err)) return 1;
    }
    return sheaf_ensemble_close(&ensemble, err) != SHEAF_OK;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    sheaf_error err = {0};
    unsigned steps = (unsigned)strtoul(argv[3], NULL, 10);
    size_t variants = INPUT_BYTES / ((size_t)3 * steps * sizeof(double));
    double *values = make_values(variants * 3 * steps);
    if (!values) return 1;
    long before = measure_peak_kib();
    double begun = measure_now_s(), used = processor_s();
    if (run(argv[1], strtoull(argv[2], NULL, 10), steps, (unsigned)strtoul(argv[4], NULL, 10), values, variants, &err)) {
        fprintf(stderr, "tool_trajectories: %s\n", err.message);
        return 1;
    }
    printf("%.6f %.6f %ld\n", measure_now_s() - begun, processor_s() - used, measure_peak_kib() - before);
    free(values);
    return 0;
}

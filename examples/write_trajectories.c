// SPDX-License-Identifier: Apache-2.0
/* Stores whole trajectories as they are finished, from several threads: write_trajectories STORE [N]
 * Each is a random walk that may end early; its totals are stored with it as one record. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "sheaf/sheaf.h"

enum { STEPS = 50, THREADS = 4 };

typedef struct work {
    sheaf_ensemble *run;
    int64_t first, last;
    sheaf_error err;
} work;

/* A walk that depends on its id alone. */
static uint32_t simulate(int64_t id, double *equity)
{
    uint64_t h = (uint64_t)id * 0x9e3779b97f4a7c15u + 1;
    double x = 100;
    for (uint32_t t = 0; t < STEPS; t++) {
        h ^= h << 13;
        h ^= h >> 7;
        h ^= h << 17;
        x += 10 * ((double)(h >> 11) * 0x1p-53 - 0.49);
        equity[t] = x > 0 ? x : 0;
        if (x <= 0) return t + 1;
    }
    return STEPS;
}

static void *produce(void *context)
{
    work *w = context;
    for (int64_t id = w->first; id < w->last; id++) {
        double equity[STEPS];
        uint32_t n = simulate(id, equity);
        if (sheaf_ensemble_put_trajectory(w->run, id, n, (const void *[]){equity}, NULL, &w->err)) return w;
    }
    return NULL;
}

static int fail(const sheaf_error *err)
{
    fprintf(stderr, "write_trajectories: %s\n", err->message);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    int64_t n = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000;
    sheaf_error err;
    sheaf_ensemble *run = NULL;
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(STEPS);
    sheaf_ensemble_spec_add(&spec, "equity", SHEAF_F64, NULL, 0);
    sheaf_ensemble_spec_store_as(&spec, SHEAF_F32);
    spec.interval = 10; /* every 10th step is stored; the summaries see them all */
    spec.summaries = SHEAF_SUMMARIES_GENERAL;
    if (sheaf_ensemble_create(argv[1], &spec, NULL, &run, &err)) return fail(&err);

    pthread_t threads[THREADS];
    work works[THREADS];
    for (int i = 0; i < THREADS; i++) {
        works[i] = (work){.run = run, .first = n * i / THREADS, .last = n * (i + 1) / THREADS};
        if (pthread_create(&threads[i], NULL, produce, &works[i])) return 1;
    }
    void *failed = NULL;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        if (result) failed = result;
    }
    if (failed) {
        sheaf_ensemble_free(&run);
        return fail(&((work *)failed)->err);
    }
    if (sheaf_ensemble_close(&run, &err)) return fail(&err); /* commits */
    printf("%lld trajectories in %s\n", (long long)n, argv[1]);
    return 0;
}

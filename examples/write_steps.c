// SPDX-License-Identifier: Apache-2.0
/* Stores an ensemble step by step, as an integrator produces it: write_steps STORE [STEPS]
 * 1,000 Ornstein-Uhlenbeck paths in one dimension, every 10th step and the last one. */
#include <stdio.h>
#include <stdlib.h>

#include "sheaf/sheaf.h"

enum { N = 1000 };

static int fail(const sheaf_error *err)
{
    fprintf(stderr, "write_steps: %s\n", err->message);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    uint64_t steps = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000, h = 1;
    sheaf_error err;
    sheaf_ensemble *run = NULL;
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_step();
    sheaf_ensemble_spec_add(&spec, "x", SHEAF_F64, (const uint64_t[]){1, N}, 2);
    sheaf_ensemble_spec_dimensions(&spec, (const char *[]){"d", "trajectory"});
    spec.interval = 10;
    spec.keep_last = true;
    if (sheaf_ensemble_create(argv[1], &spec, NULL, &run, &err)) return fail(&err);
    static double x[N];
    const double dt = 0.01;
    for (uint64_t step = 0; step < steps; step++) {
        for (int i = 0; i < N; i++) {
            h ^= h << 13;
            h ^= h >> 7;
            h ^= h << 17;
            x[i] += -x[i] * dt + 0.3 * ((double)(h >> 11) * 0x1p-53 - 0.5);
        }
        /* Copied: x may be used again at once. Others can read what is committed while this runs. */
        if (sheaf_ensemble_put_step(run, step, (double)step * dt, (const void *[]){x}, &err)) {
            sheaf_ensemble_free(&run);
            return fail(&err);
        }
    }
    if (sheaf_ensemble_close(&run, &err)) return fail(&err);
    printf("%llu steps in %s\n", (unsigned long long)steps, argv[1]);
    return 0;
}

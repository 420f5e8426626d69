// SPDX-License-Identifier: Apache-2.0
/* What the tests of ensembles share: a fresh place for each format, checks that show the message, a run of the insurance instance. Included by one
 * program each. */
#ifndef TESTS_UNIT_ENSEMBLE_RUN_H
#define TESTS_UNIT_ENSEMBLE_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common.h"
#include "io/file.h"
#include "sheaf/ensemble.h"

static char path[128];
static sheaf_store_options options;
static sheaf_error err;

#define OK(call)                                                                         \
    do {                                                                                 \
        sheaf_status got = (call);                                                       \
        if (got != SHEAF_OK) fail_msg("%s: %s: %s", #call, options.format, err.message); \
    } while (0)
#define FAILS(call, status, text)                                                                  \
    do {                                                                                           \
        assert_int_equal((call), status);                                                          \
        if (!strstr(err.message, text)) fail_msg("\"%s\" does not say \"%s\"", err.message, text); \
    } while (0)

/* Calls test once for each format; path is a fresh place. */
static __attribute__((unused)) void each_format(void (*test)(void))
{
    const char *name;
    for (size_t i = 0; (name = sheaf_format_name(i)); i++) {
        if (!strcmp(name, "mem")) continue; /* cannot be opened again */
        options = sheaf_store_options_init();
        options.format = name;
        options.commit_interval_ms = 0;
        snprintf(path, sizeof path, "%s/%s.store", folder, name);
        sheaf_status ignored = sheaf_store_remove(path, NULL);
        (void)ignored;
        assert_int_equal(shf_path_remove_tree(path, NULL), SHEAF_OK);
        test();
    }
}

static __attribute__((unused)) double loss_at(int64_t id, uint32_t t)
{
    return fabs(sin((double)id * 12.9898 + t * 78.233)) * 1e6;
}

/* losses, recoveries, retained of a trajectory, f64. */
static double data[3][5000];
static __attribute__((unused)) const void *values[3] = {data[0], data[1], data[2]};

static __attribute__((unused)) void make(int64_t id, uint32_t n)
{
    for (uint32_t t = 0; t < n; t++) {
        data[0][t] = loss_at(id, t);
        data[1][t] = data[0][t] > 5e5 ? data[0][t] - 5e5 : 0;
        data[2][t] = data[0][t] - data[1][t];
    }
}

static __attribute__((unused)) sheaf_ensemble_spec insurance_spec(uint32_t n_steps, uint32_t interval)
{
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(n_steps);
    static const char *const names[] = {"annual_losses", "insurance_recoveries", "retained_losses"};
    for (int i = 0; i < 3; i++) {
        sheaf_ensemble_spec_add(&spec, names[i], SHEAF_F64, NULL, 0);
        sheaf_ensemble_spec_store_as(&spec, SHEAF_F32);
    }
    spec.interval = interval;
    spec.summaries = SHEAF_SUMMARIES_INSURANCE;
    return spec;
}

static __attribute__((unused)) const sheaf_outcome fine = {.initial_assets = 1e7, .final_assets = 2e7};

static __attribute__((unused)) void put(sheaf_ensemble *run, int64_t id, uint32_t n)
{
    make(id, n);
    OK(sheaf_ensemble_put_trajectory(run, id, n, values, &fine, &err));
}

static __attribute__((unused)) sheaf_ensemble *create(const sheaf_ensemble_spec *spec)
{
    sheaf_ensemble *run;
    OK(sheaf_ensemble_create(path, spec, &options, &run, &err));
    return run;
}

static __attribute__((unused)) sheaf_ensemble *reopen(void)
{
    sheaf_ensemble *run;
    OK(sheaf_ensemble_open(path, &options, &run, &err));
    return run;
}

static __attribute__((unused)) uint64_t count(sheaf_ensemble *run)
{
    uint64_t n;
    OK(sheaf_ensemble_count(run, &n, &err));
    return n;
}

#endif

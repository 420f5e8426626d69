// SPDX-License-Identifier: Apache-2.0
#ifndef SHEAF_CLI_SIMULATE_H
#define SHEAF_CLI_SIMULATE_H

#include "cli.h"
#include "models/model.h"

typedef struct simulation {
    const model *model;
    double parameters[MODEL_MOST_PARAMETERS];
    const char *path;
    uint64_t n_trajectories, seed;
    uint32_t n_steps;
    unsigned n_threads; /* that make trajectories; 0: the one that hands over */
    sheaf_ensemble *run;
    cli_progress progress;
    uint64_t n_put;   /* in this process */
    bool interrupted; /* by a signal */
} simulation;

/* Hand over what is missing, in order. SHEAF_OK also when a signal came. */
sheaf_status simulate_trajectories(simulation *s, sheaf_error *err);
sheaf_status simulate_steps(simulation *s, sheaf_error *err);

#endif

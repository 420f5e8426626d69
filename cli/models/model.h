// SPDX-License-Identifier: Apache-2.0
/* Models for `sheaf simulate`. A model makes one step of one trajectory; every random number comes from a counter (seed, trajectory, step,
 * draw), so results depend on neither threads nor order, and any trajectory can be made alone. */
#ifndef SHEAF_CLI_MODEL_H
#define SHEAF_CLI_MODEL_H

#include "sheaf/ensemble.h"

enum { MODEL_MOST_VARIABLES = 4, MODEL_MOST_PARAMETERS = 8, MODEL_STATE = 4 };

typedef struct model_parameter {
    const char *name; /* option without "--", and the attribute's name */
    double value;     /* default */
    double low, high; /* allowed: low <= value <= high */
    const char *help;
} model_parameter;

typedef struct model {
    const char *name;
    const char *what;
    size_t n_variables;
    const char *variables[MODEL_MOST_VARIABLES]; /* all f64, one number per step */
    sheaf_summaries summaries;
    size_t n_parameters;
    model_parameter parameters[MODEL_MOST_PARAMETERS];
    /* p: the parameters' values in order. state: MODEL_STATE numbers of one trajectory. */
    void (*begin)(const double *p, double *state);
    /* Values of step t (0, 1, …, each once); false when the trajectory has ended before it. */
    bool (*step)(const double *p, uint64_t seed, int64_t id, uint32_t t, double *state, double *values);
    void (*outcome)(const double *p, const double *state, sheaf_outcome *outcome); /* NULL: none */
    double (*time)(const double *p, uint32_t t);
} model;

extern const model *const models[];
enum { N_MODELS = 3 };

/* Philox4x32-10 (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): key = seed, counter = (id, step, draw). */
void philox(uint64_t seed, int64_t id, uint32_t step, uint32_t draw, uint32_t out[4]);
/* Two uniforms within (0, 1): (k + 1/2) / 2^53 with k of 53 bits each. */
void philox_uniform(uint64_t seed, int64_t id, uint32_t step, uint32_t draw, double out[2]);
/* Two standard normals from them, by Box and Muller (1958): sqrt(-2 ln u0) times the cosine and the sine of 2 pi u1. */
void philox_normal(uint64_t seed, int64_t id, uint32_t step, uint32_t draw, double out[2]);

extern const model model_insurance, model_gbm, model_ou;

#endif

// SPDX-License-Identifier: Apache-2.0
/* Geometric Brownian motion and the Ornstein-Uhlenbeck process, both by their exact transition. Step 0 is the beginning; step t uses normal number
 * t - 1 of the trajectory: two come from each counter (step (t - 1) / 2, draw 0). */
#include <math.h>

#include "models/model.h"

static double normal(uint64_t seed, int64_t id, uint32_t t)
{
    double z[2];
    philox_normal(seed, id, (t - 1) / 2, 0, z);
    return z[(t - 1) % 2];
}

enum { GBM_MU, GBM_SIGMA, GBM_DT, GBM_S0 };
enum { OU_THETA, OU_MEAN, OU_SIGMA, OU_DT, OU_X0 };

static void gbm_begin(const double *p, double *state)
{
    state[0] = p[GBM_S0];
}

static bool gbm_step(const double *p, uint64_t seed, int64_t id, uint32_t t, double *state, double *values)
{
    double drift = (p[GBM_MU] - p[GBM_SIGMA] * p[GBM_SIGMA] / 2) * p[GBM_DT];
    if (t > 0) state[0] *= exp(drift + p[GBM_SIGMA] * sqrt(p[GBM_DT]) * normal(seed, id, t));
    values[0] = state[0];
    return true;
}

static double gbm_time(const double *p, uint32_t t)
{
    return t * p[GBM_DT];
}

static void ou_begin(const double *p, double *state)
{
    state[0] = p[OU_X0];
}

static bool ou_step(const double *p, uint64_t seed, int64_t id, uint32_t t, double *state, double *values)
{
    double decay = exp(-p[OU_THETA] * p[OU_DT]);
    double deviation = p[OU_SIGMA] * sqrt(-expm1(-2 * p[OU_THETA] * p[OU_DT]) / (2 * p[OU_THETA]));
    if (t > 0) state[0] = p[OU_MEAN] + (state[0] - p[OU_MEAN]) * decay + deviation * normal(seed, id, t);
    values[0] = state[0];
    return true;
}

static double ou_time(const double *p, uint32_t t)
{
    return t * p[OU_DT];
}

const model model_gbm = {
    .name = "gbm",
    .what = "geometric Brownian motion",
    .n_variables = 1,
    .variables = {"price"},
    .summaries = SHEAF_SUMMARIES_GENERAL,
    .n_parameters = 4,
    .parameters =
        {
            {"mu", .05, -100, 100, "drift per unit of time"},
            {"sigma", .2, 0, 100, "volatility"},
            {"dt", 1. / 252, 1e-12, 1e6, "time between steps"},
            {"s0", 100, 1e-300, 1e300, "price at step 0"},
        },
    .begin = gbm_begin,
    .step = gbm_step,
    .time = gbm_time,
};

const model model_ou = {
    .name = "ou",
    .what = "Ornstein-Uhlenbeck process",
    .n_variables = 1,
    .variables = {"x"},
    .summaries = SHEAF_SUMMARIES_GENERAL,
    .n_parameters = 5,
    .parameters =
        {
            {"theta", 1, 1e-12, 1e6, "speed of reversion"},
            {"mean", 0, -1e300, 1e300, "level it returns to"},
            {"sigma", .2, 0, 100, "volatility"},
            {"dt", 1. / 252, 1e-12, 1e6, "time between steps"},
            {"x0", 1, -1e300, 1e300, "value at step 0"},
        },
    .begin = ou_begin,
    .step = ou_step,
    .time = ou_time,
};

// SPDX-License-Identifier: Apache-2.0
/* An insured company. Per year: a Poisson number of losses, lognormal severities; of each loss the part above the retention is recovered, up to
 * the limit; the rest is retained. Assets earn the margin and pay the retained losses; at 0 or below the company is ruined and its path ends.
 *
 * Draw 0 of a year gives the number of losses (inversion of the distribution function by its first uniform), draw 1, 2, … two severities each. */
#include <math.h>

#include "models/model.h"

enum { FREQUENCY, SEVERITY_MU, SEVERITY_SIGMA, RETENTION, LIMIT, MARGIN, INITIAL_ASSETS };
enum { ASSETS, RUINED, RUIN_YEAR };

static void begin(const double *p, double *state)
{
    state[ASSETS] = p[INITIAL_ASSETS];
    state[RUINED] = 0;
    state[RUIN_YEAR] = 0;
}

static uint32_t poisson(double mean, double u)
{
    uint32_t n = 0;
    double term = exp(-mean), below = term;
    while (u > below && n < 10000) {
        n++;
        term *= mean / n;
        below += term;
    }
    return n;
}

static bool step(const double *p, uint64_t seed, int64_t id, uint32_t t, double *state, double *values)
{
    double u[2], z[2] = {0, 0}, losses = 0, recoveries = 0;
    if (state[RUINED] != 0) return false;
    philox_uniform(seed, id, t, 0, u);
    uint32_t n = poisson(p[FREQUENCY], u[0]);
    for (uint32_t i = 0; i < n; i++) {
        if (i % 2 == 0) philox_normal(seed, id, t, 1 + i / 2, z);
        double loss = exp(p[SEVERITY_MU] + p[SEVERITY_SIGMA] * z[i % 2]);
        double above = loss > p[RETENTION] ? loss - p[RETENTION] : 0;
        losses += loss;
        recoveries += above < p[LIMIT] ? above : p[LIMIT];
    }
    double retained = losses - recoveries;
    state[ASSETS] = state[ASSETS] * (1 + p[MARGIN]) - retained;
    if (state[ASSETS] <= 0) {
        state[ASSETS] = 0;
        state[RUINED] = 1;
        state[RUIN_YEAR] = t;
    }
    values[0] = losses;
    values[1] = recoveries;
    values[2] = retained;
    values[3] = state[ASSETS];
    return true;
}

static void outcome(const double *p, const double *state, sheaf_outcome *o)
{
    *o = (sheaf_outcome){.initial_assets = p[INITIAL_ASSETS],
                         .final_assets = state[ASSETS],
                         .ruin_occurred = state[RUINED] != 0,
                         .has_ruin_year = state[RUINED] != 0,
                         .ruin_year = (int32_t)state[RUIN_YEAR]};
}

static double year(const double *p, uint32_t t)
{
    (void)p;
    return t;
}

const model model_insurance = {
    .name = "insurance",
    .what = "a company with Poisson losses, insured above a retention up to a limit",
    .n_variables = 4,
    .variables = {"annual_losses", "insurance_recoveries", "retained_losses", "assets"},
    .summaries = SHEAF_SUMMARIES_INSURANCE,
    .n_parameters = 7,
    .parameters =
        {
            {"frequency", 3, 0, 500, "mean number of losses a year"},
            {"severity-mu", 11, -50, 50, "mean of the logarithm of a loss"},
            {"severity-sigma", 1.8, 0, 10, "standard deviation of the logarithm of a loss"},
            {"retention", 500000, 0, 1e300, "of each loss, what the company pays itself"},
            {"limit", 10e6, 0, 1e300, "of each loss, the most that the insurer pays"},
            {"margin", .075, -1, 10, "what assets earn a year, as a share"},
            {"initial-assets", 10e6, 1e-300, 1e300, "assets at the beginning"},
        },
    .begin = begin,
    .step = step,
    .outcome = outcome,
    .time = year,
};

// SPDX-License-Identifier: Apache-2.0
/* Charts drawn with characters. */
#ifndef SHEAF_CLI_CHART_H
#define SHEAF_CLI_CHART_H

#include "cli.h"
#include "sheaf/describe.h"

/* Quantile bands over time: the outer band light, the inner one (when there are 4 quantiles and more) dark, the median a line. */
void chart_fan(const char *name, const double *times, const sheaf_description *d, const double *quantiles, size_t n, size_t n_probabilities,
               const double *probabilities);
/* Histogram of one array over trajectories: `name`, or NULL for final_assets or the first summary. */
void chart_first(sheaf_store *store, const char *name);

#endif

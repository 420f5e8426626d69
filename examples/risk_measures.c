// SPDX-License-Identifier: Apache-2.0
/* Risk measures of simulated annual losses, one number a line on standard input: risk_measures < losses.txt
 * Build: cc risk_measures.c -lsheaf */
#include <sheaf/stats.h>

#include <stdio.h>
#include <stdlib.h>

static double *read_numbers(size_t *n)
{
    size_t room = 1024;
    double *x = malloc(room * sizeof *x), value;
    for (*n = 0; x && scanf("%lf", &value) == 1; ++*n) {
        if (*n == room) {
            double *more = realloc(x, (room *= 2) * sizeof *x);
            if (!more) free(x);
            x = more;
            if (!x) break;
        }
        x[*n] = value;
    }
    return x;
}

static sheaf_status report(const double *x, size_t n, sheaf_error *err)
{
    static const double levels[] = {0.9, 0.95, 0.99, 0.995};
    static const double periods[] = SHEAF_STATS_RETURN_PERIODS;
    double table[SHEAF_STATS_N_RETURN_PERIODS], var, tvar;
    sheaf_stats_moments m;
    sheaf_status status = sheaf_stats_describe(x, n, 1, &m, err);
    if (status) return status;
    printf("count %llu\nmean %.6g\nstd %.6g\n", (unsigned long long)m.count, m.mean, m.std);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if ((status = sheaf_stats_var(x, n, levels[i], &var, err)) || (status = sheaf_stats_tvar(x, n, levels[i], &tvar, err)))
            return status;
        printf("level %g: VaR %.6g, TVaR %.6g\n", levels[i], var, tvar);
    }
    if ((status = sheaf_stats_return_periods(x, n, NULL, 0, table, err))) return status;
    for (size_t i = 0; i < SHEAF_STATS_N_RETURN_PERIODS; i++) printf("once in %g: %.6g\n", periods[i], table[i]);
    return SHEAF_OK;
}

int main(void)
{
    sheaf_error err;
    size_t n;
    double *x = read_numbers(&n);
    if (!x) return 1;
    sheaf_status status = report(x, n, &err);
    if (status) fprintf(stderr, "risk_measures: %s\n", err.message);
    free(x);
    return sheaf_status_exit(status);
}

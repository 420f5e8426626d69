// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "sheaf/describe.h"

typedef struct summary {
    sheaf_store *store;
    const char *by, *variable;
    double *probabilities;
    size_t n_probabilities;
    uint64_t memory;
    bool json, chart;
} summary;

static bool by_time(const summary *s)
{
    return s->by != NULL;
}

static void put_real(cli_table *table, const char *column, double value, bool there)
{
    if (there) cli_table_real(table, column, value);
    else cli_table_absent(table, column);
}

static void add_row(const summary *s, cli_table *table, const char *name, const sheaf_description *d, const double *quantiles)
{
    cli_table_text(table, "variable", name);
    cli_table_count(table, "count", d->count);
    put_real(table, "mean", d->mean, d->count > 0);
    put_real(table, "std", d->std, d->count > 1);
    put_real(table, "min", d->min, d->count > 0);
    put_real(table, "max", d->max, d->count > 0);
    for (size_t i = 0; i < s->n_probabilities; i++) {
        char number[32], column[40];
        snprintf(column, sizeof column, "q%s", cli_real(s->probabilities[i], number));
        put_real(table, column, quantiles[i], d->count > 0);
    }
}

/* Coordinates of the steps: the array `time`, when there is one of that length. */
static double *read_times(const summary *s, uint64_t n)
{
    sheaf_array_info info;
    double *times = malloc((size_t)n * sizeof *times + 1);
    for (uint64_t i = 0; times && i < n; i++) times[i] = (double)i;
    if (!times || sheaf_store_array(s->store, "time", &info, NULL) != SHEAF_OK || info.ndim != 1 || info.shape[0] != n) return times;
    size_t size = (size_t)n * sheaf_dtype_size(info.dtype);
    void *raw = malloc(size + 1);
    if (raw && sheaf_store_read(s->store, "time", NULL, raw, size, NULL) == SHEAF_OK) {
        for (uint64_t i = 0; i < n; i++)
            times[i] = info.dtype == SHEAF_F64 ? ((double *)raw)[i] : info.dtype == SHEAF_I64 ? (double)((int64_t *)raw)[i] : times[i];
    }
    free(raw);
    return times;
}

static sheaf_status describe(const summary *s, const char *name, cli_table *table, sheaf_error *err)
{
    sheaf_describe_spec spec = sheaf_describe_spec_init(name);
    uint64_t n;
    spec.by_time = by_time(s);
    spec.probabilities = s->probabilities;
    spec.n_probabilities = s->n_probabilities;
    spec.memory_bytes = s->memory;
    sheaf_status status = sheaf_describe_groups(s->store, &spec, &n, err);
    if (status != SHEAF_OK) return status;
    sheaf_description *d = calloc((size_t)n + 1, sizeof *d);
    double *q = calloc((size_t)n * s->n_probabilities + 1, sizeof *q), *times = read_times(s, n);
    if (!d || !q || !times) {
        memset(err, 0, sizeof *err);
        err->code = status = SHEAF_ERR_MEMORY;
    }
    if (status == SHEAF_OK) status = sheaf_describe(s->store, &spec, d, q, err);
    for (uint64_t i = 0; i < n && status == SHEAF_OK; i++) {
        cli_table_row(table);
        if (by_time(s)) cli_table_real(table, "time", times[i]);
        add_row(s, table, name, &d[i], q + i * s->n_probabilities);
    }
    if (status == SHEAF_OK && s->chart && by_time(s)) chart_fan(name, times, d, q, (size_t)n, s->n_probabilities, s->probabilities);
    free(d);
    free(q);
    free(times);
    return status;
}

static bool has_time(const sheaf_array_info *info)
{
    for (int i = 0; i < info->ndim && i < 2; i++)
        if (strcmp(info->dimensions[i], "time") == 0) return true;
    return false;
}

/* Arrays that are data, not coordinates or bookkeeping. */
static bool wanted(const summary *s, const sheaf_array_info *info)
{
    if (s->variable) return strcmp(info->name, s->variable) == 0;
    if (strcmp(info->name, info->dimensions[0]) == 0 || strcmp(info->name, "length") == 0) return false;
    return !by_time(s) || has_time(info);
}

static sheaf_status describe_all(const summary *s, cli_table *table, sheaf_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < sheaf_store_n_arrays(s->store); i++) {
        sheaf_array_info info;
        sheaf_status status = sheaf_store_array_at(s->store, i, &info, err);
        if (status != SHEAF_OK) return status;
        if (!wanted(s, &info)) continue;
        status = describe(s, info.name, table, err);
        if (status != SHEAF_OK) return status;
        n++;
    }
    sheaf_array_info info;
    return n == 0 && s->variable ? sheaf_store_array(s->store, s->variable, &info, err) : SHEAF_OK;
}

static void share_row(cli_table *table, const char *name, const sheaf_stats_share *share)
{
    cli_table_row(table);
    cli_table_text(table, "ruin", name);
    cli_table_count(table, "ruined", share->count);
    cli_table_count(table, "of", share->n);
    put_real(table, "probability", share->share, share->n > 0);
    put_real(table, "low95", share->low, share->n > 0);
    put_real(table, "high95", share->high, share->n > 0);
}

/* Ruin by a few horizons, or with --by time by each year. NULL: the store has no insurance summaries. */
static sheaf_status describe_ruin(const summary *s, cli_table **out, sheaf_error *err)
{
    sheaf_array_info info;
    *out = NULL;
    if (sheaf_store_array(s->store, "ruin_year", &info, NULL) != SHEAF_OK ||
        sheaf_store_array(s->store, "ruin_occurred", &info, NULL) != SHEAF_OK)
        return SHEAF_OK;
    sheaf_describe_spec spec = sheaf_describe_spec_init("length");
    sheaf_description lengths = {0};
    sheaf_status status = sheaf_describe(s->store, &spec, &lengths, NULL, err);
    size_t n = lengths.count ? (size_t)lengths.max : 0;
    sheaf_stats_share *shares = calloc(n + 1, sizeof *shares), ever;
    if (status == SHEAF_OK && shares) status = sheaf_describe_ruin(s->store, n, shares, &ever, err);
    if (status == SHEAF_OK && shares) *out = cli_table_create();
    size_t step = by_time(s) ? 1 : (n + 9) / 10;
    for (size_t h = step; *out && h <= n; h = h == n ? n + 1 : h + step < n ? h + step : n) {
        char name[40];
        snprintf(name, sizeof name, "within %zu", h);
        share_row(*out, name, &shares[h - 1]);
    }
    if (*out) share_row(*out, "ever", &ever);
    free(shares);
    return status;
}

static void growth_row(const summary *s, cli_table *table, const char *name, const char *variable)
{
    sheaf_stats_growth g;
    if (sheaf_describe_growth(s->store, variable, s->memory, &g, NULL) != SHEAF_OK) return;
    cli_table_row(table);
    cli_table_text(table, "growth per step", name);
    cli_table_real(table, "time average", g.time_average_mean);
    cli_table_real(table, "median", g.time_average_median);
    cli_table_real(table, "ensemble", g.ensemble);
    cli_table_real(table, "gap", g.ergodicity_gap);
}

/* Of what has it: the assets of insurance summaries, else each series. */
static cli_table *describe_growth(const summary *s)
{
    cli_table *table = cli_table_create();
    sheaf_array_info info;
    if (sheaf_store_array(s->store, "growth_rate", &info, NULL) == SHEAF_OK) {
        growth_row(s, table, "assets", NULL);
        return table;
    }
    for (size_t i = 0; i < sheaf_store_n_arrays(s->store); i++) {
        if (sheaf_store_array_at(s->store, i, &info, NULL) != SHEAF_OK) break;
        if (info.ndim >= 2 && has_time(&info) && wanted(s, &info)) growth_row(s, table, info.name, info.name);
    }
    return table;
}

static void print_tables(const summary *s, const cli_table *values, const cli_table *ruin, const cli_table *growth)
{
    if (s->json) {
        fputs("{\n  \"variables\": ", stdout);
        cli_table_json(values, stdout, 2);
        if (ruin) {
            fputs(",\n  \"ruin\": ", stdout);
            cli_table_json(ruin, stdout, 2);
        }
        fputs(",\n  \"growth\": ", stdout);
        cli_table_json(growth, stdout, 2);
        fputs("\n}\n", stdout);
        return;
    }
    cli_table_print(values, stdout);
    if (ruin) putchar('\n');
    cli_table_print(ruin, stdout);
    if (!cli_table_empty(growth)) putchar('\n');
    cli_table_print(growth, stdout);
}

static sheaf_status summarize(summary *s, const char *path, const char *format, sheaf_error *err)
{
    sheaf_store_options options = sheaf_store_options_init();
    options.format = format;
    sheaf_status status = sheaf_store_open(path, &options, &s->store, err);
    if (status != SHEAF_OK) return status;
    cli_table *values = cli_table_create(), *ruin = NULL, *growth = NULL;
    status = describe_all(s, values, err);
    if (status == SHEAF_OK && !s->variable) status = describe_ruin(s, &ruin, err);
    if (status == SHEAF_OK) {
        growth = describe_growth(s);
        if (s->chart && !by_time(s)) chart_first(s->store, s->variable);
        print_tables(s, values, ruin, growth);
    }
    cli_table_free(values);
    cli_table_free(ruin);
    cli_table_free(growth);
    sheaf_store_free(&s->store);
    return status;
}

int sheaf_cli_summary(int argc, char **argv)
{
    const char *format = NULL, *quantiles = ".01,.05,.5,.95,.99", *path;
    summary s = {.memory = 64 << 20};
    const cli_option options[] = {
        {"--by", CLI_TEXT, &s.by, "time", "a row for each stored step", NULL},
        {"--quantiles", CLI_TEXT, &quantiles, "LIST", "exact quantiles (default .01,.05,.5,.95,.99)", NULL},
        {"--variable", CLI_TEXT, &s.variable, "NAME", "of this array only", NULL},
        {"--memory", CLI_SIZE, &s.memory, "SIZE", "bound of the values held at a time (default 64M)", NULL},
        {"--chart", CLI_FLAG, &s.chart, NULL, "draw a histogram too, or with --by time a fan chart", NULL},
        {"--json", CLI_FLAG, &s.json, NULL, "as a JSON object", NULL},
        {"--format", CLI_TEXT, &format, "FORMAT", "zarr, hdf5 or npy (default: by STORE's suffix or content)", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {"summary",
                                 "STORE",
                                 "Statistics over trajectories: count, mean, standard deviation (ddof 1), extremes and exact quantiles "
                                 "(type 7) of each variable; ruin with "
                                 "Wilson 95 % intervals; growth.",
                                 "  sheaf summary run.zarr --by time --quantiles .05,.5,.95",
                                 1,
                                 1,
                                 options};
    int n;
    int status = cli_parse(&command, argc, argv, &path, &n);
    if (status == CLI_CONTINUE) status = cli_check_format("summary", format);
    if (status != CLI_CONTINUE) return status;
    if (s.by && strcmp(s.by, "time") != 0) return cli_usage("summary", "--by \"%s\" is not possible; only time is", s.by);
    if (s.json && s.chart) return cli_usage("summary", "--json and --chart exclude each other");
    if ((status = cli_parse_reals("summary", quantiles, &s.probabilities, &s.n_probabilities)) != CLI_CONTINUE) return status;
    sheaf_error err;
    sheaf_status done = summarize(&s, path, format, &err);
    free(s.probabilities);
    return done == SHEAF_OK ? CLI_DONE : cli_fail("summary", &err, NULL);
}

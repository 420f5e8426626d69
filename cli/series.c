// SPDX-License-Identifier: Apache-2.0
/* sheaf series: prints a scenario series of a folder. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "sheaf/series.h"

/* Values read and printed at a time. */
#define VALUES_AT_A_TIME ((size_t)1 << 17)

typedef struct series_call {
    const char *folder, *name;
    const char *time, *scenario, *map_path, *group;
    bool csv, json;
    sheaf_scenario_map *map;
    sheaf_series *series;
    sheaf_selection times;
    int64_t *scenarios; /* as asked for */
    int64_t *columns;   /* what they map to */
    size_t n_scenarios;
} series_call;

static const char verb[] = "series";

static int open_map(series_call *c, sheaf_error *err)
{
    char path[4096];
    if (!c->map_path && !(c->group && c->group[0])) return CLI_CONTINUE;
    int n = snprintf(path, sizeof path, "%s/%s", c->folder, SHEAF_SCENARIO_MAP_FILE);
    if (!c->map_path && (n < 0 || (size_t)n >= sizeof path)) return cli_error(verb, "%s: the path is too long", c->folder);
    sheaf_status status = sheaf_scenario_map_read(c->map_path ? c->map_path : path, &c->map, err);
    return status == SHEAF_OK ? CLI_CONTINUE : cli_fail(verb, err, NULL);
}

/* The scenarios asked for; without --scenario all of the group, or all columns. */
static int choose_scenarios(series_call *c, int64_t n_columns, sheaf_error *err)
{
    int64_t n = n_columns;
    if (c->scenario) return cli_parse_list(verb, c->scenario, &c->scenarios, &c->n_scenarios);
    if (c->group && c->group[0] && sheaf_scenario_map_n_scenarios(c->map, c->group, &n, err) != SHEAF_OK) return cli_fail(verb, err, NULL);
    if (n > INT32_MAX) return cli_error(verb, "%" PRId64 " scenarios are too many to print; name some by --scenario", n);
    c->n_scenarios = (size_t)n;
    c->scenarios = malloc((c->n_scenarios + 1) * sizeof *c->scenarios);
    if (!c->scenarios) return cli_error(verb, "out of memory");
    for (size_t i = 0; i < c->n_scenarios; i++) c->scenarios[i] = (int64_t)i;
    return CLI_CONTINUE;
}

static int choose_times(series_call *c, int64_t n_times)
{
    c->times = (sheaf_selection){.kind = SHEAF_SELECT_RANGE, .stop = (uint64_t)n_times, .step = 1};
    if (!c->time) return CLI_CONTINUE;
    if (!cli_parse_range(c->time, &c->times)) return cli_usage(verb, "--time %s: expected A:B, A:B:K or A, with A at most B", c->time);
    if (c->times.stop == UINT64_MAX) c->times.stop = (uint64_t)n_times;
    if (c->times.stop > (uint64_t)n_times || c->times.start > c->times.stop)
        return cli_error(verb, "series '%s': --time %s is out of range, it has time steps 0 to %" PRId64, c->name, c->time, n_times - 1);
    return CLI_CONTINUE;
}

static int prepare(series_call *c, sheaf_error *err)
{
    int64_t n_times, n_columns;
    int rc = open_map(c, err);
    if (rc != CLI_CONTINUE) return rc;
    if (sheaf_series_open(c->folder, c->name, SHEAF_SERIES_TIME_SCENARIO, &c->series, err) != SHEAF_OK ||
        sheaf_series_shape(c->series, &n_times, &n_columns, err) != SHEAF_OK)
        return cli_fail(verb, err, NULL);
    if ((rc = choose_times(c, n_times)) != CLI_CONTINUE || (rc = choose_scenarios(c, n_columns, err)) != CLI_CONTINUE) return rc;
    c->columns = malloc((c->n_scenarios + 1) * sizeof *c->columns);
    if (!c->columns) return cli_error(verb, "out of memory");
    if (sheaf_scenario_map_columns(c->map, c->group, c->scenarios, c->n_scenarios, c->columns, err) != SHEAF_OK)
        return cli_fail(verb, err, NULL);
    /* Refuses columns that are not there before anything is printed. */
    const int64_t none = 0;
    double nothing;
    if (sheaf_series_get(c->series, &none, 0, c->columns, c->n_scenarios, &nothing, err) != SHEAF_OK) return cli_fail(verb, err, NULL);
    return CLI_CONTINUE;
}

static void print_csv_row(const series_call *c, int64_t time, const double *values)
{
    char text[32];
    printf("%" PRId64, time);
    for (size_t j = 0; j < c->n_scenarios; j++) {
        putchar(',');
        fputs(cli_real(values[j], text), stdout);
    }
    putchar('\n');
}

static bool asked_before(const series_call *c, size_t j)
{
    for (size_t k = 0; k < j; k++)
        if (c->scenarios[k] == c->scenarios[j]) return true;
    return false;
}

/* An object has every key once, so a scenario that is asked for twice is there once. */
static void print_json_row(const series_call *c, int64_t time, const double *values, const bool *again, bool first)
{
    char text[32];
    printf("%s\n  {\"time\": %" PRId64, first ? "" : ",", time);
    for (size_t j = 0; j < c->n_scenarios; j++)
        if (!again[j]) printf(", \"%" PRId64 "\": %s", c->scenarios[j], isfinite(values[j]) ? cli_real(values[j], text) : "null");
    putchar('}');
}

static int print_rows(const series_call *c, double *values, int64_t *times, size_t at_a_time, const bool *again, sheaf_error *err)
{
    bool first = true;
    for (uint64_t at = c->times.start; at < c->times.stop;) {
        size_t n = 0;
        for (; n < at_a_time && at < c->times.stop; n++) {
            times[n] = (int64_t)at;
            at = c->times.stop - at > c->times.step ? at + c->times.step : c->times.stop;
        }
        if (sheaf_series_get(c->series, times, n, c->columns, c->n_scenarios, values, err) != SHEAF_OK) return cli_fail(verb, err, NULL);
        for (size_t i = 0; i < n; i++, first = false) {
            if (c->json) print_json_row(c, times[i], values + i * c->n_scenarios, again, first);
            else print_csv_row(c, times[i], values + i * c->n_scenarios);
        }
        if (ferror(stdout)) break; /* main says so */
    }
    return CLI_DONE;
}

static int print_series(const series_call *c, sheaf_error *err)
{
    size_t width = c->n_scenarios ? c->n_scenarios : 1, at_a_time = VALUES_AT_A_TIME / width + 1;
    double *values = malloc(at_a_time * width * sizeof *values);
    int64_t *times = malloc(at_a_time * sizeof *times);
    bool *again = calloc(width, sizeof *again);
    int rc = CLI_FAILED;
    if (!values || !times || !again) {
        cli_error(verb, "out of memory");
    } else {
        for (size_t j = 0; c->json && j < c->n_scenarios; j++) again[j] = asked_before(c, j);
        if (c->json) {
            putchar('[');
        } else {
            printf("time");
            for (size_t j = 0; j < c->n_scenarios; j++) printf(",%" PRId64, c->scenarios[j]);
            putchar('\n');
        }
        rc = print_rows(c, values, times, at_a_time, again, err);
        if (c->json && rc == CLI_DONE) puts("\n]");
    }
    free(values);
    free(times);
    free(again);
    return rc;
}

static int parse(series_call *c, int argc, char **argv)
{
    const cli_option options[] = {
        {"--time", CLI_TEXT, &c->time, "A:B", "time steps A to B-1, 0-based (also A:B:K, A:, :B, or one step A); all by default", NULL},
        {"--scenario", CLI_TEXT, &c->scenario, "LIST", "scenarios such as 3,1,7-9, in this order, duplicates too; all by default", NULL},
        {"--map", CLI_TEXT, &c->map_path, "FILE", "scenario map; by default FOLDER/" SHEAF_SCENARIO_MAP_FILE " when --group is given",
         NULL},
        {"--group", CLI_TEXT, &c->group, "G", "group of the map; without one scenarios are columns", NULL},
        {"--csv", CLI_FLAG, &c->csv, NULL, "as CSV: time, then a column per scenario (the default)", NULL},
        {"--json", CLI_FLAG, &c->json, NULL, "as a JSON array of objects, one per time step; what is not finite is null", NULL},
        {0},
    };
    const cli_command command = {verb,
                                 "FOLDER NAME",
                                 "prints a scenario series of a folder: NAME.parquet, or else NAME.txt, NAME.tsv or NAME.csv",
                                 "  sheaf series data-series load.2030 --time 0:168 --scenario 0,4,4 --csv\n"
                                 "  sheaf series data-series wind --group north --scenario 0-9 --json\n",
                                 2,
                                 2,
                                 options};
    const char *positional[2];
    int n;
    int rc = cli_parse(&command, argc, argv, positional, &n);
    if (rc != CLI_CONTINUE) return rc;
    if (c->csv && c->json) return cli_usage(verb, "--csv and --json exclude each other");
    c->folder = positional[0];
    c->name = positional[1];
    return CLI_CONTINUE;
}

int sheaf_cli_series(int argc, char **argv)
{
    series_call call = {0};
    sheaf_error err;
    int rc = parse(&call, argc, argv);
    if (rc == CLI_CONTINUE) rc = prepare(&call, &err);
    if (rc == CLI_CONTINUE) rc = print_series(&call, &err);
    sheaf_series_free(&call.series);
    sheaf_scenario_map_free(&call.map);
    free(call.scenarios);
    free(call.columns);
    return rc;
}

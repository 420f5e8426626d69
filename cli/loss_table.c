// SPDX-License-Identifier: Apache-2.0
/* sheaf loss table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loss.h"

static sheaf_status feed_tables(void *handle, const void *bytes, size_t n, sheaf_error *err)
{
    return sheaf_loss_tables_feed(handle, bytes, n, err);
}

typedef struct rates {
    int32_t *events;
    double *values;
    size_t n;
} rates;

typedef struct rate {
    int32_t event;
    double value;
} rate;

static int compare_rates(const void *a, const void *b)
{
    const rate *x = a, *y = b;
    return x->event < y->event ? -1 : x->event > y->event;
}

/* Lines event_id,rate; a first line of names is skipped. */
static int read_rates(const char *verb, const char *path, rates *out)
{
    FILE *f = fopen(path, "r");
    if (!f) return cli_error(verb, "cannot open %s: %s", path, strerror(errno));
    rate *list = NULL;
    size_t n = 0, capacity = 0, line_number = 0;
    char line[256];
    int status = CLI_CONTINUE;
    while (status == CLI_CONTINUE && fgets(line, sizeof line, f)) {
        char *comma = strchr(line, ',');
        int64_t event;
        double value;
        line_number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0') continue;
        if (comma) *comma = '\0';
        bool fine =
            comma && cli_parse_integer(line, &event) && event >= INT32_MIN && event <= INT32_MAX && cli_parse_real(comma + 1, &value);
        if (!fine && line_number == 1) continue;
        if (!fine) status = cli_error(verb, "%s: line %zu is not event_id,rate", path, line_number);
        if (fine && n == capacity) {
            capacity = capacity ? 2 * capacity : 1024;
            rate *grown = realloc(list, capacity * sizeof *list);
            if (grown) list = grown;
            else status = cli_error(verb, "out of memory for the rates of %s", path);
        }
        if (status == CLI_CONTINUE && list && n < capacity) list[n++] = (rate){(int32_t)event, value};
    }
    fclose(f);
    out->events = malloc((n + 1) * sizeof *out->events);
    out->values = malloc((n + 1) * sizeof *out->values);
    if (status == CLI_CONTINUE && (!out->events || !out->values)) status = cli_error(verb, "out of memory for the rates of %s", path);
    bool there = list && out->events && out->values;
    if (status == CLI_CONTINUE && there) qsort(list, n, sizeof *list, compare_rates);
    for (size_t i = 0; status == CLI_CONTINUE && there && i < n; i++) {
        if (i && list[i].event == list[i - 1].event) status = cli_error(verb, "%s has event %d twice", path, list[i].event);
        out->events[i] = list[i].event;
        out->values[i] = list[i].value;
    }
    out->n = n;
    free(list);
    return status;
}

static int run(const char *verb, const char *path, const sheaf_loss_tables_options *options)
{
    sheaf_error err;
    sheaf_loss_tables *tables;
    if (sheaf_loss_tables_create(options, &tables, &err)) return cli_fail(verb, &err, NULL);
    sheaf_status status = loss_pump(path, feed_tables, tables, &err);
    if (!status) status = sheaf_loss_tables_finish(tables, &err);
    if (status && !err.path[0]) snprintf(err.path, sizeof err.path, "%s", path);
    int code = status ? cli_fail(verb, &err, NULL) : CLI_DONE;
    loss_remarks(verb, path, sheaf_loss_tables_stats(tables));
    sheaf_loss_tables_free(&tables);
    return code;
}

/* Opens the outputs of the tables asked for. paths[k]: a file's or NULL; the table of the first argument goes to standard output. */
static int open_outputs(const char *verb, const char *kind, const char *const *paths, const char *output, sheaf_loss_tables_options *o,
                        loss_output *outs)
{
    static const char *const kinds[] = {"selt", "melt", "qelt"};
    bool known = false;
    for (size_t k = 0; k < SHEAF_LOSS_N_TABLES; k++) {
        bool main_one = strcmp(kind, kinds[k]) == 0;
        known |= main_one;
        if (!main_one && !paths[k]) continue;
        int status = loss_output_open(verb, paths[k] ? paths[k] : output, &outs[k]);
        if (status != CLI_CONTINUE) return status;
        o->sinks[k] = loss_sink;
        o->contexts[k] = &outs[k];
    }
    return known ? CLI_CONTINUE : cli_unknown(verb, "table", kind, kinds, 3);
}

int loss_table(int argc, char **argv)
{
    const char *output = NULL, *quantiles = NULL, *rates_path = NULL, *paths[SHEAF_LOSS_N_TABLES] = {NULL, NULL, NULL}, *arguments[2];
    uint64_t threads = loss_threads(), decimals = 0;
    bool decimals_given = false, no_header = false;
    sheaf_loss_tables_options tables;
    sheaf_loss_tables_options_init(&tables);
    const cli_option options[] = {
        {"--quantiles", CLI_TEXT, &quantiles, "LIST", "of qelt (default .01,.05,.5,.95,.99)", NULL},
        {"--rates", CLI_TEXT, &rates_path, "FILE", "lines event_id,rate for EventRate of melt", NULL},
        {"--decimals", CLI_COUNT, &decimals, "N", "as many decimals (default: the fewest digits that read back equal)", &decimals_given},
        {"--json", CLI_FLAG, &tables.json, NULL, "an array of objects", NULL},
        {"--no-header", CLI_FLAG, &no_header, NULL, "without the line of names", NULL},
        {"--selt", CLI_TEXT, &paths[SHEAF_LOSS_SELT], "FILE", "this table too, in the same pass", NULL},
        {"--melt", CLI_TEXT, &paths[SHEAF_LOSS_MELT], "FILE", "this table too, in the same pass", NULL},
        {"--qelt", CLI_TEXT, &paths[SHEAF_LOSS_QELT], "FILE", "this table too, in the same pass", NULL},
        {"--threads", CLI_COUNT, &threads, "N", "default: one for each processor", NULL},
        {"--output,-o", CLI_TEXT, &output, "FILE", "instead of standard output", NULL},
        {0},
    };
    const cli_command command = {
        .verb = "loss table",
        .arguments = "selt|melt|qelt INPUT",
        .what = "Event loss tables of a summary stream: samples, moments, quantiles (Open Results Data).",
        .example = "  sheaf loss table melt summary.bin > melt.csv\n  sheaf loss table melt summary.bin --qelt qelt.csv --quantiles "
                   ".5,.9,.99 > melt.csv\n",
        .min_positional = 2,
        .max_positional = 2,
        .options = options,
    };
    int n, status = cli_parse(&command, argc, argv, arguments, &n);
    if (status != CLI_CONTINUE) return status;
    if (decimals_given && decimals > 9) return cli_usage(command.verb, "--decimals %llu: at most 9", (unsigned long long)decimals);
    tables.decimals = decimals_given ? (int)decimals : -1;
    tables.header = !no_header;
    tables.n_threads = threads > 64 ? 64 : (unsigned)threads;
    double *values = NULL;
    rates r = {NULL, NULL, 0};
    loss_output outs[SHEAF_LOSS_N_TABLES] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
    if (quantiles) status = cli_parse_reals(command.verb, quantiles, &values, &tables.n_quantiles);
    tables.quantiles = values;
    if (status == CLI_CONTINUE && rates_path) status = read_rates(command.verb, rates_path, &r);
    tables.rate_events = r.events;
    tables.rates = r.values;
    tables.n_rates = r.n;
    if (status == CLI_CONTINUE) status = open_outputs(command.verb, arguments[0], paths, output, &tables, outs);
    if (status == CLI_CONTINUE) status = run(command.verb, arguments[1], &tables);
    for (size_t k = 0; k < SHEAF_LOSS_N_TABLES; k++) status = loss_output_close(command.verb, &outs[k], status);
    free(values);
    free(r.events);
    free(r.values);
    return status;
}

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

/* "event_id,rate"; cuts the line. */
static bool parse_rate(char *line, rate *out)
{
    char *comma = strchr(line, ',');
    int64_t event;
    if (!comma) return false;
    *comma = '\0';
    if (!cli_parse_integer(line, &event) || event < INT32_MIN || event > INT32_MAX) return false;
    out->event = (int32_t)event;
    return cli_parse_real(comma + 1, &out->value);
}

typedef struct rate_list {
    rate *items;
    size_t n, capacity;
} rate_list;

static bool add_rate(rate_list *list, rate item)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 1024;
        rate *grown = realloc(list->items, capacity * sizeof *grown);
        if (!grown) return false;
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->n++] = item;
    return true;
}

static int no_memory(const char *verb, const char *path)
{
    return cli_error(verb, "out of memory for the rates of %s", path);
}

/* Lines event_id,rate; a first line of names is skipped. */
static int read_lines(const char *verb, const char *path, FILE *f, rate_list *list)
{
    char line[256];
    for (size_t number = 1; fgets(line, sizeof line, f); number++) {
        rate item;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0') continue;
        bool fine = parse_rate(line, &item);
        if (!fine && number > 1) return cli_error(verb, "%s: line %zu is not event_id,rate", path, number);
        if (fine && !add_rate(list, item)) return no_memory(verb, path);
    }
    return CLI_CONTINUE;
}

/* By growing event, each once. */
static int sort_rates(const char *verb, const char *path, const rate_list *list, rates *out)
{
    out->events = malloc((list->n + 1) * sizeof *out->events);
    out->values = malloc((list->n + 1) * sizeof *out->values);
    if (!out->events || !out->values) return no_memory(verb, path);
    if (list->n) qsort(list->items, list->n, sizeof *list->items, compare_rates);
    for (size_t i = 0; i < list->n; i++) {
        const rate *item = &list->items[i];
        if (i && item->event == item[-1].event) return cli_error(verb, "%s has event %d twice", path, item->event);
        out->events[i] = item->event;
        out->values[i] = item->value;
    }
    out->n = list->n;
    return CLI_CONTINUE;
}

static int read_rates(const char *verb, const char *path, rates *out)
{
    FILE *f = fopen(path, "r");
    if (!f) return cli_error(verb, "cannot open %s: %s", path, strerror(errno));
    rate_list list = {NULL, 0, 0};
    int status = read_lines(verb, path, f, &list);
    fclose(f);
    if (status == CLI_CONTINUE) status = sort_rates(verb, path, &list, out);
    free(list.items);
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

typedef struct asked {
    const char *output, *quantiles, *rates, *paths[SHEAF_LOSS_N_TABLES];
    uint64_t threads, decimals;
    bool decimals_given, no_header;
} asked;

/* Takes in what was asked for, and runs; kind and input: the arguments. */
static int make(const char *verb, const char *kind, const char *input, const asked *a, sheaf_loss_tables_options *tables)
{
    double *values = NULL;
    rates r = {NULL, NULL, 0};
    loss_output outs[SHEAF_LOSS_N_TABLES] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
    int status = CLI_CONTINUE;
    tables->decimals = a->decimals_given ? (int)a->decimals : -1;
    tables->header = !a->no_header;
    tables->n_threads = a->threads > 64 ? 64 : (unsigned)a->threads;
    if (a->quantiles) status = cli_parse_reals(verb, a->quantiles, &values, &tables->n_quantiles);
    tables->quantiles = values;
    if (status == CLI_CONTINUE && a->rates) status = read_rates(verb, a->rates, &r);
    tables->rate_events = r.events;
    tables->rates = r.values;
    tables->n_rates = r.n;
    if (status == CLI_CONTINUE) status = open_outputs(verb, kind, a->paths, a->output, tables, outs);
    if (status == CLI_CONTINUE) status = run(verb, input, tables);
    for (size_t k = 0; k < SHEAF_LOSS_N_TABLES; k++) status = loss_output_close(verb, &outs[k], status);
    free(values);
    free(r.events);
    free(r.values);
    return status;
}

int loss_table(int argc, char **argv)
{
    asked a = {.threads = loss_threads()};
    const char *arguments[2];
    sheaf_loss_tables_options tables;
    sheaf_loss_tables_options_init(&tables);
    const cli_option options[] = {
        {"--quantiles", CLI_TEXT, &a.quantiles, "LIST", "of qelt (default .01,.05,.5,.95,.99)", NULL},
        {"--rates", CLI_TEXT, &a.rates, "FILE", "lines event_id,rate for EventRate of melt", NULL},
        {"--decimals", CLI_COUNT, &a.decimals, "N", "as many decimals (default: the fewest digits that read back equal)",
         &a.decimals_given},
        {"--json", CLI_FLAG, &tables.json, NULL, "an array of objects", NULL},
        {"--no-header", CLI_FLAG, &a.no_header, NULL, "without the line of names", NULL},
        {"--selt", CLI_TEXT, &a.paths[SHEAF_LOSS_SELT], "FILE", "this table too, in the same pass", NULL},
        {"--melt", CLI_TEXT, &a.paths[SHEAF_LOSS_MELT], "FILE", "this table too, in the same pass", NULL},
        {"--qelt", CLI_TEXT, &a.paths[SHEAF_LOSS_QELT], "FILE", "this table too, in the same pass", NULL},
        {"--threads", CLI_COUNT, &a.threads, "N", "default: one for each processor", NULL},
        {"--output,-o", CLI_TEXT, &a.output, "FILE", "instead of standard output", NULL},
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
    if (a.decimals_given && a.decimals > 9) return cli_usage(command.verb, "--decimals %llu: at most 9", (unsigned long long)a.decimals);
    return make(command.verb, arguments[0], arguments[1], &a, &tables);
}

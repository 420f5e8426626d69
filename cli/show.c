// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "sheaf/table.h"

enum { SHOWN_ROWS = 20, SHOWN_WIDTH = 200 };

static sheaf_status to_stdout(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    (void)context;
    if (fwrite(bytes, 1, n, stdout) == n) return SHEAF_OK;
    memset(err, 0, sizeof *err);
    err->code = SHEAF_ERR_IO;
    err->record = err->byte = -1;
    snprintf(err->message, sizeof err->message, "cannot write to standard output");
    return SHEAF_ERR_IO;
}

static sheaf_status to_stream(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    (void)err;
    return fwrite(bytes, 1, n, context) == n ? SHEAF_OK : SHEAF_ERR_MEMORY;
}

/* The first lines of a tab-separated text as aligned columns, cut at the right. */
static void print_aligned(char *text, uint64_t shown, uint64_t there)
{
    cli_table *table = cli_table_create();
    char *names[64], *line, *lines = text, *cell, *cells;
    size_t n_names = 0, width = 0;
    if ((line = strsep(&lines, "\n"))) {
        for (cells = line; n_names < 64 && (cell = strsep(&cells, "\t"));) {
            width += strlen(cell) < 12 ? 14 : strlen(cell) + 2;
            if (n_names && width > SHOWN_WIDTH) break;
            names[n_names++] = cell;
        }
    }
    while (lines && (line = strsep(&lines, "\n")) && *line) {
        size_t i = 0;
        cli_table_row(table);
        for (cells = line; i < n_names && (cell = strsep(&cells, "\t")); i++) {
            double value;
            if (cli_parse_real(cell, &value) && strpbrk(cell, ".e")) cli_table_real(table, names[i], value);
            else cli_table_text(table, names[i], cell);
        }
    }
    cli_table_print(table, stdout);
    cli_table_free(table);
    if (shown < there) printf("… %llu rows in all (--csv and --json print them)\n", (unsigned long long)there);
}

static sheaf_status show_aligned(sheaf_store *store, sheaf_table_spec spec, sheaf_error *err)
{
    char *text = NULL;
    size_t size;
    uint64_t shown = 0, there = 0;
    sheaf_array_info info;
    spec.max_rows = SHOWN_ROWS;
    const char *dimension = sheaf_store_record_name(store, 0);
    if (sheaf_store_array(store, spec.what, &info, NULL) == SHEAF_OK) {
        there = info.shape[0];
        dimension = info.dimensions[0];
    } else if (dimension && sheaf_store_length(store, dimension, &there, NULL) != SHEAF_OK) there = 0;
    if (spec.ids && dimension && strcmp(dimension, "trajectory") == 0) there = spec.n_ids;
    FILE *out = open_memstream(&text, &size);
    if (!out) return SHEAF_ERR_MEMORY;
    sheaf_status status = sheaf_table_write(store, &spec, SHEAF_TEXT_TSV, to_stream, out, &shown, err);
    if (fclose(out) == 0 && status == SHEAF_OK) print_aligned(text, shown, there);
    free(text);
    return status;
}

static int check_text(bool csv, bool json, const char *nonfinite, sheaf_nonfinite *out)
{
    if (csv && json) return cli_usage("show", "--csv and --json exclude each other");
    return cli_check_nonfinite("show", nonfinite, out);
}

static sheaf_status show(const char *path, const char *format, const sheaf_table_spec *spec, bool csv, bool json, sheaf_error *err)
{
    sheaf_store_options options = sheaf_store_options_init();
    options.format = format;
    sheaf_store *store;
    sheaf_status status = sheaf_store_open(path, &options, &store, err);
    if (status != SHEAF_OK) return status;
    status = csv || json ? sheaf_table_write(store, spec, csv ? SHEAF_TEXT_CSV : SHEAF_TEXT_JSON, to_stdout, NULL, NULL, err)
                         : show_aligned(store, *spec, err);
    sheaf_store_free(&store);
    return status;
}

int sheaf_cli_show(int argc, char **argv)
{
    const char *format = NULL, *ids = NULL, *time = NULL, *nonfinite = NULL, *positional[2];
    bool csv = false, json = false;
    const cli_option options[] = {
        {"--id", CLI_TEXT, &ids, "LIST", "these trajectories, in this order: 5,9-12 (of a store by step: these columns)", NULL},
        {"--time", CLI_TEXT, &time, "A:B:K", "stored steps A, A+K, … below B, by position", NULL},
        {"--csv", CLI_FLAG, &csv, NULL, "everything as CSV", NULL},
        {"--json", CLI_FLAG, &json, NULL, "everything as a JSON array of objects", NULL},
        {"--nonfinite", CLI_TEXT, &nonfinite, "null|string", "inf and nan in JSON (default null)", NULL},
        {"--format", CLI_TEXT, &format, "FORMAT", "zarr, hdf5 or npy (default: by STORE's suffix or content)", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {"show",
                                 "STORE [ARRAY]",
                                 "Prints values of a store: of one array, or of everything that lies over its records.",
                                 "  sheaf show run.zarr annual_losses --id 5,9-12 --csv",
                                 1,
                                 2,
                                 options};
    int n;
    int status = cli_parse(&command, argc, argv, positional, &n);
    if (status == CLI_CONTINUE) status = cli_check_format("show", format);
    if (status != CLI_CONTINUE) return status;
    sheaf_table_spec spec = sheaf_table_spec_init(n > 1 ? positional[1] : "all");
    status = check_text(csv, json, nonfinite, &spec.nonfinite);
    if (status != CLI_CONTINUE) return status;
    if (time && !cli_parse_range(time, &spec.time)) return cli_usage("show", "--time: \"%s\" is not A:B:K with K at least 1", time);
    int64_t *list = NULL;
    if (ids && (status = cli_parse_list("show", ids, &list, &spec.n_ids)) != CLI_CONTINUE) return status;
    spec.ids = list;
    sheaf_error err;
    sheaf_status done = show(positional[0], format, &spec, csv, json, &err);
    free(list);
    return done == SHEAF_OK ? CLI_DONE : cli_fail("show", &err, NULL);
}

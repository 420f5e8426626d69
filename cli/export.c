// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "sheaf/interchange.h"

/* An unknown suffix is told before the store is opened. */
static int check_suffix(const char *path)
{
    const char *known[32], *name, *dot = strrchr(path, '.');
    size_t n = 0;
    for (; n < 32 && (name = sheaf_export_type(n)); n++) {
        known[n] = name;
        if (dot && strcmp(dot + 1, name) == 0) return CLI_CONTINUE;
    }
    return cli_unknown("export", "kind of file", dot ? dot + 1 : path, known, n);
}

/* What an export is written to first; malloc'd. */
static char *name_beside(const char *path)
{
    size_t n = strlen(path) + sizeof ".sheaf-tmp";
    char *beside = malloc(n);
    if (beside) snprintf(beside, n, "%s.sheaf-tmp", path);
    return beside;
}

/* spec->what stays NULL when nothing says what to write. */
static int make_spec(const char *path, const char *what, const char *wide, const char *nonfinite, sheaf_table_spec *spec)
{
    const char *suffix = strrchr(path, '.');
    if (wide && what) return cli_usage("export", "--wide and --what exclude each other");
    if (wide && strcmp(suffix, ".parquet") != 0) return cli_usage("export", "--wide is for .parquet, not for %s", suffix);
    if (!what) what = wide ? wide : strcmp(suffix, ".npz") == 0 ? "all" : NULL;
    *spec = sheaf_table_spec_init(what);
    spec->wide = wide != NULL;
    return cli_check_nonfinite("export", nonfinite, &spec->nonfinite);
}

/* An interrupted export leaves nothing behind. */
static sheaf_status write_out(sheaf_store *store, const sheaf_table_spec *spec, const char *out, uint64_t *n_rows, sheaf_error *err)
{
    char *beside = name_beside(out);
    if (!beside) {
        *err = (sheaf_error){.code = SHEAF_ERR_MEMORY, .record = -1, .byte = -1, .message = "out of memory for a path"};
        return SHEAF_ERR_MEMORY;
    }
    cli_remove_on_signal(beside, true);
    sheaf_status status = sheaf_export(store, spec, out, n_rows, err);
    cli_remove_on_signal(beside, false);
    free(beside);
    return status;
}

static sheaf_status export(const char *path, const char *format, const char *out, sheaf_table_spec *spec, uint64_t *n_rows,
                           sheaf_error *err)
{
    sheaf_store_options options = sheaf_store_options_init();
    options.format = format;
    sheaf_store *store;
    sheaf_status status = sheaf_store_open(path, &options, &store, err);
    if (status != SHEAF_OK) return status;
    bool any = !spec->what;
    if (any) spec->what = "summaries";
    status = write_out(store, spec, out, n_rows, err);
    if (status == SHEAF_ERR_NOT_FOUND && any) {
        spec->what = "all";
        status = write_out(store, spec, out, n_rows, err);
    }
    sheaf_store_free(&store);
    return status;
}

int sheaf_cli_export(int argc, char **argv)
{
    const char *format = NULL, *what = NULL, *wide = NULL, *nonfinite = NULL, *positional[2];
    bool quiet = false;
    const cli_option options[] = {
        {"--what", CLI_TEXT, &what, "summaries|ARRAY|all", "what to write (default: summaries, or all where there are none)", NULL},
        {"--wide", CLI_TEXT, &wide, "VARIABLE", "Parquet: one column for each trajectory, named 0, 1, …; one row for each step", NULL},
        {"--nonfinite", CLI_TEXT, &nonfinite, "null|string", "inf and nan in JSON (default null)", NULL},
        {"--format", CLI_TEXT, &format, "FORMAT", "of STORE: zarr, hdf5 or npy (default: by its suffix or content)", NULL},
        {"--quiet", CLI_FLAG, &quiet, NULL, "no closing line", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {
        "export",
        "STORE OUT",
        "Writes a part of a store to a file that its suffix names (.csv, .tsv, .json, .npy, .npz, .parquet), trajectories by growing id.",
        "  sheaf export run.zarr summaries.csv\n  sheaf export run.zarr losses.npy --what annual_losses\n  sheaf export run.zarr "
        "series.parquet --what all\n  sheaf export run.zarr assets.parquet --wide assets",
        2,
        2,
        options};
    int n;
    int status = cli_parse(&command, argc, argv, positional, &n);
    if (status == CLI_CONTINUE) status = check_suffix(positional[1]);
    if (status == CLI_CONTINUE) status = cli_check_format("export", format);
    sheaf_table_spec spec;
    if (status == CLI_CONTINUE) status = make_spec(positional[1], what, wide, nonfinite, &spec);
    if (status != CLI_CONTINUE) return status;
    sheaf_error err;
    uint64_t n_rows = 0;
    double begun = cli_seconds();
    sheaf_status done = export(positional[0], format, positional[1], &spec, &n_rows, &err);
    if (done != SHEAF_OK) return cli_fail("export", &err, NULL);
    if (!quiet)
        fprintf(stderr, "sheaf: export: %llu rows of %s in %s, %.2f s\n", (unsigned long long)n_rows, spec.what, positional[1],
                cli_seconds() - begun);
    return CLI_DONE;
}

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "sheaf/interchange.h"

static sheaf_status read_stdin(void *context, void *to, size_t n, size_t *got, sheaf_error *err)
{
    (void)context;
    ssize_t r;
    do r = read(STDIN_FILENO, to, n);
    while (r < 0 && errno == EINTR);
    *got = r > 0 ? (size_t)r : 0;
    if (r >= 0) return SHEAF_OK;
    memset(err, 0, sizeof *err);
    err->code = SHEAF_ERR_IO;
    err->system_errno = errno;
    err->record = err->byte = -1;
    snprintf(err->message, sizeof err->message, "reading standard input: %s", strerror(errno));
    return SHEAF_ERR_IO;
}

typedef struct arguments {
    cli_writer writer;
    const char *as, *type, *dtype;
    uint64_t every;
    bool every_given;
    sheaf_import_spec spec;
} arguments;

static int check(arguments *a, const char *input)
{
    if (a->as && strcmp(a->as, "trajectories") == 0) a->spec.kind = SHEAF_BY_TRAJECTORY;
    else if (a->as && strcmp(a->as, "steps") != 0) return cli_usage("import", "--as \"%s\" is neither steps nor trajectories", a->as);
    if (a->every == 0 || a->every > UINT32_MAX)
        return cli_usage("import", "--every %llu is not possible; at least 1", (unsigned long long)a->every);
    a->spec.interval = (uint32_t)a->every;
    if (a->every_given) a->spec.source_interval = (uint32_t)a->every;
    if (a->dtype) {
        a->spec.stored = sheaf_dtype_parse(a->dtype);
        if (a->spec.stored == SHEAF_DTYPE_NONE) return cli_usage("import", "--dtype \"%s\" is no known type", a->dtype);
    }
    if (a->type) {
        const char *known[32], *name;
        size_t n = 0;
        bool found = false;
        for (; n < 32 && (name = sheaf_import_type(n)); n++) {
            known[n] = name;
            found |= strcmp(name, a->type) == 0;
        }
        if (!found) return cli_unknown("import", "type", a->type, known, n);
    } else if (strcmp(input, "-") == 0) {
        return cli_usage("import", "standard input needs --type (txt, tsv, csv or npy)");
    }
    int status = cli_writer_finish("import", &a->writer);
    a->spec.type = a->type;
    a->spec.codec = a->writer.codec_id;
    a->spec.resume = a->writer.resume;
    return status;
}

static int run(arguments *a, const char *input, const char *path, bool quiet)
{
    double begun = cli_seconds();
    cli_cancel_on_signal(&a->writer.options);
    sheaf_import_result result;
    sheaf_error err;
    sheaf_status status = strcmp(input, "-") == 0 ? sheaf_import_stream(read_stdin, NULL, path, &a->spec, &a->writer.options, &result, &err)
                                                  : sheaf_import(input, path, &a->spec, &a->writer.options, &result, &err);
    if (status != SHEAF_OK) return cli_fail("import", &err, cli_store_hint(&err, true));
    if (!quiet)
        fprintf(stderr, "sheaf: import: %llu rows stored as %s in %s, %.2f s, peak %.1f MiB\n", (unsigned long long)result.n_rows,
                result.name, path, cli_seconds() - begun, cli_peak_mib());
    return CLI_DONE;
}

int sheaf_cli_import(int argc, char **argv)
{
    arguments a = {.writer = {.only_stop = true}, .every = 1, .spec = sheaf_import_spec_init()};
    cli_option writer_options[CLI_N_WRITER_OPTIONS + 1];
    cli_writer_options(&a.writer, writer_options);
    bool quiet = false;
    const cli_option options[] = {
        {"--as", CLI_TEXT, &a.as, "steps|trajectories", "what a row is (default steps)", NULL},
        {"--type", CLI_TEXT, &a.type, "TYPE", "of the input (default: by its suffix)", NULL},
        {"--name", CLI_TEXT, &a.spec.name, "VARIABLE", "name of the variable (default: the input's stem)", NULL},
        {"--array", CLI_TEXT, &a.spec.array, "ARRAY", "which array of an input that holds several (GROUP/NAME in groups)", NULL},
        {"--time,--id", CLI_TEXT, &a.spec.coordinate, "COLUMN", "of text: the column, by name or number from 0, of times (or ids)", NULL},
        {"--dtype", CLI_TEXT, &a.dtype, "f32|f64", "type of the stored values (default: as they are; text: f64)", NULL},
        {"--every", CLI_COUNT, &a.every, "K",
         "store steps 0, K, 2K, … (default 1); of a TrajectoryStorage: the interval it was written with", &a.every_given},
        {"--keep-last", CLI_FLAG, &a.spec.keep_last, NULL, "store the last step too", NULL},
        {"--no-summaries", CLI_FLAG, &a.spec.no_summaries, NULL, "of trajectories: store no summaries", NULL},
        {NULL, CLI_GROUP, writer_options, NULL, NULL, NULL},
        {"--quiet", CLI_FLAG, &quiet, NULL, "no closing line", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {
        "import",
        "INPUT STORE",
        "Stores an array of a file: each row is a step of an ensemble, or a trajectory. INPUT is a file (txt, tsv, csv, npy, npz, h5, "
        "zarr, parquet), or - for standard input.",
        "  sheaf import wind.txt wind.zarr --as steps\n  cat losses.csv | sheaf import - losses.h5 --type csv --as trajectories --name "
        "losses",
        2,
        2,
        options};
    const char *positional[2];
    int n;
    int status = cli_parse(&command, argc, argv, positional, &n);
    if (status == CLI_CONTINUE) status = check(&a, positional[0]);
    return status == CLI_CONTINUE ? run(&a, positional[0], positional[1], quiet) : status;
}

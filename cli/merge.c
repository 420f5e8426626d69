// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli.h"
#include "sheaf/interchange.h"

enum { MOST_STORES = 4096 };

static int check(cli_writer *writer, sheaf_merge_spec *spec)
{
    int status = cli_writer_finish("merge", writer);
    spec->codec = writer->codec_id;
    return status;
}

typedef struct arguments {
    cli_writer writer;
    sheaf_merge_spec spec;
    bool quiet, progress;
} arguments;

static int run(arguments *a, const char *out, const char *const *stores, size_t n_stores)
{
    cli_progress progress;
    sheaf_copy_result result;
    sheaf_error err;
    double begun = cli_seconds();
    cli_progress_begin(&progress, "merge", "records", 0, a->quiet, a->progress);
    a->spec.progress = cli_progress_show;
    a->spec.context = &progress;
    cli_cancel_on_signal(&a->writer.options);
    sheaf_status status = sheaf_merge(out, stores, n_stores, &a->spec, &a->writer.options, &result, &err);
    cli_progress_end(&progress);
    if (status != SHEAF_OK) return cli_fail("merge", &err, cli_store_hint(&err, false));
    if (!a->quiet)
        fprintf(stderr, "sheaf: merge: %zu stores, %llu arrays, %llu records in %s, %.2f s, peak %.1f MiB\n", n_stores,
                (unsigned long long)result.n_arrays, (unsigned long long)result.n_records, out, cli_seconds() - begun, cli_peak_mib());
    return CLI_DONE;
}

int sheaf_cli_merge(int argc, char **argv)
{
    static const char *positional[MOST_STORES + 1];
    arguments a = {.writer = {.no_resume = true, .only_stop = true}, .spec = sheaf_merge_spec_init()};
    cli_option writer_options[CLI_N_WRITER_OPTIONS + 1];
    cli_writer_options(&a.writer, writer_options);
    const cli_option options[] = {
        {"--axis", CLI_TEXT, &a.spec.axis, "DIMENSION",
         "join along this fixed dimension (default: records; of steps with equal times, trajectory)", NULL},
        {"--renumber", CLI_FLAG, &a.spec.renumber, NULL, "joining columns: number their ids anew instead of refusing duplicates", NULL},
        {NULL, CLI_GROUP, writer_options, NULL, NULL, NULL},
        {"--quiet", CLI_FLAG, &a.quiet, NULL, "no progress and no closing line", NULL},
        {"--progress", CLI_FLAG, &a.progress, NULL, "progress also when standard error is no terminal", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {
        "merge",
        "OUT STORE…",
        "Joins stores of one schema, written by workers or ranks, into one. Ids are kept; one that two stores have is refused.",
        "  sheaf merge all.zarr worker-*.zarr\n  sheaf merge all.h5 rank0.npyd rank1.npyd --axis trajectory",
        2,
        MOST_STORES + 1,
        options};
    int n;
    int status = cli_parse(&command, argc, argv, positional, &n);
    if (status == CLI_CONTINUE) status = check(&a.writer, &a.spec);
    return status == CLI_CONTINUE ? run(&a, positional[0], positional + 1, (size_t)n - 1) : status;
}

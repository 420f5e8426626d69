// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli.h"
#include "sheaf/interchange.h"

typedef struct arguments {
    cli_writer writer;
    const char *dtype;
    uint64_t every;
    bool quiet, progress;
    sheaf_convert_spec spec;
} arguments;

static int check(arguments *a)
{
    if (a->every == 0 || a->every > UINT32_MAX)
        return cli_usage("convert", "--every %llu is not possible; at least 1", (unsigned long long)a->every);
    a->spec.every = (uint32_t)a->every;
    if (a->dtype) {
        a->spec.stored = sheaf_dtype_parse(a->dtype);
        if (a->spec.stored != SHEAF_F32 && a->spec.stored != SHEAF_F64)
            return cli_usage("convert", "--dtype \"%s\" is neither f32 nor f64", a->dtype);
    }
    int status = cli_writer_finish("convert", &a->writer);
    a->spec.codec = a->writer.codec_id;
    return status;
}

/* Files of other tools that are no stores: what import and export do by themselves. */
static bool has_suffix(const char *path, const char *suffix)
{
    const char *dot = strrchr(path, '.');
    return dot && suffix && strcmp(dot + 1, suffix) == 0;
}

static bool is_exported(const char *path)
{
    for (size_t i = 0; sheaf_export_type(i); i++)
        if (has_suffix(path, sheaf_export_type(i))) return true;
    return false;
}

static bool is_imported(const char *path)
{
    static const char *const stores[] = {"zarr", "h5", "hdf5", "npyd"};
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        if (has_suffix(path, stores[i])) return false;
    for (size_t i = 0; sheaf_import_type(i); i++)
        if (has_suffix(path, sheaf_import_type(i))) return true;
    return false;
}

static sheaf_status export_all(const arguments *a, const char *source, const char *target, sheaf_copy_result *result, sheaf_error *err)
{
    sheaf_store *store;
    sheaf_table_spec spec = sheaf_table_spec_init("all");
    sheaf_store_options options = sheaf_store_options_init();
    options.format = a->spec.source_format;
    sheaf_status status = sheaf_store_open(source, &options, &store, err);
    if (status != SHEAF_OK) return status;
    *result = (sheaf_copy_result){.n_arrays = sheaf_store_n_arrays(store)};
    status = sheaf_export(store, &spec, target, &result->n_records, err);
    sheaf_store_free(&store);
    return status;
}

static sheaf_status import_all(const arguments *a, const char *source, const char *target, sheaf_copy_result *result, sheaf_error *err)
{
    sheaf_import_result imported = {0};
    sheaf_import_spec spec = sheaf_import_spec_init();
    spec.interval = a->spec.every;
    spec.stored = a->spec.stored;
    spec.codec = a->spec.codec;
    sheaf_status status = sheaf_import(source, target, &spec, &a->writer.options, &imported, err);
    *result = (sheaf_copy_result){.n_arrays = 1, .n_records = imported.n_rows};
    return status;
}

static sheaf_status copy(arguments *a, const char *source, const char *target, bool out, sheaf_copy_result *result, sheaf_error *err)
{
    cli_progress progress;
    cli_progress_begin(&progress, "convert", "records", 0, a->quiet, a->progress);
    a->spec.progress = cli_progress_show;
    a->spec.context = &progress;
    if (!out) cli_cancel_on_signal(&a->writer.options);
    sheaf_status status = out                   ? export_all(a, source, target, result, err)
                          : is_imported(source) ? import_all(a, source, target, result, err)
                                                : sheaf_convert(source, target, &a->spec, &a->writer.options, result, err);
    cli_progress_end(&progress);
    return status;
}

static int run(arguments *a, const char *source, const char *target)
{
    bool out = !a->writer.format && is_exported(target);
    if (out && (a->every != 1 || a->dtype || a->writer.codec))
        return cli_usage("convert", "--every, --dtype and --codec are for stores, not for %s", target);
    sheaf_copy_result result;
    sheaf_error err;
    double begun = cli_seconds();
    if (copy(a, source, target, out, &result, &err) != SHEAF_OK) return cli_fail("convert", &err, cli_store_hint(&err, false));
    if (result.n_groups_left_out)
        fprintf(stderr, "sheaf: convert: %llu groups inside %s are not copied (%s/GROUP copies one)\n",
                (unsigned long long)result.n_groups_left_out, source, source);
    if (!a->quiet)
        fprintf(stderr, "sheaf: convert: %llu arrays, %llu records in %s, %.2f s, peak %.1f MiB\n", (unsigned long long)result.n_arrays,
                (unsigned long long)result.n_records, target, cli_seconds() - begun, cli_peak_mib());
    return CLI_DONE;
}

int sheaf_cli_convert(int argc, char **argv)
{
    arguments a = {.writer = {.no_resume = true, .only_stop = true}, .every = 1, .spec = sheaf_convert_spec_init()};
    cli_option writer_options[CLI_N_WRITER_OPTIONS + 1];
    cli_writer_options(&a.writer, writer_options);
    const cli_option options[] = {
        {"--every", CLI_COUNT, &a.every, "K", "keep the stored steps at positions 0, K, 2K, … (default 1)", NULL},
        {"--along", CLI_TEXT, &a.spec.time, "DIMENSION", "what --every thins (default: time)", NULL},
        {"--dtype", CLI_TEXT, &a.dtype, "f32|f64", "type of floating values, but for coordinates and summaries (default: as they are)",
         NULL},
        {"--source-format", CLI_TEXT, &a.spec.source_format, "FORMAT", "of SRC: zarr, hdf5 or npy (default: by its suffix or content)",
         NULL},
        {NULL, CLI_GROUP, writer_options, NULL, NULL, NULL},
        {"--quiet", CLI_FLAG, &a.quiet, NULL, "no progress and no closing line", NULL},
        {"--progress", CLI_FLAG, &a.progress, NULL, "progress also when standard error is no terminal", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {
        "convert",
        "SRC DST",
        "Copies a store into another format: everything as it is, ids, fixed arrays and attributes too. SRC may "
        "be a Zarr group or an HDF5 file of other tools; one of both may be a .parquet or other file, as import and export have them.",
        "  sheaf convert run.zarr run.h5\n  sheaf convert run.zarr small.npyd --every 10 --dtype f32",
        2,
        2,
        options};
    const char *positional[2];
    int n;
    int status = cli_parse(&command, argc, argv, positional, &n);
    if (status == CLI_CONTINUE) status = check(&a);
    return status == CLI_CONTINUE ? run(&a, positional[0], positional[1]) : status;
}

// SPDX-License-Identifier: Apache-2.0
/* Options of the verbs that write a store. */
#include <limits.h>
#include <string.h>

#include "cli.h"

void cli_writer_options(cli_writer *w, cli_option *options)
{
    const cli_option table[CLI_N_WRITER_OPTIONS + 1] = {
        {"--format", CLI_TEXT, &w->format, "FORMAT", "zarr, hdf5 or npy (default: by STORE's suffix .zarr, .h5, .npyd)", NULL},
        {"--codec", CLI_TEXT, &w->codec, "C", "default, none, blosc, zstd or gzip", NULL},
        {"--threads", CLI_COUNT, &w->threads, "N", "threads; 0: everything in one (default: by the number of processors)",
         &w->threads_given},
        {"--memory", CLI_SIZE, &w->memory, "SIZE",
         w->memory_help ? w->memory_help : "bound of memory for buffers, ids and caches (default 256M)", &w->memory_given},
        {"--disk", CLI_SIZE, &w->disk, "SIZE", "bound of the bytes allocated on disk (default: none)", &w->disk_given},
        {"--commit-every", CLI_TEXT, &w->commit_every, "ROWS|DURATION", "commit after so many rows (1000) or so long (500ms; default 1s)",
         NULL},
        {"--checkpoint-every", CLI_DURATION, &w->checkpoint_ms, "DURATION",
         "make the store complete for other tools so often (default 10s)", &w->checkpoint_given},
        {"--sync", CLI_FLAG, &w->sync, NULL, "a commit survives a power cut", NULL},
        {"--replace", CLI_FLAG, &w->replace, NULL, "remove a store that is there already", NULL},
        {"--resume", CLI_FLAG, &w->resume, NULL, w->no_resume ? NULL : "go on with a store that is there already", NULL},
        {"--at-limit", CLI_TEXT, &w->at_limit, "stop|summaries", w->only_stop ? NULL : "what to do at the disk limit (default stop)", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    memcpy(options, table, sizeof table);
}

static int commit_every(const char *verb, cli_writer *w)
{
    uint64_t n;
    if (cli_parse_count(w->commit_every, &n)) {
        if (n == 0) return cli_usage(verb, "--commit-every: 0 rows is not possible; at least 1");
        w->options.commit_rows = n;
        w->options.commit_bytes = 0;
        w->options.commit_interval_ms = 0;
    } else if (cli_parse_duration(w->commit_every, &n)) {
        w->options.commit_interval_ms = n;
    } else {
        return cli_usage(verb, "--commit-every: \"%s\" is neither a number of rows nor a duration such as 500ms", w->commit_every);
    }
    return CLI_CONTINUE;
}

static int check_codec(const char *verb, cli_writer *w)
{
    w->codec_id = SHEAF_CODEC_DEFAULT;
    if (!w->codec) return CLI_CONTINUE;
#define NAME(constant, value, name) name,
    static const char *const names[] = {SHEAF_CODEC_LIST(NAME)};
#undef NAME
#define VALUE(constant, value, name) constant,
    static const sheaf_codec values[] = {SHEAF_CODEC_LIST(VALUE)};
#undef VALUE
    size_t n = sizeof names / sizeof names[0];
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], w->codec) == 0) {
            w->codec_id = values[i];
            return CLI_CONTINUE;
        }
    }
    return cli_unknown(verb, "codec", w->codec, names, n);
}

int cli_check_format(const char *verb, const char *format)
{
    const char *known[16], *name;
    size_t n = 0;
    if (!format) return CLI_CONTINUE;
    for (size_t i = 0; n < 16 && (name = sheaf_format_name(i)); i++) {
        if (strcmp(name, format) == 0) return CLI_CONTINUE;
        if (strcmp(name, "mem") != 0) known[n++] = name;
    }
    return cli_unknown(verb, "format", format, known, n);
}

int cli_writer_finish(const char *verb, cli_writer *w)
{
    sheaf_store_options *o = &w->options;
    *o = sheaf_store_options_init();
    if (w->no_resume && w->resume) return cli_usage(verb, "--resume is not possible here; --replace removes what is there");
    if (w->only_stop && w->at_limit && strcmp(w->at_limit, "stop") != 0) return cli_usage(verb, "--at-limit: only stop is possible here");
    if (w->replace && w->resume) return cli_usage(verb, "--replace and --resume exclude each other");
    int status = check_codec(verb, w);
    if (status == CLI_CONTINUE) status = cli_check_format(verb, w->format);
    if (status != CLI_CONTINUE) return status;
    o->format = w->format;
    if (w->threads_given) {
        if (w->threads > 256) return cli_usage(verb, "--threads: %llu is more than 256", (unsigned long long)w->threads);
        o->n_threads = (unsigned)w->threads;
    }
    if (w->memory_given) {
        if (w->memory < (uint64_t)1 << 20) return cli_usage(verb, "--memory: %llu bytes is less than 1M", (unsigned long long)w->memory);
        o->memory_bytes = w->memory;
    }
    if (w->disk_given) {
        if (w->disk == 0) return cli_usage(verb, "--disk: 0 bytes leave no room for anything");
        o->disk_bytes = w->disk;
    }
    if (w->checkpoint_given) o->checkpoint_interval_ms = w->checkpoint_ms;
    if (w->replace) o->if_exists = SHEAF_IF_EXISTS_REPLACE;
    o->sync = w->sync;
    return w->commit_every ? commit_every(verb, w) : CLI_CONTINUE;
}

int cli_check_nonfinite(const char *verb, const char *nonfinite, sheaf_nonfinite *out)
{
    *out = SHEAF_NONFINITE_NULL;
    if (nonfinite && strcmp(nonfinite, "string") == 0) *out = SHEAF_NONFINITE_STRING;
    else if (nonfinite && strcmp(nonfinite, "null") != 0)
        return cli_usage(verb, "--nonfinite \"%s\" is neither null nor string", nonfinite);
    return CLI_CONTINUE;
}

const char *cli_store_hint(const sheaf_error *err, bool can_resume)
{
    switch (err->code) {
    case SHEAF_ERR_EXISTS: return can_resume ? "--replace removes it, --resume goes on with it" : "--replace removes it";
    case SHEAF_ERR_BUDGET: return can_resume ? "a larger --disk lets it go on with --resume" : "it needs a larger --disk";
    default: return NULL;
    }
}

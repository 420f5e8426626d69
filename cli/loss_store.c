// SPDX-License-Identifier: Apache-2.0
/* sheaf loss store. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loss.h"

/* Bytes go on to standard output before they are stored. */
typedef struct tee {
    sheaf_loss_store *store;
    loss_output *out; /* NULL: not */
} tee;

static sheaf_status feed_store(void *handle, const void *bytes, size_t n, sheaf_error *err)
{
    tee *t = handle;
    sheaf_status status = t->out ? loss_sink(t->out, bytes, n, err) : SHEAF_OK;
    return status ? status : sheaf_loss_store_feed(t->store, bytes, n, err);
}

static int store_inputs(const char *verb, const char *const *paths, int n, const char *store, const sheaf_loss_store_options *options,
                        loss_output *out)
{
    sheaf_error err;
    tee t = {NULL, out};
    if (sheaf_loss_store_create(store, options, &t.store, &err)) return cli_fail(verb, &err, cli_store_hint(&err, true));
    sheaf_status status = SHEAF_OK;
    for (int i = 0; i < n && !status; i++) {
        status = loss_pump(paths[i], feed_store, &t, &err);
        if (!status) status = sheaf_loss_store_end_stream(t.store, &err);
        if (status && !err.path[0]) snprintf(err.path, sizeof err.path, "%s", paths[i]);
        sheaf_loss_stats stats = *sheaf_loss_store_stats(t.store);
        if (!status) loss_remarks(verb, paths[i], &stats);
    }
    if (!status) status = sheaf_loss_store_close(&t.store, &err);
    const char *hint = status == SHEAF_ERR_TRUNCATED ? "--recover keeps the whole packets" : status ? cli_store_hint(&err, true) : NULL;
    sheaf_loss_store_free(&t.store);
    return status ? cli_fail(verb, &err, hint) : CLI_DONE;
}

/* A store that is replaced cannot be read meanwhile. */
static bool is_same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int loss_store(int argc, char **argv)
{
    enum { MOST = 256 };
    bool tees = false;
    cli_writer writer = {.only_stop = true, .memory_help = "bound of memory (default 32M)"};
    cli_option shared[CLI_N_WRITER_OPTIONS + 1];
    sheaf_loss_store_options o = sheaf_loss_store_options_init();
    cli_writer_options(&writer, shared);
    const cli_option options[] = {
        {"--tee", CLI_FLAG, &tees, NULL, "the bytes also go to standard output, as they are", NULL},
        {"--append", CLI_FLAG, &o.append, NULL, "go on with a store that is there (as --resume)", NULL},
        {"--recover", CLI_FLAG, &o.recover, NULL, "at a cut end keep the whole packets", NULL},
        {"", CLI_GROUP, shared, NULL, NULL, NULL},
        {0},
    };
    const cli_command command = {
        .verb = "loss store",
        .arguments = "INPUT… STORE",
        .what = "Stores loss streams, compressed and indexed by event; sheaf loss cat gives them back byte for byte.",
        .example = "  sheaf loss store gul.bin gul.zarr\n  gulcalc … | sheaf loss store --tee - gul.zarr | fmcalc …\n  sheaf loss store "
                   "--append more.bin gul.zarr\n",
        .min_positional = 2,
        .max_positional = MOST,
        .options = options,
    };
    const char *paths[MOST];
    int n, status = cli_parse(&command, argc, argv, paths, &n);
    if (status == CLI_CONTINUE) status = cli_writer_finish(command.verb, &writer);
    if (status != CLI_CONTINUE) return status;
    o.append |= writer.resume;
    if (o.append && writer.replace) return cli_usage(command.verb, "--append and --replace exclude each other");
    for (int i = 0; i + 1 < n; i++)
        if (is_same(paths[i], paths[n - 1])) return cli_error(command.verb, "%s is both an input and the store", paths[i]);
    if (!writer.memory_given) writer.options.memory_bytes = LOSS_MEMORY;
    o.store = &writer.options;
    o.codec = writer.codec_id;
    loss_output out = {.fd = STDOUT_FILENO, .name = "standard output"};
    return store_inputs(command.verb, paths, n - 1, paths[n - 1], &o, tees ? &out : NULL);
}

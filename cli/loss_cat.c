// SPDX-License-Identifier: Apache-2.0
/* sheaf loss cat and sheaf loss index. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loss.h"

static sheaf_status feed_filter(void *handle, const void *bytes, size_t n, sheaf_error *err)
{
    return sheaf_loss_filter_feed(handle, bytes, n, err);
}

/* One input through a filter. */
static int filter_input(const char *verb, const char *path, const sheaf_loss_filter_options *options, loss_output *out)
{
    sheaf_error err;
    sheaf_loss_filter *filter;
    if (sheaf_loss_filter_create(options, out ? loss_sink : NULL, out, &filter, &err)) return cli_fail(verb, &err, NULL);
    sheaf_status status = loss_pump(path, feed_filter, filter, &err);
    if (!status) status = sheaf_loss_filter_finish(filter, &err);
    if (status && !err.path[0]) snprintf(err.path, sizeof err.path, "%s", path);
    bool cut = status == SHEAF_ERR_TRUNCATED && !options->recover;
    int code = status ? cli_fail(verb, &err, cut ? "--recover keeps the whole packets" : NULL) : CLI_DONE;
    loss_remarks(verb, path, sheaf_loss_filter_stats(filter));
    sheaf_loss_filter_free(&filter);
    return code;
}

/* Packets of a store: only what holds them is read. */
static int replay_store(const char *verb, const char *path, const sheaf_loss_filter_options *o, bool statistics, loss_output *out)
{
    sheaf_error err;
    sheaf_loss_replay *replay;
    sheaf_store_options options = sheaf_store_options_init();
    options.memory_bytes = LOSS_MEMORY;
    if (sheaf_loss_replay_open(path, &options, &replay, &err)) return cli_fail(verb, &err, NULL);
    sheaf_status status = sheaf_loss_replay_run(replay, o->events, o->n_events, o->items, o->n_items, loss_threads(), loss_sink, out, &err);
    int code = status ? cli_fail(verb, &err, NULL) : CLI_DONE;
    sheaf_store_statistics s = {.size_bytes = sizeof s};
    if (statistics && sheaf_store_get_statistics(sheaf_loss_replay_store(replay), &s, &err) == SHEAF_OK) {
        fprintf(stderr, "sheaf: %s: %llu chunks decoded\n", verb, (unsigned long long)s.n_chunks_decoded);
    }
    sheaf_loss_replay_free(&replay);
    return code;
}

/* ---- the canonical form ---- */

typedef struct cat_options {
    const char *events, *items, *known_items, *output;
    bool canonical, ordered, merge, interleave, recover, strict, lenient, statistics;
} cat_options;

typedef struct canonical {
    sheaf_loss_merger *merger;
    sheaf_loss_writer *writer;
    loss_output *out;
    bool ordered;
} canonical;

static sheaf_status make_writer(canonical *c, sheaf_error *err)
{
    const sheaf_loss_header *header = sheaf_loss_merger_header(c->merger);
    if (c->writer || !header) return SHEAF_OK;
    return sheaf_loss_writer_create(header, c->ordered, loss_sink, c->out, &c->writer, err);
}

static sheaf_status on_event(void *context, const sheaf_loss_event *event, sheaf_error *err)
{
    canonical *c = context;
    sheaf_status status = make_writer(c, err);
    return status ? status : sheaf_loss_writer_put_event(c->writer, event, err);
}

/* The inputs that can be read now; in a merge, the one that is wanted. */
static sheaf_status feed_some(canonical *c, struct pollfd *inputs, const char *const *paths, size_t n, bool merge, sheaf_error *err)
{
    static char block[256 << 10];
    int64_t wanted = merge ? sheaf_loss_merger_wants(c->merger) : -1;
    if (wanted < 0 && poll(inputs, n, -1) < 0) return SHEAF_OK;
    for (size_t i = 0; i < n; i++) {
        if (inputs[i].fd < 0 || (wanted >= 0 ? (int64_t)i != wanted : inputs[i].revents == 0)) continue;
        ssize_t got = read(inputs[i].fd, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            memset(err, 0, sizeof *err);
            err->code = SHEAF_ERR_IO;
            err->record = err->byte = -1;
            snprintf(err->message, sizeof err->message, "cannot read %s: %s", paths[i], strerror(errno));
            return err->code;
        }
        sheaf_status status =
            got ? sheaf_loss_merger_feed(c->merger, i, block, (size_t)got, err) : sheaf_loss_merger_finish(c->merger, i, err);
        if (status && !err->path[0]) snprintf(err->path, sizeof err->path, "%s", paths[i]);
        if (status) return status;
        if (got) continue;
        if (inputs[i].fd != STDIN_FILENO) (void)close(inputs[i].fd);
        inputs[i].fd = -1;
    }
    return SHEAF_OK;
}

static sheaf_status run_canonical(canonical *c, struct pollfd *inputs, const char *const *paths, size_t n, bool merge, sheaf_error *err)
{
    size_t open = n;
    while (open > 0) {
        sheaf_status status = feed_some(c, inputs, paths, n, merge, err);
        if (status) return status;
        open = 0;
        for (size_t i = 0; i < n; i++) open += inputs[i].fd >= 0;
    }
    sheaf_status status = make_writer(c, err);
    return status ? status : sheaf_loss_writer_finish(c->writer, err);
}

static sheaf_status feed_first(void *handle, const void *bytes, size_t n, sheaf_error *err)
{
    return sheaf_loss_merger_feed(handle, 0, bytes, n, err);
}

static sheaf_status run_one(canonical *c, const char *path, sheaf_error *err)
{
    sheaf_status status = loss_pump(path, feed_first, c->merger, err);
    if (!status) status = sheaf_loss_merger_finish(c->merger, 0, err);
    if (!status) status = make_writer(c, err);
    return status ? status : sheaf_loss_writer_finish(c->writer, err);
}

static int cat_canonical(const char *verb, const char *const *paths, size_t n, const cat_options *o, loss_output *out)
{
    sheaf_error err;
    sheaf_loss_reader_options options;
    sheaf_loss_reader_options_init(&options);
    if (o->recover) options.cut_end = SHEAF_LOSS_ACCEPT;
    if (o->lenient) options.duplicate_sidx = SHEAF_LOSS_ACCEPT;
    if (o->strict) options.sidx_above = options.open_end = SHEAF_LOSS_REFUSE;
    int32_t *known;
    int code = loss_ids(verb, o->known_items, &known, &options.n_item_ids);
    if (code != CLI_CONTINUE) return code;
    options.item_ids = known;
    canonical c = {.out = out, .ordered = o->ordered};
    struct pollfd *inputs = calloc(n, sizeof *inputs);
    if (!inputs) {
        free(known);
        return cli_error(verb, "out of memory for %zu inputs", n);
    }
    for (size_t i = 0; n > 1 && i < n && code == CLI_CONTINUE; i++) {
        inputs[i].events = POLLIN;
        code = loss_open(verb, paths[i], &inputs[i].fd);
    }
    if (code == CLI_CONTINUE) {
        sheaf_loss_join join = o->merge ? SHEAF_LOSS_MERGE : SHEAF_LOSS_INTERLEAVE;
        sheaf_status status = sheaf_loss_merger_create(join, n, paths, &options, on_event, &c, &c.merger, &err);
        if (!status) status = n == 1 ? run_one(&c, paths[0], &err) : run_canonical(&c, inputs, paths, n, o->merge, &err);
        code = status ? cli_fail(verb, &err, status == SHEAF_ERR_TRUNCATED ? "--recover keeps the whole packets" : NULL) : CLI_DONE;
        sheaf_loss_stats stats;
        if (c.merger) sheaf_loss_merger_stats(c.merger, &stats), loss_remarks(verb, n == 1 ? paths[0] : "an input", &stats);
    }
    sheaf_loss_merger_free(&c.merger);
    sheaf_loss_writer_free(&c.writer);
    free(inputs);
    free(known);
    return code;
}

/* ---- the verbs ---- */

static int cat(const char *verb, const char *const *paths, size_t n, const cat_options *o)
{
    bool rewrites = o->canonical || o->ordered || o->merge || o->interleave;
    if (!rewrites && (o->strict || o->lenient || o->known_items))
        return cli_usage(verb, "--strict, --lenient and --known-items need --canonical");
    if (o->merge && o->interleave) return cli_usage(verb, "--merge and --interleave exclude each other");
    if (n > 1 && !o->merge && !o->interleave) return cli_usage(verb, "several inputs need --merge or --interleave");
    if (rewrites && (o->events || o->items)) return cli_usage(verb, "--event and --item write packets as they are, not in canonical form");
    int32_t *events, *items = NULL;
    loss_output out = {.fd = -1};
    sheaf_loss_filter_options options;
    sheaf_loss_filter_options_init(&options);
    options.recover = o->recover;
    int code = loss_ids(verb, o->events, &events, &options.n_events);
    if (code == CLI_CONTINUE) code = loss_ids(verb, o->items, &items, &options.n_items);
    options.events = events;
    options.items = items;
    if (code == CLI_CONTINUE) code = loss_output_open(verb, o->output, &out);
    if (code == CLI_CONTINUE && rewrites) code = cat_canonical(verb, paths, n, o, &out);
    else if (code == CLI_CONTINUE && loss_is_store(paths[0])) code = replay_store(verb, paths[0], &options, o->statistics, &out);
    else if (code == CLI_CONTINUE) code = filter_input(verb, paths[0], &options, &out);
    free(events);
    free(items);
    return loss_output_close(verb, &out, code);
}

int loss_cat(int argc, char **argv)
{
    enum { MOST = 256 };
    cat_options o = {0};
    const cli_option options[] = {
        {"--event,-e", CLI_TEXT, &o.events, "LIST", "only these events: 1,5,9-12", NULL},
        {"--item,-i", CLI_TEXT, &o.items, "LIST", "only these items (outputs, summaries)", NULL},
        {"--canonical", CLI_FLAG, &o.canonical, NULL, "sorted by sidx, without zeros and standard deviations", NULL},
        {"--ordered", CLI_FLAG, &o.ordered, NULL, "canonical, the packets of an event sorted by id", NULL},
        {"--merge", CLI_FLAG, &o.merge, NULL, "several inputs by event id, canonical", NULL},
        {"--interleave", CLI_FLAG, &o.interleave, NULL, "several inputs, each event when it is ready, canonical", NULL},
        {"--recover", CLI_FLAG, &o.recover, NULL, "at a cut end keep the whole packets", NULL},
        {"--strict", CLI_FLAG, &o.strict, NULL, "canonical: sidx above the number of samples and a missing last delimiter are errors",
         NULL},
        {"--lenient", CLI_FLAG, &o.lenient, NULL, "canonical: of a sidx that comes twice in a packet the first one counts", NULL},
        {"--known-items", CLI_TEXT, &o.known_items, "LIST", "canonical: any other item is an error", NULL},
        {"--statistics", CLI_FLAG, &o.statistics, NULL, "of a store: how many chunks were decoded, on standard error", NULL},
        {"--output,-o", CLI_TEXT, &o.output, "FILE", "instead of standard output", NULL},
        {0},
    };
    const cli_command command = {
        .verb = "loss cat",
        .arguments = "INPUT…",
        .what = "Writes a loss stream: every byte as it is, some of its packets, or its canonical form.",
        .example = "  sheaf loss cat gul.zarr > gul.bin\n  sheaf loss cat gul.zarr --event 7,10-12 --item 3 > part.bin\n  sheaf loss cat "
                   "--merge part1.bin part2.bin > all.bin\n",
        .min_positional = 1,
        .max_positional = MOST,
        .options = options,
    };
    const char *paths[MOST];
    int n, status = cli_parse(&command, argc, argv, paths, &n);
    return status == CLI_CONTINUE ? cat(command.verb, paths, (size_t)n, &o) : status;
}

int loss_index(int argc, char **argv)
{
    const char *output = NULL, *path;
    sheaf_loss_filter_options filter;
    sheaf_loss_filter_options_init(&filter);
    const cli_option options[] = {
        {"--binary", CLI_FLAG, &filter.index_binary, NULL, "entries {i32 id, i64 offset} instead of lines id,offset", NULL},
        {"--recover", CLI_FLAG, &filter.recover, NULL, "at a cut end keep the whole packets", NULL},
        {"--output,-o", CLI_TEXT, &output, "FILE", "instead of standard output", NULL},
        {0},
    };
    const cli_command command = {
        .verb = "loss index",
        .arguments = "INPUT",
        .what = "Writes where each packet begins: its id (of the item, or summary) and the byte offset of its header.",
        .example = "  sheaf loss index summary.bin > summary.idx\n  sheaf loss index --binary summary.bin -o summary.idx\n",
        .min_positional = 1,
        .max_positional = 1,
        .options = options,
    };
    int n, status = cli_parse(&command, argc, argv, &path, &n);
    if (status != CLI_CONTINUE) return status;
    loss_output out;
    status = loss_output_open(command.verb, output, &out);
    if (status != CLI_CONTINUE) return status;
    filter.index = loss_sink;
    filter.index_context = &out;
    return loss_output_close(command.verb, &out, filter_input(command.verb, path, &filter, NULL));
}

// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

static sheaf_status state_of(sheaf_store *store, uint64_t *lengths, sheaf_store_statistics *s, sheaf_error *err)
{
    *s = (sheaf_store_statistics){.size_bytes = sizeof *s};
    sheaf_status status = sheaf_store_get_statistics(store, s, err);
    return status == SHEAF_OK ? sheaf_store_peek(store, lengths, err) : status;
}

static const char *writer_name(sheaf_writer writer)
{
    return writer == SHEAF_WRITER_ACTIVE ? "active" : writer == SHEAF_WRITER_CRASHED ? "crashed" : "none";
}

static void print_line(sheaf_store *store, const uint64_t *lengths, size_t n, const sheaf_store_statistics *s, double seconds, bool json)
{
    char text[32];
    printf(json ? "{\"seconds\": %.3f" : "%8.3f s", seconds);
    for (size_t i = 0; i < n; i++)
        printf(json ? ", \"%s\": %llu" : "  %s %llu", sheaf_store_record_name(store, i), (unsigned long long)lengths[i]);
    if (json) printf(", \"allocated_bytes\": %llu, \"writer\": \"%s\"}\n", (unsigned long long)s->allocated_bytes, writer_name(s->writer));
    else printf("  %s  writer %s\n", cli_bytes(s->allocated_bytes, text), writer_name(s->writer));
    fflush(stdout);
}

/* lengths, shown: of the n record dimensions. */
static sheaf_status follow(sheaf_store *store, uint64_t interval_ms, bool json, size_t n, uint64_t *lengths, uint64_t *shown,
                           sheaf_error *err)
{
    double begun = cli_seconds();
    memset(shown, 0xff, n * sizeof *shown);
    for (;;) {
        sheaf_store_statistics s;
        sheaf_status status = state_of(store, lengths, &s, err);
        if (status != SHEAF_OK) return status;
        bool done = s.writer != SHEAF_WRITER_ACTIVE; /* asked before the lengths: these are the last ones then */
        if (done || memcmp(lengths, shown, n * sizeof *shown) != 0) print_line(store, lengths, n, &s, cli_seconds() - begun, json);
        if (done || cli_interrupted()) return SHEAF_OK;
        memcpy(shown, lengths, n * sizeof *shown);
        struct timespec wait = {(time_t)(interval_ms / 1000), (long)(interval_ms % 1000) * 1000000};
        nanosleep(&wait, NULL);
    }
}

static int run(const char *path, const char *format, uint64_t interval_ms, bool json)
{
    sheaf_store_options options = sheaf_store_options_init();
    options.format = format;
    sheaf_store *store;
    sheaf_error err;
    cli_signals_install();
    if (sheaf_store_open(path, &options, &store, &err) != SHEAF_OK) return cli_fail("follow", &err, NULL);
    size_t n = sheaf_store_n_records(store);
    uint64_t *lengths = calloc(2 * n + 1, sizeof *lengths);
    int status = CLI_DONE;
    if (!lengths) status = cli_error("follow", "out of memory");
    else if (follow(store, interval_ms, json, n, lengths, lengths + n, &err) != SHEAF_OK) status = cli_fail("follow", &err, NULL);
    free(lengths);
    sheaf_store_free(&store);
    return status;
}

int sheaf_cli_follow(int argc, char **argv)
{
    const char *format = NULL, *path;
    uint64_t interval_ms = 500;
    bool json = false;
    const cli_option options[] = {
        {"--interval", CLI_DURATION, &interval_ms, "DURATION", "how often to look (default 500ms)", NULL},
        {"--json", CLI_FLAG, &json, NULL, "each line a JSON object", NULL},
        {"--format", CLI_TEXT, &format, "FORMAT", "zarr, hdf5 or npy (default: by STORE's suffix or content)", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {
        "follow",
        "STORE",
        "Prints a line whenever more of a growing store is committed, until its writer is done. Never makes the writer wait.",
        "  sheaf follow run.zarr --interval 100ms",
        1,
        1,
        options};
    int n;
    int status = cli_parse(&command, argc, argv, &path, &n);
    if (status == CLI_CONTINUE) status = cli_check_format("follow", format);
    if (status != CLI_CONTINUE) return status;
    if (interval_ms == 0) return cli_usage("follow", "--interval: 0 is not possible");
    return run(path, format, interval_ms, json);
}

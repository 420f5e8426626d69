// SPDX-License-Identifier: Apache-2.0
/* sheaf loss csv and sheaf loss bin. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loss.h"

static sheaf_status feed_csv(void *handle, const void *bytes, size_t n, sheaf_error *err)
{
    return sheaf_loss_csv_feed(handle, bytes, n, err);
}

static int to_text(const char *verb, const char *path, const sheaf_loss_csv_options *options, loss_output *out)
{
    sheaf_error err;
    sheaf_loss_csv *csv;
    if (sheaf_loss_csv_create(options, loss_sink, out, &csv, &err)) return cli_fail(verb, &err, NULL);
    sheaf_status status = loss_pump(path, feed_csv, csv, &err);
    if (!status) status = sheaf_loss_csv_finish(csv, &err);
    if (status && !err.path[0]) snprintf(err.path, sizeof err.path, "%s", path);
    int code =
        status ? cli_fail(verb, &err, status == SHEAF_ERR_TRUNCATED ? "sheaf loss cat --recover keeps the whole packets" : NULL) : CLI_DONE;
    loss_remarks(verb, path, sheaf_loss_csv_stats(csv));
    sheaf_loss_csv_free(&csv);
    return code;
}

int loss_csv(int argc, char **argv)
{
    const char *output = NULL, *path;
    uint64_t decimals = 0, threads = loss_threads();
    bool decimals_given = false, no_header = false;
    sheaf_loss_csv_options csv;
    sheaf_loss_csv_options_init(&csv);
    const cli_option options[] = {
        {"--decimals", CLI_COUNT, &decimals, "N", "as many decimals, and nothing but the pairs (2: the look of older tools)",
         &decimals_given},
        {"--exact", CLI_FLAG, &csv.exact, NULL, "with remarks, so that sheaf loss bin gives back every byte", NULL},
        {"--no-header", CLI_FLAG, &no_header, NULL, "without the line of names", NULL},
        {"--id-name", CLI_TEXT, &csv.id_name, "NAME", "name of the second column (output_id, …)", NULL},
        {"--threads", CLI_COUNT, &threads, "N", "default: one for each processor", NULL},
        {"--output,-o", CLI_TEXT, &output, "FILE", "instead of standard output", NULL},
        {0},
    };
    const cli_command command = {
        .verb = "loss csv",
        .arguments = "INPUT",
        .what = "Writes a loss stream as lines event_id,item_id,sidx,loss. By default each loss has the fewest digits that read back "
                "equal, and a line with sidx 0\n"
                "stands where the end of a packet does not follow from the next line.",
        .example = "  sheaf loss csv gul.bin > gul.csv\n  gulcalc … | sheaf loss csv --decimals 2 - | head\n",
        .min_positional = 1,
        .max_positional = 1,
        .options = options,
    };
    int n, status = cli_parse(&command, argc, argv, &path, &n);
    if (status != CLI_CONTINUE) return status;
    if (decimals_given && decimals > 9) return cli_usage(command.verb, "--decimals %llu: at most 9", (unsigned long long)decimals);
    if (decimals_given) csv.decimals = (int)decimals;
    csv.header = !no_header;
    csv.n_threads = threads > 64 ? 64 : (unsigned)threads;
    loss_output out;
    status = loss_output_open(command.verb, output, &out);
    if (status != CLI_CONTINUE) return status;
    return loss_output_close(command.verb, &out, to_text(command.verb, path, &csv, &out));
}

/* ---- text to stream ---- */

static sheaf_status feed_parse(void *handle, const void *bytes, size_t n, sheaf_error *err)
{
    return sheaf_loss_parse_feed(handle, bytes, n, err);
}

static int copy_out(const char *verb, int from, loss_output *out)
{
    static char block[256 << 10];
    sheaf_error err;
    if (lseek(from, 0, SEEK_SET) < 0) return cli_error(verb, "cannot read the temporary file: %s", strerror(errno));
    for (;;) {
        ssize_t n = read(from, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return cli_error(verb, "cannot read the temporary file: %s", strerror(errno));
        if (n == 0) return CLI_DONE;
        if (loss_sink(out, block, (size_t)n, &err)) return cli_fail(verb, &err, NULL);
    }
}

/* Converts; the number of samples is put in afterwards where it was not known. `begin`: where the stream begins in the output. */
static int to_stream(const char *verb, const char *path, const sheaf_loss_parse_options *options, loss_output *out, off_t begin)
{
    sheaf_error err;
    sheaf_loss_parse *parse;
    sheaf_loss_header header = {0, 0, 0};
    if (sheaf_loss_parse_create(options, loss_sink, out, &parse, &err)) return cli_fail(verb, &err, NULL);
    sheaf_status status = loss_pump(path, feed_parse, parse, &err);
    if (!status) status = sheaf_loss_parse_finish(parse, &header, &err);
    if (status && !err.path[0]) snprintf(err.path, sizeof err.path, "%s", path);
    int code = status ? cli_fail(verb, &err, NULL) : CLI_DONE;
    sheaf_loss_parse_free(&parse);
    if (code == CLI_DONE && options->n_samples < 0 && pwrite(out->fd, &header.n_samples, 4, begin + 4) != 4) {
        code = cli_error(verb, "cannot write the number of samples to %s: %s", out->name, strerror(errno));
    }
    return code;
}

/* A stream's second word must be known before its packets, so a pipe needs a file between. */
static int through_file(const char *verb, const char *path, const sheaf_loss_parse_options *options, loss_output *out)
{
    FILE *file = tmpfile();
    if (!file) return cli_error(verb, "cannot make a temporary file: %s (--samples N does without)", strerror(errno));
    loss_output between = {.fd = fileno(file), .name = "a temporary file"};
    int code = to_stream(verb, path, options, &between, 0);
    if (code == CLI_DONE) code = copy_out(verb, between.fd, out);
    fclose(file);
    return code;
}

static int run_bin(const char *verb, const char *path, const sheaf_loss_parse_options *options, const char *output)
{
    loss_output out;
    struct stat st;
    int code = loss_output_open(verb, output, &out);
    if (code != CLI_CONTINUE) return code;
    off_t begin = fstat(out.fd, &st) == 0 && S_ISREG(st.st_mode) ? lseek(out.fd, 0, SEEK_CUR) : -1;
    if (options->n_samples < 0 && begin < 0) code = through_file(verb, path, options, &out);
    else code = to_stream(verb, path, options, &out, begin);
    return loss_output_close(verb, &out, code);
}

static int parse_type(const char *verb, const char *text, uint32_t *word)
{
    static const char *const names[] = {"loss", "2/1", "gul-item", "1/1", "gul-coverage", "1/2", "summary", "3/1"};
    static const uint32_t words[] = {SHEAF_LOSS_WORD(2, 1), SHEAF_LOSS_WORD(1, 1), SHEAF_LOSS_WORD(1, 2), SHEAF_LOSS_WORD(3, 1)};
    for (size_t i = 0; i < 8; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *word = words[i / 2];
        return CLI_CONTINUE;
    }
    return cli_unknown(verb, "type of stream", text, names, 8);
}

int loss_bin(int argc, char **argv)
{
    const char *output = NULL, *type = NULL, *path;
    int64_t samples = -1, set_id = 1;
    uint64_t threads = loss_threads();
    bool no_last = false;
    sheaf_loss_parse_options parse;
    sheaf_loss_parse_options_init(&parse);
    const cli_option options[] = {
        {"--samples,-S", CLI_INTEGER, &samples, "N", "number of samples (default: the largest sidx)", NULL},
        {"--type,-t", CLI_TEXT, &type, "TYPE", "loss (2/1), gul-item (1/1), gul-coverage (1/2), summary (3/1); default: by the names",
         NULL},
        {"--set-id", CLI_INTEGER, &set_id, "N", "summary_set_id of a summary stream (default 1)", NULL},
        {"--no-last-delimiter", CLI_FLAG, &no_last, NULL, "leave the last packet's delimiter out, as older tools do", NULL},
        {"--threads", CLI_COUNT, &threads, "N", "default: one for each processor", NULL},
        {"--output,-o", CLI_TEXT, &output, "FILE", "instead of standard output", NULL},
        {0},
    };
    const cli_command command = {
        .verb = "loss bin",
        .arguments = "INPUT",
        .what = "Makes a loss stream of lines event_id,item_id,sidx,loss (summaries: also exposure_value).",
        .example = "  sheaf loss bin gul.csv > gul.bin\n  sheaf loss csv a.bin | sheaf loss bin - --samples 10 | cmp - a.bin\n",
        .min_positional = 1,
        .max_positional = 1,
        .options = options,
    };
    int n, status = cli_parse(&command, argc, argv, &path, &n);
    if (status == CLI_CONTINUE && type) status = parse_type(command.verb, type, &parse.word);
    if (status != CLI_CONTINUE) return status;
    if (samples < -1 || samples > INT32_MAX) return cli_usage(command.verb, "--samples %lld: from 0 to %d", (long long)samples, INT32_MAX);
    if (set_id < INT32_MIN || set_id > INT32_MAX) return cli_usage(command.verb, "--set-id %lld: 32 bits", (long long)set_id);
    parse.n_samples = (int32_t)samples;
    parse.set_id = (int32_t)set_id;
    parse.last_delimiter = !no_last;
    parse.n_threads = threads > 64 ? 64 : (unsigned)threads;
    return run_bin(command.verb, path, &parse, output);
}

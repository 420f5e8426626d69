// SPDX-License-Identifier: Apache-2.0
#include "loss.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)256 << 10)

/* A file, or what may become one, with its links followed; false: a device, a pipe, or nothing that could be replaced. */
static bool find_place(const char *path, loss_output *out)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode)) return false;
    out->place = there ? realpath(path, NULL) : strdup(path);
    size_t n = out->place ? strlen(out->place) + sizeof ".sheaf-tmp" : 0;
    out->beside = n ? malloc(n) : NULL;
    if (out->beside) snprintf(out->beside, n, "%s.sheaf-tmp", out->place);
    return out->beside != NULL;
}

static void forget_place(loss_output *out)
{
    if (out->beside) cli_remove_on_signal(out->beside, false);
    free(out->place);
    free(out->beside);
    out->place = out->beside = NULL;
}

int loss_output_open(const char *verb, const char *path, loss_output *out)
{
    *out = (loss_output){.fd = STDOUT_FILENO, .name = "standard output"};
    if (!path || strcmp(path, "-") == 0) return CLI_CONTINUE;
    out->name = path;
    out->owned = true;
    if (!find_place(path, out)) forget_place(out);
    if (out->beside) cli_remove_on_signal(out->beside, true);
    out->fd = open(out->beside ? out->beside : path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out->fd >= 0) return CLI_CONTINUE;
    int status = cli_error(verb, "cannot open %s: %s", path, strerror(errno));
    forget_place(out);
    return status;
}

int loss_output_close(const char *verb, loss_output *out, int status)
{
    int fd = out->fd;
    out->fd = -1;
    if (!out->owned || fd < 0) return status;
    bool done = status == CLI_DONE;
    if (close(fd) != 0) {
        int failed = cli_error(verb, "cannot close %s: %s", out->name, strerror(errno));
        status = done ? failed : status;
    } else if (done && out->beside && rename(out->beside, out->place) != 0) {
        status = cli_error(verb, "cannot write %s: %s", out->name, strerror(errno));
    }
    if (status != CLI_DONE && out->beside) unlink(out->beside);
    forget_place(out);
    return status;
}

static sheaf_status system_failed(const char *what, const char *name, sheaf_error *err)
{
    memset(err, 0, sizeof *err);
    err->code = errno == ENOSPC || errno == EDQUOT ? SHEAF_ERR_NO_SPACE : SHEAF_ERR_IO;
    err->system_errno = errno;
    err->record = err->byte = -1;
    snprintf(err->message, sizeof err->message, "cannot %s %s: %s", what, name, strerror(errno));
    return err->code;
}

sheaf_status loss_sink(void *output, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    const loss_output *out = output;
    const char *at = bytes;
    while (n_bytes > 0) {
        ssize_t n = write(out->fd, at, n_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_failed("write", out->name, err);
        at += n;
        n_bytes -= (size_t)n;
    }
    return SHEAF_OK;
}

int loss_open(const char *verb, const char *path, int *fd)
{
    *fd = STDIN_FILENO;
    if (strcmp(path, "-") == 0) return CLI_CONTINUE;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? cli_error(verb, "cannot open %s: %s", path, strerror(errno)) : CLI_CONTINUE;
}

sheaf_status loss_pump_fd(int fd, const char *name, loss_feed feed, void *handle, sheaf_error *err)
{
    static _Alignas(64) char block[BLOCK_BYTES];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_failed("read", name, err);
        if (n == 0) return SHEAF_OK;
        sheaf_status status = feed(handle, block, (size_t)n, err);
        if (status) {
            if (!err->path[0]) snprintf(err->path, sizeof err->path, "%s", name);
            return status;
        }
    }
}

bool loss_is_store(const char *path)
{
    struct stat st;
    const char *dot = strrchr(path, '.');
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return true;
    return dot && (strcmp(dot, ".h5") == 0 || strcmp(dot, ".hdf5") == 0);
}

typedef struct feeding {
    loss_feed feed;
    void *handle;
} feeding;

static sheaf_status feed_on(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    const feeding *f = context;
    return f->feed(f->handle, bytes, n, err);
}

static sheaf_status pump_store(const char *path, loss_feed feed, void *handle, sheaf_error *err)
{
    sheaf_store_options options = sheaf_store_options_init();
    options.memory_bytes = LOSS_MEMORY;
    feeding f = {feed, handle};
    sheaf_loss_replay *replay;
    sheaf_status status = sheaf_loss_replay_open(path, &options, &replay, err);
    if (!status) status = sheaf_loss_replay_run(replay, NULL, 0, NULL, 0, loss_threads(), feed_on, &f, err);
    sheaf_loss_replay_free(&replay);
    return status;
}

sheaf_status loss_pump(const char *path, loss_feed feed, void *handle, sheaf_error *err)
{
    if (strcmp(path, "-") == 0) return loss_pump_fd(STDIN_FILENO, "standard input", feed, handle, err);
    if (loss_is_store(path)) return pump_store(path, feed, handle, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return system_failed("open", path, err);
    sheaf_status status = loss_pump_fd(fd, path, feed, handle, err);
    (void)close(fd);
    return status;
}

static int compare_ids(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

int loss_ids(const char *verb, const char *text, int32_t **ids, size_t *n)
{
    int64_t *list = NULL;
    *ids = NULL;
    *n = 0;
    if (!text) return CLI_CONTINUE;
    size_t count;
    int status = cli_parse_list(verb, text, &list, &count);
    if (status != CLI_CONTINUE) return status;
    *ids = malloc(count ? count * sizeof **ids : 1);
    if (!*ids) {
        free(list);
        return cli_error(verb, "out of memory for %zu ids", count);
    }
    for (size_t i = 0; status == CLI_CONTINUE && i < count; i++) {
        if (list[i] < INT32_MIN || list[i] > INT32_MAX) status = cli_usage(verb, "%lld is no id: ids have 32 bits", (long long)list[i]);
        else (*ids)[i] = (int32_t)list[i];
    }
    free(list);
    if (status != CLI_CONTINUE) return status;
    qsort(*ids, count, sizeof **ids, compare_ids);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || (*ids)[i] != (*ids)[*n - 1]) (*ids)[(*n)++] = (*ids)[i];
    }
    return CLI_CONTINUE;
}

void loss_remarks(const char *verb, const char *path, const sheaf_loss_stats *stats)
{
    if (stats->missing_delimiter) fprintf(stderr, "sheaf: %s: note: %s ends without the delimiter of its last packet\n", verb, path);
    if (stats->lost_bytes) {
        fprintf(stderr, "sheaf: %s: warning: %s is cut: the last %llu bytes, a part of a packet, are left out\n", verb, path,
                (unsigned long long)stats->lost_bytes);
    }
}

unsigned loss_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 16 ? 16 : (unsigned)n;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} verbs[] = {
    {"info", loss_info, "header, counts, events, items, sparsity, specials, anomalies"},
    {"store", loss_store, "streams into a store (Zarr, HDF5, .npy)"},
    {"cat", loss_cat, "write a stream byte for byte, or events and items of it, or its canonical form"},
    {"csv", loss_csv, "a stream as text, one pair a line"},
    {"bin", loss_bin, "text as a stream"},
    {"index", loss_index, "the place of each packet"},
    {"table", loss_table, "event loss tables (SELT, MELT, QELT) of a summary stream"},
};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

static void help(FILE *out)
{
    fputs("usage: sheaf loss VERB [OPTIONS] ARGUMENTS\n\nReads and writes the binary loss streams of catastrophe models (ground-up, "
          "financial module, summary).\n\n",
          out);
    for (size_t i = 0; i < N_VERBS; i++) fprintf(out, "  %-6s %s\n", verbs[i].name, verbs[i].help);
    fputs("\nINPUT is a file, a store, or - for standard input. sheaf loss VERB --help tells more.\n\n"
          "example:\n  sheaf loss csv gul.bin | head\n  gulcalc … | sheaf loss cat --canonical - | fmcalc …\n",
          out);
}

int sheaf_cli_loss(int argc, char **argv)
{
    const char *known[N_VERBS];
    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return CLI_DONE;
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        known[i] = verbs[i].name;
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    }
    return cli_unknown("loss", "verb", argv[1], known, N_VERBS);
}

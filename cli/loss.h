// SPDX-License-Identifier: Apache-2.0
/* What the verbs of loss streams share: inputs (files, standard input, stores) and outputs. */
#ifndef SHEAF_CLI_LOSS_H
#define SHEAF_CLI_LOSS_H

#include "cli.h"
#include "sheaf/loss.h"

/* Bound of a store's buffers and caches. */
#define LOSS_MEMORY ((uint64_t)32 << 20)

int loss_info(int argc, char **argv);
int loss_store(int argc, char **argv);
int loss_cat(int argc, char **argv);
int loss_csv(int argc, char **argv);
int loss_bin(int argc, char **argv);
int loss_index(int argc, char **argv);
int loss_table(int argc, char **argv);

/* Where bytes go; its address is the context of loss_sink. */
typedef struct loss_output {
    int fd;           /* -1: none */
    const char *name; /* for errors */
    bool owned;       /* closed by loss_output_close */
    char *place;      /* Owned; NULL, or the file that is replaced once all has been written … */
    char *beside;     /* Owned: … beside it */
} loss_output;

/* path NULL or "-": standard output. A file is written beside its place (PATH.sheaf-tmp), so that it may be the input too, and is there whole
 * or as it was. CLI_CONTINUE or an exit status. */
int loss_output_open(const char *verb, const char *path, loss_output *out);
/* `status`, or a failure of close(2) or rename(2); unless all is done, what was written goes. */
int loss_output_close(const char *verb, loss_output *out, int status);
/* A sheaf_loss_sink. */
sheaf_status loss_sink(void *output, const void *bytes, size_t n_bytes, sheaf_error *err);

typedef sheaf_status (*loss_feed)(void *handle, const void *bytes, size_t n_bytes, sheaf_error *err);

/* Opens for reading, "-" is standard input. CLI_CONTINUE or an exit status. */
int loss_open(const char *verb, const char *path, int *fd);
/* Whether path is a store (a folder, or named .h5 or .hdf5). */
bool loss_is_store(const char *path);
/* Feeds a whole input, a store too. The error's path is the input's name. */
sheaf_status loss_pump(const char *path, loss_feed feed, void *handle, sheaf_error *err);
sheaf_status loss_pump_fd(int fd, const char *name, loss_feed feed, void *handle, sheaf_error *err);

/* "1,5,9-12" to ascending distinct ids. CLI_CONTINUE or an exit status. */
int loss_ids(const char *verb, const char *text, int32_t **ids, size_t *n);
/* Says on stderr what was out of the ordinary at the end of the input. */
void loss_remarks(const char *verb, const char *path, const sheaf_loss_stats *stats);
unsigned loss_threads(void);

#endif

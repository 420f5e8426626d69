// SPDX-License-Identifier: Apache-2.0
/* What the verbs share: options, sizes and lists, errors, tables, progress, signals. Uses the public API only. */
#ifndef SHEAF_CLI_H
#define SHEAF_CLI_H

#include <stdio.h>

#include "sheaf/error.h"
#include "sheaf/store.h"
#include "sheaf/table.h"
#include "sheaf/types.h"

/* Exit statuses. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_DAMAGED = 3, CLI_BUDGET = 4, CLI_CONTINUE = -1 };

/* ---- options ---- */

typedef enum cli_kind {
    CLI_END = 0,
    CLI_FLAG,     /* bool */
    CLI_TEXT,     /* const char * (points into argv) */
    CLI_COUNT,    /* uint64_t */
    CLI_INTEGER,  /* int64_t */
    CLI_REAL,     /* double */
    CLI_SIZE,     /* uint64_t bytes: 64M, 1.5G */
    CLI_DURATION, /* uint64_t milliseconds: 10s, 250ms, 2m */
    CLI_GROUP,    /* to is a const cli_option * whose options are taken in too */
} cli_kind;

typedef struct cli_option {
    const char *name; /* "--steps"; a short form may follow: "--number,-n" */
    cli_kind kind;
    void *to;
    const char *argument; /* shown by --help: "N" */
    const char *help;     /* NULL: not shown by --help */
    bool *given;          /* may be NULL: set to true when the option was there */
} cli_option;

typedef struct cli_command {
    const char *verb;      /* "simulate", or "loss csv" */
    const char *arguments; /* "MODEL STORE" */
    const char *what;      /* one line */
    const char *example;   /* whole lines, shown by --help */
    int min_positional, max_positional;
    const cli_option *options;
} cli_command;

/* argv[0] is the verb. positional has room for max_positional. CLI_CONTINUE, or the exit status to leave with (--help, bad usage). */
int cli_parse(const cli_command *command, int argc, char **argv, const char **positional, int *n_positional);

/* Numbers as options take them; false when text is none. */
bool cli_parse_count(const char *text, uint64_t *out);
bool cli_parse_integer(const char *text, int64_t *out);
bool cli_parse_real(const char *text, double *out);
bool cli_parse_size(const char *text, uint64_t *out);
bool cli_parse_duration(const char *text, uint64_t *out_ms);
/* "A:B:K", "A:B", ":B", "A:" or "A" (that index alone); K ≥ 1. */
bool cli_parse_range(const char *text, sheaf_selection *out);
/* "1,5,9-12": integers, may be negative ("-3--1" is -3 … -1), any order, duplicates kept; *out is malloc'd. Says what is wrong itself. */
int cli_parse_list(const char *verb, const char *text, int64_t **out, size_t *n);
/* ".01,.5": *out is malloc'd. */
int cli_parse_reals(const char *verb, const char *text, double **out, size_t *n);

/* ---- errors ---- */

/* One line "sheaf: VERB: …" on stderr; the exit status of the error. hint may be NULL. */
int cli_fail(const char *verb, const sheaf_error *err, const char *hint);
/* Bad usage: status 2. */
int cli_usage(const char *verb, const char *format, ...) SHEAF_PRINTF(2, 3);
/* Something else went wrong: status 1. */
int cli_error(const char *verb, const char *format, ...) SHEAF_PRINTF(2, 3);
/* The name nearest to `name`, NULL when none is near. */
const char *cli_nearest(const char *name, const char *const *known, size_t n_known);
/* "did you mean" and the known names, for an unknown one: status 2. */
int cli_unknown(const char *verb, const char *what, const char *name, const char *const *known, size_t n_known);

/* ---- options of verbs that write a store ---- */

typedef struct cli_writer {
    bool no_resume, only_stop; /* set before cli_writer_options: --resume, or --at-limit but for stop, is refused, and not shown */
    const char *memory_help;   /* likewise, where the default is another one */
    const char *format, *codec, *commit_every, *at_limit;
    uint64_t threads, memory, disk, checkpoint_ms;
    bool threads_given, memory_given, disk_given, checkpoint_given, sync, replace, resume;
    sheaf_store_options options; /* filled by cli_writer_finish */
    sheaf_codec codec_id;
} cli_writer;

#define CLI_N_WRITER_OPTIONS 11
/* Fills options[CLI_N_WRITER_OPTIONS + 1]. */
void cli_writer_options(cli_writer *writer, cli_option *options);
/* Checks what was given and fills writer->options. CLI_CONTINUE or an exit status. */
int cli_writer_finish(const char *verb, cli_writer *writer);
/* An unknown --format: usage, with the nearest name. */
int cli_check_format(const char *verb, const char *format);
/* --nonfinite null|string; NULL is null. */
int cli_check_nonfinite(const char *verb, const char *nonfinite, sheaf_nonfinite *out);
/* What an existing store or a full one asks for; NULL: no hint. */
const char *cli_store_hint(const sheaf_error *err, bool can_resume);

/* ---- tables ---- */

typedef struct cli_table cli_table;
/* Columns are added by the first row's cells; text is copied. NULL when out of memory; then the others do nothing. */
cli_table *cli_table_create(void);
void cli_table_row(cli_table *table);
void cli_table_text(cli_table *table, const char *column, const char *value);
void cli_table_count(cli_table *table, const char *column, uint64_t value);
void cli_table_integer(cli_table *table, const char *column, int64_t value);
void cli_table_real(cli_table *table, const char *column, double value);
void cli_table_absent(cli_table *table, const char *column);
bool cli_table_empty(const cli_table *table);
/* As aligned text; as a JSON array of objects. */
void cli_table_print(const cli_table *table, FILE *out);
void cli_table_json(const cli_table *table, FILE *out, int indent);
void cli_table_free(cli_table *table);

/* Shortest text that reads back equal; inf, -inf, nan. */
const char *cli_real(double value, char text[32]);
/* "1.5 MiB". */
const char *cli_bytes(uint64_t bytes, char text[32]);
/* A JSON string with quotes. */
void cli_json_text(FILE *out, const char *text);

/* ---- progress and signals ---- */

typedef struct cli_progress {
    const char *verb, *unit;
    uint64_t total;
    double begun, shown;
    int mode; /* 0: none, 1: a bar on a terminal, 2: lines */
    bool drawn;
} cli_progress;

/* total 0: unknown. */
void cli_progress_begin(cli_progress *progress, const char *verb, const char *unit, uint64_t total, bool quiet, bool force);
void cli_progress_update(cli_progress *progress, uint64_t done);
void cli_progress_end(cli_progress *progress);
/* For callbacks of the library: context is a cli_progress. */
void cli_progress_show(void *context, uint64_t done, uint64_t total);

/* Seconds of a monotonic clock; peak resident memory of this process in MiB. */
double cli_seconds(void);
double cli_peak_mib(void);

/* From now on SIGINT and SIGTERM only set a flag; a second one ends the process. */
void cli_signals_install(void);
bool cli_interrupted(void);
/* So, and that one ends the work of a writer with these options: what is not whole is removed. */
void cli_cancel_on_signal(sheaf_store_options *options);
/* SIGINT, SIGTERM and SIGHUP remove this unfinished file before they end the process, until it is taken off the list. Borrowed meanwhile. */
void cli_remove_on_signal(const char *path, bool remove);

/* ---- the verbs: argv[0] is the verb ---- */
#define CLI_VERB_LIST(X)                                                               \
    X(simulate, "run a model (insurance, gbm, ou) and store its trajectories")         \
    X(import, "store what a file or another store holds")                              \
    X(info, "what a store holds: arrays, lengths, attributes, bytes, writer")          \
    X(show, "print values of a store")                                                 \
    X(summary, "statistics over trajectories: moments, exact quantiles, ruin, growth") \
    X(export, "write a store's summaries or arrays as CSV, JSON, NPY, NPZ or Parquet") \
    X(convert, "copy a store into another format")                                     \
    X(merge, "join stores of one schema into one")                                     \
    X(follow, "print what a growing store has, until its writer is done")              \
    X(verify, "check lengths, metadata and checksums")                                 \
    X(repair, "make a store whose writer died whole again")                            \
    X(series, "print scenario series of a folder")                                     \
    X(loss, "loss streams: info, store, cat, csv, bin, index, table")

#define CLI_VERB_DECLARE(name, help) int sheaf_cli_##name(int argc, char **argv) __attribute__((weak));
CLI_VERB_LIST(CLI_VERB_DECLARE)
#undef CLI_VERB_DECLARE

#endif

// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "sheaf/executor.h"

double cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double cli_peak_mib(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return (double)usage.ru_maxrss / 1024;
}

void cli_progress_begin(cli_progress *progress, const char *verb, const char *unit, uint64_t total, bool quiet, bool force)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    *progress = (cli_progress){.verb = verb, .unit = unit, .total = total};
    progress->begun = progress->shown = cli_seconds();
    progress->mode = quiet ? 0 : terminal ? 1 : force ? 2 : 0;
    /* A forced one shows from the first moment on. */
    if (force && !quiet) progress->shown -= 1;
}

void cli_progress_update(cli_progress *progress, uint64_t done)
{
    if (progress->mode == 0) return;
    double now = cli_seconds();
    if (now - progress->shown < (progress->mode == 1 && progress->drawn ? .1 : 1)) return;
    progress->shown = now;
    double rate = now > progress->begun ? (double)done / (now - progress->begun) : 0;
    if (progress->mode == 1) fputc('\r', stderr);
    if (progress->total) {
        double share = (double)done / (double)progress->total;
        if (progress->mode == 1) {
            char bar[31];
            int full = (int)(share * 30);
            for (int i = 0; i < 30; i++) bar[i] = i < full ? '#' : '.';
            bar[30] = '\0';
            fprintf(stderr, "[%s] ", bar);
        }
        fprintf(stderr, "%s: %llu of %llu %s, %.0f %%, %.0f per second", progress->verb, (unsigned long long)done,
                (unsigned long long)progress->total, progress->unit, share * 100, rate);
    } else {
        fprintf(stderr, "%s: %llu %s, %.0f per second", progress->verb, (unsigned long long)done, progress->unit, rate);
    }
    fputs(progress->mode == 1 ? "\033[K" : "\n", stderr);
    fflush(stderr);
    progress->drawn = true;
}

void cli_progress_show(void *context, uint64_t done, uint64_t total)
{
    cli_progress *progress = context;
    progress->total = total;
    cli_progress_update(progress, done);
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->mode == 1 && progress->drawn) fputs("\r\033[K", stderr);
    progress->mode = 0;
}

static volatile sig_atomic_t interrupted;
static sheaf_cancel cancel;

static void on_signal(int number)
{
    interrupted = 1;
    sheaf_cancel_request(&cancel);
    signal(number, SIG_DFL);
}

void cli_signals_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void cli_cancel_on_signal(sheaf_store_options *options)
{
    options->cancel = &cancel;
    cli_signals_install();
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

enum { MOST_UNFINISHED = 8 };
static const char *volatile unfinished[MOST_UNFINISHED];

static void remove_and_end(int number)
{
    for (int i = 0; i < MOST_UNFINISHED; i++)
        if (unfinished[i]) unlink(unfinished[i]);
    signal(number, SIG_DFL);
    raise(number);
}

/* A signal that is ignored (as under nohup) stays so. */
static void end_on(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0 || action.sa_handler != SIG_DFL) return;
    memset(&action, 0, sizeof action);
    action.sa_handler = remove_and_end;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void cli_remove_on_signal(const char *path, bool remove)
{
    int i = 0;
    const char *from = remove ? NULL : path;
    while (i < MOST_UNFINISHED && unfinished[i] != from) i++;
    if (i == MOST_UNFINISHED) return;
    unfinished[i] = remove ? path : NULL;
    if (!remove) return;
    end_on(SIGINT);
    end_on(SIGTERM);
    end_on(SIGHUP);
}

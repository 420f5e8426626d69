// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void prefix(const char *verb)
{
    fflush(stdout);
    if (verb) fprintf(stderr, "sheaf: %s: ", verb);
    else fputs("sheaf: ", stderr);
}

/* Text on one line: control characters become spaces. */
static void put_line(const char *text)
{
    for (; *text; text++) fputc((unsigned char)*text < 32 ? ' ' : *text, stderr);
}

int cli_fail(const char *verb, const sheaf_error *err, const char *hint)
{
    prefix(verb);
    put_line(err->message[0] ? err->message : sheaf_status_text(err->code));
    if (err->path[0] && !strstr(err->message, err->path)) {
        fputs(": ", stderr);
        put_line(err->path);
    }
    if (err->array[0] && !strstr(err->message, err->array)) {
        fputs(": ", stderr);
        put_line(err->array);
    }
    if (err->record >= 0) fprintf(stderr, ", record %lld", (long long)err->record);
    if (err->byte >= 0) fprintf(stderr, ", byte %lld", (long long)err->byte);
    if (hint) fprintf(stderr, " (%s)", hint);
    fputc('\n', stderr);
    return sheaf_status_exit(err->code);
}

int cli_usage(const char *verb, const char *format, ...)
{
    va_list args;
    prefix(verb);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_USAGE;
}

int cli_error(const char *verb, const char *format, ...)
{
    va_list args;
    prefix(verb);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_FAILED;
}

/* Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours; names of up to 31 bytes. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    size_t n = strlen(a), m = strlen(b);
    if (n >= MOST || m >= MOST) return SIZE_MAX;
    size_t d[MOST][MOST];
    for (size_t i = 0; i <= n; i++) d[i][0] = i;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best) best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[n][m];
}

const char *cli_nearest(const char *name, const char *const *known, size_t n_known)
{
    const char *best = NULL;
    size_t bound = strlen(name) / 3 + 1, least = bound < 3 ? bound + 1 : 4;
    for (size_t i = 0; i < n_known; i++) {
        size_t d = distance(name, known[i]);
        if (d < least) {
            least = d;
            best = known[i];
        }
    }
    return best;
}

int cli_unknown(const char *verb, const char *what, const char *name, const char *const *known, size_t n_known)
{
    const char *near = cli_nearest(name, known, n_known);
    prefix(verb);
    fprintf(stderr, "unknown %s \"%s\" (", what, name);
    if (near) fprintf(stderr, "did you mean %s? ", near);
    fputs("known:", stderr);
    for (size_t i = 0; i < n_known; i++) fprintf(stderr, " %s", known[i]);
    fputs(")\n", stderr);
    return CLI_USAGE;
}

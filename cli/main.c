// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <string.h>

#include "cli.h"
#include "sheaf/version.h"

typedef struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} verb;

/* A verb whose file is not part of this build is a weak symbol without a definition. */
#define VERB(name, help) {#name, sheaf_cli_##name, help},
static const verb verbs[] = {CLI_VERB_LIST(VERB)};
#undef VERB
enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static void print_help(FILE *out)
{
    fputs("usage: sheaf VERB [OPTIONS] ARGUMENTS\n\nKeeps what Monte Carlo simulations produce, in Zarr, HDF5 and .npy files.\n\n", out);
    for (size_t i = 0; i < N_VERBS; i++)
        if (verbs[i].run) fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].help);
    fputs("\nsheaf VERB --help tells more about one of them; sheaf --version names the formats and codecs of this build.\n", out);
}

static void print_version(void)
{
    printf("sheaf %s\nformats:", sheaf_version());
    for (size_t i = 0; sheaf_format_name(i); i++) printf(" %s", sheaf_format_name(i));
    printf("\ncodecs:");
    for (size_t i = 0; sheaf_version_codec(i); i++) printf(" %s", sheaf_version_codec(i));
    printf("\n");
}

static int unknown_verb(const char *name)
{
    const char *known[N_VERBS];
    size_t n = 0;
    for (size_t i = 0; i < N_VERBS; i++)
        if (verbs[i].run) known[n++] = verbs[i].name;
    return cli_unknown(NULL, name[0] == '-' ? "option" : "verb", name, known, n);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return CLI_DONE;
    }
    if (strcmp(name, "--version") == 0) {
        print_version();
        return CLI_DONE;
    }
    for (size_t i = 0; i < N_VERBS; i++)
        if (verbs[i].run && strcmp(verbs[i].name, name) == 0) return verbs[i].run(argc - 1, argv + 1);
    return unknown_verb(name);
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a file that must not grow is an error that says so, not the end of the process */
    int status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        /* A verb that failed has said why. */
        if (status != CLI_FAILED) fprintf(stderr, "sheaf: %s: cannot write to standard output\n", argc > 1 ? argv[1] : "");
        if (status == CLI_DONE) status = CLI_FAILED;
    }
    return status;
}

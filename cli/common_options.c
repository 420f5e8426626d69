// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli.h"

/* Whether "--number,-n" names `name` (its first n bytes). */
static bool option_is(const cli_option *option, const char *name, size_t n)
{
    for (const char *p = option->name; *p;) {
        size_t length = strcspn(p, ",");
        if (length == n && memcmp(p, name, n) == 0) return true;
        p += length + (p[length] == ',');
    }
    return false;
}

static const cli_option *find_option(const cli_option *options, const char *name, size_t n)
{
    for (const cli_option *o = options; o && o->kind != CLI_END; o++) {
        const cli_option *found = o->kind == CLI_GROUP ? find_option(o->to, name, n) : option_is(o, name, n) ? o : NULL;
        if (found) return found;
    }
    return NULL;
}

static void list_options(const cli_option *options, const char **names, size_t *n, size_t capacity, char (*store)[32])
{
    for (const cli_option *o = options; o && o->kind != CLI_END; o++) {
        if (o->kind == CLI_GROUP) list_options(o->to, names, n, capacity, store);
        else if (*n < capacity) {
            snprintf(store[*n], 32, "%.*s", (int)strcspn(o->name, ","), o->name);
            names[*n] = store[*n];
            (*n)++;
        }
    }
}

static int unknown_option(const cli_command *command, const char *name)
{
    enum { MOST = 64 };
    char store[MOST][32];
    const char *names[MOST];
    size_t n = 0;
    list_options(command->options, names, &n, MOST, store);
    const char *near = cli_nearest(name, names, n);
    if (near) return cli_usage(command->verb, "unknown option %s (did you mean %s?)", name, near);
    return cli_usage(command->verb, "unknown option %s (sheaf %s --help lists the options)", name, command->verb);
}

static void help_options(const cli_option *options)
{
    for (const cli_option *o = options; o && o->kind != CLI_END; o++) {
        if (o->kind == CLI_GROUP) {
            help_options(o->to);
            continue;
        }
        if (!o->help) continue;
        char left[80];
        snprintf(left, sizeof left, "%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        for (char *comma = strchr(left, ','); comma && comma[1] == '-'; comma = strchr(comma + 1, ',')) *comma = '|';
        printf("  %-32s %s\n", left, o->help);
    }
}

static int help(const cli_command *command)
{
    printf("usage: sheaf %s %s\n\n%s\n\noptions:\n", command->verb, command->arguments, command->what);
    help_options(command->options);
    printf("  %-32s %s\n", "--help", "this text");
    if (command->example) printf("\nexample:\n%s\n", command->example);
    return CLI_DONE;
}

static bool take_value(const cli_option *option, const char *value)
{
    switch (option->kind) {
    case CLI_TEXT: *(const char **)option->to = value; return true;
    case CLI_COUNT: return cli_parse_count(value, option->to);
    case CLI_INTEGER: return cli_parse_integer(value, option->to);
    case CLI_REAL: return cli_parse_real(value, option->to);
    case CLI_SIZE: return cli_parse_size(value, option->to);
    case CLI_DURATION: return cli_parse_duration(value, option->to);
    default: return false;
    }
}

static const char *kind_text(cli_kind kind)
{
    switch (kind) {
    case CLI_COUNT: return "a whole number from 0 on";
    case CLI_INTEGER: return "a whole number";
    case CLI_REAL: return "a number";
    case CLI_SIZE: return "a size such as 64M or 2G";
    case CLI_DURATION: return "a duration such as 10s or 250ms";
    default: return "a text";
    }
}

/* One option at argv[*i]; moves *i over its value. */
static int take_option(const cli_command *command, int argc, char **argv, int *i)
{
    char *argument = argv[*i];
    size_t n = strcspn(argument, "=");
    const cli_option *option = find_option(command->options, argument, n);
    if (!option) return unknown_option(command, argument);
    const char *value = argument[n] == '=' ? argument + n + 1 : NULL;
    if (option->given) *option->given = true;
    if (option->kind == CLI_FLAG) {
        if (value) return cli_usage(command->verb, "%.*s takes no value", (int)n, argument);
        *(bool *)option->to = true;
        return CLI_CONTINUE;
    }
    if (!value) {
        if (*i + 1 >= argc) return cli_usage(command->verb, "%s needs a value: %s", argument, option->argument ? option->argument : "");
        value = argv[++*i];
    }
    if (!take_value(option, value))
        return cli_usage(command->verb, "%.*s: \"%s\" is not %s", (int)n, argument, value, kind_text(option->kind));
    return CLI_CONTINUE;
}

int cli_parse(const cli_command *command, int argc, char **argv, const char **positional, int *n_positional)
{
    *n_positional = 0;
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!options_end && strcmp(a, "--") == 0) {
            options_end = true;
        } else if (!options_end && (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)) {
            return help(command);
        } else if (!options_end && a[0] == '-' && a[1] != '\0') {
            int status = take_option(command, argc, argv, &i);
            if (status != CLI_CONTINUE) return status;
        } else if (*n_positional == command->max_positional) {
            return cli_usage(command->verb, "unexpected argument \"%s\" (usage: sheaf %s %s)", a, command->verb, command->arguments);
        } else {
            positional[(*n_positional)++] = a;
        }
    }
    if (*n_positional < command->min_positional)
        return cli_usage(command->verb, "too few arguments (usage: sheaf %s %s)", command->verb, command->arguments);
    return CLI_CONTINUE;
}

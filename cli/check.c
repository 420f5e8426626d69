// SPDX-License-Identifier: Apache-2.0
/* verify and repair */
#include "cli.h"

typedef struct tally {
    cli_table *table;
    bool json;
} tally;

static void tell(void *context, const sheaf_error *damage)
{
    tally *t = context;
    if (t->json) {
        cli_table_row(t->table);
        cli_table_text(t->table, "what", damage->message);
        cli_table_text(t->table, "file", damage->path);
        cli_table_text(t->table, "array", damage->array);
        if (damage->record >= 0) cli_table_integer(t->table, "record", damage->record);
        if (damage->byte >= 0) cli_table_integer(t->table, "byte", damage->byte);
        return;
    }
    fputs(damage->message, stdout);
    if (damage->path[0]) printf(": %s", damage->path);
    if (damage->array[0]) printf(", array %s", damage->array);
    if (damage->record >= 0) printf(", record %lld", (long long)damage->record);
    if (damage->byte >= 0) printf(", byte %lld", (long long)damage->byte);
    putchar('\n');
}

static int parse(const cli_command *command, int argc, char **argv, const char **path)
{
    int n;
    return cli_parse(command, argc, argv, path, &n);
}

static void finish(tally *t)
{
    if (!t->json) return;
    cli_table_json(t->table, stdout, 0);
    putchar('\n');
    cli_table_free(t->table);
}

int sheaf_cli_verify(int argc, char **argv)
{
    const char *path;
    tally t = {0};
    const cli_option options[] = {{"--json", CLI_FLAG, &t.json, NULL, "what is wrong as a JSON array", NULL},
                                  {NULL, CLI_END, NULL, NULL, NULL, NULL}};
    const cli_command command = {
        "verify",
        "STORE",
        "Reads everything that is committed and checks lengths, metadata and checksums. Exit status 3: data is damaged.",
        "  sheaf verify run.zarr",
        1,
        1,
        options};
    int status = parse(&command, argc, argv, &path);
    if (status != CLI_CONTINUE) return status;
    sheaf_error err;
    uint64_t n_damaged = 0;
    if (t.json) t.table = cli_table_create();
    sheaf_status done = sheaf_store_verify(path, tell, &t, &n_damaged, &err);
    finish(&t);
    if (done != SHEAF_OK) return cli_fail("verify", &err, NULL);
    if (n_damaged == 0) {
        if (!t.json) printf("%s: everything committed is whole\n", path);
        return CLI_DONE;
    }
    fprintf(stderr, "sheaf: verify: %llu things are damaged in %s (sheaf repair keeps all that is good)\n", (unsigned long long)n_damaged,
            path);
    return CLI_DAMAGED;
}

int sheaf_cli_repair(int argc, char **argv)
{
    const char *path;
    tally t = {0};
    const cli_option options[] = {{"--json", CLI_FLAG, &t.json, NULL, "what was given up as a JSON array", NULL},
                                  {NULL, CLI_END, NULL, NULL, NULL, NULL}};
    const cli_command command = {
        "repair",
        "STORE",
        "Makes a store whose writer died open in other tools again, keeps all that is good, and says what it gave up.",
        "  sheaf repair run.zarr",
        1,
        1,
        options};
    int status = parse(&command, argc, argv, &path);
    if (status != CLI_CONTINUE) return status;
    sheaf_error err;
    uint64_t n_given_up = 0;
    if (t.json) t.table = cli_table_create();
    sheaf_status done = sheaf_store_repair(path, tell, &t, &n_given_up, &err);
    finish(&t);
    if (done != SHEAF_OK) return cli_fail("repair", &err, NULL);
    if (!t.json) printf("%s: whole again, %llu things given up\n", path, (unsigned long long)n_given_up);
    return n_given_up ? CLI_DAMAGED : CLI_DONE;
}

// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli.h"

static const char *writer_name(sheaf_writer writer)
{
    return writer == SHEAF_WRITER_ACTIVE ? "active" : writer == SHEAF_WRITER_CRASHED ? "crashed" : "none";
}

/* A list of the array's n numbers or names as JSON. */
static void json_numbers(const uint64_t *numbers, int n)
{
    putchar('[');
    for (int i = 0; i < n; i++) printf("%s%llu", i ? ", " : "", (unsigned long long)numbers[i]);
    putchar(']');
}

static void json_array(const sheaf_array_info *info, uint64_t stored, const char *attributes, bool last)
{
    fputs("    {\"name\": ", stdout);
    cli_json_text(stdout, info->name);
    printf(", \"dtype\": \"%s\", \"shape\": ", sheaf_dtype_name(info->dtype));
    json_numbers(info->shape, info->ndim);
    fputs(", \"dimensions\": [", stdout);
    for (int i = 0; i < info->ndim; i++) {
        if (i) fputs(", ", stdout);
        cli_json_text(stdout, info->dimensions[i]);
    }
    fputs("], \"chunk\": ", stdout);
    json_numbers(info->chunk, info->ndim);
    printf(", \"codec\": \"%s\", \"stored_bytes\": %llu, \"attributes\": %s}%s\n", sheaf_codec_name(info->codec),
           (unsigned long long)stored, attributes, last ? "" : ",");
}

static sheaf_status json_arrays(sheaf_store *store, sheaf_error *err)
{
    size_t n = sheaf_store_n_arrays(store);
    for (size_t i = 0; i < n; i++) {
        sheaf_array_info info;
        uint64_t stored;
        char *attributes;
        sheaf_status status = sheaf_store_array_at(store, i, &info, err);
        if (status == SHEAF_OK) status = sheaf_store_array_bytes(store, info.name, &stored, err);
        if (status == SHEAF_OK) status = sheaf_store_attributes(store, info.name, &attributes, err);
        if (status != SHEAF_OK) return status;
        json_array(&info, stored, attributes, i + 1 == n);
        sheaf_string_free(attributes);
    }
    return SHEAF_OK;
}

static void json_lengths(sheaf_store *store)
{
    for (size_t i = 0; i < sheaf_store_n_records(store); i++) {
        uint64_t length = 0;
        const char *name = sheaf_store_record_name(store, i);
        if (i) fputs(", ", stdout);
        if (sheaf_store_length(store, name, &length, NULL) != SHEAF_OK) length = 0;
        cli_json_text(stdout, name);
        printf(": %llu", (unsigned long long)length);
    }
}

static sheaf_status print_json(sheaf_store *store, const sheaf_store_statistics *s, const char *attributes, sheaf_error *err)
{
    printf("{\n  \"format\": \"%s\",\n  \"path\": ", sheaf_store_format(store));
    cli_json_text(stdout, sheaf_store_path(store));
    fputs(",\n  \"dimensions\": {", stdout);
    json_lengths(store);
    fputs("},\n  \"arrays\": [\n", stdout);
    sheaf_status status = json_arrays(store, err);
    printf("  ],\n  \"attributes\": %s,\n  \"allocated_bytes\": %llu,\n", attributes, (unsigned long long)s->allocated_bytes);
    printf("  \"writer\": \"%s\"", writer_name(s->writer));
    if (s->writer_pid) {
        printf(",\n  \"writer_pid\": %lld,\n  \"writer_since\": %lld,\n  \"writer_host\": ", (long long)s->writer_pid,
               (long long)s->writer_since);
        cli_json_text(stdout, s->writer_host);
    }
    fputs("\n}\n", stdout);
    return status;
}

/* "100000 × 5", with the dimensions' names in text2. */
static void shape_text(const sheaf_array_info *info, const uint64_t *numbers, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (int i = 0; i < info->ndim && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%llu", i ? " x " : "", (unsigned long long)numbers[i]);
}

static sheaf_status print_arrays(sheaf_store *store, sheaf_error *err)
{
    cli_table *table = cli_table_create();
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < sheaf_store_n_arrays(store) && status == SHEAF_OK; i++) {
        sheaf_array_info info;
        uint64_t stored = 0;
        char text[256];
        status = sheaf_store_array_at(store, i, &info, err);
        if (status == SHEAF_OK) status = sheaf_store_array_bytes(store, info.name, &stored, err);
        if (status != SHEAF_OK) break;
        cli_table_row(table);
        cli_table_text(table, "array", info.name);
        cli_table_text(table, "dtype", sheaf_dtype_name(info.dtype));
        shape_text(&info, info.shape, text, sizeof text);
        cli_table_text(table, "shape", text);
        size_t n = 0;
        for (int k = 0; k < info.ndim && n < sizeof text; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", k ? ", " : "", info.dimensions[k]);
        cli_table_text(table, "dimensions", text);
        shape_text(&info, info.chunk, text, sizeof text);
        cli_table_text(table, "chunk", text);
        cli_table_text(table, "codec", sheaf_codec_name(info.codec));
        cli_table_text(table, "stored", cli_bytes(stored, text));
    }
    cli_table_print(table, stdout);
    cli_table_free(table);
    return status;
}

static sheaf_status print_text(sheaf_store *store, const sheaf_store_statistics *s, const char *attributes, sheaf_error *err)
{
    char text[32];
    printf("%s: %s, %s allocated, writer: %s", sheaf_store_path(store), sheaf_store_format(store), cli_bytes(s->allocated_bytes, text),
           writer_name(s->writer));
    if (s->writer_pid) printf(" (process %lld on %s)", (long long)s->writer_pid, s->writer_host);
    putchar('\n');
    for (size_t i = 0; i < sheaf_store_n_records(store); i++) {
        uint64_t length = 0;
        const char *name = sheaf_store_record_name(store, i);
        sheaf_status status = sheaf_store_length(store, name, &length, err);
        if (status != SHEAF_OK) return status;
        printf("%s: %llu committed\n", name, (unsigned long long)length);
    }
    printf("attributes: %s\n\n", attributes);
    return print_arrays(store, err);
}

static sheaf_status print_store(sheaf_store *store, bool json, sheaf_error *err)
{
    sheaf_store_statistics s = {.size_bytes = sizeof s};
    char *attributes;
    sheaf_status status = sheaf_store_get_statistics(store, &s, err);
    if (status == SHEAF_OK) status = sheaf_store_attributes(store, NULL, &attributes, err);
    if (status != SHEAF_OK) return status;
    status = json ? print_json(store, &s, attributes, err) : print_text(store, &s, attributes, err);
    sheaf_string_free(attributes);
    return status;
}

int sheaf_cli_info(int argc, char **argv)
{
    const char *format = NULL, *path;
    bool json = false;
    const cli_option options[] = {
        {"--format", CLI_TEXT, &format, "FORMAT", "zarr, hdf5 or npy (default: by STORE's suffix or content)", NULL},
        {"--json", CLI_FLAG, &json, NULL, "as a JSON object", NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {
        "info",
        "STORE",
        "Tells what a store holds: its arrays, the committed lengths of what grows, attributes, bytes, and whether a writer is at work.",
        "  sheaf info run.zarr --json",
        1,
        1,
        options};
    int n;
    int status = cli_parse(&command, argc, argv, &path, &n);
    if (status == CLI_CONTINUE) status = cli_check_format("info", format);
    if (status != CLI_CONTINUE) return status;
    sheaf_store_options store_options = sheaf_store_options_init();
    store_options.format = format;
    sheaf_store *store;
    sheaf_error err;
    if (sheaf_store_open(path, &store_options, &store, &err) != SHEAF_OK) return cli_fail("info", &err, NULL);
    sheaf_status done = print_store(store, json, &err);
    sheaf_store_free(&store);
    return done == SHEAF_OK ? CLI_DONE : cli_fail("info", &err, NULL);
}

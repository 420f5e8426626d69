// SPDX-License-Identifier: Apache-2.0
/* What tests/interop/test_hdf5_outside.py and test_zarr_outside.py drive, by the public interface.
 *   write FILE ROWS [CODEC]   a store with an array of every kind; ROWS trajectories, 3 × ROWS events
 *   grow FILE                 the same store, open: each line of standard input is a command (append N, commit, checkpoint, close), answered
 *                             by a line
 *   beside FILE ROWS          adds `y` (step, 3) and `t` (step) to a file that others made; 0 rows: appends nothing and is killed
 *   append FILE ROWS          appends to what `beside` made, with a checkpoint in the middle
 *   dump FILE                 for each array a line of JSON (name, dtype, shape, dimensions, attributes), then its values raw
 * An error is a line on standard error and exit status 1. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sheaf/store.h"

static sheaf_error g_error;

static void check(sheaf_status status)
{
    if (status == SHEAF_OK) return;
    fprintf(stderr, "%s: %s\n", sheaf_status_name(status), g_error.message);
    exit(1);
}

static void add(sheaf_schema *schema, const char *name, sheaf_dtype dtype, int ndim, const char *const *dimensions, uint64_t chunk,
                sheaf_codec codec, const void *values, const char *attributes)
{
    sheaf_array_spec spec = sheaf_array_spec_init(name, dtype, ndim, dimensions);
    spec.chunk[0] = chunk;
    spec.codec = codec;
    spec.values = values;
    spec.attributes_json = attributes;
    check(sheaf_schema_add_array(schema, &spec, &g_error));
}

static sheaf_store *create(const char *path, sheaf_codec codec)
{
    static const double times[5] = {0, 0.25, 0.5, 0.75, 1};
    sheaf_schema *schema = NULL;
    sheaf_store *store = NULL;
    check(sheaf_schema_create(&schema, &g_error));
    check(sheaf_schema_add_dimension(schema, "trajectory", SHEAF_GROWS, &g_error));
    check(sheaf_schema_add_dimension(schema, "event", SHEAF_GROWS, &g_error));
    check(sheaf_schema_add_dimension(schema, "time", 5, &g_error));
    check(sheaf_schema_add_dimension(schema, "asset", 3, &g_error));
    add(schema, "time", SHEAF_F64, 1, (const char *[]){"time"}, 0, codec, times, "{\"units\": \"years\"}");
    add(schema, "trajectory", SHEAF_I64, 1, (const char *[]){"trajectory"}, 32, codec, NULL, NULL);
    add(schema, "price", SHEAF_F64, 3, (const char *[]){"trajectory", "time", "asset"}, 16, codec, NULL,
        "{\"units\": \"EUR\", \"scale\": 2, \"rate\": 0.5, \"list\": [1, 2, 3], \"names\": [\"a\", \"gr\\u00f6\\u00dfe\"], \"real\": [0.5, "
        "1.5]}");
    for (int dtype = SHEAF_BOOL; dtype <= SHEAF_F64; dtype++) {
        char name[32];
        snprintf(name, sizeof name, "e_%s", sheaf_dtype_name((sheaf_dtype)dtype));
        add(schema, name, (sheaf_dtype)dtype, 1, (const char *[]){"event"}, 10, codec, NULL,
            "{\"flag\": true, \"nested\": {\"a\": [1, \"b\", null]}}");
    }
    check(sheaf_schema_set_attributes(schema, "{\"model\": \"walk\", \"seed\": 7}", &g_error));
    sheaf_store_options options = sheaf_store_options_init();
    options.format = strstr(path, ".zarr") ? "zarr" : "hdf5";
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    check(sheaf_store_create(path, schema, &options, &store, &g_error));
    sheaf_schema_free(&schema);
    return store;
}

/* Values that Python makes the same way: price = row + k / 16, events = (row * 7 + dtype) % 100, bool = row % 3 == 0. */
static void append(sheaf_store *store, uint64_t n)
{
    uint64_t row, event;
    check(sheaf_store_appended(store, "trajectory", &row, &g_error));
    check(sheaf_store_appended(store, "event", &event, &g_error));
    for (uint64_t i = 0; i < n; i++, row++) {
        int64_t id = (int64_t)row * 2;
        double price[15];
        for (int k = 0; k < 15; k++) price[k] = (double)row + k / 16.0;
        check(sheaf_store_append(store, "trajectory", 1, (const void *[]){&id, price}, NULL, &g_error));
    }
    for (uint64_t i = 0; i < 3 * n; i++, event++) {
        union {
            int8_t i8;
            int16_t i16;
            int32_t i32;
            int64_t i64;
            float f32;
            double f64;
        } v[12];
        const void *columns[11];
        for (int t = SHEAF_BOOL; t <= SHEAF_F64; t++) {
            int value = (int)((event * 7 + (uint64_t)t) % 100);
            size_t size = sheaf_dtype_size((sheaf_dtype)t);
            if (t == SHEAF_BOOL) v[t].i8 = event % 3 == 0;
            else if (t == SHEAF_F32) v[t].f32 = (float)value;
            else if (t == SHEAF_F64) v[t].f64 = value;
            else if (size == 1) v[t].i8 = (int8_t)value;
            else if (size == 2) v[t].i16 = (int16_t)value;
            else if (size == 4) v[t].i32 = value;
            else v[t].i64 = value;
            columns[t - 1] = &v[t];
        }
        check(sheaf_store_append(store, "event", 1, columns, NULL, &g_error));
    }
}

static void grow(sheaf_store *store)
{
    char line[64];
    while (store && fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "append ", 7)) append(store, strtoull(line + 7, NULL, 10));
        else if (!strncmp(line, "commit", 6)) check(sheaf_store_commit(store, &g_error));
        else if (!strncmp(line, "checkpoint", 10)) check(sheaf_store_checkpoint(store, &g_error));
        else if (!strncmp(line, "close", 5)) check(sheaf_store_close(&store, &g_error));
        puts("done");
        fflush(stdout);
    }
    if (store) sheaf_store_free(&store);
}

static void dump(const char *path)
{
    sheaf_store *store = NULL;
    char *json;
    check(sheaf_store_open(path, NULL, &store, &g_error));
    check(sheaf_store_attributes(store, NULL, &json, &g_error));
    printf("%s\n", json);
    sheaf_string_free(json);
    for (size_t i = 0; i < sheaf_store_n_arrays(store); i++) {
        sheaf_array_info info;
        uint64_t n = 1;
        check(sheaf_store_array_at(store, i, &info, &g_error));
        check(sheaf_store_attributes(store, info.name, &json, &g_error));
        printf("{\"name\": \"%s\", \"dtype\": \"%s\", \"grows\": %s, \"attributes\": %s, \"dimensions\": [", info.name,
               sheaf_dtype_name(info.dtype), info.grows ? "true" : "false", json);
        sheaf_string_free(json);
        for (int axis = 0; axis < info.ndim; axis++) printf("%s\"%s\"", axis ? ", " : "", info.dimensions[axis]);
        printf("], \"shape\": [");
        for (int axis = 0; axis < info.ndim; axis++) {
            printf("%s%" PRIu64, axis ? ", " : "", info.shape[axis]);
            n *= info.shape[axis];
        }
        printf("]}\n");
        size_t size = (size_t)n * sheaf_dtype_size(info.dtype);
        void *values = malloc(size + 1);
        check(values ? SHEAF_OK : SHEAF_ERR_MEMORY);
        check(sheaf_store_read(store, info.name, NULL, values, size, &g_error));
        fwrite(values, 1, size, stdout);
        free(values);
    }
    check(sheaf_store_close(&store, &g_error));
}

/* t = row / 10, y = row * 3 + k: until `rows` are there, with a checkpoint now and then. */
static void append_beside(sheaf_store *store, uint64_t rows)
{
    uint64_t row;
    check(sheaf_store_appended(store, "step", &row, &g_error));
    for (uint64_t i = 0; i < rows; i++, row++) {
        double t = (double)row / 10, y[3] = {(double)row * 3, (double)row * 3 + 1, (double)row * 3 + 2};
        check(sheaf_store_append(store, "step", 1, (const void *[]){y, &t}, NULL, &g_error));
        if (i % 50 == 49) check(sheaf_store_commit(store, &g_error));
        if (i % 170 == 169) check(sheaf_store_checkpoint(store, &g_error));
    }
}

static void beside(const char *path, bool fresh, uint64_t rows)
{
    sheaf_schema *schema = NULL;
    sheaf_store *store = NULL;
    sheaf_store_options options = sheaf_store_options_init();
    options.format = "hdf5";
    options.beside = fresh;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    check(sheaf_schema_create(&schema, &g_error));
    check(sheaf_schema_add_dimension(schema, "step", SHEAF_GROWS, &g_error));
    check(sheaf_schema_add_dimension(schema, "component", 3, &g_error));
    static const int32_t components[3] = {7, 8, 9};
    add(schema, "y", SHEAF_F64, 2, (const char *[]){"step", "component"}, 100, SHEAF_CODEC_NONE, NULL, "{\"units\": \"m\"}");
    add(schema, "t", SHEAF_F64, 1, (const char *[]){"step"}, 64, SHEAF_CODEC_DEFAULT, NULL, NULL);
    add(schema, "component", SHEAF_I32, 1, (const char *[]){"component"}, 0, SHEAF_CODEC_DEFAULT, components, NULL);
    check(sheaf_schema_set_attributes(schema, "{\"title\": \"not this one\", \"run\": 5}", &g_error));
    check(fresh ? sheaf_store_create(path, schema, &options, &store, &g_error) : sheaf_store_open_append(path, &options, &store, &g_error));
    sheaf_schema_free(&schema);
    append_beside(store, rows);
    if (fresh && rows == 0) raise(SIGKILL);
    check(sheaf_store_close(&store, &g_error));
}

int main(int argc, char **argv)
{
    sheaf_codec codec = SHEAF_CODEC_DEFAULT;
    if (argc < 3) return 2;
    if (argc > 4) check(sheaf_codec_parse(argv[4], &codec, &g_error));
    if (!strcmp(argv[1], "write") && argc > 3) {
        sheaf_store *store = create(argv[2], codec);
        append(store, strtoull(argv[3], NULL, 10));
        check(sheaf_store_close(&store, &g_error));
    } else if (!strcmp(argv[1], "grow")) grow(create(argv[2], codec));
    else if (argc > 3 && (!strcmp(argv[1], "beside") || !strcmp(argv[1], "append")))
        beside(argv[2], argv[1][0] == 'b', strtoull(argv[3], NULL, 10));
    else if (!strcmp(argv[1], "dump")) dump(argv[2]);
    else return 2;
    return 0;
}

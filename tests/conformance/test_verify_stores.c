// SPDX-License-Identifier: Apache-2.0
/* What verify and repair tell of a store of many chunks, which several threads check: each damaged chunk once, in the order of its records. */
#include <dirent.h>
#include <sys/stat.h>

#include "conformance/stores.h"

enum { ROWS = 1600, WIDTH = 512, CHUNK = 8, FLIPS = 37 };

static test_folder g_folder;

static int make_folder(void **state)
{
    (void)state;
    folder_make(&g_folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(&g_folder);
    return 0;
}

typedef struct told {
    size_t n;
    int64_t record[ROWS / CHUNK + 1];
} told;

static void note(void *context, const sheaf_error *damage)
{
    told *t = context;
    assert_string_equal(damage->array, "y");
    assert_true(t->n < sizeof t->record / sizeof t->record[0]);
    t->record[t->n++] = damage->record;
}

static double value(size_t k)
{
    return (double)(k * 2654435761u % 1000003u);
}

static void write_store(size_t format, const char *path)
{
    sheaf_error err;
    sheaf_schema *schema = NULL;
    sheaf_store *store = NULL;
    sheaf_store_options options = quiet_options(format);
    sheaf_array_spec y = sheaf_array_spec_init("y", SHEAF_F64, 2, (const char *[]){"row", "x"});
    y.chunk[0] = CHUNK;
    y.chunk[1] = WIDTH;
    expect_ok(sheaf_schema_create(&schema, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "row", SHEAF_GROWS, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "x", WIDTH, &err));
    expect_ok(sheaf_schema_add_array(schema, &y, &err));
    expect_ok(sheaf_store_create(path, schema, &options, &store, &err));
    double *rows = malloc(sizeof *rows * CHUNK * WIDTH);
    for (size_t row = 0; row < ROWS; row += CHUNK) {
        for (size_t k = 0; k < CHUNK * WIDTH; k++) rows[k] = value(row * WIDTH + k);
        expect_ok(sheaf_store_append(store, "row", CHUNK, (const void *[]){rows}, NULL, &err));
    }
    free(rows);
    expect_ok(sheaf_store_close(&store, &err));
    sheaf_schema_free(&schema);
}

/* The file with the chunks: the store itself, or the largest below it. */
static off_t largest(const char *path, char *out, size_t size)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    if (!S_ISDIR(st.st_mode)) {
        snprintf(out, size, "%s", path);
        return st.st_size;
    }
    off_t most = -1;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        char below[512], found[512];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        assert_true((size_t)snprintf(below, sizeof below, "%s/%s", path, e->d_name) < sizeof below);
        off_t n = largest(below, found, sizeof found);
        if (n > most) snprintf(out, size, "%s", found);
        if (n > most) most = n;
    }
    closedir(folder);
    return most;
}

static void flip_some(const char *path)
{
    char file[512];
    off_t size = largest(path, file, sizeof file);
    FILE *f = fopen(file, "r+b");
    assert_non_null(f);
    for (int k = 0; k < FLIPS; k++) { /* in the midst, where only chunks lie */
        long at = (long)(size / 4 + size / 2 * k / FLIPS);
        assert_int_equal(fseek(f, at, SEEK_SET), 0);
        int byte = fgetc(f);
        assert_int_equal(fseek(f, at, SEEK_SET), 0);
        assert_int_not_equal(fputc(byte ^ 32, f), EOF);
    }
    assert_int_equal(fclose(f), 0);
}

/* The chunks told read as fill values, the others as written. */
static void expect_rest(const char *path, const told *damage)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    size_t next = 0;
    double *rows = malloc(sizeof *rows * CHUNK * WIDTH);
    expect_ok(sheaf_store_open(path, NULL, &store, &err));
    for (size_t row = 0; row < ROWS; row += CHUNK) {
        const sheaf_selection axes[2] = {sheaf_select_range(row, row + CHUNK, 1), sheaf_select_all()};
        expect_ok(sheaf_store_read(store, "y", axes, rows, sizeof *rows * CHUNK * WIDTH, &err));
        bool lost = next < damage->n && damage->record[next] == (int64_t)row;
        if (lost) next++;
        for (size_t k = 0; k < CHUNK * WIDTH; k++)
            if (lost ? rows[k] == rows[k] : rows[k] != value(row * WIDTH + k)) fail_msg("%s: record %zu", path, row);
    }
    assert_int_equal(next, damage->n);
    free(rows);
    expect_ok(sheaf_store_close(&store, &err));
}

static void each_damaged_chunk_is_told_once_in_the_order_of_its_records(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        char path[512];
        uint64_t n;
        told seen = {0}, given_up = {0}, after = {0};
        if (is_mem(f) || !strcmp(sheaf_format_name(f), "npy")) continue;
        write_store(f, store_path(&g_folder, f, "damaged", path, sizeof path));
        expect_ok(sheaf_store_verify(path, note, &after, &n, &err));
        assert_true(n == 0 && after.n == 0);
        flip_some(path);
        expect_ok(sheaf_store_verify(path, note, &seen, &n, &err));
        assert_true(n == seen.n && n >= FLIPS / 2 && n <= FLIPS);
        for (size_t k = 0; k < n; k++) assert_true(seen.record[k] % CHUNK == 0 && (k == 0 || seen.record[k] > seen.record[k - 1]));
        expect_ok(sheaf_store_repair(path, note, &given_up, &n, &err));
        assert_int_equal(n, seen.n);
        assert_memory_equal(&given_up, &seen, sizeof seen);
        expect_ok(sheaf_store_verify(path, note, &after, &n, &err));
        assert_int_equal(n, 0);
        expect_rest(path, &seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_damaged_chunk_is_told_once_in_the_order_of_its_records, make_folder, remove_folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Nothing outside a store is written, cut or removed, whatever names and links its files hold. */
#include <fcntl.h>
#include <sys/stat.h>

#include "fault/faults.h"

static const char SECRET[] = "this lies outside the store and stays as it is";

static void put_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void expect_text(const char *path, const char *text)
{
    sheaf_error err;
    shf_buf bytes = {0};
    expect_ok(shf_path_read(path, 1 << 20, &bytes, &err));
    if (bytes.size != strlen(text) || memcmp(bytes.data, text, bytes.size) != 0) fail_msg("%s was changed", path);
    shf_buf_free(&bytes);
}

static void path_in(const test_folder *folder, const char *below, char out[512])
{
    snprintf(out, 512, "%s/%s", folder->path, below);
}

static size_t format_named(const char *name)
{
    size_t f = 0;
    while (sheaf_format_name(f) && strcmp(sheaf_format_name(f), name) != 0) f++;
    return f;
}

/* All that a writer does with a store, errors allowed: none may reach beyond it. */
static void use(const char *path)
{
    sheaf_error err = {0};
    sheaf_store *store = NULL;
    sheaf_store_options options = sheaf_store_options_init();
    uint64_t n;
    options.n_threads = 0;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    if (sheaf_store_open_append(path, &options, &store, &err) == SHEAF_OK) {
        /* Enough that a new shard and new chunks are begun. */
        for (int i = 0; i < 20; i++)
            if (sheaf_store_append(store, "trajectory", 100, (const void *[]){NULL, NULL}, NULL, &err) != SHEAF_OK) break;
        sheaf_status closed = sheaf_store_close(&store, &err);
        if (closed != SHEAF_OK) assert_true(err.message[0] != '\0');
    } else {
        assert_true(err.message[0] != '\0');
    }
    if (sheaf_store_repair(path, NULL, NULL, &n, &err) != SHEAF_OK) assert_true(err.message[0] != '\0');
}

static void names_that_are_paths_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"../x", "..", ".", "", "/etc/x", "a/b", "a\\b", ".hidden", "a\nb", "a\x7f"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sheaf_error err = {0};
        sheaf_schema *schema = NULL;
        expect_ok(sheaf_schema_create(&schema, &err));
        expect_ok(sheaf_schema_add_dimension(schema, "row", SHEAF_GROWS, &err));
        sheaf_array_spec spec = sheaf_array_spec_init(names[i], SHEAF_I64, 1, (const char *[]){"row"});
        assert_int_not_equal(sheaf_schema_add_array(schema, &spec, &err), SHEAF_OK);
        assert_true(err.message[0] != '\0');
        assert_int_not_equal(sheaf_schema_add_dimension(schema, names[i], 3, &err), SHEAF_OK);
        sheaf_schema_free(&schema);
    }
}

/* The text of a file with every `from` become `to`. */
static void replace_in(const char *path, const char *from, const char *to)
{
    sheaf_error err;
    shf_buf in = {0}, out = {0};
    expect_ok(shf_path_read(path, 1 << 20, &in, &err));
    for (size_t at = 0; at < in.size;) {
        bool here = in.size - at >= strlen(from) && !memcmp(in.data + at, from, strlen(from));
        expect_ok(shf_buf_append(&out, here ? (const void *)to : in.data + at, here ? strlen(to) : 1, &err));
        at += here ? strlen(from) : 1;
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(out.data, 1, out.size, f), out.size);
    assert_int_equal(fclose(f), 0);
    shf_buf_free(&in);
    shf_buf_free(&out);
}

static void names_in_metadata_lead_nowhere(void **state)
{
    (void)state;
    static const struct {
        const char *format, *file, *outside;
    } cases[] = {{"zarr", "zarr.json", "outside"}, {"npy", "sheaf.json", "outside.npy"}};
    static const char *const names[] = {"\"../outside\"",      "\"/tmp\"", "\"..\"",           "\"\"",
                                        "\"outside\\u0000x\"", "\".\"",    "\"../../outside\""};
    for (size_t c = 0; c < 2; c++) {
        size_t f = format_named(cases[c].format);
        if (!sheaf_format_name(f)) continue;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            test_folder folder;
            char path[512], file[600], outside[512];
            sheaf_error err;
            run_progress progress = {0};
            folder_make(&folder);
            store_path(&folder, f, "s", path, sizeof path);
            expect_ok(run_steps(f, path, &progress, &err));
            path_in(&folder, cases[c].outside, outside);
            put_text(outside, SECRET);
            snprintf(file, sizeof file, "%s/%s", path, cases[c].file);
            replace_in(file, "\"assets\"", names[i]);
            sheaf_store *store = NULL;
            if (sheaf_store_open(path, NULL, &store, &err) == SHEAF_OK) {
                sheaf_array_info info;
                for (size_t k = 0; k < sheaf_store_n_arrays(store); k++) {
                    expect_ok(sheaf_store_array_at(store, k, &info, &err));
                    assert_null(strchr(info.name, '/'));
                    assert_true(info.name[0] != '.' && info.name[0] != '\0');
                }
                sheaf_store_free(&store);
            }
            use(path);
            expect_text(outside, SECRET);
            folder_remove(&folder);
        }
    }
}

/* Each file and folder of a store in turn becomes a link to one that lies outside. */
static void link_one(size_t format, const char *below, bool dangling)
{
    test_folder folder;
    char path[512], inside[600], outside[512], beside[600];
    sheaf_error err;
    shf_path_kind kind;
    run_progress progress = {0};
    folder_make(&folder);
    store_path(&folder, format, "s", path, sizeof path);
    expect_ok(run_steps(format, path, &progress, &err));
    snprintf(inside, sizeof inside, "%s%s", path, below);
    path_in(&folder, "outside", outside);
    expect_ok(shf_path_stat(inside, &kind, NULL, &err));
    bool is_folder = kind == SHF_PATH_FOLDER;
    if (is_folder) { /* what is outside is whole, so that nothing else is in the way */
        assert_int_equal(rename(inside, outside), 0);
        snprintf(beside, sizeof beside, "%s/secret", outside);
        put_text(beside, SECRET);
    } else {
        (void)unlink(inside);
        if (!dangling) put_text(outside, SECRET);
    }
    assert_int_equal(symlink(outside, inside), 0);
    uint64_t before = 0, after = 0;
    if (is_folder) expect_ok(shf_path_allocated(outside, &before, &err));
    use(path);
    if (is_folder) {
        expect_text(beside, SECRET);
        expect_ok(shf_path_allocated(outside, &after, &err));
        if (before != after) fail_msg("%s: written to through a link", inside);
    } else if (dangling) {
        expect_ok(shf_path_stat(outside, &kind, NULL, &err));
        if (kind != SHF_PATH_NONE) fail_msg("%s: a file was made through a link", inside);
    } else {
        expect_text(outside, SECRET);
    }
    sheaf_status removed = sheaf_store_remove(path, &err);
    if (removed != SHEAF_OK) assert_true(err.message[0] != '\0');
    if (is_folder) expect_text(beside, SECRET);
    else if (!dangling) expect_text(outside, SECRET);
    folder_remove(&folder);
}

static void links_are_not_written_through(void **state)
{
    (void)state;
    static const struct {
        const char *format, *below;
    } links[] = {
        {"zarr", "/zarr.json"},      {"zarr", "/assets"},     {"zarr", "/assets/zarr.json"},
        {"zarr", "/assets/c"},       {"zarr", "/assets/c/0"}, {"zarr", "/assets/c/0/0"},
        {"zarr", "/trajectory/c/0"}, {"zarr", "/.sheaf-log"}, {"zarr", "/zarr.json.sheaf-tmp"},
        {"npy", "/assets.npy"},      {"npy", "/sheaf.json"},  {"npy", "/sheaf.len"},
        {"npy", "/sheaf.sum"},       {"npy", "/.sheaf-log"},  {"npy", "/sheaf.json.sheaf-tmp"},
        {"hdf5", ".sheaf-log"},      {"zarr", "/assets/c/1"},
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        size_t f = format_named(links[i].format);
        if (!sheaf_format_name(f)) continue;
        link_one(f, links[i].below, false);
        link_one(f, links[i].below, true);
    }
}

static void a_store_under_a_link_is_used_as_one(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        test_folder folder;
        char path[512], real[512];
        sheaf_error err;
        sheaf_store *store = NULL;
        run_progress progress = {0};
        sheaf_store_options options = quiet_options(f);
        folder_make(&folder);
        store_path(&folder, f, "real", real, sizeof real);
        store_path(&folder, f, "link", path, sizeof path);
        expect_ok(run_steps(f, real, &progress, &err));
        assert_int_equal(symlink(real, path), 0);
        expect_ok(sheaf_store_open_append(path, &options, &store, &err));
        expect_ok(sheaf_store_append(store, "trajectory", 5, (const void *[]){NULL, NULL}, NULL, &err));
        expect_ok(sheaf_store_close(&store, &err));
        uint64_t n;
        expect_ok(sheaf_store_open(real, NULL, &store, &err));
        expect_ok(sheaf_store_length(store, "trajectory", &n, &err));
        assert_int_equal(n, run_trajectories(RUN_STEPS) + 5);
        sheaf_store_free(&store);
        folder_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_paths_are_refused),
        cmocka_unit_test(names_in_metadata_lead_nowhere),
        cmocka_unit_test(links_are_not_written_through),
        cmocka_unit_test(a_store_under_a_link_is_used_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

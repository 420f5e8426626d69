// SPDX-License-Identifier: Apache-2.0
/* The same cases over every back end; `mem` is the oracle. */
#include "conformance/stores.h"

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

static sheaf_store *create(size_t format, const char *stem, const sheaf_store_options *options)
{
    sheaf_error err;
    char path[512];
    sheaf_schema *schema = kitchen_sink();
    sheaf_store *store = NULL;
    expect_ok(sheaf_store_create(store_path(&g_folder, format, stem, path, sizeof path), schema, options, &store, &err));
    sheaf_schema_free(&schema);
    return store;
}

static void appended_rows_are_visible_after_commit_only(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        uint64_t length;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "visible", &options);
        expect_kitchen_sink(store, 0, 0);
        append_trajectories(store, 0, 10);
        expect_ok(sheaf_store_length(store, "trajectory", &length, &err));
        assert_int_equal(length, 0);
        expect_ok(sheaf_store_commit(store, &err));
        expect_kitchen_sink(store, 10, 0);
        append_events(store, 0, 2500);
        append_trajectories(store, 10, 200);
        expect_kitchen_sink(store, 10, 0);
        expect_ok(sheaf_store_commit(store, &err));
        expect_kitchen_sink(store, 210, 2500);
        expect_ok(sheaf_store_close(&store, &err));
        assert_null(store);
    }
}

static void closed_store_opens_equal_and_goes_on(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        char path[512];
        if (is_mem(f)) continue;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "again", &options);
        append_trajectories(store, 0, 37);
        append_events(store, 0, 1);
        expect_ok(sheaf_store_close(&store, &err));
        store_path(&g_folder, f, "again", path, sizeof path);
        for (uint64_t round = 1; round <= 4; round++) {
            expect_ok(sheaf_store_open_append(path, &options, &store, &err));
            expect_kitchen_sink(store, 37 * round, 1 + (round - 1) * 999);
            append_trajectories(store, 37 * round, 37);
            append_events(store, 1 + (round - 1) * 999, 999);
            expect_ok(sheaf_store_close(&store, &err));
        }
        expect_ok(sheaf_store_open(path, NULL, &store, &err));
        expect_kitchen_sink(store, 185, 3997);
        char *json;
        expect_ok(sheaf_store_attributes(store, NULL, &json, &err));
        assert_non_null(strstr(json, "\"seed\":7"));
        sheaf_string_free(json);
        expect_ok(sheaf_store_attributes(store, "assets", &json, &err));
        assert_non_null(strstr(json, "EUR"));
        sheaf_string_free(json);
        int32_t time[7];
        expect_ok(sheaf_store_read(store, "time", NULL, time, sizeof time, &err));
        assert_int_equal(time[6], 60);
        expect_ok(sheaf_store_close(&store, &err));
    }
}

static void reader_follows_commits_and_checkpoints(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        char path[512];
        if (is_mem(f)) continue;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "follow", &options), *reader = NULL;
        expect_ok(sheaf_store_open(store_path(&g_folder, f, "follow", path, sizeof path), NULL, &reader, &err));
        uint64_t n = 0, e = 0;
        for (int step = 0; step < 60; step++) {
            bool changed;
            uint64_t more = (uint64_t)(step % 7) + 1;
            append_trajectories(store, n, more);
            n += more;
            append_events(store, e, (uint64_t)step * 10 + 1);
            e += (uint64_t)step * 10 + 1;
            expect_ok(step % 9 == 5 ? sheaf_store_checkpoint(store, &err) : sheaf_store_commit(store, &err));
            expect_ok(sheaf_store_refresh(reader, &changed, &err));
            assert_true(changed);
            expect_kitchen_sink(reader, n, e);
            expect_kitchen_sink(store, n, e);
        }
        expect_ok(sheaf_store_close(&store, &err));
        expect_ok(sheaf_store_refresh(reader, NULL, &err));
        expect_kitchen_sink(reader, n, e);
        expect_ok(sheaf_store_close(&reader, &err));
    }
}

static void a_peek_tells_each_commit_and_leaves_what_is_read_as_it_is(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        char path[512];
        if (is_mem(f)) continue;
        bool stays = strcmp(sheaf_format_name(f), "npy") != 0;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "peek", &options), *reader = NULL;
        expect_ok(sheaf_store_open(store_path(&g_folder, f, "peek", path, sizeof path), NULL, &reader, &err));
        assert_int_equal(sheaf_store_n_records(reader), 2);
        uint64_t n = 0, length;
        for (unsigned step = 0; step < 400; step++) { /* over many tips, and logs cut at odd places */
            uint64_t more = step % 5 + 1, seen[2], written[2];
            append_trajectories(store, n, more);
            append_events(store, n, more);
            n += more;
            if (step % 3 == 2) continue;
            expect_ok(step % 90 == 40 ? sheaf_store_checkpoint(store, &err) : sheaf_store_commit(store, &err));
            expect_ok(sheaf_store_peek(reader, seen, &err));
            expect_ok(sheaf_store_peek(store, written, &err));
            assert_true(seen[0] == n && seen[1] == n && written[0] == n && written[1] == n);
            expect_ok(sheaf_store_length(reader, "trajectory", &length, &err));
            assert_int_equal(length, stays ? 0 : n);
        }
        expect_ok(sheaf_store_commit(store, &err));
        expect_ok(sheaf_store_close(&store, &err));
        uint64_t seen[2];
        expect_ok(sheaf_store_peek(reader, seen, &err)); /* there is no log any more */
        assert_true(seen[0] == n && seen[1] == n);
        expect_kitchen_sink(reader, n, n);
        assert_int_equal(sheaf_store_peek(reader, NULL, &err), SHEAF_ERR_ARGUMENT);
        assert_int_equal(sheaf_store_peek(NULL, seen, &err), SHEAF_ERR_ARGUMENT);
        expect_ok(sheaf_store_close(&reader, &err));
    }
}

static void freed_writer_drops_only_what_was_not_committed(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        char path[512];
        if (is_mem(f)) continue;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "freed", &options);
        append_trajectories(store, 0, 130);
        expect_ok(sheaf_store_commit(store, &err));
        append_trajectories(store, 130, 77);
        sheaf_store_free(&store);
        expect_ok(sheaf_store_open(store_path(&g_folder, f, "freed", path, sizeof path), NULL, &store, &err));
        expect_kitchen_sink(store, 130, 0);
        sheaf_store_statistics statistics = {.size_bytes = sizeof statistics};
        expect_ok(sheaf_store_get_statistics(store, &statistics, &err));
        assert_int_equal(statistics.writer, SHEAF_WRITER_NONE);
        expect_ok(sheaf_store_close(&store, &err));
    }
}

/* Element of a selection by brute force. */
static uint64_t pick(const sheaf_selection *s, uint64_t i)
{
    if (s->kind == SHEAF_SELECT_LIST) return s->indices[i];
    return s->kind == SHEAF_SELECT_ALL ? i : s->start + i * s->step;
}

static uint64_t extent(const sheaf_selection *s, uint64_t length)
{
    if (s->kind == SHEAF_SELECT_ALL) return length;
    if (s->kind == SHEAF_SELECT_LIST) return s->n_indices;
    uint64_t stop = s->stop < length ? s->stop : length;
    return stop > s->start ? (stop - s->start + s->step - 1) / s->step : 0;
}

static void expect_selection(sheaf_store *store, const sheaf_selection *s)
{
    sheaf_error err;
    uint64_t n[3] = {extent(&s[0], 210), extent(&s[1], 40), extent(&s[2], 50)}, count;
    expect_ok(sheaf_store_count(store, "field", s, &count, &err));
    assert_int_equal(count, n[0] * n[1] * n[2]);
    double *got = malloc((count + 1) * sizeof *got), *at = got;
    expect_ok(sheaf_store_read(store, "field", s, got, count * sizeof *got, &err));
    for (uint64_t i = 0; i < n[0]; i++)
        for (uint64_t j = 0; j < n[1]; j++)
            for (uint64_t k = 0; k < n[2]; k++, at++) {
                double want = value_at(SHEAF_F64, pick(&s[0], i), pick(&s[1], j) * 50 + pick(&s[2], k));
                if (memcmp(at, &want, 8) != 0 && !(want != want && *at != *at)) fail_msg("%s: element differs", sheaf_store_path(store));
            }
    free(got);
}

static void any_selection_reads_the_chosen_elements_in_order(void **state)
{
    (void)state;
    static const uint64_t rows[] = {209, 0, 5, 5, 100, 16, 15, 207, 3}, xs[] = {39, 0, 13, 13, 12, 26}, ys[] = {49, 1};
    const sheaf_selection cases[][3] = {
        {sheaf_select_all(), sheaf_select_all(), sheaf_select_all()},
        {sheaf_select_list(rows, 9), sheaf_select_all(), sheaf_select_all()},
        {sheaf_select_all(), sheaf_select_list(xs, 6), sheaf_select_list(ys, 2)},
        {sheaf_select_range(3, 210, 17), sheaf_select_range(1, 40, 5), sheaf_select_range(0, 50, 49)},
        {sheaf_select_list(rows, 9), sheaf_select_list(xs, 6), sheaf_select_range(31, 33, 1)},
        {sheaf_select_range(5, 5, 1), sheaf_select_all(), sheaf_select_all()},
        {sheaf_select_range(200, 999, 1), sheaf_select_range(39, 40, 1), sheaf_select_all()},
        {sheaf_select_all(), sheaf_select_range(7, 8, 1), sheaf_select_range(9, 10, 1)},
    };
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "select", &options);
        append_trajectories(store, 0, 150);
        expect_ok(sheaf_store_checkpoint(store, &err));
        append_trajectories(store, 150, 60);
        expect_ok(sheaf_store_commit(store, &err));
        for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) expect_selection(store, cases[c]);
        const uint64_t beyond[] = {1, 210};
        const sheaf_selection bad[3] = {sheaf_select_list(beyond, 2), sheaf_select_all(), sheaf_select_all()};
        uint64_t count;
        assert_int_equal(sheaf_store_count(store, "field", bad, &count, &err), SHEAF_ERR_RANGE);
        assert_non_null(strstr(err.message, "210"));
        double small[3];
        assert_int_equal(sheaf_store_read(store, "field", NULL, small, sizeof small, &err), SHEAF_ERR_MISMATCH);
        assert_int_equal(sheaf_store_read(store, "nothing", NULL, small, sizeof small, &err), SHEAF_ERR_NOT_FOUND);
        expect_ok(sheaf_store_close(&store, &err));
    }
}

static void absent_columns_read_as_fill_values(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "fill", &options);
        const int64_t ids[3] = {5, 6, 7};
        expect_ok(sheaf_store_append(store, "trajectory", 3, (const void *[]){ids, NULL, NULL}, NULL, &err));
        expect_ok(sheaf_store_commit(store, &err));
        float assets[21];
        expect_ok(sheaf_store_read(store, "assets", NULL, assets, sizeof assets, &err));
        for (int i = 0; i < 21; i++) assert_true(assets[i] != assets[i]);
        expect_ok(sheaf_store_close(&store, &err));
    }
}

static void existing_store_is_kept_unless_replace_is_said(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        char path[512];
        if (is_mem(f)) continue;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "kept", &options);
        append_events(store, 0, 5);
        sheaf_schema *schema = kitchen_sink();
        sheaf_store *other = NULL;
        store_path(&g_folder, f, "kept", path, sizeof path);
        options.if_exists = SHEAF_IF_EXISTS_REPLACE;
        assert_int_equal(sheaf_store_create(path, schema, &options, &other, &err), SHEAF_ERR_BUSY);
        assert_int_equal(sheaf_store_open_append(path, &options, &other, &err), SHEAF_ERR_BUSY);
        char pid[32];
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        assert_non_null(strstr(err.message, pid));
        expect_ok(sheaf_store_close(&store, &err));
        options.if_exists = SHEAF_IF_EXISTS_FAIL;
        assert_int_equal(sheaf_store_create(path, schema, &options, &other, &err), SHEAF_ERR_EXISTS);
        assert_null(other);
        expect_ok(sheaf_store_open(path, NULL, &store, &err));
        expect_kitchen_sink(store, 0, 5);
        expect_ok(sheaf_store_close(&store, &err));
        options.if_exists = SHEAF_IF_EXISTS_REPLACE;
        expect_ok(sheaf_store_create(path, schema, &options, &other, &err));
        expect_kitchen_sink(other, 0, 0);
        expect_ok(sheaf_store_close(&other, &err));
        expect_ok(sheaf_store_remove(path, &err));
        assert_int_equal(sheaf_store_remove(path, &err), SHEAF_ERR_NOT_FOUND);
        sheaf_schema_free(&schema);
    }
}

static void attributes_set_later_are_kept(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        sheaf_error err;
        char path[512], *json;
        if (is_mem(f)) continue;
        sheaf_store_options options = quiet_options(f);
        sheaf_store *store = create(f, "attributes", &options), *reader = NULL;
        expect_ok(sheaf_store_set_attributes(store, NULL, "{\"seed\": null, \"note\": \"\\u00e4\", \"list\": [1, 2.5, \"x\"]}", &err));
        expect_ok(sheaf_store_set_attributes(store, "assets", "{\"units\": \"USD\"}", &err));
        expect_ok(sheaf_store_commit(store, &err));
        expect_ok(sheaf_store_open(store_path(&g_folder, f, "attributes", path, sizeof path), NULL, &reader, &err));
        for (int closed = 0; closed < 2; closed++) {
            expect_ok(sheaf_store_attributes(reader, NULL, &json, &err));
            assert_null(strstr(json, "seed"));
            assert_non_null(strstr(json, "[1,2.5,\"x\"]"));
            sheaf_string_free(json);
            expect_ok(sheaf_store_attributes(reader, "assets", &json, &err));
            assert_string_equal(json, "{\"units\":\"USD\"}");
            sheaf_string_free(json);
            if (!closed) expect_ok(sheaf_store_close(&store, &err));
            expect_ok(sheaf_store_refresh(reader, NULL, &err));
        }
        expect_ok(sheaf_store_close(&reader, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(appended_rows_are_visible_after_commit_only, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(closed_store_opens_equal_and_goes_on, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(reader_follows_commits_and_checkpoints, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_peek_tells_each_commit_and_leaves_what_is_read_as_it_is, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(freed_writer_drops_only_what_was_not_committed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(any_selection_reads_the_chosen_elements_in_order, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(absent_columns_read_as_fill_values, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(existing_store_is_kept_unless_replace_is_said, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(attributes_set_later_are_kept, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

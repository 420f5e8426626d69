// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/file.h"

static char g_folder[] = "/tmp/sheaf-path-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(g_folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return shf_path_remove_tree(g_folder, NULL) == SHEAF_OK ? 0 : -1;
}

/* A path below the test's folder, in one of four turning buffers. */
static const char *below(const char *name)
{
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", g_folder, name);
    return path;
}

static void put(const char *path, const char *text)
{
    assert_int_equal(shf_path_replace(path, text, strlen(text), false, NULL), SHEAF_OK);
}

static void assert_holds(const char *path, const char *text)
{
    shf_buf buf = {0};
    assert_int_equal(shf_path_read(path, 1 << 20, &buf, NULL), SHEAF_OK);
    assert_int_equal(buf.size, strlen(text));
    assert_memory_equal(buf.data, text, buf.size);
    shf_buf_free(&buf);
}

static void join_base_and_parent_take_a_path_apart(void **state)
{
    (void)state;
    static const struct {
        const char *path, *base, *parent;
    } rows[] = {{"a/b/c.zarr", "c.zarr", "a/b"}, {"c", "c", "."}, {"/c", "c", "/"}};
    assert_string_equal(shf_path_base("a/x/"), "x/");
    assert_string_equal(shf_path_base("x//"), "x//");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *parent = shf_path_parent(rows[i].path);
        assert_string_equal(shf_path_base(rows[i].path), rows[i].base);
        assert_string_equal(parent, rows[i].parent);
        shf_free(parent);
    }
    char *joined = shf_path_join("a/b", "c");
    assert_string_equal(joined, "a/b/c");
    shf_free(joined);
}

static void replace_leaves_the_new_text_and_nothing_beside_it(void **state)
{
    (void)state;
    const char *path = below("replaced");
    put(path, "old");
    assert_int_equal(shf_path_replace(path, "the new", 7, true, NULL), SHEAF_OK);
    assert_holds(path, "the new");
    assert_int_equal(access(below("replaced.sheaf-tmp"), F_OK), -1);
}

typedef struct fault {
    shf_io_op op;
    int system_errno;
} fault;

static int answer_fault(void *context, const shf_io_call *call)
{
    const fault *f = context;
    return call->op == f->op ? f->system_errno : 0;
}

static void a_replace_that_fails_anywhere_keeps_the_old_text(void **state)
{
    (void)state;
    static const shf_io_op ops[] = {SHF_IO_OPEN, SHF_IO_WRITE, SHF_IO_SYNC, SHF_IO_RENAME};
    const char *path = below("kept");
    put(path, "old");
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        sheaf_error err;
        fault f = {ops[i], ENOSPC};
        shf_io_set_hook(answer_fault, &f);
        sheaf_status status = shf_path_replace(path, "the new", 7, true, &err);
        shf_io_set_hook(NULL, NULL);
        assert_int_equal(status, SHEAF_ERR_NO_SPACE);
        assert_holds(path, "old");
        assert_int_equal(access(below("kept.sheaf-tmp"), F_OK), -1);
    }
}

static void reading_a_whole_file_refuses_what_is_too_large_or_not_there(void **state)
{
    (void)state;
    shf_buf buf = {0};
    sheaf_error err;
    put(below("ten"), "0123456789");
    assert_int_equal(shf_path_read(below("ten"), 9, &buf, &err), SHEAF_ERR_RANGE);
    assert_non_null(strstr(err.message, "10"));
    assert_int_equal(shf_path_read(below("none"), 9, &buf, &err), SHEAF_ERR_NOT_FOUND);
    shf_buf_free(&buf);
}

static void stat_tells_files_folders_and_nothing_apart(void **state)
{
    (void)state;
    shf_path_kind kind;
    uint64_t size = 0;
    put(below("five"), "12345");
    assert_int_equal(shf_path_stat(below("five"), &kind, &size, NULL), SHEAF_OK);
    assert_int_equal(kind, SHF_PATH_FILE);
    assert_int_equal(size, 5);
    assert_int_equal(shf_path_stat(g_folder, &kind, &size, NULL), SHEAF_OK);
    assert_int_equal(kind, SHF_PATH_FOLDER);
    assert_int_equal(shf_path_stat(below("none"), &kind, &size, NULL), SHEAF_OK);
    assert_int_equal(kind, SHF_PATH_NONE);
}

typedef struct seen {
    char names[8][16];
    size_t count, stop_at;
} seen;

static sheaf_status see(void *context, const char *name, sheaf_error *err)
{
    seen *s = context;
    if (s->count == s->stop_at) return shf_fail(err, SHEAF_ERR_CANCELLED, "enough");
    snprintf(s->names[s->count++], sizeof s->names[0], "%s", name);
    return SHEAF_OK;
}

static void a_folder_is_listed_in_byte_order_until_the_visitor_stops(void **state)
{
    (void)state;
    assert_int_equal(shf_path_mkdir(below("listed"), NULL), SHEAF_OK);
    assert_int_equal(shf_path_mkdir(below("listed"), NULL), SHEAF_ERR_EXISTS);
    static const char *const names[] = {"listed/b", "listed/10", "listed/9", "listed/B", "listed/.z"};
    static const char *const sorted[] = {".z", "10", "9", "B", "b"};
    for (size_t i = 0; i < 5; i++) put(below(names[i]), "");
    seen all = {.stop_at = 8};
    assert_int_equal(shf_path_list(below("listed"), see, &all, NULL), SHEAF_OK);
    assert_int_equal(all.count, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(all.names[i], sorted[i]);
    seen some = {.stop_at = 2};
    assert_int_equal(shf_path_list(below("listed"), see, &some, NULL), SHEAF_ERR_CANCELLED);
    assert_int_equal(some.count, 2);
    assert_int_equal(shf_path_list(below("none"), see, &all, NULL), SHEAF_ERR_NOT_FOUND);
}

static void removing_a_tree_does_not_follow_symbolic_links(void **state)
{
    (void)state;
    assert_int_equal(shf_path_mkdir(below("kept_folder"), NULL), SHEAF_OK);
    put(below("kept_folder/file"), "stays");
    assert_int_equal(shf_path_mkdir(below("tree"), NULL), SHEAF_OK);
    assert_int_equal(shf_path_mkdir(below("tree/deep"), NULL), SHEAF_OK);
    put(below("tree/deep/file"), "goes");
    assert_int_equal(symlink(below("kept_folder"), below("tree/link")), 0);
    assert_int_equal(shf_path_remove_tree(below("tree"), NULL), SHEAF_OK);
    assert_int_equal(access(below("tree"), F_OK), -1);
    assert_holds(below("kept_folder/file"), "stays");
    assert_int_equal(shf_path_remove_tree(below("tree"), NULL), SHEAF_OK);
    assert_int_equal(shf_path_unlink(below("tree"), NULL), SHEAF_OK);
}

static void allocated_counts_all_that_lies_below_a_folder(void **state)
{
    (void)state;
    static char text[40001];
    memset(text, 'a', sizeof text - 1);
    uint64_t before = 0, after = 0;
    assert_int_equal(shf_path_mkdir(below("counted"), NULL), SHEAF_OK);
    assert_int_equal(shf_path_mkdir(below("counted/deep"), NULL), SHEAF_OK);
    assert_int_equal(shf_path_allocated(below("counted"), &before, NULL), SHEAF_OK);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "counted/deep/%d", i);
        assert_int_equal(shf_path_replace(below(name), text, sizeof text - 1, true, NULL), SHEAF_OK);
    }
    assert_int_equal(shf_path_allocated(below("counted"), &after, NULL), SHEAF_OK);
    assert_true(after - before >= 3 * 40000 && after - before < 3 * 80000);
    assert_int_equal(shf_path_allocated(below("none"), &after, NULL), SHEAF_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_base_and_parent_take_a_path_apart),
        cmocka_unit_test(replace_leaves_the_new_text_and_nothing_beside_it),
        cmocka_unit_test(a_replace_that_fails_anywhere_keeps_the_old_text),
        cmocka_unit_test(reading_a_whole_file_refuses_what_is_too_large_or_not_there),
        cmocka_unit_test(stat_tells_files_folders_and_nothing_apart),
        cmocka_unit_test(a_folder_is_listed_in_byte_order_until_the_visitor_stops),
        cmocka_unit_test(removing_a_tree_does_not_follow_symbolic_links),
        cmocka_unit_test(allocated_counts_all_that_lies_below_a_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

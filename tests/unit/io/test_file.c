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

static char g_folder[] = "/tmp/sheaf-file-XXXXXX";
static char g_path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(g_folder)) return -1;
    snprintf(g_path, sizeof g_path, "%s/data", g_folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return shf_path_remove_tree(g_folder, NULL) == SHEAF_OK ? 0 : -1;
}

static shf_file file_with(const void *bytes, size_t n)
{
    shf_file file = SHF_FILE_CLOSED;
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_TRUNCATE, NULL), SHEAF_OK);
    assert_int_equal(shf_file_write(&file, bytes, n, 0, NULL), SHEAF_OK);
    return file;
}

static void what_is_written_at_an_offset_is_read_there(void **state)
{
    (void)state;
    shf_file file = file_with("0123456789", 10);
    char back[8];
    uint64_t size = 0, allocated = 0;
    assert_int_equal(shf_file_write(&file, "xyz", 3, 4, NULL), SHEAF_OK);
    assert_int_equal(shf_file_read(&file, back, 6, 3, NULL), SHEAF_OK);
    assert_memory_equal(back, "3xyz78", 6);
    assert_int_equal(shf_file_write(&file, "e", 1, 99999, NULL), SHEAF_OK);
    assert_int_equal(shf_file_size(&file, &size, NULL), SHEAF_OK);
    assert_int_equal(size, 100000);
    assert_int_equal(shf_file_allocated(&file, &allocated, NULL), SHEAF_OK);
    assert_true(allocated > 0 && allocated % 512 == 0);
    assert_int_equal(shf_file_truncate(&file, 5, NULL), SHEAF_OK);
    assert_int_equal(shf_file_size(&file, &size, NULL), SHEAF_OK);
    assert_int_equal(size, 5);
    assert_int_equal(shf_file_sync(&file, NULL), SHEAF_OK);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
    assert_int_equal(file.fd, -1);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
}

static void reading_beyond_the_end_tells_both_numbers_and_the_place(void **state)
{
    (void)state;
    shf_file file = file_with("0123456789", 10);
    char back[16];
    sheaf_error err;
    size_t got = 99;
    assert_int_equal(shf_file_read(&file, back, 9, 4, &err), SHEAF_ERR_DAMAGED);
    assert_non_null(strstr(err.message, "expected 9 bytes at byte 4, got 6"));
    assert_string_equal(err.path, g_path);
    assert_int_equal(err.byte, 4);
    assert_int_equal(shf_file_read_some(&file, back, 16, 8, &got, NULL), SHEAF_OK);
    assert_int_equal(got, 2);
    assert_int_equal(shf_file_read_some(&file, back, 16, 500, &got, NULL), SHEAF_OK);
    assert_int_equal(got, 0);
    assert_int_equal(shf_file_read(&file, back, 1, UINT64_MAX, &err), SHEAF_ERR_RANGE);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
}

static void open_modes_create_refuse_keep_or_empty(void **state)
{
    (void)state;
    shf_file file = SHF_FILE_CLOSED;
    sheaf_error err;
    uint64_t size;
    assert_int_equal(shf_path_unlink(g_path, NULL), SHEAF_OK);
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_READ, &err), SHEAF_ERR_NOT_FOUND);
    assert_int_equal(err.system_errno, ENOENT);
    assert_int_equal(file.fd, -1);
    assert_null(file.path);
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_WRITE, NULL), SHEAF_ERR_NOT_FOUND);
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_EXCLUSIVE, NULL), SHEAF_OK);
    assert_int_equal(shf_file_write(&file, "abc", 3, 0, NULL), SHEAF_OK);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_EXCLUSIVE, NULL), SHEAF_ERR_EXISTS);
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_CREATE, NULL), SHEAF_OK);
    assert_int_equal(shf_file_size(&file, &size, NULL), SHEAF_OK);
    assert_int_equal(size, 3);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_READ, NULL), SHEAF_OK);
    assert_int_equal(shf_file_write(&file, "x", 1, 0, &err), SHEAF_ERR_IO);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_TRUNCATE, NULL), SHEAF_OK);
    assert_int_equal(shf_file_size(&file, &size, NULL), SHEAF_OK);
    assert_int_equal(size, 0);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
}

static void an_exclusive_lock_is_had_once_and_ends_with_its_file(void **state)
{
    (void)state;
    shf_file first = file_with("", 0), second = SHF_FILE_CLOSED;
    bool got = false;
    assert_int_equal(shf_file_open(&second, g_path, SHF_OPEN_READ, NULL), SHEAF_OK);
    assert_int_equal(shf_file_lock(&first, true, &got, NULL), SHEAF_OK);
    assert_true(got);
    assert_int_equal(shf_file_lock(&second, false, &got, NULL), SHEAF_OK);
    assert_false(got);
    assert_int_equal(shf_file_unlock(&first, NULL), SHEAF_OK);
    assert_int_equal(shf_file_lock(&second, false, &got, NULL), SHEAF_OK);
    assert_true(got);
    assert_int_equal(shf_file_lock(&first, true, &got, NULL), SHEAF_OK);
    assert_false(got);
    assert_int_equal(shf_file_close(&second, NULL), SHEAF_OK);
    assert_int_equal(shf_file_lock(&first, true, &got, NULL), SHEAF_OK);
    assert_true(got);
    assert_int_equal(shf_file_close(&first, NULL), SHEAF_OK);
}

static void a_map_shows_the_bytes_of_the_file(void **state)
{
    (void)state;
    shf_file file = file_with("mapped bytes", 12);
    shf_map map;
    assert_int_equal(shf_map_open(&map, &file, 12, NULL), SHEAF_OK);
    assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
    assert_int_equal(map.size, 12);
    assert_memory_equal(map.data, "mapped bytes", 12);
    shf_map_close(&map);
    assert_null(map.data);
    shf_map_close(&map);
    assert_int_equal(shf_map_open(&map, &file, 0, NULL), SHEAF_OK);
    assert_null(map.data);
}

/* ---- the seam ---- */

typedef struct fault {
    shf_io_op op;
    int answer, times;
    unsigned calls;
} fault;

static int answer_fault(void *context, const shf_io_call *call)
{
    fault *f = context;
    if (call->op != f->op) return 0;
    f->calls++;
    return f->times-- > 0 ? f->answer : 0;
}

static void interrupted_and_short_transfers_are_repeated_until_all_is_there(void **state)
{
    (void)state;
    static const int answers[] = {EINTR, SHF_IO_SHORT};
    char bytes[1000], back[1000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7);
    for (size_t a = 0; a < 2; a++) {
        shf_file file = file_with("", 0);
        fault f = {SHF_IO_WRITE, answers[a], 3, 0};
        shf_io_set_hook(answer_fault, &f);
        sheaf_status written = shf_file_write(&file, bytes, sizeof bytes, 0, NULL);
        assert_int_equal(f.calls, 4);
        f = (fault){SHF_IO_READ, answers[a], 3, 0};
        sheaf_status read = shf_file_read(&file, back, sizeof back, 0, NULL);
        shf_io_set_hook(NULL, NULL);
        assert_int_equal(f.calls, 4);
        assert_int_equal(written, SHEAF_OK);
        assert_int_equal(read, SHEAF_OK);
        assert_memory_equal(bytes, back, sizeof bytes);
        assert_int_equal(shf_file_close(&file, NULL), SHEAF_OK);
    }
}

static void a_full_disk_and_a_failing_sync_are_reported_by_their_kind(void **state)
{
    (void)state;
    shf_file file = file_with("abc", 3);
    sheaf_error err;
    fault f = {SHF_IO_WRITE, ENOSPC, 1, 0};
    shf_io_set_hook(answer_fault, &f);
    assert_int_equal(shf_file_write(&file, "x", 1, 0, &err), SHEAF_ERR_NO_SPACE);
    assert_int_equal(err.system_errno, ENOSPC);
    assert_string_equal(err.path, g_path);
    f = (fault){SHF_IO_SYNC, EIO, 1, 0};
    assert_int_equal(shf_file_sync(&file, &err), SHEAF_ERR_IO);
    f = (fault){SHF_IO_TRUNCATE, EINTR, 2, 0};
    assert_int_equal(shf_file_truncate(&file, 1, &err), SHEAF_OK);
    assert_int_equal(f.calls, 3);
    f = (fault){SHF_IO_CLOSE, EIO, 1, 0};
    assert_int_equal(shf_file_close(&file, &err), SHEAF_ERR_IO);
    assert_int_equal(file.fd, -1);
    f = (fault){SHF_IO_OPEN, EMFILE, 1, 0};
    assert_int_equal(shf_file_open(&file, g_path, SHF_OPEN_READ, &err), SHEAF_ERR_IO);
    assert_int_equal(err.system_errno, EMFILE);
    shf_io_set_hook(NULL, NULL);
    shf_alloc_fail_at(1, 0);
    sheaf_status status = shf_file_open(&file, g_path, SHF_OPEN_READ, &err);
    shf_alloc_fail_at(0, 0);
    assert_int_equal(status, SHEAF_ERR_MEMORY);
    assert_int_equal(file.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_at_an_offset_is_read_there),
        cmocka_unit_test(reading_beyond_the_end_tells_both_numbers_and_the_place),
        cmocka_unit_test(open_modes_create_refuse_keep_or_empty),
        cmocka_unit_test(an_exclusive_lock_is_had_once_and_ends_with_its_file),
        cmocka_unit_test(a_map_shows_the_bytes_of_the_file),
        cmocka_unit_test(interrupted_and_short_transfers_are_repeated_until_all_is_there),
        cmocka_unit_test(a_full_disk_and_a_failing_sync_are_reported_by_their_kind),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

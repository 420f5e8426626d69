// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void every_status_has_a_distinct_name_a_text_and_an_exit_status(void **state)
{
    (void)state;
#define COLLECT(constant, value, name, text, exit_status) {constant, value, name, text, exit_status},
    static const struct {
        sheaf_status status;
        int value;
        const char *name, *text;
        int exit_status;
    } rows[] = {SHEAF_STATUS_LIST(COLLECT)};
#undef COLLECT
    size_t n = sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].status, rows[i].value);
        assert_string_equal(sheaf_status_name(rows[i].status), rows[i].name);
        assert_string_equal(sheaf_status_text(rows[i].status), rows[i].text);
        assert_int_equal(sheaf_status_exit(rows[i].status), rows[i].exit_status);
        assert_true((rows[i].exit_status == 0) == (rows[i].status == SHEAF_OK));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(rows[i].name, rows[j].name);
            assert_int_not_equal(rows[i].value, rows[j].value);
        }
    }
}

static void an_unknown_status_still_has_texts_and_fails(void **state)
{
    (void)state;
    sheaf_status unknown = (sheaf_status)99;
    assert_string_equal(sheaf_status_name(unknown), "unknown");
    assert_string_equal(sheaf_status_text(unknown), "unknown status");
    assert_int_equal(sheaf_status_exit(unknown), 1);
}

static void fail_fills_code_and_message_and_clears_the_rest(void **state)
{
    (void)state;
    sheaf_error err;
    memset(&err, 'x', sizeof err);
    assert_int_equal(shf_fail(&err, SHEAF_ERR_DAMAGED, "expected %d bytes, got %d", 4096, 17), SHEAF_ERR_DAMAGED);
    assert_int_equal(err.code, SHEAF_ERR_DAMAGED);
    assert_string_equal(err.message, "expected 4096 bytes, got 17");
    assert_string_equal(err.path, "");
    assert_string_equal(err.array, "");
    assert_int_equal(err.system_errno, 0);
    assert_int_equal(err.record, -1);
    assert_int_equal(err.byte, -1);
    assert_int_equal(shf_fail(NULL, SHEAF_ERR_RANGE, "no error wanted"), SHEAF_ERR_RANGE);
}

static void an_empty_message_becomes_the_text_of_the_status(void **state)
{
    (void)state;
    sheaf_error err;
    (void)shf_fail(&err, SHEAF_ERR_BUSY, "%s", "");
    assert_string_equal(err.message, sheaf_status_text(SHEAF_ERR_BUSY));
}

static void too_long_a_message_is_cut_off_and_too_long_a_path_keeps_its_end(void **state)
{
    (void)state;
    sheaf_error err;
    char longer[1000];
    memset(longer, 'p', sizeof longer);
    memcpy(longer + sizeof longer - 6, "/end", 5);
    longer[sizeof longer - 2] = '\0';
    (void)shf_fail_at(&err, SHEAF_ERR_IO, longer, longer, 7, 8, "%s", longer);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.path), sizeof err.path - 1);
    assert_string_equal(err.path + strlen(err.path) - 4, "/end");
    assert_int_equal(strlen(err.array), sizeof err.array - 1);
    assert_int_equal(err.record, 7);
    assert_int_equal(err.byte, 8);
}

static void system_errors_keep_errno_path_and_kind(void **state)
{
    (void)state;
    static const struct {
        int system_errno;
        sheaf_status status;
    } rows[] = {{ENOSPC, SHEAF_ERR_NO_SPACE}, {EDQUOT, SHEAF_ERR_NO_SPACE}, {ENOMEM, SHEAF_ERR_MEMORY}, {ENOENT, SHEAF_ERR_NOT_FOUND},
                {EEXIST, SHEAF_ERR_EXISTS},   {EACCES, SHEAF_ERR_IO},       {EIO, SHEAF_ERR_IO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sheaf_error err;
        assert_int_equal(shf_fail_errno(&err, rows[i].system_errno, "cannot open", "some/file"), rows[i].status);
        assert_int_equal(err.code, rows[i].status);
        assert_int_equal(err.system_errno, rows[i].system_errno);
        assert_string_equal(err.path, "some/file");
        assert_non_null(strstr(err.message, "cannot open some/file: "));
        assert_int_equal(shf_fail_errno(NULL, rows[i].system_errno, "cannot open", NULL), rows[i].status);
    }
}

static void a_place_is_added_only_where_none_is_known(void **state)
{
    (void)state;
    sheaf_error err;
    (void)shf_fail_at(&err, SHEAF_ERR_DAMAGED, NULL, "loss", -1, 12, "wrong");
    shf_error_locate(&err, "run.zarr", "other", 5, 99);
    assert_string_equal(err.path, "run.zarr");
    assert_string_equal(err.array, "loss");
    assert_int_equal(err.record, 5);
    assert_int_equal(err.byte, 12);
    shf_error_locate(NULL, "run.zarr", NULL, -1, -1);
}

static sheaf_status give(sheaf_status status)
{
    return status;
}

static sheaf_status try_both(sheaf_status first, int *reached)
{
    SHF_TRY(give(first));
    *reached = 1;
    return SHEAF_ERR_STATE;
}

static void try_passes_a_failure_up_and_goes_on_otherwise(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(try_both(SHEAF_ERR_IO, &reached), SHEAF_ERR_IO);
    assert_int_equal(reached, 0);
    assert_int_equal(try_both(SHEAF_OK, &reached), SHEAF_ERR_STATE);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_distinct_name_a_text_and_an_exit_status),
        cmocka_unit_test(an_unknown_status_still_has_texts_and_fails),
        cmocka_unit_test(fail_fills_code_and_message_and_clears_the_rest),
        cmocka_unit_test(an_empty_message_becomes_the_text_of_the_status),
        cmocka_unit_test(too_long_a_message_is_cut_off_and_too_long_a_path_keeps_its_end),
        cmocka_unit_test(system_errors_keep_errno_path_and_kind),
        cmocka_unit_test(a_place_is_added_only_where_none_is_known),
        cmocka_unit_test(try_passes_a_failure_up_and_goes_on_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "base/crc32c.h"

static void what_is_appended_lies_there_in_order(void **state)
{
    (void)state;
    shf_buf buf = {0};
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t byte = (uint8_t)(i * 31);
        assert_int_equal(shf_buf_append(&buf, &byte, 1, NULL), SHEAF_OK);
    }
    assert_int_equal(buf.size, 10000);
    assert_true(buf.capacity >= buf.size);
    for (unsigned i = 0; i < 10000; i++) assert_int_equal(buf.data[i], (uint8_t)(i * 31));
    assert_int_equal(shf_buf_append(&buf, NULL, 0, NULL), SHEAF_OK);
    assert_int_equal(buf.size, 10000);
    shf_buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.size, 0);
    shf_buf_free(&buf);
}

static void printed_text_of_any_length_arrives_whole(void **state)
{
    (void)state;
    shf_buf buf = {0};
    for (int length = 0; length < 600; length += 37) {
        size_t before = buf.size;
        assert_int_equal(shf_buf_printf(&buf, NULL, "<%*s>", length, ""), SHEAF_OK);
        assert_int_equal(buf.size - before, (size_t)length + 2);
        assert_int_equal(buf.data[before], '<');
        assert_int_equal(buf.data[buf.size - 1], '>');
    }
    size_t before = buf.size;
    assert_int_equal(shf_buf_append_text(&buf, "end", NULL), SHEAF_OK);
    assert_memory_equal(buf.data + before, "end", 3);
    assert_int_equal(buf.size, before + 3);
    shf_buf_free(&buf);
}

static void resize_keeps_what_was_there(void **state)
{
    (void)state;
    shf_buf buf = {0};
    assert_int_equal(shf_buf_append(&buf, "abcdef", 6, NULL), SHEAF_OK);
    assert_int_equal(shf_buf_resize(&buf, 100000, NULL), SHEAF_OK);
    assert_int_equal(buf.size, 100000);
    assert_memory_equal(buf.data, "abcdef", 6);
    assert_int_equal(shf_buf_resize(&buf, 3, NULL), SHEAF_OK);
    assert_int_equal(buf.size, 3);
    shf_buf_free(&buf);
}

static void running_out_of_memory_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    shf_buf buf = {0};
    sheaf_error err;
    assert_int_equal(shf_buf_append(&buf, "abc", 3, NULL), SHEAF_OK);
    shf_alloc_fail_at(1, 1);
    sheaf_status reserved = shf_buf_reserve(&buf, 1 << 20, &err);
    sheaf_status resized = shf_buf_resize(&buf, 1 << 20, NULL);
    shf_alloc_fail_at(0, 0);
    assert_int_equal(reserved, SHEAF_ERR_MEMORY);
    assert_int_equal(resized, SHEAF_ERR_MEMORY);
    assert_int_equal(buf.size, 3);
    assert_memory_equal(buf.data, "abc", 3);
    assert_int_equal(shf_buf_reserve(&buf, SIZE_MAX, &err), SHEAF_ERR_MEMORY);
    assert_non_null(strstr(err.message, "out of memory"));
    shf_buf_free(&buf);
}

static void only_the_allocation_asked_for_fails(void **state)
{
    (void)state;
    shf_alloc_fail_at(2, 0);
    void *first = shf_malloc(8), *second = shf_malloc(8), *third = shf_calloc(2, 4);
    uint64_t asked = shf_alloc_count();
    shf_alloc_fail_at(0, 0);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    assert_int_equal(asked, 3);
    shf_free(first);
    shf_free(third);
}

static void aligned_and_empty_allocations_can_be_used_and_freed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *p = shf_malloc_aligned(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, sizes[i]);
        shf_free(p);
    }
    assert_null(shf_malloc_aligned(SIZE_MAX));
    void *empty = shf_malloc(0);
    assert_non_null(empty);
    shf_free(empty);
    shf_free(NULL);
}

static void an_aligned_buffer_grows_when_it_must_and_is_none_when_memory_runs_out(void **state)
{
    (void)state;
    uint8_t *p = NULL;
    size_t capacity = 0;
    uint8_t *first = shf_grow_aligned(&p, &capacity, 100);
    assert_non_null(first);
    assert_ptr_equal(p, first);
    assert_int_equal(capacity, 100);
    memset(p, 7, 100);
    assert_ptr_equal(shf_grow_aligned(&p, &capacity, 40), first);
    assert_int_equal(capacity, 100);
    assert_int_equal(p[99], 7);
    assert_non_null(shf_grow_aligned(&p, &capacity, 5000));
    assert_int_equal((uintptr_t)p % 64, 0);
    assert_int_equal(capacity, 5000);
    memset(p, 7, 5000);
    assert_null(shf_grow_aligned(&p, &capacity, SIZE_MAX));
    assert_null(p);
    assert_int_equal(capacity, 0);
}

static void arithmetic_tells_of_overflow(void **state)
{
    (void)state;
    uint64_t out;
    assert_true(shf_mul_u64(UINT32_MAX, UINT32_MAX, &out));
    assert_true(out == 18446744065119617025u);
    assert_false(shf_mul_u64(UINT64_MAX / 2 + 1, 2, &out));
    assert_true(shf_add_u64(UINT64_MAX - 1, 1, &out));
    assert_false(shf_add_u64(UINT64_MAX, 1, &out));
    assert_true(shf_ceil_div(UINT64_MAX, 2) == UINT64_MAX / 2 + 1);
    assert_true(shf_ceil_div(0, 5) == 0 && shf_ceil_div(10, 5) == 2 && shf_ceil_div(11, 5) == 3);
}

/* RFC 3720, appendix B.4; the check value of the CRC catalogue. */
static void crc32c_gives_the_published_values_at_any_split(void **state)
{
    (void)state;
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(shf_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(shf_crc32c(0, bytes, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
    assert_int_equal(shf_crc32c(0, bytes, 32), 0x46dd794e);
    assert_int_equal(shf_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(shf_crc32c(0, bytes, 0), 0);
    for (size_t cut = 0; cut <= 32; cut++) assert_int_equal(shf_crc32c(shf_crc32c(0, bytes, cut), bytes + cut, 32 - cut), 0x46dd794e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_lies_there_in_order),
        cmocka_unit_test(printed_text_of_any_length_arrives_whole),
        cmocka_unit_test(resize_keeps_what_was_there),
        cmocka_unit_test(running_out_of_memory_leaves_the_buffer_as_it_was),
        cmocka_unit_test(only_the_allocation_asked_for_fails),
        cmocka_unit_test(aligned_and_empty_allocations_can_be_used_and_freed),
        cmocka_unit_test(an_aligned_buffer_grows_when_it_must_and_is_none_when_memory_runs_out),
        cmocka_unit_test(arithmetic_tells_of_overflow),
        cmocka_unit_test(crc32c_gives_the_published_values_at_any_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/zip.h"

static sheaf_status memory_read(void *context, uint64_t offset, void *to, size_t n, sheaf_error *err)
{
    const shf_buf *buf = context;
    if (offset > buf->size || n > buf->size - offset) return shf_fail(err, SHEAF_ERR_IO, "read outside the file");
    memcpy(to, buf->data + offset, n);
    return SHEAF_OK;
}

static sheaf_status memory_write(void *context, uint64_t offset, const void *bytes, size_t n, sheaf_error *err)
{
    shf_buf *buf = context;
    if (offset > buf->size) return shf_fail(err, SHEAF_ERR_IO, "a hole in the file");
    if (offset + n > buf->size) SHF_TRY(shf_buf_resize(buf, offset + n, err));
    memcpy(buf->data + offset, bytes, n);
    return SHEAF_OK;
}

static sheaf_status refuse_write(void *context, uint64_t offset, const void *bytes, size_t n, sheaf_error *err)
{
    (void)bytes;
    int *left = context;
    return --*left < 0 ? shf_fail(err, SHEAF_ERR_NO_SPACE, "full at %llu + %zu", (unsigned long long)offset, n) : SHEAF_OK;
}

#define LARGE 300000

static uint8_t large[LARGE];

static void fill_large(void)
{
    uint32_t s = 1;
    for (size_t i = 0; i < LARGE; i++) {
        s = s * 1664525 + 1013904223;
        large[i] = (uint8_t)(s >> 24 & (i % 3 ? 15 : 255));
    }
}

static sheaf_status write_member(shf_zip_writer *w, const char *name, shf_zip_method method, size_t size, size_t piece, sheaf_error *err)
{
    SHF_TRY(shf_zip_writer_begin(w, name, method, 6, err));
    for (size_t at = 0; at < size; at += piece) SHF_TRY(shf_zip_writer_add(w, large + at, size - at < piece ? size - at : piece, err));
    return shf_zip_writer_end(w, err);
}

static sheaf_status write_three(shf_zip_pwrite pwrite, void *context, size_t piece, sheaf_error *err)
{
    shf_zip_writer *w;
    SHF_TRY(shf_zip_writer_open(pwrite, context, &w, err));
    sheaf_status status = write_member(w, "stored.npy", SHF_ZIP_STORED, LARGE, piece, err);
    if (!status)
        status = write_member(w,
                              "d\xc3\xa9"
                              "flated.npy",
                              SHF_ZIP_DEFLATED, LARGE, piece, err);
    if (!status) status = write_member(w, "empty", SHF_ZIP_DEFLATED, 0, piece, err);
    if (!status) status = shf_zip_writer_finish(w, NULL, err);
    shf_zip_writer_free(w);
    return status;
}

static sheaf_status read_member(const shf_zip_reader *r, const shf_zip_member *m, size_t piece, shf_buf *out, sheaf_error *err)
{
    shf_zip_stream *s;
    size_t got = 1;
    SHF_TRY(shf_zip_stream_open(r, m, &s, err));
    sheaf_status status = SHEAF_OK;
    while (!status && got) {
        status = shf_buf_reserve(out, piece, err);
        if (!status) status = shf_zip_stream_read(s, out->data + out->size, piece, &got, err);
        if (!status) out->size += got;
    }
    shf_zip_stream_free(s);
    return status;
}

/* Opens and reads every member; the first error. */
static sheaf_status read_all(shf_buf *file, size_t piece, size_t *total, sheaf_error *err)
{
    shf_zip_reader *r;
    SHF_TRY(shf_zip_open(memory_read, file, file->size, &r, err));
    sheaf_status status = SHEAF_OK;
    *total = 0;
    for (size_t i = 0; i < shf_zip_count(r) && !status; i++) {
        shf_buf out = {0};
        status = read_member(r, shf_zip_member_at(r, i), piece, &out, err);
        if (!status && out.size) assert_memory_equal(out.data, large, out.size);
        *total += out.size;
        shf_buf_free(&out);
    }
    shf_zip_free(r);
    return status;
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    fill_large();
    for (size_t piece = 1000; piece < 2 * LARGE; piece *= 7) {
        shf_buf file = {0};
        size_t total;
        assert_int_equal(write_three(memory_write, &file, piece, NULL), SHEAF_OK);
        assert_int_equal(read_all(&file, piece, &total, NULL), SHEAF_OK);
        assert_int_equal(total, 2 * LARGE);
        shf_buf_free(&file);
    }
}

static void the_directory_tells_names_sizes_and_places(void **state)
{
    (void)state;
    fill_large();
    shf_buf file = {0};
    shf_zip_reader *r;
    uint64_t offset;
    assert_int_equal(write_three(memory_write, &file, LARGE, NULL), SHEAF_OK);
    assert_int_equal(shf_zip_open(memory_read, &file, file.size, &r, NULL), SHEAF_OK);
    assert_int_equal(shf_zip_count(r), 3);
    const shf_zip_member *m = shf_zip_find(r, "stored.npy");
    assert_non_null(m);
    assert_int_equal(m->size, LARGE);
    assert_int_equal(m->method, SHF_ZIP_STORED);
    assert_int_equal(shf_zip_data_offset(r, m, &offset, NULL), SHEAF_OK);
    assert_memory_equal(file.data + offset, large, LARGE);
    m = shf_zip_find(r, "d\xc3\xa9"
                        "flated.npy");
    assert_non_null(m);
    assert_int_equal(m->method, SHF_ZIP_DEFLATED);
    assert_true(m->stored_size < LARGE);
    assert_null(shf_zip_find(r, "other"));
    shf_zip_free(r);
    shf_buf_free(&file);
}

static void an_empty_zip_file_has_no_members(void **state)
{
    (void)state;
    shf_buf file = {0};
    shf_zip_writer *w;
    uint64_t size;
    size_t total;
    assert_int_equal(shf_zip_writer_open(memory_write, &file, &w, NULL), SHEAF_OK);
    assert_int_equal(shf_zip_writer_finish(w, &size, NULL), SHEAF_OK);
    assert_int_equal(size, file.size);
    shf_zip_writer_free(w);
    assert_int_equal(read_all(&file, 10, &total, NULL), SHEAF_OK);
    /* the oldest form, without zip64 */
    file.size = 22;
    memset(file.data, 0, 22);
    memcpy(file.data, "PK\5\6", 4);
    assert_int_equal(read_all(&file, 10, &total, NULL), SHEAF_OK);
    shf_buf_free(&file);
}

static void every_cut_and_every_flipped_byte_is_noticed_or_harmless(void **state)
{
    (void)state;
    fill_large();
    shf_buf file = {0};
    shf_zip_writer *w;
    size_t total;
    assert_int_equal(shf_zip_writer_open(memory_write, &file, &w, NULL), SHEAF_OK);
    assert_int_equal(write_member(w, "a", SHF_ZIP_STORED, 100, 100, NULL), SHEAF_OK);
    assert_int_equal(write_member(w, "b", SHF_ZIP_DEFLATED, 1000, 100, NULL), SHEAF_OK);
    assert_int_equal(shf_zip_writer_finish(w, NULL, NULL), SHEAF_OK);
    shf_zip_writer_free(w);
    size_t size = file.size;
    for (file.size = 0; file.size < size; file.size++) {
        sheaf_error err = {0};
        assert_int_not_equal(read_all(&file, 64, &total, &err), SHEAF_OK);
        assert_true(err.message[0]);
        assert_int_not_equal(err.code, SHEAF_ERR_IO); /* never asked for bytes outside the file */
    }
    file.size = size;
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            sheaf_error err = {0};
            file.data[i] ^= (uint8_t)(1 << bit);
            sheaf_status status = read_all(&file, 64, &total, &err); /* the contents are compared there */
            if (status) assert_int_not_equal(status, SHEAF_ERR_IO);
            file.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    shf_buf_free(&file);
}

static void expect_failure(shf_buf *file, sheaf_status want, const char *message)
{
    sheaf_error err = {0};
    size_t total;
    assert_int_equal(read_all(file, 64, &total, &err), want);
    if (!strstr(err.message, message)) fail_msg("'%s' lacks '%s'", err.message, message);
}

static void what_is_not_supported_or_damaged_is_named(void **state)
{
    (void)state;
    fill_large();
    shf_buf file = {0};
    shf_zip_writer *w;
    assert_int_equal(shf_zip_writer_open(memory_write, &file, &w, NULL), SHEAF_OK);
    assert_int_equal(write_member(w, "member", SHF_ZIP_STORED, 100, 100, NULL), SHEAF_OK);
    assert_int_equal(shf_zip_writer_finish(w, NULL, NULL), SHEAF_OK);
    shf_zip_writer_free(w);
    uint8_t *entry = file.data + 30 + 6 + 20 + 100;
    assert_int_equal(shf_get_u32(entry), 0x02014b50);
    entry[10] = 12;
    expect_failure(&file, SHEAF_ERR_UNSUPPORTED, "'member': method 12");
    entry[10] = 0;
    entry[8] = 1;
    expect_failure(&file, SHEAF_ERR_UNSUPPORTED, "'member' is encrypted");
    entry[8] = 0;
    file.data[30 + 6 + 20 + 50] ^= 1;
    expect_failure(&file, SHEAF_ERR_DAMAGED, "'member': expected CRC");
    file.data[30 + 6 + 20 + 50] ^= 1;
    file.data[0] = 0;
    expect_failure(&file, SHEAF_ERR_DAMAGED, "'member' has no header");
    file.data[0] = 'P';
    shf_set_u64(entry + 46 + 6 + 12, 1U << 30);
    expect_failure(&file, SHEAF_ERR_DAMAGED, "is stored, but of 1073741824 bytes where 100");
    shf_set_u64(entry + 46 + 6 + 4, 1U << 30);
    expect_failure(&file, SHEAF_ERR_DAMAGED, "is cut off: 1073741824 bytes are stored, 100 are there");
    shf_set_u64(entry + 46 + 6 + 20, UINT64_MAX);
    expect_failure(&file, SHEAF_ERR_DAMAGED, "lies outside the file");
    file.size = 10;
    expect_failure(&file, SHEAF_ERR_INPUT, "too short");
    file.size = 100;
    expect_failure(&file, SHEAF_ERR_INPUT, "no end of a directory");
    shf_buf_free(&file);
}

static void a_false_end_within_the_comment_does_not_mislead(void **state)
{
    (void)state;
    fill_large();
    shf_buf file = {0};
    size_t total;
    assert_int_equal(write_three(memory_write, &file, LARGE, NULL), SHEAF_OK);
    shf_set_u16(file.data + file.size - 2, 30);
    assert_int_equal(shf_buf_append(&file, "comment PK\5\6 not an end at all", 30, NULL), SHEAF_OK);
    assert_int_equal(read_all(&file, LARGE, &total, NULL), SHEAF_OK);
    assert_int_equal(total, 2 * LARGE);
    shf_buf_free(&file);
}

static void steps_out_of_order_are_refused(void **state)
{
    (void)state;
    shf_buf file = {0};
    shf_zip_writer *w;
    assert_int_equal(shf_zip_writer_open(memory_write, &file, &w, NULL), SHEAF_OK);
    assert_int_equal(shf_zip_writer_add(w, "x", 1, NULL), SHEAF_ERR_STATE);
    assert_int_equal(shf_zip_writer_end(w, NULL), SHEAF_ERR_STATE);
    assert_int_equal(shf_zip_writer_begin(w, "a", SHF_ZIP_DEFLATED, 0, NULL), SHEAF_ERR_ARGUMENT);
    assert_int_equal(shf_zip_writer_begin(w, "a", SHF_ZIP_DEFLATED, 1, NULL), SHEAF_OK);
    assert_int_equal(shf_zip_writer_begin(w, "b", SHF_ZIP_STORED, 0, NULL), SHEAF_ERR_STATE);
    assert_int_equal(shf_zip_writer_finish(w, NULL, NULL), SHEAF_ERR_STATE);
    shf_zip_writer_free(w);
    shf_buf_free(&file);
}

static void failed_writes_and_allocations_are_errors(void **state)
{
    (void)state;
    fill_large();
    int failures = 0;
    for (int allowed = 0; allowed < 100; allowed++) {
        int left = allowed;
        sheaf_error err;
        sheaf_status status = write_three(refuse_write, &left, LARGE, &err);
        if (!status) break;
        assert_int_equal(status, SHEAF_ERR_NO_SPACE);
        failures++;
    }
    assert_in_range(failures, 10, 99);
    shf_buf file = {0};
    size_t total;
    assert_int_equal(write_three(memory_write, &file, LARGE, NULL), SHEAF_OK);
    for (uint64_t n = 1, done = 0; !done; n++) {
        shf_buf copy = {0};
        shf_alloc_fail_at(n, 1);
        sheaf_status status = write_three(memory_write, &copy, LARGE, NULL);
        done = status == SHEAF_OK;
        if (!done) assert_int_equal(status, SHEAF_ERR_MEMORY);
        shf_alloc_fail_at(n, 1);
        status = read_all(&file, LARGE, &total, NULL);
        done &= status == SHEAF_OK;
        if (status) assert_int_equal(status, SHEAF_ERR_MEMORY);
        shf_alloc_fail_at(0, 0);
        shf_buf_free(&copy);
    }
    shf_buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_directory_tells_names_sizes_and_places),
        cmocka_unit_test(an_empty_zip_file_has_no_members),
        cmocka_unit_test(every_cut_and_every_flipped_byte_is_noticed_or_harmless),
        cmocka_unit_test(what_is_not_supported_or_damaged_is_named),
        cmocka_unit_test(a_false_end_within_the_comment_does_not_mislead),
        cmocka_unit_test(steps_out_of_order_are_refused),
        cmocka_unit_test(failed_writes_and_allocations_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

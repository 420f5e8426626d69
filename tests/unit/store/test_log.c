// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"
#include "store/log.h"

#define OK(call) assert_int_equal(call, SHEAF_OK)

static sheaf_error err;
static char folder[] = "/tmp/sheaf-test-log-XXXXXX", path[sizeof folder + 8];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static off_t file_size(void)
{
    struct stat st;
    return stat(path, &st) ? -1 : st.st_size;
}

static void begin(shf_log *log, bool sync)
{
    bool was_there;
    shf_log_init(log);
    OK(shf_log_acquire(log, shf_strdup(path), sync, &was_there, &err));
    assert_false(was_there);
    OK(shf_log_restart(log, "zarr", 1, 1, 0, &err));
}

/* A frame of n bytes, byte k being seed + k, put in parts of `part` bytes. */
static void put_frame(shf_log *log, unsigned seed, size_t n, size_t part)
{
    uint8_t *bytes = malloc(n + 1);
    for (size_t k = 0; k < n; k++) bytes[k] = (uint8_t)(seed + k);
    OK(shf_log_begin(log, &err));
    for (size_t done = 0; done < n; done += part) OK(shf_log_put(log, bytes + done, n - done < part ? n - done : part, &err));
    OK(shf_log_end(log, &err));
    free(bytes);
}

static void expect_frame(shf_log *reader, unsigned seed, size_t n)
{
    shf_log_payload payload;
    bool more;
    OK(shf_log_read(reader, &payload, &more, &err));
    assert_true(more);
    assert_int_equal(payload.n, n);
    for (size_t k = 0; k < n; k++)
        if (payload.bytes[k] != (uint8_t)(seed + k)) fail_msg("byte %zu of %zu", k, n);
}

static void expect_end(shf_log *reader)
{
    shf_log_payload payload;
    bool more;
    OK(shf_log_read(reader, &payload, &more, &err));
    assert_false(more);
}

static void attach(shf_log *reader)
{
    bool there;
    shf_log_init(reader);
    OK(shf_log_attach(reader, shf_strdup(path), &there, &err));
    assert_true(there);
}

static void frames_of_any_size_and_cut_read_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 100, 65535, 65536, 200000, 1 << 20, 3000001};
    static const size_t parts[] = {7777, 65536, 1 << 20, 4 << 20};
    for (int sync = 0; sync < 2; sync++) {
        shf_log log, reader;
        begin(&log, sync);
        for (unsigned s = 0; s < 7; s++)
            for (unsigned p = 0; p < 4; p++) put_frame(&log, s + p, sizes[s], parts[p]);
        attach(&reader);
        for (unsigned s = 0; s < 7; s++)
            for (unsigned p = 0; p < 4; p++) expect_frame(&reader, s + p, sizes[s]);
        expect_end(&reader);
        OK(shf_log_close(&reader, false, &err));
        OK(shf_log_close(&log, true, &err));
    }
}

static void a_new_generation_uses_the_same_pages_and_shows_no_older_frame(void **state)
{
    (void)state;
    shf_log log, reader;
    begin(&log, false);
    for (unsigned k = 0; k < 8; k++) put_frame(&log, k, 100000, 100000);
    off_t full = file_size();
    assert_true(full > 800000);
    OK(shf_log_restart(&log, "zarr", 1, 1, 1 << 20, &err));
    assert_int_equal(file_size(), full);
    attach(&reader);
    expect_end(&reader);
    assert_true(reader.window.capacity <= 4096); /* what the older generation left there was not read */
    for (unsigned k = 0; k < 9; k++) {
        size_t n = 50000 + 10000 * k; /* over old frames' heads and through their middles */
        put_frame(&log, 50 + k, n, n);
        expect_frame(&reader, 50 + k, n);
        expect_end(&reader);
    }
    assert_true(log.allocated >= (uint64_t)file_size());
    OK(shf_log_restart(&log, "zarr", 1, 1, 1000, &err));
    assert_true(file_size() < 1000);
    assert_true(log.allocated <= 4096);
    bool same;
    OK(shf_log_check(&reader, &same, &err));
    assert_false(same);
    OK(shf_log_close(&reader, false, &err));
    OK(shf_log_close(&log, true, &err));
}

static void a_log_of_version_1_reads_the_same(void **state)
{
    (void)state;
    shf_log log, reader;
    begin(&log, false);
    for (unsigned k = 0; k < 5; k++) put_frame(&log, k, 3000 * k + 1, 1000);
    /* What that version wrote: its header, and the frames at once behind it. */
    static uint8_t bytes[1 << 16];
    int fd = open(path, O_RDWR);
    ssize_t n = pread(fd, bytes, sizeof bytes, SHF_LOG_FRAMES_AT);
    assert_int_equal(pwrite(fd, bytes, (size_t)n, SHF_LOG_HEADER_BYTES), n);
    assert_int_equal(pread(fd, bytes, SHF_LOG_HEADER_BYTES, 0), SHF_LOG_HEADER_BYTES);
    shf_set_u32(bytes + 8, 1);
    shf_set_u32(bytes + 252, shf_crc32c(0, bytes, 252));
    assert_int_equal(pwrite(fd, bytes, SHF_LOG_HEADER_BYTES, 0), SHF_LOG_HEADER_BYTES);
    close(fd);
    attach(&reader);
    uint64_t length = 17;
    bool at_tip;
    OK(shf_log_seek_tip(&reader, &length, 1, &at_tip, &err));
    assert_false(at_tip);
    assert_int_equal(length, 17);
    for (unsigned k = 0; k < 5; k++) expect_frame(&reader, k, 3000 * k + 1);
    expect_end(&reader);
    OK(shf_log_close(&reader, false, &err));
    OK(shf_log_close(&log, true, &err));
}

static void the_tip_is_never_far_behind_the_last_frame(void **state)
{
    (void)state;
    shf_log log, reader;
    begin(&log, false);
    attach(&reader);
    for (unsigned k = 0; k < 300; k++) {
        uint64_t length, told = k;
        bool at_tip;
        put_frame(&log, k, 1000, 1000);
        shf_log_tell(&log, &told, 1);
        OK(shf_log_seek_tip(&reader, &length, 1, &at_tip, &err));
        assert_true(at_tip && length <= k && length + 66 > k);
        for (uint64_t behind = length + 1; behind <= k; behind++) expect_frame(&reader, (unsigned)behind, 1000);
        expect_end(&reader);
        assert_int_equal(reader.position, log.position);
        if (k == 150) OK(shf_log_restart(&log, "zarr", 1, 1, 1 << 20, &err));
        if (k == 150) OK(shf_log_seek_tip(&reader, &length, 1, &at_tip, &err));
        if (k == 150) assert_false(at_tip);
    }
    OK(shf_log_close(&reader, false, &err));
    OK(shf_log_close(&log, true, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_any_size_and_cut_read_back),
        cmocka_unit_test(a_log_of_version_1_reads_the_same),
        cmocka_unit_test(the_tip_is_never_far_behind_the_last_frame),
        cmocka_unit_test(a_new_generation_uses_the_same_pages_and_shows_no_older_frame),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

// SPDX-License-Identifier: Apache-2.0
/* Frames of ours beside those of c-blosc: the same bytes, and each reads the other's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <blosc.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

enum { N = 40000, HEADER = 16 };

static uint8_t data[N], ours[N + 64], theirs[N + 64], back[N + 1];

/* kind 0: noise; 1: zeros; 2: a slow walk of f32 */
static void make_data(int kind)
{
    uint64_t h = 88172645463325252u;
    float walk = 100;
    memset(data, 0, sizeof data);
    for (size_t i = 0; i + 4 <= N && kind != 1; i += 4) {
        h ^= h << 13;
        h ^= h >> 7;
        h ^= h << 17;
        walk += (float)(h % 1000) / 5000;
        if (kind == 0) memcpy(data + i, &h, 4);
        else memcpy(data + i, &walk, 4);
    }
}

static void the_bytes_are_those_of_c_blosc(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 120, 127, 128, 129, 131, 144, 4080, 4099, N - N % 24};
    static const size_t items[] = {1, 2, 4, 8, 12};
    shf_codec_work work = {0};
    unsigned n_cases = 0;
    for (int kind = 0; kind < 3; kind++) {
        make_data(kind);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t k = 0; k < sizeof items / sizeof *items; k++)
                for (int level = 1; level <= 9; level += level < 3 ? 1 : 3)
                    for (int shuffle = 0; shuffle < 2; shuffle++) {
                        size_t n = sizes[s], size = 0;
                        sheaf_error err;
                        int expected = blosc_compress_ctx(level, shuffle && items[k] > 1 ? BLOSC_SHUFFLE : BLOSC_NOSHUFFLE, items[k], n,
                                                          data, theirs, n + BLOSC_MAX_OVERHEAD, BLOSC_ZSTD_COMPNAME, n, 1);
                        assert_int_equal(
                            shf_blosc_encode(n_cases % 2 ? &work : NULL, level, shuffle, items[k], data, n, ours, n + HEADER, &size, &err),
                            SHEAF_OK);
                        n_cases++;
                        if (n == 0 || n % items[k]) continue; /* c-blosc: a block size of 1; a second block for the rest */
                        assert_int_equal(size, expected);
                        assert_memory_equal(ours, theirs, size);
                    }
    }
    assert_true(n_cases > 1000);
    shf_codec_work_free(&work);
}

static void each_reads_the_others_frames(void **state)
{
    (void)state;
    shf_codec_work work = {0};
    for (int kind = 0; kind < 3; kind++) {
        make_data(kind);
        for (size_t n = 1; n <= N; n = n * 3 + 1)
            for (int blocks = 0; blocks < 2; blocks++) {
                sheaf_error err;
                size_t size;
                assert_int_equal(shf_blosc_encode(&work, 1, true, 4, data, n, ours, n + HEADER, &size, &err), SHEAF_OK);
                memset(back, 0xA5, sizeof back);
                assert_int_equal(blosc_decompress_ctx(ours, back, n, 1), (int)n);
                assert_memory_equal(back, data, n);
                int got = blosc_compress_ctx(5, BLOSC_SHUFFLE, 4, n, data, theirs, n + BLOSC_MAX_OVERHEAD, blocks ? "lz4" : "zstd",
                                             blocks ? 512 : n, 1);
                assert_true(got > 0);
                memset(back, 0xA5, sizeof back);
                assert_int_equal(shf_codec_blosc.decode(&work, theirs, (size_t)got, back, n, &err), SHEAF_OK);
                assert_memory_equal(back, data, n);
                assert_int_equal(back[n], 0xA5);
            }
    }
    shf_codec_work_free(&work);
}

static void a_frame_changed_anywhere_in_its_head_is_refused_or_read_within_its_bounds(void **state)
{
    (void)state;
    shf_codec_work work = {0};
    sheaf_error err;
    size_t size;
    make_data(2);
    assert_int_equal(shf_blosc_encode(&work, 1, true, 4, data, 4096, ours, 4096 + HEADER, &size, &err), SHEAF_OK);
    unsigned n_refused = 0;
    for (size_t at = 0; at < 64; at++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t *bad = malloc(size); /* as large as it is: sanitizers see a read beyond */
            memcpy(bad, ours, size);
            bad[at] = (uint8_t)value;
            back[4096] = 0xA5;
            sheaf_status status = shf_codec_blosc.decode(&work, bad, size, back, 4096, &err);
            assert_true(status == SHEAF_OK || status == SHEAF_ERR_DAMAGED || status == SHEAF_ERR_MEMORY);
            n_refused += status != SHEAF_OK;
            assert_int_equal(back[4096], 0xA5);
            free(bad);
        }
    assert_true(n_refused > 4000);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut ? cut : 1);
        memcpy(part, ours, cut);
        assert_int_equal(shf_codec_blosc.decode(&work, part, cut, back, 4096, &err), SHEAF_ERR_DAMAGED);
        free(part);
    }
    shf_codec_work_free(&work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_c_blosc),
        cmocka_unit_test(each_reads_the_others_frames),
        cmocka_unit_test(a_frame_changed_anywhere_in_its_head_is_refused_or_read_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

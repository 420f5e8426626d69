// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

static void shuffle_moves_each_byte_to_its_plane_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 12, 16};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t es = sizes[s];
        for (size_t n = 0; n < 700; n += 1 + n / 20) {
            uint8_t *in = malloc(n + 1), *out = malloc(n + 1), *back = malloc(n + 1);
            for (size_t i = 0; i < n; i++) in[i] = (uint8_t)(i * 167 + i / 256);
            shf_shuffle(es, in, n, out);
            size_t count = n / es;
            for (size_t i = 0; i < count; i++)
                for (size_t b = 0; b < es; b++) assert_int_equal(out[b * count + i], in[i * es + b]);
            for (size_t i = count * es; i < n; i++) assert_int_equal(out[i], in[i]);
            shf_unshuffle(es, out, n, back);
            assert_memory_equal(in, back, n);
            free(in);
            free(out);
            free(back);
        }
    }
}

static void a_range_of_elements_is_unshuffled_alone(void **state)
{
    (void)state;
    uint64_t in[100], out[100], some[100];
    for (size_t i = 0; i < 100; i++) in[i] = i * 0x9E3779B97F4A7C15u;
    shf_shuffle(8, in, sizeof in, out);
    for (size_t first = 0; first < 100; first += 9)
        for (size_t count = 0; first + count <= 100; count += 13) {
            shf_unshuffle_range(8, out, sizeof out, first, count, some);
            assert_memory_equal(in + first, some, count * 8);
        }
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void prices_prefer_shuffle_and_sparse_losses_do_not(void **state)
{
    (void)state;
    enum { N = 1 << 17 };
    double *prices = malloc(N * sizeof *prices), *losses = malloc(N * sizeof *losses);
    int64_t *ids = malloc(N * sizeof *ids);
    double price = 100;
    for (uint64_t i = 0; i < N; i++) {
        price *= exp(((double)(mix(i) >> 11) / 9007199254740992.0 - 0.5) * 0.02);
        prices[i] = price;
        ids[i] = (int64_t)i;
        losses[i] = mix(i + N) % 10 < 7 ? 0 : (double)(mix(i * 3) >> 11) * 1e-9;
    }
    assert_true(shf_codec_prefers_shuffle(8, prices, N * 8));
    assert_true(shf_codec_prefers_shuffle(8, ids, N * 8));
    assert_false(shf_codec_prefers_shuffle(8, losses, N * 8));
    assert_false(shf_codec_prefers_shuffle(1, prices, N * 8));
    for (size_t n = 0; n < 200; n++) (void)shf_codec_prefers_shuffle(8, losses, n);
    free(prices);
    free(losses);
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffle_moves_each_byte_to_its_plane_and_back),
        cmocka_unit_test(a_range_of_elements_is_unshuffled_alone),
        cmocka_unit_test(prices_prefer_shuffle_and_sparse_losses_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

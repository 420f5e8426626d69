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
    assert_true(shf_codec_prefers_shuffle(NULL, 8, prices, N * 8));
    assert_true(shf_codec_prefers_shuffle(NULL, 8, ids, N * 8));
    assert_false(shf_codec_prefers_shuffle(NULL, 8, losses, N * 8));
    assert_false(shf_codec_prefers_shuffle(NULL, 1, prices, N * 8));
    for (size_t n = 0; n < 200; n++) (void)shf_codec_prefers_shuffle(NULL, 8, losses, n);
    free(prices);
    free(losses);
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_prefer_shuffle_and_sparse_losses_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

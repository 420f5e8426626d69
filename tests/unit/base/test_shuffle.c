// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/shuffle.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffle_moves_each_byte_to_its_plane_and_back),
        cmocka_unit_test(a_range_of_elements_is_unshuffled_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

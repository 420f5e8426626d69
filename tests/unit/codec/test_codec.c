// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "codec/codec.h"

static const shf_codec *const ALL[] = {&shf_codec_none,   &shf_codec_zstd,    &shf_codec_zlib, &shf_codec_gzip,
                                       &shf_codec_snappy, &shf_codec_lz4_raw, &shf_codec_blosc};
enum { N_CODECS = sizeof ALL / sizeof *ALL };

static uint64_t random_state = 1;
static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* kind 0: noise; 1: zeros; 2: a random walk of f64; 3: 70 % zeros */
static uint8_t *make_data(size_t n, int kind)
{
    uint8_t *data = malloc(n + 8);
    double walk = 100;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t bits = random_bits();
        walk += (double)(bits % 1000) / 500 - 1;
        if (kind == 0) memcpy(data + i, &bits, 8);
        if (kind == 1) memset(data + i, 0, 8);
        if (kind == 2 || kind == 3) memcpy(data + i, &walk, 8);
        if (kind == 3 && bits / 4096 % 10 < 7) memset(data + i, 0, 8);
    }
    return data;
}

static void encode(const shf_codec *codec, int level, const uint8_t *data, size_t n, uint8_t **out, size_t *size)
{
    sheaf_error err;
    size_t bound = codec->bound(n);
    assert_true(bound >= n);
    *out = malloc(bound ? bound : 1);
    sheaf_status status = codec->encode(NULL, level, 8, data, n, *out, bound, size, &err);
    if (status) print_error("%s level %d: %s\n", codec->name, level, err.message);
    assert_int_equal(status, SHEAF_OK);
    assert_true(*size <= bound);
}

static void round_trip(const shf_codec *codec, int level, size_t n, int kind)
{
    sheaf_error err;
    uint8_t *data = make_data(n, kind), *encoded, *decoded = malloc(n + 1);
    size_t size;
    encode(codec, level, data, n, &encoded, &size);
    decoded[n] = 0xA5;
    assert_int_equal(codec->decode(NULL, encoded, size, decoded, n, &err), SHEAF_OK);
    assert_memory_equal(data, decoded, n);
    assert_int_equal(decoded[n], 0xA5);
    if (n) assert_int_equal(codec->decode(NULL, encoded, size, decoded, n - 1, &err), SHEAF_ERR_DAMAGED);
    decoded = realloc(decoded, n + 2);
    assert_int_equal(codec->decode(NULL, encoded, size, decoded, n + 1, &err), SHEAF_ERR_DAMAGED);
    free(data);
    free(encoded);
    free(decoded);
}

static void every_codec_gives_back_what_it_got(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 8, 15, 16, 17, 255, 4096, 70080, 1 << 20};
    static const int levels[] = {0, 1, 3, 6, 9};
    for (size_t c = 0; c < N_CODECS; c++) {
        if (!shf_codec_supported(ALL[c])) continue;
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int kind = 0; kind < 4; kind++)
                for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
                    if (sizes[s] < 1 << 20 || levels[l] == 1) round_trip(ALL[c], levels[l], sizes[s], kind);
    }
}

static void too_small_a_buffer_is_an_error_and_not_overrun(void **state)
{
    (void)state;
    uint8_t *data = make_data(4096, 0);
    for (size_t c = 0; c < N_CODECS; c++) {
        if (!shf_codec_supported(ALL[c])) continue;
        for (size_t capacity = 0; capacity < 4096; capacity += 511) {
            sheaf_error err;
            size_t size;
            uint8_t *out = malloc(capacity ? capacity : 1); /* a sanitizer sees writes beyond */
            assert_int_equal(ALL[c]->encode(NULL, 1, 8, data, 4096, out, capacity, &size, &err), SHEAF_ERR_RANGE);
            assert_non_null(strstr(err.message, ALL[c]->name));
            free(out);
        }
    }
    free(data);
}

/* Formats with a checksum must notice every change; the others must stay inside the buffer and say DAMAGED or give some bytes. */
static void damaged_input_never_writes_beyond(void **state)
{
    (void)state;
    for (size_t c = 0; c < N_CODECS; c++) {
        const shf_codec *codec = ALL[c];
        if (!shf_codec_supported(codec) || codec == &shf_codec_none) continue;
        bool has_checksum = codec == &shf_codec_zlib || codec == &shf_codec_gzip;
        for (int kind = 0; kind < 4; kind++) {
            size_t n = 5000, size;
            uint8_t *data = make_data(n, kind), *encoded, *decoded = malloc(n);
            encode(codec, 1, data, n, &encoded, &size);
            for (int i = 0; i < 500; i++) {
                uint8_t *bad = malloc(size);
                memcpy(bad, encoded, size);
                size_t at = random_bits() % size;
                bad[at] ^= (uint8_t)(1u << random_bits() % 8);
                sheaf_error err;
                sheaf_status status = codec->decode(NULL, bad, size, decoded, n, &err);
                if (status != SHEAF_OK) assert_int_equal(status, SHEAF_ERR_DAMAGED);
                if (has_checksum && status == SHEAF_OK) assert_memory_equal(data, decoded, n);
                free(bad);
            }
            for (size_t cut = 0; cut < size; cut += 1 + size / 300) {
                uint8_t *bad = malloc(cut ? cut : 1);
                memcpy(bad, encoded, cut);
                sheaf_error err;
                assert_int_equal(codec->decode(NULL, bad, cut, decoded, n, &err), SHEAF_ERR_DAMAGED);
                assert_non_null(strstr(err.message, codec->name));
                free(bad);
            }
            free(data);
            free(encoded);
            free(decoded);
        }
    }
}

static void gzip_of_several_members_is_one_content(void **state)
{
    (void)state;
    sheaf_error err;
    uint8_t *data = make_data(3000, 2), *a, *b, both[20000], decoded[3000];
    size_t a_size, b_size;
    encode(&shf_codec_gzip, 1, data, 1000, &a, &a_size);
    encode(&shf_codec_gzip, 6, data + 1000, 2000, &b, &b_size);
    memcpy(both, a, a_size);
    memcpy(both + a_size, b, b_size);
    assert_int_equal(shf_codec_gzip.decode(NULL, both, a_size + b_size, decoded, 3000, &err), SHEAF_OK);
    assert_memory_equal(data, decoded, 3000);
    both[a_size + b_size] = 0;
    assert_int_equal(shf_codec_gzip.decode(NULL, both, a_size + b_size + 1, decoded, 3000, &err), SHEAF_ERR_DAMAGED);
    free(data);
    free(a);
    free(b);
}

static void a_failed_allocation_is_an_error(void **state)
{
    (void)state;
#ifdef SHEAF_WITH_ISAL
    uint8_t data[100] = {0}, out[700];
    size_t size;
    sheaf_error err;
    shf_alloc_fail_at(1, 1);
    sheaf_status encoded = shf_codec_gzip.encode(NULL, 1, 1, data, sizeof data, out, sizeof out, &size, &err);
    sheaf_status decoded = shf_codec_zlib.decode(NULL, data, sizeof data, out, sizeof out, &err);
    shf_alloc_fail_at(0, 0);
    assert_int_equal(encoded, SHEAF_ERR_MEMORY);
    assert_int_equal(decoded, SHEAF_ERR_MEMORY);
#else
    skip();
#endif
}

static void kept_contexts_give_the_same_bytes(void **state)
{
    (void)state;
    shf_codec_work work = {0};
    for (size_t c = 0; c < N_CODECS; c++) {
        const shf_codec *codec = ALL[c];
        if (!shf_codec_supported(codec)) continue;
        for (int level = 0; level < 4; level++) {
            sheaf_error err;
            uint8_t *data = make_data(4096, 2), *with = malloc(codec->bound(4096)), *without = malloc(codec->bound(4096)), decoded[4096];
            size_t with_size, without_size;
            assert_int_equal(codec->encode(NULL, level, 8, data, 4096, without, codec->bound(4096), &without_size, &err), SHEAF_OK);
            assert_int_equal(codec->encode(&work, level, 8, data, 4096, with, codec->bound(4096), &with_size, &err), SHEAF_OK);
            assert_int_equal(with_size, without_size);
            assert_memory_equal(with, without, with_size);
            assert_int_equal(codec->decode(&work, with, with_size, decoded, 4096, &err), SHEAF_OK);
            assert_memory_equal(data, decoded, 4096);
            assert_int_equal(codec->decode(&work, with, with_size, decoded, 4095, &err), SHEAF_ERR_DAMAGED);
            free(data);
            free(with);
            free(without);
        }
    }
    shf_codec_work_free(&work);
}

static void crc32_has_the_known_value_and_goes_on(void **state)
{
    (void)state;
    assert_int_equal(shf_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(shf_crc32(shf_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
    assert_int_equal(shf_crc32(0, "", 0), 0);
}

static void names_find_their_tables(void **state)
{
    (void)state;
    for (size_t c = 0; c < N_CODECS; c++) assert_ptr_equal(shf_codec_find(ALL[c]->name), ALL[c]);
    assert_null(shf_codec_find("brotli"));
    assert_null(shf_codec_find(""));
}

static void a_codec_that_is_not_built_says_so_by_name(void **state)
{
    (void)state;
    unsigned absent = 0;
    for (size_t c = 0; c < N_CODECS; c++) {
        if (shf_codec_supported(ALL[c])) continue;
        absent++;
        uint8_t bytes[64] = {0};
        size_t size;
        sheaf_error err;
        assert_int_equal(ALL[c]->encode(NULL, 1, 1, bytes, 8, bytes + 8, 56, &size, &err), SHEAF_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, ALL[c]->name));
        assert_int_equal(ALL[c]->decode(NULL, bytes, 8, bytes + 8, 8, &err), SHEAF_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, "not supported by this build"));
    }
    if (!absent) skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_gives_back_what_it_got),        cmocka_unit_test(too_small_a_buffer_is_an_error_and_not_overrun),
        cmocka_unit_test(damaged_input_never_writes_beyond),         cmocka_unit_test(gzip_of_several_members_is_one_content),
        cmocka_unit_test(a_failed_allocation_is_an_error),           cmocka_unit_test(kept_contexts_give_the_same_bytes),
        cmocka_unit_test(crc32_has_the_known_value_and_goes_on),     cmocka_unit_test(names_find_their_tables),
        cmocka_unit_test(a_codec_that_is_not_built_says_so_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

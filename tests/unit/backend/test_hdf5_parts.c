// SPDX-License-Identifier: Apache-2.0
/* The small parts of the HDF5 back end: checksums, superblock, filters. */
#include "conformance/stores.h"

#include "backend/backend.h"
#include "backend/hdf5/filters.h"
#include "backend/hdf5/fletcher.h"
#include "backend/hdf5/superblock.h"
#include "base/checked.h"

static uint64_t g_random = 88172645463325252u;

static uint64_t next_random(void)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 7;
    g_random ^= g_random << 17;
    return g_random;
}

/* Word by word, as the definition has it: sums that never fall back to 0 once something was added. */
static uint32_t slow_fletcher(const uint8_t *p, size_t n)
{
    uint32_t first = 0, second = 0;
    for (size_t i = 0; i < n; i += 2) {
        uint32_t word = (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0u);
        first += word;
        first = (first & 0xffff) + (first >> 16);
        second += first;
        second = (second & 0xffff) + (second >> 16);
    }
    return second << 16 | first;
}

static void fletcher32_is_that_of_the_definition(void **state)
{
    (void)state;
    static uint8_t bytes[70000];
    static const size_t sizes[] = {0, 1, 2, 3, 15, 16, 17, 4095, 4096, 4097, 8192, 8193, 65536, 70000};
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(kind == 0 ? next_random() : kind == 1 ? 0xff : kind == 2 ? 0 : i == 69000);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            assert_int_equal(shf_h5_fletcher32(bytes, sizes[k]), slow_fletcher(bytes, sizes[k]));
    }
}

static void lookup3_gives_the_published_values(void **state)
{
    (void)state;
    static const char text[] = "Four score and seven years ago";
    assert_int_equal(shf_h5_lookup3("", 0), 0xdeadbeefu);
    assert_int_equal(shf_h5_lookup3(text, 30), 0x17770551u);
}

static void superblock_with_a_wrong_byte_is_none(void **state)
{
    (void)state;
    uint8_t head[SHF_H5_SUPERBLOCK_BYTES] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n', 2, 8, 8, 0};
    shf_h5_superblock superblock;
    memset(head + 20, 0xff, 8);
    shf_set_u64(head + 28, 123456);
    shf_set_u64(head + 36, 4096);
    shf_set_u32(head + 44, shf_h5_lookup3(head, 44));
    assert_true(shf_h5_superblock_parse(head, sizeof head, &superblock));
    assert_int_equal(superblock.version, 2);
    assert_int_equal(superblock.end, 123456);
    assert_int_equal(superblock.root, 4096);
    assert_false(shf_h5_superblock_parse(head, sizeof head - 1, &superblock));
    for (size_t i = 0; i < sizeof head; i++) {
        head[i] ^= 1;
        assert_false(shf_h5_superblock_parse(head, sizeof head, &superblock) && superblock.version >= 2);
        head[i] ^= 1;
    }
}

static shf_array array_of(sheaf_codec codec, sheaf_dtype dtype, uint64_t rows)
{
    shf_array array = {.name = "a", .dtype = dtype, .ndim = 1, .chunk = {rows}, .codec = codec, .level = 1};
    array.item_size = sheaf_dtype_size(dtype);
    array.row_bytes = array.item_size;
    array.chunk_bytes = (size_t)rows * array.item_size;
    array.n_columns = 1;
    return array;
}

/* Encoded, decoded, equal; and every flipped bit of a sample of bytes is noticed. */
static uint32_t expect_round_trip(const shf_array *array, const void *chunk)
{
    sheaf_error err;
    shf_buf out = {0};
    uint32_t mask;
    void *back = malloc(array->chunk_bytes);
    expect_ok(shf_h5_encode(NULL, array, chunk, &out, &mask, &err));
    assert_true(out.size <= shf_h5_encoded_bound(array));
    expect_ok(shf_h5_decode(NULL, array, out.data, out.size, mask, back, &err));
    assert_memory_equal(back, chunk, array->chunk_bytes);
    for (size_t i = 0; i < out.size; i += 1 + out.size / 97) {
        out.data[i] ^= 4;
        if (shf_h5_decode(NULL, array, out.data, out.size, mask, back, &err) == SHEAF_OK) /* a bit that deflate does not use */
            assert_memory_equal(back, chunk, array->chunk_bytes);
        else assert_string_equal(err.array, "a");
        out.data[i] ^= 4;
    }
    assert_int_not_equal(shf_h5_decode(NULL, array, out.data, out.size - 1, mask, back, &err), SHEAF_OK);
    assert_int_not_equal(shf_h5_decode(NULL, array, out.data, 0, mask, back, &err), SHEAF_OK);
    free(back);
    shf_buf_free(&out);
    return mask;
}

static void filters_are_chosen_by_content(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    static double prices[ROWS], losses[ROWS], noise[ROWS];
    double price = 100;
    for (int i = 0; i < ROWS; i++) {
        price *= 1 + ((double)(next_random() % 1000) - 500) * 1e-5;
        prices[i] = price;
        losses[i] = next_random() % 10 < 7 ? 0 : (double)(next_random() % 50) * 1000;
        uint64_t bits = next_random();
        memcpy(&noise[i], &bits, 8);
    }
    shf_array gzip = array_of(SHEAF_CODEC_GZIP, SHEAF_F64, ROWS), none = array_of(SHEAF_CODEC_NONE, SHEAF_F64, ROWS);
    assert_int_equal(expect_round_trip(&gzip, prices), SHF_H5_NO_FLETCHER);
    assert_int_equal(expect_round_trip(&gzip, losses), SHF_H5_NO_FLETCHER | SHF_H5_NO_SHUFFLE);
    assert_int_equal(expect_round_trip(&gzip, noise), SHF_H5_NO_SHUFFLE | SHF_H5_NO_DEFLATE);
    assert_int_equal(expect_round_trip(&none, noise), 0);
    shf_array odd = array_of(SHEAF_CODEC_NONE, SHEAF_U8, 4097);
    (void)expect_round_trip(&odd, noise);
}

/* The encoder's memory is not cleared: whatever lay there before must not show in what it writes. */
static void encoded_bytes_do_not_depend_on_earlier_memory(void **state)
{
    (void)state;
    enum { ROWS = 6656, DIRT = 400 * 1024 };
    sheaf_error err;
    static double values[ROWS];
    for (int i = 0; i < ROWS; i++) values[i] = i % 26 < 13 ? (double)(next_random() % 1000) / 7 : (double)i;
    shf_array array = array_of(SHEAF_CODEC_GZIP, SHEAF_F64, ROWS);
    shf_buf first = {0};
    for (uint16_t fill = 0; fill < 16; fill++) {
        uint16_t *dirt[4];
        for (int k = 0; k < 4; k++) {
            dirt[k] = malloc(DIRT);
            for (size_t i = 0; i < DIRT / 2; i++) dirt[k][i] = fill;
        }
        for (int k = 0; k < 4; k++) free(dirt[k]);
        shf_buf out = {0};
        uint32_t mask;
        expect_ok(shf_h5_encode(NULL, &array, values, &out, &mask, &err));
        if (fill == 0) expect_ok(shf_buf_append(&first, out.data, out.size, &err));
        assert_int_equal(out.size, first.size);
        assert_memory_equal(out.data, first.data, out.size);
        shf_buf_free(&out);
    }
    shf_buf_free(&first);
}

static void unknown_codecs_are_refused_by_name(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout = {0};
    shf_array *array;
    expect_ok(shf_layout_add_array(&layout, &array, &err));
    memcpy(array->name, "prices", 7);
    array->dtype = SHEAF_F64;
    array->ndim = 1;
    array->shape[0] = 10;
    array->chunk[0] = 100;
    array->codec = SHEAF_CODEC_ZSTD;
    assert_int_equal(shf_hdf5_ops.plan(&layout, &err), SHEAF_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "zstd"));
    assert_string_equal(err.array, "prices");
    layout.arrays[0].codec = SHEAF_CODEC_DEFAULT;
    expect_ok(shf_hdf5_ops.plan(&layout, &err));
    assert_int_equal(layout.arrays[0].codec, SHEAF_CODEC_GZIP);
    assert_int_equal(layout.arrays[0].chunk[0], 10); /* HDF5 allows no larger chunk of a fixed dimension */
    shf_layout_free(&layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fletcher32_is_that_of_the_definition),          cmocka_unit_test(lookup3_gives_the_published_values),
        cmocka_unit_test(superblock_with_a_wrong_byte_is_none),          cmocka_unit_test(filters_are_chosen_by_content),
        cmocka_unit_test(encoded_bytes_do_not_depend_on_earlier_memory), cmocka_unit_test(unknown_codecs_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

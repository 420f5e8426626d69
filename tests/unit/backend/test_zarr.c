// SPDX-License-Identifier: Apache-2.0
#include "zarr_fixture.h"

/* Three shapes: whole rows in a chunk, few columns of chunks, more columns than a shard holds. */
static void three_arrays(writer *w)
{
    memset(w, 0, sizeof *w);
    add_array(&w->layout, "id", SHEAF_I64, "trajectory", 0, 16, 0);
    add_array(&w->layout, "price", SHEAF_F64, "trajectory", 30, 8, 7);
    add_array(&w->layout, "wide", SHEAF_F32, "trajectory", 400, 4, 5);
}

static void closed_store_reads_back(void **unused)
{
    (void)unused;
    writer w, r;
    three_arrays(&w);
    create(&w, "closed.zarr", 0);
    OK(append(&w, 1234, NULL, NULL));
    check_rows(&w, 1232); /* a writer reads what it has put */
    OK(checkpoint(&w, true));
    char path[512];
    snprintf(path, sizeof path, "%s", w.path);
    close_writer(&w);
    assert_true(shf_zarr_ops.probe(path));
    open_store(&r, path, false);
    assert_int_equal(r.layout.n_arrays, 3);
    assert_string_equal(r.layout.arrays[1].name, "price");
    assert_string_equal(r.layout.records[0].name, "trajectory");
    assert_int_equal(r.rows, 1234);
    check_rows(&r, 1234);
    close_writer(&r);
}

static void bytes_do_not_depend_on_checkpoints_or_reopening(void **unused)
{
    (void)unused;
    writer w;
    three_arrays(&w);
    create(&w, "plain.zarr", 0);
    OK(append(&w, 1003, NULL, NULL));
    OK(checkpoint(&w, true));
    uint32_t plain = hash_store(w.path);
    close_writer(&w);

    three_arrays(&w);
    create(&w, "often.zarr", 1);
    char path[512];
    snprintf(path, sizeof path, "%s", w.path);
    while (w.rows < 1003) {
        uint64_t n = 1 + (w.rows * 7) % 31;
        OK(append(&w, n < 1003 - w.rows ? n : 1003 - w.rows, NULL, NULL));
        OK(checkpoint(&w, false));
        check_rows(&w, w.rows);
        if (w.rows % 5 == 0) {
            OK(checkpoint(&w, true));
            close_writer(&w);
            open_store(&w, path, true);
            check_rows(&w, w.rows);
        }
    }
    OK(checkpoint(&w, true));
    close_writer(&w);
    assert_int_equal(hash_store(path), plain);
}

static void readers_see_the_last_checkpoint_while_the_store_grows(void **unused)
{
    (void)unused;
    writer w, r;
    three_arrays(&w);
    create(&w, "grows.zarr", 0);
    open_store(&r, w.path, false);
    for (int i = 0; i < 40; i++) {
        OK(append(&w, 13, NULL, NULL));
        uint64_t before = r.layout.records[0].length;
        check_rows(&r, before);
        OK(checkpoint(&w, false));
        check_rows(&r, before); /* with the index of the checkpoint before last in its cache */
        if (i % 3 == 2) {
            OK(shf_zarr_ops.refresh(r.state, &fixture_error));
            assert_int_equal(r.layout.records[0].length, w.rows);
            check_rows(&r, w.rows);
        }
    }
    OK(checkpoint(&w, true));
    check_rows(&r, r.layout.records[0].length);
    OK(shf_zarr_ops.refresh(r.state, &fixture_error));
    check_rows(&r, 520);
    close_writer(&r);
    close_writer(&w);
}

static void usage_is_what_du_counts(void **unused)
{
    (void)unused;
    writer w;
    three_arrays(&w);
    create(&w, "usage.zarr", 0);
    for (int i = 0; i < 30; i++) {
        uint64_t allocated, written, du;
        OK(append(&w, 41, NULL, NULL));
        if (i % 4 == 0) OK(checkpoint(&w, i == 28));
        OK(shf_zarr_ops.usage(w.state, &allocated, &written, &fixture_error));
        OK(shf_path_allocated(w.path, &du, &fixture_error));
        assert_true(allocated <= du + du / 20 && du <= allocated + allocated / 20);
        assert_true(written > 0);
    }
    uint64_t stored;
    OK(shf_zarr_ops.array_bytes(w.state, 2, &stored, &fixture_error));
    /* Blosc and the CRC-32C add 20 bytes to chunks of 80. */
    assert_in_range(stored, 30 * 41 * 400, 30 * 41 * 404 * 4 * 5 / 4);
    close_writer(&w);
}

static void fixed_arrays_are_there_from_the_start(void **unused)
{
    (void)unused;
    writer w, r;
    three_arrays(&w);
    shf_array *array;
    OK(shf_layout_add_array(&w.layout, &array, &fixture_error));
    snprintf(array->name, sizeof array->name, "fixed");
    array->dtype = SHEAF_I32;
    array->ndim = 2;
    snprintf(array->dimensions[0], sizeof array->dimensions[0], "a");
    snprintf(array->dimensions[1], sizeof array->dimensions[1], "b");
    array->shape[0] = 10;
    array->shape[1] = 9;
    array->chunk[0] = 3;
    array->chunk[1] = 4;
    int32_t *values = shf_malloc(90 * sizeof *values);
    for (int i = 0; i < 90; i++) values[i] = i * i;
    array->values = values;
    create(&w, "fixed.zarr", 0);
    open_store(&r, w.path, false);
    const shf_array *fixed = &r.layout.arrays[3];
    assert_int_equal(fixed->record, -1);
    for (uint64_t block = 0; block < 4; block++) {
        for (uint64_t column = 0; column < 3; column++) {
            int32_t chunk[12];
            shf_buf got = {0};
            uint32_t mask;
            bool absent;
            OK(shf_zarr_ops.get(r.state, 3, block, column, &got, &mask, &absent, &fixture_error));
            OK(shf_zarr_ops.decode(NULL, fixed, got.data, got.size, mask, chunk, &fixture_error));
            for (uint64_t i = 0; i < 12; i++) {
                uint64_t x = block * 3 + i / 4, y = column * 4 + i % 4;
                assert_int_equal(chunk[i], x < 10 && y < 9 ? (int)((x * 9 + y) * (x * 9 + y)) : 0);
            }
            shf_buf_free(&got);
        }
    }
    close_writer(&r);
    close_writer(&w);
}

static void count_damage(void *context, const sheaf_error *damage)
{
    assert_true(damage->message[0]);
    ++*(int *)context;
}

static void closed_store(const char *name, uint64_t rows, char path[512], char shard[600])
{
    writer w;
    three_arrays(&w);
    create(&w, name, 0);
    OK(append(&w, rows, NULL, NULL));
    OK(checkpoint(&w, true));
    snprintf(path, 512, "%s", w.path);
    close_writer(&w);
    snprintf(shard, 600, "%s/price/c/0/0", path);
}

static void damage_is_named_and_can_be_dropped(void **unused)
{
    (void)unused;
    writer r;
    char path[512], shard[600];
    closed_store("damaged.zarr", 600, path, shard);
    shf_file f = SHF_FILE_CLOSED;
    OK(shf_file_open(&f, shard, SHF_OPEN_WRITE, &fixture_error));
    OK(shf_file_write(&f, "\xff\xff\xff", 3, 1500, &fixture_error));
    OK(shf_file_close(&f, &fixture_error));
    open_store(&r, path, true);
    shf_buf got = {0};
    uint32_t mask;
    bool absent;
    sheaf_error err = {0}, other = {0};
    sheaf_status first = shf_zarr_ops.get(r.state, 1, 0, 0, &got, &mask, &absent, &err);
    sheaf_status second = shf_zarr_ops.get(r.state, 1, 0, 1, &got, &mask, &absent, first == SHEAF_OK ? &err : &other);
    assert_true((first == SHEAF_ERR_DAMAGED) != (second == SHEAF_ERR_DAMAGED));
    assert_non_null(strstr(err.message, first == SHEAF_OK ? "array price, chunk (0,1): CRC-32C" : "array price, chunk (0,0): CRC-32C"));
    assert_true(strstr(err.path, "/price/c/0/0") && err.byte > 0 && err.byte <= 1500);
    uint64_t column = first == SHEAF_OK;
    OK(shf_zarr_ops.drop(r.state, 1, 0, column, &fixture_error));
    OK(checkpoint(&r, true));
    OK(shf_zarr_ops.get(r.state, 1, 0, column, &got, &mask, &absent, &err));
    assert_true(absent);
    close_writer(&r);
    shf_buf_free(&got);
}

static void a_missing_shard_is_damage_until_it_is_dropped(void **unused)
{
    (void)unused;
    writer r;
    char path[512], shard[600];
    closed_store("missing.zarr", 600, path, shard);
    shf_buf got = {0};
    uint32_t mask;
    bool absent;
    sheaf_error err = {0};
    OK(shf_path_unlink(shard, &fixture_error));
    open_store(&r, path, true);
    assert_int_equal(shf_zarr_ops.get(r.state, 1, 1, 1, &got, &mask, &absent, &err), SHEAF_ERR_DAMAGED);
    assert_non_null(strstr(err.message, "price"));
    assert_non_null(strstr(err.message, "(1,1)"));
    assert_string_equal(err.array, "price");
    int damages = 0;
    OK(shf_zarr_ops.verify(r.state, count_damage, &damages, &fixture_error));
    assert_int_equal(damages, 1);
    OK(shf_zarr_ops.drop(r.state, 1, 1, 1, &fixture_error));
    OK(checkpoint(&r, true));
    close_writer(&r);
    open_store(&r, path, false);
    OK(shf_zarr_ops.get(r.state, 1, 1, 1, &got, &mask, &absent, &fixture_error));
    assert_true(absent);
    close_writer(&r);
    shf_buf_free(&got);
}

static void only_zarr_stores_are_removed(void **unused)
{
    (void)unused;
    char path[512];
    snprintf(path, sizeof path, "%s/folder.zarr", fixture_folder());
    OK(shf_path_mkdir(path, &fixture_error));
    assert_int_equal(shf_zarr_ops.remove(path, NULL), SHEAF_ERR_ARGUMENT);
    shf_path_kind kind;
    OK(shf_path_stat(path, &kind, NULL, &fixture_error));
    assert_int_equal(kind, SHF_PATH_FOLDER);
    writer w;
    three_arrays(&w);
    create(&w, "gone.zarr", 0);
    snprintf(path, sizeof path, "%s", w.path);
    close_writer(&w);
    OK(shf_zarr_ops.remove(path, &fixture_error));
    OK(shf_path_stat(path, &kind, NULL, &fixture_error));
    assert_int_equal(kind, SHF_PATH_NONE);
    assert_int_equal(shf_zarr_ops.remove(path, NULL), SHEAF_ERR_NOT_FOUND);
}

static void every_codec_reads_back(void **unused)
{
    (void)unused;
    for (int codec = SHEAF_CODEC_NONE; codec <= SHEAF_CODEC_GZIP; codec++) {
        writer w, r;
        char name[32];
        three_arrays(&w);
        for (size_t i = 0; i < 3; i++) w.layout.arrays[i].codec = (sheaf_codec)codec;
        snprintf(name, sizeof name, "codec-%d.zarr", codec);
        create(&w, name, 0);
        OK(append(&w, 100, NULL, NULL));
        OK(checkpoint(&w, true));
        open_store(&r, w.path, false);
        assert_int_equal(r.layout.arrays[0].codec, codec);
        check_rows(&r, 100);
        close_writer(&r);
        close_writer(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_store_reads_back),
        cmocka_unit_test(bytes_do_not_depend_on_checkpoints_or_reopening),
        cmocka_unit_test(readers_see_the_last_checkpoint_while_the_store_grows),
        cmocka_unit_test(usage_is_what_du_counts),
        cmocka_unit_test(fixed_arrays_are_there_from_the_start),
        cmocka_unit_test(damage_is_named_and_can_be_dropped),
        cmocka_unit_test(a_missing_shard_is_damage_until_it_is_dropped),
        cmocka_unit_test(only_zarr_stores_are_removed),
        cmocka_unit_test(every_codec_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, fixture_teardown);
}

// SPDX-License-Identifier: Apache-2.0
/* The HDF5 back end by its table, beside libhdf5 with its own driver. */
#include "conformance/stores.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "backend/backend.h"

static test_folder g_folder;
static char g_path[512];

static int begin(void **state)
{
    (void)state;
    folder_make(&g_folder);
    snprintf(g_path, sizeof g_path, "%s/store.h5", g_folder.path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(&g_folder);
    return 0;
}

static const shf_backend_options WRITE = {.writable = true}, READ = {.writable = false};

/* One growing array "v" of i32: rows of `width`, chunks of rows × columns. */
static void make_layout(shf_layout *layout, uint64_t rows, uint64_t width, uint64_t columns)
{
    sheaf_error err;
    shf_array *array;
    memset(layout, 0, sizeof *layout);
    layout->attributes = json_object();
    expect_ok(shf_layout_add_array(layout, &array, &err));
    memcpy(array->name, "v", 2);
    array->dtype = SHEAF_I32;
    array->ndim = 2;
    memcpy(array->dimensions[0], "step", 5);
    memcpy(array->dimensions[1], "x", 2);
    array->shape[1] = width;
    array->chunk[0] = rows;
    array->chunk[1] = columns;
    expect_ok(shf_layout_add_record(layout, "step", &array->record, &err));
    expect_ok(shf_layout_finish(layout, &err));
    expect_ok(shf_hdf5_ops.plan(layout, &err));
}

static int32_t value(uint64_t row, uint64_t x)
{
    return (int32_t)(row * 1000 + x);
}

static void make_chunk(const shf_array *array, uint64_t block, uint64_t column, uint64_t n_rows, int32_t *chunk)
{
    memset(chunk, 0, array->chunk_bytes);
    for (uint64_t r = 0; r < n_rows; r++)
        for (uint64_t c = 0; c < array->chunk[1] && column * array->chunk[1] + c < array->shape[1]; c++)
            chunk[r * array->chunk[1] + c] = value(block * array->chunk[0] + r, column * array->chunk[1] + c);
}

/* Rows from `from` to `to`: full chunks are put, a partial block is handed over for a checkpoint. */
static void put_rows(void *state, const shf_layout *layout, uint64_t from, uint64_t to)
{
    sheaf_error err;
    const shf_array *array = &layout->arrays[0];
    shf_buf bytes = {0};
    int32_t *chunk = malloc(array->chunk_bytes);
    for (uint64_t block = from / array->chunk[0]; block * array->chunk[0] < to; block++) {
        uint64_t n = to - block * array->chunk[0];
        for (uint64_t column = 0; column < array->n_columns; column++) {
            shf_place place = {0};
            make_chunk(array, block, column, n < array->chunk[0] ? n : array->chunk[0], chunk);
            expect_ok(shf_hdf5_ops.encode(NULL, array, chunk, &bytes, &place.mask, &err));
            if (n < array->chunk[0]) expect_ok(shf_hdf5_ops.put_partial(state, 0, block, column, bytes.data, bytes.size, place.mask, &err));
            else expect_ok(shf_hdf5_ops.put(state, 0, block, column, bytes.data, bytes.size, &place, &err));
        }
    }
    free(chunk);
    shf_buf_free(&bytes);
}

static void checkpoint(void *state, shf_layout *layout, uint64_t length, bool final)
{
    sheaf_error err;
    shf_buf redo = {0};
    bool deferred = true;
    layout->records[0].length = length;
    expect_ok(shf_hdf5_ops.checkpoint_begin(state, final, &redo, &deferred, &err));
    assert_false(deferred);
    expect_ok(shf_hdf5_ops.checkpoint_end(state, final, &err));
    shf_buf_free(&redo);
}

static void expect_stock_file(const char *path, uint64_t rows, uint64_t width)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    hid_t v = H5Dopen2(file, "v", H5P_DEFAULT), space = H5Dget_space(v);
    hsize_t shape[2];
    assert_int_equal(H5Sget_simple_extent_dims(space, shape, NULL), 2);
    assert_int_equal(shape[0], rows);
    int32_t *got = malloc(rows * width * 4 + 4);
    assert_true(H5Dread(v, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
    for (uint64_t i = 0; i < rows * width; i++) assert_int_equal(got[i], value(i / width, i % width));
    free(got);
    H5Sclose(space), H5Dclose(v), H5Fclose(file);
}

static void expect_our_file(const char *path, uint64_t rows, uint64_t width)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    int32_t *got = malloc(rows * width * 4 + 4);
    expect_ok(sheaf_store_open(path, NULL, &store, &err));
    expect_ok(sheaf_store_read(store, "v", NULL, got, rows * width * 4, &err));
    for (uint64_t i = 0; i < rows * width; i++) assert_int_equal(got[i], value(i / width, i % width));
    free(got);
    expect_ok(sheaf_store_close(&store, &err));
}

static off_t file_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void index_of_one_two_and_three_levels_is_read_by_all(void **state)
{
    (void)state;
    static const uint64_t rows[] = {0, 1, 2, 64, 65, 128, 4096, 4097, 5003};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        for (uint64_t columns = 2; columns <= 5; columns += 3) {
            sheaf_error err;
            shf_layout layout;
            void *store;
            make_layout(&layout, 1, 5, columns);
            expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
            put_rows(store, &layout, 0, rows[k]);
            checkpoint(store, &layout, rows[k], true);
            expect_ok(shf_hdf5_ops.close(store, &err));
            shf_layout_free(&layout);
            expect_stock_file(g_path, rows[k], 5);
            expect_our_file(g_path, rows[k], 5);
            unlink(g_path);
        }
}

static void every_checkpoint_is_read_by_all_while_the_writer_goes_on(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout;
    void *store;
    make_layout(&layout, 10, 7, 4);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
    expect_stock_file(g_path, 0, 7);
    for (uint64_t n = 0; n < 200; n += 13) {
        put_rows(store, &layout, n / 10 * 10, n + 13);
        checkpoint(store, &layout, n + 13, false);
        expect_stock_file(g_path, n + 13, 7);
        expect_our_file(g_path, n + 13, 7);
    }
    expect_ok(shf_hdf5_ops.close(store, &err));
    shf_layout_free(&layout);
}

/* Whoever keeps the file open in another tool goes on to see the checkpoint that it opened, and holds nobody up. */
static void file_held_open_outside_stays_readable(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout;
    void *store;
    make_layout(&layout, 10, 100, 100);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
    put_rows(store, &layout, 0, 25);
    checkpoint(store, &layout, 25, false);
    hid_t held = H5Fopen(g_path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(held >= 0);
    for (uint64_t n = 25; n < 300; n += 11) {
        put_rows(store, &layout, n / 10 * 10, n + 11);
        checkpoint(store, &layout, n + 11, false);
    }
    hid_t v = H5Dopen2(held, "v", H5P_DEFAULT);
    static int32_t got[25 * 100];
    assert_true(v >= 0 && H5Dread(v, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
    for (uint64_t i = 0; i < 2500; i++) assert_int_equal(got[i], value(i / 100, i % 100));
    H5Dclose(v), H5Fclose(held);
    checkpoint(store, &layout, 300, true);
    expect_ok(shf_hdf5_ops.close(store, &err));
    shf_layout_free(&layout);
    expect_stock_file(g_path, 300, 100);
    assert_true(file_size(g_path) < 300 * 100 * 4);
}

static uint64_t g_n_writes, g_superblock_writes;

static int watch(void *context, const shf_io_call *call)
{
    (void)context;
    if (call->op != SHF_IO_WRITE) return 0;
    g_n_writes++;
    if (call->offset == 0) g_superblock_writes += call->size;
    return 0;
}

static void checkpoint_is_published_by_one_small_write(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout;
    void *store;
    shf_buf redo = {0};
    bool deferred;
    make_layout(&layout, 10, 7, 7);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
    put_rows(store, &layout, 0, 55);
    layout.records[0].length = 55;
    expect_ok(shf_hdf5_ops.checkpoint_begin(store, false, &redo, &deferred, &err));
    shf_io_set_hook(watch, NULL);
    g_n_writes = g_superblock_writes = 0;
    expect_ok(shf_hdf5_ops.checkpoint_end(store, false, &err));
    shf_io_set_hook(NULL, NULL);
    assert_int_equal(g_n_writes, 1);
    assert_int_equal(g_superblock_writes, 112);
    expect_ok(shf_hdf5_ops.close(store, &err));
    expect_stock_file(g_path, 55, 7);
    shf_buf_free(&redo);
    shf_layout_free(&layout);
}

static int g_outside;
static uint64_t g_n_looks, g_n_refused;

/* Another program takes the shared lock, as libhdf5 does when it opens a file. */
static int look(void *context, const shf_io_call *call)
{
    (void)context;
    if (call->op != SHF_IO_WRITE && call->op != SHF_IO_SYNC) return 0;
    g_n_looks++;
    if (flock(g_outside, LOCK_SH | LOCK_NB)) g_n_refused++;
    else (void)flock(g_outside, LOCK_UN);
    return 0;
}

static void others_may_open_the_file_at_any_write_but_the_last_ones(void **state)
{
    (void)state;
    enum { CHUNKS = 64, BYTES = 2000000 };
    sheaf_error err;
    shf_layout layout;
    void *store;
    const shf_backend_options sync = {.writable = true, .sync = true};
    make_layout(&layout, 10, 70000, 70000);
    uint8_t *bytes = calloc(1, BYTES);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &sync, &store, &err));
    g_outside = open(g_path, O_RDONLY);
    assert_true(g_outside >= 0);
    shf_io_set_hook(look, NULL);
    g_n_looks = g_n_refused = 0;
    for (uint64_t block = 0; block < CHUNKS; block++) { /* over where the first checkpoints lie */
        shf_place place = {0};
        expect_ok(shf_hdf5_ops.put(store, 0, block, 0, bytes, BYTES, &place, &err));
        if (block % 5 == 4) checkpoint(store, &layout, (block + 1) * 10, false);
    }
    assert_true(g_n_looks > 100);
    assert_int_equal(g_n_refused, 0);
    checkpoint(store, &layout, CHUNKS * 10, true);
    assert_true(g_n_refused > 0); /* the file is cut there: nobody may have it open */
    shf_io_set_hook(NULL, NULL);
    expect_ok(shf_hdf5_ops.close(store, &err));
    assert_int_equal(close(g_outside), 0);
    assert_in_range(file_size(g_path), CHUNKS * BYTES, CHUNKS * BYTES + 100000);
    free(bytes);
    shf_layout_free(&layout);
}

static void redo_finishes_a_checkpoint_that_was_cut_short(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout;
    void *store;
    shf_buf redo = {0};
    bool deferred;
    make_layout(&layout, 10, 7, 7);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
    put_rows(store, &layout, 0, 33);
    layout.records[0].length = 33;
    expect_ok(shf_hdf5_ops.checkpoint_begin(store, false, &redo, &deferred, &err));
    expect_ok(shf_hdf5_ops.close(store, &err)); /* killed here */
    expect_stock_file(g_path, 0, 7);
    for (int i = 0; i < 2; i++) expect_ok(shf_hdf5_ops.redo(g_path, redo.data, redo.size, &err));
    expect_stock_file(g_path, 33, 7);
    redo.data[20] ^= 1;
    assert_int_equal(shf_hdf5_ops.redo(g_path, redo.data, redo.size, &err), SHEAF_ERR_DAMAGED);
    expect_stock_file(g_path, 33, 7);
    shf_buf_free(&redo);
    shf_layout_free(&layout);
}

static void adopted_chunks_are_published_where_they_lie(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout, again = {0};
    void *store;
    shf_place places[6];
    make_layout(&layout, 10, 7, 7);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
    int32_t chunk[70];
    shf_buf bytes = {0};
    for (uint64_t block = 0; block < 6; block++) {
        make_chunk(&layout.arrays[0], block, 0, 10, chunk);
        places[block] = (shf_place){0};
        expect_ok(shf_hdf5_ops.encode(NULL, &layout.arrays[0], chunk, &bytes, &places[block].mask, &err));
        expect_ok(shf_hdf5_ops.put(store, 0, block, 0, bytes.data, bytes.size, &places[block], &err));
    }
    expect_ok(shf_hdf5_ops.close(store, &err)); /* killed here: nothing of it was published */
    expect_stock_file(g_path, 0, 7);
    expect_ok(shf_hdf5_ops.open(g_path, &WRITE, &again, &store, &err));
    for (uint64_t block = 0; block < 5; block++) expect_ok(shf_hdf5_ops.adopt(store, 0, block, 0, &places[block], &err));
    shf_place beyond = {.offset = 10, .size = 5};
    assert_int_equal(shf_hdf5_ops.adopt(store, 0, 5, 0, &beyond, &err), SHEAF_ERR_DAMAGED);
    put_rows(store, &again, 50, 58);
    checkpoint(store, &again, 58, true);
    expect_ok(shf_hdf5_ops.close(store, &err));
    expect_stock_file(g_path, 58, 7);
    expect_our_file(g_path, 58, 7);
    shf_buf_free(&bytes);
    shf_layout_free(&layout);
    shf_layout_free(&again);
}

static void dropped_chunk_reads_as_fill_values(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout, again = {0};
    void *store;
    shf_buf bytes = {0};
    uint32_t mask;
    bool absent;
    make_layout(&layout, 10, 7, 7);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
    put_rows(store, &layout, 0, 1000);
    checkpoint(store, &layout, 1000, true);
    expect_ok(shf_hdf5_ops.close(store, &err));
    expect_ok(shf_hdf5_ops.open(g_path, &WRITE, &again, &store, &err));
    expect_ok(shf_hdf5_ops.drop(store, 0, 0, 0, &err));
    expect_ok(shf_hdf5_ops.drop(store, 0, 77, 0, &err));
    checkpoint(store, &again, 1000, true);
    expect_ok(shf_hdf5_ops.close(store, &err));
    shf_layout_free(&again);
    memset(&again, 0, sizeof again);
    expect_ok(shf_hdf5_ops.open(g_path, &READ, &again, &store, &err));
    for (uint64_t block = 0; block < 100; block++) {
        expect_ok(shf_hdf5_ops.get(store, 0, block, 0, &bytes, &mask, &absent, &err));
        assert_int_equal(absent, block == 0 || block == 77);
    }
    expect_ok(shf_hdf5_ops.close(store, &err));
    hid_t file = H5Fopen(g_path, H5F_ACC_RDONLY, H5P_DEFAULT), v = H5Dopen2(file, "v", H5P_DEFAULT);
    static int32_t got[7000];
    assert_true(H5Dread(v, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
    assert_int_equal(got[5], 0);
    assert_int_equal(got[70], value(10, 0));
    assert_int_equal(got[5390], 0);
    assert_int_equal(got[6999], value(999, 6));
    H5Dclose(v), H5Fclose(file);
    shf_buf_free(&bytes);
    shf_layout_free(&layout);
    shf_layout_free(&again);
}

static sheaf_store *open_session(bool fresh)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    sheaf_store_options options = sheaf_store_options_init();
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    if (fresh) {
        sheaf_schema *schema = kitchen_sink();
        expect_ok(sheaf_store_create(g_path, schema, &options, &store, &err));
        sheaf_schema_free(&schema);
    } else expect_ok(sheaf_store_open_append(g_path, &options, &store, &err));
    return store;
}

/* Opened, appended to and closed many times: not a byte more than in one go. */
static void sessions_waste_nothing(void **state)
{
    (void)state;
    sheaf_error err;
    shf_buf one = {0}, many = {0};
    sheaf_store *store = open_session(true);
    for (uint64_t n = 0; n < 120; n += 8) append_trajectories(store, n, 8);
    expect_ok(sheaf_store_close(&store, &err));
    expect_ok(shf_path_read(g_path, (size_t)1 << 30, &one, &err));
    unlink(g_path);
    for (uint64_t n = 0; n < 120; n += 8) {
        store = open_session(n == 0);
        append_trajectories(store, n, 8);
        expect_ok(sheaf_store_close(&store, &err));
    }
    expect_ok(shf_path_read(g_path, (size_t)1 << 30, &many, &err));
    assert_int_equal(one.size, many.size);
    assert_memory_equal(one.data, many.data, one.size);
    shf_buf_free(&one);
    shf_buf_free(&many);
}

static void truncated_file_is_told_with_both_sizes(void **state)
{
    (void)state;
    sheaf_error err;
    sheaf_store *store = open_session(true);
    append_trajectories(store, 0, 50);
    expect_ok(sheaf_store_close(&store, &err));
    char whole[32];
    off_t size = file_size(g_path);
    snprintf(whole, sizeof whole, "%lld", (long long)size);
    static const off_t cuts[] = {1, 100, 5000};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(truncate(g_path, size - cuts[i]), 0);
        assert_int_equal(sheaf_store_open(g_path, NULL, &store, &err), SHEAF_ERR_DAMAGED);
        assert_null(store);
        assert_non_null(strstr(err.message, whole));
        assert_non_null(strstr(err.message, g_path));
    }
    assert_int_equal(truncate(g_path, 20), 0);
    assert_int_not_equal(sheaf_store_open(g_path, NULL, &store, &err), SHEAF_OK);
    assert_true(err.message[0]);
}

static void other_files_are_not_removed(void **state)
{
    (void)state;
    sheaf_error err;
    expect_ok(shf_path_replace(g_path, "precious", 8, false, &err));
    assert_false(shf_hdf5_ops.probe(g_path));
    assert_int_not_equal(shf_hdf5_ops.remove(g_path, &err), SHEAF_OK);
    assert_int_equal(access(g_path, F_OK), 0);
}

static void usage_is_what_the_disk_says(void **state)
{
    (void)state;
    sheaf_error err;
    shf_layout layout;
    void *store;
    make_layout(&layout, 100, 1000, 1000);
    expect_ok(shf_hdf5_ops.create(g_path, &layout, &WRITE, &store, &err));
    for (uint64_t n = 0; n < 5000; n += 500) {
        uint64_t allocated, written, disk;
        put_rows(store, &layout, n, n + 500);
        if (n % 1000) checkpoint(store, &layout, n + 500, false);
        expect_ok(shf_hdf5_ops.usage(store, &allocated, &written, &err));
        expect_ok(shf_path_allocated(g_path, &disk, &err));
        assert_in_range(allocated, disk * 95 / 100, disk * 105 / 100);
        assert_true(written >= n * 10);
    }
    expect_ok(shf_hdf5_ops.close(store, &err));
    shf_layout_free(&layout);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(index_of_one_two_and_three_levels_is_read_by_all),
        CASE(every_checkpoint_is_read_by_all_while_the_writer_goes_on),
        CASE(file_held_open_outside_stays_readable),
        CASE(checkpoint_is_published_by_one_small_write),
        CASE(others_may_open_the_file_at_any_write_but_the_last_ones),
        CASE(redo_finishes_a_checkpoint_that_was_cut_short),
        CASE(adopted_chunks_are_published_where_they_lie),
        CASE(dropped_chunk_reads_as_fill_values),
        CASE(sessions_waste_nothing),
        CASE(truncated_file_is_told_with_both_sizes),
        CASE(other_files_are_not_removed),
        CASE(usage_is_what_the_disk_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

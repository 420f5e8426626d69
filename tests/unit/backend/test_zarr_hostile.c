// SPDX-License-Identifier: Apache-2.0
/* Stores whose files say what cannot be: an error that names it, never a crash, a path outside or a huge allocation. */
#include "zarr_fixture.h"

static void write_file(const char *store, const char *name, const char *text)
{
    char path[768];
    snprintf(path, sizeof path, "%s/%s", store, name);
    OK(shf_path_replace(path, text, strlen(text), false, &fixture_error));
}

static const char *new_store(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s.zarr", fixture_folder(), name);
    OK(shf_path_mkdir(path, &fixture_error));
    return path;
}

#define ARRAY(shape, chunk, codecs)                                                                                                        \
    "{\"zarr_format\":3,\"node_type\":\"array\",\"shape\":" shape ",\"data_type\":\"float64\",\"fill_value\":\"NaN\",\"chunk_grid\":{"     \
    "\"name\":\"regular\",\"configuration\":{\"chunk_shape\":" chunk "}},\"chunk_key_encoding\":{\"name\":\"default\",\"configuration\":{" \
    "\"separator\":\"/\"}},\"codecs\":" codecs ",\"attributes\":{}}"
#define BYTES "[{\"name\":\"bytes\",\"configuration\":{\"endian\":\"little\"}}]"
#define CHECKED "[{\"name\":\"bytes\",\"configuration\":{\"endian\":\"little\"}},\"crc32c\"]"
#define SHARDED(chunk)                                                                                                              \
    "[{\"name\":\"sharding_indexed\",\"configuration\":{\"chunk_shape\":" chunk ",\"index_location\":\"start\",\"codecs\":" CHECKED \
    ",\"index_codecs\":" CHECKED "}}]"
#define GROUP(attributes, name, array)                                                                                         \
    "{\"zarr_format\":3,\"node_type\":\"group\",\"attributes\":" attributes ",\"consolidated_metadata\":{\"kind\":\"inline\"," \
    "\"must_understand\":false,\"metadata\":{\"" name "\":" array "}}}"

static sheaf_status open_only(const char *path, bool writable, sheaf_error *err)
{
    shf_layout layout = {0};
    void *state = NULL;
    shf_backend_options options = {.writable = writable};
    sheaf_status status = shf_zarr_ops.open(path, &options, &layout, &state, err);
    if (status == SHEAF_OK) status = shf_zarr_ops.close(state, err);
    shf_layout_free(&layout);
    return status;
}

static void metadata_that_cannot_be_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        sheaf_status status;
    } cases[] = {
        {"", SHEAF_ERR_DAMAGED},
        {"{\"zarr_format\": 3, ", SHEAF_ERR_DAMAGED},
        {"[]", SHEAF_ERR_INPUT},
        {"{\"zarr_format\": 4, \"node_type\": \"group\"}", SHEAF_ERR_INPUT},
        {"{\"zarr_format\": 3, \"node_type\": \"link\"}", SHEAF_ERR_UNSUPPORTED},
        {ARRAY("[9223372036854775807]", "[9223372036854775807]", BYTES), SHEAF_ERR_RANGE},
        {ARRAY("[4, 4611686018427387904]", "[1, 4611686018427387904]", BYTES), SHEAF_ERR_RANGE},
        {ARRAY("[9223372036854775807]", "[1000]", BYTES), SHEAF_ERR_RANGE},
        {ARRAY("[4]", "[1073741824]", SHARDED("[1]")), SHEAF_ERR_RANGE},
        {ARRAY("[4, 0]", "[1, 1]", BYTES), SHEAF_ERR_RANGE},
        {GROUP("{}", "..", ARRAY("[4]", "[2]", BYTES)), SHEAF_ERR_UNSUPPORTED},
        {GROUP("{}", ".hidden", ARRAY("[4]", "[2]", BYTES)), SHEAF_ERR_UNSUPPORTED},
        {GROUP("{}", "x", ARRAY("[-4]", "[2]", BYTES)), SHEAF_ERR_INPUT},
        {GROUP("{\"sheaf\":{\"version\":1,\"record_dimensions\":[1]}}", "x", ARRAY("[4]", "[2]", BYTES)), SHEAF_ERR_INPUT},
        {GROUP("{\"sheaf\":{\"version\":1,\"record_dimensions\":[\"../x\"]}}", "x", ARRAY("[4]", "[2]", BYTES)), SHEAF_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[32];
        sheaf_error err = {0};
        snprintf(name, sizeof name, "case-%zu", i);
        const char *path = new_store(name);
        write_file(path, "zarr.json", cases[i].text);
        sheaf_status status = open_only(path, false, &err);
        if (status != cases[i].status) fail_msg("case %zu: %d instead of %d: %s", i, status, cases[i].status, err.message);
        assert_true(err.message[0]);
    }
}

static void arrays_beyond_the_store_are_passed_over(void **unused)
{
    (void)unused;
    sheaf_error err = {0};
    const char *path = new_store("outside");
    write_file(path, "zarr.json", GROUP("{}", "../../etc", ARRAY("[4]", "[2]", BYTES)));
    writer r;
    open_store(&r, path, false);
    assert_int_equal(r.layout.n_arrays, 0);
    close_writer(&r);
    assert_int_equal(open_only(path, true, &err), SHEAF_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "not written by Sheaf"));
}

/* A shard of two chunks of two values, its index at the start. */
static const char *sharded_store(const char *name, const uint8_t *bytes, size_t n)
{
    char file[768];
    const char *path = new_store(name);
    write_file(path, "zarr.json", ARRAY("[4]", "[4]", SHARDED("[2]")));
    snprintf(file, sizeof file, "%s/c", path);
    OK(shf_path_mkdir(file, &fixture_error));
    snprintf(file, sizeof file, "%s/c/0", path);
    OK(shf_path_replace(file, bytes, n, false, &fixture_error));
    return path;
}

static sheaf_status get_first(const char *path, bool *absent, sheaf_error *err)
{
    writer r;
    shf_buf got = {0};
    uint32_t mask;
    double values[2];
    open_store(&r, path, false);
    sheaf_status status = shf_zarr_ops.get(r.state, 0, 0, 0, &got, &mask, absent, err);
    if (status == SHEAF_OK && !*absent) status = shf_zarr_ops.decode(NULL, &r.layout.arrays[0], got.data, got.size, mask, values, err);
    shf_buf_free(&got);
    close_writer(&r);
    return status;
}

static void an_index_is_never_trusted(void **unused)
{
    (void)unused;
    static const uint64_t entries[][2] = {{36, UINT64_MAX}, {UINT64_MAX, 20}, {UINT64_MAX - 3, 20}, {1000000, 20}, {36, 1000},
                                          {36, 3},          {40, 20}};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        uint8_t bytes[64] = {0};
        char name[32];
        bool absent;
        sheaf_error err = {0};
        shf_set_u64(bytes, entries[i][0]);
        shf_set_u64(bytes + 8, entries[i][1]);
        memset(bytes + 16, 0xff, 16);
        shf_set_u32(bytes + 32, shf_crc32c(0, bytes, 32));
        shf_set_u32(bytes + 52, shf_crc32c(0, bytes + 36, 16));
        snprintf(name, sizeof name, "index-%zu", i);
        const char *path = sharded_store(name, bytes, 56);
        sheaf_status status = get_first(path, &absent, &err);
        if (status != SHEAF_ERR_DAMAGED) fail_msg("case %zu: status %d", i, status);
        assert_non_null(strstr(err.message, "chunk (0)"));
        assert_true(strstr(err.path, "/c/0") && err.array[0]);
    }
}

static void whole_and_absent_chunks_of_others_are_read(void **unused)
{
    (void)unused;
    uint8_t bytes[56] = {0};
    bool absent;
    shf_set_u64(bytes, 36);
    shf_set_u64(bytes + 8, 20);
    memset(bytes + 16, 0xff, 16);
    shf_set_u32(bytes + 32, shf_crc32c(0, bytes, 32));
    shf_set_u32(bytes + 52, shf_crc32c(0, bytes + 36, 16));
    OK(get_first(sharded_store("whole", bytes, 56), &absent, &fixture_error));
    assert_false(absent);
    memset(bytes, 0xff, 32);
    shf_set_u32(bytes + 32, shf_crc32c(0, bytes, 32));
    OK(get_first(sharded_store("absent", bytes, 36), &absent, &fixture_error));
    assert_true(absent);
    assert_int_equal(get_first(sharded_store("short", bytes, 20), &absent, &fixture_error), SHEAF_ERR_DAMAGED);
}

static void a_length_that_is_only_claimed_ends_soon(void **unused)
{
    (void)unused;
    writer w, r;
    memset(&w, 0, sizeof w);
    add_array(&w.layout, "x", SHEAF_I8, "step", 0, 2, 0);
    create(&w, "claimed.zarr", 0);
    char path[512];
    snprintf(path, sizeof path, "%s", w.path);
    w.layout.records[0].length = (uint64_t)1 << 60;
    bool deferred;
    OK(shf_zarr_ops.checkpoint_begin(w.state, true, NULL, &deferred, &fixture_error));
    OK(shf_zarr_ops.checkpoint_end(w.state, true, &fixture_error));
    close_writer(&w);
    open_store(&r, path, false);
    uint64_t stored;
    assert_int_equal(shf_zarr_ops.array_bytes(r.state, 0, &stored, &fixture_error), SHEAF_ERR_RANGE);
    close_writer(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_that_cannot_be_is_refused),
        cmocka_unit_test(arrays_beyond_the_store_are_passed_over),
        cmocka_unit_test(an_index_is_never_trusted),
        cmocka_unit_test(whole_and_absent_chunks_of_others_are_read),
        cmocka_unit_test(a_length_that_is_only_claimed_ends_soon),
    };
    return cmocka_run_group_tests(tests, NULL, fixture_teardown);
}

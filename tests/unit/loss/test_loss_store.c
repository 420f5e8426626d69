// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "sheaf/loss.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "common.h"
#include "io/file.h"
#include "loss/stored.h"
#include "loss_streams.h"

static const char *place(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static sheaf_status collect(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return shf_buf_append(context, bytes, n, err);
}

static sheaf_status store(const char *path, const uint8_t *bytes, size_t n, size_t step, bool append, bool recover, sheaf_error *err)
{
    sheaf_store_options options = sheaf_store_options_init();
    sheaf_loss_store_options o = sheaf_loss_store_options_init();
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    options.n_threads = 1;
    o.store = &options;
    o.append = append;
    o.recover = recover;
    sheaf_loss_store *s;
    SHF_TRY(sheaf_loss_store_create(path, &o, &s, err));
    sheaf_status status = SHEAF_OK;
    for (size_t at = 0; !status && at < n; at += step) status = sheaf_loss_store_feed(s, bytes + at, n - at < step ? n - at : step, err);
    if (!status) status = sheaf_loss_store_end_stream(s, err);
    if (!status) status = sheaf_loss_store_close(&s, err);
    sheaf_loss_store_free(&s);
    return status;
}

static sheaf_status replay(const char *path, const int32_t *events, size_t n_events, const int32_t *items, size_t n_items,
                           unsigned n_threads, shf_buf *out, uint64_t *n_chunks, sheaf_error *err)
{
    sheaf_loss_replay *r;
    out->size = 0;
    SHF_TRY(sheaf_loss_replay_open(path, NULL, &r, err));
    sheaf_status status = sheaf_loss_replay_run(r, events, n_events, items, n_items, n_threads, collect, out, err);
    sheaf_store_statistics statistics = {.size_bytes = sizeof statistics};
    if (!status && n_chunks) {
        status = sheaf_store_get_statistics(sheaf_loss_replay_store(r), &statistics, err);
        *n_chunks = statistics.n_chunks_decoded;
    }
    sheaf_loss_replay_free(&r);
    return status;
}

static void assert_bytes(const shf_buf *out, const void *bytes, size_t n)
{
    assert_int_equal(out->size, n);
    assert_memory_equal(out->data, bytes, n);
}

static void every_byte_comes_back_from_every_format(void **state)
{
    (void)state;
    static stream s;
    const uint32_t words[] = {0x02000001u, 0x01000001u, 0x01000002u, 0x03000001u};
    for (size_t f = 0; sheaf_format_name(f); f++) {
        char name[32];
        snprintf(name, sizeof name, "a.%s", !strcmp(sheaf_format_name(f), "npy") ? "npyd" : sheaf_format_name(f));
        if (!strcmp(sheaf_format_name(f), "mem")) continue;
        for (size_t w = 0; w < 4; w++) {
            for (int ending = 0; ending < 4; ending++) {
                put_zoo(&s, words[w]);
                if (ending == 1) put_bits(&s, 0, 7);
                if (ending == 2) s.n = words[w] >> 24 == 3 ? 12 : 8;
                if (ending == 3) put_pair(&s, 0, 0), put_packet(&s, 3, 3);
                shf_buf out = {0};
                sheaf_error err = {0};
                if (store(place(name), s.bytes, s.n, 13 + (size_t)ending, false, false, &err)) fail_msg("%s: %s", name, err.message);
                if (replay(place(name), NULL, 0, NULL, 0, (unsigned)ending, &out, NULL, &err)) fail_msg("%s: %s", name, err.message);
                assert_bytes(&out, s.bytes, s.n);
                shf_buf_free(&out);
            }
        }
    }
}

/* Packets of many sizes, one larger than a chunk, over several chunks. */
static void put_large(shf_buf *s)
{
    const uint32_t head[] = {0x02000001u, 400000};
    assert_int_equal(shf_buf_append(s, head, 8, NULL), SHEAF_OK);
    uint32_t random = 17;
    for (uint32_t packet = 0; packet < 1200; packet++) {
        const uint32_t ids[] = {packet / 40, packet % 40};
        uint32_t n = packet == 700 ? 400000 : packet % 900;
        assert_int_equal(shf_buf_append(s, ids, 8, NULL), SHEAF_OK);
        assert_int_equal(shf_buf_reserve(s, (size_t)n * 8 + 8, NULL), SHEAF_OK);
        for (uint32_t i = 1; i <= n; i++) {
            random = random * 1664525u + 1013904223u;
            const uint32_t pair[] = {i * 3, random};
            memcpy(s->data + s->size, pair, 8);
            s->size += 8;
        }
        memset(s->data + s->size, 0, 8);
        s->size += 8;
    }
}

/* The packets of an event, and of an item when it is not -1, by a plain walk. */
static void pick(const shf_buf *s, uint32_t event, int64_t item, shf_buf *out)
{
    out->size = 0;
    assert_int_equal(shf_buf_append(out, s->data, 8, NULL), SHEAF_OK);
    for (size_t at = 8; at < s->size;) {
        size_t end = at + 8;
        uint32_t word, ids[2];
        memcpy(ids, s->data + at, 8);
        do {
            memcpy(&word, s->data + end, 4);
            end += 8;
        } while (word);
        if (ids[0] == event && (item < 0 || ids[1] == item)) assert_int_equal(shf_buf_append(out, s->data + at, end - at, NULL), SHEAF_OK);
        at = end;
    }
}

static void parts_are_found_by_event_and_item_and_touch_few_chunks(void **state)
{
    (void)state;
    shf_buf s = {0}, out = {0}, expected = {0};
    sheaf_error err = {0};
    uint64_t all, some;
    put_large(&s);
    if (store(place("large.zarr"), s.data, s.size, 65537, false, false, &err)) fail_msg("%s", err.message);
    for (unsigned threads = 0; threads < 4; threads += 3) {
        assert_int_equal(replay(place("large.zarr"), NULL, 0, NULL, 0, threads, &out, &all, &err), SHEAF_OK);
        assert_bytes(&out, s.data, s.size);
    }
    for (int32_t event = 0; event < 31; event += 3) {
        assert_int_equal(replay(place("large.zarr"), &event, 1, NULL, 0, 2, &out, &some, &err), SHEAF_OK);
        pick(&s, (uint32_t)event, -1, &expected);
        assert_bytes(&out, expected.data, expected.size);
        /* One event of 40 packets: at most two chunks of each column of pairs, and the index. */
        if (event != 17) assert_true(some <= 4 + 2 + 5);
        assert_true(some <= all + 2);
        const int32_t item = 20;
        assert_int_equal(replay(place("large.zarr"), &event, 1, &item, 1, 0, &out, &some, &err), SHEAF_OK);
        pick(&s, (uint32_t)event, item, &expected);
        assert_bytes(&out, expected.data, expected.size);
    }
    shf_buf_free(&s);
    shf_buf_free(&out);
    shf_buf_free(&expected);
}

static void more_streams_are_appended(void **state)
{
    (void)state;
    static stream s, twice;
    shf_buf out = {0};
    sheaf_error err;
    put_zoo(&s, 0x02000001u);
    put_zoo(&twice, 0x02000001u);
    put_pair(&twice, 0, 0); /* within a stream the delimiter must be there */
    memcpy(twice.bytes + twice.n, s.bytes + 8, s.n - 8);
    twice.n += s.n - 8;
    assert_int_equal(store(place("more.zarr"), s.bytes, s.n, 100, false, false, &err), SHEAF_OK);
    assert_int_equal(store(place("more.zarr"), s.bytes, s.n, 9, true, false, &err), SHEAF_OK);
    assert_int_equal(replay(place("more.zarr"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
    assert_bytes(&out, twice.bytes, twice.n);
    const int32_t event = 0;
    assert_int_equal(replay(place("more.zarr"), &event, 1, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
    s.bytes[4]++;
    assert_int_equal(store(place("more.zarr"), s.bytes, s.n, 9, true, false, &err), SHEAF_ERR_MISMATCH);
    assert_int_equal(replay(place("more.zarr"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
    assert_bytes(&out, twice.bytes, twice.n);
    shf_buf_free(&out);
}

static void a_cut_stream_leaves_no_store_unless_it_is_recovered(void **state)
{
    (void)state;
    static stream s;
    put_zoo(&s, 0x02000001u);
    for (size_t cut = 0; cut < s.n; cut += 3) {
        sheaf_error err;
        shf_buf out = {0};
        shf_path_kind kind;
        bool legal = cut >= 8 && (cut - 8) % 8 == 0;
        assert_int_equal(store(place("cut.npyd"), s.bytes, cut, 31, false, false, &err), legal ? SHEAF_OK : SHEAF_ERR_TRUNCATED);
        assert_int_equal(shf_path_stat(place("cut.npyd"), &kind, NULL, &err), SHEAF_OK);
        assert_int_equal(kind, legal ? SHF_PATH_FOLDER : SHF_PATH_NONE);
        if (cut < 8) continue;
        assert_int_equal(store(place("cut.npyd"), s.bytes, cut, 31, false, true, &err), SHEAF_OK);
        assert_int_equal(replay(place("cut.npyd"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
        assert_true(out.size <= cut && (legal ? out.size == cut : out.size < cut));
        assert_memory_equal(out.data, s.bytes, out.size);
        /* And it goes on. */
        assert_int_equal(store(place("cut.npyd"), s.bytes, s.n, 31, true, false, &err), SHEAF_OK);
        assert_int_equal(replay(place("cut.npyd"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
        assert_memory_equal(out.data + out.size - (s.n - 8), s.bytes + 8, s.n - 8);
        assert_int_equal(shf_path_remove_tree(place("cut.npyd"), &err), SHEAF_OK);
        shf_buf_free(&out);
    }
}

/* A writer that dies after a commit: pairs without a packet, packets without a run. */
static void a_store_whose_writer_died_is_read_and_goes_on(void **state)
{
    (void)state;
    static stream s;
    sheaf_error err = {0};
    shf_buf out = {0};
    sheaf_schema *schema;
    sheaf_store *raw;
    const shf_loss_header header = {0x02000001u, 12, 0};
    assert_int_equal(shf_stored_schema(&header, SHEAF_CODEC_DEFAULT, &schema, &err), SHEAF_OK);
    sheaf_store_options options = sheaf_store_options_init();
    assert_int_equal(sheaf_store_create(place("died.zarr"), schema, &options, &raw, &err), SHEAF_OK);
    sheaf_schema_free(&schema);
    const int32_t delta[] = {1, 1, 5}, events[] = {4, 6}, items[] = {1, 2}, zero[] = {0, 0};
    const float loss[] = {1, 2, 3}, chance[] = {0, 0};
    const int64_t end[] = {1, 2};
    const uint8_t flags[] = {0, 0};
    const void *pairs[] = {delta, loss}, *packets[] = {events, items, end, chance, zero, flags};
    assert_int_equal(sheaf_store_append(raw, "pair", 3, pairs, NULL, &err), SHEAF_OK);
    assert_int_equal(sheaf_store_append(raw, "packet", 2, packets, NULL, &err), SHEAF_OK);
    assert_int_equal(sheaf_store_close(&raw, &err), SHEAF_OK);
    put_head(&s, 0x02000001u, 12);
    put_packet(&s, 4, 1), put_pair(&s, 1, 1), put_pair(&s, 0, 0);
    put_packet(&s, 6, 2), put_pair(&s, 1, 2), put_pair(&s, 0, 0);
    assert_int_equal(replay(place("died.zarr"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
    assert_bytes(&out, s.bytes, s.n);
    static stream more;
    put_head(&more, 0x02000001u, 12);
    put_packet(&more, 6, 9), put_pair(&more, 2, 8), put_pair(&more, 0, 0);
    if (store(place("died.zarr"), more.bytes, more.n, 50, true, false, &err)) fail_msg("%s", err.message);
    put_packet(&s, 6, 9), put_pair(&s, 2, 8), put_pair(&s, 0, 0);
    assert_int_equal(replay(place("died.zarr"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
    assert_bytes(&out, s.bytes, s.n);
    const int32_t four = 4, six = 6;
    assert_int_equal(replay(place("died.zarr"), &four, 1, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
    assert_int_equal(out.size, 8 + 24);
    assert_int_equal(replay(place("died.zarr"), &six, 1, NULL, 0, 0, &out, NULL, &err), SHEAF_OK);
    assert_int_equal(out.size, 8 + 48);
    shf_buf_free(&out);
}

static void other_stores_and_places_are_refused(void **state)
{
    (void)state;
    static stream s;
    sheaf_error err;
    shf_buf out = {0};
    sheaf_schema *schema;
    sheaf_store *other;
    assert_int_equal(sheaf_schema_create(&schema, &err), SHEAF_OK);
    assert_int_equal(sheaf_schema_add_dimension(schema, "time", SHEAF_GROWS, &err), SHEAF_OK);
    sheaf_array_spec spec = sheaf_array_spec_init("time", SHEAF_F64, 1, (const char *const[]){"time"});
    assert_int_equal(sheaf_schema_add_array(schema, &spec, &err), SHEAF_OK);
    assert_int_equal(sheaf_store_create(place("other.npyd"), schema, NULL, &other, &err), SHEAF_OK);
    assert_int_equal(sheaf_store_close(&other, &err), SHEAF_OK);
    sheaf_schema_free(&schema);
    put_zoo(&s, 0x02000001u);
    assert_int_equal(replay(place("other.npyd"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_ERR_INPUT);
    assert_int_equal(store(place("other.npyd"), s.bytes, s.n, 9, true, false, &err), SHEAF_ERR_INPUT);
    assert_int_equal(replay(place("none.zarr"), NULL, 0, NULL, 0, 0, &out, NULL, &err), SHEAF_ERR_NOT_FOUND);
    assert_int_equal(store(place("plain.bin"), s.bytes, s.n, 9, false, false, &err), SHEAF_ERR_UNSUPPORTED);
    shf_buf_free(&out);
}

static void every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    static stream s;
    put_zoo(&s, 0x02000001u);
    for (uint64_t n = 1;; n += 3) {
        sheaf_error err;
        assert_int_equal(shf_path_remove_tree(place("memory.npyd"), &err), SHEAF_OK);
        shf_alloc_fail_at(n, 0);
        sheaf_status status = store(place("memory.npyd"), s.bytes, s.n, 64, false, false, &err);
        shf_alloc_fail_at(0, 0);
        if (!status) break;
        if (status != SHEAF_ERR_MEMORY) fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
        assert_true(n < 5000);
    }
    shf_buf out = {0};
    for (uint64_t n = 1;; n += 3) {
        sheaf_error err;
        shf_alloc_fail_at(n, 0);
        sheaf_status status = replay(place("memory.npyd"), NULL, 0, NULL, 0, 0, &out, NULL, &err);
        shf_alloc_fail_at(0, 0);
        if (!status) break;
        if (status != SHEAF_ERR_MEMORY) fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
        assert_true(n < 5000);
    }
    assert_bytes(&out, s.bytes, s.n);
    shf_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back_from_every_format),
        cmocka_unit_test(parts_are_found_by_event_and_item_and_touch_few_chunks),
        cmocka_unit_test(more_streams_are_appended),
        cmocka_unit_test(a_cut_stream_leaves_no_store_unless_it_is_recovered),
        cmocka_unit_test(a_store_whose_writer_died_is_read_and_goes_on),
        cmocka_unit_test(other_stores_and_places_are_refused),
        cmocka_unit_test(every_failing_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

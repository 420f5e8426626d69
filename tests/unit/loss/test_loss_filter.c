// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sheaf/loss.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "loss_streams.h"

static sheaf_status collect(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return shf_buf_append(context, bytes, n, err);
}

static sheaf_status filter(const uint8_t *bytes, size_t n, size_t step, const sheaf_loss_filter_options *options, shf_buf *out,
                           sheaf_loss_stats *stats, sheaf_error *err)
{
    sheaf_loss_filter *f;
    SHF_TRY(sheaf_loss_filter_create(options, out ? collect : NULL, out, &f, err));
    sheaf_status status = SHEAF_OK;
    for (size_t at = 0; !status && at < n; at += step) status = sheaf_loss_filter_feed(f, bytes + at, n - at < step ? n - at : step, err);
    if (!status) status = sheaf_loss_filter_finish(f, err);
    if (stats) *stats = *sheaf_loss_filter_stats(f);
    sheaf_loss_filter_free(&f);
    return status;
}

static void everything_comes_back_at_every_split(void **state)
{
    (void)state;
    static stream s;
    const uint32_t words[] = {0x02000001u, 0x01000002u, 0x03000001u};
    for (size_t w = 0; w < 3; w++) {
        put_zoo(&s, words[w]);
        for (size_t step = 1; step <= s.n; step++) {
            shf_buf out = {0};
            sheaf_error err;
            sheaf_loss_stats stats;
            assert_int_equal(filter(s.bytes, s.n, step, NULL, &out, &stats, &err), SHEAF_OK);
            assert_int_equal(out.size, s.n);
            assert_memory_equal(out.data, s.bytes, s.n);
            assert_int_equal(stats.packets, 6);
            assert_int_equal(stats.missing_delimiter, 1);
            shf_buf_free(&out);
        }
    }
}

static void chosen_packets_keep_their_bytes(void **state)
{
    (void)state;
    static stream s, expected;
    const int32_t events[] = {1}, items[] = {-7, 9};
    put_zoo(&s, 0x02000001u);
    put_head(&expected, 0x02000001u, 12);
    put_packet(&expected, 1, -7);
    const int32_t sidx[] = {3, -6, -1, -4, 40, 1, 2};
    const float losses[] = {3, 6, 1.5f, 0.25f, 4, 0, 2};
    for (size_t i = 0; i < 7; i++) put_pair(&expected, sidx[i], losses[i]);
    put_pair(&expected, 0, 0);
    put_packet(&expected, 1, -7);
    put_pair(&expected, 2147483647, 1), put_pair(&expected, 0, 0);
    sheaf_loss_filter_options options;
    sheaf_loss_filter_options_init(&options);
    options.events = events, options.n_events = 1;
    options.items = items, options.n_items = 2;
    for (size_t step = 1; step < 50; step++) {
        shf_buf out = {0};
        assert_int_equal(filter(s.bytes, s.n, step, &options, &out, NULL, NULL), SHEAF_OK);
        assert_int_equal(out.size, expected.n);
        assert_memory_equal(out.data, expected.bytes, expected.n);
        shf_buf_free(&out);
    }
    options.events = (const int32_t[]){2, 1};
    options.n_events = 2;
    assert_int_equal(filter(s.bytes, s.n, 1, &options, NULL, NULL, NULL), SHEAF_ERR_ARGUMENT);
}

/* Every offset of the index is where a packet of that id begins. */
static void the_index_is_right_for_every_packet(void **state)
{
    (void)state;
    static stream s;
    put_zoo(&s, 0x03000001u);
    for (size_t step = 1; step < 40; step++) {
        shf_buf index = {0}, text = {0};
        sheaf_loss_filter_options options;
        sheaf_loss_filter_options_init(&options);
        options.index = collect;
        options.index_context = &index;
        options.index_binary = true;
        assert_int_equal(filter(s.bytes, s.n, step, &options, NULL, NULL, NULL), SHEAF_OK);
        assert_int_equal(index.size, 6 * 12);
        const int32_t ids[] = {0, 5, 5, -7, -7, 9};
        for (size_t i = 0; i < 6; i++) {
            int32_t id, there;
            uint64_t offset;
            memcpy(&id, index.data + i * 12, 4);
            memcpy(&offset, index.data + i * 12 + 4, 8);
            assert_int_equal(id, ids[i]);
            memcpy(&there, s.bytes + offset + 4, 4);
            assert_int_equal(there, id);
        }
        options.index_binary = false;
        options.index_context = &text;
        assert_int_equal(filter(s.bytes, s.n, step, &options, NULL, NULL, NULL), SHEAF_OK);
        assert_memory_equal(text.data, "0,12\n", 5);
        shf_buf_free(&index);
        shf_buf_free(&text);
    }
}

static void a_cut_is_an_error_or_leaves_whole_packets(void **state)
{
    (void)state;
    static stream s;
    put_zoo(&s, 0x02000001u);
    sheaf_loss_filter_options options;
    sheaf_loss_filter_options_init(&options);
    for (size_t cut = 0; cut < s.n; cut++) {
        shf_buf strict = {0}, kept = {0};
        sheaf_error err;
        sheaf_loss_stats stats;
        bool legal = cut >= 8 && (cut - 8) % 8 == 0;
        options.recover = false;
        assert_int_equal(filter(s.bytes, cut, 33, &options, &strict, NULL, &err), legal ? SHEAF_OK : SHEAF_ERR_TRUNCATED);
        options.recover = true;
        assert_int_equal(filter(s.bytes, cut, 33, &options, &kept, &stats, &err), cut < 8 ? SHEAF_ERR_TRUNCATED : SHEAF_OK);
        if (cut >= 8) {
            assert_int_equal(kept.size + stats.lost_bytes, cut);
            assert_memory_equal(kept.data, s.bytes, kept.size);
            assert_true(legal ? stats.lost_bytes == 0 : stats.lost_bytes > 0);
        }
        shf_buf_free(&strict);
        shf_buf_free(&kept);
    }
}

static void packets_larger_than_the_buffer_pass(void **state)
{
    (void)state;
    enum { N = 300000 };
    shf_buf s = {0}, out = {0};
    sheaf_error err;
    const uint32_t head[] = {0x02000001u, N, 1, 1};
    assert_int_equal(shf_buf_append(&s, head, sizeof head, &err), SHEAF_OK);
    for (uint32_t i = 1; i <= N; i++) {
        const uint32_t pair[] = {i, 0x3f800000u + i};
        assert_int_equal(shf_buf_append(&s, pair, 8, &err), SHEAF_OK);
    }
    for (int recover = 0; recover < 2; recover++) {
        sheaf_loss_filter_options options;
        sheaf_loss_filter_options_init(&options);
        options.recover = recover;
        out.size = 0;
        assert_int_equal(filter(s.data, s.size, 10007, &options, &out, NULL, &err), SHEAF_OK);
        assert_int_equal(out.size, s.size);
        assert_memory_equal(out.data, s.data, s.size);
    }
    shf_buf_free(&s);
    shf_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back_at_every_split), cmocka_unit_test(chosen_packets_keep_their_bytes),
        cmocka_unit_test(the_index_is_right_for_every_packet),  cmocka_unit_test(a_cut_is_an_error_or_leaves_whole_packets),
        cmocka_unit_test(packets_larger_than_the_buffer_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

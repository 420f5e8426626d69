// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sheaf/loss.h"

#include "base/buf.h"
#include "loss_streams.h"

static sheaf_status collect(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return shf_buf_append(context, bytes, n, err);
}

static sheaf_status to_text(const uint8_t *bytes, size_t n, size_t step, const sheaf_loss_csv_options *options, shf_buf *out,
                            sheaf_error *err)
{
    sheaf_loss_csv *csv;
    SHF_TRY(sheaf_loss_csv_create(options, collect, out, &csv, err));
    sheaf_status status = SHEAF_OK;
    for (size_t at = 0; !status && at < n; at += step) status = sheaf_loss_csv_feed(csv, bytes + at, n - at < step ? n - at : step, err);
    if (!status) status = sheaf_loss_csv_finish(csv, err);
    sheaf_loss_csv_free(&csv);
    return status;
}

static sheaf_status to_stream(const uint8_t *text, size_t n, size_t step, const sheaf_loss_parse_options *options, shf_buf *out,
                              sheaf_error *err)
{
    sheaf_loss_parse *parse;
    sheaf_loss_header header = {0, 0, 0};
    SHF_TRY(sheaf_loss_parse_create(options, collect, out, &parse, err));
    sheaf_status status = SHEAF_OK;
    for (size_t at = 0; !status && at < n; at += step) status = sheaf_loss_parse_feed(parse, text + at, n - at < step ? n - at : step, err);
    if (!status) status = sheaf_loss_parse_finish(parse, &header, err);
    if (!status) memcpy(out->data + 4, &header.n_samples, 4);
    sheaf_loss_parse_free(&parse);
    return status;
}

static void assert_text(const shf_buf *out, const char *expected)
{
    if (out->size != strlen(expected) || memcmp(out->data, expected, out->size) != 0)
        fail_msg("got %.*s", (int)out->size, (const char *)out->data);
}

static void the_old_look_has_two_decimals_and_the_pairs_alone(void **state)
{
    (void)state;
    static stream s;
    put_head(&s, 0x02000001u, 2);
    put_packet(&s, 1, 2), put_pair(&s, -3, 40000), put_pair(&s, 1, 0), put_pair(&s, 2, 1.005f), put_pair(&s, 0, 0);
    put_packet(&s, 1, 2), put_pair(&s, 0, 0);
    sheaf_loss_csv_options options;
    sheaf_loss_csv_options_init(&options);
    options.decimals = 2;
    shf_buf out = {0};
    assert_int_equal(to_text(s.bytes, s.n, 100, &options, &out, NULL), SHEAF_OK);
    assert_text(&out, "event_id,item_id,sidx,loss\n1,2,-3,40000.00\n1,2,1,0.00\n1,2,2,1.00\n");
    shf_buf_free(&out);
}

static void by_default_every_pair_and_packet_is_told(void **state)
{
    (void)state;
    static stream s;
    put_head(&s, 0x02000001u, 2);
    put_packet(&s, 1, 2), put_pair(&s, 1, 0.1f), put_pair(&s, 0, 0);
    put_packet(&s, 1, 2), put_pair(&s, 2, 1e20f), put_pair(&s, 0, -0.0f);
    put_packet(&s, 1, 3), put_pair(&s, 0, 0);
    sheaf_error err;
    shf_buf out = {0};
    assert_int_equal(to_text(s.bytes, s.n, 3, NULL, &out, &err), SHEAF_OK);
    assert_text(&out, "event_id,item_id,sidx,loss\n1,2,1,0.1\n1,2,0,0\n1,2,2,1e+20\n1,2,0,-0\n1,3,0,0\n");
    shf_buf back = {0};
    assert_int_equal(to_stream(out.data, out.size, 5, NULL, &back, &err), SHEAF_OK);
    assert_int_equal(back.size, s.n);
    assert_memory_equal(back.data, s.bytes, s.n);
    shf_buf_free(&out);
    shf_buf_free(&back);
}

static void exact_text_gives_every_byte_back_at_every_split(void **state)
{
    (void)state;
    static stream s;
    const uint32_t words[] = {0x02000001u, 0x01000001u, 0x01000002u, 0x03000001u};
    sheaf_loss_csv_options options;
    sheaf_loss_csv_options_init(&options);
    options.exact = true;
    for (size_t w = 0; w < 4; w++) {
        for (unsigned ending = 0; ending < 4; ending++) {
            put_zoo(&s, words[w]);
            if (ending == 1) put_pair(&s, 0, 0);
            if (ending == 2) put_pair(&s, 0, 0), put_packet(&s, 0, 9);
            if (ending == 3) s.n = words[w] >> 24 == 3 ? 12 : 8;
            for (size_t step = 1; step <= s.n; step += 5) {
                sheaf_error err = {0};
                shf_buf out = {0}, back = {0};
                options.n_threads = step % 3 == 0 ? 2 : 0;
                assert_int_equal(to_text(s.bytes, s.n, step, &options, &out, &err), SHEAF_OK);
                if (to_stream(out.data, out.size, step, NULL, &back, &err)) fail_msg("%s", err.message);
                assert_int_equal(back.size, s.n);
                assert_memory_equal(back.data, s.bytes, s.n);
                shf_buf_free(&out);
                shf_buf_free(&back);
            }
        }
    }
}

static void large_streams_are_the_same_with_any_number_of_threads(void **state)
{
    (void)state;
    shf_buf s = {0}, text[2] = {{0}, {0}};
    sheaf_error err;
    const uint32_t head[2] = {0x02000001u, 50};
    assert_int_equal(shf_buf_append(&s, head, 8, &err), SHEAF_OK);
    uint32_t random = 99;
    for (uint32_t packet = 0; packet < 9000; packet++) {
        const uint32_t ids[2] = {packet / 300, packet % 300 / 2}, end[2] = {0, packet % 1000 == 5};
        assert_int_equal(shf_buf_append(&s, ids, 8, &err), SHEAF_OK);
        for (uint32_t i = 1; i <= packet % 51; i++) {
            random = random * 1664525u + 1013904223u;
            const uint32_t pair[2] = {i, random % 7 ? 0x40000000u + (random >> 6) : 0};
            assert_int_equal(shf_buf_append(&s, pair, 8, &err), SHEAF_OK);
        }
        assert_int_equal(shf_buf_append(&s, end, 8, &err), SHEAF_OK);
    }
    for (unsigned k = 0; k < 2; k++) {
        sheaf_loss_csv_options options;
        sheaf_loss_csv_options_init(&options);
        sheaf_loss_parse_options back_options;
        sheaf_loss_parse_options_init(&back_options);
        options.n_threads = back_options.n_threads = k ? 3 : 0;
        shf_buf back = {0};
        assert_int_equal(to_text(s.data, s.size, k ? 100003 : s.size, &options, &text[k], &err), SHEAF_OK);
        assert_int_equal(to_stream(text[k].data, text[k].size, k ? 70001 : text[k].size, &back_options, &back, &err), SHEAF_OK);
        assert_int_equal(back.size, s.size);
        assert_memory_equal(back.data, s.data, s.size);
        shf_buf_free(&back);
    }
    assert_int_equal(text[0].size, text[1].size);
    assert_memory_equal(text[0].data, text[1].data, text[0].size);
    shf_buf_free(&text[0]);
    shf_buf_free(&text[1]);
    shf_buf_free(&s);
}

static void text_of_others_is_read(void **state)
{
    (void)state;
    static const char text[] = "event_id, summary_id, sidx, loss, exposure_value\r\n";
    static const char plain[] = "\"x\"\n";
    static const char rows[] = "1,1,-1,2.5\r\n1,1,3,7\r\n\r\n2,1,1,1e2";
    static stream s;
    sheaf_error err;
    shf_buf out = {0};
    put_head(&s, 0x02000001u, 3);
    put_packet(&s, 1, 1), put_pair(&s, -1, 2.5f), put_pair(&s, 3, 7), put_pair(&s, 0, 0);
    put_packet(&s, 2, 1), put_pair(&s, 1, 100), put_pair(&s, 0, 0);
    assert_int_equal(to_stream((const uint8_t *)rows, sizeof rows - 1, 4, NULL, &out, &err), SHEAF_OK);
    assert_int_equal(out.size, s.n);
    assert_memory_equal(out.data, s.bytes, s.n);
    out.size = 0;
    assert_int_equal(to_stream((const uint8_t *)plain, sizeof plain - 1, 4, NULL, &out, &err), SHEAF_ERR_INPUT);
    assert_non_null(strstr(err.message, "event_id,item_id,sidx,loss"));
    out.size = 0;
    assert_int_equal(to_stream((const uint8_t *)text, sizeof text - 1, 4, NULL, &out, &err), SHEAF_OK);
    assert_int_equal(out.size, 12);
    shf_buf_free(&out);
}

static void bad_rows_are_named_by_line(void **state)
{
    (void)state;
    const char *const rows[] = {"1,2,3", "1,2,3,4,5", "1,2,x,4", "1,2,3,", "9999999999,1,1,1", "1;2;3;4", "1,2,3,4 "};
    for (size_t i = 0; i < 7; i++) {
        char text[128];
        shf_buf out = {0};
        sheaf_error err = {0};
        int n = snprintf(text, sizeof text, "event_id,item_id,sidx,loss\n1,1,1,1\n%s\n1,1,2,2\n", rows[i]);
        assert_int_equal(to_stream((const uint8_t *)text, (size_t)n, 1000, NULL, &out, &err), SHEAF_ERR_INPUT);
        assert_non_null(strstr(err.message, "line 3"));
        shf_buf_free(&out);
    }
}

static void a_cut_stream_fails_after_its_lines(void **state)
{
    (void)state;
    static stream s;
    sheaf_error err;
    shf_buf out = {0};
    put_head(&s, 0x02000001u, 3);
    put_packet(&s, 1, 1), put_pair(&s, 1, 2.5f), put_pair(&s, 2, 7);
    assert_int_equal(to_text(s.bytes, s.n - 1, 9, NULL, &out, &err), SHEAF_ERR_TRUNCATED);
    assert_text(&out, "event_id,item_id,sidx,loss\n1,1,1,2.5\n");
    shf_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_old_look_has_two_decimals_and_the_pairs_alone),
        cmocka_unit_test(by_default_every_pair_and_packet_is_told),
        cmocka_unit_test(exact_text_gives_every_byte_back_at_every_split),
        cmocka_unit_test(large_streams_are_the_same_with_any_number_of_threads),
        cmocka_unit_test(text_of_others_is_read),
        cmocka_unit_test(bad_rows_are_named_by_line),
        cmocka_unit_test(a_cut_stream_fails_after_its_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "format/loss_stream.h"
#include "loss_streams.h"

/* Parses with pieces of `step` bytes and writes the tokens down again. */
static sheaf_status replay(const uint8_t *bytes, size_t n, size_t step, shf_buf *out, sheaf_error *err)
{
    shf_loss_parser p;
    shf_loss_token t;
    uint8_t words[SHF_LOSS_MAX_HEADER_BYTES];
    bool delimited = true;
    shf_loss_parser_init(&p);
    for (size_t at = 0; at < n; at += step) {
        size_t part = n - at < step ? n - at : step, used = 0;
        for (;;) {
            used += shf_loss_parser_next(&p, bytes + at + used, part - used, &t);
            assert_true(used <= part);
            if (t.kind == SHF_LOSS_NEED_INPUT) break;
            if (t.kind == SHF_LOSS_HEADER) {
                SHF_TRY(shf_buf_append(out, words, shf_loss_header_write(&p.header, words), err));
            } else if (t.kind == SHF_LOSS_PACKET) {
                assert_int_equal(p.packet_offset, out->size);
                SHF_TRY(shf_loss_put_packet(out, &p.header, p.event_id, p.item_id, p.exposure_bits, err));
            } else if (t.kind == SHF_LOSS_PAIRS) {
                SHF_TRY(shf_buf_append(out, t.pairs, t.n_pairs * 8, err));
            } else if (t.delimited) {
                SHF_TRY(shf_loss_put_pair(out, 0, t.end_bits, err));
            }
        }
        assert_int_equal(used, part);
    }
    if (shf_loss_parser_last(&p, &t)) delimited = t.delimited;
    (void)delimited;
    return shf_loss_parser_finish(&p, err);
}

static void tokens_give_back_the_bytes_at_every_split(void **state)
{
    (void)state;
    static stream s;
    const uint32_t words[] = {0x02000001u, 0x01000001u, 0x01000002u, 0x03000001u};
    for (size_t w = 0; w < 4; w++) {
        put_zoo(&s, words[w]);
        for (size_t step = 1; step <= s.n; step++) {
            shf_buf out = {0};
            sheaf_error err;
            assert_int_equal(replay(s.bytes, s.n, step, &out, &err), SHEAF_OK);
            assert_int_equal(out.size, s.n);
            assert_memory_equal(out.data, s.bytes, s.n);
            shf_buf_free(&out);
        }
    }
}

/* Legal ends, found by a plain walk: behind the header, a packet header or a pair. */
static bool legal_end(const stream *s, size_t cut)
{
    size_t head = s->bytes[3] == 3 ? 12 : 8, at = head;
    bool in_packet = false;
    while (at < cut) {
        uint32_t sidx;
        memcpy(&sidx, s->bytes + at, 4);
        if (!in_packet) at += head, in_packet = true;
        else at += 8, in_packet = sidx != 0;
    }
    return at == cut && cut >= head;
}

static void a_cut_is_an_error_unless_the_stream_may_end_there(void **state)
{
    (void)state;
    static stream s;
    for (int summary = 0; summary < 2; summary++) {
        put_zoo(&s, summary ? 0x03000001u : 0x02000001u);
        for (size_t cut = 0; cut <= s.n; cut++) {
            shf_buf out = {0};
            sheaf_error err = {0};
            sheaf_status status = replay(s.bytes, cut, 5, &out, &err);
            assert_int_equal(status, legal_end(&s, cut) ? SHEAF_OK : SHEAF_ERR_TRUNCATED);
            if (status) assert_int_equal(err.byte, cut);
            shf_buf_free(&out);
        }
    }
}

static void the_error_of_a_cut_names_byte_event_and_item(void **state)
{
    (void)state;
    static stream s;
    put_head(&s, 0x02000001u, 3);
    put_packet(&s, 77, 42);
    put_pair(&s, 1, 1);
    shf_buf out = {0};
    sheaf_error err;
    assert_int_equal(replay(s.bytes, s.n - 3, 64, &out, &err), SHEAF_ERR_TRUNCATED);
    assert_non_null(strstr(err.message, "byte 21"));
    assert_non_null(strstr(err.message, "event 77"));
    assert_non_null(strstr(err.message, "item 42"));
    shf_buf_free(&out);
}

static void words_of_other_streams_are_refused(void **state)
{
    (void)state;
    sheaf_error err;
    const shf_loss_header bad[] = {{0x00000001u, 1, 0}, {0x04000001u, 1, 0}, {0x02000000u, 1, 0}, {0x02000001u, -1, 0}};
    for (size_t i = 0; i < 4; i++) assert_int_equal(shf_loss_header_check(&bad[i], &err), SHEAF_ERR_INPUT);
    shf_loss_header a = {0x02000001u, 10, 0}, b = {0x02000001u, 11, 0};
    assert_int_equal(shf_loss_header_check(&a, &err), SHEAF_OK);
    assert_int_equal(shf_loss_header_agree(&a, "one.bin", &a, "two.bin", &err), SHEAF_OK);
    assert_int_equal(shf_loss_header_agree(&a, "one.bin", &b, "two.bin", &err), SHEAF_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "one.bin"));
    assert_non_null(strstr(err.message, "two.bin"));
}

static void the_end_is_found_at_every_place(void **state)
{
    (void)state;
    uint8_t pairs[40 * 8];
    for (size_t n = 0; n <= 40; n++) {
        for (size_t end = 0; end <= n; end++) {
            memset(pairs, 0, sizeof pairs);
            for (size_t i = 0; i < n; i++) pairs[i * 8 + 3] = i == end ? 0 : 0x80;
            assert_int_equal(shf_loss_find_end(pairs, n), end);
        }
    }
}

static void index_entries_are_text_or_twelve_bytes(void **state)
{
    (void)state;
    shf_buf out = {0};
    sheaf_error err;
    assert_int_equal(shf_loss_put_index(&out, -3, 5000000000u, false, &err), SHEAF_OK);
    assert_int_equal(out.size, 14);
    assert_memory_equal(out.data, "-3,5000000000\n", 14);
    out.size = 0;
    assert_int_equal(shf_loss_put_index(&out, -3, 5000000000u, true, &err), SHEAF_OK);
    assert_int_equal(out.size, 12);
    assert_memory_equal(out.data, "\xfd\xff\xff\xff\x00\xf2\x05\x2a\x01\x00\x00\x00", 12);
    shf_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_give_back_the_bytes_at_every_split),
        cmocka_unit_test(a_cut_is_an_error_unless_the_stream_may_end_there),
        cmocka_unit_test(the_error_of_a_cut_names_byte_event_and_item),
        cmocka_unit_test(words_of_other_streams_are_refused),
        cmocka_unit_test(the_end_is_found_at_every_place),
        cmocka_unit_test(index_entries_are_text_or_twelve_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

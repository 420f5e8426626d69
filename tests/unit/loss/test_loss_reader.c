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

/* Writes an event down as text, so that two ways of reading can be compared. */
static sheaf_status note(void *context, const sheaf_loss_event *e, sheaf_error *err)
{
    shf_buf *out = context;
    SHF_TRY(shf_buf_printf(out, err, "event %d\n", e->event_id));
    for (size_t i = 0; i < e->n_items; i++) {
        SHF_TRY(
            shf_buf_printf(out, err, " item %d chance %g exposure %g:", e->item_id[i], (double)e->pass_through[i], (double)e->exposure[i]));
        for (int64_t k = e->indptr[i]; k < e->indptr[i + 1]; k++) {
            SHF_TRY(shf_buf_printf(out, err, " %d=%.9g", e->sidx[k], (double)e->loss[k]));
        }
        SHF_TRY(shf_buf_append_text(out, "\n", err));
    }
    return SHEAF_OK;
}

static sheaf_status read_all(const stream *s, size_t n, size_t step, const sheaf_loss_reader_options *options, shf_buf *out,
                             sheaf_loss_stats *stats, sheaf_error *err)
{
    sheaf_loss_reader *r;
    sheaf_status status = sheaf_loss_reader_create(options, note, out, &r, err);
    for (size_t at = 0; !status && at < n; at += step) {
        status = sheaf_loss_reader_feed(r, s->bytes + at, n - at < step ? n - at : step, err);
    }
    if (!status) status = sheaf_loss_reader_finish(r, err);
    if (r && stats) *stats = *sheaf_loss_reader_stats(r);
    sheaf_loss_reader_free(&r);
    if (!status) SHF_TRY(shf_buf_append(out, "", 1, err));
    return status;
}

static const char zoo_events[] = "event 0\n item 0 chance 14 exposure 0: -5=15 -3=13 -1=11 1=0.100000001 2=0.200000003 4=0.400000006 5=0.5 "
                                 "7=0.699999988 8=0.800000012 10=1 "
                                 "11=1.10000002\n item 5 chance 0 exposure 0: -3=0\n"
                                 "event 1\n item 5 chance 0 exposure 0: 4=-2.5 5=inf 6=1.40129846e-45 7=-inf\n"
                                 " item -7 chance 0.25 exposure 0: -6=6 -1=1.5 2=2 3=3 40=4\n item -7 chance 0 exposure 0: 2147483647=1\n"
                                 "event 0\n item 9 chance 0 exposure 0: -1=8 1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 9=9\n";

static void events_follow_the_rules_at_every_split(void **state)
{
    (void)state;
    static stream s;
    put_zoo(&s, 0x02000001u);
    for (size_t step = 1; step <= s.n; step++) {
        shf_buf out = {0};
        sheaf_error err;
        sheaf_loss_stats stats;
        assert_int_equal(read_all(&s, s.n, step, NULL, &out, &stats, &err), SHEAF_OK);
        assert_string_equal((char *)out.data, zoo_events);
        assert_int_equal(stats.bytes, s.n);
        assert_int_equal(stats.events, 3);
        assert_int_equal(stats.packets, 6);
        assert_int_equal(stats.pairs, 17 + 7 + 7 + 1 + 10);
        assert_int_equal(stats.zeros, 4 + 1 + 1);
        assert_int_equal(stats.nans, 2);
        assert_int_equal(stats.negatives, 2);
        assert_int_equal(stats.infinities, 2);
        assert_int_equal(stats.unordered, 1);
        assert_int_equal(stats.above, 2);
        assert_int_equal(stats.empty, 1);
        assert_int_equal(stats.end_bytes, 1);
        assert_int_equal(stats.missing_delimiter, 1);
        assert_int_equal(stats.specials[5], 1);
        shf_buf_free(&out);
    }
}

static void the_same_sidx_twice_is_refused_also_when_one_is_zero(void **state)
{
    (void)state;
    static stream s;
    const float losses[][2] = {{1, 2}, {0, 2}, {1, 0}, {0, 0}};
    const int32_t sidx[] = {1, 3, -4, -2, -1};
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < 5; i++) {
            put_head(&s, 0x02000001u, 12);
            put_packet(&s, 5, 6);
            put_pair(&s, sidx[i], losses[k][0]);
            put_pair(&s, 2, 1);
            put_pair(&s, sidx[i], losses[k][1]);
            put_pair(&s, 0, 0);
            for (size_t step = 1; step <= s.n; step += 7) {
                shf_buf out = {0};
                sheaf_error err;
                assert_int_equal(read_all(&s, s.n, step, NULL, &out, NULL, &err), SHEAF_ERR_DUPLICATE);
                assert_non_null(strstr(err.message, "event 5, item 6"));
                assert_int_equal(err.byte, 8);
                sheaf_loss_reader_options options;
                sheaf_loss_stats stats;
                sheaf_loss_reader_options_init(&options);
                options.duplicate_sidx = SHEAF_LOSS_ACCEPT;
                assert_int_equal(read_all(&s, s.n, step, &options, &out, &stats, &err), SHEAF_OK);
                assert_int_equal(stats.duplicates, 1);
                shf_buf_free(&out);
            }
        }
    }
}

static void long_shuffled_packets_are_sorted(void **state)
{
    (void)state;
    enum { N = 900 };
    static stream s;
    int32_t order[N];
    uint32_t random = 12345;
    for (int32_t i = 0; i < N; i++) order[i] = i + 1;
    for (size_t i = N - 1; i > 0; i--) {
        random = random * 1664525u + 1013904223u;
        size_t k = (random >> 8) % (i + 1);
        int32_t swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
    put_head(&s, 0x02000001u, N);
    put_packet(&s, 1, 1);
    for (size_t i = 0; i < N; i++) put_pair(&s, order[i], order[i] % 2 ? (float)order[i] : 0);
    shf_buf out = {0}, expected = {0};
    sheaf_error err;
    assert_int_equal(read_all(&s, s.n, 777, NULL, &out, NULL, &err), SHEAF_OK);
    assert_int_equal(shf_buf_printf(&expected, &err, "event 1\n item 1 chance 0 exposure 0:"), SHEAF_OK);
    for (int i = 1; i <= N; i += 2) assert_int_equal(shf_buf_printf(&expected, &err, " %d=%d", i, i), SHEAF_OK);
    assert_int_equal(shf_buf_append(&expected, "\n", 2, &err), SHEAF_OK);
    assert_string_equal((char *)out.data, (char *)expected.data);
    shf_buf_free(&out);
    shf_buf_free(&expected);
}

static void policies_refuse_or_count(void **state)
{
    (void)state;
    static stream s;
    const int32_t known[] = {-7, 0, 5};
    sheaf_loss_reader_options options;
    sheaf_loss_stats stats;
    sheaf_error err;
    shf_buf out = {0};
    put_zoo(&s, 0x02000001u);
    sheaf_loss_reader_options_init(&options);
    options.sidx_above = SHEAF_LOSS_REFUSE;
    assert_int_equal(read_all(&s, s.n, 64, &options, &out, NULL, &err), SHEAF_ERR_RANGE);
    assert_non_null(strstr(err.message, "sidx 40"));
    sheaf_loss_reader_options_init(&options);
    options.open_end = SHEAF_LOSS_REFUSE;
    assert_int_equal(read_all(&s, s.n, 64, &options, &out, NULL, &err), SHEAF_ERR_TRUNCATED);
    sheaf_loss_reader_options_init(&options);
    options.item_ids = known;
    options.n_item_ids = 3;
    assert_int_equal(read_all(&s, s.n, 64, &options, &out, NULL, &err), SHEAF_ERR_RANGE);
    assert_non_null(strstr(err.message, "item 9"));
    options.unknown_item = SHEAF_LOSS_ACCEPT;
    assert_int_equal(read_all(&s, s.n, 64, &options, &out, &stats, &err), SHEAF_OK);
    assert_int_equal(stats.unknown_items, 1);
    shf_buf_free(&out);
}

static void recovery_keeps_whole_packets_and_counts_the_rest(void **state)
{
    (void)state;
    static stream s;
    sheaf_loss_reader_options options;
    sheaf_loss_reader_options_init(&options);
    options.cut_end = SHEAF_LOSS_ACCEPT;
    put_zoo(&s, 0x02000001u);
    for (size_t cut = 0; cut < s.n; cut++) {
        shf_buf out = {0}, strict = {0};
        sheaf_error err;
        sheaf_loss_stats stats = {0};
        sheaf_status status = read_all(&s, cut, 16, &options, &out, &stats, &err);
        assert_int_equal(status, cut < 8 ? SHEAF_ERR_TRUNCATED : SHEAF_OK);
        if (!status) {
            /* What is kept is a legal stream with the same events. */
            assert_int_equal(read_all(&s, cut - (size_t)stats.lost_bytes, 16, NULL, &strict, NULL, &err), SHEAF_OK);
            assert_string_equal((char *)out.data, (char *)strict.data);
        }
        shf_buf_free(&out);
        shf_buf_free(&strict);
    }
}

static sheaf_status collect(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return shf_buf_append(context, bytes, n, err);
}

static sheaf_status write_event(void *context, const sheaf_loss_event *e, sheaf_error *err)
{
    return sheaf_loss_writer_put_event(context, e, err);
}

/* Reads and writes; the header is known beforehand. */
static void canonical(const stream *s, size_t step, bool ordered, shf_buf *out, shf_buf *index)
{
    sheaf_error err;
    sheaf_loss_writer *w;
    sheaf_loss_reader *r;
    sheaf_loss_header h = {0, 12, s->bytes[3] == 3 ? 7 : 0};
    memcpy(&h.word, s->bytes, 4);
    assert_int_equal(sheaf_loss_writer_create(&h, ordered, collect, out, &w, &err), SHEAF_OK);
    if (index) assert_int_equal(sheaf_loss_writer_set_index(w, false, collect, index, &err), SHEAF_OK);
    assert_int_equal(sheaf_loss_reader_create(NULL, write_event, w, &r, &err), SHEAF_OK);
    for (size_t at = 0; at < s->n; at += step) {
        assert_int_equal(sheaf_loss_reader_feed(r, s->bytes + at, s->n - at < step ? s->n - at : step, &err), SHEAF_OK);
    }
    assert_int_equal(sheaf_loss_reader_finish(r, &err), SHEAF_OK);
    assert_int_equal(sheaf_loss_writer_finish(w, &err), SHEAF_OK);
    sheaf_loss_reader_free(&r);
    sheaf_loss_writer_free(&w);
}

static void canonical_zoo(stream *s)
{
    put_head(s, 0x02000001u, 12);
    put_packet(s, 0, 0);
    const int32_t specials[] = {-5, -4, -3, -1};
    for (size_t i = 0; i < 4; i++) put_pair(s, specials[i], (float)(10 - specials[i]));
    for (int32_t i = 1; i <= 12; i++) {
        if (i % 3) put_pair(s, i, 0.1f * (float)i);
    }
    put_pair(s, 0, 0);
    put_packet(s, 0, 5);
    put_pair(s, -5, 0), put_pair(s, -3, 0), put_pair(s, -1, 0), put_pair(s, 0, 0);
    put_packet(s, 1, 5);
    put_pair(s, -5, 0), put_pair(s, -3, 0), put_pair(s, -1, 0);
    put_pair(s, 4, -2.5f), put_bits(s, 5, 0x7f800000u), put_bits(s, 6, 1), put_bits(s, 7, 0xff800000u), put_pair(s, 0, 0);
    put_packet(s, 1, -7);
    put_pair(s, -6, 6), put_pair(s, -5, 0), put_pair(s, -4, 0.25f), put_pair(s, -3, 0), put_pair(s, -1, 1.5f);
    put_pair(s, 2, 2), put_pair(s, 3, 3), put_pair(s, 40, 4), put_pair(s, 0, 0);
    put_packet(s, 1, -7);
    put_pair(s, -5, 0), put_pair(s, -3, 0), put_pair(s, -1, 0), put_pair(s, 2147483647, 1), put_pair(s, 0, 0);
    put_packet(s, 0, 9);
    put_pair(s, -5, 0), put_pair(s, -3, 0), put_pair(s, -1, 8);
    for (int32_t i = 1; i <= 9; i++) put_pair(s, i, (float)i);
    put_pair(s, 0, 0);
}

static void the_canonical_form_is_as_the_rules_say_and_stays_itself(void **state)
{
    (void)state;
    static stream s, expected;
    put_zoo(&s, 0x02000001u);
    canonical_zoo(&expected);
    for (size_t step = 1; step <= s.n; step += 3) {
        shf_buf out = {0};
        canonical(&s, step, false, &out, NULL);
        assert_int_equal(out.size, expected.n);
        assert_memory_equal(out.data, expected.bytes, expected.n);
        shf_buf_free(&out);
    }
    shf_buf again = {0};
    canonical(&expected, 100, false, &again, NULL);
    assert_int_equal(again.size, expected.n);
    assert_memory_equal(again.data, expected.bytes, expected.n);
    shf_buf_free(&again);
}

static void summary_streams_keep_set_exposure_and_sorted_pairs(void **state)
{
    (void)state;
    static stream s, expected;
    put_head(&s, 0x03000001u, 12);
    put_packet(&s, 3, 1);
    put_pair(&s, -1, 5), put_pair(&s, -4, 10), put_pair(&s, -5, 9), put_pair(&s, 1, 0), put_pair(&s, 2, 4), put_pair(&s, 0, 0);
    put_head(&expected, 0x03000001u, 12);
    put_packet(&expected, 3, 1);
    put_pair(&expected, -5, 9), put_pair(&expected, -4, 10), put_pair(&expected, -1, 5), put_pair(&expected, 2, 4),
        put_pair(&expected, 0, 0);
    shf_buf out = {0};
    canonical(&s, 5, false, &out, NULL);
    assert_int_equal(out.size, expected.n);
    assert_memory_equal(out.data, expected.bytes, expected.n);
    shf_buf_free(&out);
}

static void ordered_output_is_sorted_within_each_event_and_its_index_is_right(void **state)
{
    (void)state;
    static stream s;
    const int32_t items[] = {9, 2, 2, -1, 5}, sorted[] = {-1, 2, 2, 5, 9};
    put_head(&s, 0x02000001u, 12);
    for (int32_t event = 1; event <= 2; event++) {
        for (size_t i = 0; i < 5; i++) {
            put_packet(&s, event, items[i]);
            put_pair(&s, (int32_t)i + 1, 1), put_pair(&s, 0, 0);
        }
    }
    shf_buf out = {0}, index = {0};
    sheaf_error err;
    canonical(&s, 11, true, &out, &index);
    assert_int_equal(shf_buf_append(&index, "", 1, &err), SHEAF_OK);
    char *line = (char *)index.data;
    for (size_t i = 0; i < 10; i++) {
        size_t at = 8 + i * 48;
        int32_t words[2];
        memcpy(words, out.data + at, 8);
        assert_int_equal(words[0], i / 5 + 1);
        assert_int_equal(words[1], sorted[i % 5]);
        assert_int_equal(strtol(line, &line, 10), words[1]);
        assert_int_equal(strtol(line + 1, &line, 10), at);
        line++;
    }
    /* Of the two packets of item 2, the first stays first. */
    assert_int_equal(out.data[8 + 48 + 32], 2);
    assert_int_equal(out.data[8 + 96 + 32], 3);
    shf_buf_free(&out);
    shf_buf_free(&index);
}

static void layers_share_samples_and_output_zero_is_not_written(void **state)
{
    (void)state;
    static stream expected;
    const int32_t sidx[] = {-1, 1, 2}, outputs[] = {4, 0, 6};
    const float losses[] = {1, 2, 3, 9, 9, 9, 5, 0, 7};
    sheaf_loss_header h = {0x02000001u, 2, 0};
    sheaf_loss_writer *w;
    sheaf_error err;
    shf_buf out = {0};
    assert_int_equal(sheaf_loss_writer_create(&h, false, collect, &out, &w, &err), SHEAF_OK);
    assert_int_equal(sheaf_loss_writer_put_layers(w, 8, 0.5f, 3, sidx, 3, outputs, losses, &err), SHEAF_OK);
    assert_int_equal(sheaf_loss_writer_put_packet(w, 8, 1, 0, 0, 2, (const int32_t[]){2, 1}, losses, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_loss_writer_finish(w, &err), SHEAF_OK);
    sheaf_loss_writer_free(&w);
    put_head(&expected, 0x02000001u, 2);
    put_packet(&expected, 8, 4);
    put_pair(&expected, -5, 0), put_pair(&expected, -4, 0.5f), put_pair(&expected, -3, 0), put_pair(&expected, -1, 1);
    put_pair(&expected, 1, 2), put_pair(&expected, 2, 3), put_pair(&expected, 0, 0);
    put_packet(&expected, 8, 6);
    put_pair(&expected, -5, 0), put_pair(&expected, -4, 0.5f), put_pair(&expected, -3, 0), put_pair(&expected, -1, 5);
    put_pair(&expected, 2, 7), put_pair(&expected, 0, 0);
    assert_int_equal(out.size, expected.n);
    assert_memory_equal(out.data, expected.bytes, expected.n);
    shf_buf_free(&out);
}

/* Inputs a and b through a merger with pieces of `step` bytes. */
static sheaf_status join(sheaf_loss_join how, const stream *a, const stream *b, size_t step, shf_buf *out, sheaf_error *err)
{
    const char *names[] = {"a.bin", "b.bin"};
    const stream *inputs[] = {a, b};
    size_t at[2] = {0, 0};
    sheaf_loss_merger *m;
    SHF_TRY(sheaf_loss_merger_create(how, 2, names, NULL, note, out, &m, err));
    sheaf_status status = SHEAF_OK;
    int64_t i;
    while (!status && (i = sheaf_loss_merger_wants(m)) >= 0) {
        size_t left = inputs[i]->n - at[i], part = left < step ? left : step;
        if (left) status = sheaf_loss_merger_feed(m, (size_t)i, inputs[i]->bytes + at[i], part, err);
        else status = sheaf_loss_merger_finish(m, (size_t)i, err);
        at[i] += part;
    }
    sheaf_loss_merger_free(&m);
    if (!status) SHF_TRY(shf_buf_append(out, "", 1, err));
    return status;
}

static void two_inputs_are_merged_by_event_or_follow_each_other(void **state)
{
    (void)state;
    static stream a, b;
    put_head(&a, 0x02000001u, 12), put_head(&b, 0x02000001u, 12);
    for (int32_t event = 1; event <= 5; event += 2) put_packet(&a, event, 1), put_pair(&a, 1, 1), put_pair(&a, 0, 0);
    for (int32_t event = 2; event <= 4; event++) put_packet(&b, event, 2), put_pair(&b, 2, 2), put_pair(&b, 0, 0);
    for (size_t step = 1; step < a.n + 2; step++) {
        shf_buf out = {0};
        sheaf_error err;
        assert_int_equal(join(SHEAF_LOSS_MERGE, &a, &b, step, &out, &err), SHEAF_OK);
        assert_string_equal(
            (char *)out.data,
            "event 1\n item 1 chance 0 exposure 0: 1=1\nevent 2\n item 2 chance 0 exposure 0: 2=2\nevent 3\n item 1 chance 0 exposure "
            "0: 1=1\n item 2 chance 0 exposure 0: 2=2\nevent 4\n item 2 chance 0 exposure 0: 2=2\nevent 5\n item 1 chance 0 "
            "exposure 0: 1=1\n");
        out.size = 0;
        assert_int_equal(join(SHEAF_LOSS_INTERLEAVE, &a, &b, step, &out, &err), SHEAF_OK);
        size_t n_events = 0;
        for (const char *p = (char *)out.data; (p = strstr(p, "event ")) != NULL; p++) n_events++;
        assert_int_equal(n_events, 6);
        shf_buf_free(&out);
    }
    b.bytes[4] = 13;
    shf_buf out = {0};
    sheaf_error err;
    for (int how = 0; how < 2; how++) {
        assert_int_equal(join(how ? SHEAF_LOSS_MERGE : SHEAF_LOSS_INTERLEAVE, &a, &b, 100, &out, &err), SHEAF_ERR_MISMATCH);
        assert_non_null(strstr(err.message, "a.bin"));
        assert_non_null(strstr(err.message, "b.bin"));
    }
    shf_buf_free(&out);
}

static void every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    static stream s;
    put_zoo(&s, 0x02000001u);
    static char text[1 << 16];
    for (uint64_t n = 1;; n++) {
        shf_buf out = {(uint8_t *)text, 0, sizeof text};
        sheaf_error err;
        shf_alloc_fail_at(n, 0);
        sheaf_status status = read_all(&s, s.n, 64, NULL, &out, NULL, &err);
        shf_alloc_fail_at(0, 0);
        if (!status) break;
        assert_int_equal(status, SHEAF_ERR_MEMORY);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_follow_the_rules_at_every_split),
        cmocka_unit_test(the_same_sidx_twice_is_refused_also_when_one_is_zero),
        cmocka_unit_test(long_shuffled_packets_are_sorted),
        cmocka_unit_test(policies_refuse_or_count),
        cmocka_unit_test(recovery_keeps_whole_packets_and_counts_the_rest),
        cmocka_unit_test(the_canonical_form_is_as_the_rules_say_and_stays_itself),
        cmocka_unit_test(summary_streams_keep_set_exposure_and_sorted_pairs),
        cmocka_unit_test(ordered_output_is_sorted_within_each_event_and_its_index_is_right),
        cmocka_unit_test(layers_share_samples_and_output_zero_is_not_written),
        cmocka_unit_test(two_inputs_are_merged_by_event_or_follow_each_other),
        cmocka_unit_test(every_failing_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

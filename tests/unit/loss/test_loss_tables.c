// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <cmocka.h>

#include "sheaf/loss.h"

#include "base/buf.h"
#include "loss/elt.h"
#include "loss/sort.h"
#include "loss_streams.h"

static sheaf_status collect(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return shf_buf_append(context, bytes, n, err);
}

static sheaf_status make(const stream *s, size_t n, size_t step, sheaf_loss_tables_options *options, shf_buf *out, sheaf_error *err)
{
    sheaf_loss_tables *t;
    for (size_t i = 0; i < SHEAF_LOSS_N_TABLES; i++) {
        options->sinks[i] = collect;
        options->contexts[i] = &out[i];
        out[i].size = 0;
    }
    SHF_TRY(sheaf_loss_tables_create(options, &t, err));
    sheaf_status status = SHEAF_OK;
    for (size_t at = 0; !status && at < n; at += step)
        status = sheaf_loss_tables_feed(t, s->bytes + at, n - at < step ? n - at : step, err);
    if (!status) status = sheaf_loss_tables_finish(t, err);
    sheaf_loss_tables_free(&t);
    for (size_t i = 0; !status && i < SHEAF_LOSS_N_TABLES; i++) status = shf_buf_append(&out[i], "", 1, err);
    return status;
}

static void free_all(shf_buf *out)
{
    for (size_t i = 0; i < SHEAF_LOSS_N_TABLES; i++) shf_buf_free(&out[i]);
}

/* Two packets by hand: 4 samples (4, absent, 2, explicit 0) with a maximum, and one without samples or delimiter. */
static void put_small(stream *s)
{
    put_head(s, 0x03000001u, 4);
    put_packet(s, 7, 2);
    put_pair(s, -1, 3), put_pair(s, -4, 10), put_pair(s, -5, 9), put_pair(s, 1, 4), put_pair(s, 3, 2), put_pair(s, 4, 0), put_pair(s, 0, 0);
    put_packet(s, 8, 1);
    put_pair(s, -1, 0.5f);
}

static void tables_follow_the_formulas_at_every_split(void **state)
{
    (void)state;
    static stream s;
    static const double quantiles[] = {0.5, 1, 0};
    static const int32_t rate_events[] = {7};
    static const double rates[] = {0.25};
    put_small(&s);
    for (size_t step = 1; step <= s.n; step++) {
        shf_buf out[SHEAF_LOSS_N_TABLES] = {{0}};
        sheaf_error err;
        sheaf_loss_tables_options options;
        sheaf_loss_tables_options_init(&options);
        options.quantiles = quantiles, options.n_quantiles = 3;
        options.rate_events = rate_events, options.rates = rates, options.n_rates = 1;
        options.n_threads = step % 2 ? 2 : 0;
        assert_int_equal(make(&s, s.n, step, &options, out, &err), SHEAF_OK);
        assert_string_equal((char *)out[SHEAF_LOSS_SELT].data,
                            "EventId,SummaryId,SampleId,Loss,ImpactedExposure\n7,2,1,4,1000.5\n7,2,3,2,1000.5\n");
        assert_string_equal(
            (char *)out[SHEAF_LOSS_MELT].data,
            "EventId,SummaryId,SampleType,EventRate,ChanceOfLoss,MeanLoss,SDLoss,MaxLoss,FootprintExposure,MeanImpactedExposure,"
            "MaxImpactedExposure\n7,2,1,0.25,0,3,0,9,1000.5,1000.5,1000.5\n7,2,2,0.25,0.5,1.5,1.9148542155126762,9,1000.5,500.25,"
            "1000.5\n8,1,1,,0,0.5,0,0,1000.5,1000.5,1000.5\n8,1,2,,0,0,0,0,1000.5,0,0\n");
        assert_string_equal((char *)out[SHEAF_LOSS_QELT].data,
                            "EventId,SummaryId,Quantile,Loss\n7,2,0.5,1\n7,2,1,4\n7,2,0,0\n8,1,0.5,0\n8,1,1,0\n8,1,0,0\n");
        free_all(out);
    }
}

static void tables_as_json_and_with_decimals(void **state)
{
    (void)state;
    static stream s;
    static const double quantiles[] = {0.5};
    put_small(&s);
    shf_buf out[SHEAF_LOSS_N_TABLES] = {{0}};
    sheaf_loss_tables_options options;
    sheaf_loss_tables_options_init(&options);
    options.quantiles = quantiles, options.n_quantiles = 1;
    options.json = true;
    assert_int_equal(make(&s, s.n, 100, &options, out, NULL), SHEAF_OK);
    assert_string_equal((char *)out[SHEAF_LOSS_QELT].data, "[\n{\"EventId\": 7, \"SummaryId\": 2, \"Quantile\": 0.5, \"Loss\": 1},\n"
                                                           "{\"EventId\": 8, \"SummaryId\": 1, \"Quantile\": 0.5, \"Loss\": 0}\n]\n");
    assert_non_null(strstr((char *)out[SHEAF_LOSS_MELT].data, "\"EventRate\": null, "));
    options.json = false;
    options.decimals = 2;
    options.header = false;
    assert_int_equal(make(&s, s.n, 100, &options, out, NULL), SHEAF_OK);
    assert_string_equal((char *)out[SHEAF_LOSS_SELT].data, "7,2,1,4.00,1000.50\n7,2,3,2.00,1000.50\n");
    free_all(out);
}

static void what_is_no_summary_stream_is_refused(void **state)
{
    (void)state;
    static stream s;
    shf_buf out[SHEAF_LOSS_N_TABLES] = {{0}};
    sheaf_error err;
    sheaf_loss_tables_options options;
    sheaf_loss_tables_options_init(&options);
    put_zoo(&s, 0x02000001u);
    assert_int_equal(make(&s, s.n, 100, &options, out, &err), SHEAF_ERR_INPUT);
    put_head(&s, 0x03000001u, 4);
    put_packet(&s, 7, 2), put_pair(&s, 5, 1), put_pair(&s, 0, 0);
    assert_int_equal(make(&s, s.n, 100, &options, out, &err), SHEAF_ERR_RANGE);
    assert_non_null(strstr(err.message, "event 7, item 2"));
    put_small(&s);
    assert_int_equal(make(&s, s.n - 1, 100, &options, out, &err), SHEAF_ERR_TRUNCATED);
    static const double wrong[] = {1.5};
    options.quantiles = wrong, options.n_quantiles = 1;
    assert_int_equal(make(&s, s.n, 100, &options, out, &err), SHEAF_ERR_ARGUMENT);
    free_all(out);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void floats_are_sorted_whatever_their_number_and_sign(void **state)
{
    (void)state;
    enum { N = 5000 };
    static float ours[N], theirs[N];
    static uint32_t scratch[2 * N];
    uint32_t random = 3;
    for (size_t n = 0; n <= N; n += n < 700 ? 1 : 1433) {
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525u + 1013904223u;
            uint32_t bits = n % 3 == 0   ? 0x44000000u + (random >> 8)
                            : n % 3 == 1 ? (random & 0x807fffffu) | 0x40000000u
                                         : 0x3f800000u + random % 3u;
            if (i == 5) bits = 0xff800000u;
            if (i == 6) bits = 0x7f800000u;
            memcpy(&ours[i], &bits, 4);
            theirs[i] = ours[i];
        }
        shf_sort_f32(ours, n, scratch);
        qsort(theirs, n, sizeof *theirs, ascending);
        assert_memory_equal(ours, theirs, n * sizeof *ours);
    }
}

/* Ranks here and there: the values there are those of a sort, none behind is smaller. */
static void selected_values_are_those_of_a_sort(void **state)
{
    (void)state;
    enum { N = 3000 };
    static float ours[N], theirs[N];
    static uint32_t scratch[2 * N];
    uint32_t random = 7;
    for (size_t n = 1; n <= N; n += n < 300 ? 1 : 431) {
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525u + 1013904223u;
            uint32_t kind = n % 4, bits = kind == 0   ? 0x44000000u + (random >> 8)
                                          : kind == 1 ? (random & 0x807fffffu) | 0x40000000u
                                          : kind == 2 ? 0x3f800000u + random % 3u
                                                      : 0x3f800000u;
            if (i == 5 && kind != 3) bits = 0xff800000u;
            if (i == 6 && kind != 3) bits = 0x7f800000u;
            memcpy(&ours[i], &bits, 4);
            theirs[i] = ours[i];
        }
        size_t ranks[] = {0, n / 20, n / 20, n / 2, n / 2 + (n > 1 && n / 2 + 1 < n), n - 1};
        shf_select_f32(ours, n, ranks, 6, scratch);
        qsort(theirs, n, sizeof *theirs, ascending);
        for (size_t i = 0; i < 6; i++) assert_memory_equal(&ours[ranks[i]], &theirs[ranks[i]], sizeof *ours);
        for (size_t i = 0; i < n / 2; i++) assert_true(ours[i] <= ours[n / 2]);
        for (size_t i = n / 2; i < n; i++) assert_true(ours[i] >= ours[n / 2]);
    }
}

/* The ranks that shf_sparse_ranks names are enough: the others are spoilt. */
static void quantiles_need_no_other_ranks(void **state)
{
    (void)state;
    const float sorted[] = {-4, -1, 2, 3, 8};
    const double q[] = {0.9, 0.05, 0.5, 0.8, 1};
    shf_sparse_samples whole = {sorted, 5, 2, 9};
    size_t ranks[10], n = shf_sparse_ranks(&whole, q, 5, ranks);
    float spoilt[] = {99, 99, 99, 99, 99};
    for (size_t i = 0; i < n; i++) spoilt[ranks[i]] = sorted[ranks[i]];
    for (size_t i = 1; i < n; i++) assert_true(ranks[i - 1] <= ranks[i]);
    shf_sparse_samples part = {spoilt, 5, 2, 9};
    for (size_t i = 0; i < 5; i++) assert_true(shf_sparse_quantile(&part, q[i]) == shf_sparse_quantile(&whole, q[i]));
}

static void quantiles_of_sparse_samples_are_those_of_dense_ones(void **state)
{
    (void)state;
    const float sorted[] = {-4, -1, 2, 3, 8};
    const double dense[] = {-4, -1, 0, 0, 0, 0, 2, 3, 8};
    for (int k = 0; k <= 100; k++) {
        double q = k / 100.0, place = q * 8, low = floor(place);
        size_t i = (size_t)low;
        double expected = dense[i] + (i < 8 ? (dense[i + 1] - dense[i]) * (place - low) : 0);
        assert_true(fabs(shf_sparse_quantile(&(shf_sparse_samples){sorted, 5, 2, 9}, q) - expected) < 1e-12);
    }
    assert_true(shf_sparse_quantile(&(shf_sparse_samples){NULL, 0, 0, 1}, 0.3) == 0);
    assert_true(shf_sparse_quantile(&(shf_sparse_samples){sorted + 4, 1, 0, 1}, 0.3) == 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_follow_the_formulas_at_every_split),
        cmocka_unit_test(tables_as_json_and_with_decimals),
        cmocka_unit_test(what_is_no_summary_stream_is_refused),
        cmocka_unit_test(floats_are_sorted_whatever_their_number_and_sign),
        cmocka_unit_test(selected_values_are_those_of_a_sort),
        cmocka_unit_test(quantiles_need_no_other_ranks),
        cmocka_unit_test(quantiles_of_sparse_samples_are_those_of_dense_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

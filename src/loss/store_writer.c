// SPDX-License-Identifier: Apache-2.0
/* Stream to store. */
#include "sheaf/loss.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/alloc.h"
#include "base/checked.h"
#include "loss/stored.h"

enum { PAIRS = 1 << 16, PACKETS = 1 << 12, EVENTS = 1 << 8 };

struct sheaf_loss_store {
    sheaf_loss_store_options options;
    char *path; /* Owned */
    sheaf_store *store;
    shf_loss_header header;
    shf_loss_parser parser;
    bool made;     /* by this writer */
    bool unusable; /* the input was at fault: a store that was made for it is removed */
    bool failed, has_run;
    sheaf_loss_stats stats;
    /* rows that are not appended yet */
    size_t n_pairs, n_packets, n_events;
    int32_t *sidx_delta; /* PAIRS */
    float *loss;
    int32_t *event_id, *item_id, *delimiter; /* PACKETS */
    int64_t *pair_end;
    float *pass_through, *exposure;
    uint8_t *flags;
    int32_t *event; /* EVENTS */
    int64_t *packet_end;
    /* the packet and the run of packets at work */
    int32_t last_sidx, run_event;
    float chance;
    int64_t all_pairs, all_packets;
};

sheaf_loss_store_options sheaf_loss_store_options_init(void)
{
    return (sheaf_loss_store_options){.size_bytes = sizeof(sheaf_loss_store_options), .codec = SHEAF_CODEC_DEFAULT};
}

static sheaf_status allocate(sheaf_loss_store *s, sheaf_error *err)
{
    const struct {
        void *place;
        size_t bytes;
    } all[] = {
        {&s->sidx_delta, (PAIRS + 4) * sizeof *s->sidx_delta},
        {&s->loss, (PAIRS + 4) * sizeof *s->loss},
        {&s->event_id, PACKETS * sizeof *s->event_id},
        {&s->item_id, PACKETS * sizeof *s->item_id},
        {&s->delimiter, PACKETS * sizeof *s->delimiter},
        {&s->pair_end, PACKETS * sizeof *s->pair_end},
        {&s->pass_through, PACKETS * sizeof *s->pass_through},
        {&s->exposure, PACKETS * sizeof *s->exposure},
        {&s->flags, PACKETS * sizeof *s->flags},
        {&s->event, EVENTS * sizeof *s->event},
        {&s->packet_end, EVENTS * sizeof *s->packet_end},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        void *p = shf_malloc(all[i].bytes);
        if (!p) return shf_fail_memory(err, all[i].bytes, "rows of a loss store");
        memcpy(all[i].place, &p, sizeof p);
    }
    return SHEAF_OK;
}

/* ---- rows to the store ---- */

static sheaf_status append_pairs(sheaf_loss_store *s, sheaf_error *err)
{
    const void *rows[] = {s->sidx_delta, s->loss};
    if (s->n_pairs) SHF_TRY(sheaf_store_append(s->store, "pair", s->n_pairs, rows, NULL, err));
    s->n_pairs = 0;
    return SHEAF_OK;
}

/* Pairs first: no packet is there before its pairs are. */
static sheaf_status append_packets(sheaf_loss_store *s, sheaf_error *err)
{
    const void *rows[] = {s->event_id, s->item_id, s->pair_end, s->pass_through, s->delimiter, s->flags, s->exposure};
    SHF_TRY(append_pairs(s, err));
    if (s->n_packets) SHF_TRY(sheaf_store_append(s->store, "packet", s->n_packets, rows, NULL, err));
    s->n_packets = 0;
    return SHEAF_OK;
}

static sheaf_status append_all(sheaf_loss_store *s, sheaf_error *err)
{
    const void *rows[] = {s->event, s->packet_end};
    SHF_TRY(append_packets(s, err));
    if (s->n_events) SHF_TRY(sheaf_store_append(s->store, "event", s->n_events, rows, NULL, err));
    s->n_events = 0;
    return SHEAF_OK;
}

static sheaf_status end_run(sheaf_loss_store *s, sheaf_error *err)
{
    if (!s->has_run) return SHEAF_OK;
    s->event[s->n_events] = s->run_event;
    s->packet_end[s->n_events++] = s->all_packets;
    s->has_run = false;
    return s->n_events == EVENTS ? append_all(s, err) : SHEAF_OK;
}

/* ---- tokens to rows ---- */

/* n pairs to two columns, sidx as differences. */
static void split_pairs(const uint8_t *pairs, size_t n, int32_t last, int32_t *delta, float *loss)
{
    size_t i = 0;
#if defined(__SSE2__)
    __m128i before = _mm_set1_epi32(last);
    for (; i + 4 <= n; i += 4) {
        const uint8_t *at = pairs + i * 8;
        __m128 a = _mm_loadu_ps((const float *)(const void *)at), b = _mm_loadu_ps((const float *)(const void *)(at + 16));
        __m128i sidx = _mm_castps_si128(_mm_shuffle_ps(a, b, 0x88)), value = _mm_castps_si128(_mm_shuffle_ps(a, b, 0xdd));
        __m128i shifted = _mm_or_si128(_mm_slli_si128(sidx, 4), _mm_srli_si128(before, 12));
        _mm_storeu_si128((__m128i *)(void *)(delta + i), _mm_sub_epi32(sidx, shifted));
        _mm_storeu_si128((__m128i *)(void *)(loss + i), value);
        before = sidx;
    }
    if (i) last = shf_get_i32(pairs + (i - 1) * 8);
#endif
    for (; i < n; i++) {
        int32_t sidx = shf_get_i32(pairs + i * 8);
        delta[i] = (int32_t)((uint32_t)sidx - (uint32_t)last);
        memcpy(&loss[i], pairs + i * 8 + 4, 4);
        last = sidx;
    }
}

/* The loss beside sidx -4; real streams have it among the first pairs, so only those before the first sample are looked at. */
static void find_chance(sheaf_loss_store *s, const uint8_t *pairs, size_t n)
{
    for (size_t i = 0; i < n && shf_get_i32(pairs + i * 8) < 0; i++) {
        if (shf_get_i32(pairs + i * 8) == SHF_LOSS_SIDX_CHANCE) memcpy(&s->chance, pairs + i * 8 + 4, 4);
    }
}

static sheaf_status add_pairs(sheaf_loss_store *s, const uint8_t *pairs, size_t n, sheaf_error *err)
{
    find_chance(s, pairs, n);
    s->stats.pairs += n;
    while (n > 0) {
        size_t room = PAIRS - s->n_pairs, part = n < room ? n : room;
        split_pairs(pairs, part, s->last_sidx, s->sidx_delta + s->n_pairs, s->loss + s->n_pairs);
        s->last_sidx = shf_get_i32(pairs + (part - 1) * 8);
        s->n_pairs += part;
        s->all_pairs += (int64_t)part;
        pairs += part * 8;
        n -= part;
        if (s->n_pairs == PAIRS) SHF_TRY(append_pairs(s, err));
    }
    return SHEAF_OK;
}

static sheaf_status add_packet(sheaf_loss_store *s, int32_t event_id, int32_t item_id, uint32_t exposure_bits, uint32_t end_bits,
                               uint8_t flags, sheaf_error *err)
{
    size_t i = s->n_packets++;
    s->event_id[i] = event_id;
    s->item_id[i] = item_id;
    s->pair_end[i] = s->all_pairs;
    s->pass_through[i] = s->chance;
    memcpy(&s->exposure[i], &exposure_bits, 4);
    memcpy(&s->delimiter[i], &end_bits, 4);
    s->flags[i] = flags;
    s->all_packets++;
    return s->n_packets == PACKETS ? append_packets(s, err) : SHEAF_OK;
}

static sheaf_status begin_packet(sheaf_loss_store *s, sheaf_error *err)
{
    s->stats.packets++;
    s->last_sidx = 0;
    s->chance = 0;
    if (s->has_run && s->run_event == s->parser.event_id) return SHEAF_OK;
    SHF_TRY(end_run(s, err));
    s->has_run = true;
    s->run_event = s->parser.event_id;
    return SHEAF_OK;
}

static sheaf_status end_packet(sheaf_loss_store *s, const shf_loss_token *token, sheaf_error *err)
{
    const shf_loss_parser *p = &s->parser;
    return add_packet(s, p->event_id, p->item_id, p->exposure_bits, token->end_bits, token->delimited ? 0 : SHF_PACKET_OPEN, err);
}

/* The rows of `event` that a crash kept from being written: packets [begin, end) are looked through. */
static sheaf_status mend_events(sheaf_loss_store *s, uint64_t begin, uint64_t end, sheaf_error *err)
{
    int32_t ids[1024];
    while (begin < end) {
        uint64_t stop = shf_min_u64(end, begin + 1024);
        SHF_TRY(shf_stored_rows(s->store, "event_id", begin, stop, ids, sizeof *ids, err));
        for (uint64_t i = begin; i < stop; i++) {
            s->all_packets = (int64_t)i;
            if (s->has_run && s->run_event != ids[i - begin]) SHF_TRY(end_run(s, err));
            s->has_run = true;
            s->run_event = ids[i - begin];
        }
        begin = stop;
    }
    s->all_packets = (int64_t)end;
    return SHEAF_OK;
}

/* Where a store that goes on stands. */
static sheaf_status take_up(sheaf_loss_store *s, sheaf_error *err)
{
    uint64_t n_pairs, n_packets, n_events;
    SHF_TRY(sheaf_store_length(s->store, "pair", &n_pairs, err));
    SHF_TRY(sheaf_store_length(s->store, "packet", &n_packets, err));
    SHF_TRY(sheaf_store_length(s->store, "event", &n_events, err));
    int64_t end = 0, run_end = 0;
    if (n_packets) SHF_TRY(shf_stored_rows(s->store, "pair_end", n_packets - 1, n_packets, &end, sizeof end, err));
    if (n_events) SHF_TRY(shf_stored_rows(s->store, "packet_end", n_events - 1, n_events, &run_end, sizeof run_end, err));
    if (end < 0 || (uint64_t)end > n_pairs || run_end < 0 || (uint64_t)run_end > n_packets) {
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, s->path, "pair_end", (int64_t)n_packets - 1, -1,
                           "%s: %llu pairs, but the last packet ends at %lld", s->path, (unsigned long long)n_pairs, (long long)end);
    }
    s->all_pairs = (int64_t)n_pairs;
    SHF_TRY(mend_events(s, (uint64_t)run_end, n_packets, err));
    if ((uint64_t)end == n_pairs) return SHEAF_OK;
    s->has_run = true;
    return add_packet(s, s->run_event, 0, 0, 0, SHF_PACKET_VOID, err);
}

static sheaf_status open_store(sheaf_loss_store *s, sheaf_error *err)
{
    SHF_TRY(sheaf_store_open_append(s->path, s->options.store, &s->store, err));
    SHF_TRY(shf_stored_header(s->store, &s->header, err));
    return take_up(s, err);
}

static sheaf_status make_store(sheaf_loss_store *s, sheaf_error *err)
{
    sheaf_schema *schema;
    SHF_TRY(shf_stored_schema(&s->header, s->options.codec, &schema, err));
    sheaf_status status = sheaf_store_create(s->path, schema, s->options.store, &s->store, err);
    sheaf_schema_free(&schema);
    s->made = status == SHEAF_OK;
    return status;
}

static sheaf_status take_header(sheaf_loss_store *s, sheaf_error *err)
{
    SHF_TRY(shf_loss_header_check(&s->parser.header, err));
    if (s->store) return shf_loss_header_agree(&s->header, s->path, &s->parser.header, "the input", err);
    s->header = s->parser.header;
    return make_store(s, err);
}

static sheaf_status take_token(sheaf_loss_store *s, const shf_loss_token *token, sheaf_error *err)
{
    switch (token->kind) {
    case SHF_LOSS_HEADER: return take_header(s, err);
    case SHF_LOSS_PACKET: return begin_packet(s, err);
    case SHF_LOSS_PAIRS: return add_pairs(s, token->pairs, token->n_pairs, err);
    case SHF_LOSS_END: return end_packet(s, token, err);
    case SHF_LOSS_NEED_INPUT: break;
    }
    return SHEAF_OK;
}

/* ---- the API ---- */

sheaf_status sheaf_loss_store_create(const char *path, const sheaf_loss_store_options *options, sheaf_loss_store **out, sheaf_error *err)
{
    *out = NULL;
    sheaf_loss_store *s = shf_calloc(1, sizeof *s);
    if (!s) return shf_fail_memory(err, sizeof *s, "a loss store");
    s->options = sheaf_loss_store_options_init();
    sheaf_status status = SHEAF_OK;
    if (options && (options->size_bytes == 0 || options->size_bytes > sizeof *options)) {
        status = shf_fail(err, SHEAF_ERR_ARGUMENT, "loss store options of %zu bytes, expected at most %zu", options->size_bytes,
                          sizeof *options);
    } else if (options) {
        memcpy(&s->options, options, options->size_bytes);
    }
    s->path = shf_strdup(path);
    shf_loss_parser_init(&s->parser);
    if (!status && !s->path) status = shf_fail_memory(err, strlen(path), "a path");
    if (!status) status = allocate(s, err);
    if (!status && s->options.append) status = open_store(s, err);
    if (status) sheaf_loss_store_free(&s);
    *out = s;
    return status;
}

static sheaf_status give_up(sheaf_loss_store *s, sheaf_status status)
{
    s->failed = true;
    s->unusable = status == SHEAF_ERR_INPUT || status == SHEAF_ERR_TRUNCATED || status == SHEAF_ERR_MISMATCH;
    return status;
}

sheaf_status sheaf_loss_store_feed(sheaf_loss_store *s, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    const uint8_t *from = bytes;
    size_t used = 0;
    if (s->failed) return shf_fail(err, SHEAF_ERR_STATE, "the loss store has failed");
    for (;;) {
        shf_loss_token token;
        used += shf_loss_parser_next(&s->parser, from + used, n_bytes - used, &token);
        if (token.kind == SHF_LOSS_NEED_INPUT) break;
        sheaf_status status = take_token(s, &token, err);
        if (status) return give_up(s, status);
    }
    s->stats.bytes += n_bytes;
    return SHEAF_OK;
}

/* A cut end: an error, or the packet at work is dropped. Its pairs that went to the store already stay there without a packet. */
static sheaf_status settle_cut(sheaf_loss_store *s, sheaf_error *err)
{
    const shf_loss_parser *p = &s->parser;
    sheaf_status status = shf_loss_parser_finish(p, err);
    if (!status || !s->store || !s->options.recover) return status;
    bool open = shf_loss_parser_in_packet(p);
    s->stats.lost_bytes += p->offset + p->kept - (open ? p->packet_offset : p->offset);
    if (err) memset(err, 0, sizeof *err);
    s->chance = 0;
    return open && s->last_sidx ? add_packet(s, s->run_event, 0, 0, 0, SHF_PACKET_VOID, err) : SHEAF_OK;
}

sheaf_status sheaf_loss_store_end_stream(sheaf_loss_store *s, sheaf_error *err)
{
    shf_loss_token token;
    if (s->failed) return shf_fail(err, SHEAF_ERR_STATE, "the loss store has failed");
    sheaf_status status;
    if (shf_loss_parser_last(&s->parser, &token)) {
        s->stats.missing_delimiter++;
        status = end_packet(s, &token, err);
    } else {
        status = settle_cut(s, err);
    }
    shf_loss_parser_init(&s->parser);
    if (!status) status = append_packets(s, err);
    return status ? give_up(s, status) : SHEAF_OK;
}

sheaf_status sheaf_loss_store_close(sheaf_loss_store **store, sheaf_error *err)
{
    sheaf_loss_store *s = *store;
    if (!s) return SHEAF_OK;
    sheaf_status status = s->failed ? shf_fail(err, SHEAF_ERR_STATE, "the loss store has failed") : SHEAF_OK;
    if (!status && s->parser.offset) status = shf_fail(err, SHEAF_ERR_STATE, "the stream was not ended");
    if (!status && !s->store) status = shf_fail(err, SHEAF_ERR_INPUT, "no stream was stored in %s", s->path);
    if (!status) status = end_run(s, err);
    if (!status) status = append_all(s, err);
    if (!status) status = sheaf_store_close(&s->store, err);
    sheaf_loss_store_free(store);
    return status;
}

const sheaf_loss_stats *sheaf_loss_store_stats(const sheaf_loss_store *s)
{
    return &s->stats;
}

void sheaf_loss_store_free(sheaf_loss_store **store)
{
    if (!store || !*store) return;
    sheaf_loss_store *s = *store;
    bool remove = s->made && s->unusable;
    sheaf_store_free(&s->store);
    /* What cannot be removed is an empty or partial store, and the first error is told already. */
    if (remove) (void)!sheaf_store_remove(s->path, NULL);
    void *const all[] = {s->sidx_delta,   s->loss,     s->event_id, s->item_id, s->delimiter,  s->pair_end,
                         s->pass_through, s->exposure, s->flags,    s->event,   s->packet_end, s->path};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) shf_free(all[i]);
    shf_free(s);
    *store = NULL;
}

// SPDX-License-Identifier: Apache-2.0
/* Store to stream. The caller's side walks the tables `event` and `packet` and gathers the packets asked for, one chunk of pairs after another; threads
 * decode the chunks and make the bytes. A packet that lies in two chunks is made in two pieces: its sidx are differences, so the second piece gets what the first one
 * ended with when the pieces are handed over in order. */
#include "sheaf/loss.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "loss/id_set.h"
#include "loss/pipeline.h"
#include "loss/stored.h"

enum { PACKETS = 1 << 14, EVENTS = 1 << 12, PIECES = 1 << 13 };
/* Most pairs of one job, whatever the chunks are. */
#define MOST_PAIRS ((uint64_t)1 << 18)

typedef struct piece {
    uint64_t begin, end; /* pairs */
    int32_t event_id, item_id;
    uint32_t exposure_bits, end_bits;
    bool begins, ends, delimited; /* packet header before, delimiter after */
} piece;

/* One job: pieces within one chunk of pairs. */
typedef struct batch {
    piece *pieces; /* PIECES, Owned */
    size_t n;
    shf_buf sidx, loss;
    /* made by the job: */
    size_t first_pairs; /* pairs of the first piece when it goes on from the batch before; they lie at byte 0 of the output */
    bool goes_on, open; /* open: the last piece is not the end of its packet */
    int32_t last_sidx;  /* of the last piece */
} batch;

struct sheaf_loss_replay {
    sheaf_store *store;
    char *path;
    shf_loss_header header;
    sheaf_loss_header public_header;
    uint64_t chunk;
    /* one run */
    shf_id_set events, items;
    sheaf_loss_sink sink;
    void *context;
    shf_pipeline *pipeline;
    bool open; /* a packet goes on in the next batch */
    int32_t carry;
    /* columns of PACKETS packets */
    int32_t *event_id, *item_id;
    uint32_t *delimiter, *exposure;
    int64_t *pair_end;
    uint8_t *flags;
};

sheaf_status sheaf_loss_replay_open(const char *path, const sheaf_store_options *options, sheaf_loss_replay **out, sheaf_error *err)
{
    *out = NULL;
    sheaf_loss_replay *r = shf_calloc(1, sizeof *r);
    if (!r) return shf_fail_memory(err, sizeof *r, "a replay");
    sheaf_array_info info;
    sheaf_status status = sheaf_store_open(path, options, &r->store, err);
    if (!status) status = shf_stored_header(r->store, &r->header, err);
    if (!status) status = sheaf_store_array(r->store, "loss", &info, err);
    if (!status) r->chunk = info.chunk[0] > MOST_PAIRS || info.chunk[0] == 0 ? MOST_PAIRS : info.chunk[0];
    r->path = shf_strdup(path);
    if (!status && !r->path) status = shf_fail_memory(err, strlen(path), "a path");
    const struct {
        void *place;
        size_t element;
    } all[] = {{&r->event_id, 4}, {&r->item_id, 4}, {&r->delimiter, 4}, {&r->exposure, 4}, {&r->pair_end, 8}, {&r->flags, 1}};
    for (size_t i = 0; !status && i < sizeof all / sizeof *all; i++) {
        void *p = shf_calloc(PACKETS, all[i].element);
        if (!p) status = shf_fail_memory(err, PACKETS * all[i].element, "a replay");
        memcpy(all[i].place, &p, sizeof p);
    }
    r->public_header = (sheaf_loss_header){r->header.word, r->header.n_samples, r->header.set_id};
    if (status) sheaf_loss_replay_free(&r);
    *out = r;
    return status;
}

const sheaf_loss_header *sheaf_loss_replay_header(const sheaf_loss_replay *r)
{
    return &r->public_header;
}

sheaf_store *sheaf_loss_replay_store(const sheaf_loss_replay *r)
{
    return r->store;
}

void sheaf_loss_replay_free(sheaf_loss_replay **replay)
{
    if (!replay || !*replay) return;
    sheaf_loss_replay *r = *replay;
    sheaf_store_free(&r->store);
    void *const all[] = {r->event_id, r->item_id, r->delimiter, r->exposure, r->pair_end, r->flags, r->path};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) shf_free(all[i]);
    shf_free(r);
    *replay = NULL;
}

/* ---- the job ---- */

/* n pairs of two columns to the stream; returns the last sidx. */
static int32_t join_pairs(const int32_t *delta, const uint32_t *loss, size_t n, int32_t last, uint8_t *to)
{
    uint32_t sidx = (uint32_t)last;
    for (size_t i = 0; i < n; i++) {
        sidx += (uint32_t)delta[i];
        shf_set_u64(to + i * 8, (uint64_t)loss[i] << 32 | sidx);
    }
    return (int32_t)sidx;
}

static void put_pieces(const sheaf_loss_replay *r, batch *b, shf_buf *out, uint64_t base)
{
    const int32_t *delta = (const int32_t *)(const void *)b->sidx.data;
    const uint32_t *loss = (const uint32_t *)(const void *)b->loss.data;
    uint8_t *to = out->data;
    for (size_t i = 0; i < b->n; i++) {
        const piece *p = &b->pieces[i];
        size_t n = (size_t)(p->end - p->begin);
        if (p->begins) {
            shf_set_u32(to, (uint32_t)p->event_id);
            shf_set_u32(to + 4, (uint32_t)p->item_id);
            shf_set_u32(to + 8, p->exposure_bits);
            to += shf_loss_header_bytes(&r->header);
        }
        b->last_sidx = join_pairs(delta + (p->begin - base), loss + (p->begin - base), n, 0, to);
        to += n * 8;
        if (p->ends && p->delimited) {
            shf_set_u64(to, (uint64_t)p->end_bits << 32);
            to += 8;
        }
    }
    out->size = (size_t)(to - out->data);
}

static void job(void *context, shf_slice *slice)
{
    const sheaf_loss_replay *r = context;
    batch *b = slice->state;
    uint64_t base = b->pieces[0].begin, end = b->pieces[b->n - 1].end;
    size_t n = (size_t)(end - base);
    sheaf_error *err = &slice->error;
    sheaf_status status = shf_buf_resize(&b->sidx, n * 4, err);
    if (!status) status = shf_buf_resize(&b->loss, n * 4, err);
    if (!status) status = shf_buf_reserve(&slice->out[0], n * 8 + b->n * 20 + 64, err);
    if (!status) status = shf_stored_rows(r->store, "sidx_delta", base, end, b->sidx.data, 4, err);
    if (!status) status = shf_stored_rows(r->store, "loss", base, end, b->loss.data, 4, err);
    slice->status = status;
    if (status) return;
    const piece *first = &b->pieces[0], *last = &b->pieces[b->n - 1];
    b->goes_on = !first->begins;
    b->first_pairs = (size_t)(first->end - first->begin);
    b->open = !last->ends;
    put_pieces(r, b, &slice->out[0], base);
}

static void free_batch(void *state)
{
    batch *b = state;
    shf_free(b->pieces);
    shf_buf_free(&b->sidx);
    shf_buf_free(&b->loss);
}

static sheaf_status done(void *context, shf_slice *slice, sheaf_error *err)
{
    sheaf_loss_replay *r = context;
    batch *b = slice->state;
    if (b->goes_on) {
        for (size_t i = 0; i < b->first_pairs; i++) {
            uint8_t *at = slice->out[0].data + i * 8;
            shf_set_u32(at, shf_get_u32(at) + (uint32_t)r->carry);
        }
    }
    if (b->open) r->carry = (int32_t)((uint32_t)b->last_sidx + (b->goes_on && b->n == 1 ? (uint32_t)r->carry : 0));
    b->n = 0;
    return r->sink(r->context, slice->out[0].data, slice->out[0].size, err);
}

/* ---- what is asked for ---- */

static sheaf_status submit(sheaf_loss_replay *r, sheaf_error *err)
{
    const batch *b = shf_pipeline_slice(r->pipeline)->state;
    return b->n ? shf_pipeline_submit(r->pipeline, err) : SHEAF_OK;
}

static sheaf_status add_piece(sheaf_loss_replay *r, const piece *p, sheaf_error *err)
{
    batch *b = shf_pipeline_slice(r->pipeline)->state;
    /* A batch lies in one chunk, so that each chunk is decoded once. */
    if (b->n && (b->n == PIECES || b->pieces[0].begin / r->chunk != p->begin / r->chunk)) {
        SHF_TRY(submit(r, err));
        b = shf_pipeline_slice(r->pipeline)->state;
    }
    if (!b->pieces) {
        b->pieces = shf_malloc(PIECES * sizeof *b->pieces);
        if (!b->pieces) return shf_fail_memory(err, PIECES * sizeof *b->pieces, "a replay");
    }
    b->pieces[b->n++] = *p;
    return SHEAF_OK;
}

/* A packet as pieces that each lie in one chunk. */
static sheaf_status add_packet(sheaf_loss_replay *r, size_t i, uint64_t begin, bool last_of_all, sheaf_error *err)
{
    uint64_t end = (uint64_t)r->pair_end[i];
    piece p = {
        .event_id = r->event_id[i],
        .item_id = r->item_id[i],
        .exposure_bits = r->exposure[i],
        .end_bits = r->delimiter[i],
        .begins = true,
        .delimited = !(last_of_all && (r->flags[i] & SHF_PACKET_OPEN)),
    };
    do {
        uint64_t edge = (begin / r->chunk + 1) * r->chunk;
        p.begin = begin;
        p.end = shf_min_u64(end, edge);
        p.ends = p.end == end;
        SHF_TRY(add_piece(r, &p, err));
        p.begins = false;
        begin = p.end;
    } while (begin < end);
    return SHEAF_OK;
}

static sheaf_status read_packets(sheaf_loss_replay *r, uint64_t begin, uint64_t end, sheaf_error *err)
{
    SHF_TRY(shf_stored_rows(r->store, "item_id", begin, end, r->item_id, 4, err));
    SHF_TRY(shf_stored_rows(r->store, "event_id", begin, end, r->event_id, 4, err));
    SHF_TRY(shf_stored_rows(r->store, "pair_end", begin, end, r->pair_end, 8, err));
    SHF_TRY(shf_stored_rows(r->store, "delimiter", begin, end, r->delimiter, 4, err));
    SHF_TRY(shf_stored_rows(r->store, "flags", begin, end, r->flags, 1, err));
    return shf_loss_is_summary(&r->header) ? shf_stored_rows(r->store, "exposure", begin, end, r->exposure, 4, err) : SHEAF_OK;
}

/* The packets [begin, end) that are asked for; n_all packets and n_pairs pairs are in the store. */
static sheaf_status add_packets(sheaf_loss_replay *r, uint64_t begin, uint64_t end, uint64_t n_all, uint64_t n_pairs, sheaf_error *err)
{
    int64_t before = 0;
    if (begin > 0) SHF_TRY(shf_stored_rows(r->store, "pair_end", begin - 1, begin, &before, sizeof before, err));
    while (begin < end) {
        uint64_t stop = shf_min_u64(end, begin + PACKETS);
        SHF_TRY(read_packets(r, begin, stop, err));
        for (size_t i = 0; i < stop - begin; i++) {
            if (r->pair_end[i] < before || (uint64_t)r->pair_end[i] > n_pairs) {
                return shf_fail_at(err, SHEAF_ERR_DAMAGED, r->path, "pair_end", (int64_t)(begin + i), -1,
                                   "packet %llu ends at pair %lld, expected %lld to %llu", (unsigned long long)(begin + i),
                                   (long long)r->pair_end[i], (long long)before, (unsigned long long)n_pairs);
            }
            bool wanted =
                shf_id_set_has(&r->events, r->event_id[i]) && shf_id_set_has(&r->items, r->item_id[i]) && !(r->flags[i] & SHF_PACKET_VOID);
            if (wanted) SHF_TRY(add_packet(r, i, (uint64_t)before, begin + i + 1 == n_all, err));
            before = r->pair_end[i];
        }
        begin = stop;
    }
    return SHEAF_OK;
}

/* Walks the table `event` and takes the runs asked for; then the packets that no run covers yet (a writer is at work, or died). */
static sheaf_status add_events(sheaf_loss_replay *r, sheaf_error *err)
{
    uint64_t n_events, n_packets, n_pairs;
    int64_t before = 0;
    SHF_TRY(sheaf_store_length(r->store, "event", &n_events, err));
    SHF_TRY(sheaf_store_length(r->store, "packet", &n_packets, err));
    SHF_TRY(sheaf_store_length(r->store, "pair", &n_pairs, err));
    if (!r->events.ids) return add_packets(r, 0, n_packets, n_packets, n_pairs, err);
    for (uint64_t begin = 0; begin < n_events; begin += EVENTS) {
        int32_t ids[EVENTS];
        int64_t ends[EVENTS];
        uint64_t stop = shf_min_u64(n_events, begin + EVENTS);
        SHF_TRY(shf_stored_rows(r->store, "event", begin, stop, ids, sizeof *ids, err));
        SHF_TRY(shf_stored_rows(r->store, "packet_end", begin, stop, ends, sizeof *ends, err));
        for (size_t i = 0; i < stop - begin; i++) {
            if (ends[i] < before || (uint64_t)ends[i] > n_packets) {
                return shf_fail_at(err, SHEAF_ERR_DAMAGED, r->path, "packet_end", (int64_t)(begin + i), -1,
                                   "event run %llu ends at packet %lld, expected %lld to %llu", (unsigned long long)(begin + i),
                                   (long long)ends[i], (long long)before, (unsigned long long)n_packets);
            }
            if (shf_id_set_has(&r->events, ids[i])) SHF_TRY(add_packets(r, (uint64_t)before, (uint64_t)ends[i], n_packets, n_pairs, err));
            before = ends[i];
        }
    }
    return add_packets(r, (uint64_t)before, n_packets, n_packets, n_pairs, err);
}

static sheaf_status run(sheaf_loss_replay *r, sheaf_error *err)
{
    uint8_t words[SHF_LOSS_MAX_HEADER_BYTES];
    SHF_TRY(r->sink(r->context, words, shf_loss_header_write(&r->header, words), err));
    SHF_TRY(add_events(r, err));
    SHF_TRY(submit(r, err));
    return shf_pipeline_drain(r->pipeline, err);
}

sheaf_status sheaf_loss_replay_run(sheaf_loss_replay *r, const int32_t *events, size_t n_events, const int32_t *items, size_t n_items,
                                   unsigned n_threads, sheaf_loss_sink sink, void *context, sheaf_error *err)
{
    const shf_pipeline_calls calls = {job, done, free_batch};
    r->sink = sink;
    r->context = context;
    r->carry = 0;
    sheaf_status status = shf_id_set_init(&r->events, events, n_events, err);
    if (!status) status = shf_id_set_init(&r->items, items, n_items, err);
    if (!status) status = shf_pipeline_create(n_threads, sizeof(batch), &calls, r, &r->pipeline, err);
    if (!status) status = run(r, err);
    shf_pipeline_free(r->pipeline);
    r->pipeline = NULL;
    shf_id_set_free(&r->events);
    shf_id_set_free(&r->items);
    return status;
}

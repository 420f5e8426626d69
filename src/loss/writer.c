// SPDX-License-Identifier: Apache-2.0
#include "sheaf/loss.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format/loss_stream.h"

/* Bytes that are gathered before the sink is called. */
#define FLUSH_BYTES ((size_t)256 << 10)

typedef struct packet_place {
    int32_t output_id;
    size_t begin, size; /* in held */
    size_t order;
} packet_place;

struct sheaf_loss_writer {
    shf_loss_header header;
    bool ordered, index_binary;
    sheaf_loss_sink sink, index_sink;
    void *context, *index_context;
    shf_buf out, index;
    uint64_t offset; /* of the next packet */
    /* ordered: the packets of the event at work */
    shf_buf held, places;
    int32_t event_id;
};

sheaf_status sheaf_loss_writer_create(const sheaf_loss_header *header, bool ordered, sheaf_loss_sink sink, void *context,
                                      sheaf_loss_writer **out, sheaf_error *err)
{
    *out = NULL;
    shf_loss_header h = {header->word, header->n_samples, header->set_id};
    SHF_TRY(shf_loss_header_check(&h, err));
    sheaf_loss_writer *w = shf_calloc(1, sizeof *w);
    if (!w) return shf_fail_memory(err, sizeof *w, "a loss writer");
    uint8_t words[SHF_LOSS_MAX_HEADER_BYTES];
    w->header = h;
    w->ordered = ordered;
    w->sink = sink;
    w->context = context;
    w->offset = shf_loss_header_write(&h, words);
    sheaf_status status = shf_buf_append(&w->out, words, (size_t)w->offset, err);
    if (status) sheaf_loss_writer_free(&w);
    *out = w;
    return status;
}

sheaf_status sheaf_loss_writer_set_index(sheaf_loss_writer *w, bool binary, sheaf_loss_sink sink, void *context, sheaf_error *err)
{
    if (w->offset != shf_loss_header_bytes(&w->header))
        return shf_fail(err, SHEAF_ERR_STATE, "an index must be asked for before the first packet");
    w->index_binary = binary;
    w->index_sink = sink;
    w->index_context = context;
    return SHEAF_OK;
}

static sheaf_status flush(sheaf_loss_writer *w, size_t above, sheaf_error *err)
{
    if (w->out.size > above) {
        SHF_TRY(w->sink(w->context, w->out.data, w->out.size, err));
        w->out.size = 0;
    }
    if (w->index_sink && w->index.size > above) {
        SHF_TRY(w->index_sink(w->index_context, w->index.data, w->index.size, err));
        w->index.size = 0;
    }
    return SHEAF_OK;
}

static sheaf_status count_packet(sheaf_loss_writer *w, int32_t id, size_t size, sheaf_error *err)
{
    if (w->index_sink) SHF_TRY(shf_loss_put_index(&w->index, id, w->offset, w->index_binary, err));
    w->offset += size;
    return flush(w, FLUSH_BYTES, err);
}

static int by_output(const void *a, const void *b)
{
    const packet_place *x = a, *y = b;
    if (x->output_id != y->output_id) return x->output_id < y->output_id ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Writes the event that ordered mode holds. */
static sheaf_status release(sheaf_loss_writer *w, sheaf_error *err)
{
    size_t n = w->places.size / sizeof(packet_place);
    packet_place *places = (packet_place *)(void *)w->places.data;
    if (n == 0) return SHEAF_OK;
    qsort(places, n, sizeof *places, by_output);
    for (size_t i = 0; i < n; i++) {
        SHF_TRY(shf_buf_append(&w->out, w->held.data + places[i].begin, places[i].size, err));
        SHF_TRY(count_packet(w, places[i].output_id, places[i].size, err));
    }
    w->places.size = w->held.size = 0;
    return SHEAF_OK;
}

/* -5 (or 0), -4 when not 0, -3 (or 0), -1 (or 0), others where their number puts them; returns the first sample's place. */
static sheaf_status put_specials(shf_buf *out, float pass_through, size_t n, const int32_t *sidx, const float *loss, size_t *first,
                                 sheaf_error *err)
{
    static const int32_t always[] = {SHF_LOSS_SIDX_MAX, SHF_LOSS_SIDX_CHANCE, SHF_LOSS_SIDX_TIV, SHF_LOSS_SIDX_MEAN};
    size_t i = 0;
    for (size_t k = 0; k < 4; k++) {
        for (; i < n && sidx[i] < always[k]; i++) SHF_TRY(shf_loss_put_pairs(out, sidx + i, loss + i, 1, true, err));
        float value = always[k] == SHF_LOSS_SIDX_CHANCE ? pass_through : 0;
        if (i < n && sidx[i] == always[k]) value = loss[i++];
        uint32_t bits = 0;
        if (value != 0 && value == value) memcpy(&bits, &value, 4);
        if (always[k] == SHF_LOSS_SIDX_CHANCE && bits == 0) continue;
        SHF_TRY(shf_loss_put_pair(out, always[k], bits, err));
    }
    *first = i;
    return SHEAF_OK;
}

static sheaf_status put_summary_specials(shf_buf *out, float pass_through, size_t n, const int32_t *sidx, const float *loss, size_t *first,
                                         sheaf_error *err)
{
    size_t i = 0;
    uint32_t bits;
    memcpy(&bits, &pass_through, 4);
    for (; i < n && sidx[i] < SHF_LOSS_SIDX_CHANCE; i++) SHF_TRY(shf_loss_put_pairs(out, sidx + i, loss + i, 1, true, err));
    if (pass_through != 0 && pass_through == pass_through) SHF_TRY(shf_loss_put_pair(out, SHF_LOSS_SIDX_CHANCE, bits, err));
    if (n == 1 && sidx[0] == SHF_LOSS_SIDX_TIV && loss[0] == 0) SHF_TRY(shf_loss_put_pair(out, SHF_LOSS_SIDX_TIV, 0, err));
    *first = i;
    return SHEAF_OK;
}

static sheaf_status put_body(shf_buf *out, const shf_loss_header *h, float pass_through, size_t n, const int32_t *sidx, const float *loss,
                             sheaf_error *err)
{
    size_t first;
    if (shf_loss_is_summary(h)) SHF_TRY(put_summary_specials(out, pass_through, n, sidx, loss, &first, err));
    else SHF_TRY(put_specials(out, pass_through, n, sidx, loss, &first, err));
    SHF_TRY(shf_loss_put_pairs(out, sidx + first, loss + first, n - first, true, err));
    return shf_loss_put_pair(out, 0, 0, err);
}

/* Checks that sidx ascend and that none is the delimiter. */
static sheaf_status check_sidx(int32_t event_id, int32_t output_id, size_t n, const int32_t *sidx, sheaf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (sidx[i] == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "event %d, output %d: sidx 0 is the delimiter", event_id, output_id);
        if (i && sidx[i] <= sidx[i - 1]) {
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "event %d, output %d: sidx %d comes after %d", event_id, output_id, sidx[i],
                            sidx[i - 1]);
        }
    }
    return SHEAF_OK;
}

static sheaf_status put_packet(sheaf_loss_writer *w, int32_t event_id, int32_t output_id, float pass_through, float exposure, size_t n,
                               const int32_t *sidx, const float *loss, sheaf_error *err)
{
    if (w->ordered && w->places.size && event_id != w->event_id) SHF_TRY(release(w, err));
    w->event_id = event_id;
    shf_buf *out = w->ordered ? &w->held : &w->out;
    size_t begin = out->size;
    uint32_t exposure_bits;
    memcpy(&exposure_bits, &exposure, 4);
    sheaf_status status = shf_loss_put_packet(out, &w->header, event_id, output_id, exposure_bits, err);
    if (!status) status = put_body(out, &w->header, pass_through, n, sidx, loss, err);
    if (status) {
        out->size = begin;
        return status;
    }
    if (!w->ordered) return count_packet(w, output_id, out->size - begin, err);
    packet_place place = {output_id, begin, out->size - begin, w->places.size / sizeof place};
    return shf_buf_append(&w->places, &place, sizeof place, err);
}

sheaf_status sheaf_loss_writer_put_packet(sheaf_loss_writer *w, int32_t event_id, int32_t output_id, float pass_through, float exposure,
                                          size_t n, const int32_t *sidx, const float *loss, sheaf_error *err)
{
    SHF_TRY(check_sidx(event_id, output_id, n, sidx, err));
    return put_packet(w, event_id, output_id, pass_through, exposure, n, sidx, loss, err);
}

sheaf_status sheaf_loss_writer_put_event(sheaf_loss_writer *w, const sheaf_loss_event *e, sheaf_error *err)
{
    for (size_t i = 0; i < e->n_items; i++) {
        size_t at = (size_t)e->indptr[i], n = (size_t)e->indptr[i + 1] - at;
        SHF_TRY(put_packet(w, e->event_id, e->item_id[i], e->pass_through[i], e->exposure[i], n, e->sidx + at, e->loss + at, err));
    }
    return SHEAF_OK;
}

sheaf_status sheaf_loss_writer_put_layers(sheaf_loss_writer *w, int32_t event_id, float pass_through, size_t n, const int32_t *sidx,
                                          size_t n_layers, const int32_t *output_ids, const float *losses, sheaf_error *err)
{
    if (n_layers) SHF_TRY(check_sidx(event_id, output_ids[0], n, sidx, err));
    for (size_t k = 0; k < n_layers; k++) {
        if (output_ids[k] == 0) continue;
        SHF_TRY(put_packet(w, event_id, output_ids[k], pass_through, 0, n, sidx, losses + k * n, err));
    }
    return SHEAF_OK;
}

sheaf_status sheaf_loss_writer_finish(sheaf_loss_writer *w, sheaf_error *err)
{
    SHF_TRY(release(w, err));
    return flush(w, 0, err);
}

void sheaf_loss_writer_free(sheaf_loss_writer **writer)
{
    if (!writer || !*writer) return;
    sheaf_loss_writer *w = *writer;
    shf_buf_free(&w->out);
    shf_buf_free(&w->index);
    shf_buf_free(&w->held);
    shf_buf_free(&w->places);
    shf_free(w);
    *writer = NULL;
}

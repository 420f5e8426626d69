// SPDX-License-Identifier: Apache-2.0
#include "sheaf/loss.h"

#include <string.h>

#include "base/alloc.h"
#include "format/loss_stream.h"
#include "loss/id_set.h"

#define FLUSH_BYTES ((size_t)256 << 10)

struct sheaf_loss_filter {
    sheaf_loss_filter_options options;
    shf_id_set events, items;
    sheaf_loss_sink sink;
    void *context;
    shf_loss_parser parser;
    shf_buf out, index;
    size_t packet_begin; /* recover: where the packet at work begins in out */
    uint64_t offset;     /* of the next byte in the output */
    uint64_t packet_at;  /* of the packet at work in the output */
    bool keeps, failed;
    sheaf_loss_stats stats;
};

void sheaf_loss_filter_options_init(sheaf_loss_filter_options *options)
{
    memset(options, 0, sizeof *options);
    options->size_bytes = sizeof *options;
}

sheaf_status sheaf_loss_filter_create(const sheaf_loss_filter_options *options, sheaf_loss_sink sink, void *context,
                                      sheaf_loss_filter **out, sheaf_error *err)
{
    *out = NULL;
    sheaf_loss_filter *f = shf_calloc(1, sizeof *f);
    if (!f) return shf_fail_memory(err, sizeof *f, "a loss filter");
    sheaf_loss_filter_options_init(&f->options);
    sheaf_status status = SHEAF_OK;
    if (options && (options->size_bytes == 0 || options->size_bytes > sizeof *options)) {
        status =
            shf_fail(err, SHEAF_ERR_ARGUMENT, "filter options of %zu bytes, expected at most %zu", options->size_bytes, sizeof *options);
    } else if (options) {
        memcpy(&f->options, options, options->size_bytes);
    }
    if (!status) status = shf_id_set_init(&f->events, f->options.events, f->options.n_events, err);
    if (!status) status = shf_id_set_init(&f->items, f->options.items, f->options.n_items, err);
    f->sink = sink;
    f->context = context;
    shf_loss_parser_init(&f->parser);
    if (status) sheaf_loss_filter_free(&f);
    *out = f;
    return status;
}

/* Hands over what may be handed over: with recover, up to the packet at work. */
static sheaf_status flush(sheaf_loss_filter *f, size_t above, bool all, sheaf_error *err)
{
    size_t n = f->options.recover && !all ? f->packet_begin : f->out.size;
    if (f->sink && n > above) {
        SHF_TRY(f->sink(f->context, f->out.data, n, err));
        memmove(f->out.data, f->out.data + n, f->out.size - n);
        f->out.size -= n;
        f->packet_begin -= n < f->packet_begin ? n : f->packet_begin;
    }
    if (!f->options.index || f->index.size <= above) return SHEAF_OK;
    SHF_TRY(f->options.index(f->options.index_context, f->index.data, f->index.size, err));
    f->index.size = 0;
    return SHEAF_OK;
}

static sheaf_status put(sheaf_loss_filter *f, const void *bytes, size_t n, sheaf_error *err)
{
    f->offset += n;
    return f->sink ? shf_buf_append(&f->out, bytes, n, err) : SHEAF_OK;
}

static sheaf_status take_header(sheaf_loss_filter *f, sheaf_error *err)
{
    uint8_t words[SHF_LOSS_MAX_HEADER_BYTES];
    SHF_TRY(shf_loss_header_check(&f->parser.header, err));
    SHF_TRY(put(f, words, shf_loss_header_write(&f->parser.header, words), err));
    f->packet_begin = f->out.size;
    return SHEAF_OK;
}

static sheaf_status begin_packet(sheaf_loss_filter *f, sheaf_error *err)
{
    const shf_loss_parser *p = &f->parser;
    f->stats.packets++;
    f->keeps = shf_id_set_has(&f->events, p->event_id) && shf_id_set_has(&f->items, p->item_id);
    if (!f->keeps) return SHEAF_OK;
    f->packet_begin = f->out.size;
    f->packet_at = f->offset;
    f->offset += shf_loss_header_bytes(&p->header);
    return f->sink ? shf_loss_put_packet(&f->out, &p->header, p->event_id, p->item_id, p->exposure_bits, err) : SHEAF_OK;
}

static sheaf_status end_packet(sheaf_loss_filter *f, const shf_loss_token *token, sheaf_error *err)
{
    if (!f->keeps) return SHEAF_OK;
    uint8_t pair[8] = {0};
    memcpy(pair + 4, &token->end_bits, 4);
    if (token->delimited) SHF_TRY(put(f, pair, sizeof pair, err));
    f->packet_begin = f->out.size;
    if (f->options.index) SHF_TRY(shf_loss_put_index(&f->index, f->parser.item_id, f->packet_at, f->options.index_binary, err));
    return flush(f, FLUSH_BYTES, false, err);
}

static sheaf_status take_token(sheaf_loss_filter *f, const shf_loss_token *token, sheaf_error *err)
{
    switch (token->kind) {
    case SHF_LOSS_HEADER: return take_header(f, err);
    case SHF_LOSS_PACKET: return begin_packet(f, err);
    case SHF_LOSS_PAIRS:
        f->stats.pairs += token->n_pairs;
        if (!f->keeps) return SHEAF_OK;
        SHF_TRY(put(f, token->pairs, token->n_pairs * 8, err));
        return flush(f, FLUSH_BYTES, false, err);
    case SHF_LOSS_END: return end_packet(f, token, err);
    case SHF_LOSS_NEED_INPUT: break;
    }
    return SHEAF_OK;
}

static sheaf_status feed(sheaf_loss_filter *f, const uint8_t *bytes, size_t n, sheaf_error *err)
{
    size_t used = 0;
    for (;;) {
        shf_loss_token token;
        used += shf_loss_parser_next(&f->parser, bytes + used, n - used, &token);
        if (token.kind == SHF_LOSS_NEED_INPUT) return SHEAF_OK;
        SHF_TRY(take_token(f, &token, err));
    }
}

sheaf_status sheaf_loss_filter_feed(sheaf_loss_filter *f, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    if (f->failed) return shf_fail(err, SHEAF_ERR_STATE, "the loss filter has failed or was finished");
    sheaf_status status = feed(f, bytes, n_bytes, err);
    f->stats.bytes += n_bytes;
    f->failed = status != SHEAF_OK;
    return status;
}

sheaf_status sheaf_loss_filter_finish(sheaf_loss_filter *f, sheaf_error *err)
{
    shf_loss_token token;
    if (f->failed) return shf_fail(err, SHEAF_ERR_STATE, "the loss filter has failed or was finished");
    f->failed = true;
    sheaf_status status = SHEAF_OK;
    if (shf_loss_parser_last(&f->parser, &token)) {
        f->stats.missing_delimiter = 1;
        SHF_TRY(end_packet(f, &token, err));
    } else {
        status = shf_loss_parser_finish(&f->parser, err);
    }
    bool has_header = f->stats.packets > 0 || f->parser.offset >= shf_loss_header_bytes(&f->parser.header);
    if (status == SHEAF_ERR_TRUNCATED && f->options.recover && has_header) {
        const shf_loss_parser *p = &f->parser;
        f->stats.lost_bytes = p->offset + p->kept - (shf_loss_parser_in_packet(p) ? p->packet_offset : p->offset);
        f->out.size = f->packet_begin;
        if (err) memset(err, 0, sizeof *err);
        status = SHEAF_OK;
    }
    sheaf_error flushing;
    sheaf_status flushed = flush(f, 0, true, &flushing);
    if (!status && flushed && err) *err = flushing;
    return status ? status : flushed;
}

const sheaf_loss_stats *sheaf_loss_filter_stats(const sheaf_loss_filter *f)
{
    return &f->stats;
}

void sheaf_loss_filter_free(sheaf_loss_filter **filter)
{
    if (!filter || !*filter) return;
    sheaf_loss_filter *f = *filter;
    shf_id_set_free(&f->events);
    shf_id_set_free(&f->items);
    shf_buf_free(&f->out);
    shf_buf_free(&f->index);
    shf_free(f);
    *filter = NULL;
}

// SPDX-License-Identifier: Apache-2.0
#include "loss/source.h"

#include <string.h>

void sheaf_loss_reader_options_init(sheaf_loss_reader_options *options)
{
    memset(options, 0, sizeof *options);
    options->size_bytes = sizeof *options;
    options->sidx_above = SHEAF_LOSS_ACCEPT;
    options->open_end = SHEAF_LOSS_ACCEPT;
}

sheaf_status shf_source_init(shf_source *s, const sheaf_loss_reader_options *options, sheaf_error *err)
{
    memset(s, 0, sizeof *s);
    sheaf_loss_reader_options_init(&s->options);
    if (options) {
        if (options->size_bytes == 0 || options->size_bytes > sizeof *options) {
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "reader options of %zu bytes, expected at most %zu", options->size_bytes,
                            sizeof *options);
        }
        memcpy(&s->options, options, options->size_bytes);
    }
    shf_loss_parser_init(&s->parser);
    return shf_id_set_init(&s->items, s->options.item_ids, s->options.n_item_ids, err);
}

void shf_source_free(shf_source *s)
{
    shf_csr_free(&s->csr);
    shf_id_set_free(&s->items);
}

static sheaf_status check_item(shf_source *s, int32_t item_id, sheaf_error *err)
{
    if (shf_id_set_has(&s->items, item_id)) return SHEAF_OK;
    s->stats.unknown_items++;
    if (s->options.unknown_item == SHEAF_LOSS_ACCEPT) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_RANGE, "event %d has item %d, which is not among the %zu known items", s->parser.event_id, item_id,
                    s->items.n);
}

static sheaf_status begin_packet(shf_source *s, sheaf_error *err)
{
    const shf_loss_parser *p = &s->parser;
    s->waiting = false;
    s->stats.packets++;
    SHF_TRY(check_item(s, p->item_id, err));
    return shf_csr_begin_item(&s->csr, p->event_id, p->item_id, p->exposure_bits, err);
}

static sheaf_status end_packet(shf_source *s, const shf_loss_token *token, sheaf_error *err)
{
    shf_csr_rules rules = {s->header.n_samples, s->options.duplicate_sidx, s->options.sidx_above};
    s->stats.end_bytes += token->end_bits != 0;
    return shf_csr_end_item(&s->csr, &rules, &s->stats, err);
}

static sheaf_status take_header(shf_source *s, sheaf_error *err)
{
    const shf_loss_header *h = &s->parser.header;
    SHF_TRY(shf_loss_header_check(h, err));
    s->header = (sheaf_loss_header){h->word, h->n_samples, h->set_id};
    s->has_header = true;
    return SHEAF_OK;
}

static sheaf_status take_token(shf_source *s, const shf_loss_token *token, bool *ready, sheaf_error *err)
{
    switch (token->kind) {
    case SHF_LOSS_HEADER: return take_header(s, err);
    case SHF_LOSS_PACKET:
        if (s->csr.has_event && (s->options.by_packet || s->csr.event_id != s->parser.event_id)) {
            s->waiting = *ready = true;
            return SHEAF_OK;
        }
        return begin_packet(s, err);
    case SHF_LOSS_PAIRS: return shf_csr_add(&s->csr, token->pairs, token->n_pairs, &s->stats, err);
    case SHF_LOSS_END: return end_packet(s, token, err);
    case SHF_LOSS_NEED_INPUT: break;
    }
    return SHEAF_OK;
}

static sheaf_status located(shf_source *s, sheaf_status status, sheaf_error *err)
{
    if (status) shf_error_locate(err, s->name, NULL, -1, (int64_t)s->parser.packet_offset);
    s->ended = status != SHEAF_OK;
    return status;
}

sheaf_status shf_source_next(shf_source *s, const uint8_t *bytes, size_t n, size_t *used, bool *ready, sheaf_error *err)
{
    *used = 0;
    *ready = false;
    if (s->ended) return shf_fail(err, SHEAF_ERR_STATE, "the loss stream has ended, or its reader has failed");
    if (s->waiting) {
        shf_csr_clear(&s->csr);
        sheaf_status status = begin_packet(s, err);
        if (status) return located(s, status, err);
    }
    while (!*ready) {
        shf_loss_token token;
        *used += shf_loss_parser_next(&s->parser, bytes + *used, n - *used, &token);
        if (token.kind == SHF_LOSS_NEED_INPUT) break;
        sheaf_status status = take_token(s, &token, ready, err);
        if (status) return located(s, status, err);
    }
    s->stats.bytes += *used;
    s->stats.events += *ready;
    return SHEAF_OK;
}

/* An end where none may be: an error, or what is whole is kept. */
static sheaf_status settle_cut(shf_source *s, sheaf_error *err)
{
    sheaf_status status = shf_loss_parser_finish(&s->parser, err);
    if (!status) return SHEAF_OK;
    if (!s->has_header || s->options.cut_end == SHEAF_LOSS_REFUSE) return status;
    uint64_t end = s->parser.offset + s->parser.kept;
    s->stats.lost_bytes = end - (s->csr.open ? s->parser.packet_offset : s->parser.offset);
    shf_csr_drop_item(&s->csr);
    if (err) memset(err, 0, sizeof *err);
    return SHEAF_OK;
}

sheaf_status shf_source_end(shf_source *s, bool *ready, sheaf_error *err)
{
    shf_loss_token token;
    *ready = false;
    if (s->ended) return shf_fail(err, SHEAF_ERR_STATE, "the loss stream has ended, or its reader has failed");
    sheaf_status status = SHEAF_OK;
    if (s->waiting) {
        shf_csr_clear(&s->csr);
        status = begin_packet(s, err);
    }
    if (!status && shf_loss_parser_last(&s->parser, &token)) {
        s->stats.missing_delimiter = 1;
        status = end_packet(s, &token, err);
        if (!status && s->options.open_end == SHEAF_LOSS_REFUSE) {
            status = shf_fail(err, SHEAF_ERR_TRUNCATED, "the stream ends at byte %llu without the delimiter of event %d, item %d",
                              (unsigned long long)s->parser.offset, s->parser.event_id, s->parser.item_id);
        }
    } else if (!status) {
        status = settle_cut(s, err);
    }
    if (status) return located(s, status, err);
    s->ended = true;
    *ready = s->csr.has_event && s->csr.n_items > 0;
    s->stats.events += *ready;
    return SHEAF_OK;
}

// SPDX-License-Identifier: Apache-2.0
/* Stream to text. Blocks may be cut anywhere: each carries the parser's state before its first byte. */
#include "sheaf/loss.h"

#include <string.h>

#include "base/alloc.h"
#include "format/loss_stream.h"
#include "format/loss_text.h"
#include "loss/pipeline.h"

#define BLOCK_BYTES ((size_t)512 << 10)
#define LINES 64

/* Where a block begins. */
typedef struct place {
    shf_loss_parser parser;
    bool had_packet; /* a packet came before: parser has its ids */
    bool had_pairs;  /* the current packet has had pairs */
    bool told_end;   /* the end of the packet before is in the text already */
} place;

struct sheaf_loss_csv {
    sheaf_loss_csv_options options;
    sheaf_loss_sink sink;
    void *context;
    shf_pipeline *pipeline;
    place at;
    bool begun, failed;
    sheaf_loss_stats stats;
};

void sheaf_loss_csv_options_init(sheaf_loss_csv_options *options)
{
    *options = (sheaf_loss_csv_options){.size_bytes = sizeof *options, .decimals = -1, .id_name = NULL, .header = true};
}

/* ---- the job ---- */

typedef struct printer {
    const sheaf_loss_csv *csv;
    shf_buf *out;
    char prefix[64], suffix[64];
    size_t prefix_n, suffix_n;
} printer;

static void set_packet(printer *w, const shf_loss_parser *p)
{
    size_t n = shf_loss_print_i32(w->prefix, p->event_id);
    w->prefix[n++] = ',';
    n += shf_loss_print_i32(w->prefix + n, p->item_id);
    w->prefix[n++] = ',';
    w->prefix_n = n;
    n = 0;
    if (shf_loss_is_summary(&p->header) && w->csv->options.decimals < 0) {
        w->suffix[n++] = ',';
        n += shf_loss_print_bits(w->suffix + n, p->exposure_bits);
    }
    w->suffix[n++] = '\n';
    w->suffix_n = n;
}

static sheaf_status print_pairs(printer *w, const uint8_t *pairs, size_t n, sheaf_error *err)
{
    for (size_t i = 0; i < n; i += LINES) {
        size_t part = n - i < LINES ? n - i : LINES;
        SHF_TRY(shf_buf_reserve(w->out, (LINES + 4) * SHF_LOSS_LINE_ROOM, err));
        char *to = (char *)w->out->data + w->out->size;
        char *end = shf_loss_print_pairs(to, pairs + i * 8, part, w->prefix, w->prefix_n, w->suffix, w->suffix_n, w->csv->options.decimals);
        w->out->size += (size_t)(end - to);
    }
    return SHEAF_OK;
}

/* A line with sidx 0: the packet ends here. */
static sheaf_status print_end(printer *w, uint32_t bits, sheaf_error *err)
{
    uint8_t pair[8] = {0};
    memcpy(pair + 4, &bits, 4);
    return print_pairs(w, pair, 1, err);
}

/* Follows the tokens: what has been told. In the caller's walk w is NULL. */
static sheaf_status take_token(place *at, const shf_loss_token *token, const shf_loss_parser *before, printer *w, sheaf_error *err)
{
    const shf_loss_parser *p = &at->parser;
    bool lossless = w && w->csv->options.decimals < 0;
    if (token->kind == SHF_LOSS_PACKET) {
        bool same =
            at->had_packet && before->event_id == p->event_id && before->item_id == p->item_id && before->exposure_bits == p->exposure_bits;
        if (w) set_packet(w, p);
        if (lossless && same && !at->told_end) SHF_TRY(print_end(w, 0, err));
        at->had_packet = true;
        at->had_pairs = false;
    } else if (token->kind == SHF_LOSS_PAIRS) {
        at->had_pairs = true;
        if (w) SHF_TRY(print_pairs(w, token->pairs, token->n_pairs, err));
    } else if (token->kind == SHF_LOSS_END) {
        at->told_end = !at->had_pairs || token->end_bits != 0;
        if (lossless && at->told_end) SHF_TRY(print_end(w, token->end_bits, err));
    }
    return SHEAF_OK;
}

static void job(void *context, shf_slice *slice)
{
    sheaf_loss_csv *csv = context;
    place at;
    memcpy(&at, slice->state, sizeof at);
    printer w = {.csv = csv, .out = &slice->out[0], .prefix_n = 0};
    set_packet(&w, &at.parser);
    size_t used = 0;
    for (;;) {
        shf_loss_token token;
        shf_loss_parser before = at.parser;
        used += shf_loss_parser_next(&at.parser, slice->in.data + used, slice->in.size - used, &token);
        if (token.kind == SHF_LOSS_NEED_INPUT) return;
        slice->status = take_token(&at, &token, &before, &w, &slice->error);
        if (slice->status) return;
    }
}

/* ---- the caller's side ---- */

static sheaf_status done(void *context, shf_slice *slice, sheaf_error *err)
{
    sheaf_loss_csv *csv = context;
    return slice->out[0].size ? csv->sink(csv->context, slice->out[0].data, slice->out[0].size, err) : SHEAF_OK;
}

sheaf_status sheaf_loss_csv_create(const sheaf_loss_csv_options *options, sheaf_loss_sink sink, void *context, sheaf_loss_csv **out,
                                   sheaf_error *err)
{
    *out = NULL;
    sheaf_loss_csv *csv = shf_calloc(1, sizeof *csv);
    if (!csv) return shf_fail_memory(err, sizeof *csv, "a text writer");
    sheaf_loss_csv_options_init(&csv->options);
    sheaf_status status = SHEAF_OK;
    if (options && (options->size_bytes == 0 || options->size_bytes > sizeof *options || options->decimals > 9)) {
        status = shf_fail(err, SHEAF_ERR_ARGUMENT, "text options: %zu bytes (at most %zu), %d decimals (at most 9)", options->size_bytes,
                          sizeof *options, options->decimals);
    } else if (options) {
        memcpy(&csv->options, options, options->size_bytes);
    }
    const shf_pipeline_calls calls = {job, done, NULL};
    if (!status) status = shf_pipeline_create(csv->options.n_threads, sizeof(place), &calls, csv, &csv->pipeline, err);
    csv->sink = sink;
    csv->context = context;
    shf_loss_parser_init(&csv->at.parser);
    if (status) sheaf_loss_csv_free(&csv);
    *out = csv;
    return status;
}

/* The lines before the first packet. */
static sheaf_status begin(sheaf_loss_csv *csv, sheaf_error *err)
{
    const shf_loss_header *h = &csv->at.parser.header;
    bool summary = shf_loss_is_summary(h);
    shf_buf head = {0};
    sheaf_status status = shf_loss_header_check(h, err);
    if (!status && csv->options.exact) {
        status = shf_buf_printf(&head, err, "# loss stream word %u samples %d set %d\n", h->word, h->n_samples, h->set_id);
    }
    const char *name = csv->options.id_name         ? csv->options.id_name
                       : summary                    ? "summary_id"
                       : (h->word & 0xffffffu) == 2 ? "coverage_id"
                                                    : "item_id";
    if (!status && csv->options.header) {
        status =
            shf_buf_printf(&head, err, "event_id,%s,sidx,loss%s\n", name, summary && csv->options.decimals < 0 ? ",exposure_value" : "");
    }
    if (!status && head.size) status = csv->sink(csv->context, head.data, head.size, err);
    shf_buf_free(&head);
    csv->begun = status == SHEAF_OK;
    return status;
}

/* Follows the tokens of new bytes, so that the next block knows where it begins. */
static sheaf_status walk(sheaf_loss_csv *csv, const uint8_t *bytes, size_t n, sheaf_error *err)
{
    size_t used = 0;
    for (;;) {
        shf_loss_token token;
        shf_loss_parser before = csv->at.parser;
        used += shf_loss_parser_next(&csv->at.parser, bytes + used, n - used, &token);
        if (token.kind == SHF_LOSS_NEED_INPUT) return SHEAF_OK;
        if (token.kind == SHF_LOSS_HEADER) SHF_TRY(begin(csv, err));
        csv->stats.packets += token.kind == SHF_LOSS_PACKET;
        if (token.kind == SHF_LOSS_PAIRS) csv->stats.pairs += token.n_pairs;
        SHF_TRY(take_token(&csv->at, &token, &before, NULL, err));
    }
}

sheaf_status sheaf_loss_csv_feed(sheaf_loss_csv *csv, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    const uint8_t *from = bytes;
    if (csv->failed) return shf_fail(err, SHEAF_ERR_STATE, "the text writer has failed");
    csv->failed = true;
    while (n_bytes > 0) {
        shf_slice *slice = shf_pipeline_slice(csv->pipeline);
        size_t room = BLOCK_BYTES - slice->in.size, part = n_bytes < room ? n_bytes : room;
        if (slice->in.size == 0) memcpy(slice->state, &csv->at, sizeof csv->at);
        SHF_TRY(shf_buf_append(&slice->in, from, part, err));
        SHF_TRY(walk(csv, from, part, err));
        csv->stats.bytes += part;
        from += part;
        n_bytes -= part;
        if (slice->in.size == BLOCK_BYTES) SHF_TRY(shf_pipeline_submit(csv->pipeline, err));
    }
    csv->failed = false;
    return SHEAF_OK;
}

sheaf_status sheaf_loss_csv_finish(sheaf_loss_csv *csv, sheaf_error *err)
{
    if (csv->failed) return shf_fail(err, SHEAF_ERR_STATE, "the text writer has failed");
    csv->failed = true;
    if (shf_pipeline_slice(csv->pipeline)->in.size) SHF_TRY(shf_pipeline_submit(csv->pipeline, err));
    SHF_TRY(shf_pipeline_drain(csv->pipeline, err));
    shf_loss_token token;
    if (shf_loss_parser_last(&csv->at.parser, &token)) {
        csv->stats.missing_delimiter = 1;
        shf_buf last = {0};
        printer w = {.csv = csv, .out = &last, .prefix_n = 0};
        set_packet(&w, &csv->at.parser);
        bool empty = csv->options.decimals < 0 && !csv->at.had_pairs;
        sheaf_status status = empty && !csv->options.exact ? print_end(&w, 0, err) : SHEAF_OK;
        if (!status && empty && csv->options.exact) {
            status = shf_buf_printf(&last, err, "# empty packet %.*s0,0%.*s", (int)w.prefix_n, w.prefix, (int)w.suffix_n, w.suffix);
        }
        if (!status && csv->options.exact) status = shf_buf_append_text(&last, "# no last delimiter\n", err);
        if (!status && last.size) status = csv->sink(csv->context, last.data, last.size, err);
        shf_buf_free(&last);
        SHF_TRY(status);
    }
    return shf_loss_parser_finish(&csv->at.parser, err);
}

const sheaf_loss_stats *sheaf_loss_csv_stats(const sheaf_loss_csv *csv)
{
    return &csv->stats;
}

void sheaf_loss_csv_free(sheaf_loss_csv **csv)
{
    if (!csv || !*csv) return;
    shf_pipeline_free((*csv)->pipeline);
    shf_free(*csv);
    *csv = NULL;
}
